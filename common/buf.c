/* SPDX-License-Identifier: MIT */
/* A growing buffer with a limit. */
#include "buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"

enum { FIRST_CAP = 256 };

void buf_free(struct buf *b)
{
    size_t max = b->max;

    free(b->data);
    *b = BUF_INIT(max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = b->no_memory = false;
    if (b->data)
        b->data[0] = '\0';
}

char *buf_grow(struct buf *b, size_t n)
{
    size_t cap = b->cap ? b->cap : FIRST_CAP;
    char *p;

    if (n > b->max || b->len > b->max - n) {
        b->failed = true;
        return NULL;
    }
    while (cap <= b->len + n)
        cap *= 2;
    p = realloc(b->data, cap);
    if (!p) {
        b->failed = b->no_memory = true;
        return NULL;
    }
    b->data = p;
    b->cap = cap;
    return b->data + b->len;
}

void buf_add(struct buf *b, const void *data, size_t n)
{
    char *p = buf_room(b, n);

    if (!p)
        return;
    if (n)
        memcpy(p, data, n);
    b->len += n;
    b->data[b->len] = '\0';
}

void buf_str(struct buf *b, const char *s)
{
    buf_add(b, s, strlen(s));
}

void buf_char(struct buf *b, char c)
{
    char *p = buf_room(b, 1);

    if (!p)
        return;
    p[0] = c;
    p[1] = '\0';
    b->len++;
}

void buf_i64(struct buf *b, int64_t v)
{
    char digits[NUM_DIGITS_MAX];

    buf_add(b, digits, num_write(v, digits));
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
    va_list ap, again;
    int n;
    char *p;

    va_start(ap, fmt);
    va_copy(again, ap);
    n = vsnprintf(NULL, 0, fmt, ap);
    va_end(ap);
    p = n < 0 ? NULL : buf_room(b, (size_t)n);
    if (p) {
        (void)vsnprintf(p, (size_t)n + 1, fmt, again);
        b->len += (size_t)n;
    } else {
        b->failed = true;
    }
    va_end(again);
}

struct str buf_span(const struct buf *b)
{
    return (struct str){b->data ? b->data : "", b->len};
}

void buf_follow(struct buf *b, const struct buf *part)
{
    b->failed = b->failed || part->failed;
    b->no_memory = b->no_memory || part->no_memory;
}

int buf_check(const struct buf *b, const char *what, struct err *e)
{
    if (!b->failed)
        return 0;
    if (b->no_memory)
        return err_set(e, ERR_INTERNAL, "no memory for %s", what);
    return err_set(e, ERR_TOO_LARGE, "%s is larger than %zu bytes", what, b->max);
}

char *buf_take(struct buf *b)
{
    char *data;

    buf_add(b, "", 0);
    if (b->failed) {
        buf_free(b);
        return NULL;
    }
    data = b->data;
    *b = BUF_INIT(b->max);
    return data;
}
