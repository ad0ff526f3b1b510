/* SPDX-License-Identifier: MIT */
/* SIGTERM and SIGINT end the service; SIGHUP opens the log anew, and never ends it. */
#include "signals.h"

#include <signal.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include "log.h"

static void fill(sigset_t *set)
{
    (void)sigemptyset(set);
    (void)sigaddset(set, SIGTERM);
    (void)sigaddset(set, SIGINT);
    (void)sigaddset(set, SIGHUP);
}

void signals_block(void)
{
    sigset_t set;

    fill(&set);
    (void)pthread_sigmask(SIG_BLOCK, &set, NULL);
    (void)signal(SIGPIPE, SIG_IGN);
    (void)signal(SIGXFSZ, SIG_IGN);
}

int signals_open(int *fd, struct err *e)
{
    sigset_t set;

    fill(&set);
    *fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    return *fd < 0 ? err_errno(e, ERR_INTERNAL, "cannot wait for signals") : 0;
}

bool signals_end(int fd)
{
    struct signalfd_siginfo info;

    if (read(fd, &info, sizeof info) != sizeof info)
        return false;
    if (info.ssi_signo != SIGHUP)
        return true;
    log_reopen();
    return false;
}
