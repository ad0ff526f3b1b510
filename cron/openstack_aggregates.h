/* SPDX-License-Identifier: MIT */
/*
 * Which pools there are. Each of Nova's host aggregates is one, by its name; one with metadata
 * whose keys begin with filter_tenant_id is closed and serves the projects in their values. What
 * unnamed_projects says becomes the open pool "*". As Nova has it, a host of a closed one takes
 * nobody else's instances, whatever other aggregates it is in; not so where unnamed_projects says
 * that all hosts are for all. Where the configuration has pools, with the
 * aggregates' uuids, Nova is not asked, one with projects is closed, and there is no "*".
 */
#ifndef AR_OPENSTACK_AGGREGATES_H
#define AR_OPENSTACK_AGGREGATES_H

#include "openstack_placement.h"

/* Fills in *pools, in memory of the arena; asks Nova if it must. 0, or -1. */
int openstack_aggregates_ask(struct openstack_api *api, const struct conf_queue *queue,
                             struct arena *a, struct openstack_pools *pools,
                             struct err *e) AR_MUST_CHECK;

/* The same from an answer of Nova's. Pure. */
int openstack_aggregates_read(const json_value *root, enum conf_unnamed unnamed, struct arena *a,
                              struct openstack_pools *pools, struct err *e) AR_MUST_CHECK;

#endif
