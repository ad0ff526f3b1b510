/* SPDX-License-Identifier: MIT */
/* What comes up by the clock: a binary heap. */
#include "timers.h"

#include <assert.h>
#include <stdlib.h>

bool timers_room(struct timers *ts, size_t most)
{
    struct timer **heap;

    if (most <= ts->room)
        return true;
    heap = realloc((void *)ts->heap, 2 * most * sizeof(struct timer *));
    if (!heap)
        return false;
    ts->heap = heap;
    ts->room = 2 * most;
    return true;
}

void timers_free(struct timers *ts)
{
    free((void *)ts->heap);
    *ts = (struct timers){0};
}

static void place(struct timers *ts, size_t at, struct timer *t)
{
    ts->heap[at - 1] = t;
    t->at = at;
}

static void up(struct timers *ts, size_t at, struct timer *t)
{
    for (; at > 1 && ts->heap[at / 2 - 1]->when > t->when; at /= 2)
        place(ts, at, ts->heap[at / 2 - 1]);
    place(ts, at, t);
}

static void down(struct timers *ts, size_t at, struct timer *t)
{
    size_t child;

    for (; (child = 2 * at) <= ts->n; at = child) {
        if (child < ts->n && ts->heap[child]->when < ts->heap[child - 1]->when)
            child++;
        if (ts->heap[child - 1]->when >= t->when)
            break;
        place(ts, at, ts->heap[child - 1]);
    }
    place(ts, at, t);
}

void timers_stop(struct timers *ts, struct timer *t)
{
    size_t at = t->at;
    struct timer *last;

    if (at == 0)
        return;
    t->at = 0;
    last = ts->heap[--ts->n];
    if (last == t)
        return;
    down(ts, at, last);
    up(ts, last->at, last);
}

void timers_set(struct timers *ts, struct timer *t, int64_t when)
{
    timers_stop(ts, t);
    assert(ts->n < ts->room);
    t->when = when;
    up(ts, ++ts->n, t);
}

void timers_move(struct timers *ts, int64_t by)
{
    size_t i;

    for (i = 0; i < ts->n; i++)
        ts->heap[i]->when += by; /* their order stays */
}

struct timer *timers_first(const struct timers *ts)
{
    return ts->n > 0 ? ts->heap[0] : NULL;
}
