/* SPDX-License-Identifier: MIT */
/*
 * Fit: can all instances of a demand be placed on these hosts at once, and where? Pure: no clock, no I/O.
 *
 * Resources are columns of a table that the caller lays out; amounts are whole numbers >= 0. A demand is a list of kinds, each a vector
 * and a count. What fits exactly fits.
 */
#ifndef AR_FIT_H
#define AR_FIT_H

#include "base.h"

/* Hosts and what is free on them. `free` is row by row: free[host * resources + resource], never negative. */
struct fit_hosts {
    size_t hosts;
    size_t resources;
    int64_t *free;
};

struct fit_kind {
    int64_t count;         /* >= 1 instances that ask for the same */
    const int64_t *amount; /* [resources] */
    bool nowhere;          /* asks for something that no host of this source can offer (an unmatched selector) */
};

struct fit_demand {
    size_t kinds;
    const struct fit_kind *kind; /* in the order that the job lists them */
};

/* `count` instances of kind `kind` on host `host` (an index into fit_hosts). */
struct fit_place {
    size_t kind;
    size_t host;
    int64_t count;
};

/* A placement. {0} at first; fit_placement_free when done. */
struct fit_placement {
    size_t n, cap;
    struct fit_place *place;
};
void fit_placement_free(struct fit_placement *p);

enum fit_answer {
    FIT_YES,     /* *p says where */
    FIT_NO,      /* no placement exists (pack), or the cloud's scheduler would not find one (spread) */
    FIT_UNKNOWN, /* the budget of work ran out before an answer was found: wait */
    FIT_NO_MEMORY
};

/* How many steps the exact search may take before it says FIT_UNKNOWN: a step is one try of a kind on a host. */
enum { FIT_BUDGET_DEFAULT = 200000 };

/* The subset of hosts that may be used: `host` holds indices into fit_hosts, ascending, no doubles. */
struct fit_subset {
    size_t n;
    const size_t *host;
};

/* Exact: FIT_YES if and only if a placement exists, FIT_UNKNOWN only after `budget` steps of search. Quick bounds first, then
 * first-fit-decreasing, best fit, then the bounded search. Does not change the hosts. */
enum fit_answer fit_pack(const struct fit_hosts *hosts, struct fit_subset use, const struct fit_demand *demand, int64_t budget,
                         struct fit_placement *p) AR_MUST_CHECK;

/* FIT_YES when placing the instances one by one, in the listed order, each on the emptiest host that can take it, succeeds: what a cloud's
 * scheduler does. Emptiest, after Nova's weighers: each resource that the instance asks for is scaled to 0..1 between the least and the most
 * free among the hosts that can take it (all equal: 0), the sum decides, the earlier host among equals. Never FIT_UNKNOWN. */
enum fit_answer fit_spread(const struct fit_hosts *hosts, struct fit_subset use, const struct fit_demand *demand,
                           struct fit_placement *p) AR_MUST_CHECK;

/* Takes what a placement uses off the hosts' free amounts (it fits: that is a precondition). */
void fit_take(struct fit_hosts *hosts, const struct fit_demand *demand, const struct fit_placement *p);

#endif
