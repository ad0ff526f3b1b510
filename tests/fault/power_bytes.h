/* SPDX-License-Identifier: MIT */
/* Contents of files for power_cut.c, and its dice. Whatever fails ends the program. */
#ifndef AR_POWER_BYTES_H
#define AR_POWER_BYTES_H

#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static inline void fail(const char *what)
{
    perror(what);
    exit(2);
}

struct bytes {
    unsigned char *p;
    size_t n, cap;
};

/* Zeros where it grows, as in a file. */
static inline void bytes_resize(struct bytes *b, size_t n)
{
    if (n > b->cap) {
        b->cap = n + n / 2 + 4096;
        b->p = realloc(b->p, b->cap);
        if (!b->p)
            fail("no memory");
    }
    if (n > b->n)
        memset(b->p + b->n, 0, n - b->n);
    b->n = n;
}

static inline void bytes_put(struct bytes *b, size_t at, const void *data, size_t n)
{
    if (at + n > b->n)
        bytes_resize(b, at + n);
    memcpy(b->p + at, data, n);
}

static inline void bytes_read(struct bytes *b, const char *path)
{
    int fd = open(path, O_RDONLY);
    struct stat st;

    if (fd < 0 || fstat(fd, &st) != 0)
        fail(path);
    bytes_resize(b, (size_t)st.st_size);
    if (b->n && read(fd, b->p, b->n) != (ssize_t)b->n)
        fail(path);
    (void)close(fd);
}

static inline void bytes_write(const struct bytes *b, const char *path)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || (b->n && write(fd, b->p, b->n) != (ssize_t)b->n) || close(fd) != 0)
        fail(path);
}

/* splitmix64 */
static inline uint64_t dice(uint64_t *seed)
{
    uint64_t x = *seed += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* 0 … n - 1 */
static inline size_t dice_below(uint64_t *seed, size_t n)
{
    return n ? (size_t)(dice(seed) % n) : 0;
}

#endif
