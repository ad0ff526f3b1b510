/* SPDX-License-Identifier: MIT */
/*
 * Checksums of pages and of the log's frames.
 *
 * A page's: four lanes take its words in turn, each by steps that can be undone (exclusive or, a
 * product with an odd number, a rotation), and are then put together by such steps. So two pages
 * that differ in one word differ in their sums; the lanes keep the processor's multiplier busy.
 *
 * The log's is SQLite's: (s0, s1) becomes s0 + x0 + s1, s1 + x1 + (the new s0), word by word, each
 * step waiting for the last. It is linear, so that four quarters of a page can be summed side by
 * side, each from nothing, and put together: going over n pairs of zeros takes (s0, s1) to
 * M^n (s0, s1), and M^n = [F(2n-1) F(2n); F(2n) F(2n+1)] has Fibonacci's numbers.
 */
#include "db_sum.h"

#include <assert.h>
#include <endian.h>
#include <string.h>

enum { WORD = 8, LANES = 4, LEAST = 512, RESERVED_AT = 20 };

static const uint64_t odd[LANES] = {UINT64_C(0x9E3779B185EBCA87), UINT64_C(0xC2B2AE3D27D4EB4F),
                                    UINT64_C(0x165667B19E3779F9), UINT64_C(0x85EBCA77C2B2AE63)};

static uint64_t word_at(const unsigned char *p)
{
    uint64_t w;

    memcpy(&w, p, sizeof w);
    return le64toh(w);
}

static uint64_t turn(uint64_t v)
{
    return v << 29 | v >> 35;
}

uint64_t db_sum_of(const void *page, size_t size, uint32_t number)
{
    const unsigned char *p = page, *end = p + size - DB_SUM_BYTES;
    uint64_t lane[LANES], sum = (uint64_t)size << 32 | number;
    size_t i;

    assert(size >= LEAST && size % LEAST == 0);
    for (i = 0; i < LANES; i++)
        lane[i] = (number + odd[i]) * odd[LANES - 1 - i];
    for (; p + sizeof lane <= end; p += sizeof lane) {
        lane[0] = turn((lane[0] ^ word_at(p)) * odd[0]);
        lane[1] = turn((lane[1] ^ word_at(p + WORD)) * odd[1]);
        lane[2] = turn((lane[2] ^ word_at(p + 2 * WORD)) * odd[2]);
        lane[3] = turn((lane[3] ^ word_at(p + 3 * WORD)) * odd[3]);
    }
    for (i = 0; p < end; i++, p += WORD)
        lane[i] = turn((lane[i] ^ word_at(p)) * odd[i]);
    for (i = 0; i < LANES; i++) {
        sum = (sum ^ lane[i]) * odd[i];
        sum ^= sum >> 32;
    }
    return sum;
}

bool db_sum_holds(const void *page, size_t size, uint32_t number)
{
    return word_at((const unsigned char *)page + size - DB_SUM_BYTES) ==
           db_sum_of(page, size, number);
}

void db_sum_put(void *page, size_t size, uint32_t number)
{
    uint64_t sum = htole64(db_sum_of(page, size, number));

    memcpy((unsigned char *)page + size - DB_SUM_BYTES, &sum, sizeof sum);
}

bool db_sum_in_head(const void *head)
{
    static const char magic[16] = "SQLite format 3";
    const unsigned char *p = head;

    return memcmp(p, magic, sizeof magic) == 0 && p[RESERVED_AT] == DB_SUM_BYTES;
}

bool db_sum_denied(void *page, size_t size, uint32_t number)
{
    unsigned char *p = page, was = p[RESERVED_AT];
    bool holds;

    if (number == 1)
        p[RESERVED_AT] = DB_SUM_BYTES;
    holds = db_sum_holds(page, size, number);
    p[RESERVED_AT] = was;
    return holds;
}

/* ---- the log ---- */

uint32_t db_sum_u32(const void *p)
{
    uint32_t v;

    memcpy(&v, p, sizeof v);
    return be32toh(v);
}

struct db_sum_chain db_sum_chain_at(const void *stored)
{
    return (struct db_sum_chain){db_sum_u32(stored), db_sum_u32((const char *)stored + 4)};
}

/* The words of a log are in the order of the machine that has begun it. */
static uint32_t plain(uint32_t v)
{
    return v;
}

static uint32_t swapped(uint32_t v)
{
    return __builtin_bswap32(v);
}

typedef uint32_t order_fn(uint32_t v);

static inline struct db_sum_chain step(struct db_sum_chain s, const unsigned char *p,
                                       order_fn *order)
{
    uint32_t x[2];

    memcpy(x, p, sizeof x);
    s.a += order(x[0]) + s.b;
    s.b += order(x[1]) + s.a;
    return s;
}

/* s, after n pairs of zeros. Doubling: F(2k) = F(k) (2 F(k+1) - F(k)), F(2k+1) = F(k)^2 +
 * F(k+1)^2, from the highest bit of 2n on. */
static struct db_sum_chain skip(struct db_sum_chain s, uint32_t n)
{
    uint32_t f = 0, g = 1, bit, twice; /* F(k), F(k + 1) */

    for (bit = UINT32_C(1) << 31; bit; bit >>= 1) {
        twice = f * (2 * g - f);
        g = f * f + g * g;
        f = twice;
        if (2 * n & bit) {
            twice = f + g;
            f = g;
            g = twice;
        }
    }
    return (struct db_sum_chain){(g - f) * s.a + f * s.b, f * s.a + g * s.b};
}

static inline struct db_sum_chain page_in(struct db_sum_chain s, const unsigned char *p,
                                          size_t size, order_fn *order)
{
    struct db_sum_chain part[LANES] = {s};
    size_t i, quarter = size / LANES;

    for (i = 0; i < quarter; i += WORD) {
        part[0] = step(part[0], p + i, order);
        part[1] = step(part[1], p + quarter + i, order);
        part[2] = step(part[2], p + 2 * quarter + i, order);
        part[3] = step(part[3], p + 3 * quarter + i, order);
    }
    for (s = part[0], i = 1; i < LANES; i++) {
        s = skip(s, (uint32_t)(quarter / WORD));
        s.a += part[i].a;
        s.b += part[i].b;
    }
    return s;
}

static bool same(struct db_sum_chain x, struct db_sum_chain y)
{
    return x.a == y.a && x.b == y.b;
}

bool db_sum_log_head_holds(const void *head)
{
    const unsigned char *p = head;
    struct db_sum_chain s = {0}, t = {0}, stored = db_sum_chain_at(p + DB_SUM_LOG_HEAD - WORD);
    size_t i;

    for (i = 0; i + WORD < DB_SUM_LOG_HEAD; i += WORD) {
        s = step(s, p + i, plain);
        t = step(t, p + i, swapped);
    }
    return same(s, stored) || same(t, stored);
}

bool db_sum_frame_holds(const void *frame, size_t size, struct db_sum_chain before)
{
    const unsigned char *p = frame, *page = p + DB_SUM_FRAME_HEAD;
    struct db_sum_chain stored = db_sum_chain_at(p + DB_SUM_FRAME_HEAD - WORD);

    assert(size >= LEAST && size % LEAST == 0);
    return same(page_in(step(before, p, plain), page, size, plain), stored) ||
           same(page_in(step(before, p, swapped), page, size, swapped), stored);
}
