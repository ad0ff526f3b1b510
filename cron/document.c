/* SPDX-License-Identifier: MIT */
/*
 * The document of a source of the operator's own, from JSON into a reading. What each level may
 * hold stands in a table of members; they are taken in the table's order, whatever the document's
 * is, since pools name hosts and a limit's scale depends on its resource.
 */
#include "document_in.h"

#include "clock.h"

enum { QUOTAS_MAX = 100000 };
#define AHEAD_MAX (60 * NS_PER_S) /* that another machine's clock may be ahead of ours */

/* ---- pools ---- */

static int take_pool_host(struct document *d, struct str place, const json_value *v, void *ctx)
{
    struct pool *pool = ctx;
    const struct source_host *host;

    (void)place;
    if (document_need(d, v, JSON_STRING) != 0)
        return -1;
    host = document_find_host(d, json_string(v));
    if (!host)
        return document_wrong(d, "is no host of this document");
    pool->host[pool->hosts++] = (size_t)(host - d->r->host);
    return 0;
}

static int compare_indices(const void *a, const void *b)
{
    const size_t *x = a, *y = b;

    return (*x > *y) - (*x < *y);
}

static int take_pool_hosts(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct pool *pool = ctx;
    size_t i;

    (void)name;
    pool->host = document_list_room(d, v, sizeof *pool->host);
    if (!pool->host || document_take_list(d, v, take_pool_host, pool) != 0)
        return -1;
    qsort(pool->host, pool->hosts, sizeof *pool->host, compare_indices);
    for (i = 1; i < pool->hosts; i++) {
        if (pool->host[i - 1] == pool->host[i])
            return document_wrong(d, "has the host %s twice", d->r->host[pool->host[i]].name.p);
    }
    return 0;
}

static int take_project(struct document *d, struct str place, const json_value *v, void *ctx)
{
    struct pool *pool = ctx;

    (void)place;
    if (document_need(d, v, JSON_STRING) != 0)
        return -1;
    return document_copy_name(d, json_string(v), &pool->project[pool->projects++]);
}

static int take_projects(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct pool *pool = ctx;

    (void)name;
    pool->project = document_list_room(d, v, sizeof *pool->project);
    return pool->project ? document_take_list(d, v, take_project, pool) : -1;
}

static const struct document_member pool_members[] = {
    {.name = "hosts", .take = take_pool_hosts},
    {.name = "projects", .take = take_projects},
};

static int take_pool(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct pool *pools = ctx, *pool = &pools[d->r->pools];

    if (document_copy_name(d, name, &pool->name) != 0 ||
        document_take_members(d, v, pool_members, ARRAY_LEN(pool_members), pool) != 0)
        return -1;
    pool->open = pool->projects == 0;
    d->r->pools++;
    return 0;
}

static int take_pools(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct pool *pool = document_room(d, v, SOURCE_POOLS_MAX, sizeof *pool);

    (void)name;
    (void)ctx;
    d->r->pool = pool;
    return pool ? document_take_each(d, v, take_pool, pool) : -1;
}

static int add_pool_of_all(struct document *d)
{
    struct pool *pool = arena_array(d->r->arena, 1, sizeof *pool);
    size_t *host = arena_array(d->r->arena, d->r->hosts, sizeof *host), i;

    if (!pool || !host)
        return document_no_memory(d);
    for (i = 0; i < d->r->hosts; i++)
        host[i] = i;
    *pool = (struct pool){.name = STR_LIT("all"), .open = true, .hosts = d->r->hosts, .host = host};
    d->r->pool = pool;
    d->r->pools = 1;
    return 0;
}

/* ---- quotas ---- */

static int take_resource(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct source_limit *limit = ctx;

    (void)name;
    return document_need(d, v, JSON_STRING) == 0
               ? document_copy_resource(d, json_string(v), &limit->resource[0])
               : -1;
}

static int take_limit(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct source_limit *limit = ctx;

    (void)name;
    return document_take_amount(d, v, limit->resource[0], &limit->limit);
}

static int take_used(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct source_limit *limit = ctx;

    (void)name;
    return document_take_amount(d, v, limit->resource[0], &limit->used);
}

static const struct document_member line_members[] = {
    {.name = "resource", .take = take_resource}, /* first: it says in what the others count */
    {.name = "limit", .take = take_limit, .needed = true},
    {.name = "used", .take = take_used},
};

/* A quota while it is read. */
struct quota_in {
    struct source_quota *quota;
    struct source_limit *limit;
};

static int take_line(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct quota_in *in = ctx;
    struct source_limit *limit = &in->limit[in->quota->limits++];

    return document_copy_name(d, name, &limit->name) == 0
               ? document_take_members(d, v, line_members, ARRAY_LEN(line_members), limit)
               : -1;
}

static int take_quota(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct source_quota *quotas = ctx;
    struct quota_in in = {.quota = &quotas[d->r->quotas++]};

    if (document_copy_name(d, name, &in.quota->project) != 0)
        return -1;
    in.quota->limit = in.limit = document_room(d, v, CONF_RESOURCES_MAX, sizeof *in.limit);
    return in.limit ? document_take_each(d, v, take_line, &in) : -1;
}

static int compare_quotas(const void *a, const void *b)
{
    const struct source_quota *x = a, *y = b;

    return str_cmp(x->project, y->project);
}

static int take_quotas(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct source_quota *quota = document_room(d, v, QUOTAS_MAX, sizeof *quota);

    (void)name;
    (void)ctx;
    if (!quota || document_take_each(d, v, take_quota, quota) != 0)
        return -1;
    qsort(quota, d->r->quotas, sizeof *quota, compare_quotas);
    d->r->quota = quota;
    d->r->gate = SOURCE_QUOTAS_READ;
    return 0;
}

/* ---- the whole ---- */

static int take_time(struct document *d, struct str name, const json_value *v, void *ctx)
{
    const struct conf_source *source = &d->r->queue->source;
    int64_t now = clock_now(), at;
    struct str text;

    (void)name;
    (void)ctx;
    if (document_need(d, v, JSON_STRING) != 0)
        return -1;
    text = json_string(v);
    if (clock_parse(text, &at) != 0)
        return document_wrong(d, "must be a time after RFC 3339, such as 2026-11-23T10:20:30Z");
    if (at > now + AHEAD_MAX)
        return err_at(d->e, ERR_UNAVAILABLE, d->at, "the reading is from the future: it says %.*s",
                      (int)text.n, text.p);
    if (at < now - source->max_age)
        return err_at(d->e, ERR_UNAVAILABLE, d->at,
                      "the reading is stale: it says %.*s, which is more than %g s ago",
                      (int)text.n, text.p, (double)source->max_age / NS_PER_S);
    if (at < d->r->read_at) /* later than it was asked for it counts for no more: clocks differ */
        d->r->read_at = at;
    return 0;
}

static const struct document_member members[] = {
    {.name = "hosts", .take = document_take_hosts, .needed = true},
    {.name = "pools", .take = take_pools},
    {.name = "quotas", .take = take_quotas},
    {.name = "at", .take = take_time},
};

int document_read(struct str text, struct source_reading *r, struct err *e)
{
    struct document d = {.r = r, .e = e};
    struct json_doc *json;
    int rc;

    if (text.n == 0)
        return err_set(e, ERR_UNAVAILABLE, "the document is empty");
    if (json_in_parse(text, &json, e) != 0)
        return err_wrap(e, "the document cannot be read");
    rc = document_take_members(&d, json_in_root(json), members, ARRAY_LEN(members), NULL);
    json_in_free(json);
    return rc == 0 && !r->pool ? add_pool_of_all(&d) : rc;
}
