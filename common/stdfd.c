/* SPDX-License-Identifier: MIT */
/* The standard descriptors. */
#include "stdfd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <unistd.h>

#include "err.h"

void stdfd_fill(void)
{
    int fd = open("/dev/null", O_RDWR);

    while (fd >= STDIN_FILENO && fd <= STDERR_FILENO)
        fd = dup(fd);
    if (fd > STDERR_FILENO)
        (void)close(fd);
}

int stdfd_end(const char *program, bool good)
{
    struct err e;

    if (good && fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (errno == EPIPE)
        return -1; /* a reader that has gone, as `head`, is no fault */
    (void)err_errno(&e, ERR_UNAVAILABLE, "the output could not be written");
    fprintf(stderr, "%s: %s\n", program, e.text);
    return -1;
}
