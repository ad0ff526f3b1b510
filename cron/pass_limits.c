/* SPDX-License-Identifier: MIT */
/* The limits of a queue's plan: numbers of jobs, and those of the reading, less what jobs use of
 * them that hold something, since the reading may not show it yet. */
#include "log.h"
#include "pass_inner.h"

struct taker {
    const struct conf *conf;
    struct pass_queue *queue;
    struct err *e;
    bool failed;
};

static bool take_holder(void *ctx, const struct job *j)
{
    struct taker *t = ctx;
    struct demand *d;

    if (pass_demand_of(conf_queue(t->conf, j->type)->rules, j, &d, t->e) != 0) {
        t->failed = t->e->code == ERR_INTERNAL; /* no memory: it uses the quota all the same */
        if (t->failed)
            return false;
        log_error("limits", "job=%lld error=\"the data of a job that holds cannot be read\"",
                  (long long)j->id);
        return true;
    }
    t->failed = limits_hold(&t->queue->limits, j->scope, d, t->e) != 0;
    demand_free(d);
    return !t->failed;
}

int pass_limits(struct pass *p, struct pass_queue *q, struct err *e)
{
    struct taker t = {.conf = p->conf, .queue = q, .e = e};

    if (limits_make(&q->waiting, p->arena, &q->limits, e) != 0)
        return -1;
    if (q->limits.n == q->limits.counting)
        return 0; /* jobs are counted already */
    if (store_holders(p->store, q->conf->account, q->reading.read_at, take_holder, &t, e) != 0)
        return -1;
    return t.failed ? -1 : 0;
}
