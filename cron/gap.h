/* SPDX-License-Identifier: MIT */
/*
 * The gap between what a job needs and what hosts have: why it does not fit on them, in words and
 * numbers for a person. The same situation always gives the same text. Pure; any thread.
 */
#ifndef AR_GAP_H
#define AR_GAP_H

#include "capacity.h"

enum gap_kind {
    GAP_NO_HOST,  /* of some kind: no host may take it */
    GAP_SUM,      /* all hosts together have too little of a resource */
    GAP_ONE_HOST, /* from here on there is enough in all: no host has enough of one resource */
    GAP_TOGETHER, /* no host has enough of all resources of an instance at once */
    GAP_COUNT,    /* there is room for some instances of a kind, not for all */
    GAP_MIX       /* there is room for each kind by itself, not for all of them */
};

/* Over the hosts of a scope, of one resource. */
struct gap_sum {
    int64_t total, free;           /* of all hosts */
    int64_t most_total, most_free; /* on one host */
};

/* Where to look: what is free on the hosts, or what they have when empty. */
struct gap_at {
    const struct capacity *capacity;
    bool empty; /* what they have when empty */
    struct fit_subset use;
    const struct fit_demand *demand;
    size_t pools;              /* that the hosts are of */
    const struct gap_sum *sum; /* [resources] of gap_sums or, for a demand without masks, of
                                  gap_sums_of_all */
};

/* Adds up, into row[resources], what the hosts have that may take something that asks for it; what
 * all of the hosts have, whoever asks. The sums are those of the moment. */
void gap_sums(const struct gap_at *at, struct gap_sum *row);
void gap_sums_of_all(const struct capacity *c, struct fit_subset use, struct gap_sum *row);
bool gap_is_masked(const struct fit_demand *d);

struct gap {
    enum gap_kind kind;
    size_t of;       /* the kind of instances: of all but GAP_SUM and GAP_MIX */
    size_t resource; /* of GAP_ONE_HOST */
    int64_t best; /* GAP_ONE_HOST: what the best host has; GAP_COUNT: for how many there is room */
    int64_t sum;  /* GAP_ONE_HOST: what all have */
};

/* What keeps a demand, which does not fit, from these hosts. */
struct gap gap_find(const struct gap_at *at);

/* Is enough there in all, and only in pieces that are too small? */
bool gap_is_fragmented(const struct gap *g);

/* "needs 8 VCPU on one host; the best has 5; the pool has 40 free in pieces", or the same of empty
 * hosts. */
void gap_say(const struct gap_at *at, const struct gap *g, struct buf *b);

#endif
