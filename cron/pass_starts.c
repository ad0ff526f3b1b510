/* SPDX-License-Identifier: MIT */
/* Who is admitted in a pass, lane by lane, for the estimates of those who go on waiting: how long
 * each has waited, and how much of all that there is he asks for. */
#include "estimate.h"
#include "num.h"
#include "pass_inner.h"

#include <string.h>

static void add_hosts(const struct pass_lane *lane)
{
    const struct capacity *c = &lane->queue->capacity;
    const struct fit_subset *use = &lane->queue->waiting.scope[lane->scope];
    size_t i, r, n = c->resource.n;

    for (r = 0; r < n; r++)
        lane->total[r].resource = c->resource.text[r];
    for (i = 0; i < use->n; i++) {
        for (r = 0; r < n; r++)
            lane->total[r].total = num_plus(lane->total[r].total, c->total[use->host[i] * n + r]);
    }
}

/* NULL: no memory. */
static struct pass_lane *lane_of(struct pass *p, const struct pass_queue *q, size_t scope)
{
    struct pass_lane *lane;
    size_t i;

    for (i = p->lanes; i > 0; i--) {
        if (p->lane[i - 1]->queue == q && p->lane[i - 1]->scope == scope)
            return p->lane[i - 1];
    }
    lane = arena_array(p->arena, 1, sizeof *lane);
    if (!lane)
        return NULL;
    lane->queue = q;
    lane->scope = scope;
    lane->total = arena_array(p->arena, q->capacity.resource.n, sizeof *lane->total);
    if (!lane->total)
        return NULL;
    add_hosts(lane);
    p->lane[p->lanes++] = lane;
    return lane;
}

static int64_t need_of(const struct fit_demand *d, size_t resource)
{
    int64_t need = 0;
    size_t k;

    for (k = 0; k < d->kinds; k++)
        need = num_plus(need, num_times(d->kind[k].count, d->kind[k].amount[resource]));
    return need;
}

/* As store_ahead.c has it of those who wait. */
static int64_t share_of(const struct pass_lane *lane, const struct fit_demand *d)
{
    const struct conf_queue *conf = lane->queue->conf;
    int64_t most = conf->run_limit > 0 ? estimate_share(1, conf->run_limit) : 1, share;
    size_t r;

    for (r = 0; r < lane->queue->capacity.resource.n; r++) {
        share = estimate_share(need_of(d, r), lane->total[r].total);
        most = share > most ? share : most;
    }
    return most;
}

int pass_starts_find(struct pass *p, const struct pass_queue *q, const struct plan_admission *a,
                     struct pass_job *job)
{
    const struct plan_group *group = &q->waiting.group[a->group];
    const struct fit_demand *d = &q->waiting.demand[group->shape];

    if (d->kinds == 0)
        return 0;
    job->lane = lane_of(p, q, group->scope);
    if (!job->lane)
        return -1;
    job->priority = a->job.priority;
    job->share = share_of(job->lane, d);
    return 0;
}

/* When there are more than are kept of a pass, the later ones are taken to be like the earlier. */
int pass_starts_note(struct pass *p, const struct pass_job *job, struct err *e)
{
    struct pass_lane *lane = job->lane;
    int64_t since = 0;
    int rc = lane ? store_stood_since(p->store, job->id, &since, e) : 0;

    if (rc != 1)
        return rc;
    if (lane->n < STORE_STARTS_A_PASS)
        lane->start[lane->n++] = (struct store_start){since, job->priority, job->share, 1};
    else
        lane->start[lane->jobs % STORE_STARTS_A_PASS].jobs++;
    lane->jobs++;
    return 0;
}

/* The number of the lane's pools: the set of them is kept as their indices. */
static int64_t number_of(const struct pass_lane *lane)
{
    struct str pools = lane->queue->waiting.pools.text[lane->scope];
    int64_t sum = 0;
    size_t i, pool;

    for (i = 0; i < pools.n / sizeof pool; i++) {
        memcpy(&pool, pools.p + i * sizeof pool, sizeof pool);
        sum = pool_mix(sum, lane->queue->reading.pool[pool].name);
    }
    return sum;
}

int pass_starts_write(struct pass *p, int64_t now, struct err *e)
{
    size_t i;

    for (i = 0; i < p->lanes; i++) {
        struct pass_lane *lane = p->lane[i];
        struct store_starts starts = {.queue = lane->queue->conf->type,
                                      .lane = number_of(lane),
                                      .totals = lane->queue->capacity.resource.n,
                                      .total = lane->total,
                                      .n = lane->n,
                                      .start = lane->start};

        if (lane->n > 0 && store_starts_add(p->store, &starts, now, e) != 0)
            return -1;
        lane->n = 0;
        lane->jobs = 0;
    }
    return 0;
}
