/* SPDX-License-Identifier: MIT */
/* Base64: four characters are three bytes, of which the last ones may be padding. */
#include "base64.h"

#include <string.h>

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* The six bits of a character, or -1. */
static int bits_of(char c)
{
    const char *at = c ? strchr(alphabet, c) : NULL;

    return at ? (int)(at - alphabet) : -1;
}

/* Four characters, of which `padding` (0 to 2) at the end are '='. */
static int decode_four(const char *p, size_t padding, char *out)
{
    uint32_t v = 0;
    size_t i;

    for (i = 0; i < 4; i++) {
        int bits = i < 4 - padding ? bits_of(p[i]) : 0;

        if (bits < 0)
            return -1;
        v = v << 6 | (uint32_t)bits;
    }
    if (v & ((1U << 8 * padding) - 1))
        return -1;
    for (i = 0; i < 3 - padding; i++)
        out[i] = (char)(v >> (16 - 8 * i));
    return 0;
}

int base64_decode(struct str text, char *out, size_t *n)
{
    size_t padding = 0, at;

    if (text.n % 4 != 0)
        return -1;
    while (padding < 2 && padding < text.n && text.p[text.n - 1 - padding] == '=')
        padding++;
    for (at = 0; at < text.n; at += 4) {
        if (decode_four(text.p + at, at + 4 == text.n ? padding : 0, out + at / 4 * 3) != 0)
            return -1;
    }
    *n = text.n / 4 * 3 - padding;
    return 0;
}

/* One to three bytes as four characters. */
static void encode_three(const unsigned char *p, size_t n, char *out)
{
    uint32_t v = (uint32_t)p[0] << 16 | (n > 1 ? (uint32_t)p[1] << 8 : 0) | (n > 2 ? p[2] : 0);
    size_t i;

    for (i = 0; i < 4; i++)
        out[i] = i <= n ? alphabet[v >> (18 - 6 * i) & 63] : '=';
}

size_t base64_encode(struct str bytes, char *out)
{
    size_t at, n = 0;

    for (at = 0; at < bytes.n; at += 3, n += 4)
        encode_three((const unsigned char *)bytes.p + at, bytes.n - at < 3 ? bytes.n - at : 3,
                     out + n);
    return n;
}

void base64_url_write(const void *bytes, size_t n, struct buf *b)
{
    static const char url_alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    const unsigned char *p = bytes;
    size_t at, bit;

    for (at = 0; at < n; at += 3) {
        uint32_t v = (uint32_t)p[at] << 16;

        v |= at + 1 < n ? (uint32_t)p[at + 1] << 8 : 0;
        v |= at + 2 < n ? p[at + 2] : 0;
        for (bit = 0; bit < 4 && at + bit <= n; bit++)
            buf_char(b, url_alphabet[v >> (18 - 6 * bit) & 63]);
    }
}
