/* SPDX-License-Identifier: MIT */
/* The last reading of each source of capacity, kept for what is known at create and for people. */
#include <assert.h>

#include "store_inner.h"
#include "store_pass.h"

uint64_t store_mix(uint64_t h, struct str text)
{
    size_t i;

    for (i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    return (h ^ 0xff) * UINT64_C(1099511628211);
}

uint64_t store_mix_i64(uint64_t h, int64_t v)
{
    return store_mix(h, (struct str){(const char *)&v, sizeof v});
}

/* Hosts of the pool whose amounts do not tell what goes on them. */
static int64_t exact_hosts(const struct store_reading *r, const struct pool *pool)
{
    int64_t n = 0;
    size_t i;

    for (i = 0; i < pool->hosts; i++)
        n += r->host[pool->host[i]].exact;
    return n;
}

/* Projects are added up, as are pools below: their order is no news. */
static uint64_t pool_digest(const struct store_reading *r, const struct pool *pool)
{
    uint64_t h = store_mix(STORE_MIX_START, pool->name), projects = 0;
    size_t i;

    h = store_mix_i64(store_mix_i64(h, pool->open + 2 * pool->closed), (int64_t)pool->unread);
    h = store_mix_i64(h, exact_hosts(r, pool));
    for (i = 0; i < pool->projects; i++)
        projects += store_mix(STORE_MIX_START, pool->project[i]);
    h = store_mix_i64(h, (int64_t)projects);
    for (i = 0; i < pool->hosts; i++)
        h = store_mix(h, r->host[pool->host[i]].name);
    return h;
}

/* Of all but what is used. */
static int64_t digest_of(const struct store_reading *r)
{
    uint64_t h = STORE_MIX_START, pools = 0;
    size_t i, a;

    for (i = 0; i < r->pools; i++)
        pools += pool_digest(r, &r->pool[i]);
    for (i = 0; i < r->hosts; i++) {
        h = store_mix(h, r->host[i].name);
        for (a = 0; a < r->host[i].amounts; a++)
            h = store_mix_i64(store_mix(h, r->host[i].amount[a].resource),
                              r->host[i].amount[a].total);
    }
    return (int64_t)store_mix_i64(h, (int64_t)pools);
}

/* What is kept, compared with a reading. */
struct kept {
    bool same;      /* pools, hosts and totals are the same */
    bool same_text; /* so are its error and what it is about */
};

static int compare(struct store *s, const struct store_reading *r, struct kept *k, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_GET, e);
    int rc;

    if (!st)
        return -1;
    *k = (struct kept){0};
    db_bind_str(st, 1, r->queue);
    rc = db_step(s->db, st, e);
    if (rc == 1) {
        k->same = !r->error.p && db_i64(st, 0) == digest_of(r);
        k->same_text =
            str_eq(db_str(st, 1), r->error) && (r->error.p || str_eq(db_str(st, 2), r->about));
        db_done(st);
    }
    return rc < 0 ? -1 : 0;
}

int store_reading_differs(struct store *s, const struct store_reading *r, struct err *e)
{
    struct kept k;

    if (r->live)
        return 1;
    if (compare(s, r, &k, e) != 0)
        return -1;
    return !k.same_text || (!r->error.p && !k.same);
}

/* ---- pools, hosts and totals ---- */

static int drop_rows(struct store *s, struct str queue, struct err *e)
{
    static const enum store_sql_name drops[] = {SQL_READING_POOLS_DROP, SQL_READING_PROJECTS_DROP,
                                                SQL_READING_HOSTS_DROP, SQL_READING_TOTALS_DROP};
    size_t i;

    for (i = 0; i < ARRAY_LEN(drops); i++) {
        struct db_stmt *st = db_use(s->db, drops[i], e);

        if (!st)
            return -1;
        db_bind_str(st, 1, queue);
        if (db_run(s->db, st, e) != 0)
            return -1;
    }
    return 0;
}

/* A project or a host of a pool. */
static int add_name(struct store *s, enum store_sql_name name, struct str queue, struct str pool,
                    struct str text, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, queue);
    db_bind_str(st, 2, pool);
    db_bind_str(st, 3, text);
    return db_run(s->db, st, e);
}

