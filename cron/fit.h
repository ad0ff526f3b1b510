/* SPDX-License-Identifier: MIT */
/*
 * Fit: can all instances of a demand be placed on these hosts at once, and where? Pure: no clock,
 * no I/O.
 *
 * Resources are columns of a table that the caller lays out; amounts are whole numbers, 0 to 2^53
 * - 1. A demand is a list of kinds, each a vector and a count. What fits exactly fits. A demand
 * without kinds needs nothing and fits anywhere, on no hosts too; any other needs a host, also when
 * all its amounts are 0. All functions are pure; any thread.
 */
#ifndef AR_FIT_H
#define AR_FIT_H

#include "base.h"

/* Hosts and what is free on them. `free` is row by row: free[host * resources + resource], never
 * negative. */
struct fit_hosts {
    size_t hosts;
    size_t resources;
    int64_t *free;
};

enum { FIT_COUNT_MAX = INT32_MAX };

struct fit_kind {
    int64_t count;         /* 1 to FIT_COUNT_MAX instances that ask for the same */
    const int64_t *amount; /* [resources] */
    const bool *on;        /* [hosts of fit_hosts] which hosts may take it at all; NULL: all. None:
                              FIT_NO */
};

struct fit_demand {
    size_t kinds;
    const struct fit_kind *kind; /* in the order that the job lists them */
};

/* `count` >= 1 instances of kind `kind` on host `host` (an index into fit_hosts); a pair of kind
 * and host comes once. */
struct fit_place {
    size_t kind;
    size_t host;
    int64_t count;
};

/* A placement. {0} at first; fit_placement_free when done (it is {0} again then). A function that
 * fills one keeps its memory and forgets what it held; after any answer but FIT_YES it is empty. */
struct fit_placement {
    size_t n, cap;
    struct fit_place *place;
};
void fit_placement_free(struct fit_placement *p);

enum fit_answer {
    FIT_YES, /* *p says where */
    FIT_NO,  /* no placement exists (pack), or the cloud's scheduler would not find one (spread) */
    FIT_UNKNOWN, /* the budget of work ran out before an answer was found: wait */
    FIT_NO_MEMORY
};

/* How many steps the exact search may take before it says FIT_UNKNOWN; a step looks at one kind on
 * one host. A few milliseconds. */
enum { FIT_BUDGET_DEFAULT = 500000 };

/* The subset of hosts that may be used: `host` holds indices into fit_hosts, ascending,
 * no doubles. */
struct fit_subset {
    size_t n;
    const size_t *host;
};

/* Exact: FIT_YES if and only if a placement exists, FIT_UNKNOWN only when the search has used up
 * *steps. Quick bounds first, then best fit (which leaves the large holes whole) and first fit,
 * both with the largest kinds first, then the bounded search, which takes its steps from *steps. p
 * may be NULL when only the answer matters. Does not change the hosts. */
enum fit_answer fit_pack(const struct fit_hosts *hosts, struct fit_subset use,
                         const struct fit_demand *demand, int64_t *steps,
                         struct fit_placement *p) AR_MUST_CHECK;

/* FIT_YES when placing the instances one by one, in the listed order, each on the emptiest host
 * that may and can take it, succeeds: what a cloud's scheduler does. Emptiest, after Nova's
 * weighers: each resource that the instance asks for is scaled to 0..1 between the least and the
 * most free among those hosts (all equal: 0), the sum decides, the earlier host among equals. Never
 * FIT_UNKNOWN. p may be NULL when only the answer matters. Does not change the hosts. */
enum fit_answer fit_spread(const struct fit_hosts *hosts, struct fit_subset use,
                           const struct fit_demand *demand, struct fit_placement *p) AR_MUST_CHECK;

/* Takes what a placement uses off the hosts' free amounts (it fits: that is a precondition). */
void fit_take(struct fit_hosts *hosts, const struct fit_demand *demand,
              const struct fit_placement *p);

#endif
