/* SPDX-License-Identifier: MIT */
/* Pools of a cluster: sorted pairs of label value and host, cut where the value changes. */
#include "kube_pools.h"

#include <stdlib.h>

/* A host, and the value of its label. */
struct member {
    struct str value;
    size_t host;
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while making pools");
}

static struct str value_of(const struct source_host *h, struct str label)
{
    size_t i;

    for (i = 0; i < h->labels; i++) {
        if (str_eq(h->label[i].key, label))
            return h->label[i].value;
    }
    return (struct str){0};
}

static int compare_members(const void *a, const void *b)
{
    const struct member *x = a, *y = b;
    int c = str_cmp(x->value, y->value);

    return c ? c : (x->host > y->host) - (x->host < y->host);
}

static size_t find_members(const struct source_reading *r, struct str label, struct member *member)
{
    size_t i, n = 0;

    for (i = 0; i < r->hosts; i++) {
        struct str value = value_of(&r->host[i], label);

        if (value.n > 0)
            member[n++] = (struct member){value, i};
    }
    if (n)
        qsort(member, n, sizeof *member, compare_members);
    return n;
}

/* What the configuration says of a pool; NULL: nothing. */
static const struct pool *named(const struct conf_queue *queue, struct str name)
{
    size_t i;

    for (i = 0; i < queue->pools; i++) {
        if (str_eq(queue->pool[i].name, name))
            return &queue->pool[i];
    }
    return NULL;
}

static struct pool pool_for(const struct conf_queue *queue, struct str name)
{
    const struct pool *conf = named(queue, name);
    struct pool pool = {.name = name, .open = true};

    if (conf) {
        pool = *conf;
        pool.hosts = 0;
        pool.host = NULL;
    }
    return pool;
}

static bool is_made(const struct pool *pool, size_t n, struct str name)
{
    size_t i;

    for (i = 0; i < n && !str_eq(pool[i].name, name); i++)
        continue;
    return i < n;
}

static int pools_by_label(struct source_reading *r, struct err *e)
{
    const struct conf_queue *queue = r->queue;
    struct member *member = arena_array(r->arena, r->hosts, sizeof *member);
    struct pool *pool = arena_array(r->arena, r->hosts + queue->pools, sizeof *pool);
    size_t *host = arena_array(r->arena, r->hosts, sizeof *host);
    size_t members, i, n = 0;

    if (!member || !pool || !host)
        return no_memory(e);
    members = find_members(r, queue->source.pool_label, member);
    for (i = 0; i < members; i++) {
        host[i] = member[i].host;
        if (i == 0 || !str_eq(member[i].value, member[i - 1].value)) {
            pool[n] = pool_for(queue, member[i].value);
            pool[n++].host = &host[i];
        }
        pool[n - 1].hosts++;
    }
    for (i = 0; i < queue->pools; i++) {
        if (!is_made(pool, n, queue->pool[i].name))
            pool[n++] = pool_for(queue, queue->pool[i].name);
    }
    r->pool = pool;
    r->pools = n;
    return 0;
}

static int one_pool(struct source_reading *r, struct err *e)
{
    struct pool *pool = arena_array(r->arena, 1, sizeof *pool);
    size_t i;

    if (!pool)
        return no_memory(e);
    *pool = (struct pool){.name = STR_LIT("cluster"), .open = true, .hosts = r->hosts};
    pool->host = arena_array(r->arena, r->hosts, sizeof *pool->host);
    if (!pool->host)
        return no_memory(e);
    for (i = 0; i < r->hosts; i++)
        pool->host[i] = i;
    r->pool = pool;
    r->pools = 1;
    return 0;
}

int kube_pools(struct source_reading *r, struct err *e)
{
    return r->queue->source.pool_label.p ? pools_by_label(r, e) : one_pool(r, e);
}
