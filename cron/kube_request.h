/* SPDX-License-Identifier: MIT */
/* What a pod takes of its node, as kube-scheduler counts it. Pure; any thread. */
#ifndef AR_KUBE_REQUEST_H
#define AR_KUBE_REQUEST_H

#include "kube_amounts.h"

enum { KUBE_NAME_MAX = 253 }; /* of whatever has a name */

enum kube_part_kind {
    KUBE_CONTAINER,
    KUBE_INIT,    /* runs to its end before the next ones start */
    KUBE_SIDECAR, /* an init container that goes on: restartPolicy Always */
    KUBE_STATUS   /* not a container but the status of the one with its name */
};

struct kube_part {
    enum kube_part_kind kind;
    char name[KUBE_NAME_MAX + 1];
    struct kube_amounts
        requests;   /* of a status: the larger of `resources` and allocatedResources */
    bool resources; /* of a status: it has `resources` */
};

/* What counts of one pod. */
struct kube_shape {
    size_t parts;
    const struct kube_part *part; /* containers in the pod's order; statuses anywhere */
    bool infeasible;         /* its resize will never be done: what spec asks for does not count */
    struct kube_amounts own; /* spec.resources.requests of cpu, memory and huge pages: they
                                stand in place of the containers' sums */
    struct kube_amounts own_status; /* the same as status.resources and status.allocatedResources
                                       say, overhead included */
    struct kube_amounts overhead;
};

/* Adds what the pod takes to *sum, which is empty. 0, or -1 as kube_amounts.h. */
int kube_request(const struct kube_shape *pod, struct kube_amounts *sum,
                 struct err *e) AR_MUST_CHECK;

#endif
