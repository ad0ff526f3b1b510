/* SPDX-License-Identifier: MIT */
/*
 * Lock files.
 *
 * flock(2) has no time limit of its own, and an alarm would need a signal: it is asked again and
 * again. Whoever gives a lock back and takes it anew at once would always be quicker than one who
 * asks. So there is a line: who waits is first to have its head, another lock on the same file (an
 * open file description's lock on its first byte, which flock knows nothing of), and keeps it until
 * the lock itself is taken. The lock can't be passed from a process to itself while another stands
 * at the head.
 */
#include "lock.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "clock.h"
#include "db_file.h"

/* At the head only one asks, and everybody waits for it: it asks often. */
enum { POLL_NS = 200 * 1000, POLL_MAX_NS = 5 * 1000 * 1000 };

int lock_open(const char *path, int *fd, struct err *e)
{
    int f = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);

    if (f < 0)
        return err_errno(e, ERR_UNAVAILABLE, "cannot open the lock file %s", path);
    db_file_give(f, path);
    *fd = f;
    return 0;
}

/* One attempt: 1 taken, 0 somebody else has it, -1 and *e. */
typedef int attempt_fn(int fd, struct err *e);

static int try_lock(int fd, struct err *e)
{
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return 1;
    if (errno == EWOULDBLOCK || errno == EINTR)
        return 0;
    return err_errno(e, ERR_UNAVAILABLE, "cannot take the lock");
}

static int set_head(int fd, short type)
{
    struct flock head = {.l_type = type, .l_whence = SEEK_SET, .l_len = 1};

    return fcntl(fd, F_OFD_SETLK, &head);
}

static int try_head(int fd, struct err *e)
{
    if (set_head(fd, F_WRLCK) == 0)
        return 1;
    if (errno == EAGAIN || errno == EACCES || errno == EINTR)
        return 0;
    return err_errno(e, ERR_UNAVAILABLE, "cannot stand in line for the lock");
}

/* Attempts until the deadline, at distances that grow up to `most` ns. */
static int keep_trying(int fd, attempt_fn *attempt, int64_t deadline, long most, struct err *e)
{
    struct timespec wait = {.tv_nsec = POLL_NS};
    int rc;

    while ((rc = attempt(fd, e)) == 0 && clock_mono() < deadline) {
        (void)nanosleep(&wait, NULL);
        if (wait.tv_nsec < most)
            wait.tv_nsec += wait.tv_nsec / 2;
    }
    return rc;
}

int lock_take(int fd, int64_t deadline, struct err *e)
{
    int rc;

    if (deadline == 0)
        return try_lock(fd, e);
    rc = keep_trying(fd, try_head, deadline, POLL_MAX_NS, e);
    if (rc != 1)
        return rc;
    rc = keep_trying(fd, try_lock, deadline, POLL_NS, e);
    (void)set_head(fd, F_UNLCK);
    return rc;
}

void lock_release(int fd)
{
    (void)flock(fd, LOCK_UN);
}
