/* SPDX-License-Identifier: MIT */
/*
 * When the next pass is made. Pure: it is told the time (clock_mono's) and what there is.
 *
 * A pass is due when somebody wants one, when there is news of a source, or when the last whole one
 * was long ago; but never before the last one's rest is over. A pass that admitted nobody rests as
 * long as it was, so that a flood of knocks costs at most half of a processor; one that took long
 * because the machine stood still is not made worse by that (PACE_REST_MOST).
 */
#ifndef AR_PACE_H
#define AR_PACE_H

#include <stdbool.h>

#include "clock.h"

#define PACE_GAP       (20 * NS_PER_MS) /* between the starts of passes that admit nobody */
#define PACE_EVERY     (30 * NS_PER_S)
#define PACE_REST_MOST (5 * NS_PER_S)

struct pace {
    bool wanted;
    int64_t from; /* no pass before */
    int64_t by;   /* a pass then at the latest */
};

/* `news`: a reading has come. */
bool pace_due(const struct pace *p, int64_t now, bool news);

/* When a pass is due if nothing moves until then: at or before `now` exactly where pace_due. */
int64_t pace_next(const struct pace *p, int64_t now, bool news);

/* A pass that began now would be one for its time alone: nobody wants it. */
bool pace_quiet(const struct pace *p, int64_t now);

/* A pass went from `start` to `end`. `all`: it was wanted, or one for its time: for who wanted it,
 * it is done. `eager`: it admitted somebody, or has more to do, and has no rest. */
void pace_passed(struct pace *p, int64_t start, int64_t end, bool all, bool eager);

#endif
