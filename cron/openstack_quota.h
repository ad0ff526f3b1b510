/* SPDX-License-Identifier: MIT */
/* Nova's quota of a project: instances, cores and memory. One thread at a time. */
#ifndef AR_OPENSTACK_QUOTA_H
#define AR_OPENSTACK_QUOTA_H

#include "openstack_api.h"
#include "source.h"

/* Adds the quotas of the projects that are asked for (those of the questions that name one) to the
 * reading. `*limits_only` is remembered between calls: the user may not read the quotas themselves,
 * but the limits. 0, or -1. */
int openstack_quota_ask(struct openstack_api *api, const struct source_question *q, size_t n,
                        bool *limits_only, struct source_reading *r, struct err *e) AR_MUST_CHECK;

/* Reads an answer of os-quota-sets/<project>/detail, or of limits, into *quota. Pure. */
int openstack_quota_read(const json_value *root, struct arena *a, struct source_quota *quota,
                         struct err *e) AR_MUST_CHECK;
int openstack_quota_read_limits(const json_value *root, struct arena *a, struct source_quota *quota,
                                struct err *e) AR_MUST_CHECK;

#endif
