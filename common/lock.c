/* SPDX-License-Identifier: MIT */
/* Lock files. */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"

enum { POLL_NS = 200 * 1000, POLL_MAX_NS = 5 * 1000 * 1000 };

int lock_open(const char *path, int *fd, struct err *e)
{
    int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);

    if (f < 0)
        return err_errno(e, ERR_UNAVAILABLE, "cannot open the lock file %s", path);
    *fd = f;
    return 0;
}

/* flock(2) has no time limit of its own, and an alarm would need a signal: it is asked again, at
 * growing distances. */
int lock_take(int fd, int64_t deadline, struct err *e)
{
    struct timespec wait = {.tv_nsec = POLL_NS};

    for (;;) {
        if (flock(fd, LOCK_EX | LOCK_NB) == 0)
            return 1;
        if (errno != EWOULDBLOCK && errno != EINTR)
            return err_errno(e, ERR_UNAVAILABLE, "cannot take the lock");
        if (deadline == 0 || clock_mono() >= deadline)
            return 0;
        (void)nanosleep(&wait, NULL);
        if (wait.tv_nsec < POLL_MAX_NS)
            wait.tv_nsec += wait.tv_nsec / 2;
    }
}

void lock_release(int fd)
{
    (void)flock(fd, LOCK_UN);
}
