/* SPDX-License-Identifier: MIT */
/* Memory that is given back all at once: for trees and records that are built once and die
 * together. One thread at a time. */
#ifndef AR_ARENA_H
#define AR_ARENA_H

#include "base.h"

struct arena;

/* An empty arena that will hand out at most `max` bytes; NULL when memory runs out. arena_free. */
struct arena *arena_new(size_t max) AR_MUST_CHECK;
/* Gives back all of it; NULL is fine. */
void arena_free(struct arena *a);

/* n elements of `size` bytes, zeroed, aligned for any type. NULL when memory runs out or the limit
 * would be passed; never NULL for n == 0. */
void *arena_array(struct arena *a, size_t n, size_t size) AR_MUST_CHECK;

/* *copy = the bytes of text, with a NUL after them. 0, or -1 when memory runs out or the limit
 * would be passed. */
int arena_copy(struct arena *a, struct str text, struct str *copy) AR_MUST_CHECK;

/* Was something ever refused? For work that goes on without it, and asks at its end. */
bool arena_failed(const struct arena *a);

#endif
