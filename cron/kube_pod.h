/* SPDX-License-Identifier: MIT */
/* The pods of a list, one by one as they come: where each is, and what it takes. One thread at a
 * time. */
#ifndef AR_KUBE_POD_H
#define AR_KUBE_POD_H

#include "json_pick.h"
#include "kube_amounts.h"

/* Spans hold during the call. */
struct kube_pod {
    struct str space, name; /* its namespace, and its name there */
    struct str node;        /* that it is bound to; "": none */
    bool uncounted;         /* it asks for more than can be counted, and what it does is void */
    const struct kube_amounts *requests;
    const struct str *resource; /* [requests' numbers] names of resources */
};

/* Is told of each pod that has not ended, bound or not. */
typedef void kube_pod_fn(void *ctx, const struct kube_pod *pod);

struct kube_pods;

/* NULL when memory runs out. kube_pods_free. */
struct kube_pods *kube_pods_new(kube_pod_fn *fn, void *ctx) AR_MUST_CHECK;
void kube_pods_free(struct kube_pods *p);

/* The line `items` of a PodList. Errors are ERR_UNAVAILABLE. */
struct json_pick kube_pods_items(struct kube_pods *p);

/* Appends "pod <space>/<name>" of the one under way, where that is known. */
void kube_pods_called(const void *pods, struct buf *b);

#endif
