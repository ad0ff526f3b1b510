/* SPDX-License-Identifier: MIT */
/* Why jobs wait, in words and numbers. */
#include "reason.h"

#include "num.h"

enum { LISTED_KINDS = 3, LISTED_RESOURCES = 6 };

/* Over the hosts of one scope, of one resource. */
struct sum {
    int64_t total, free;           /* of all hosts */
    int64_t most_total, most_free; /* on one host */
};

struct reason_sums {
    const struct waiting *waiting;
    size_t resources;
    bool *counted;    /* [scopes] */
    struct sum sum[]; /* [scopes * resources] */
};

struct reason_sums *reason_sums_new(const struct waiting *w)
{
    size_t scopes = w->pools.n, resources = w->capacity->resource.n, cells;
    struct reason_sums *s;

    if (__builtin_mul_overflow(scopes, resources, &cells) ||
        cells > SIZE_MAX / sizeof(struct sum) - 1)
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

static int64_t plus(int64_t a, int64_t b)
{
    int64_t v;

    return num_add(a, b, &v) == 0 ? v : INT64_MAX;
}

static void count_cell(struct sum *s, int64_t total, int64_t left)
{
    s->total = plus(s->total, total);
    s->free = plus(s->free, left);
    s->most_total = total > s->most_total ? total : s->most_total;
    s->most_free = left > s->most_free ? left : s->most_free;
}

static const struct sum *sums_of(struct reason_sums *s, size_t scope)
{
    const struct capacity *c = s->waiting->capacity;
    const struct fit_subset *use = &s->waiting->scope[scope];
    struct sum *row = s->sum + scope * s->resources;
    size_t i, r, cell;

    for (i = 0; i < use->n && !s->counted[scope]; i++) {
        for (r = 0; r < s->resources; r++) {
            cell = use->host[i] * s->resources + r;
            count_cell(&row[r], c->total[cell], c->free.free[cell]);
        }
    }
    s->counted[scope] = true;
    return row;
}

static void put_name(struct buf *b, struct str name)
{
    buf_add(b, name.p, name.n);
}

/* "Memory 8192, VCPU 4" */
static void put_amounts(struct buf *b, const struct capacity *c, const int64_t *amount)
{
    size_t r, n = 0;

    for (r = 0; r < c->resource.n; r++) {
        if (amount[r] == 0 || ++n > LISTED_RESOURCES)
            continue;
        buf_str(b, n > 1 ? ", " : "");
        put_name(b, c->resource.text[r]);
        buf_char(b, ' ');
        buf_i64(b, amount[r]);
    }
    if (n > LISTED_RESOURCES)
        buf_printf(b, " and %zu more", n - LISTED_RESOURCES);
}

/* "needs 2 x (Memory 8192, VCPU 4) + 1 x (VCPU 8)" */
static void put_need(struct buf *b, const struct capacity *c, const struct fit_demand *d)
{
    size_t k;

    buf_str(b, "needs ");
    for (k = 0; k < d->kinds && k < LISTED_KINDS; k++) {
        buf_str(b, k ? " + " : "");
        buf_i64(b, d->kind[k].count);
        buf_str(b, " x (");
        put_amounts(b, c, d->kind[k].amount);
        buf_char(b, ')');
    }
    if (d->kinds > LISTED_KINDS)
        buf_printf(b, " and %zu more", d->kinds - LISTED_KINDS);
}

static bool asks_for(const struct fit_demand *d, size_t resource)
{
    size_t k;

    for (k = 0; k < d->kinds; k++) {
        if (d->kind[k].amount[resource])
            return true;
    }
    return false;
}

/* "VCPU 5 of 192 (at most 2 on one)", or of empty hosts "VCPU 192 (at most 64 on one)". */
static void put_sum(struct buf *b, const struct sum *s, bool empty)
{
    buf_i64(b, empty ? s->total : s->free);
    if (!empty) {
        buf_str(b, " of ");
        buf_i64(b, s->total);
    }
    buf_str(b, " (at most ");
    buf_i64(b, empty ? s->most_total : s->most_free);
    buf_str(b, " on one)");
}

/* "; free on its 3 hosts: ", or "; in all, on its 3 hosts: ", and the sums of the resources that it
 * asks for. */
static void put_offer(struct buf *b, const struct capacity *c, const struct fit_demand *d,
                      const struct sum *sum, size_t hosts, bool empty)
{
    size_t r, n = 0;

    buf_printf(b, "; %s its %zu %s: ", empty ? "in all, on" : "free on", hosts,
               hosts == 1 ? "host" : "hosts");
    for (r = 0; r < c->resource.n; r++) {
        if (!asks_for(d, r) || ++n > LISTED_RESOURCES)
            continue;
        buf_str(b, n > 1 ? ", " : "");
        put_name(b, c->resource.text[r]);
        buf_char(b, ' ');
        put_sum(b, &sum[r], empty);
    }
}

/* "; of these, 2 may take it": how many hosts may take the kind that the fewest may, when those are
 * not all. */
static void put_few(struct buf *b, const struct fit_demand *d, const struct fit_subset *use)
{
    size_t fewest = use->n, k, i, n;

    for (k = 0; k < d->kinds; k++) {
        for (i = 0, n = 0; i < use->n && d->kind[k].on; i++)
            n += d->kind[k].on[use->host[i]];
        if (d->kind[k].on && n < fewest)
            fewest = n;
    }
    if (fewest == use->n)
        return;
    buf_printf(b, "; of these, %zu may take %s", fewest, d->kinds == 1 ? "it" : "one of its kinds");
}

static bool has_pool(const struct source_reading *r, struct str name)
{
    size_t i = 0;

    while (i < r->pools && !str_eq(r->pool[i].name, name))
        i++;
    return i < r->pools;
}

static void say_no_pool(struct buf *b, const struct source_reading *r, struct str scope)
{
    struct str pool = pool_name(scope), project = pool_project(scope);

    if (pool.p && project.p && has_pool(r, pool)) {
        buf_str(b, "the pool ");
        json_escape(b, pool);
        buf_str(b, " of this queue does not serve the project ");
        json_escape(b, project);
    } else if (pool.p) {
        buf_str(b, "this queue has no pool of the name ");
        json_escape(b, pool);
    } else if (project.p) {
        buf_str(b, "no pool of this queue serves the project ");
        json_escape(b, project);
    } else {
        buf_str(b, "this queue has no pool with a host");
    }
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

static void say_never(struct buf *b, const struct waiting *w, const struct plan_group *g,
                      const struct sum *sum)
{
    const struct capacity_shape *shape = &w->shape[g->shape];

    if (shape->lacking.p) {
        buf_str(b, "needs ");
        put_name(b, shape->lacking);
        buf_str(b, ", which no host of this queue has");
    } else if (shape->constrained) {
        buf_str(b, unmet[shape->constrained]);
    } else {
        put_need(b, w->capacity, &shape->empty);
        put_offer(b, w->capacity, &shape->empty, sum, w->scope[g->scope].n, true);
        put_few(b, &shape->empty, &w->scope[g->scope]);
    }
}

static void say_waits(struct buf *b, const struct waiting *w, const struct plan_group *g,
                      const struct sum *sum)
{
    const struct capacity_shape *shape = &w->shape[g->shape];

    if (shape->lacking.p) {
        buf_str(b, "needs ");
        put_name(b, shape->lacking);
        buf_str(b, ", which no host with room has");
    } else {
        put_need(b, w->capacity, &shape->demand);
        put_offer(b, w->capacity, &shape->demand, sum, w->scope[g->scope].n, false);
        put_few(b, &shape->demand, &w->scope[g->scope]);
    }
    if (w->unsure && w->unsure[g->scope])
        buf_str(b, "; other hosts of its pools are full");
}

/* `ever`: what there is in all decides, not what is left. */
static void put_limit(struct buf *b, const struct plan_need *need, const struct plan_limit *limit,
                      const struct source_limit *line, bool ever)
{
    put_name(b, line->name);
    buf_str(b, ": needs ");
    buf_i64(b, need->amount);
    if (ever) {
        buf_str(b, ", of ");
        buf_i64(b, limit->total);
        buf_str(b, " in all");
        return;
    }
    buf_str(b, ", and ");
    buf_i64(b, limit->left);
    buf_str(b, " of ");
    buf_i64(b, limit->total);
    buf_str(b, " are left");
}

static void put_jobs(struct buf *b, const struct limits *l, size_t limit)
{
    const struct plan_limit *p = &l->limit[limit];
    bool owner = str_is(str_of(l->line[limit].jobs), JOB_REASON_OWNER_LIMIT);

    buf_i64(b, p->total - p->left);
    buf_str(b, " of ");
    buf_i64(b, p->total);
    buf_printf(b, " jobs of this %s are admitted or running", owner ? "owner" : "queue");
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
    for (i = 0; i < g->needs && g->need[i].limit != limit; i++)
        ;
    if (line->project.p) {
        buf_str(b, "the quota of the project ");
        json_escape(b, line->project);
        buf_str(b, ": ");
    }
    if (i < g->needs)
        put_limit(b, &g->need[i], &l->limit[limit], line->line,
                  str_is(str_of(word), JOB_REASON_NEVER_FITS));
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

const char *reason_of(const struct waiting *w, struct reason_sums *s, const struct limits *l,
                      const struct plan_out *plan, size_t g, struct buf *b)
{
    const struct plan_group *group = &w->group[g];
    enum plan_verdict verdict = plan->verdict[g];

    if (plan->limit[g] != SIZE_MAX)
        return say_limit(b, l, group, plan->limit[g], words[verdict]);
    if (verdict == PLAN_NO_POOL)
        say_no_pool(b, w->capacity->reading, w->scope_text.text[w->info[g].scope_text]);
    else if (verdict == PLAN_NEVER_FITS)
        say_never(b, w, group, sums_of(s, group->scope));
    else if (verdict == PLAN_NO_ROOM)
        say_waits(b, w, group, sums_of(s, group->scope));
    else if (verdict == PLAN_UNDECIDED)
        buf_str(b, "the search for a placement was given up after its limit of steps; it is tried "
                   "again in each pass");
    else if (verdict == PLAN_BLOCKED)
        buf_printf(b, "job %lld came first, does not fit yet, and holds the line",
                   (long long)plan->blocker[g]);
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
