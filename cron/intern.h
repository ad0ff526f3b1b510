/* SPDX-License-Identifier: MIT */
/* Names to numbers: each different text gets the next index, from 0. What a pass compares and
 * counts, it compares and counts as these. One thread at a time. */
#ifndef AR_INTERN_H
#define AR_INTERN_H

#include "arena.h"
#include "base.h"

#define INTERN_NONE SIZE_MAX

/* {.arena = a} at first; intern_free when done. The texts are copied into the arena, which must
 * live as long. */
struct intern {
    struct arena *arena;
    size_t n;
    struct str *text; /* [n] */
    size_t cap;
    size_t *slot; /* [slots] index + 1; 0: empty */
    size_t slots; /* a power of two, or 0 */
    uint64_t seed;
};

/* The index of the text, which is added when it is new (*n has grown then). INTERN_NONE: no memory,
 * or the arena's limit. */
size_t intern_add(struct intern *t, struct str text) AR_MUST_CHECK;

/* The index of the text, or INTERN_NONE when it was never added. */
size_t intern_find(const struct intern *t, struct str text);

void intern_free(struct intern *t);

/* 64 bits that depend on every byte of the text and on the seed. Pure; any thread. */
uint64_t intern_hash(uint64_t seed, struct str text);

#endif
