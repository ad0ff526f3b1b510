/* SPDX-License-Identifier: MIT */
/*
 * Placement's answer to GET /allocation_candidates: the hosts, that is the trees of resource
 * providers, and what is shared between them. Pure; one thread at a time.
 *
 * An amount never spans two providers of a tree. So what is used of a class is set such that its
 * total less that is what one instance could get at most: the largest free piece; or the sum, where
 * each piece is a single one (as PCI devices are). A host with several pieces of a class is exact.
 * MEMORY_MB is Memory, DISK_GB is Disk, as jobs ask for them.
 */
#ifndef AR_OPENSTACK_CANDIDATES_H
#define AR_OPENSTACK_CANDIDATES_H

#include "intern.h"
#include "json_in.h"
#include "source.h"

/* A tree of providers, or one that shares what it has. */
struct openstack_host {
    struct str uuid; /* of its root */
    struct str name; /* absent: not known */
    size_t amounts;
    struct source_amount *amount; /* sorted by name, no doubles */
    size_t labels;
    struct source_label
        *label; /* its traits; sorted, no doubles. perhaps: of nested ones only, since
                   Placement looks at the traits of those that give something */
    bool exact;
    bool down; /* takes nothing, whatever is free: Nova says so, no answer of Placement's */
};

struct openstack_candidates {
    size_t hosts;
    struct openstack_host *host; /* sorted by uuid */
    size_t sharings;
    struct openstack_host *sharing; /* sorted by uuid */
};

/* Reads an answer. Texts go into `texts`, all else into its arena. 0, or -1: ERR_UNAVAILABLE with
 * what makes no sense. */
int openstack_candidates(const json_value *root, struct intern *texts,
                         struct openstack_candidates *c, struct err *e) AR_MUST_CHECK;

/* source_amount.sure: of what Nova itself counts in ones, as much as no usual overcommitment makes
 * the largest allocation smaller than. Of other classes Placement may take only certain amounts
 * (min_unit, max_unit, step_size), which no summary tells: none is sure. */
int64_t openstack_sure(struct str resource, int64_t total);

/* The name by which Placement knows a resource. */
struct str openstack_class(struct str resource);

#endif
