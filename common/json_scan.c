/* SPDX-License-Identifier: MIT */
/*
 * The strict JSON scanner: recursive descent over RFC 8259's grammar, as deep as its caller allows.
 * It keeps no tree, only where the texts of strings, names and numbers stand.
 */
#include "json_scan.h"

#include <stdlib.h>
#include <string.h>

#include "utf8.h"

enum { HEX_DIGITS = 4, U_LENGTH = 6, PAIR_LENGTH = 2 * U_LENGTH };

struct scan {
    const char *start, *p, *end;
    unsigned depth, levels; /* where it is, and how deep it may go */
    struct json_scan *out;
    size_t cap; /* of out->text */
    struct err *e;
};

static size_t byte_of(const struct scan *s, const char *p)
{
    return (size_t)(p - s->start) + 1;
}

/* What is wrong at s->p. */
static int fail(struct scan *s, const char *what)
{
    if (s->p == s->end)
        return err_set(s->e, ERR_MALFORMED_JSON, "%s, but the text ends after %zu bytes", what,
                       (size_t)(s->end - s->start));
    return err_set(s->e, ERR_MALFORMED_JSON, "%s at byte %zu", what, byte_of(s, s->p));
}

/* Notes the text from `from` up to `to`. */
static int note(struct scan *s, const char *from, const char *to)
{
    size_t wanted = s->cap ? s->cap * 2 : 32;
    void *p;

    if (s->out->texts == s->cap) {
        p = realloc(s->out->text, wanted * sizeof *s->out->text);
        if (!p)
            return err_set(s->e, ERR_INTERNAL, "no memory to read JSON");
        s->out->text = p;
        s->cap = wanted;
    }
    s->out->text[s->out->texts++] = (struct str){from, (size_t)(to - from)};
    return 0;
}

static bool peek(const struct scan *s, char c)
{
    return s->p < s->end && *s->p == c;
}

