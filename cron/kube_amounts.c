/* SPDX-License-Identifier: MIT */
/* Lists of amounts: short, so they are searched from the front. */
#include "kube_amounts.h"

#include <stdlib.h>

#include "num.h"

void kube_amounts_free(struct kube_amounts *l)
{
    free(l->amount);
    *l = (struct kube_amounts){0};
}

static struct kube_amount *find(const struct kube_amounts *l, size_t resource)
{
    size_t i;

    for (i = 0; i < l->n; i++) {
        if (l->amount[i].resource == resource)
            return &l->amount[i];
    }
    return NULL;
}

int64_t kube_amounts_get(const struct kube_amounts *l, size_t resource)
{
    const struct kube_amount *a = find(l, resource);

    return a ? a->milli : 0;
}

static int grow(struct kube_amounts *l, struct err *e)
{
    size_t cap = l->cap ? l->cap * 2 : 8;
    struct kube_amount *p;

    if (l->n == KUBE_RESOURCES_MAX)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d resources", KUBE_RESOURCES_MAX);
    if (l->n < l->cap)
        return 0;
    p = realloc(l->amount, cap * sizeof *p);
    if (!p)
        return err_set(e, ERR_INTERNAL, "out of memory while adding up requests");
    l->amount = p;
    l->cap = cap;
    return 0;
}

int kube_amounts_set(struct kube_amounts *l, size_t resource, int64_t milli, struct err *e)
{
    struct kube_amount *a = find(l, resource);

    if (!a) {
        if (grow(l, e) != 0)
            return -1;
        a = &l->amount[l->n++];
        a->resource = resource;
    }
    a->milli = milli;
    return 0;
}

int kube_amounts_add(struct kube_amounts *l, size_t resource, int64_t milli, struct err *e)
{
    int64_t sum = INT64_MAX;

    if (num_add(kube_amounts_get(l, resource), milli, &sum) != 0)
        sum = INT64_MAX;
    return kube_amounts_set(l, resource, sum, e);
}

int kube_amounts_raise(struct kube_amounts *l, size_t resource, int64_t milli, struct err *e)
{
    const struct kube_amount *a = find(l, resource);

    return a && a->milli >= milli ? 0 : kube_amounts_set(l, resource, milli, e);
}

int kube_amounts_add_all(struct kube_amounts *l, const struct kube_amounts *more, struct err *e)
{
    size_t i;

    for (i = 0; i < more->n; i++) {
        if (kube_amounts_add(l, more->amount[i].resource, more->amount[i].milli, e) != 0)
            return -1;
    }
    return 0;
}

int kube_amounts_raise_all(struct kube_amounts *l, const struct kube_amounts *least, struct err *e)
{
    size_t i;

    for (i = 0; i < least->n; i++) {
        if (kube_amounts_raise(l, least->amount[i].resource, least->amount[i].milli, e) != 0)
            return -1;
    }
    return 0;
}
