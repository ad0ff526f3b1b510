/* SPDX-License-Identifier: MIT */
/* From what Placement says of the pools, and what was known before, to a reading's hosts, pools and
 * shares, and to what is known from now on. Pure; one thread at a time. */
#ifndef AR_OPENSTACK_READING_H
#define AR_OPENSTACK_READING_H

#include "openstack_placement.h"

/* Fills in r->host, r->pool and r->share; pools->pool becomes r->pool. `texts` is the one that the
 * answers were read with, and lives in r->arena. *next (openstack_known_free) is what is known
 * now. 0, or -1: ERR_INTERNAL. */
int openstack_reading_make(const struct openstack_pools *pools, struct openstack_answer *answer,
                           const struct openstack_known *known, int64_t now,
                           struct source_reading *r, struct openstack_known **next,
                           struct err *e) AR_MUST_CHECK;

#endif
