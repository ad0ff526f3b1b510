/* SPDX-License-Identifier: MIT */
/* What is known at once about a job that comes to wait, from the configuration and the last
 * reading: NoSource, NoPool, NeverFits. What is not sure is left to the pass; and so is what comes
 * when one transaction, for which all others wait, has looked at enough. */
#include <stdlib.h>

#include "demand.h"
#include "store_inner.h"
#include "store_pass.h"

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
    struct store *s;
    struct str queue;
    const struct demand *demand;
    bool fits[DEMAND_KINDS_MAX];
    size_t pools;
    bool any_host;
    bool unsure; /* of some host it is not known what it has */
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
    q->unsure = q->unsure || host.n > JOB_NAME_MAX || q->row.n == TOTALS_MAX;
    if (q->row.n == TOTALS_MAX || resource.n > JOB_NAME_MAX)
        return;
    memcpy(q->row.total[q->row.n].resource, resource.p, resource.n);
    q->row.total[q->row.n].length = resource.n;
    q->row.total[q->row.n++].amount = amount;
}

static bool all_fit(const struct search *q)
{
    size_t k = 0;

    while (k < q->demand->kinds && q->fits[k])
        k++;
    return k == q->demand->kinds;
}

/* Would more rows tell more? */
static bool is_open(struct search *q)
{
    q->unsure = q->unsure || q->s->judged >= STORE_JUDGE_MAX;
    return !q->unsure && !all_fit(q);
}

/* The hosts of one pool; of the last one only as far as needed. */
static int search_pool(struct search *q, struct str pool, struct err *e)
{
    struct db_stmt *st = db_use(q->s->db, SQL_READING_OF_POOL, e);
    int rc = 0;

    q->pools++;
    if (!st)
        return -1;
    db_bind_str(st, 1, q->queue);
    db_bind_str(st, 2, pool);
    while (is_open(q) && (rc = db_step(q->s->db, st, e)) == 1) {
        q->s->judged++;
        take_total(q, db_str(st, 0), db_str(st, 1), db_i64(st, 2));
    }
    if (rc == 0 && q->any_host)
        try_host(q);
    db_done(st);
    return rc < 0 ? -1 : 0;
}

static int take_pool(void *ctx, struct str pool, int64_t unsure, struct err *e)
{
    struct search *q = ctx;

    q->unsure = q->unsure || unsure > 0;
    q->s->judged++;
    if (search_pool(q, pool, e) != 0)
        return -1;
    return is_open(q) ? 0 : 1;
}

/* Where a source is asked, whether a kind with a constraint fits is left to the pass, which knows
 * labels and traits. */
static int search_pools(struct search *q, const struct conf_queue *queue, struct str scope,
                        struct err *e)
{
    size_t k;
    int rc;

    for (k = 0; k < q->demand->kinds; k++)
        q->fits[k] = conf_asks(queue) && q->demand->kind[k].constraint.p;
    rc = store_pools_serving(q->s, queue, scope, take_pool, q, e);
    q->unsure = q->unsure || rc == 0; /* it was never read */
    return rc < 0 ? -1 : 0;
}

static void say(struct store_membership *m, const char *reason, const char *message)
{
    m->reason = str_of(reason);
    m->message = str_of(message);
}

int store_verdict(struct store *s, const struct conf_queue *queue, struct str scope,
                  const struct demand *demand, struct store_membership *m, struct err *e)
{
    struct search *q;
    int rc;

    say(m, JOB_REASON_WAITING, STORE_NOT_LOOKED_YET);
    if (queue->capacity == CONF_CAPACITY_NONE)
        say(m, JOB_REASON_NO_SOURCE, "no source of capacity is configured for this queue");
    if (queue->capacity == CONF_CAPACITY_NONE || demand->kinds == 0)
        return 0;
    q = calloc(1, sizeof *q);
    if (!q)
        return err_set(e, ERR_INTERNAL, "no memory to look at the pools");
    q->s = s;
    q->queue = queue->type;
    q->demand = demand;
    rc = search_pools(q, queue, scope, e);
    if (rc == 0 && !q->unsure && q->pools == 0)
        say(m, JOB_REASON_NO_POOL, "no pool of this queue serves it");
    else if (rc == 0 && !q->unsure && q->any_host && !all_fit(q))
        say(m, JOB_REASON_NEVER_FITS,
            "an instance asks for more than any host of its pools has when empty");
    free(q);
    return rc;
}
