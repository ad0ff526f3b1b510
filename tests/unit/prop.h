/* SPDX-License-Identifier: MIT */
/* For property tests: random numbers from a seed that is printed, and that ANTEROOM_SEED sets. */
#ifndef AR_PROP_H
#define AR_PROP_H

#include <stdio.h>
#include <stdlib.h>

#include "num.h"

struct prop {
    uint64_t state;
};

/* The same numbers for the same seed: `fixed`, or what the environment says. */
static inline struct prop prop_begin(const char *name, int64_t fixed)
{
    const char *text = getenv("ANTEROOM_SEED");
    int64_t seed = fixed;

    if (text && num_i64(str_of(text), 0, INT64_MAX, &seed) != 0) {
        fprintf(stderr, "ANTEROOM_SEED is not a whole number: %s\n", text);
        abort();
    }
    printf("%s: ANTEROOM_SEED=%lld\n", name, (long long)seed);
    return (struct prop){(uint64_t)seed};
}

/* 64 random bits: a counter with an odd step, stirred by multiplying and folding. */
static inline uint64_t prop_bits(struct prop *r)
{
    uint64_t v = r->state += UINT64_C(0x9E3779B97F4A7C15);

    v = (v ^ v >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    v = (v ^ v >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return v ^ v >> 32;
}

/* 0 <= result < n. */
static inline size_t prop_below(struct prop *r, size_t n)
{
    return (size_t)(prop_bits(r) % n);
}

/* low <= result <= high. */
static inline int64_t prop_between(struct prop *r, int64_t low, int64_t high)
{
    uint64_t width = (uint64_t)high - (uint64_t)low + 1;

    return (int64_t)((uint64_t)low + (width ? prop_bits(r) % width : prop_bits(r)));
}

/* An int64_t of any size: small ones and the extremes come as often as large ones. */
static inline int64_t prop_i64(struct prop *r)
{
    static const int64_t edges[] = {0, 1, -1, INT64_MAX, INT64_MIN, NUM_SAFE_MAX, -NUM_SAFE_MAX};

    if (prop_below(r, 8) == 0)
        return edges[prop_below(r, ARRAY_LEN(edges))];
    return (int64_t)prop_bits(r) >> prop_below(r, 64);
}

/* True one time in n. */
static inline bool prop_one_in(struct prop *r, size_t n)
{
    return prop_below(r, n) == 0;
}

#endif
