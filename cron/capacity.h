/* SPDX-License-Identifier: MIT */
/*
 * Capacity: from a reading and the holds to the table that the plan works on. Hosts are rows, in
 * the order of the reading; resources are columns, in the order of their names. Free = total − used
 * − holds, never below 0. Pure but for memory; one thread at a time.
 */
#ifndef AR_CAPACITY_H
#define AR_CAPACITY_H

#include "capacity_masks.h"
#include "demand.h"
#include "fit.h"
#include "intern.h"
#include "source.h"

struct capacity {
    const struct source_reading *reading;
    struct intern host, resource; /* index = row, column */
    struct fit_hosts free;
    int64_t *total; /* the same table, when nothing is held */
    struct capacity_masks *masks;
};

/* Builds the table of a reading, with nothing held. Memory lives in the arena and in *c
 * (capacity_free, also after a failure). Only exact answers may be added to the reading later, at
 * the end of their list: each capacity_shape looks at those that are there. 0, or -1: ERR_INTERNAL
 * without memory. */
int capacity_make(const struct source_reading *r, struct arena *a, struct capacity *c,
                  struct err *e) AR_MUST_CHECK;
void capacity_free(struct capacity *c);

/* Takes a hold off what is free. One on a host or resource that is gone is ignored. */
void capacity_hold(struct capacity *c, struct str host, struct str resource, int64_t amount);

/* A demand in the columns of a table. The hosts that are on for a kind are those that meet its
 * constraint; none is when it asks for a resource that no host has. */
struct capacity_shape {
    struct fit_demand
        demand; /* now: a host that an exact answer says to refuse a kind is off, too */
    struct fit_demand empty; /* for the empty hosts: without the answers. Also for jobs that run
                                already. Of the same kinds, by pointer, when no answer refuses */
    struct str lacking;      /* a resource that it asks for and that no host has; absent: none */
    enum constraint_answer constrained; /* what keeps all hosts of the reading from its first kind
                                           whose constraint none of them meets. CONSTRAINT_MET (0):
                                           there is no such kind */
};

/* Memory lives in the arena, masks in that of *c. 0, or -1 without memory. */
int capacity_shape(const struct capacity *c, const struct demand *d, struct arena *a,
                   struct capacity_shape *s) AR_MUST_CHECK;

/* Where running jobs are counted that nobody placed: where they fit, else spread over the hosts
 * with the most left, of those that are on for a kind, or of all when none is. Takes it off what is
 * free, which then is 0 where more is used than there is. 0 and *p (fit_placement_free), or -1:
 * ERR_INTERNAL without memory. */
int capacity_place(struct capacity *c, struct fit_subset use, const struct fit_demand *d,
                   struct fit_placement *p, struct err *e) AR_MUST_CHECK;

/* What a placement holds, one entry a host and resource, at most the host's total each; and how
 * many instances each host has. */
struct capacity_hold {
    size_t host, resource;
    int64_t amount;
};
struct capacity_count {
    size_t host;
    int64_t instances;
};
struct capacity_holds {
    size_t holds, counts;
    struct capacity_hold *hold;   /* by host, then by resource */
    struct capacity_count *count; /* by host */
};
/* Sorts *p by host. Memory lives in the arena. 0, or -1: ERR_INTERNAL without memory. */
int capacity_holds(const struct capacity *c, const struct fit_demand *d, struct fit_placement *p,
                   struct arena *a, struct capacity_holds *h, struct err *e) AR_MUST_CHECK;

#endif
