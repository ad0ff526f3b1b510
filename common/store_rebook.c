/* SPDX-License-Identifier: MIT */
/*
 * When the configuration has changed, what is held follows it: the account of a type, and whose use
 * its source's numbers have in them (accounting).
 *
 * What is wrong is seen by the rows alone; so nothing is changed, nor any job counted anew, where
 * the configuration is as it was. Of a job that is admitted or running in a ledger, the rows of its
 * admission have no end; in an observed source, those of one that runs have one. A running job that
 * asks for something and has no row at all was either nobody's to count, since its queue had no
 * source, or its rows went when they had come to their end: it is placed anew by the next pass,
 * where there is room for it, which need not be where it runs.
 */
#include <assert.h>

#include "demand.h"
#include "store_clock.h"
#include "store_inner.h"
#include "store_pass.h"

/* The first hold that is not kept as it should be: its account, and its job's type. */
struct misbooked {
    struct buf account, type;
};

/* What a statement finds (account, type): is it wrong? SQL_HOLD_ENDED: it has an end, though its
 * job's admission lasts. */
static bool is_wrong(const struct store *s, enum store_sql_name name, struct db_stmt *st)
{
    const struct conf_queue *q = conf_queue(s->conf, db_str(st, 1));

    if (name == SQL_HOLD_ENDED)
        return q->accounting == CONF_ACCOUNTING_LEDGER && q->capacity != CONF_CAPACITY_NONE;
    return !str_eq(q->account, db_str(st, 0));
}

/* 1 and the first hold that is wrong; 0: there is none; -1. */
static int find_hold(struct store *s, enum store_sql_name name, struct misbooked *m, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);
    int rc;

    if (!st)
        return -1;
    while ((rc = db_step(s->db, st, e)) == 1 && !is_wrong(s, name, st))
        ;
    buf_reset(&m->account);
    buf_reset(&m->type);
    if (rc == 1) {
        buf_add(&m->account, db_str(st, 0).p, db_str(st, 0).n);
        buf_add(&m->type, db_str(st, 1).p, db_str(st, 1).n);
    }
    db_done(st);
    if (buf_check(&m->account, "an account", e) != 0 || buf_check(&m->type, "a type", e) != 0)
        return -1; /* nothing is booked under a name that was lost */
    return rc;
}

/* Corrects all holds of the type that are wrong in the same way. */
static int correct(struct store *s, enum store_sql_name name, const struct misbooked *m,
                   struct err *e)
{
    struct str type = buf_span(&m->type);
    struct db_stmt *st = db_use(s->db, name == SQL_HOLD_ENDED ? SQL_HOLD_KEEP : SQL_HOLD_REBOOK, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    if (name == SQL_HOLD_BOOKS) {
        db_bind_str(st, 2, buf_span(&m->account));
        db_bind_str(st, 3, conf_queue(s->conf, type)->account);
    }
    return db_run(s->db, st, e);
}

/* 1: there is a hold that is wrong, and unless `write` it is left so; 0; -1. */
static int see_holds(struct store *s, enum store_sql_name name, bool write, struct err *e)
{
    struct misbooked m = {BUF_INIT(JOB_NAME_MAX), BUF_INIT(JOB_NAME_MAX)};
    int rc, found = 0;

    while ((rc = find_hold(s, name, &m, e)) == 1) {
        found = 1;
        if (!write)
            break;
        rc = correct(s, name, &m, e);
        if (rc != 0)
            break;
    }
    buf_free(&m.account);
    buf_free(&m.type);
    return rc < 0 ? -1 : found;
}

/* Does the job ask for something? 1, 0, -1. Data that this version cannot read are not counted
 * (place_job, cron/pass_read.c). */
static int asks(const struct conf_queue *q, struct str data, struct err *e)
{
    struct json_doc *doc = NULL;
    struct demand *d = NULL;
    size_t i;
    int rc = json_in_parse(data, &doc, e);

    if (rc == 0)
        rc = demand_parse(q->rules, json_in_root(doc), &d, e);
    if (rc != 0)
        rc = e->code == ERR_INTERNAL ? -1 : 0;
    for (i = 0; d && i < d->kinds; i++)
        rc = rc == 1 || d->kind[i].amounts > 0;
    demand_free(d);
    json_in_free(doc);
    return rc;
}

/* Has the queue's entry had a source before? 1, 0, -1. */
static int had_source(struct store *s, const struct conf_queue *q, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_READING_OF_SOURCE, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, q->type);
    rc = db_step(s->db, st, e);
    db_done(st);
    return rc;
}

