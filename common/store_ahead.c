/* SPDX-License-Identifier: MIT */
/*
 * Who stands before a job, and what they ask for in all.
 *
 * Counted group by group: of each group one range of an index, and its shape is read once, however
 * many jobs it has. The groups come by type and scope, so that which pools serve a scope is asked
 * once for all groups of it. Memory: the names of the job's pools and of the resources that are
 * added up, whatever the length of the queue.
 */
#include <stdlib.h>
#include <string.h>

#include "demand.h"
#include "num.h"
#include "pool.h"
#include "store_inner.h"
#include "store_wait.h"

enum { SCOPE_MAX = 2 * (DEMAND_NAME_MAX + 16), POOLS_TEXT_MAX = 4 << 20 };

/* Names, sorted. They live in the store's arena. */
struct names {
    struct arena *arena;
    size_t n, cap;
    struct str *name;
};

/* A job's place, and the group that is looked at. */
struct line {
    struct store *s;
    const struct conf_queue *queue;
    struct store_wait *w;
    struct names pools; /* of the job */
    char type[JOB_NAME_MAX + 1], scope[SCOPE_MAX];
    size_t type_n, scope_n;
    bool fresh;    /* no group was looked at yet */
    bool concerns; /* its type has the job's entry of the configuration */
    bool competes; /* its scope has a pool of the job's */
    int64_t lane;  /* of its scope */
    struct store_standing *place;
    struct store_ahead total; /* what the lane of the job has */
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "no memory to look at the queue");
}

/* ---- what is added up ---- */

