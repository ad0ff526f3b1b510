/* SPDX-License-Identifier: MIT */
/* The plans of a pass, queue by queue, and what is to be written of them: admissions with what they
 * hold, and reasons that are news (pass_reasons.c). */
#include <assert.h>

#include "pass_inner.h"

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while planning a pass");
}

/* The store's answers for the plan. A fault of the store is kept: the plan knows only that there
 * was one. */
struct asker {
    struct store *store;
    struct err e;
};

static int answer(int found, const struct store_waiting *w, struct plan_job *job)
{
    if (found == 1)
        *job = (struct plan_job){w->id, w->priority, w->queued_at};
    return found;
}

static int ask_next(void *ctx, const struct plan_group *group, const struct plan_job *after,
                    struct plan_job *job)
{
    struct asker *a = ctx;
    struct store_waiting w;

    return answer(store_group_next(a->store, group->id,
                                   (struct page_place){after->priority, after->id}, &w, &a->e),
                  &w, job);
}

static int ask_guarded(void *ctx, const struct plan_group *group, int64_t cutoff,
                       struct plan_job *job)
{
    struct asker *a = ctx;
    struct store_waiting w;

    return answer(store_group_guarded(a->store, group->id,
                                      (struct page_place){group->head.priority, group->head.id},
                                      cutoff, &w, &a->e),
                  &w, job);
}

static const enum plan_policy policies[] = {
    [CONF_FIT_PACK] = PLAN_PACK, [CONF_FIT_SPREAD] = PLAN_SPREAD};

static void plan_in_of(const struct pass *p, struct pass_queue *q, size_t most)
{
    q->in_plan = (struct plan_in){
        .hosts = q->capacity.free,
        .total = q->capacity.total,
        .scopes = q->waiting.pools.n,
        .scope = q->waiting.scope,
        .shapes = q->waiting.shape_text.n,
        .shape = q->waiting.demand,
        .empty_shape = q->waiting.empty,
        .unsure = q->waiting.unsure,
        .limits = q->limits.n,
        .limit = q->limits.limit,
        .groups = q->waiting.groups,
        .group = q->waiting.group,
        .policy = policies[q->conf->fit],
        .overtake = q->conf->overtake,
        .now = p->now,
        .oldest = p->oldest,
        .budget = FIT_BUDGET_DEFAULT,
        .most = most,
    };
}

static int make_hosts(struct pass *p, const struct capacity *c, const struct capacity_holds *h,
                      struct str *hosts)
{
    struct buf b = BUF_INIT(64 << 20);
    struct json_out o = JSON_OUT(&b);
    size_t i;
    int rc;

    json_open(&o, '{');
    for (i = 0; i < h->counts; i++) {
        json_key_str(&o, c->host.text[h->count[i].host]);
        json_put_i64(&o, h->count[i].instances);
    }
    json_close(&o, '}');
    rc = b.failed ? -1 : arena_copy(p->arena, buf_span(&b), hosts);
    buf_free(&b);
    return rc;
}

int pass_job_make(struct pass *p, const struct pass_queue *q, const struct fit_demand *d,
                  struct fit_placement *placement, struct pass_job *job, struct err *e)
{
    const struct capacity *c = &q->capacity;
    struct capacity_holds h;
    struct store_hold *hold;
    size_t i;

    if (capacity_holds(c, d, placement, p->arena, &h, e) != 0)
        return -1;
    hold = arena_array(p->arena, h.holds, sizeof *hold);
    if (!hold || make_hosts(p, c, &h, &job->hosts) != 0)
        return no_memory(e);
    for (i = 0; i < h.holds; i++)
        hold[i] = (struct store_hold){c->host.text[h.hold[i].host],
                                      c->resource.text[h.hold[i].resource], h.hold[i].amount};
    job->queue = q->conf->account;
    job->holds = h.holds;
    job->hold = hold;
    return 0;
}

/* Admissions are kept in the order of the plan. When the arena is full, the rest is left to the
 * next pass. */
static int take_admissions(struct pass *p, struct pass_queue *q, struct err *e)
{
    struct plan_admission *a;
    struct pass_job *job;
    size_t i;
    int sure;

    for (i = 0; i < q->plan.n; i++) {
        a = &q->plan.admission[i];
        sure = pass_is_sure(p, q, a, e);
        if (sure < 0)
            return -1;
        if (!sure)
            continue;
        job = &p->admit[p->admitted];
        *job = (struct pass_job){.id = a->job.id,
                                 .of = (size_t)(q - p->queue),
                                 .group = q->waiting.group[a->group].id,
                                 .who = q->waiting.info[a->group].who};
        if (pass_job_make(p, q, &q->waiting.demand[q->waiting.group[a->group].shape], &a->placement,
                          job, e) != 0 ||
            pass_starts_find(p, q, a, job) != 0) {
            p->more = true;
            return p->admitted ? 0 : -1;
        }
        holding_note(&p->holding, job->who);
        p->admitted++;
    }
    return 0;
}