/* What is to be done about a running job, of which SQL_RUNNING_HOLDS says id, type, data, is it
 * placed nowhere, and has it a hold without an end? */
enum remedy { NOTHING, END_ITS_HOLDS, PLACE_IT_ANEW };

static int judge_job(struct store *s, struct db_stmt *st, enum remedy *what, struct err *e)
{
    const struct conf_queue *q = conf_queue(s->conf, db_str(st, 1));
    bool observed = q->accounting == CONF_ACCOUNTING_OBSERVED, nowhere = db_i64(st, 3) != 0;
    struct str data;
    int rc;

    *what = NOTHING;
    if (db_i64(st, 4) != 0) {
        *what = observed ? END_ITS_HOLDS : NOTHING;
        return 0;
    }
    if (q->capacity == CONF_CAPACITY_NONE)
        return 0;
    rc = nowhere ? had_source(s, q, e) : observed;
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    data = db_str(st, 2);
    if (!data.p)
        return err_set(e, ERR_INTERNAL, "no memory to read a job");
    rc = asks(q, data, e);
    *what = rc == 1 ? PLACE_IT_ANEW : NOTHING;
    return rc < 0 ? -1 : 0;
}

static int change_job(struct store *s, enum store_sql_name name, int64_t id, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    return db_run(s->db, st, e);
}

/* What is placed anew counts there alone; that it is on none of its hosts now is seen. */
static int unplace(struct store *s, int64_t id, struct str type, struct err *e)
{
    return change_job(s, SQL_HOLD_FORGET, id, e) == 0 && change_job(s, SQL_UNPLACE, id, e) == 0
               ? store_touch_queue(s, type, STORE_STAYS, INT64_MIN, e)
               : -1;
}

static int remedy(struct store *s, struct db_stmt *job, enum remedy what, struct err *e)
{
    int64_t id = db_i64(job, 0);

    if (what == PLACE_IT_ANEW)
        return unplace(s, id, db_str(job, 1), e);
    return store_hold_settle(s, id, conf_queue(s->conf, db_str(job, 1))->source.settle,
                             store_now(s), e);
}

/* 1: there is a running job that is counted wrongly, and unless `write` it is left so; 0; -1. */
static int see_jobs(struct store *s, bool write, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_RUNNING_HOLDS, e);
    enum remedy what;
    int rc, found = 0;

    if (!st)
        return -1;
    while ((write || !found) && (rc = db_step(s->db, st, e)) == 1) {
        rc = judge_job(s, st, &what, e);
        if (rc == 0 && what != NOTHING) {
            found = 1;
            rc = write ? remedy(s, st, what, e) : 0;
        }
        if (rc < 0)
            break;
    }
    db_done(st);
    return rc < 0 ? -1 : found;
}

int store_misbooked(struct store *s, struct err *e)
{
    int rc = see_holds(s, SQL_HOLD_BOOKS, false, e);

    if (rc == 0)
        rc = see_holds(s, SQL_HOLD_ENDED, false, e);
    return rc == 0 ? see_jobs(s, false, e) : rc;
}

int store_rebook(struct store *s, struct err *e)
{
    assert(db_writing(s->db));
    return see_holds(s, SQL_HOLD_BOOKS, true, e) < 0 || see_holds(s, SQL_HOLD_ENDED, true, e) < 0 ||
                   see_jobs(s, true, e) < 0
               ? -1
               : 0;
}
