/* SPDX-License-Identifier: MIT */
/* What delivery remembers moves with the clock when somebody sets it (store_clock.h). */
#include "deliver_inner.h"
#include "store_clock.h"

static void rewind_lane(void *ctx, struct lane *lane)
{
    (void)ctx;
    deliver_rewind(lane);
}

static void move_slot(struct slot *s, int64_t by)
{
    s->at += by;
    s->hold_until += by;
    if (s->state == SLOT_ENDED && s->then.outcome == STORE_TRY_AGAIN)
        s->then.next_try += by;
}

void deliver_follow(struct deliver *d)
{
    int64_t by = store_clock_shifted(d->store) - d->shifted;
    size_t i;

    if (by == 0)
        return;
    d->shifted += by;
    for (i = 0; i < d->used; i++) {
        if (d->slot[i].state != SLOT_FREE)
            move_slot(&d->slot[i], by);
    }
    lanes_move(d->lanes, by);
    lanes_each(d->lanes, rewind_lane, NULL);
    d->lapse = 0; /* it is looked up again */
    deliver_changed(d);
}
