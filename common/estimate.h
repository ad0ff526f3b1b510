/* SPDX-License-Identifier: MIT */
/*
 * When a waiting job may start, from the starts of the past that had the same pools. Pure; any
 * thread.
 *
 * Each past start is asked, at a few moments of its wait, how much stood before it then and how
 * long it still took: so long for so much. Those that were most like the job now, in what stood
 * before them, in their own size and in time, give a low and a high bound. Nothing is assumed about
 * how jobs come or how long they run; what the plan does to large and small ones is in these
 * numbers already.
 *
 * "How much" is a share: what a job needs of all that there is, of the resource of which that is
 * the most, in millionths. When capacity grows, shares shrink, and what was learnt stays true.
 */
#ifndef AR_ESTIMATE_H
#define AR_ESTIMATE_H

#include "base.h"

enum {
    ESTIMATE_STARTS_MAX = 512, /* that are looked at */
    ESTIMATE_STARTS_MIN = 12,  /* that have waited: with fewer nothing is said */
    ESTIMATE_WHOLE = 1000000   /* the share of a job that needs all there is */
};

/* Starts of one pass that are alike, or one. Times are ns since 1970. */
struct estimate_start {
    int64_t queued_at, at; /* it waited from … to … */
    int64_t priority;
    int64_t share; /* >= 1, of one job */
    int64_t jobs;  /* >= 1: for how many it stands */
};

struct estimate_in {
    int64_t now;
    size_t starts;
    const struct estimate_start *start; /* the newest first, at most ESTIMATE_STARTS_MAX */
    bool all;                           /* there were no others ever */
    int64_t queued_at;                  /* of the job */
    int64_t share;                      /* its own */
    int64_t ahead;                      /* of all that stand before it */
};

struct estimate {
    int64_t low, high; /* now <= low <= high */
    int64_t samples;   /* starts that it rests on */
};

/* True and *out; false: too few starts are known, out->samples is their number. */
bool estimate_make(const struct estimate_in *in, struct estimate *out);

/* The share of something of which there is `total`. */
int64_t estimate_share(int64_t need, int64_t total);

#endif
