/* SPDX-License-Identifier: MIT */
/* Pools: which pools of a queue serve a scope. Pure; any thread; reads the configuration only. */
#ifndef AR_POOL_H
#define AR_POOL_H

#include "conf.h"

/* The pools that serve a scope (demand.h), as ascending indices into queue->pool, written into
 * `index` (room for queue->pools).
 *  ""            every pool of the queue;
 *  pool:<name>   that pool;
 *  project:<id>  the pools that name the project; if none does, the pools that name no project at
 * all. Returns how many; 0: no pool knows the scope. */
size_t pool_of_scope(const struct conf_queue *queue, struct str scope, size_t *index);

/* The name to be written into `Data` as host_aggregate for a project: of the pool that serves it,
 * if it is exactly one; else absent. */
struct str pool_aggregate(const struct conf_queue *queue, struct str project);

#endif
