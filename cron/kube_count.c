/* SPDX-License-Identifier: MIT */
/* Pods on nodes: what a pod takes, rounded up as the scheduler does it, once for the whole pod. */
#include "kube_count.h"

#include "quantity.h"

/* From thousandths to what the resource is counted in. */
static int64_t rounded_up(int64_t milli, struct str resource)
{
    int64_t unit = 1000 / quantity_scale(resource);

    return milli / unit + (milli % unit > 0);
}

void kube_count(void *nodes, const struct kube_pod *pod)
{
    struct kube_use use[KUBE_RESOURCES_MAX];
    const struct kube_amounts *l = pod->requests;
    size_t i;

    if (pod->node.n == 0)
        return;
    if (pod->uncounted) {
        kube_nodes_fill(nodes, pod->node, pod->space, pod->name);
        return;
    }
    for (i = 0; i < l->n; i++) {
        struct str resource = pod->resource[l->amount[i].resource];

        use[i] = (struct kube_use){resource, rounded_up(l->amount[i].milli, resource)};
    }
    kube_nodes_use(nodes, pod->node, use, l->n);
}
