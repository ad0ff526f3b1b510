/* SPDX-License-Identifier: MIT */
/* An arena: a chain of blocks, the newest in front, filled from their beginnings. The first is
 * small, since many arenas hold next to nothing; each next one is twice as large, up to a limit. */
#include "arena.h"

#include <stdalign.h>

enum { FIRST_BYTES = 960, BLOCK_BYTES = 16384 };

struct block {
    struct block *older;
    size_t used, size; /* of `bytes` */
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *newest;
    size_t left; /* bytes that may still be handed out */
    bool failed;
};

struct arena *arena_new(size_t max)
{
    struct arena *a = calloc(1, sizeof *a);

    if (a)
        a->left = max;
    return a;
}

void arena_free(struct arena *a)
{
    struct block *b, *older;

    if (!a)
        return;
    for (b = a->newest; b; b = older) {
        older = b->older;
        free(b);
    }
    free(a);
}

/* A block with room for n bytes in front of the chain. */
static struct block *add_block(struct arena *a, size_t n)
{
    size_t size = a->newest ? 2 * a->newest->size : FIRST_BYTES;
    struct block *b;

    if (size > BLOCK_BYTES)
        size = BLOCK_BYTES;
    if (size < n)
        size = n;
    b = malloc(sizeof *b + size);
    if (!b)
        return NULL;
    b->used = 0;
    b->size = size;
    b->older = a->newest;
    a->newest = b;
    return b;
}

static void *take(struct arena *a, size_t n, size_t size)
{
    const size_t align = alignof(max_align_t);
    struct block *b = a->newest;
    size_t bytes;
    char *p;

    if (__builtin_mul_overflow(n, size, &bytes) || bytes > a->left)
        return NULL;
    bytes = (bytes + align - 1) / align * align;
    if (!b || bytes > b->size - b->used)
        b = add_block(a, bytes);
    if (!b)
        return NULL;
    p = b->bytes + b->used;
    b->used += bytes;
    a->left -= bytes < a->left ? bytes : a->left;
    return memset(p, 0, bytes);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    void *p = take(a, n, size);

    a->failed = a->failed || !p;
    return p;
}

bool arena_failed(const struct arena *a)
{
    return a->failed;
}

int arena_copy(struct arena *a, struct str text, struct str *copy)
{
    char *p = text.n < SIZE_MAX ? arena_array(a, text.n + 1, 1) : NULL;

    if (!p)
        return -1;
    if (text.n)
        memcpy(p, text.p, text.n);
    *copy = (struct str){p, text.n};
    return 0;
}
