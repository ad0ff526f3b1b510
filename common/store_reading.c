/* SPDX-License-Identifier: MIT */
/* The last reading of each source of capacity, kept for NeverFits at create and for people. */
#include <assert.h>

#include "store_inner.h"
#include "store_pass.h"

/* FNV-1a: tells whether a reading is news; nobody attacks it, since it comes from the operator's
 * own source. */
static uint64_t mix(uint64_t h, struct str text)
{
    size_t i;

    for (i = 0; i < text.n; i++)
        h = (h ^ (unsigned char)text.p[i]) * UINT64_C(1099511628211);
    return (h ^ 0xff) * UINT64_C(1099511628211);
}

static int64_t digest_of(const struct store_reading *r)
{
    uint64_t h = UINT64_C(14695981039346656037);
    size_t i;

    for (i = 0; i < r->pool_hosts; i++)
        h = mix(mix(h, r->pool_host[i].pool), r->pool_host[i].host);
    for (i = 0; i < r->totals; i++) {
        h = mix(mix(h, r->total[i].host), r->total[i].resource);
        h = mix(h, (struct str){(const char *)&r->total[i].amount, sizeof r->total[i].amount});
    }
    return (int64_t)mix(h, r->error);
}

int store_reading_differs(struct store *s, const struct store_reading *r, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_GET, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, r->queue);
    rc = db_step(s->db, st, e);
    if (rc < 0)
        return -1;
    rc = rc == 0 || db_i64(st, 0) != digest_of(r);
    db_done(st);
    return rc;
}

static int drop(struct store *s, enum store_sql_name name, struct str queue, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, queue);
    return db_run(s->db, st, e);
}

static int add_pool_host(struct store *s, struct str queue, const struct store_pool_host *p,
                         struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_HOST_ADD, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, queue);
    db_bind_str(st, 2, p->pool);
    db_bind_str(st, 3, p->host);
    return db_run(s->db, st, e);
}

static int add_total(struct store *s, struct str queue, const struct store_total *t, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_TOTAL_ADD, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, queue);
    db_bind_str(st, 2, t->host);
    db_bind_str(st, 3, t->resource);
    db_bind_i64(st, 4, t->amount);
    return db_run(s->db, st, e);
}

static int replace_rows(struct store *s, const struct store_reading *r, struct err *e)
{
    size_t i;

    if (drop(s, SQL_READING_HOSTS_DROP, r->queue, e) != 0 ||
        drop(s, SQL_READING_TOTALS_DROP, r->queue, e) != 0)
        return -1;
    for (i = 0; i < r->pool_hosts; i++) {
        if (add_pool_host(s, r->queue, &r->pool_host[i], e) != 0)
            return -1;
    }
    for (i = 0; i < r->totals; i++) {
        if (add_total(s, r->queue, &r->total[i], e) != 0)
            return -1;
    }
    return 0;
}

int store_reading_save(struct store *s, const struct store_reading *r, int64_t now, struct err *e)
{
    int rc = store_reading_differs(s, r, e);
    struct db_stmt *st;

    assert(db_writing(s->db));
    if (rc <= 0)
        return rc;
    st = db_use(s->db, SQL_READING_SET, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, r->queue);
    db_bind_i64(st, 2, digest_of(r));
    db_bind_i64(st, 3, now);
    db_bind_str(st, 4, r->error);
    if (db_run(s->db, st, e) != 0)
        return -1;
    /* A reading that failed keeps the rows of the last good one: what never fits is still known by
     * them. */
    return r->error.p ? 0 : replace_rows(s, r, e);
}
