/* SPDX-License-Identifier: MIT */
/*
 * Cursors: one byte of version, priority and id as eight bytes each, and a CRC-32 of those 17 and
 * of what tells the list from others, all big-endian; 21 bytes are exactly 28 characters of
 * URL-safe base64, so that every place has one spelling. A changed character is a burst of at most
 * six bits, and a CRC-32 catches every burst of up to 32.
 */
#include "page.h"

#include <string.h>

enum {
    VERSION = 2,
    PLACE_BYTES = 17,
    ALL_BYTES = PLACE_BYTES + 4,
    CURSOR_CHARS = ALL_BYTES / 3 * 4
};
_Static_assert(ALL_BYTES % 3 == 0, "no spare bits in the last character");
_Static_assert((int)CURSOR_CHARS <= (int)PAGE_CURSOR_MAX, "as the header says");

static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

static uint32_t crc32(uint32_t crc, const char *p, size_t n)
{
    int bit;

    while (n-- > 0) {
        crc ^= (unsigned char)*p++;
        for (bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xEDB88320 : 0);
    }
    return crc;
}

static uint32_t check_of(const unsigned char bytes[PLACE_BYTES], struct str list)
{
    return ~crc32(crc32(UINT32_MAX, (const char *)bytes, PLACE_BYTES), list.p, list.n);
}

static unsigned char *put_bytes(unsigned char *p, uint64_t v, int n)
{
    int i;

    for (i = n - 1; i >= 0; i--) {
        p[i] = (unsigned char)v;
        v >>= 8;
    }
    return p + n;
}

static uint64_t get_bytes(const unsigned char *p, int n)
{
    uint64_t v = 0;

    while (n-- > 0)
        v = v << 8 | *p++;
    return v;
}

void page_encode(struct page_place place, struct str list, struct buf *b)
{
    unsigned char bytes[ALL_BYTES] = {VERSION}, *p = bytes + 1;
    char text[CURSOR_CHARS];
    size_t i, j;

    p = put_bytes(p, (uint64_t)place.priority, 8);
    p = put_bytes(p, (uint64_t)place.id, 8);
    (void)put_bytes(p, check_of(bytes, list), 4);
    for (i = 0, j = 0; i < ALL_BYTES; i += 3, j += 4) {
        text[j] = alphabet[bytes[i] >> 2];
        text[j + 1] = alphabet[(bytes[i] & 3) << 4 | bytes[i + 1] >> 4];
        text[j + 2] = alphabet[(bytes[i + 1] & 15) << 2 | bytes[i + 2] >> 6];
        text[j + 3] = alphabet[bytes[i + 2] & 63];
    }
    buf_add(b, text, sizeof text);
}

/* The bytes that the characters spell; false when one is not of the alphabet. */
static bool read_chars(const char *text, unsigned char bytes[ALL_BYTES])
{
    uint32_t four = 0;
    size_t i;

    for (i = 0; i < CURSOR_CHARS; i++) {
        const char *c = memchr(alphabet, text[i], sizeof alphabet - 1);

        if (!c)
            return false;
        four = four << 6 | (uint32_t)(c - alphabet);
        if (i % 4 == 3)
            (void)put_bytes(bytes + i / 4 * 3, four & 0xFFFFFF, 3);
    }
    return true;
}

int page_decode(struct str cursor, struct str list, struct page_place *place, struct err *e)
{
    unsigned char bytes[ALL_BYTES];

    if (cursor.n != CURSOR_CHARS || !read_chars(cursor.p, bytes) || bytes[0] != VERSION ||
        get_bytes(bytes + PLACE_BYTES, 4) != check_of(bytes, list))
        return err_set(e, ERR_INVALID_CURSOR,
                       "not a cursor that this server gave out for this list");
    place->priority = (int64_t)get_bytes(bytes + 1, 8);
    place->id = (int64_t)get_bytes(bytes + 9, 8);
    return 0;
}
