/* SPDX-License-Identifier: MIT */
/*
 * What the fuzz targets share. A target is one function that takes any bytes; it may refuse them,
 * but must not crash, leak, or break what it says with MUST. libFuzzer calls it (`make fuzz`), and
 * so does replay.c, with the inputs that are kept (`make test`).
 */
#ifndef AR_FUZZ_H
#define AR_FUZZ_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "buf.h"

/* Returns 0; -1: the input is of no use as one to go on from. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FUZZ_TEXT_MAX = 4 << 20 };

#define MUST(what)                                                                                 \
    do {                                                                                           \
        if (!(what))                                                                               \
            fuzz_broken(__FILE__, __LINE__, #what);                                                \
    } while (0)

__attribute__((noreturn)) static inline void fuzz_broken(const char *file, int line,
                                                         const char *what)
{
    fprintf(stderr, "%s:%d: does not hold: %s\n", file, line, what);
    abort();
}

static inline struct str fuzz_str(const uint8_t *data, size_t size)
{
    return (struct str){(const char *)data, size};
}

/* The first line, without its end; *text is what is behind it. */
static inline struct str fuzz_line(struct str *text)
{
    const char *end = text->n ? memchr(text->p, '\n', text->n) : NULL;
    struct str line = {text->p, end ? (size_t)(end - text->p) : text->n};
    size_t used = line.n + (end != NULL);

    *text = (struct str){text->p + used, text->n - used};
    return line;
}

/* A NUL-terminated copy, up to the first NUL in it; free(). */
static inline char *fuzz_copy(struct str text)
{
    char *copy = malloc(text.n + 1);

    MUST(copy);
    if (text.n)
        memcpy(copy, text.p, text.n);
    copy[text.n] = '\0';
    return copy;
}

/* A copy of exactly its size, so that a sanitizer sees a read beyond its end; free(). */
static inline char *fuzz_exact(struct str text)
{
    char *copy = malloc(text.n ? text.n : 1);

    MUST(copy);
    if (text.n)
        memcpy(copy, text.p, text.n);
    return copy;
}

static inline bool fuzz_same(const struct buf *a, const struct buf *b)
{
    if (a->len == b->len && (a->len == 0 || memcmp(a->data, b->data, a->len) == 0))
        return true;
    fprintf(stderr, "this: %.*s\nand:  %.*s\n", (int)a->len, a->len ? a->data : "", (int)b->len,
            b->len ? b->data : "");
    return false;
}

/* Cuts a text into pieces, the same ones for the same text. */
struct fuzz_pieces {
    struct str left;
    uint32_t state;
    size_t most; /* bytes of a piece */
};

static inline struct fuzz_pieces fuzz_pieces(struct str text)
{
    struct fuzz_pieces p = {text, 1, 1};
    size_t i;

    for (i = 0; i < text.n; i++)
        p.state = p.state * 31 + (unsigned char)text.p[i];
    p.most = 1 + p.state % 3 * 8;
    return p;
}

/* The next piece, in memory of its own (free() .p); .p NULL: there is none. */
static inline struct str fuzz_piece(struct fuzz_pieces *p)
{
    struct str piece = {NULL, 0};

    if (p->left.n == 0)
        return piece;
    p->state = p->state * 1103515245 + 12345;
    piece.n = 1 + (p->state >> 16) % p->most;
    piece.n = piece.n < p->left.n ? piece.n : p->left.n;
    piece.p = fuzz_exact((struct str){p->left.p, piece.n});
    p->left = (struct str){p->left.p + piece.n, p->left.n - piece.n};
    return piece;
}

static inline void fuzz_piece_free(struct str piece)
{
    free((void *)(uintptr_t)piece.p);
}

#endif
