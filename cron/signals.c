/* SPDX-License-Identifier: MIT */
/* Signals as something to be read. */
#include "signals.h"

#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

int signals_open(const int *number, size_t n, struct err *e)
{
    sigset_t set;
    size_t i;
    int fd;

    (void)sigemptyset(&set);
    for (i = 0; i < n; i++)
        (void)sigaddset(&set, number[i]);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    fd = signalfd(-1, &set, SFD_NONBLOCK | SFD_CLOEXEC);
    return fd >= 0 ? fd : err_errno(e, ERR_INTERNAL, "signals cannot be read");
}

int signals_take(int fd)
{
    struct signalfd_siginfo info;

    return read(fd, &info, sizeof info) == (ssize_t)sizeof info ? (int)info.ssi_signo : 0;
}
