/* SPDX-License-Identifier: MIT */
/* For the tests of plan: a small cloud with its queue in one array, and the questions to it. */
#ifndef AR_PLAN_WORLD_H
#define AR_PLAN_WORLD_H

#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "plan.h"
#include "prop.h"

enum { HOSTS = 8, COLUMNS = 2, SCOPES = 6, SHAPES = 6, KINDS = 3, GROUPS = 48, JOBS = 64 };
enum { LIMITS = 6, VARIANTS = 2 };
enum { NOW = 1000000, MANY = 1 << 24 };

struct waiting {
    size_t group;
    struct plan_job job;
};

/* A small cloud and its queue: all jobs in one array, in serving order. */
struct world {
    struct plan_in in;
    int64_t free[HOSTS * COLUMNS], total[HOSTS * COLUMNS];
    size_t host[SCOPES][HOSTS];
    struct fit_subset scope[SCOPES];
    int64_t amount[SHAPES][KINDS][COLUMNS];
    struct fit_kind kind[SHAPES][KINDS];
    struct fit_demand shape[SHAPES];
    bool on[SHAPES][KINDS][HOSTS], empty_on[SHAPES][KINDS][HOSTS];
    struct fit_kind empty_kind[SHAPES][KINDS];
    struct fit_demand empty_shape[SHAPES];
    bool unsure[SCOPES];
    struct plan_limit limit[LIMITS];
    struct plan_group group[GROUPS];
    size_t variant[GROUPS]; /* groups of the same scope and shape are told apart by it */
    struct plan_need need[GROUPS][LIMITS];
    size_t jobs;
    struct waiting waiting[JOBS];
    size_t nexts, guards; /* questions that were asked */
    size_t fail_at;       /* the question that fails, from 1; 0: none */
};

static inline bool before(const struct plan_job *a, const struct plan_job *b)
{
    return a->priority < b->priority || (a->priority == b->priority && a->id < b->id);
}

static inline int world_next(void *ctx, const struct plan_group *group,
                             const struct plan_job *after, struct plan_job *job)
{
    struct world *w = ctx;

    if (++w->nexts + w->guards == w->fail_at)
        return -1;
    for (size_t i = 0; i < w->jobs; i++)
        if (w->group[w->waiting[i].group].id == group->id && before(after, &w->waiting[i].job)) {
            *job = w->waiting[i].job;
            return 1;
        }
    return 0;
}

static inline int world_guarded(void *ctx, const struct plan_group *group, int64_t cutoff,
                                struct plan_job *job)
{
    struct world *w = ctx;

    if (++w->guards + w->nexts == w->fail_at)
        return -1;
    for (size_t i = 0; i < w->jobs; i++) {
        const struct waiting *waiting = &w->waiting[i];

        if (w->group[waiting->group].id == group->id && !before(&waiting->job, &group->head) &&
            waiting->job.queued_at <= cutoff) {
            *job = waiting->job;
            return 1;
        }
    }
    return 0;
}

static inline void world_begin(struct world *w, size_t hosts, size_t resources)
{
    memset(w, 0, sizeof(*w));
    w->in = (struct plan_in){
        .hosts = {hosts, resources, w->free},
        .total = w->total,
        .scope = w->scope,
        .shape = w->shape,
        .limit = w->limit,
        .group = w->group,
        .queue = {w, world_next, world_guarded},
        .now = NOW,
        .oldest = INT64_MIN,
        .budget = MANY,
        .most = JOBS,
    };
}

/* A scope whose hosts are the bits of `mask`. */
static inline void world_scope(struct world *w, unsigned mask)
{
    size_t s = w->in.scopes++;

    w->scope[s] = (struct fit_subset){0, w->host[s]};
    for (size_t h = 0; h < w->in.hosts.hosts; h++)
        if (mask & 1U << h)
            w->host[s][w->scope[s].n++] = h;
}

