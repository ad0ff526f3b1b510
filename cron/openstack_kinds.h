/* SPDX-License-Identifier: MIT */
/* Which hosts take one instance of a kind: Placement is asked with the kind's very resources and
 * traits. One thread at a time. */
#ifndef AR_OPENSTACK_KINDS_H
#define AR_OPENSTACK_KINDS_H

#include "openstack_api.h"
#include "openstack_known.h"

/* Adds the answers to the questions (those that name no project) to the reading, whose hosts are
 * the ones that are known. A kind with a class or a trait that Placement does not know goes on no
 * host. 0, or -1. */
int openstack_kinds_ask(struct openstack_api *api, const struct source_question *q, size_t n,
                        const struct openstack_known *known, struct source_reading *r,
                        struct err *e) AR_MUST_CHECK;

/* Appends the request of a question; false: no Placement could know what it asks for. Pure. */
bool openstack_kinds_path(const struct source_question *q, const struct source_reading *r,
                          struct buf *b) AR_MUST_CHECK;

#endif
