/* SPDX-License-Identifier: MIT */
/* For the tests of capacity: a small cloud as a source reads it, made at random. */
#ifndef AR_CAPACITY_WORLD_H
#define AR_CAPACITY_WORLD_H

#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <stdarg.h>
#include <cmocka.h>

#include "cron/waiting.h"
#include "prop.h"

enum { HOSTS = 5, NAMES = 4, POOLS = 3, PROJECTS = 3 };

static const char *const host_names[HOSTS] = {"h0", "h1", "h2", "h3", "h4"};
static const char *const resource_names[NAMES] = {"A", "B", "C", "D"};
static const char *const pool_names[POOLS] = {"p0", "p1", "p2"};
static const char *const project_names[PROJECTS] = {"x", "y", "z"};

struct world {
    struct source_reading reading;
    struct source_host host[HOSTS];
    struct source_amount amount[HOSTS][NAMES];
    bool labelled[HOSTS], tainted[HOSTS]; /* with a=b; with t:NoSchedule */
    struct pool pool[POOLS];
    size_t pool_host[POOLS][HOSTS];
    struct conf_queue queue;
    struct str project[POOLS][PROJECTS];
    struct arena *arena;
    struct capacity capacity;
};

static const struct source_label world_label = {.key = {"a", 1}, .value = {"b", 1}};
static const struct source_taint world_taint = {{"t", 1}, {"", 0}, {"NoSchedule", 10}};

/* Most worlds have no labels, no taints. */
static inline void world_marks(struct world *w, struct prop *r)
{
    size_t i, one_in_label = prop_one_in(r, 2) ? 2 : 6, one_in_taint = prop_one_in(r, 2) ? 3 : 99;

    for (i = 0; i < w->reading.hosts; i++) {
        w->labelled[i] = prop_one_in(r, one_in_label);
        w->tainted[i] = prop_one_in(r, one_in_taint);
        w->host[i].labels = w->labelled[i];
        w->host[i].label = &world_label;
        w->host[i].taints = w->tainted[i];
        w->host[i].taint = &world_taint;
    }
}

static inline void world_hosts(struct world *w, struct prop *r)
{
    size_t i, j, n;

    for (i = 0; i < w->reading.hosts; i++) {
        for (j = 0, n = 0; j < NAMES; j++) {
            if (prop_one_in(r, 2))
                w->amount[i][n++] =
                    (struct source_amount){.resource = str_of(resource_names[j]),
                                           .total = prop_between(r, 0, 20),
                                           .used = prop_one_in(r, 2) ? 0 : prop_between(r, 0, 25)};
        }
        w->host[i] = (struct source_host){
            .name = str_of(host_names[i]), .amounts = n, .amount = w->amount[i]};
    }
}

static inline void world_pools(struct world *w, struct prop *r)
{
    size_t i, j, n, projects;

    for (i = 0; i < w->reading.pools; i++) {
        for (j = 0, n = 0; j < w->reading.hosts; j++) {
            if (prop_one_in(r, 2))
                w->pool_host[i][n++] = j;
        }
        for (j = 0, projects = 0; j < PROJECTS; j++) {
            if (prop_one_in(r, 3))
                w->project[i][projects++] = str_of(project_names[j]);
        }
        w->pool[i] = (struct pool){.name = str_of(pool_names[i]),
                                   .open = projects == 0,
                                   .projects = projects,
                                   .project = w->project[i],
                                   .hosts = n,
                                   .host = w->pool_host[i]};
    }
}

static inline void world_make(struct world *w, struct prop *r)
{
    struct err e;

    *w = (struct world){.arena = arena_new(1 << 20)};
    assert_non_null(w->arena);
    w->queue = (struct conf_queue){
        .type = STR_LIT("t"), .pools = prop_below(r, POOLS + 1), .pool = w->pool};
    w->reading = (struct source_reading){.queue = &w->queue,
                                         .state = SOURCE_GOOD,
                                         .hosts = prop_below(r, HOSTS + 1),
                                         .host = w->host,
                                         .pools = w->queue.pools,
                                         .pool = w->pool};
    world_hosts(w, r);
    world_marks(w, r);
    world_pools(w, r);
    assert_int_equal(capacity_make(&w->reading, w->arena, &w->capacity, &e), 0);
}

static inline void world_free(struct world *w)
{
    capacity_free(&w->capacity);
    arena_free(w->arena);
}

/* What a host has of a resource, found the slow way; 0 when it has none. */
static inline const struct source_amount *world_amount(const struct world *w, size_t host,
                                                       const char *resource)
{
    static const struct source_amount none;
    size_t i;

    for (i = 0; i < w->host[host].amounts; i++) {
        if (str_is(w->amount[host][i].resource, resource))
            return &w->amount[host][i];
    }
    return &none;
}

static inline bool world_offers(const struct world *w, const char *resource)
{
    size_t h, i;

    for (h = 0; h < w->reading.hosts; h++) {
        for (i = 0; i < w->host[h].amounts; i++) {
            if (str_is(w->amount[h][i].resource, resource))
                return true;
        }
    }
    return false;
}

static inline int64_t world_free_of(const struct world *w, size_t host, const char *resource)
{
    size_t column = intern_find(&w->capacity.resource, str_of(resource));

    return column == INTERN_NONE
               ? 0
               : w->capacity.free.free[host * w->capacity.free.resources + column];
}

/* The constraints that there are in this world. */
static const struct some_constraint {
    struct str text;
    bool selects, tolerates;
} some_constraints[] = {
    {{NULL, 0}, false, false},
    {STR_LIT("{\"nodeSelector\":{\"a\":\"b\"}}"), true, false},
    {STR_LIT("{\"tolerations\":[{\"key\":\"t\",\"operator\":\"Exists\"}]}"), false, true},
    {STR_LIT("{\"nodeSelector\":{\"a\":\"b\"},\"tolerations\":[{\"operator\":\"Exists\"}]}"), true,
     true},
};

/* Does the host meet the kind's constraint, found the slow way? */
static inline bool world_meets(const struct world *w, size_t host, const struct demand_kind *kind)
{
    const struct some_constraint *c = some_constraints;

    while (!str_eq(c->text, kind->constraint))
        c++;
    return (w->labelled[host] || !c->selects) && (!w->tainted[host] || c->tolerates);
}

/* A demand at random; its texts and arrays are the caller's. */
struct some_demand {
    struct demand d;
    struct demand_kind kind[3];
    struct demand_amount amount[3][NAMES];
};

static inline void some_demand(struct some_demand *s, struct prop *r, int64_t most)
{
    size_t k, i, n;

    *s = (struct some_demand){.d = {.kinds = prop_below(r, 4), .kind = s->kind}};
    for (k = 0; k < s->d.kinds; k++) {
        for (i = 0, n = 0; i < NAMES; i++) {
            if (prop_one_in(r, 2))
                s->amount[k][n++] =
                    (struct demand_amount){str_of(resource_names[i]), prop_between(r, 1, most)};
        }
        s->kind[k] = (struct demand_kind){
            .count = prop_between(r, 1, 4), .amounts = n, .amount = s->amount[k]};
        if (prop_one_in(r, 4))
            s->kind[k].constraint =
                some_constraints[prop_below(r, ARRAY_LEN(some_constraints))].text;
    }
}

/* What a kind asks of a resource, found the slow way. */
static inline int64_t kind_amount(const struct demand_kind *k, const char *resource)
{
    size_t i;

    for (i = 0; i < k->amounts; i++) {
        if (str_is(k->amount[i].resource, resource))
            return k->amount[i].amount;
    }
    return 0;
}

#endif
