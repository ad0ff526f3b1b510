/* SPDX-License-Identifier: MIT */
/* Hurrying over JSON: what a machine writes is mostly short plain strings and brackets, and these
 * are read here without a call or a store for each. */
#include "json_hurry.h"

#include <string.h>

static bool needs_a_look(char c)
{
    return (unsigned char)c < 0x20 || (unsigned char)c >= 0x80 || c == '"' || c == '\\';
}

#define BYTES(b) (UINT64_MAX / 255 * (b)) /* eight times the byte */

/* In eight bytes at once: the top bit of each byte that needs a look gets set; bits above the
 * lowest may be wrong, by the borrow, and do not count. */
static inline const char *plain_end(const char *p, const char *end)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
    for (; end - p >= 8; p += 8) {
        uint64_t w, quote, slash, found;

        memcpy(&w, p, sizeof w);
        quote = w ^ BYTES('"');
        slash = w ^ BYTES('\\');
        found = ((quote - BYTES(1)) & ~quote) | ((slash - BYTES(1)) & ~slash) |
                ((w - BYTES(0x20)) & ~w) | w;
        found &= BYTES(0x80);
        if (found)
            return p + __builtin_ctzll(found) / 8;
    }
#endif
    while (p < end && !needs_a_look(*p))
        p++;
    return p;
}

const char *json_plain_end(const char *p, const char *end)
{
    return plain_end(p, end);
}

static const bool short_escape[256] = {['"'] = true, ['\\'] = true, ['/'] = true, ['b'] = true,
                                       ['f'] = true, ['n'] = true,  ['r'] = true, ['t'] = true};

/* h->p stands on what should be an opening quote. Behind the closing one, with two bytes left or
 * more; NULL: it is not as plain as that. */
static inline const char *past_string(const struct json_hurry *h)
{
    const char *p = h->p + 1;

    if (*h->p != '"')
        return NULL;
    for (;;) {
        p = plain_end(p, h->end);
        if (h->end - p < 3)
            return NULL;
        if (*p == '"')
            return p + 1;
        if (*p != '\\' || !short_escape[(unsigned char)p[1]])
            return NULL;
        p += 2;
    }
}

static inline bool hurry_name(struct json_hurry *h)
{
    const char *to = past_string(h);

    if (!to || *to != ':')
        return false;
    h->p = to + 1;
    h->place = AT_VALUE;
    return true;
}

static inline bool enter(struct json_hurry *h)
{
    bool object = *h->p == '{';

    if (h->depth == JSON_HURRY_DEPTH_MAX)
        return false;
    h->p++;
    h->depth++;
    h->objects = h->objects << 1 | object;
    h->place = object ? AT_FIRST_NAME : AT_FIRST_VALUE;
    return true;
}

static inline bool leave(struct json_hurry *h, unsigned least)
{
    if (*h->p != (h->objects & 1 ? '}' : ']') || h->depth - 1 == least)
        return false;
    h->p++;
    h->depth--;
    h->objects >>= 1;
    h->place = AT_NEXT;
    return true;
}

static inline bool hurry_value(struct json_hurry *h)
{
    const char *to;

    if (*h->p == '{' || *h->p == '[')
        return enter(h);
    to = past_string(h);
    if (!to)
        return false;
    h->p = to;
    h->place = AT_NEXT;
    return true;
}

static inline bool hurry_next(struct json_hurry *h, unsigned least)
{
    if (*h->p != ',')
        return leave(h, least);
    h->p++;
    h->place = h->objects & 1 ? AT_NAME : AT_VALUE;
    return true;
}

void json_hurry(struct json_hurry *from, unsigned least)
{
    struct json_hurry h = *from; /* whose members stay in registers */
    bool more = h.depth > least;

    while (more && h.end - h.p >= 2) {
        if (h.place == AT_NEXT)
            more = hurry_next(&h, least);
        else if (h.place == AT_VALUE || (h.place == AT_FIRST_VALUE && *h.p != ']'))
            more = hurry_value(&h);
        else if (*h.p == '}' || *h.p == ']')
            more = h.place != AT_NAME && leave(&h, least);
        else
            more = hurry_name(&h);
    }
    *from = h;
}
