/* SPDX-License-Identifier: MIT */
/* Waking the dispatcher through a FIFO. */
#include "wake.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

int wake_listen(const char *path, int *fd, struct err *e)
{
    struct stat st;
    int f;

    if (mkfifo(path, 0660) != 0 && errno != EEXIST)
        return err_errno(e, ERR_UNAVAILABLE, "cannot make the FIFO %s", path);
    /* Open for writing too: with a writer of our own there is never an end of file. */
    f = open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (f < 0)
        return err_errno(e, ERR_UNAVAILABLE, "cannot open the FIFO %s", path);
    if (fstat(f, &st) != 0 || !S_ISFIFO(st.st_mode)) {
        (void)close(f);
        return err_set(e, ERR_UNAVAILABLE, "%s is no FIFO", path);
    }
    *fd = f;
    return 0;
}

void wake_drain(int fd)
{
    char bytes[512];
    ssize_t n;

    do {
        n = read(fd, bytes, sizeof bytes);
    } while (n == (ssize_t)sizeof bytes || (n < 0 && errno == EINTR));
}

/* SIGPIPE is ignored by every program of ours: a FIFO without a reader shows as EPIPE. */
void wake_send(const char *path, int *fd)
{
    if (*fd < 0)
        *fd = open(path, O_WRONLY | O_NONBLOCK | O_CLOEXEC | O_NOFOLLOW);
    if (*fd < 0)
        return; /* nobody listens */
    if (write(*fd, "", 1) < 0 && errno == EPIPE) {
        (void)close(*fd);
        *fd = -1;
    }
}
