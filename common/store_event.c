/* SPDX-License-Identifier: MIT */
/* What became of a job: notes it with every change, and tells it again. The creation is no row: it
 * stands in the job's own. */
#include <assert.h>

#include "store_history.h"
#include "store_inner.h"

/* The number of the job's newest event; 0: there is none. */
static int last_number(struct store *s, int64_t job_id, int64_t *n, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_EVENT_LAST, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, job_id);
    if (db_step(s->db, st, e) < 0)
        return -1;
    *n = db_i64(st, 0);
    db_done(st);
    return 0;
}

static int add_event(struct store *s, int64_t job_id, int64_t n, const struct store_event *ev,
                     int64_t now, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_EVENT_ADD, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, job_id);
    db_bind_i64(st, 2, n);
    db_bind_i64(st, 3, now);
    db_bind_str(st, 4, s->who->name);
    db_bind_str(st, 5, ev->event);
    db_bind_str(st, 6, ev->from_status);
    db_bind_str(st, 7, ev->to_status);
    if (ev->has_priority) {
        db_bind_i64(st, 8, ev->from_priority);
        db_bind_i64(st, 9, ev->to_priority);
    }
    db_bind_str(st, 10, ev->message);
    return db_run(s->db, st, e);
}

static int drop_oldest(struct store *s, int64_t job_id, int64_t up_to, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_EVENT_TRIM, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, job_id);
    db_bind_i64(st, 2, up_to);
    return db_run(s->db, st, e);
}

int store_note(struct store *s, int64_t job_id, const struct store_event *ev, int64_t now,
               struct err *e)
{
    int64_t n;

    assert(db_writing(s->db));
    if (last_number(s, job_id, &n, e) != 0)
        return -1;
    n++;
    if (add_event(s, job_id, n, ev, now, e) != 0)
        return -1;
    return n > STORE_EVENTS_MAX ? drop_oldest(s, job_id, n - STORE_EVENTS_MAX, e) : 0;
}

/* Calls fn for the creation. */
static int tell_creation(struct store *s, const struct job *j, store_event_fn *fn, void *ctx,
                         struct err *e)
{
    struct store_event ev = {.at = j->created_at, .event = STR_LIT("created")};
    struct db_stmt *st = db_use(s->db, SQL_EVENT_CREATOR, e);
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, j->id);
    if (db_step(s->db, st, e) < 0)
        return -1;
    ev.who = db_str(st, 0);
    rc = fn(ctx, &ev, e);
    db_done(st);
    return rc;
}

static int read_event(struct db_stmt *st, struct store_event *ev, struct err *e)
{
    *ev = (struct store_event){
        .n = db_i64(st, 0),
        .at = db_i64(st, 1),
        .who = db_str(st, 2),
        .event = db_str(st, 3),
        .from_status = db_str(st, 4),
        .to_status = db_str(st, 5),
        .from_priority = db_i64(st, 6),
        .to_priority = db_i64(st, 7),
        .message = db_str(st, 8),
    };
    ev->has_priority = str_is(ev->event, "order");
    /* NULL text where the table has NOT NULL: memory ran out in SQLite. */
    return ev->who.p && ev->event.p ? 0 : err_set(e, ERR_INTERNAL, "no memory to read an event");
}

int store_events(struct store *s, const struct job *j, int64_t after, int64_t most,
                 store_event_fn *fn, void *ctx, struct err *e)
{
    struct store_event ev;
    struct db_stmt *st;
    int rc;

    if (after < 0 && most-- > 0 && tell_creation(s, j, fn, ctx, e) != 0)
        return -1;
    st = db_use(s->db, SQL_EVENT_LIST, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, j->id);
    db_bind_i64(st, 2, after);
    db_bind_i64(st, 3, most > 0 ? most : 0);
    while ((rc = db_step(s->db, st, e)) == 1) {
        rc = read_event(st, &ev, e);
        if (rc != 0 || (rc = fn(ctx, &ev, e)) != 0)
            break;
    }
    db_done(st);
    return rc;
}
