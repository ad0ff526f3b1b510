/* SPDX-License-Identifier: MIT */
/*
 * The slow and obvious reference for JSON: reads byte by byte what json_in says it takes, and
 * writes it sorted. Nothing of common/json_* or common/utf8 is used. UTF-8 is checked by decoding,
 * encoding again and comparing.
 */
#ifndef AR_SLOW_JSON_H
#define AR_SLOW_JSON_H

#include <stdlib.h>
#include <string.h>

#include "buf.h"

enum { SLOW_DEPTH = 16, SLOW_NUMBER = 4096 };

struct slow_value {
    char kind;       /* { [ " 0 t f n */
    struct str text; /* of a string: unescaped; of a number: as written */
    struct str name; /* in its object */
    struct slow_value *first, *next;
};

struct slow {
    const unsigned char *p, *end;
    int depth;
    char *arena;
    size_t used;
    bool bad;
};

static inline void *slow_alloc(struct slow *s, size_t n)
{
    void *p = s->arena + s->used;

    s->used += (n + 15) / 16 * 16;
    return p;
}

static inline int slow_peek(const struct slow *s)
{
    return s->p < s->end ? *s->p : -1;
}

static inline bool slow_take(struct slow *s, int c)
{
    if (slow_peek(s) != c)
        return false;
    s->p++;
    return true;
}

static inline void slow_need(struct slow *s, int c)
{
    if (!slow_take(s, c))
        s->bad = true;
}

static inline void slow_space(struct slow *s)
{
    while (slow_take(s, ' ') || slow_take(s, '\t') || slow_take(s, '\n') || slow_take(s, '\r'))
        ;
}

/* How many bytes a code point needs, and those bytes. */
static inline int slow_encode(uint32_t c, unsigned char out[4])
{
    if (c < 0x80) {
        out[0] = (unsigned char)c;
        return 1;
    }
    if (c < 0x800) {
        out[0] = (unsigned char)(0xC0 + c / 64);
        out[1] = (unsigned char)(0x80 + c % 64);
        return 2;
    }
    if (c < 0x10000) {
        out[0] = (unsigned char)(0xE0 + c / 4096);
        out[1] = (unsigned char)(0x80 + c / 64 % 64);
        out[2] = (unsigned char)(0x80 + c % 64);
        return 3;
    }
    out[0] = (unsigned char)(0xF0 + c / 262144);
    out[1] = (unsigned char)(0x80 + c / 4096 % 64);
    out[2] = (unsigned char)(0x80 + c / 64 % 64);
    out[3] = (unsigned char)(0x80 + c % 64);
    return 4;
}

/* The length of the valid UTF-8 character at p, or 0: every code point that fits the bytes is a
 * candidate. */
static inline int slow_utf8(const unsigned char *p, const unsigned char *end)
{
    unsigned char again[4];
    uint32_t c;
    int n;

    if (p == end)
        return 0;
    n = *p < 0x80 ? 1 : *p < 0xE0 ? 2 : *p < 0xF0 ? 3 : 4;
    if (end - p < n)
        return 0;
    c = n == 1   ? p[0]
        : n == 2 ? (p[0] & 31u) * 64 + (p[1] & 63u)
        : n == 3 ? (p[0] & 15u) * 4096 + (p[1] & 63u) * 64 + (p[2] & 63u)
                 : (p[0] & 7u) * 262144 + (p[1] & 63u) * 4096 + (p[2] & 63u) * 64 + (p[3] & 63u);
    if (c > 0x10FFFF || (c >= 0xD800 && c <= 0xDFFF))
        return 0;
    return slow_encode(c, again) == n && memcmp(again, p, (size_t)n) == 0 ? n : 0;
}

static inline uint32_t slow_hex(struct slow *s)
{
    static const char digits[] = "0123456789abcdefABCDEF";
    uint32_t v = 0;
    int i;

    for (i = 0; i < 4; i++) {
        int c = slow_peek(s);
        const char *d = c > 0 ? strchr(digits, c) : NULL;

        if (!d) {
            s->bad = true;
            return 0;
        }
        v = v * 16 + (uint32_t)(d - digits < 16 ? d - digits : d - digits - 6);
        s->p++;
    }
    return v;
}

static inline uint32_t slow_escape(struct slow *s)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    int c = slow_peek(s);
    const char *at = c > 0 ? strchr(from, c) : NULL;
    uint32_t high, low;

    if (at) {
        s->p++;
        return (unsigned char)to[at - from];
    }
    slow_need(s, 'u');
    high = slow_hex(s);
    if (high < 0xD800 || high > 0xDFFF) {
        s->bad = s->bad || high == 0;
        return high;
    }
    slow_need(s, '\\');
    slow_need(s, 'u');
    low = slow_hex(s);
    if (high > 0xDBFF || low < 0xDC00 || low > 0xDFFF) {
        s->bad = true;
        return '?';
    }
    return 0x10000 + (high - 0xD800) * 1024 + (low - 0xDC00);
}

static inline struct str slow_string(struct slow *s)
{
    char *out;
    size_t n = 0;

    slow_need(s, '"');
    out = s->arena + s->used;
    while (!s->bad && !slow_take(s, '"')) {
        int len = slow_utf8(s->p, s->end);

        if (len == 0 || slow_peek(s) < 0x20) {
            s->bad = true;
        } else if (slow_take(s, '\\')) {
            n += (size_t)slow_encode(slow_escape(s), (unsigned char *)out + n);
        } else {
            memcpy(out + n, s->p, (size_t)len);
            s->p += len;
            n += (size_t)len;
        }
    }
    return (struct str){slow_alloc(s, n), n};
}

