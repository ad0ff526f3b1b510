/* SPDX-License-Identifier: MIT */
/* The quotas of namespaces out of a list. One thread at a time. */
#ifndef AR_KUBE_QUOTA_H
#define AR_KUBE_QUOTA_H

#include "json_pick.h"
#include "source.h"

struct kube_quotas;

/* NULL when memory runs out. What the quotas point to lives in the arena. kube_quotas_free. */
struct kube_quotas *kube_quotas_new(struct arena *arena) AR_MUST_CHECK;
void kube_quotas_free(struct kube_quotas *q);

/* The line `items` of a ResourceQuotaList. */
struct json_pick kube_quotas_items(struct kube_quotas *q);

/* Appends "quota <namespace>/<name>" of the one under way, where that is known. */
void kube_quotas_called(const void *quotas, struct buf *b);

/* Forgets all: the list begins anew. */
void kube_quotas_clear(struct kube_quotas *q);

/* *quota = one for each namespace that has any line which counts, sorted, in the arena; their
 * number is *n. 0, or -1: ERR_INTERNAL. */
int kube_quotas_all(struct kube_quotas *q, const struct source_quota **quota, size_t *n,
                    struct err *e) AR_MUST_CHECK;

#endif
