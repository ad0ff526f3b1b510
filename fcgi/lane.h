/* SPDX-License-Identifier: MIT */
/*
 * How many of the threads that answer may wait for slow clients at once. Whoever has to wait for
 * one enters a lane of its kind (half.h, slow.h), where there is one, and leaves it afterwards. All
 * kinds share one more bound, so that together they do not hold every thread. Any thread.
 */
#ifndef AR_LANE_H
#define AR_LANE_H

#include <stdatomic.h>

#include "base.h"

struct lanes {
    atomic_size_t free;
    struct lanes *all; /* each of these is one of those as well; NULL: there is no more to it */
};

/* False: there is none. */
bool lane_enter(struct lanes *l) AR_MUST_CHECK;
void lane_leave(struct lanes *l);

#endif
