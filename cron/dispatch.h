/* SPDX-License-Identifier: MIT */
/* The dispatcher: passes and callbacks in one loop. One thread, once in a process. */
#ifndef AR_DISPATCH_H
#define AR_DISPATCH_H

#include "conf.h"

enum dispatch_mode {
    DISPATCH_ONCE,    /* one pass, and the callbacks that are due */
    DISPATCH_FOR,     /* until a number of seconds have gone by */
    DISPATCH_WATCH,   /* until SIGTERM or SIGINT */
    DISPATCH_SHOW,    /* --dry-run: what a pass would do, to stdout */
    DISPATCH_CHECK,   /* --check: database and sources, to stdout */
    DISPATCH_CAPACITY /* --capacity: what the sources have, to stdout */
};

struct dispatch_options {
    enum dispatch_mode mode;
    int64_t seconds; /* of DISPATCH_FOR */
    bool json;       /* of DISPATCH_CAPACITY: JSON rather than a table */
};

/* The exit code: 0, also when another dispatcher is at work or a signal asked to stop; 1 when it
 * had to leave, or something failed in a single run or before: that is in the log then. */
int dispatch_run(const struct conf *conf, const struct dispatch_options *o);

#endif
