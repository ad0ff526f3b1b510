/* SPDX-License-Identifier: MIT */
/*
 * A byte buffer that grows up to a limit which its owner must name. A failed append (limit, memory)
 * leaves the buffer as it was and sets `failed`, which stays: a writer appends without looking and
 * asks once at the end. One thread at a time.
 */
#ifndef AR_BUF_H
#define AR_BUF_H

#include "base.h"
#include "err.h"

struct buf {
    char *data; /* always NUL-terminated after the first append; NULL before */
    size_t len; /* bytes, the NUL not counted */
    size_t cap;
    size_t max;     /* limit of len */
    bool failed;    /* something could not be appended; data is incomplete */
    bool no_memory; /* it failed for want of memory, not of room */
};

/* An empty buffer that will hold at most `max` bytes. Allocates nothing. */
#define BUF_INIT(limit) ((struct buf){.max = (limit)})

/* An empty buffer in an array of the caller's, which holds one byte less than that has. It
 * allocates nothing; never free it, nor take what it holds. */
#define BUF_IN(array)                                                                              \
    ((struct buf){.data = (array), .cap = sizeof(array), .max = sizeof(array) - 1})

/* Frees the memory; the buffer is then empty again, with the same limit. */
void buf_free(struct buf *b);

/* Empties it and clears `failed`; the memory is kept for the next use. */
void buf_reset(struct buf *b);

/* Of buf_room only: makes room where there is none yet. */
char *buf_grow(struct buf *b, size_t n);

/* Append. On failure only `failed` changes. */
void buf_add(struct buf *b, const void *data, size_t n);
void buf_str(struct buf *b, const char *s);
void buf_char(struct buf *b, char c);
void buf_i64(struct buf *b, int64_t v);
void buf_printf(struct buf *b, const char *fmt, ...) AR_PRINTF(2, 3);

/* Room for n more bytes at data + len, or NULL with `failed` set. The caller fills them and raises
 * len by at most n. Mostly there is room, and one look at it takes less time than a call. */
static inline char *buf_room(struct buf *b, size_t n)
{
    return n < b->cap - b->len && n <= b->max - b->len ? b->data + b->len : buf_grow(b, n);
}

/* What it holds, as a span that is valid until the next append. */
struct str buf_span(const struct buf *b);

/* What was made of `part` is in b: where that had failed, b has failed too. */
void buf_follow(struct buf *b, const struct buf *part);

/* 0, or -1 and ERR_TOO_LARGE / ERR_INTERNAL naming `what` when an append had failed. */
int buf_check(const struct buf *b, const char *what, struct err *e) AR_MUST_CHECK;

/* Hands the NUL-terminated bytes over; the caller frees them with free(). The buffer is then empty.
 * NULL if it had failed or memory ran out. */
char *buf_take(struct buf *b) AR_MUST_CHECK;

#endif
