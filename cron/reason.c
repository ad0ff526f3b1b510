/* SPDX-License-Identifier: MIT */
/* Why jobs wait, in words and numbers. */
#include "reason.h"

#include <assert.h>

#include "gap.h"
#include "quantity.h"

/* Over the hosts of one scope; the last row is of whatever demand is looked at. */
struct reason_sums {
    const struct waiting *waiting;
    size_t resources;
    bool *counted;        /* [scopes] */
    struct gap_sum sum[]; /* [(scopes + 1) * resources] */
};

struct reason_sums *reason_sums_new(const struct waiting *w)
{
    size_t scopes = w->pools.n, resources = w->capacity->resource.n, cells;
    struct reason_sums *s;

    if (__builtin_mul_overflow(scopes + 1, resources, &cells) ||
        cells > SIZE_MAX / sizeof(struct gap_sum) - 1)
        return NULL;
    s = calloc(1, sizeof *s + cells * sizeof s->sum[0]);
    if (!s)
        return NULL;
    s->waiting = w;
    s->resources = resources;
    s->counted = calloc(scopes + 1, sizeof *s->counted);
    if (!s->counted) {
        free(s);
        return NULL;
    }
    return s;
}

void reason_sums_free(struct reason_sums *s)
{
    if (s)
        free(s->counted);
    free(s);
}

static const struct gap_sum *sums_of(struct reason_sums *s, const struct gap_at *at, size_t scope)
{
    bool masked = gap_is_masked(at->demand);
    size_t number = masked ? s->waiting->pools.n : scope;
    struct gap_sum *row = s->sum + number * s->resources;

    if (masked)
        gap_sums(at, row);
    else if (!s->counted[scope])
        gap_sums_of_all(at->capacity, at->use, row);
    s->counted[number] = true;
    return row;
}

/* How many serve its scope, with hosts or without. */
static size_t pools_of(const struct waiting *w, const struct plan_group *g)
{
    return w->pools.text[g->scope].n / sizeof(size_t);
}

/* What there is too little of, of what is free or of the empty hosts, is said. */
static struct gap say_gap(struct buf *b, struct reason_sums *s, const struct plan_group *g,
                          bool empty)
{
    const struct waiting *w = s->waiting;
    const struct capacity_shape *shape = &w->shape[g->shape];
    struct gap_at at = {.capacity = w->capacity,
                        .empty = empty,
                        .use = w->scope[g->scope],
                        .demand = empty ? &shape->empty : &shape->demand,
                        .pools = pools_of(w, g)};
    struct gap gap;

    at.sum = sums_of(s, &at, g->scope);
    gap = gap_find(&at);
    gap_say(&at, &gap, b);
    return gap;
}

static void put_name(struct buf *b, struct str name)
{
    buf_add(b, name.p, name.n);
}

static bool has_pool(const struct source_reading *r, struct str name)
{
    size_t i = 0;

    while (i < r->pools && !str_eq(r->pool[i].name, name))
        i++;
    return i < r->pools;
}

static void put_named(struct buf *b, const char *before, struct str name, const char *after)
{
    buf_str(b, before);
    json_escape(b, name);
    buf_str(b, after);
}

/* Pools serve the scope, and none of them has a host. */
static void say_no_host(struct buf *b, struct str scope)
{
    struct str pool = pool_name(scope), project = pool_project(scope);

    if (pool.p)
        put_named(b, "the pool ", pool, " of this queue has no host");
    else if (project.p)
        put_named(b, "no pool of this queue that serves the project ", project, " has a host");
    else
        buf_str(b, "this queue has no pool with a host");
}

