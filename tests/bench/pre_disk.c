/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: a disk whose flush takes FLUSH_US microseconds, or as long as it takes here where
 * that is more. */
#include <stdint.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { NS_PER_US = 1000, NS_PER_S = 1000000000 };

/* The moment at which a flush that begins now ends. */
static struct timespec end_of_flush(void)
{
    const char *us = getenv("FLUSH_US");
    struct timespec t;

    (void)prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL); /* of this thread */
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += us ? strtol(us, NULL, 10) * NS_PER_US : 0;
    t.tv_sec += t.tv_nsec / NS_PER_S;
    t.tv_nsec %= NS_PER_S;
    return t;
}

static int flush(long call, int fd)
{
    struct timespec end = end_of_flush();
    int rc = (int)syscall(call, fd);

    (void)clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &end, NULL);
    return rc;
}

int fsync(int fd)
{
    return flush(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return flush(SYS_fdatasync, fd);
}
