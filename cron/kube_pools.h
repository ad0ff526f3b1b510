/* SPDX-License-Identifier: MIT */
/* The pools of a cluster. Pure; any thread. */
#ifndef AR_KUBE_POOLS_H
#define AR_KUBE_POOLS_H

#include "source.h"

/*
 * Makes the pools of a reading whose hosts are known. Without a pool_label: one, "cluster", open,
 * with all hosts. With one: a pool for each of its values, open, but for those that the
 * configuration names: these are as it says, and there though no host has their value, so that
 * their projects do not go elsewhere. Hosts without the label, or with "" in it, are in no pool. 0,
 * or -1: ERR_INTERNAL without memory.
 */
int kube_pools(struct source_reading *r, struct err *e) AR_MUST_CHECK;

#endif