/* No pool serves the scope. */
static void say_no_pool(struct buf *b, const struct source_reading *r, struct str scope)
{
    struct str pool = pool_name(scope), project = pool_project(scope);

    if (pool.p && project.p && has_pool(r, pool)) {
        put_named(b, "the pool ", pool, " of this queue");
        put_named(b, " does not serve the project ", project, "");
    } else if (pool.p) {
        put_named(b, "this queue has no pool of the name ", pool, "");
    } else if (project.p) {
        put_named(b, "no pool of this queue serves the project ", project, "");
    } else {
        buf_str(b, "this queue has no pool with a host");
    }
}

static void say_nowhere(struct buf *b, const struct waiting *w, size_t g)
{
    struct str scope = w->scope_text.text[w->info[g].scope_text];

    if (pools_of(w, &w->group[g]) > 0)
        say_no_host(b, scope);
    else
        say_no_pool(b, w->capacity->reading, scope);
}

/* Why no host of a queue meets a constraint. */
static const char *const unmet[] = {
    [CONSTRAINT_MET] = NULL,
    [CONSTRAINT_LABELS] = "no host of this queue meets its nodeSelector",
    [CONSTRAINT_TRAITS] = "no host of this queue has the traits it asks for",
    [CONSTRAINT_TAINTS] = "each host of this queue has a taint that it does not tolerate",
    [CONSTRAINT_OF_THOSE] =
        "each host of this queue with the labels of its nodeSelector has a taint not tolerated",
    [CONSTRAINT_UNREADABLE] = "its constraint cannot be read",
};

static void say_never(struct buf *b, struct reason_sums *s, const struct plan_group *g)
{
    const struct capacity_shape *shape = &s->waiting->shape[g->shape];

    if (shape->lacking.p) {
        buf_str(b, "needs ");
        put_name(b, shape->lacking);
        buf_str(b, ", which no host of this queue has");
    } else if (shape->constrained) {
        buf_str(b, unmet[shape->constrained]);
    } else {
        (void)say_gap(b, s, g, true);
    }
}

static const char *say_waits(struct buf *b, struct reason_sums *s, const struct plan_group *g)
{
    const struct waiting *w = s->waiting;
    const struct capacity_shape *shape = &w->shape[g->shape];
    struct gap gap = {.kind = GAP_SUM};

    if (shape->lacking.p) {
        buf_str(b, "needs ");
        put_name(b, shape->lacking);
        buf_str(b, ", which no host with room has");
    } else {
        gap = say_gap(b, s, g, false);
    }
    if (w->unsure && w->unsure[g->scope] && w->scope[g->scope].n > 0)
        buf_str(b, "; other hosts of its pools are full");
    return gap_is_fragmented(&gap) ? JOB_REASON_FRAGMENTED : JOB_REASON_WAITING;
}

/* `ever`: what there is in all decides, not what is left. Where a line has two resources, these are
 * counted alike. */
static void put_limit(struct buf *b, const struct limits *l, const struct plan_need *need,
                      bool ever)
{
    const struct source_limit *line = l->line[need->limit].line;
    const struct plan_limit *limit = &l->limit[need->limit];
    const struct conf_queue *queue = l->waiting->capacity->reading->queue;
    int64_t scale = demand_scale(queue->rules, line->resource[0]);
    char amount[QUANTITY_TEXT_MAX], left[QUANTITY_TEXT_MAX], total[QUANTITY_TEXT_MAX];

    put_name(b, line->name);
    buf_printf(b, ": needs %s, ", quantity_write(amount, need->amount, scale));
    quantity_write(total, limit->total, scale);
    if (ever)
        buf_printf(b, "of %s in all", total);
    else
        buf_printf(b, "and %s of %s are left", quantity_write(left, limit->left, scale), total);
}

/* Whose number of jobs is limited, by the reason of those who find no place. */
static const char *whose(const char *jobs)
{
    return str_is(str_of(jobs), JOB_REASON_OWNER_LIMIT) ? "owner" : "queue";
}

