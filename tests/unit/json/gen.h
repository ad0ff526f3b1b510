/* SPDX-License-Identifier: MIT */
/* Random JSON texts, written oddly: every escape in every spelling, white space everywhere, numbers
 * no type can hold. */
#ifndef AR_GEN_JSON_H
#define AR_GEN_JSON_H

#include "buf.h"
#include "prop.h"

static void gen_space(struct prop *r, struct buf *b)
{
    while (prop_one_in(r, 3))
        buf_char(b, " \t\n\r"[prop_below(r, 4)]);
}

/* A code point, without surrogates and 0; those that JSON treats in a special way come often. */
static uint32_t gen_code(struct prop *r)
{
    static const uint32_t below[] = {0x20, 0x80, 0x80, 0x80, 0x800, 0xD800, 0x10000, 0x110000};
    static const char special[] = "\"\\/\b\f\n\r\t~";
    uint32_t c;

    if (prop_one_in(r, 4))
        return (unsigned char)special[prop_below(r, sizeof special - 1)];
    do {
        c = (uint32_t)prop_below(r, below[prop_below(r, ARRAY_LEN(below))]);
    } while (c == 0 || (c >= 0xD800 && c <= 0xDFFF));
    return c;
}

static void gen_utf8(struct buf *b, uint32_t c)
{
    if (c < 0x80) {
        buf_char(b, (char)c);
        return;
    }
    if (c >= 0x10000)
        buf_char(b, (char)(0xF0 | c >> 18));
    if (c >= 0x800)
        buf_char(b, (char)(c >= 0x10000 ? 0x80 | (c >> 12 & 63) : 0xE0 | c >> 12));
    buf_char(b, (char)(c >= 0x800 ? 0x80 | (c >> 6 & 63) : 0xC0 | c >> 6));
    buf_char(b, (char)(0x80 | (c & 63)));
}

static void gen_u(struct prop *r, struct buf *b, uint32_t c)
{
    buf_printf(b, prop_one_in(r, 2) ? "\\u%04x" : "\\u%04X", c);
}

static void gen_char(struct prop *r, struct buf *b, uint32_t c)
{
    static const char from[] = "\"\\/\b\f\n\r\t", to[] = "\"\\/bfnrt";
    size_t i;

    if (prop_one_in(r, 5) || (c < 0x20 && prop_one_in(r, 2))) {
        if (c >= 0x10000)
            gen_u(r, b, 0xD800 + ((c - 0x10000) >> 10));
        gen_u(r, b, c >= 0x10000 ? 0xDC00 + ((c - 0x10000) & 1023) : c);
        return;
    }
    for (i = 0; i < sizeof from - 1; i++) {
        if (c == (unsigned char)from[i] && (c != '/' || prop_one_in(r, 2))) {
            buf_char(b, '\\');
            buf_char(b, to[i]);
            return;
        }
    }
    if (c < 0x20)
        gen_u(r, b, c);
    else
        gen_utf8(b, c);
}

static void gen_string(struct prop *r, struct buf *b)
{
    size_t n = prop_one_in(r, 20) ? prop_below(r, 200) : prop_below(r, 8);

    buf_char(b, '"');
    while (n-- > 0)
        gen_char(r, b, gen_code(r));
    buf_char(b, '"');
}

static void gen_digits(struct prop *r, struct buf *b)
{
    size_t n = prop_one_in(r, 20) ? 1 + prop_below(r, 120) : 1 + prop_below(r, 4);

    while (n-- > 0)
        buf_char(b, "0123456789"[prop_below(r, 10)]);
}

static void gen_number(struct prop *r, struct buf *b)
{
    if (prop_one_in(r, 3))
        buf_char(b, '-');
    if (prop_one_in(r, 4)) {
        buf_char(b, '0');
    } else {
        buf_char(b, "123456789"[prop_below(r, 9)]);
        if (prop_one_in(r, 2))
            gen_digits(r, b);
    }
    if (prop_one_in(r, 3)) {
        buf_char(b, '.');
        gen_digits(r, b);
    }
    if (prop_one_in(r, 4)) {
        buf_char(b, "eE"[prop_below(r, 2)]);
        buf_str(b, (const char *[]){"", "+", "-"}[prop_below(r, 3)]);
        gen_digits(r, b);
    }
}

static void gen_value(struct prop *r, struct buf *b, size_t depth);

/* Names that begin with a running number are unique; a few are left to chance. */
static void gen_container(struct prop *r, struct buf *b, size_t depth)
{
    size_t n = prop_one_in(r, 30) ? prop_below(r, 40) : prop_below(r, 5), i;
    bool object = prop_one_in(r, 2);

    buf_char(b, object ? '{' : '[');
    gen_space(r, b);
    for (i = 0; i < n; i++) {
        if (i > 0)
            buf_char(b, ',');
        gen_space(r, b);
        if (object) {
            gen_string(r, b);
            if (!prop_one_in(r, 100)) {
                b->len--; /* the closing quote */
                buf_printf(b, "%zu\"", (i * 7 + 3) % 41);
            }
            gen_space(r, b);
            buf_char(b, ':');
        }
        gen_value(r, b, depth + 1);
    }
    buf_char(b, object ? '}' : ']');
}

static void gen_value(struct prop *r, struct buf *b, size_t depth)
{
    static void (*const scalars[])(struct prop *, struct buf *) = {gen_string, gen_number};
    static const char *const words[] = {"true", "false", "null"};
    size_t kind = prop_below(r, depth < 15 ? 5 : 3);

    gen_space(r, b);
    if (kind < ARRAY_LEN(scalars))
        scalars[kind](r, b);
    else if (kind == 2)
        buf_str(b, words[prop_below(r, ARRAY_LEN(words))]);
    else
        gen_container(r, b, depth);
    gen_space(r, b);
}

#endif
