/* SPDX-License-Identifier: MIT */
/*
 * Who waits for a queue's capacity: its groups as the plan wants them, with each scope and each
 * shape looked at once. Pure but for memory; one thread at a time.
 */
#ifndef AR_WAITING_H
#define AR_WAITING_H

#include "capacity.h"
#include "holding.h"
#include "plan.h"
#include "store_pass.h"

/* What the plan need not know of a group. */
struct waiting_group {
    uint64_t told;          /* waiting_digest of the reason and message as last written */
    size_t scope_text;      /* index into waiting.scope_text */
    struct holding_who who; /* set by whoever counts */
};

struct waiting {
    const struct capacity
        *capacity; /* NULL: there is none, and scopes and shapes are not looked at */
    const struct holding *holding; /* NULL: no limit counts jobs */
    struct arena *arena;
    struct intern scope_text, shape_text;
    struct intern
        pools; /* sets of pools, as bytes: scopes with the same pools are one scope of the plan */
    size_t *scope_of; /* [scope_text.n] index into scope */
    struct fit_subset *scope;
    struct capacity_shape *shape; /* [shape_text.n] */
    struct fit_demand *demand;    /* [shape_text.n] the same demands, as the plan wants them */
    struct fit_demand *empty;     /* [shape_text.n] without what is only true now */
    bool *unsure;                 /* [pools.n] a pool of the scope has hosts that the table lacks */
    size_t groups, groups_cap;
    struct plan_group *group;
    struct waiting_group *info;
    size_t scope_of_cap, scope_cap, shape_cap;
    bool full;       /* the arena has reached its limit */
    size_t left_out; /* groups that came after: they wait for a pass in which there is room */
};

/* An empty one. *capacity and *a must outlive it. waiting_free. */
void waiting_init(struct waiting *w, const struct capacity *capacity, struct arena *a);
void waiting_free(struct waiting *w);

/* Adds a group. 0, or -1: ERR_INTERNAL without memory. A group that does not go into the arena any
 * more is counted in left_out. One whose shape can't be read fits nowhere. */
int waiting_add(struct waiting *w, const struct store_group *g, struct err *e) AR_MUST_CHECK;

/* The hosts that serve a scope: index into w->scope, of a queue with capacity. 0, or -1:
 * ERR_INTERNAL without memory. */
int waiting_scope(struct waiting *w, struct str scope, size_t *index, struct err *e) AR_MUST_CHECK;

/* A number that tells reasons and messages apart. Pure. */
uint64_t waiting_digest(struct str reason, struct str message);

#endif
