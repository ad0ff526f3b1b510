/* SPDX-License-Identifier: MIT */
/* What several hosts share, as a disk array does: to the hosts that can have it, and as lines of a
 * reading that limit them together. Pure; one thread at a time. */
#ifndef AR_OPENSTACK_SHARES_H
#define AR_OPENSTACK_SHARES_H

#include "openstack_placement.h"

/* The shares of a reading as they come. */
struct openstack_shares {
    struct arena *arena;
    struct intern name; /* of the lines */
    size_t room;
    struct source_limit *line; /* [name.n] */
};

/* {.arena, .name.arena} at first; intern_free(&name) when done. Room for the shares of n answers.
 * 0, or -1: no memory. */
int openstack_shares_begin(struct openstack_shares *s, const struct openstack_answer *answer,
                           size_t n) AR_MUST_CHECK;

/* What the sharers have becomes the own of each host in the answer that was offered with it and has
 * none of that class; the host is exact then. The pool gets their lines. 0, or -1: no memory. */
int openstack_shares_take(struct openstack_shares *s, struct openstack_answer *answer,
                          struct pool *pool) AR_MUST_CHECK;

/* The amount of that name, or NULL. */
struct source_amount *openstack_amount(const struct openstack_host *h, struct str resource);

/* Adds an amount that the host has not yet. 0, or -1: no memory. */
int openstack_amount_add(struct arena *arena, struct openstack_host *h,
                         const struct source_amount *a) AR_MUST_CHECK;

/* Sorts indices and takes doubles out; returns how many are left. */
size_t openstack_sort_indices(size_t *index, size_t n);

#endif
