/* SPDX-License-Identifier: MIT */
/* UTF-8: one table of first bytes. */
#include "utf8.h"

#include <string.h>

/* What a first byte says: how long the character is, and what its second byte may be. The second
 * byte's range is what keeps out overlong forms (E0, F0), surrogates (ED) and what lies above
 * U+10FFFF (F4). */
static const struct {
    uint8_t length, low, high;
} leads[256] = {
    [0x00 ... 0x7F] = {1, 0, 0}, [0xC2 ... 0xDF] = {2, 0x80, 0xBF},
    [0xE0] = {3, 0xA0, 0xBF},    [0xE1 ... 0xEC] = {3, 0x80, 0xBF},
    [0xED] = {3, 0x80, 0x9F},    [0xEE ... 0xEF] = {3, 0x80, 0xBF},
    [0xF0] = {4, 0x90, 0xBF},    [0xF1 ... 0xF3] = {4, 0x80, 0xBF},
    [0xF4] = {4, 0x80, 0x8F},
};

static bool continues(char c)
{
    return ((unsigned char)c & 0xC0) == 0x80;
}

size_t utf8_length(const char *p, const char *end)
{
    size_t i, n;
    unsigned char first, second;

    if (p == end)
        return 0;
    first = (unsigned char)*p;
    n = leads[first].length;
    if (n < 2)
        return n;
    if ((size_t)(end - p) < n)
        return 0;
    second = (unsigned char)p[1];
    if (second < leads[first].low || second > leads[first].high)
        return 0;
    for (i = 2; i < n; i++) {
        if (!continues(p[i]))
            return 0;
    }
    return n;
}

size_t utf8_encode(uint32_t code, char out[UTF8_CHAR_MAX])
{
    static const struct {
        uint32_t below;
        uint8_t mark;
    } forms[] = {
        {0x80, 0x00},
        {0x800, 0xC0},
        {0x10000, 0xE0},
        {0x110000, 0xF0},
    };
    size_t n = 1, i;

    while (code >= forms[n - 1].below)
        n++;
    for (i = n - 1; i > 0; i--) {
        out[i] = (char)(0x80 | (code & 0x3F));
        code >>= 6;
    }
    out[0] = (char)(forms[n - 1].mark | code);
    return n;
}

struct str utf8_cut(struct str text, size_t max)
{
    if (text.n <= max)
        return text;
    while (max > 0 && continues(text.p[max]))
        max--;
    return (struct str){text.p, max};
}
