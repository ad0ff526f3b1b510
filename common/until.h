/* SPDX-License-Identifier: MIT */
/* How long work that blocks may go on: until a moment, or until somebody says stop. */
#ifndef AR_UNTIL_H
#define AR_UNTIL_H

#include <stdatomic.h>

#include "clock.h"

struct until {
    int64_t at;              /* clock_mono's */
    const atomic_bool *stop; /* set by another thread; NULL: nobody says it */
};

/* ns that are left; 0: it is over. Any thread. */
static inline int64_t until_left(const struct until *u)
{
    int64_t left = u->at - clock_mono();

    return left <= 0 || (u->stop && atomic_load(u->stop)) ? 0 : left;
}

#endif
