/* SPDX-License-Identifier: MIT */
/* Pods are counted on their nodes as they come. One thread at a time. */
#ifndef AR_KUBE_COUNT_H
#define AR_KUBE_COUNT_H

#include "kube_node.h"
#include "kube_pod.h"

/* A kube_pod_fn whose ctx is a struct kube_nodes, sorted. A pod that is not bound, or bound to a
 * node that is not there, takes nothing. */
int kube_count(void *nodes, const struct kube_pod *pod, struct err *e);

#endif
