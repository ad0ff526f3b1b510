/* SPDX-License-Identifier: MIT */
/*
 * The configuration's hosts. Every pool of a queue mentions hosts; all mentions, sorted by name,
 * show which of them are the same host. What it has stands in at least one of its mentions, and all
 * that say it agree.
 */
#include "conf_in.h"
#include "num.h"
#include "demand.h"
#include "quantity.h"

struct mention {
    const struct yaml_node *name, *value;
    size_t pool;
};

static int compare_mentions(const void *a, const void *b)
{
    const struct mention *x = a, *y = b;
    int order = str_cmp(x->name->scalar, y->name->scalar);

    return order ? order : (x->pool > y->pool) - (x->pool < y->pool);
}

static int compare_amounts(const void *a, const void *b)
{
    const struct conf_amount *x = a, *y = b;

    return str_cmp(x->resource, y->resource);
}

static int read_quantity(struct conf_in *in, const struct yaml_node *value,
                         struct conf_amount *amount)
{
    int64_t v;

    if (value->kind != YAML_SCALAR ||
        quantity_parse(value->scalar, quantity_scale(amount->resource), &v) != 0 ||
        v > NUM_SAFE_MAX)
        return conf_wrong(in, value, "a Kubernetes quantity such as 500m or 16Gi");
    amount->amount = v;
    return 0;
}

static int read_amount(struct conf_in *in, const struct yaml_node *value,
                       struct conf_amount *amount)
{
    static const struct conf_key whole = {.type = CONF_NUMBER, .low = 0, .high = NUM_SAFE_MAX};

    if (str_is(in->type, "kube"))
        return read_quantity(in, value, amount);
    return conf_read_number(in, value, &whole, &amount->amount);
}

static bool has_amount(const struct conf_host *host, const char *resource)
{
    size_t i;

    for (i = 0; i < host->amounts; i++) {
        if (str_is(host->amount[i].resource, resource))
            return true;
    }
    return false;
}

/* One resource of a host, by the name that demands know it by: MEMORY_MB is Memory, and both are
 * one too many. */
static int read_resource(struct conf_in *in, const struct yaml_node *name,
                         const struct yaml_node *value, struct conf_host *host)
{
    struct conf_amount *a = &host->amount[host->amounts];

    conf_enter(in, name->scalar);
    if (conf_copy_name(in, name, &a->resource) != 0)
        return -1;
    a->resource = demand_resource(in->type, a->resource);
    if (has_amount(host, a->resource.p))
        return conf_fail(in, name, "is given twice: %s is another name of it", a->resource.p);
    if (read_amount(in, value, a) != 0)
        return -1;
    host->amounts++;
    conf_leave(in);
    return 0;
}

/* What one mention says that the host has; nothing is no amounts. */
static int read_host(struct conf_in *in, const struct yaml_node *value, struct conf_host *host)
{
    size_t i;

    if (conf_need(in, value, YAML_MAP) != 0)
        return -1;
    if (value->n > CONF_RESOURCES_MAX)
        return conf_fail(in, value, "must not have more than %d resources", CONF_RESOURCES_MAX);
    host->amount = arena_array(in->arena, value->n + 1, sizeof *host->amount);
    if (!host->amount)
        return conf_no_memory(in);
    for (i = 0; i < value->n; i++) {
        if (read_resource(in, value->item[2 * i], value->item[2 * i + 1], host) != 0)
            return -1;
    }
    if (host->amounts && str_is(in->type, "kube") && !has_amount(host, "pods"))
        host->amount[host->amounts++] = (struct conf_amount){STR_LIT("pods"), DEMAND_KUBE_PODS};
    qsort(host->amount, host->amounts, sizeof *host->amount, compare_amounts);
    return 0;
}

static bool same_amounts(const struct conf_host *a, const struct conf_host *b)
{
    size_t i;

    for (i = 0; i < a->amounts && i < b->amounts; i++) {
        if (!str_eq(a->amount[i].resource, b->amount[i].resource) ||
            a->amount[i].amount != b->amount[i].amount)
            return false;
    }
    return a->amounts == b->amounts;
}

static void enter_mention(struct conf_in *in, const struct conf_queue *queue,
                          const struct mention *m)
{
    conf_enter(in, queue->pool[m->pool].name);
    conf_enter(in, STR_LIT("hosts"));
    conf_enter(in, m->name->scalar);
}

static void leave_mention(struct conf_in *in)
{
    conf_leave(in);
    conf_leave(in);
    conf_leave(in);
}

/* One host from its n mentions. */
static int join_host(struct conf_in *in, const struct conf_queue *queue, const struct mention *m,
                     size_t n, struct conf_host *host)
{
    struct conf_host said;
    size_t i, first = 0; /* the mention that host->amount is from */

    for (i = 0; i < n; i++) {
        said = (struct conf_host){0};
        enter_mention(in, queue, &m[i]);
        if (read_host(in, m[i].value, &said) != 0)
            return -1;
        if (said.amounts && host->amounts && !same_amounts(host, &said))
            return conf_fail(in, m[i].name, "has other amounts here than in line %zu",
                             m[first].name->line);
        if (said.amounts && !host->amounts) {
            *host = said;
            first = i;
        }
        leave_mention(in);
    }
    enter_mention(in, queue, m);
    if (!host->amounts)
        return conf_fail(in, m->name, "no pool of this queue says what this host has");
    if (conf_copy_name(in, m->name, &host->name) != 0)
        return -1;
    leave_mention(in);
    return 0;
}

/* Every mention of every pool, and room in the pools for their hosts. *n: how many. NULL: no
 * memory. */
static struct mention *collect(struct conf_in *in, struct conf_queue *queue,
                               const struct conf_pool_in *in_pool, size_t *n)
{
    struct mention *all;
    size_t i, j, count = 0;

    for (i = 0; i < queue->pools; i++)
        count += in_pool[i].hosts ? in_pool[i].hosts->n : 0;
    all = arena_array(in->arena, count, sizeof *all);
    queue->host = arena_array(in->arena, count, sizeof *queue->host);
    *n = 0;
    for (i = 0; i < queue->pools && all && queue->host; i++) {
        const struct yaml_node *hosts = in_pool[i].hosts;

        for (j = 0; hosts && j < hosts->n; j++)
            all[(*n)++] = (struct mention){hosts->item[2 * j], hosts->item[2 * j + 1], i};
        queue->pool[i].host =
            arena_array(in->arena, hosts ? hosts->n : 0, sizeof *queue->pool[i].host);
        if (!queue->pool[i].host)
            return NULL;
    }
    return queue->host ? all : NULL;
}

int conf_join_hosts(struct conf_in *in, struct conf_queue *queue,
                    const struct conf_pool_in *in_pool)
{
    size_t i, end, n;
    struct mention *all = collect(in, queue, in_pool, &n);

    if (!all)
        return conf_no_memory(in);
    qsort(all, n, sizeof *all, compare_mentions);
    for (i = 0; i < n; i = end) {
        for (end = i; end < n && str_eq(all[end].name->scalar, all[i].name->scalar); end++) {
            struct pool *pool = &queue->pool[all[end].pool];

            pool->host[pool->hosts++] = queue->hosts;
        }
        if (join_host(in, queue, &all[i], end - i, &queue->host[queue->hosts]) != 0)
            return -1;
        queue->hosts++;
    }
    return 0;
}
