/* SPDX-License-Identifier: MIT */
/* Groups: joining one, and what is known at once about a new one from the configuration and the
 * last reading. */
#include <assert.h>
#include <stdlib.h>

#include "demand.h"
#include "pool.h"
#include "store_inner.h"
#include "store_pass.h"

/* The message of a job that no pass has looked at. */
#define NOT_LOOKED_YET "waits for the next look at the capacity"

enum { TOTALS_MAX = CONF_RESOURCES_MAX + 1 }; /* resources of one host that are looked at */

/* One host of the last reading, while its rows come by. */
struct host_row {
    size_t n;
    struct {
        char resource[JOB_NAME_MAX + 1];
        size_t length;
        int64_t amount;
    } total[TOTALS_MAX];
};

/* Which kinds of a demand have found a host that could take one of them. */
struct search {
    const struct demand *demand;
    bool fits[DEMAND_KINDS_MAX];
    bool any_host;
    char host[JOB_NAME_MAX + 1];
    struct host_row row;
};

static int64_t total_of(void *ctx, struct str resource)
{
    const struct host_row *row = ctx;
    size_t i;

    for (i = 0; i < row->n; i++) {
        if (str_eq(resource, (struct str){row->total[i].resource, row->total[i].length}))
            return row->total[i].amount;
    }
    return 0;
}

static void try_host(struct search *q)
{
    size_t k;

    for (k = 0; k < q->demand->kinds; k++)
        q->fits[k] = q->fits[k] || demand_fits_alone(&q->demand->kind[k], total_of, &q->row);
    q->row.n = 0;
}

static void take_total(struct search *q, struct str host, struct str resource, int64_t amount)
{
    if (q->any_host && !str_is(host, q->host))
        try_host(q);
    q->any_host = true;
    (void)snprintf(q->host, sizeof q->host, "%.*s", (int)host.n, host.p);
    if (q->row.n == TOTALS_MAX || resource.n > JOB_NAME_MAX)
        return;
    memcpy(q->row.total[q->row.n].resource, resource.p, resource.n);
    q->row.total[q->row.n].length = resource.n;
    q->row.total[q->row.n++].amount = amount;
}

static int search_pool(struct store *s, struct str queue, struct str pool, struct search *q,
                       struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_OF_POOL, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, queue);
    db_bind_str(st, 2, pool);
    while ((rc = db_step(s->db, st, e)) == 1)
        take_total(q, db_str(st, 0), db_str(st, 1), db_i64(st, 2));
    if (q->any_host)
        try_host(q);
    return rc;
}

/* 1: some instance is larger than every host of the pools, 0: not, or nothing is known yet. -1 and
 * *e. */
static int never_fits(struct store *s, const struct conf_queue *queue, const size_t *pool,
                      size_t pools, const struct demand *demand, struct err *e)
{
    struct search *q = calloc(1, sizeof *q);
    size_t i, k;
    int rc = 0;

    if (!q)
        return err_set(e, ERR_INTERNAL, "no memory to look at the pools");
    q->demand = demand;
    for (i = 0; rc == 0 && i < pools; i++)
        rc = search_pool(s, queue->type, queue->pool[pool[i]].name, q, e);
    for (k = 0; rc == 0 && q->any_host && k < demand->kinds; k++)
        rc = !q->fits[k];
    free(q);
    return rc;
}

struct verdict {
    const char *reason, *message;
};

static int judge(struct store *s, const struct conf_queue *queue, struct str scope,
                 const struct demand *demand, struct verdict *v, struct err *e)
{
    size_t *pool, pools;
    int rc = 0;

    *v = (struct verdict){JOB_REASON_WAITING, NOT_LOOKED_YET};
    if (queue->capacity == CONF_CAPACITY_NONE) {
        *v = (struct verdict){JOB_REASON_NO_SOURCE,
                              "no source of capacity is configured for this queue"};
        return 0;
    }
    if (demand->kinds == 0)
        return 0;
    pool = calloc(queue->pools + 1, sizeof *pool);
    if (!pool)
        return err_set(e, ERR_INTERNAL, "no memory to look at the pools");
    pools = pool_of_scope(conf_pools(queue), scope, pool);
    if (pools == 0)
        *v = (struct verdict){JOB_REASON_NO_POOL, "no pool of this queue serves it"};
    else
        rc = never_fits(s, queue, pool, pools, demand, e);
    free(pool);
    if (rc == 1)
        *v =
            (struct verdict){JOB_REASON_NEVER_FITS,
                             "an instance asks for more than any host of its pools has when empty"};
    return rc < 0 ? -1 : 0;
}