static inline void slow_digits(struct slow *s)
{
    bool any = false;

    while (slow_peek(s) >= '0' && slow_peek(s) <= '9') {
        s->p++;
        any = true;
    }
    s->bad = s->bad || !any;
}

static inline struct str slow_number(struct slow *s)
{
    struct str text = {(const char *)s->p, 0};

    (void)slow_take(s, '-');
    if (!slow_take(s, '0'))
        slow_digits(s);
    if (slow_take(s, '.'))
        slow_digits(s);
    if (slow_take(s, 'e') || slow_take(s, 'E')) {
        if (!slow_take(s, '+'))
            (void)slow_take(s, '-');
        slow_digits(s);
    }
    text.n = (size_t)((const char *)s->p - text.p);
    s->bad = s->bad || text.n > SLOW_NUMBER;
    return text;
}

static inline struct slow_value *slow_value(struct slow *s);

static inline void slow_name(struct slow *s, struct slow_value *object, struct str *name)
{
    struct slow_value *v;

    *name = slow_string(s);
    for (v = object->first; v; v = v->next) {
        if (v->name.n == name->n && memcmp(v->name.p, name->p, name->n) == 0)
            s->bad = true;
    }
    slow_space(s);
    slow_need(s, ':');
}

static inline void slow_container(struct slow *s, struct slow_value *v)
{
    struct slow_value **link = &v->first;
    char close = v->kind == '{' ? '}' : ']';

    s->p++;
    s->bad = s->bad || ++s->depth > SLOW_DEPTH;
    slow_space(s);
    if (!slow_take(s, close)) {
        do {
            struct str name = {0};

            slow_space(s);
            if (v->kind == '{')
                slow_name(s, v, &name);
            if (s->bad)
                return;
            *link = slow_value(s);
            (*link)->name = name;
            link = &(*link)->next;
            slow_space(s);
        } while (!s->bad && slow_take(s, ','));
        slow_need(s, close);
    }
    s->depth--;
}

static inline void slow_word(struct slow *s, const char *word)
{
    while (*word)
        slow_need(s, *word++);
}

static inline struct slow_value *slow_value(struct slow *s)
{
    struct slow_value *v = slow_alloc(s, sizeof *v);
    int c;

    memset(v, 0, sizeof *v);
    slow_space(s);
    c = slow_peek(s);
    v->kind = (char)(c == '-' || (c >= '0' && c <= '9') ? '0' : c);
    if (c == '{' || c == '[')
        slow_container(s, v);
    else if (c == '"')
        v->text = slow_string(s);
    else if (c == 't')
        slow_word(s, "true");
    else if (c == 'f')
        slow_word(s, "false");
    else if (c == 'n')
        slow_word(s, "null");
    else
        v->text = slow_number(s);
    return v;
}

/* The value of the text, in memory that *arena holds; NULL when the text is refused. The caller
 * frees *arena. */
static inline struct slow_value *slow_parse(struct str text, void **arena)
{
    struct slow s = {.p = (const unsigned char *)text.p,
                     .end = (const unsigned char *)text.p + text.n};
    struct slow_value *v;

    s.arena = *arena = malloc(text.n * 96 + 1024);
    if (!s.arena)
        abort();
    v = slow_value(&s);
    slow_space(&s);
    return s.bad || s.p != s.end ? NULL : v;
}

/* A string as JSON, of text that is valid UTF-8. */
static inline void slow_quote(struct buf *b, struct str text)
{
    static const char from[] = "\"\\\b\f\n\r\t", to[] = "\"\\bfnrt";
    size_t i;

    buf_char(b, '"');
    for (i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];
        const char *at = c ? strchr(from, c) : NULL;

        if (at)
            buf_printf(b, "\\%c", to[at - from]);
        else if (c < 0x20)
            buf_printf(b, "\\u%04x", c);
        else
            buf_char(b, (char)c);
    }
    buf_char(b, '"');
}

/* The member with the smallest name above `last`; of an array, the element after the one given. */
static inline const struct slow_value *slow_next(const struct slow_value *v,
                                                 const struct slow_value *last)
{
    const struct slow_value *best = NULL, *m;

    if (v->kind == '[')
        return last ? last->next : v->first;
    for (m = v->first; m; m = m->next) {
        if ((!last || str_cmp(m->name, last->name) > 0) &&
            (!best || str_cmp(m->name, best->name) < 0))
            best = m;
    }
    return best;
}

static inline void slow_write(struct buf *b, const struct slow_value *v)
{
    const struct slow_value *m = NULL;

    if (v->kind == '"') {
        slow_quote(b, v->text);
    } else if (v->kind == '{' || v->kind == '[') {
        buf_char(b, v->kind);
        while ((m = slow_next(v, m)) != NULL) {
            if (b->data[b->len - 1] != v->kind) /* no value ends as a container begins */
                buf_char(b, ',');
            if (v->kind == '{') {
                slow_quote(b, m->name);
                buf_char(b, ':');
            }
            slow_write(b, m);
        }
        buf_char(b, v->kind == '{' ? '}' : ']');
    } else if (v->kind == '0') {
        buf_add(b, v->text.p, v->text.n);
    } else {
        buf_str(b, v->kind == 't' ? "true" : v->kind == 'f' ? "false" : "null");
    }
}

#endif