static bool peek_digit(const struct scan *s)
{
    return s->p < s->end && *s->p >= '0' && *s->p <= '9';
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

/* The number of four hexadecimal digits, or -1. */
static int32_t hex4(const char *p, const char *end)
{
    int32_t v = 0;
    size_t i;

    if (end - p < HEX_DIGITS)
        return -1;
    for (i = 0; i < HEX_DIGITS; i++) {
        char c = p[i], lower = (char)(c | 0x20);

        if (c >= '0' && c <= '9')
            v = v * 16 + (c - '0');
        else if (lower >= 'a' && lower <= 'f')
            v = v * 16 + (lower - 'a' + 10);
        else
            return -1;
    }
    return v;
}

static bool is_high_surrogate(int32_t v)
{
    return v >= 0xD800 && v <= 0xDBFF;
}

static bool is_low_surrogate(int32_t v)
{
    return v >= 0xDC00 && v <= 0xDFFF;
}

/* s->p stands on the backslash of \uXXXX. */
static int scan_unicode(struct scan *s)
{
    int32_t v = hex4(s->p + 2, s->end), low;

    if (v < 0)
        return fail(s, "\\u without four hexadecimal digits");
    if (v == 0)
        return fail(s, "U+0000, which is not taken,");
    if (is_low_surrogate(v))
        return fail(s, "a lone low surrogate");
    if (!is_high_surrogate(v)) {
        s->p += U_LENGTH;
        return 0;
    }
    if (s->end - s->p < PAIR_LENGTH || s->p[U_LENGTH] != '\\' || s->p[U_LENGTH + 1] != 'u')
        return fail(s, "a lone high surrogate");
    low = hex4(s->p + U_LENGTH + 2, s->end);
    if (!is_low_surrogate(low))
        return fail(s, "a lone high surrogate");
    s->p += PAIR_LENGTH;
    return 0;
}

/* s->p stands on a backslash. */
static int scan_escape(struct scan *s)
{
    if (s->end - s->p < 2 || s->p[1] == '\0' || !strchr("\"\\/bfnrtu", s->p[1]))
        return fail(s, "an escape that JSON does not have");
    if (s->p[1] == 'u')
        return scan_unicode(s);
    s->p += 2;
    return 0;
}

int json_escape_length(const char *p, const char *end)
{
    ptrdiff_t left = end - p;
    int32_t v;

    if (left < 2)
        return 0;
    if (p[1] == '\0' || !strchr("\"\\/bfnrtu", p[1]))
        return -1;
    if (p[1] != 'u')
        return 2;
    if (left < U_LENGTH)
        return 0;
    v = hex4(p + 2, end);
    if (v < 0 || is_low_surrogate(v))
        return -1;
    if (!is_high_surrogate(v))
        return U_LENGTH;
    if (left < PAIR_LENGTH)
        return 0;
    p += U_LENGTH;
    return p[0] == '\\' && p[1] == 'u' && is_low_surrogate(hex4(p + 2, end)) ? PAIR_LENGTH : -1;
}

/* Bytes of a string that need no second look. */
static const bool plain[256] = {[' ' ... '!'] = true, ['#' ... '['] = true, [']' ... 0x7F] = true};

/* s->p stands on the opening quote, and in the end after the closing one. */
static int scan_string(struct scan *s)
{
    const char *from = ++s->p;
    size_t n;

    for (;;) {
        while (s->p < s->end && plain[(unsigned char)*s->p])
            s->p++;
        if (s->p == s->end)
            return fail(s, "a closing quote is expected");
        if (*s->p == '"')
            return note(s, from, s->p++);
        if (*s->p == '\\') {
            if (scan_escape(s) != 0)
                return -1;
            continue;
        }
        n = utf8_length(s->p, s->end);
        if (n == 0)
            return fail(s, "not valid UTF-8");
        if (n == 1)
            return fail(s, "a control character in a string");
        s->p += n;
    }
}

static int enter(struct scan *s)
{
    if (s->depth == s->levels)
        return err_set(s->e, ERR_MALFORMED_JSON, "nested deeper than %u levels at byte %zu",
                       s->levels, byte_of(s, s->p));
    s->depth++;
    s->p++;
    skip_space(s);
    return 0;
}

static int leave(struct scan *s)
{
    s->depth--;
    s->p++;
    return 0;
}

static int scan_value(struct scan *s);

static int scan_member(struct scan *s)
{
    skip_space(s);
    if (!peek(s, '"'))
        return fail(s, "a member's name in quotes is expected");
    if (scan_string(s) != 0)
        return -1;
    skip_space(s);
    if (!peek(s, ':'))
        return fail(s, "a colon is expected");
    s->p++;
    return scan_value(s);
}

static int scan_object(struct scan *s)
{
    if (enter(s) != 0)
        return -1;
    if (peek(s, '}'))
        return leave(s);
    for (;;) {
        if (scan_member(s) != 0)
            return -1;
        skip_space(s);
        if (peek(s, '}'))
            return leave(s);
        if (!peek(s, ','))
            return fail(s, "a comma or } is expected");
        s->p++;
    }
}

static int scan_array(struct scan *s)
{
    if (enter(s) != 0)
        return -1;
    if (peek(s, ']'))
        return leave(s);
    for (;;) {
        if (scan_value(s) != 0)
            return -1;
        skip_space(s);
        if (peek(s, ']'))
            return leave(s);
        if (!peek(s, ','))
            return fail(s, "a comma or ] is expected");
        s->p++;
    }
}

static int scan_digits(struct scan *s)
{
    if (!peek_digit(s))
        return fail(s, "a digit is expected");
    while (peek_digit(s))
        s->p++;
    return 0;
}

static int scan_whole(struct scan *s)
{
    if (!peek(s, '0'))
        return scan_digits(s);
    s->p++;
    return peek_digit(s) ? fail(s, "a digit after a leading zero") : 0;
}

static int scan_fraction(struct scan *s)
{
    if (!peek(s, '.'))
        return 0;
    s->p++;
    return scan_digits(s);
}

static int scan_exponent(struct scan *s)
{
    if (!peek(s, 'e') && !peek(s, 'E'))
        return 0;
    s->p++;
    if (peek(s, '+') || peek(s, '-'))
        s->p++;
    return scan_digits(s);
}

/* The number's text, without a look at its length. */
static int scan_digits_of(struct scan *s)
{
    if (peek(s, '-'))
        s->p++;
    return scan_whole(s) != 0 || scan_fraction(s) != 0 || scan_exponent(s) != 0 ? -1 : 0;
}

bool json_is_number(struct str text)
{
    struct err e;
    struct scan s = {.start = text.p, .p = text.p, .end = text.p + text.n, .e = &e};

    return scan_digits_of(&s) == 0 && s.p == s.end;
}

static int scan_number(struct scan *s)
{
    const char *from = s->p;

    if (scan_digits_of(s) != 0)
        return -1;
    if (s->p - from > JSON_NUMBER_MAX)
        return err_set(s->e, ERR_MALFORMED_JSON, "a number longer than %d bytes at byte %zu",
                       JSON_NUMBER_MAX, byte_of(s, from));
    return note(s, from, s->p);
}

static int scan_word(struct scan *s)
{
    static const struct str words[] = {
        {"true", 4},
        {"false", 5},
        {"null", 4},
    };
    size_t i, left = (size_t)(s->end - s->p);

    for (i = 0; i < ARRAY_LEN(words); i++) {
        if (left >= words[i].n && memcmp(s->p, words[i].p, words[i].n) == 0) {
            s->p += words[i].n;
            return 0;
        }
    }
    return fail(s, "a value is expected");
}

static int scan_value(struct scan *s)
{
    static int (*const by_first[256])(struct scan *) = {
        ['{'] = scan_object, ['['] = scan_array, ['"'] = scan_string, ['t'] = scan_word,
        ['f'] = scan_word,   ['n'] = scan_word,  ['-'] = scan_number, ['0' ... '9'] = scan_number,
    };
    int (*scan)(struct scan *);

    skip_space(s);
    scan = s->p < s->end ? by_first[(unsigned char)*s->p] : NULL;
    if (!scan)
        return fail(s, "a value is expected");
    return scan(s);
}

unsigned json_scan_levels(struct str text, unsigned levels)
{
    struct scan s = {.p = text.p, .end = text.p + text.n};

    skip_space(&s);
    return levels + peek(&s, '[');
}

int json_scan(struct str text, unsigned levels, struct json_scan *out, struct err *e)
{
    struct scan s = {
        .start = text.p, .p = text.p, .end = text.p + text.n, .levels = levels, .out = out, .e = e};
    int rc;

    *out = (struct json_scan){0};
    skip_space(&s);
    if (s.p == s.end)
        return err_set(e, ERR_MALFORMED_JSON, "there is no JSON: the text is empty");
    rc = scan_value(&s);
    skip_space(&s);
    if (rc == 0 && s.p != s.end)
        rc = fail(&s, "more text after the value");
    if (rc != 0)
        json_scan_free(out);
    return rc;
}

void json_scan_free(struct json_scan *scan)
{
    free(scan->text);
    *scan = (struct json_scan){0};
}

/* Writes what one escape means to *out, which may overlap it; returns where the escape ends. */
static const char *unescape_one(const char *p, const char *end, char **out)
{
    static const char letters[] = "bfnrt", bytes[] = "\b\f\n\r\t";
    const char *letter;
    int32_t v;

    if (p[1] != 'u') {
        letter = strchr(letters, p[1]);
        *(*out)++ = letter ? bytes[letter - letters] : p[1];
        return p + 2;
    }
    v = hex4(p + 2, end);
    p += U_LENGTH;
    if (is_high_surrogate(v)) {
        v = 0x10000 + ((v - 0xD800) << 10) + (hex4(p + 2, end) - 0xDC00);
        p += U_LENGTH;
    }
    *out += utf8_encode((uint32_t)v, *out);
    return p;
}

size_t json_unescape(char *text, size_t n)
{
    const char *p = memchr(text, '\\', n), *end = text + n;
    char *out;

    if (!p)
        return n;
    out = text + (p - text);
    while (p < end) {
        if (*p == '\\')
            p = unescape_one(p, end, &out);
        else
            *out++ = *p++;
    }
    return (size_t)(out - text);
}