static inline void world_kind(struct world *w, size_t shape, int64_t count, const int64_t *amount)
{
    struct fit_demand *demand = &w->shape[shape];

    memcpy(w->amount[shape][demand->kinds], amount, w->in.hosts.resources * sizeof(*amount));
    w->kind[shape][demand->kinds] =
        (struct fit_kind){.count = count, .amount = w->amount[shape][demand->kinds]};
    demand->kinds++;
}

/* The next shape: `count` times `amount` of the first resource; count 0: needs nothing. */
static inline size_t world_shape(struct world *w, int64_t count, int64_t amount)
{
    size_t shape = w->in.shapes++;
    int64_t vector[COLUMNS] = {amount};

    w->shape[shape].kind = w->kind[shape];
    if (count > 0)
        world_kind(w, shape, count, vector);
    return shape;
}

static inline size_t world_limit(struct world *w, int64_t left, int64_t total, bool shared)
{
    w->limit[w->in.limits] = (struct plan_limit){.left = left, .total = total, .shared = shared};
    return w->in.limits++;
}

/* A number of jobs. */
static inline size_t world_places(struct world *w, int64_t left, int64_t total)
{
    w->limit[w->in.limits] = (struct plan_limit){.left = left, .total = total, .jobs = true};
    return w->in.limits++;
}

static inline size_t world_group(struct world *w, size_t scope, size_t shape, size_t variant)
{
    size_t g;

    for (g = 0; g < w->in.groups; g++)
        if (w->group[g].scope == scope && w->group[g].shape == shape && w->variant[g] == variant)
            return g;
    assert_true(g < GROUPS);
    w->group[g] = (struct plan_group){
        .id = 100 + (int64_t)g, .scope = scope, .shape = shape, .need = w->need[g]};
    w->variant[g] = variant;
    return w->in.groups++;
}

static inline void world_need(struct world *w, size_t group, size_t limit, int64_t amount)
{
    w->need[group][w->group[group].needs++] = (struct plan_need){limit, amount};
}

/* A job after all others, which has waited `waited`. */
static inline void world_job(struct world *w, size_t scope, size_t shape, int64_t waited)
{
    size_t group = world_group(w, scope, shape, 0);
    struct waiting *job = &w->waiting[w->jobs++];

    *job = (struct waiting){
        group,
        {.id = (int64_t)w->jobs, .priority = 10 * (int64_t)w->jobs, .queued_at = NOW - waited}};
    if (w->group[group].head.id == 0)
        w->group[group].head = job->job;
}

/* One resource, the same amount free on every host and of total. */
static inline void world_plain(struct world *w, size_t hosts, int64_t free, int64_t total)
{
    world_begin(w, hosts, 1);
    for (size_t h = 0; h < hosts; h++) {
        w->free[h] = free;
        w->total[h] = total;
    }
}

/* One host with `free` of 10, one scope, shapes 0 to 3 that ask for 1, 4 and 11, and for nothing.
 */
static inline void world_few(struct world *w, int64_t free)
{
    world_plain(w, 1, free, 10);
    world_scope(w, 1);
    world_shape(w, 1, 1);
    world_shape(w, 1, 4);
    world_shape(w, 1, 11);
    world_shape(w, 0, 0);
}

/* Makes the plan and checks who was admitted (ids in order, ended by 0). */
static inline void expect(struct world *w, struct plan_out *out, const int64_t *ids)
{
    struct err e;

    assert_int_equal(plan_make(&w->in, out, &e), 0);
    for (size_t i = 0; i < out->n; i++)
        assert_int_equal(out->admission[i].job.id, ids[i]);
    assert_int_equal(ids[out->n], 0);
}

#define EXPECT(w, out, ...) expect(w, out, (const int64_t[]){__VA_ARGS__})

static inline void done(struct world *w, struct plan_out *out)
{
    plan_out_free(out, w->in.groups);
    assert_null(out->admission);
}

#endif
