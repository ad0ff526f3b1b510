/* SPDX-License-Identifier: MIT */
/*
 * For torture tests: the Nth allocation from now on fails, and so do all after it; what is
 * allocated is counted. It stands in for the C library's allocator, so one file of a test program
 * includes it, and not under a sanitizer, which has that place (TORTURE is 0 then).
 */
#ifndef AR_TORTURE_H
#define AR_TORTURE_H

#include "base.h"

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define TORTURE 0
#endif
#endif
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define TORTURE 0
#endif
#ifndef TORTURE
#define TORTURE 1
#endif

#if TORTURE
extern void *__libc_malloc(size_t n);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *p, size_t n);
extern void __libc_free(void *p);

/* Guarded by nothing: torture is for one thread. */
static struct {
    bool armed;
    int64_t good; /* allocations that still succeed */
    int64_t live; /* allocated less freed since it was armed */
} torture;

static inline void torture_arm(int64_t good)
{
    torture.good = good;
    torture.live = 0;
    torture.armed = true;
}

/* Returns how many allocations are left over. */
static inline int64_t torture_end(void)
{
    torture.armed = false;
    return torture.live;
}

static inline bool torture_fails(void)
{
    if (!torture.armed)
        return false;
    if (torture.good == 0)
        return true;
    torture.good--;
    return false;
}

void *malloc(size_t n)
{
    void *p = torture_fails() ? NULL : __libc_malloc(n);

    torture.live += p && torture.armed;
    return p;
}

void *calloc(size_t n, size_t size)
{
    void *p = torture_fails() ? NULL : __libc_calloc(n, size);

    torture.live += p && torture.armed;
    return p;
}

void *realloc(void *old, size_t n)
{
    void *p = torture_fails() ? NULL : __libc_realloc(old, n);

    torture.live += p && !old && torture.armed;
    return p;
}

void free(void *p)
{
    torture.live -= p && torture.armed;
    __libc_free(p);
}
#endif

#endif
