/* SPDX-License-Identifier: MIT */
/* What comes up by the clock, the earliest first: a binary heap of timers that others own. Pure but
 * for memory. One thread. */
#ifndef AR_TIMERS_H
#define AR_TIMERS_H

#include "base.h"

struct timer {
    int64_t when;
    size_t at; /* its place in the heap, from 1; 0: it is not set */
};

struct timers {
    struct timer **heap;
    size_t n, room;
};

/* Sees to it that `most` timers can be set at once. false: no memory. */
bool timers_room(struct timers *ts, size_t most);
void timers_free(struct timers *ts);

/* Sets a timer, which may be set already; there is room for it. */
void timers_set(struct timers *ts, struct timer *t, int64_t when);
/* One that is not set stays so. */
void timers_stop(struct timers *ts, struct timer *t);
/* All that are set come up so much later; earlier, where it is below 0. */
void timers_move(struct timers *ts, int64_t by);
/* The earliest; NULL: none is set. */
struct timer *timers_first(const struct timers *ts);

#endif