/* Where the resource stands, or is to stand. */
static size_t place_of(const struct store_ahead *a, struct str resource)
{
    size_t low = 0, high = a->resources, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (str_cmp(a->resource[middle].resource, resource) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* NULL: it is not there. */
static int64_t *find(struct store_ahead *a, struct str resource)
{
    size_t at = place_of(a, resource);

    return at < a->resources && str_eq(a->resource[at].resource, resource) ? &a->resource[at].amount
                                                                           : NULL;
}

/* The resource's amount; a new one is put in its place, with its name copied into the arena, if one
 * is given. NULL: there are as many as there may be, or no memory. */
static int64_t *amount_of(struct store_ahead *a, struct arena *arena, struct str resource)
{
    size_t low = place_of(a, resource);
    int64_t *found = find(a, resource);

    if (found || a->resources == STORE_WAIT_RESOURCES_MAX ||
        (arena && arena_copy(arena, resource, &resource) != 0))
        return found;
    memmove(&a->resource[low + 1], &a->resource[low], (a->resources - low) * sizeof a->resource[0]);
    a->resources++;
    a->resource[low].resource = resource;
    a->resource[low].amount = 0;
    return &a->resource[low].amount;
}

/* `jobs` times what the demand asks for. */
static void add_demand(struct store_ahead *a, struct arena *arena, const struct demand *d,
                       int64_t jobs)
{
    const struct demand_kind *kind;
    int64_t *sum;
    size_t k, i;

    for (k = 0; k < d->kinds; k++) {
        kind = &d->kind[k];
        for (i = 0; i < kind->amounts; i++) {
            sum = amount_of(a, arena, kind->amount[i].resource);
            if (sum)
                *sum =
                    num_plus(*sum, num_times(jobs, num_times(kind->count, kind->amount[i].amount)));
        }
    }
}

/* ---- shares ---- */

/* Of all that the lane has: of the resource of which the demand asks for the largest part, the
 * number of jobs that may run being one. */
static int64_t share_of(struct line *l, const struct demand *d)
{
    int64_t most = 1, share, *total;
    struct store_ahead need = {0};
    size_t i;

    if (l->queue->run_limit > 0)
        most = estimate_share(1, l->queue->run_limit);
    add_demand(&need, NULL, d, 1);
    for (i = 0; i < need.resources; i++) {
        total = find(&l->total, need.resource[i].resource);
        share = total ? estimate_share(need.resource[i].amount, *total) : 1;
        most = share > most ? share : most;
    }
    return most;
}

/* ---- the job's pools ---- */

static int take_name(void *ctx, struct str pool, int64_t unsure, struct err *e)
{
    struct names *t = ctx;
    size_t cap = t->cap ? 2 * t->cap : 8;
    struct str *grown;

    (void)unsure;
    if (t->n == t->cap) {
        grown = arena_array(t->arena, cap, sizeof *grown);
        if (!grown)
            return no_memory(e);
        if (t->n)
            memcpy(grown, t->name, t->n * sizeof *grown);
        t->name = grown;
        t->cap = cap;
    }
    if (arena_copy(t->arena, pool, &t->name[t->n]) != 0)
        return no_memory(e);
    t->n++;
    return 0;
}

static int by_name(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int write_pools(struct line *l, struct err *e)
{
    struct buf b = BUF_INIT(POOLS_TEXT_MAX);
    struct json_out o = JSON_OUT(&b);
    size_t i;
    int rc;

    json_open(&o, '[');
    for (i = 0; i < l->pools.n; i++)
        json_put_str(&o, l->pools.name[i]);
    json_close(&o, ']');
    rc = buf_check(&b, "the list of pools", e);
    if (rc == 0 && arena_copy(l->s->wait, buf_span(&b), &l->w->pools) != 0)
        rc = no_memory(e);
    buf_free(&b);
    return rc;
}

/* Sets w->pools where the pools are known. */
static int find_pools(struct line *l, struct err *e)
{
    size_t i;
    int rc = store_pools_serving(l->s, l->queue, l->w->job.scope, take_name, &l->pools, e);

    if (rc != 1)
        return rc;
    if (l->pools.n)
        qsort(l->pools.name, l->pools.n, sizeof *l->pools.name, by_name);
    for (i = 0; i < l->pools.n; i++)
        l->place->lane = pool_mix(l->place->lane, l->pools.name[i]);
    rc = store_starts_totals(l->s, l->queue->type, l->place->lane, &l->total, e);
    l->place->known = rc == 1;
    return rc < 0 ? -1 : write_pools(l, e);
}

/* ---- the groups ---- */

/* A pool of the group's scope. */
static int meet(void *ctx, struct str pool, int64_t unsure, struct err *e)
{
    struct line *l = ctx;

    (void)unsure;
    (void)e;
    l->lane = pool_mix(l->lane, pool);
    if (!l->competes)
        l->competes = bsearch(&pool, l->pools.name, l->pools.n, sizeof pool, by_name) != NULL;
    return 0;
}

static void keep(char *room, size_t size, size_t *n, struct str text)
{
    *n = text.n < size ? text.n : 0;
    memcpy(room, text.p, *n);
}

static bool is_kept(const char *room, size_t n, struct str text)
{
    return str_eq((struct str){room, n}, text);
}

/* Type and scope of the next group: most often they are those of the group before. */
static int look_at_place(struct line *l, struct str type, struct str scope, struct err *e)
{
    bool same = !l->fresh && is_kept(l->type, l->type_n, type);

    if (same && is_kept(l->scope, l->scope_n, scope))
        return 0;
    if (!same) {
        keep(l->type, sizeof l->type, &l->type_n, type);
        l->concerns = conf_queue(l->s->conf, type) == l->queue;
    }
    keep(l->scope, sizeof l->scope, &l->scope_n, scope);
    l->fresh = false;
    l->competes = false;
    l->lane = 0;
    if (!l->concerns || l->pools.n == 0)
        return 0;
    return store_pools_serving(l->s, l->queue, scope, meet, l, e) < 0 ? -1 : 0;
}

/* `jobs` of a group stand before the job. A shape that cannot be read fits nowhere, and competes
 * for nothing. */
static int take_group(struct line *l, struct db_stmt *st, int64_t jobs, struct err *e)
{
    static const struct demand nothing;
    struct str type = db_str(st, 0);
    struct store_wait *w = l->w;
    struct demand *read = NULL;
    const struct demand *d = &nothing;

    if (look_at_place(l, type, db_str(st, 1), e) != 0)
        return -1;
    if (!l->concerns)
        return 0;
    if (demand_from_shape(db_str(st, 2), &read, e) == 0)
        d = read;
    else if (e->code == ERR_UNAVAILABLE)
        return -1;
    if (str_eq(type, w->job.type)) {
        w->ahead.jobs = num_plus(w->ahead.jobs, jobs);
        add_demand(&w->ahead, l->s->wait, d, jobs);
    }
    if (l->competes && d->kinds > 0) {
        w->pool_ahead.jobs = num_plus(w->pool_ahead.jobs, jobs);
        add_demand(&w->pool_ahead, l->s->wait, d, jobs);
        if (l->place->known && l->lane == l->place->lane)
            l->place->ahead = num_plus(l->place->ahead, num_times(share_of(l, d), jobs));
    }
    demand_free(read);
    return 0;
}

static int take_groups(struct line *l, struct err *e)
{
    bool shared = str_is(l->queue->type, "*");
    struct db_stmt *st = db_use(l->s->db, shared ? SQL_WAIT_GROUPS_ALL : SQL_WAIT_GROUPS, e);
    int64_t jobs;
    int rc;

    if (!st)
        return -1;
    if (!shared)
        db_bind_str(st, 1, l->w->job.type);
    db_bind_i64(st, 2, l->w->job.priority);
    db_bind_i64(st, 3, l->w->job.id);
    l->fresh = true;
    while ((rc = db_step(l->s->db, st, e)) == 1) {
        jobs = db_i64(st, 3);
        if (jobs > 0 && take_group(l, st, jobs, e) != 0) {
            rc = -1;
            break;
        }
    }
    db_done(st);
    return rc;
}

static int64_t instances_of(const struct demand *d)
{
    int64_t n = 0;
    size_t k;

    for (k = 0; k < d->kinds; k++)
        n = num_plus(n, d->kind[k].count);
    return n;
}

/* What the job itself asks for has its place in a sum, whatever names others think of. */
static void seed(struct store_ahead *a, const struct store_ahead *need)
{
    size_t i;

    for (i = 0; i < need->resources; i++)
        a->resource[i].resource = need->resource[i].resource;
    a->resources = need->resources; /* all are 0 */
}

static void drop_nothing(struct store_ahead *a)
{
    size_t i, n = 0;

    for (i = 0; i < a->resources; i++) {
        if (a->resource[i].amount != 0)
            a->resource[n++] = a->resource[i];
    }
    a->resources = n;
}

int store_ahead_count(struct store *s, const struct demand *demand, bool placed,
                      struct store_wait *w, struct store_standing *place, struct err *e)
{
    struct line l = {.s = s,
                     .queue = conf_queue(s->conf, w->job.type),
                     .w = w,
                     .pools.arena = s->wait,
                     .place = place};

    *place = (struct store_standing){0};

    w->need.jobs = instances_of(demand);
    add_demand(&w->need, s->wait, demand, 1);
    seed(&w->ahead, &w->need);
    seed(&w->pool_ahead, &w->need);
    if (demand->kinds > 0 && find_pools(&l, e) != 0)
        return -1;
    place->share = place->known ? share_of(&l, demand) : 0;
    if (!placed)
        return arena_failed(s->wait) ? no_memory(e) : 0;
    if (take_groups(&l, e) != 0)
        return -1;
    if (arena_failed(s->wait)) /* then the sums are not whole */
        return no_memory(e);
    drop_nothing(&w->ahead);
    drop_nothing(&w->pool_ahead);
    w->position = num_plus(w->ahead.jobs, 1);
    w->pool_position = l.pools.n > 0 ? num_plus(w->pool_ahead.jobs, 1) : 0;
    return 0;
}
