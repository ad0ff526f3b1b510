/* SPDX-License-Identifier: MIT */
/* Pods are counted on their nodes as they come. One thread at a time. */
#ifndef AR_KUBE_COUNT_H
#define AR_KUBE_COUNT_H

#include "kube_node.h"
#include "kube_pod.h"

/* A kube_pod_fn whose ctx is a struct kube_nodes, sorted. A pod that is not bound, or bound to a
 * node that is not there, takes nothing; one that asks for more than can be counted, the whole
 * node. */
void kube_count(void *nodes, const struct kube_pod *pod);

#endif
