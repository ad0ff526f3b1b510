/* SPDX-License-Identifier: MIT */
/*
 * The estimate: nearest neighbours among moments of past waits.
 *
 * A moment is a past start at a part of its wait: what stood before it then (of those that started
 * later: they are known) with its own share, and how long it still took. The quotient of the two is
 * the pace. The job's bounds are low and high quantiles of the pace of the moments nearest to it,
 * one for each past start, times what stands before the job with its own share.
 *
 * Bounds are widened a little for what the past cannot know, and while nothing starts at all, it
 * may go on so for as long as it has.
 */
#include "estimate.h"

#include <stdlib.h>

#include "num.h"

enum { PARTS = 4, NEAREST = 80 };

#define TAIL_LOW   0.03
#define TAIL_HIGH  0.03
#define WIDER_LOW  0.75
#define WIDER_HIGH 1.3
#define AGE_COUNTS 1.0 /* how far the oldest start kept is away for its age alone */

/* A moment of a past wait. */
struct moment {
    double distance; /* from the job */
    double pace;     /* ns for each unit of share */
};

int64_t estimate_share(int64_t need, int64_t total)
{
    double share;

    if (need <= 0)
        return 1;
    if (need >= total)
        return ESTIMATE_WHOLE;
    share = (double)need / (double)total * ESTIMATE_WHOLE;
    return share > 1 ? (int64_t)share : 1;
}

/* 0 for the same, 1 for twice or half as much, … */
static double apart(double a, double b)
{
    return a > b ? a / b - 1 : b / a - 1;
}

/* What stood before start j at that time. */
static double stood_before(const struct estimate_in *in, size_t j, int64_t at)
{
    const struct estimate_start *s = in->start, *me = &in->start[j];
    double sum = 0;
    size_t i;

    for (i = 0; i < in->starts && s[i].at > at; i++) {
        if (i != j && s[i].queued_at <= at && s[i].priority < me->priority)
            sum += (double)s[i].share * (double)s[i].jobs;
    }
    return sum;
}

/* The moment of start j that is nearest to the job. False: there is none of which all is known. */
static bool nearest_moment(const struct estimate_in *in, size_t j, struct moment *best)
{
    const struct estimate_start *s = &in->start[j];
    double mine = (double)in->ahead + (double)in->share;
    int64_t wait = s->at - s->queued_at, known = in->start[in->starts - 1].at;
    int part;

    best->distance = -1;
    for (part = 0; part < PARTS; part++) {
        int64_t at = s->queued_at + wait / PARTS * part;
        struct moment m;
        double line;

        if (!in->all && at < known)
            continue;
        line = stood_before(in, j, at) + (double)s->share;
        m.pace = (double)(s->at - at) / line;
        m.distance = apart(line, mine) + 2 * apart((double)s->share, (double)in->share) +
                     AGE_COUNTS * (double)j / ESTIMATE_STARTS_MAX;
        if (best->distance < 0 || m.distance < best->distance)
            *best = m;
    }
    return best->distance >= 0;
}

/* Has it waited, and not much less than the job has already? Who is passed again and again learns
 * nothing from those who passed. */
static bool is_like(const struct estimate_in *in, const struct estimate_start *s)
{
    int64_t wait = s->at - s->queued_at;

    return wait > 0 && wait >= (in->now - in->queued_at) / 8;
}

static int by_distance(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    return (x->distance > y->distance) - (x->distance < y->distance);
}

static int by_pace(const void *a, const void *b)
{
    const struct moment *x = a, *y = b;

    return (x->pace > y->pace) - (x->pace < y->pace);
}

static int64_t later(int64_t now, double ns)
{
    double most = (double)(INT64_MAX / 2);
    int64_t v;

    return num_add(now, ns < most ? (int64_t)ns : INT64_MAX / 2, &v) == 0 ? v : INT64_MAX;
}

bool estimate_make(const struct estimate_in *in, struct estimate *out)
{
    struct moment moment[ESTIMATE_STARTS_MAX];
    double line = (double)in->ahead + (double)in->share, low, high, quiet;
    size_t n = 0, j;

    for (j = 0; j < in->starts; j++) {
        if (is_like(in, &in->start[j]) && nearest_moment(in, j, &moment[n]))
            n++;
    }
    *out = (struct estimate){.samples = (int64_t)n};
    if (n < ESTIMATE_STARTS_MIN)
        return false;
    quiet = (double)(in->now - in->start[0].at);
    qsort(moment, n, sizeof *moment, by_distance);
    n = n < NEAREST ? n : NEAREST;
    qsort(moment, n, sizeof *moment, by_pace);
    low = moment[(size_t)(TAIL_LOW * (double)n)].pace * line * WIDER_LOW;
    high = moment[n - 1 - (size_t)(TAIL_HIGH * (double)n)].pace * line * WIDER_HIGH;
    if (high < quiet)
        high = quiet;
    if (high < (double)(in->now - in->queued_at) / 4)
        high = (double)(in->now - in->queued_at) / 4;
    *out = (struct estimate){later(in->now, low), later(in->now, high), (int64_t)n};
    return true;
}
