/* SPDX-License-Identifier: MIT */
/* Amounts of resources as sums are made of them: in thousandths, which is as finely as Kubernetes
 * keeps them, never overflowing. Resources are numbers (intern.h). One thread at a time. */
#ifndef AR_KUBE_AMOUNTS_H
#define AR_KUBE_AMOUNTS_H

#include "err.h"

enum { KUBE_RESOURCES_MAX = 255 }; /* in one list */

struct kube_amount {
    size_t resource;
    int64_t milli; /* INT64_MAX: as much or more */
};

/* {0} is empty; kube_amounts_free. No resource stands in it twice. */
struct kube_amounts {
    size_t n, cap;
    struct kube_amount *amount;
};

void kube_amounts_free(struct kube_amounts *l);

/* What the list has of a resource; 0 when it is not in it. */
int64_t kube_amounts_get(const struct kube_amounts *l, size_t resource);

/* Adds to what the list has; makes it at least as much; replaces it. 0, or -1: ERR_INTERNAL without
 * memory, ERR_UNAVAILABLE above KUBE_RESOURCES_MAX. */
int kube_amounts_add(struct kube_amounts *l, size_t resource, int64_t milli,
                     struct err *e) AR_MUST_CHECK;
int kube_amounts_raise(struct kube_amounts *l, size_t resource, int64_t milli,
                       struct err *e) AR_MUST_CHECK;
int kube_amounts_set(struct kube_amounts *l, size_t resource, int64_t milli,
                     struct err *e) AR_MUST_CHECK;

/* The same with every amount of another list. */
int kube_amounts_add_all(struct kube_amounts *l, const struct kube_amounts *more,
                         struct err *e) AR_MUST_CHECK;
int kube_amounts_raise_all(struct kube_amounts *l, const struct kube_amounts *least,
                           struct err *e) AR_MUST_CHECK;

#endif