/* What stops the queues from sharing a pass fairly is its limit of admissions: each gets its part
 * of what is left. */
static int plan_queue(struct pass *p, struct pass_queue *q, size_t most, struct err *e)
{
    struct asker asker = {.store = p->store};
    size_t i;

    if (pass_limits(p, q, e) != 0)
        return -1;
    plan_in_of(p, q, most);
    q->in_plan.queue = (struct plan_queue){&asker, ask_next, ask_guarded};
    if (plan_make(&q->in_plan, &q->plan, e) != 0) {
        if (asker.e.code != ERR_NONE)
            *e = asker.e;
        return -1;
    }
    q->planned = true;
    for (i = 0; i < q->waiting.groups && !p->more; i++)
        p->more = q->plan.verdict[i] == PLAN_ENOUGH;
    return take_admissions(p, q, e);
}

/* Each admission may look at every host, and callbacks under way wait for the end of the pass. */
static size_t most_of(const struct pass_queue *q, size_t share, size_t planned)
{
    size_t hosts = q->capacity.free.hosts, most = PASS_LOOKS_MAX / (hosts > 0 ? hosts : 1);

    most = (most > PASS_ADMISSIONS_MIN ? most : PASS_ADMISSIONS_MIN) / planned + 1;
    return most < share ? most : share;
}

/* Does the plan have to be asked? Without capacity it is clear what all are told. */
static bool is_to_plan(const struct pass_queue *q)
{
    return q->in && q->reading.state == SOURCE_GOOD && q->waiting.groups > 0;
}

static size_t count_of(const struct pass_job *job, size_t n, struct str account)
{
    size_t i, count = 0;

    for (i = 0; i < n; i++)
        count += str_eq(job[i].queue, account);
    return count;
}

/* Was something given in this pass that the queue's numbers do not show: to jobs of another queue
 * that has the same hosts, or, of its limits, to jobs that were placed? Then its turn is in the
 * next one, which sees that as holds. */
static bool has_given(const struct pass *p, const struct pass_queue *q)
{
    size_t placed = count_of(p->place, p->placed, q->conf->account);
    bool limited = q->reading.gate != SOURCE_NO_QUOTA || q->reading.shared > 0;

    return count_of(p->admit, p->admitted, q->conf->account) > 0 || placed > q->placed ||
           (placed > 0 && limited);
}

static int by_skips(const void *a, const void *b)
{
    const struct pass_queue *const *x = a, *const *y = b;

    if ((*x)->skips != (*y)->skips)
        return (*x)->skips > (*y)->skips ? -1 : 1;
    return *x < *y ? -1 : *x > *y;
}

/* The queues in the order of their turns: else one whose jobs keep coming would take every pass
 * from those that have the same hosts. NULL: no memory. */
static struct pass_queue **in_turn(struct pass *p)
{
    struct pass_queue **order = arena_array(p->arena, p->queues, sizeof *order);
    size_t i;

    for (i = 0; order && i < p->queues; i++)
        order[i] = &p->queue[i];
    if (order)
        qsort((void *)order, p->queues, sizeof *order, by_skips);
    return order;
}

/* The plan of one queue, where it is its turn, and its reasons. *left: queues that are still to be
 * planned, of so many. */
static int take_turn(struct pass *p, struct pass_queue *q, size_t *left, size_t planned,
                     struct err *e)
{
    size_t most;

    if (is_to_plan(q)) {
        assert(*left > 0);
        most = most_of(q, (PASS_ADMISSIONS_MAX - p->admitted) / (*left)--, planned);
        if (has_given(p, q)) {
            p->more = true;
            q->skips++;
            return 0;
        }
        if (plan_queue(p, q, most, e) != 0)
            return -1;
    }
    q->skips = 0;
    return pass_reasons(p, q, e);
}

int pass_plan(struct pass *p, struct err *e)
{
    struct pass_queue **order = in_turn(p);
    size_t i, groups, left = 0, planned;

    groups = p->paused.groups;
    for (i = 0; i < p->queues; i++) {
        groups += p->queue[i].waiting.groups;
        left += is_to_plan(&p->queue[i]);
    }
    planned = left;
    p->reason = arena_array(p->arena, groups, sizeof *p->reason);
    if (!p->reason || !order)
        return no_memory(e);
    pass_show_paused(p);
    for (i = 0; i < p->queues; i++) {
        if (order[i]->in && take_turn(p, order[i], &left, planned, e) != 0)
            return -1;
    }
    return 0;
}
