/* SPDX-License-Identifier: MIT */
/*
 * What a pod takes, after k8s.io/component-helpers/resource as kube-scheduler 1.36 uses it: the
 * larger of
 *   the sum of all containers and sidecars, and
 *   of each init container with the sidecars before it: their order matters.
 * Requests of the pod as a whole then replace the sums of the same resources, and overhead is
 * added. While a pod is resized in place, a container or sidecar counts as the largest of what spec
 * asks for and what its status says.
 */
#include "kube_request.h"

#include <string.h>

/* The status of a container, if that tells what it has. */
static const struct kube_part *status_of(const struct kube_shape *pod, const struct kube_part *c)
{
    size_t i;

    for (i = 0; i < pod->parts; i++) {
        const struct kube_part *s = &pod->part[i];

        if (s->kind == KUBE_STATUS && s->resources && strcmp(s->name, c->name) == 0)
            return s;
    }
    return NULL;
}

/* Adds what one container counts for to an empty list. */
static int add_part(const struct kube_shape *pod, const struct kube_part *c,
                    struct kube_amounts *sum, struct err *e)
{
    const struct kube_part *status = c->kind == KUBE_INIT ? NULL : status_of(pod, c);

    if (!(status && pod->infeasible) && kube_amounts_add_all(sum, &c->requests, e) != 0)
        return -1;
    return status ? kube_amounts_raise_all(sum, &status->requests, e) : 0;
}

/* The lists that are under way. */
struct sums {
    struct kube_amounts *all;    /* containers and sidecars */
    struct kube_amounts before;  /* sidecars so far */
    struct kube_amounts highest; /* that the init containers come to */
    struct kube_amounts one;
};

static int count_part(const struct kube_shape *pod, const struct kube_part *c, struct sums *s,
                      struct err *e)
{
    s->one.n = 0;
    if (add_part(pod, c, &s->one, e) != 0)
        return -1;
    if (c->kind != KUBE_INIT && kube_amounts_add_all(s->all, &s->one, e) != 0)
        return -1;
    if (c->kind == KUBE_CONTAINER)
        return 0;
    if (c->kind == KUBE_SIDECAR)
        return kube_amounts_add_all(&s->before, &s->one, e);
    if (kube_amounts_add_all(&s->one, &s->before, e) != 0)
        return -1;
    return kube_amounts_raise_all(&s->highest, &s->one, e);
}

/* What the pod as a whole is given of a resource, overhead not included. */
static int set_own(const struct kube_shape *pod, struct kube_amounts *sum, struct err *e)
{
    struct kube_amounts own = {0};
    size_t i;
    int rc = 0;

    if (!(pod->infeasible && pod->own_status.n > 0))
        rc = kube_amounts_add_all(&own, &pod->own, e);
    for (i = 0; rc == 0 && i < pod->own_status.n; i++) {
        const struct kube_amount *a = &pod->own_status.amount[i];
        int64_t over = kube_amounts_get(&pod->overhead, a->resource);

        rc = kube_amounts_raise(&own, a->resource, a->milli > over ? a->milli - over : 0, e);
    }
    for (i = 0; rc == 0 && i < own.n; i++)
        rc = kube_amounts_set(sum, own.amount[i].resource, own.amount[i].milli, e);
    kube_amounts_free(&own);
    return rc;
}

int kube_request(const struct kube_shape *pod, struct kube_amounts *sum, struct err *e)
{
    struct sums s = {.all = sum};
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < pod->parts; i++) {
        if (pod->part[i].kind != KUBE_STATUS)
            rc = count_part(pod, &pod->part[i], &s, e);
    }
    if (rc == 0)
        rc = kube_amounts_raise_all(sum, &s.highest, e);
    if (rc == 0 && pod->own.n > 0)
        rc = set_own(pod, sum, e);
    if (rc == 0)
        rc = kube_amounts_add_all(sum, &pod->overhead, e);
    kube_amounts_free(&s.before);
    kube_amounts_free(&s.highest);
    kube_amounts_free(&s.one);
    return rc;
}
