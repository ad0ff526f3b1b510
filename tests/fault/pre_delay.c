/* SPDX-License-Identifier: MIT */
/* Delays before every write, flush, change of length and lock of a file: each 0 to DELAY_MAX_US
 * (10000) microseconds, the same for the same DELAY_SEED in a process with one thread. Half of the
 * calls have none. */
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

enum { WAL_WRITE_LOCK = 120 }; /* the byte of FILE-shm, by SQLite's description of its format */

static atomic_uint_fast64_t state;

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

__attribute__((constructor)) static void begin(void)
{
    atomic_store(&state, from_environment("DELAY_SEED", 1) * 2 + (uint64_t)getpid());
}

static void delay(void)
{
    uint64_t v = atomic_fetch_add(&state, UINT64_C(0x9E3779B97F4A7C15));
    uint64_t most = from_environment("DELAY_MAX_US", 10000);
    struct timespec t = {0};

    v = (v ^ v >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    v = (v ^ v >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    v ^= v >> 32;
    if (v & 1)
        return;
    t.tv_nsec = (long)((v >> 1) % (most + 1)) * 1000;
    (void)nanosleep(&t, NULL);
}

/* The function of that name behind this one. */
#define NEXT(type, name)                                                                           \
    union {                                                                                        \
        void *p;                                                                                   \
        type *f;                                                                                   \
    } next = {dlsym(RTLD_NEXT, name)}

typedef ssize_t pwrite_fn(int fd, const void *p, size_t n, off_t at);
typedef int fd_fn(int fd);
typedef int truncate_fn(int fd, off_t size);
typedef int flock_fn(int fd, int how);
typedef int fcntl_fn(int fd, int what, ...);

ssize_t pwrite64(int fd, const void *p, size_t n, off_t at);
ssize_t pwrite64(int fd, const void *p, size_t n, off_t at)
{
    NEXT(pwrite_fn, "pwrite64");

    delay();
    return next.f(fd, p, n, at);
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    return pwrite64(fd, p, n, at);
}

int fsync(int fd)
{
    NEXT(fd_fn, "fsync");

    delay();
    return next.f(fd);
}

int fdatasync(int fd)
{
    NEXT(fd_fn, "fdatasync");

    delay();
    return next.f(fd);
}

int ftruncate64(int fd, off_t size);
int ftruncate64(int fd, off_t size)
{
    NEXT(truncate_fn, "ftruncate64");

    delay();
    return next.f(fd, size);
}

int ftruncate(int fd, off_t size)
{
    return ftruncate64(fd, size);
}

/* DELAY_NO_LOCKS: the locks of those who write, ours and SQLite's on its log, are had at once and
 * mean nothing. A test that finds nothing then looks for nothing. */
int flock(int fd, int how)
{
    NEXT(flock_fn, "flock");

    delay();
    return getenv("DELAY_NO_LOCKS") ? 0 : next.f(fd, how);
}

static bool is_writers(const struct flock *l)
{
    return l->l_start == WAL_WRITE_LOCK && l->l_len == 1;
}

static int lock_or_other(int fd, int what, void *arg)
{
    NEXT(fcntl_fn, "fcntl64");
    bool lock = what == F_SETLK || what == F_SETLKW || what == F_OFD_SETLK;

    if (lock)
        delay();
    if (lock && is_writers(arg) && getenv("DELAY_NO_LOCKS"))
        return 0;
    return next.f(fd, what, arg);
}

int fcntl(int fd, int what, ...)
{
    va_list list;
    void *arg;

    va_start(list, what);
    arg = va_arg(list, void *);
    va_end(list);
    return lock_or_other(fd, what, arg);
}

int fcntl64(int fd, int what, ...) __attribute__((alias("fcntl")));
