/* SPDX-License-Identifier: MIT */
/* JSON out: commas, and escaping in two passes: how long it will be,
 * then straight into the buffer. */
#include "json_out.h"

#include <string.h>

#include "utf8.h"

/* What stands in the place of a broken byte: U+FFFD. */
static const char replacement[] = "\xEF\xBF\xBD";
enum { REPLACEMENT = sizeof replacement - 1 };

/* How many bytes more than one a byte becomes; beyond ASCII that depends on its neighbours. */
enum { SHORT = 1, LONG = 5, BEYOND = 0xFF };
static const uint8_t extra[256] = {
    [0x00 ... 0x07] = LONG, ['\b'] = SHORT, ['\t'] = SHORT,           ['\n'] = SHORT,
    [0x0B] = LONG,          ['\f'] = SHORT, ['\r'] = SHORT,           [0x0E ... 0x1F] = LONG,
    ['"'] = SHORT,          ['\\'] = SHORT, [0x80 ... 0xFF] = BEYOND,
};

/* The second character of a short escape of a control character. */
static const char letters[0x20] = {
    ['\b'] = 'b', ['\t'] = 't', ['\n'] = 'n', ['\f'] = 'f', ['\r'] = 'r'};

static size_t escaped_length(const char *p, const char *end)
{
    size_t sum = (size_t)(end - p), n;

    while (p < end) {
        uint8_t more = extra[(unsigned char)*p];

        if (more != BEYOND) {
            sum += more;
            p++;
            continue;
        }
        n = utf8_length(p, end);
        if (n == 0)
            sum += REPLACEMENT - 1;
        p += n ? n : 1;
    }
    return sum;
}

static char *put_control(char *out, unsigned char c)
{
    static const char hex[] = "0123456789abcdef";

    *out++ = '\\';
    if (letters[c]) {
        *out++ = letters[c];
        return out;
    }
    *out++ = 'u';
    *out++ = '0';
    *out++ = '0';
    *out++ = hex[c >> 4];
    *out++ = hex[c & 15];
    return out;
}

/* Copies one character beyond ASCII, or the replacement of a broken byte; *p moves behind it. */
static char *put_beyond(char *out, const char **p, const char *end)
{
    size_t n = utf8_length(*p, end);

    if (n == 0) {
        memcpy(out, replacement, REPLACEMENT);
        (*p)++;
        return out + REPLACEMENT;
    }
    memcpy(out, *p, n);
    *p += n;
    return out + n;
}

static char *put_escaped(char *out, const char *p, const char *end)
{
    while (p < end) {
        unsigned char c = (unsigned char)*p;

        if (c >= 0x80) {
            out = put_beyond(out, &p, end);
        } else if (c < 0x20) {
            out = put_control(out, c);
            p++;
        } else {
            /* Data is full of quotes: without a branch they cost no more than letters. */
            *out = '\\';
            out += extra[c];
            *out++ = (char)c;
            p++;
        }
    }
    return out;
}

/* A comma if one is due, the text in quotes, and a tail, in one piece. */
static void add_quoted(struct buf *b, bool comma, struct str text, char tail)
{
    const char *end = text.n ? text.p + text.n : NULL;
    size_t n = text.n ? escaped_length(text.p, end) : 0;
    size_t all = n + 2 + comma + (tail != '\0');
    char *start = buf_room(b, all), *out = start;

    if (!start)
        return;
    if (comma)
        *out++ = ',';
    *out++ = '"';
    if (n == text.n && n > 0)
        memcpy(out, text.p, n);
    else if (n > 0)
        (void)put_escaped(out, text.p, end);
    out += n;
    *out++ = '"';
    if (tail != '\0')
        *out++ = tail;
    *out = '\0';
    b->len += all;
}

static void begin_value(struct json_out *o)
{
    if (o->comma)
        buf_char(o->b, ',');
    o->comma = true;
}

void json_open(struct json_out *o, char bracket)
{
    begin_value(o);
    buf_char(o->b, bracket);
    o->comma = false;
}

void json_close(struct json_out *o, char bracket)
{
    buf_char(o->b, bracket);
    o->comma = true;
}

/* Most of a list's bytes are names: they are not looked at. */
void json_key_as_is(struct json_out *o, struct str name)
{
    size_t all = name.n + 3 + o->comma;
    char *out = buf_room(o->b, all);

    if (out) {
        if (o->comma)
            *out++ = ',';
        *out++ = '"';
        memcpy(out, name.p, name.n);
        memcpy(out + name.n, "\":", sizeof "\":");
        o->b->len += all;
    }
    o->comma = false;
}

void json_key_str(struct json_out *o, struct str name)
{
    add_quoted(o->b, o->comma, name, ':');
    o->comma = false;
}

void json_put_str(struct json_out *o, struct str text)
{
    if (!text.p) {
        json_put_null(o);
        return;
    }
    add_quoted(o->b, o->comma, text, '\0');
    o->comma = true;
}

void json_put_buf(struct json_out *o, const struct buf *text)
{
    json_put_str(o, buf_span(text));
    buf_follow(o->b, text);
}

void json_put_i64(struct json_out *o, int64_t v)
{
    begin_value(o);
    buf_i64(o->b, v);
}

void json_put_bool(struct json_out *o, bool v)
{
    begin_value(o);
    buf_str(o->b, v ? "true" : "false");
}

void json_put_null(struct json_out *o)
{
    begin_value(o);
    buf_str(o->b, "null");
}

void json_put_raw(struct json_out *o, struct str json)
{
    if (!json.p) {
        json_put_null(o);
        return;
    }
    begin_value(o);
    buf_add(o->b, json.p, json.n);
}

void json_escape(struct buf *b, struct str text)
{
    add_quoted(b, false, text, '\0');
}

void json_pair_str(struct json_out *o, const char *name, struct str text)
{
    json_key(o, name);
    json_put_str(o, text);
}

void json_pair_i64(struct json_out *o, const char *name, int64_t v)
{
    json_key(o, name);
    json_put_i64(o, v);
}

void json_pair_null(struct json_out *o, const char *name)
{
    json_key(o, name);
    json_put_null(o);
}
