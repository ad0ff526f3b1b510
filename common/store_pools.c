/* SPDX-License-Identifier: MIT */
/* Which pools of the last reading serve a scope: the rules of pool.h, asked of the database. */
#include <stdlib.h>

#include "demand.h"
#include "pool.h"
#include "store_inner.h"
#include "store_pass.h"

int store_was_read(struct store *s, struct str queue, struct err *e)
{
    struct db_stmt *st = db_use_apart(s->db, SQL_READING_GET, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, queue);
    rc = db_step(s->db, st, e);
    if (rc == 1)
        rc = db_i64(st, 3) != 0;
    db_done(st);
    return rc;
}

/* Calls fn for the rows of one statement. How many there were, or -1. */
static int take_pools(struct store *s, struct db_stmt *st, store_pool_fn *fn, void *ctx,
                      struct err *e)
{
    int rc, n = 0;

    while ((rc = db_step(s->db, st, e)) == 1) {
        n++;
        rc = fn(ctx, db_str(st, 0), db_i64(st, 1), e);
        if (rc != 0)
            break;
    }
    db_done(st);
    return rc < 0 ? -1 : n;
}

/* What a statement is given: the queue, then the pool or the project, then both. */
static int ask_pools(struct store *s, enum store_sql_name name, struct str queue,
                     const struct str given[2], store_pool_fn *fn, void *ctx, struct err *e)
{
    struct db_stmt *st = db_use_apart(s->db, name, e);
    int i;

    if (!st)
        return -1;
    db_bind_str(st, 1, queue);
    for (i = 0; i < 2; i++) {
        if (given[i].p)
            db_bind_str(st, i + 2, given[i]);
    }
    return take_pools(s, st, fn, ctx, e);
}

int store_pools_of_scope(struct store *s, struct str queue, struct str scope, store_pool_fn *fn,
                         void *ctx, struct err *e)
{
    struct str pool = pool_name(scope), project = pool_project(scope);
    struct str called[2] = {pool, project}, served[2] = {project, {0}}, none[2] = {{0}, {0}};
    int n;

    if (pool.p)
        n = ask_pools(s, SQL_POOLS_CALLED, queue, called, fn, ctx, e);
    else if (project.p)
        n = ask_pools(s, SQL_POOLS_OF_PROJECT, queue, served, fn, ctx, e);
    else
        return scope.n > 0 || ask_pools(s, SQL_POOLS_ALL, queue, none, fn, ctx, e) >= 0 ? 0 : -1;
    if (n == 0 && !pool.p)
        n = ask_pools(s, SQL_POOLS_OPEN, queue, none, fn, ctx, e);
    return n < 0 ? -1 : 0;
}

/* The pools that the configuration names. */
static int serving_of_conf(const struct conf_queue *queue, struct str scope, store_pool_fn *fn,
                           void *ctx, struct err *e)
{
    size_t *pool = calloc(queue->pools + 1, sizeof *pool), n, i;
    int rc = 0;

    if (!pool)
        return err_set(e, ERR_INTERNAL, "no memory to look at the pools");
    n = pool_of_scope(conf_pools(queue), scope, pool);
    for (i = 0; rc == 0 && i < n; i++)
        rc = fn(ctx, queue->pool[pool[i]].name, 0, e);
    free(pool);
    return rc < 0 ? -1 : 1;
}

int store_pools_serving(struct store *s, const struct conf_queue *queue, struct str scope,
                        store_pool_fn *fn, void *ctx, struct err *e)
{
    int rc;

    if (queue->capacity == CONF_CAPACITY_NONE)
        return 0;
    if (!conf_asks(queue))
        return serving_of_conf(queue, scope, fn, ctx, e);
    rc = store_was_read(s, queue->type, e);
    if (rc == 1 && store_pools_of_scope(s, queue->type, scope, fn, ctx, e) != 0)
        rc = -1;
    return rc;
}

/* ---- host_aggregate ---- */

/* The only pool that serves a project. */
struct only {
    size_t pools;
    struct buf *name;
};

static int take_name(void *ctx, struct str pool, int64_t unsure, struct err *e)
{
    struct only *o = ctx;

    (void)unsure;
    (void)e;
    buf_reset(o->name);
    buf_add(o->name, pool.p, pool.n);
    return ++o->pools > 1;
}

int store_aggregate(struct store *s, const struct conf_queue *queue, struct str scope,
                    struct str *data, struct err *e)
{
    struct buf name = BUF_INIT(DEMAND_NAME_MAX);
    struct only only = {.name = &name};
    int rc;

    if (!str_is(queue->rules, "vm") || !conf_asks(queue) || pool_name(scope).p ||
        !pool_project(scope).p)
        return 0;
    rc = store_pools_of_scope(s, queue->type, scope, take_name, &only, e);
    if (rc == 0)
        rc = buf_check(&name, "the name of a pool", e);
    if (rc == 0 && only.pools == 1 && !str_is(buf_span(&name), "*") &&
        demand_is_name(buf_span(&name))) {
        buf_reset(&s->data);
        rc = job_add_aggregate(*data, buf_span(&name), &s->data, e);
        *data = rc == 0 ? buf_span(&s->data) : *data;
    }
    buf_free(&name);
    return rc;
}
