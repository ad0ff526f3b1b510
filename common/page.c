/* SPDX-License-Identifier: MIT */
/*
 * Cursors: one byte of kind, two numbers as eight bytes each, and a CRC-32 of those 17 and of what
 * tells the list from others, all big-endian; 21 bytes are exactly 28 characters of URL-safe
 * base64, so that every place has one spelling. A new form is a new kind. A changed character is a
 * burst of at most six bits, and a CRC-32 catches every burst of up to 32.
 */
#include "page.h"

#include <string.h>

#include "num.h"

enum {
    JOBS = 1, /* the kind of a list of jobs: priority and id */
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

static void encode(int kind, int64_t first, int64_t second, struct str list, struct buf *b)
{
    unsigned char bytes[ALL_BYTES] = {(unsigned char)kind}, *p = bytes + 1;
    char text[CURSOR_CHARS];
    size_t i, j;

    p = put_bytes(p, (uint64_t)first, 8);
    p = put_bytes(p, (uint64_t)second, 8);
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

static int decode(int kind, struct str cursor, struct str list, int64_t *first, int64_t *second,
                  struct err *e)
{
    unsigned char bytes[ALL_BYTES];

    if (cursor.n != CURSOR_CHARS || !read_chars(cursor.p, bytes) || bytes[0] != kind ||
        get_bytes(bytes + PLACE_BYTES, 4) != check_of(bytes, list))
        return err_set(e, ERR_INVALID_CURSOR,
                       "not a cursor that this server gave out for this list");
    *first = (int64_t)get_bytes(bytes + 1, 8);
    *second = (int64_t)get_bytes(bytes + 9, 8);
    return 0;
}

void page_encode(struct page_place place, struct str list, struct buf *b)
{
    encode(JOBS, place.priority, place.id, list, b);
}

int page_decode(struct str cursor, struct str list, struct page_place *place, struct err *e)
{
    return decode(JOBS, cursor, list, &place->priority, &place->id, e);
}

void page_encode_row(enum page_kind kind, int64_t job_id, int64_t n, struct buf *b)
{
    encode((int)kind, job_id, n, (struct str){0}, b);
}

int page_decode_row(enum page_kind kind, struct str cursor, int64_t job_id, int64_t *n,
                    struct err *e)
{
    int64_t id = 0, after = 0;

    if (decode((int)kind, cursor, (struct str){0}, &id, &after, e) != 0)
        return -1;
    if (id != job_id)
        return err_set(e, ERR_INVALID_CURSOR, "the cursor belongs to another job");
    *n = after;
    return 0;
}

int page_limit(struct str text, int64_t *limit, struct err *e)
{
    if (num_i64(text, 1, PAGE_LIMIT_MAX, limit) == 0)
        return 0;
    return err_set(e, ERR_BAD_REQUEST, "limit must be a whole number from 1 to %d", PAGE_LIMIT_MAX);
}
