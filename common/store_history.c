/* SPDX-License-Identifier: MIT */
/* The tries of a job's callback, and sending it again. */
#include "store_history.h"

#include <assert.h>

#include "store_inner.h"

static int read_delivery(struct db_stmt *st, struct store_delivery *d, struct err *e)
{
    *d = (struct store_delivery){
        .n = db_i64(st, 0),
        .admission = db_i64(st, 1),
        .at = db_i64(st, 2),
        .ns = db_i64(st, 3),
        .url = db_str(st, 4),
        .address = db_str(st, 5),
        .status = (int)db_i64(st, 6),
        .error = db_str(st, 7),
        .answer = db_str(st, 8),
        .outcome = db_str(st, 9),
        .next_try = db_i64(st, 10),
    };
    /* NULL text where the table has NOT NULL: memory ran out in SQLite. */
    return d->url.p && d->outcome.p ? 0 : err_set(e, ERR_INTERNAL, "no memory to read a try");
}

int store_deliveries(struct store *s, int64_t job_id, int64_t after, int64_t most,
                     store_delivery_fn *fn, void *ctx, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_DELIVERY_LIST, e);
    struct store_delivery d;
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, job_id);
    db_bind_i64(st, 2, after);
    db_bind_i64(st, 3, most);
    while ((rc = db_step(s->db, st, e)) == 1) {
        rc = read_delivery(st, &d, e);
        if (rc != 0 || (rc = fn(ctx, &d, e)) != 0)
            break;
    }
    db_done(st);
    return rc;
}

static int ask_numbers(struct store *s, enum store_sql_name name, int64_t job_id,
                       struct store_numbers *n, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, job_id);
    if (db_step(s->db, st, e) < 0)
        return -1;
    *n = (struct store_numbers){db_i64(st, 0), db_i64(st, 1)};
    db_done(st);
    return 0;
}

int store_event_numbers(struct store *s, int64_t job_id, struct store_numbers *n, struct err *e)
{
    return ask_numbers(s, SQL_EVENT_NUMBERS, job_id, n, e);
}

int store_delivery_numbers(struct store *s, int64_t job_id, struct store_numbers *n, struct err *e)
{
    return ask_numbers(s, SQL_DELIVERY_NUMBERS, job_id, n, e);
}

static int call_now(struct store *s, int64_t job_id, int64_t now, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_RESEND, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, job_id);
    db_bind_i64(st, 2, -now); /* store_delivery.h: it was asked for */
    return db_run(s->db, st, e);
}

int store_resend(struct store *s, struct str type, struct str request_id,
                 const struct store_match *match, int64_t now, struct err *e)
{
    struct job j;

    assert(db_writing(s->db));
    if (store_show(s, type, request_id, &j, e) != 0 || store_check_match(&j, match, e) != 0)
        return -1;
    if (j.status != JOB_ADMITTED && j.status != JOB_RUNNING)
        return err_set(e, ERR_INVALID_TRANSITION,
                       "only a job that is admitted or running is called; this one is %s",
                       job_status_word(j.status));
    if (call_now(s, j.id, now, e) != 0 || store_touch_job(s, j.id, now, e) != 0 ||
        store_note(s, j.id, &(struct store_event){.event = STR_LIT("resend")}, now, e) != 0)
        return -1;
    return store_touch_queue(s, type, STORE_STAYS, INT64_MIN, e);
}
