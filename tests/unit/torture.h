/* SPDX-License-Identifier: MIT */
/*
 * For torture tests: the Nth allocation from now on fails, and so do all after it, or that one
 * alone; what is allocated is counted. It stands in for the C library's allocator, so one file of a
 * test program includes it, and not under a sanitizer, which has that place (TORTURE is 0 then).
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
    bool armed, once, fired;
    int64_t good; /* allocations that still succeed; below 0: all of them */
    int64_t live; /* allocated less freed since it was armed */
} torture;

static inline void torture_arm(int64_t good)
{
    torture.good = good;
    torture.live = 0;
    torture.once = torture.fired = false;
    torture.armed = true;
}

/* The same; `once`: only the one that fails first fails. */
static inline void torture_arm_as(bool once, int64_t good)
{
    torture_arm(good);
    torture.once = once;
}

/* Returns how many allocations are left over. */
static inline int64_t torture_end(void)
{
    torture.armed = false;
    return torture.live;
}

/* Did any fail since it was armed? Where none did, every one has had its turn. */
static inline bool torture_fired(void)
{
    return torture.fired;
}

static inline bool torture_fails(void)
{
    bool fails = torture.good == 0;

    if (!torture.armed)
        return false;
    torture.fired = torture.fired || fails;
    if (!fails || torture.once)
        torture.good--;
    return fails;
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
