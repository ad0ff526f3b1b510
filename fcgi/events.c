/* SPDX-License-Identifier: MIT */
/* GET /v1/{type}/{request_id}/events: every change of a job's state and order, who and when. */
#include "handlers.h"
#include "history.h"

static int put_event(void *ctx, const struct store_event *ev, struct err *e)
{
    struct history_page *p = ctx;

    if (!history_row(p, ev->n))
        return 0;
    store_event_write(&p->o, ev, &p->x->zone);
    return history_row_end(p, e);
}

static int put_events(struct history_page *p, const struct job *j, int64_t after, int64_t most,
                      struct err *e)
{
    return store_events(p->store, j, after, most, put_event, p, e);
}

int events(const struct route_env *env, struct http *x, struct err *e)
{
    static const struct history h = {PAGE_EVENTS, -1, store_event_numbers, put_events};

    return history_answer(&h, env, x, e);
}
