/* SPDX-License-Identifier: MIT */
/* Pools: hosts that serve the same projects, as the configuration or a source names them; and which
 * pools serve a scope. Pure; any thread. */
#ifndef AR_POOL_H
#define AR_POOL_H

#include "base.h"

struct pool {
    struct str name;
    bool open;       /* serves the projects that no pool names */
    bool closed;     /* serves nobody but its projects, whoever asks for it by name */
    size_t projects; /* that it serves */
    struct str *project;
    size_t hosts;
    size_t *host;  /* ascending indices into the hosts of the queue or reading */
    size_t unread; /* hosts that are there, but of which only that nothing is free on them is known:
                      who never fits is then not known */
    size_t shares;
    size_t *share;        /* of a reading: indices into its `share` */
    struct str aggregate; /* of the configuration, for openstack: the aggregate's uuid */
};

struct pools {
    size_t n;
    const struct pool *pool;
};

/* The pools that serve a scope (demand.h), as ascending indices, written into `index` (room for
 * pools.n).
 *  ""                            every pool;
 *  pool:<name>                   that pool;
 *  pool:<name>\nproject:<id>     the same; but not a closed one that does not name the project;
 *  project:<id>                  the pools that name the project; if none does, the open ones.
 * Returns how many; 0: no pool knows the scope. */
size_t pool_of_scope(struct pools pools, struct str scope, size_t *index);

/* A number for a set of pools, whatever their order: 0, and each name mixed in. */
int64_t pool_mix(int64_t sum, struct str name);

/* The project in a scope, and the pool; absent: it names none. */
struct str pool_project(struct str scope);
struct str pool_name(struct str scope);

/* The name to be written into `Data` as host_aggregate for a project: of the pool that serves it,
 * if it is exactly one; else absent. */
struct str pool_aggregate(struct pools pools, struct str project);

#endif
