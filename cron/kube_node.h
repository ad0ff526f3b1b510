/* SPDX-License-Identifier: MIT */
/* The nodes of a list as hosts of a reading: what is allocatable on each, its labels, its taints;
 * and what pods take of them. One thread at a time. */
#ifndef AR_KUBE_NODE_H
#define AR_KUBE_NODE_H

#include "json_pick.h"
#include "source.h"

struct kube_nodes;

/* NULL when memory runs out. What the hosts point to lives in the arena. kube_nodes_free. */
struct kube_nodes *kube_nodes_new(struct arena *arena) AR_MUST_CHECK;
void kube_nodes_free(struct kube_nodes *n);

/* The line `items` of a NodeList. Errors are ERR_UNAVAILABLE. */
struct json_pick kube_nodes_items(struct kube_nodes *n);

/* Appends "node <name>" of the one under way, where that is known. */
void kube_nodes_called(const void *nodes, struct buf *b);

/* Forgets all nodes: the list begins anew. */
void kube_nodes_clear(struct kube_nodes *n);

/* All have come: they can be found from now on. */
void kube_nodes_sort(struct kube_nodes *n);

/* Counts one more pod on the node of this name, if there is one. Each amount is added to what is
 * used of a resource there; what the node does not have counts for nothing. */
struct kube_use {
    struct str resource;
    int64_t amount; /* cpu in milli, the rest whole */
};
void kube_nodes_use(struct kube_nodes *n, struct str node, const struct kube_use *use, size_t uses);

/* Nothing is free on the node of this name, if there is one: it has a pod that nobody can count. */
void kube_nodes_fill(struct kube_nodes *n, struct str node, struct str space, struct str pod);

/* Appends for people which nodes that was said of: nothing when of none. */
void kube_nodes_note(const struct kube_nodes *n, struct buf *b);

/* Forgets all pods: their list begins anew. */
void kube_nodes_unuse(struct kube_nodes *n);

/* *host = all of them, sorted by name, in the arena, no amount larger than NUM_SAFE_MAX; their
 * number is *hosts. 0, or -1: ERR_INTERNAL. */
int kube_nodes_hosts(const struct kube_nodes *n, const struct source_host **host, size_t *hosts,
                     struct err *e) AR_MUST_CHECK;

#endif