static void put_jobs(struct buf *b, const struct limits *l, size_t limit)
{
    const struct plan_limit *p = &l->limit[limit];

    buf_i64(b, p->total - p->left);
    buf_str(b, " of ");
    buf_i64(b, p->total);
    buf_printf(b, " jobs of this %s are admitted or running", whose(l->line[limit].jobs));
}

/* The limit that was too small: a quota, what hosts share, or a number of jobs. A quota that could
 * not be read is the source's fault, not the project's. */
static const char *say_limit(struct buf *b, const struct limits *l, const struct plan_group *g,
                             size_t limit, const char *word)
{
    const struct limits_line *line = &l->line[limit];
    size_t i;

    if (line->jobs) {
        put_jobs(b, l, limit);
        return line->jobs;
    }
    if (line->error.p) {
        buf_str(b, "the project's quota could not be read: ");
        put_name(b, line->error);
        return JOB_REASON_SOURCE;
    }
    for (i = 0; g->need[i].limit != limit; i++)
        assert(i + 1 < g->needs); /* it is one of the group's */
    if (line->project.p) {
        buf_str(b, "the quota of the project ");
        json_escape(b, line->project);
        buf_str(b, ": ");
    }
    put_limit(b, l, &g->need[i], str_is(str_of(word), JOB_REASON_NEVER_FITS));
    return word;
}

static const char *const words[] = {
    [PLAN_ALL_ADMITTED] = NULL,
    [PLAN_NO_POOL] = JOB_REASON_NO_POOL,
    [PLAN_NEVER_FITS] = JOB_REASON_NEVER_FITS,
    [PLAN_NO_ROOM] = JOB_REASON_WAITING,
    [PLAN_NO_QUOTA] = JOB_REASON_QUOTA,
    [PLAN_UNDECIDED] = JOB_REASON_UNDECIDED,
    [PLAN_BLOCKED] = JOB_REASON_BLOCKED,
    [PLAN_ENOUGH] = NULL,
};

static void say_blocked(struct buf *b, const struct limits *l, const struct plan_out *plan,
                        size_t g)
{
    const struct limits_line *line;

    buf_printf(b, "job %lld came first, ", (long long)plan->blocker[g]);
    if (plan->limit[g] == SIZE_MAX) {
        buf_str(b, "does not fit yet, and holds the line");
        return;
    }
    line = &l->line[plan->limit[g]];
    buf_str(b, "cannot run yet, and is kept what it needs: ");
    if (line->jobs)
        buf_printf(b, "a place among the jobs of this %s", whose(line->jobs));
    else
        put_name(b, line->line->name);
    if (line->project.p)
        buf_str(b, " of the project's quota");
}

const char *reason_of(const struct waiting *w, struct reason_sums *s, const struct limits *l,
                      const struct plan_out *plan, size_t g, struct buf *b)
{
    const struct plan_group *group = &w->group[g];
    enum plan_verdict verdict = plan->verdict[g];

    if (plan->limit[g] != SIZE_MAX && verdict != PLAN_BLOCKED)
        return say_limit(b, l, group, plan->limit[g], words[verdict]);
    if (verdict == PLAN_NO_POOL)
        say_nowhere(b, w, g);
    else if (verdict == PLAN_NEVER_FITS)
        say_never(b, s, group);
    else if (verdict == PLAN_NO_ROOM)
        return say_waits(b, s, group);
    else if (verdict == PLAN_UNDECIDED)
        buf_str(b, "the search for a placement was given up after its limit of steps; it is tried "
                   "again in each pass");
    else if (verdict == PLAN_BLOCKED)
        say_blocked(b, l, plan, g);
    return words[verdict];
}

const char *reason_no_capacity(const struct source_reading *r, struct buf *b)
{
    if (r->state == SOURCE_NONE) {
        buf_str(b, "no source of capacity is configured for this queue");
        return JOB_REASON_NO_SOURCE;
    }
    buf_str(b, "the source of capacity could not be read: ");
    buf_str(b, r->error);
    return JOB_REASON_SOURCE;
}
