/* SPDX-License-Identifier: MIT */
/* The standard descriptors. */
#include "stdfd.h"

#include <fcntl.h>
#include <unistd.h>

void stdfd_fill(void)
{
    int fd = open("/dev/null", O_RDWR);

    while (fd >= STDIN_FILENO && fd <= STDERR_FILENO)
        fd = dup(fd);
    if (fd > STDERR_FILENO)
        (void)close(fd);
}
