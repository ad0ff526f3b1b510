/* SPDX-License-Identifier: MIT */
/* What a source says is not taken on trust: a reading that contradicts itself or counts what cannot
 * be is no reading. */
#include <stdlib.h>

#include "num.h"
#include "plain.h"
#include "source.h"

static int absurd(struct err *e, const char *what, struct str name)
{
    return err_set(e, ERR_UNAVAILABLE, "the source makes no sense: %s \"%.*s\"", what,
                   (int)(name.n < 100 ? name.n : 100), name.p ? name.p : "");
}

/* May it be a name: something, and nothing that moves a terminal or ends a text? */
static bool is_name(struct str name)
{
    return name.n > 0 && plain_is(name);
}

static bool in_range(int64_t v)
{
    return v >= 0 && v <= NUM_SAFE_MAX;
}

static int check_amounts(const struct source_host *h, struct err *e)
{
    size_t i;

    for (i = 0; i < h->amounts; i++) {
        if (i > 0 && str_cmp(h->amount[i - 1].resource, h->amount[i].resource) >= 0)
            return absurd(e, "a resource twice, or out of order, on host", h->name);
        if (!is_name(h->amount[i].resource))
            return absurd(e, "a resource whose name is none on host", h->name);
        if (!in_range(h->amount[i].total) || !in_range(h->amount[i].used))
            return absurd(e, "an amount below 0 or beyond 2^53-1 on host", h->name);
    }
    return 0;
}

static int check_labels(const struct source_host *h, struct err *e)
{
    size_t i;

    for (i = 1; i < h->labels; i++) {
        const struct source_label *l = &h->label[i];
        int order = str_cmp(l[-1].key, l->key);

        if (order > 0 || (order == 0 && str_cmp(l[-1].value, l->value) >= 0))
            return absurd(e, "a label twice, or out of order, on host", h->name);
    }
    return 0;
}

static int check_hosts(const struct source_reading *r, struct err *e)
{
    size_t i;

    if (r->hosts > SOURCE_HOSTS_MAX)
        return err_set(e, ERR_UNAVAILABLE, "the source has more than %d hosts", SOURCE_HOSTS_MAX);
    for (i = 0; i < r->hosts; i++) {
        if (r->host[i].name.n == 0)
            return absurd(e, "a host without a name beside",
                          i ? r->host[i - 1].name : r->host[i].name);
        if (i > 0 && str_cmp(r->host[i - 1].name, r->host[i].name) >= 0)
            return absurd(e, "twice, or out of order, the host", r->host[i].name);
        if (!is_name(r->host[i].name))
            return absurd(e, "a control character in the name of the host", r->host[i].name);
        if (check_amounts(&r->host[i], e) != 0 || check_labels(&r->host[i], e) != 0)
            return -1;
    }
    return 0;
}

static int check_pool(const struct source_reading *r, const struct pool *p, struct err *e)
{
    size_t i;

    for (i = 0; i < p->hosts; i++) {
        if (p->host[i] >= r->hosts || (i > 0 && p->host[i - 1] >= p->host[i]))
            return absurd(e, "hosts that are not there, or twice, in pool", p->name);
    }
    for (i = 0; i < p->shares; i++) {
        if (p->share[i] >= r->shared)
            return absurd(e, "a share that is not there in pool", p->name);
    }
    return 0;
}

static int compare_names(const void *a, const void *b)
{
    const struct str *x = a, *y = b;

    return str_cmp(*x, *y);
}

/* Pools come in the source's order, so their names are sorted here. */
static int check_pool_names(const struct source_reading *r, struct err *e)
{
    struct str *name = arena_array(r->arena, r->pools, sizeof *name);
    size_t i;

    if (!name)
        return err_set(e, ERR_INTERNAL, "out of memory while checking a reading");
    for (i = 0; i < r->pools; i++) {
        name[i] = r->pool[i].name;
        if (!is_name(name[i]))
            return absurd(e, "a name that is none, of the pool", name[i]);
    }
    if (r->pools)
        qsort(name, r->pools, sizeof *name, compare_names);
    for (i = 1; i < r->pools; i++) {
        if (str_eq(name[i - 1], name[i]))
            return absurd(e, "twice the pool", name[i]);
    }
    return 0;
}

static int check_limits(const struct source_limit *limit, size_t n, struct err *e)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (!in_range(limit[i].limit) || !in_range(limit[i].used))
            return absurd(e, "an amount below 0 or beyond 2^53-1 in the limit", limit[i].name);
    }
    return 0;
}

static int check_quotas(const struct source_reading *r, struct err *e)
{
    size_t i;

    for (i = 0; i < r->quotas; i++) {
        if (i > 0 && str_cmp(r->quota[i - 1].project, r->quota[i].project) >= 0)
            return absurd(e, "twice, or out of order, the quota of", r->quota[i].project);
        if (check_limits(r->quota[i].limit, r->quota[i].limits, e) != 0)
            return -1;
    }
    return check_limits(r->share, r->shared, e);
}

int source_check(const struct source_reading *r, struct err *e)
{
    size_t i;

    if (check_hosts(r, e) != 0 || check_quotas(r, e) != 0)
        return -1;
    if (r->pools > SOURCE_POOLS_MAX)
        return err_set(e, ERR_UNAVAILABLE, "the source has more than %d pools", SOURCE_POOLS_MAX);
    for (i = 0; i < r->pools; i++) {
        if (check_pool(r, &r->pool[i], e) != 0)
            return -1;
    }
    return check_pool_names(r, e);
}
