/* SPDX-License-Identifier: MIT */
/* An input as a file that has a path, in memory. */
#ifndef AR_FUZZ_FILE_H
#define AR_FUZZ_FILE_H

#include <sys/mman.h>
#include <unistd.h>

#include "fuzz.h"

enum { FUZZ_PATH_MAX = 64 };

/* Makes it; close the descriptor that is returned. */
static inline int fuzz_file(struct str text, char path[FUZZ_PATH_MAX])
{
    int fd = memfd_create("fuzz", MFD_CLOEXEC);

    MUST(fd >= 0 && write(fd, text.p, text.n) == (ssize_t)text.n);
    (void)snprintf(path, FUZZ_PATH_MAX, "/proc/self/fd/%d", fd);
    return fd;
}

#endif