/* What is known at once about a group in which nobody waits yet. */
static int judge_shape(struct store *s, struct str type, struct str scope, struct str shape,
                       struct store_membership *m, struct err *e)
{
    struct demand *demand;
    struct verdict v = {0};
    int rc;

    if (demand_from_shape(shape, &demand, e) != 0)
        return -1;
    rc = judge(s, conf_queue(s->conf, type), scope, demand, &v, e);
    demand_free(demand);
    m->reason = str_of(v.reason);
    m->message = str_of(v.message);
    return rc;
}

static int add_group(struct store *s, struct str type, struct str scope, struct str shape,
                     struct store_membership *m, struct err *e)
{
    struct db_stmt *st;

    if (judge_shape(s, type, scope, shape, m, e) != 0)
        return -1;
    st = db_use(s->db, SQL_GROUP_ADD, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_str(st, 2, scope);
    db_bind_str(st, 3, shape);
    db_bind_str(st, 4, m->reason);
    db_bind_str(st, 5, m->message);
    if (db_run(s->db, st, e) != 0)
        return -1;
    m->id = db_last_id(s->db);
    m->seq = 0;
    return 0;
}

/* A group whose last job has left still says why that one waited: the first to come again is told
 * what is known now. */
static int refresh(struct store *s, struct str type, struct str scope, struct str shape,
                   struct store_membership *m, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_GROUP_HEAD, e);
    struct str reason = m->reason, message = m->message;
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, m->id);
    rc = db_step(s->db, st, e);
    db_done(st);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (judge_shape(s, type, scope, shape, m, e) != 0)
        return -1;
    if (str_eq(m->reason, reason) && str_eq(m->message, message))
        return 0;
    m->seq++;
    return store_group_reason(s, m->id, m->reason, m->message, e);
}

int store_group_join(struct store *s, struct str type, struct str scope, struct str shape,
                     struct store_membership *m, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_GROUP_FIND, e);
    int rc;

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_str(st, 2, scope);
    db_bind_str(st, 3, shape);
    rc = db_step(s->db, st, e);
    if (rc == 0)
        return add_group(s, type, scope, shape, m, e);
    if (rc < 0)
        return -1;
    *m = (struct store_membership){db_i64(st, 0), db_str(st, 1), db_str(st, 2), db_i64(st, 3)};
    return str_is(m->message, NOT_LOOKED_YET) ? 0 : refresh(s, type, scope, shape, m, e);
}

struct str store_asleep_message(struct store *s, int64_t not_before)
{
    struct clock_zone zone = {0};

    buf_reset(&s->text);
    buf_str(&s->text, "not before ");
    clock_write(&s->text, &zone, not_before);
    return buf_span(&s->text);
}

int store_enqueue(struct store *s, int64_t id, struct str type, struct str scope, struct str shape,
                  int64_t not_before, int64_t now, struct err *e)
{
    struct store_membership m = {0};
    bool asleep = not_before > now;
    struct db_stmt *st;

    if (!asleep && store_group_join(s, type, scope, shape, &m, e) != 0)
        return -1;
    st = db_use(s->db, SQL_JOB_GROUP, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    if (asleep) {
        db_bind_str(st, 3, STR_LIT(JOB_REASON_NOT_BEFORE));
        db_bind_str(st, 4, store_asleep_message(s, not_before));
    } else {
        db_bind_i64(st, 2, m.id);
    }
    return db_run(s->db, st, e);
}

int store_enqueue_data(struct store *s, int64_t id, struct str type, struct str scope,
                       struct str data, int64_t not_before, int64_t now, struct err *e)
{
    struct json_doc *doc = NULL;
    struct demand *demand = NULL;
    struct buf shape = BUF_INIT(JOB_DATA_MAX);
    int rc = -1;

    if (json_in_parse(data, &doc, e) != 0 || demand_parse(conf_queue(s->conf, type)->rules, json_in_root(doc), &demand, e) != 0)
        goto out;
    demand_write_shape(demand, &shape);
    if (buf_check(&shape, "the demand", e) != 0)
        goto out;
    rc = store_enqueue(s, id, type, scope, buf_span(&shape), not_before, now, e);
out:
    demand_free(demand);
    json_in_free(doc);
    buf_free(&shape);
    return rc;
}