static int add_pool(struct store *s, const struct store_reading *r, const struct pool *pool,
                    struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_POOL_ADD, e);
    size_t i;

    if (!st)
        return -1;
    db_bind_str(st, 1, r->queue);
    db_bind_str(st, 2, pool->name);
    db_bind_i64(st, 3, pool->open);
    db_bind_i64(st, 4, pool->closed);
    db_bind_i64(st, 5, (int64_t)pool->unread);
    db_bind_i64(st, 6, exact_hosts(r, pool));
    if (db_run(s->db, st, e) != 0)
        return -1;
    for (i = 0; i < pool->projects; i++) {
        if (add_name(s, SQL_READING_PROJECT_ADD, r->queue, pool->name, pool->project[i], e) != 0)
            return -1;
    }
    for (i = 0; i < pool->hosts; i++) {
        if (add_name(s, SQL_READING_HOST_ADD, r->queue, pool->name, r->host[pool->host[i]].name,
                     e) != 0)
            return -1;
    }
    return 0;
}

static int add_host(struct store *s, struct str queue, const struct store_host *host, struct err *e)
{
    size_t i;

    for (i = 0; i < host->amounts; i++) {
        struct db_stmt *st = db_use(s->db, SQL_READING_TOTAL_ADD, e);

        if (!st)
            return -1;
        db_bind_str(st, 1, queue);
        db_bind_str(st, 2, host->name);
        db_bind_str(st, 3, host->amount[i].resource);
        db_bind_i64(st, 4, host->amount[i].total);
        db_bind_i64(st, 5, host->amount[i].used);
        if (db_run(s->db, st, e) != 0)
            return -1;
    }
    return 0;
}

static int replace_rows(struct store *s, const struct store_reading *r, struct err *e)
{
    size_t i;

    if (drop_rows(s, r->queue, e) != 0)
        return -1;
    for (i = 0; i < r->pools; i++) {
        if (add_pool(s, r, &r->pool[i], e) != 0)
            return -1;
    }
    for (i = 0; i < r->hosts; i++) {
        if (add_host(s, r->queue, &r->host[i], e) != 0)
            return -1;
    }
    return 0;
}

/* ---- what is used ---- */

static int set_used(struct store *s, struct str queue, struct str host,
                    const struct store_amount *a, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_USED_SET, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, queue);
    db_bind_str(st, 2, host);
    db_bind_str(st, 3, a->resource);
    db_bind_i64(st, 4, a->used);
    return db_run(s->db, st, e);
}

/* One host against the rows that are next. 1: they are not this host's. */
static int compare_host(struct store *s, struct str queue, const struct store_host *host,
                        struct db_stmt *st, struct err *e)
{
    const struct store_amount *a = host->amount;
    size_t i;
    int rc;

    for (i = 0; i < host->amounts; i++, a++) {
        rc = db_step(s->db, st, e);
        if (rc < 0)
            return -1;
        if (rc == 0 || !str_eq(db_str(st, 0), host->name) || !str_eq(db_str(st, 1), a->resource))
            return 1;
        if (db_i64(st, 2) != a->used && set_used(s, queue, host->name, a, e) != 0)
            return -1;
    }
    return 0;
}

/* The rows come in the order of the reading, and only the one that was just read is written. 1:
 * they are not the reading's after all. */
static int change_used(struct store *s, const struct store_reading *r, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_USED, e);
    size_t i;
    int rc = 0;

    if (!st)
        return -1;
    db_bind_str(st, 1, r->queue);
    for (i = 0; rc == 0 && i < r->hosts; i++)
        rc = compare_host(s, r->queue, &r->host[i], st, e);
    if (rc == 0)
        rc = db_step(s->db, st, e);
    db_done(st);
    return rc;
}

/* ---- the reading itself ---- */

static int set_failed(struct store *s, const struct store_reading *r, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_FAILED, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, r->queue);
    db_bind_i64(st, 2, r->read_at);
    db_bind_i64(st, 3, r->ns);
    db_bind_str(st, 4, r->error);
    return db_run(s->db, st, e);
}

static int set_good(struct store *s, const struct store_reading *r, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_SET, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, r->queue);
    db_bind_i64(st, 2, digest_of(r));
    db_bind_i64(st, 3, r->read_at);
    db_bind_i64(st, 4, r->ns);
    db_bind_str(st, 5, r->about);
    db_bind_i64(st, 6, (int64_t)r->pools);
    db_bind_i64(st, 7, (int64_t)r->hosts);
    return db_run(s->db, st, e);
}

int store_reading_save(struct store *s, const struct store_reading *r, struct err *e)
{
    int rc = store_reading_differs(s, r, e);
    struct kept k;

    assert(db_writing(s->db));
    if (rc <= 0)
        return rc;
    if (r->error.p)
        return set_failed(s, r, e);
    if (compare(s, r, &k, e) != 0)
        return -1;
    rc = k.same ? change_used(s, r, e) : 1;
    if (rc == 1)
        rc = replace_rows(s, r, e);
    return rc == 0 ? set_good(s, r, e) : -1;
}
