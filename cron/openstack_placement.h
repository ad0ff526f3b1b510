/* SPDX-License-Identifier: MIT */
/* What Placement is asked for a reading: the free hosts of every pool, and where it is needed the
 * members of a pool with their names. */
#ifndef AR_OPENSTACK_PLACEMENT_H
#define AR_OPENSTACK_PLACEMENT_H

#include "openstack_api.h"
#include "openstack_known.h"

struct openstack_member {
    struct str uuid, name; /* name absent: it was not listed itself */
};

/* What Placement says of one pool. */
struct openstack_answer {
    struct openstack_candidates found;     /* hosts with MEMORY_MB free */
    struct openstack_candidates with_disk; /* of these, those that get disk too; only where a host
                                              has none of its own */
    bool listed;
    size_t members;
    struct openstack_member *member; /* sorted by uuid, no doubles */
};

/* The pools of a reading, and how Placement knows them. */
struct openstack_pools {
    size_t n;
    struct pool *pool; /* with its aggregate's uuid; absent: the pool of unnamed projects, … */
    const char *others; /* … and this is what limits it to its hosts: "&member_of=!in:…", or "" */
    bool isolated;      /* a host of a closed pool is in no pool that is not closed */
};

/* Asks for all pools; answer[pools.n]. Texts go into `texts`, the rest into its arena. 0, or -1. */
int openstack_placement_ask(struct openstack_api *api, const struct openstack_pools *pools,
                            const struct openstack_known *known, int64_t now, struct intern *texts,
                            struct openstack_answer *answer, struct err *e) AR_MUST_CHECK;

/* Marks the hosts with these uuids as down wherever they were found. */
void openstack_placement_mark(struct openstack_answer *answer, size_t n, const struct intern *down);

/* The key of a pool in what is known. */
struct str openstack_pool_key(const struct pool *pool);

#endif
