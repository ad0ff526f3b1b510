/* SPDX-License-Identifier: MIT */
/* For LD_PRELOAD: while the file $FLUSH_FAILS is there, no flush to the disk succeeds. */
#include <errno.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

static int fails(void)
{
    const char *path = getenv("FLUSH_FAILS");

    if (!path || access(path, F_OK) != 0)
        return 0;
    errno = EIO;
    return 1;
}

int fsync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}
