/* SPDX-License-Identifier: MIT */
/* A line of the log as JSON, made from its pairs: so both formats say the same, and what is wrong
 * with one of them shows in a log, not in a program that ends. */
#include "log_json.h"

#include <string.h>

enum { NAMES_MAX = 24, NAME_BYTES = 48, VALUE_BYTES = 8192, DIGITS_MAX = 15 };

struct reader {
    const char *p, *end;
    struct json_out *o;
    const char *const *taken;
    size_t names;
    struct str name[NAMES_MAX]; /* as they were written, in `room` */
    char room[NAMES_MAX][NAME_BYTES + NAMES_MAX + 8];
};

static bool is_name_char(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' ||
           c == '-' || c == '.';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* The name before an equals sign; the absent span: no pair begins here that could be taken. */
static struct str read_name(struct reader *r)
{
    const char *p = r->p;
    struct str name;

    while (p < r->end && is_name_char(*p))
        p++;
    if (p == r->p || p == r->end || *p != '=' || p - r->p > NAME_BYTES || r->names == NAMES_MAX)
        return (struct str){0};
    name = (struct str){r->p, (size_t)(p - r->p)};
    r->p = p + 1;
    return name;
}

static bool is_taken(const struct reader *r, struct str name)
{
    size_t i;

    for (i = 0; r->taken && r->taken[i]; i++) {
        if (str_is(name, r->taken[i]))
            return true;
    }
    for (i = 0; i < r->names; i++) {
        if (str_eq(r->name[i], name))
            return true;
    }
    return str_is(name, "text");
}

static void put_name(struct reader *r, struct str given)
{
    struct str name = {r->room[r->names], given.n};

    memcpy(r->room[r->names], given.p, given.n);
    while (is_taken(r, name))
        r->room[r->names][name.n++] = '_';
    r->name[r->names++] = name;
    json_key_str(r->o, name);
}

/* ---- values ---- */

/* Behind the opening quote. What was cut off ends where the text does. */
static void put_quoted(struct reader *r)
{
    char room[VALUE_BYTES + 1];
    struct buf b = BUF_IN(room);

    while (r->p < r->end && *r->p != '"') {
        if (*r->p == '\\' && r->p + 1 < r->end)
            r->p++;
        buf_char(&b, *r->p++);
    }
    r->p += r->p < r->end;
    json_put_str(r->o, b.len > 0 ? buf_span(&b) : STR_LIT(""));
}

/* As JSON has numbers, and short enough for every reader of them. */
static bool is_number(struct str w)
{
    size_t i = w.n > 0 && w.p[0] == '-', from = i;

    while (i < w.n && is_digit(w.p[i]))
        i++;
    if (i == from || i - from > DIGITS_MAX || (w.p[from] == '0' && i - from > 1))
        return false;
    if (i == w.n)
        return true;
    if (w.p[i++] != '.')
        return false;
    for (from = i; i < w.n && is_digit(w.p[i]);)
        i++;
    return i == w.n && i > from && i - from <= DIGITS_MAX;
}

static void put_word(struct reader *r, bool text)
{
    struct str w = {r->p, 0};

    while (r->p < r->end && *r->p != ' ')
        r->p++;
    w.n = (size_t)(r->p - w.p);
    if (!text && (is_number(w) || str_is(w, "true") || str_is(w, "false")))
        json_put_raw(r->o, w);
    else
        json_put_str(r->o, w);
}

/* An id is text, also where it happens to be of digits. */
static void put_value(struct reader *r, struct str name)
{
    if (r->p < r->end && *r->p == '"') {
        r->p++;
        put_quoted(r);
    } else {
        put_word(r, str_is(name, "id"));
    }
}

void log_json_pairs(struct json_out *o, const char *const *taken, struct str text)
{
    struct reader r = {.p = text.p, .end = text.p + text.n, .o = o, .taken = taken};
    struct str name;

    for (;;) {
        while (r.p < r.end && *r.p == ' ')
            r.p++;
        if (r.p == r.end)
            return;
        name = read_name(&r);
        if (!name.p)
            break;
        put_name(&r, name);
        put_value(&r, name);
    }
    json_key(o, "text");
    json_put_str(o, (struct str){r.p, (size_t)(r.end - r.p)});
}
