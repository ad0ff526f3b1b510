/* SPDX-License-Identifier: MIT */
/* Admissions, and what they hold. */
#include <assert.h>

#include "num.h"
#include "store_history.h"
#include "store_inner.h"
#include "store_pass.h"

int store_holds(struct store *s, struct str account, int64_t read_at, store_hold_fn *fn, void *ctx,
                struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_HOLD_SUM, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, account);
    db_bind_i64(st, 2, read_at);
    while ((rc = db_step(s->db, st, e)) == 1)
        fn(ctx, db_str(st, 0), db_str(st, 1), db_i64(st, 2));
    return rc;
}

static int add_holds(struct store *s, const struct store_admission *a, int64_t now, struct err *e)
{
    size_t i;

    for (i = 0; i < a->holds; i++) {
        struct db_stmt *st = db_use(s->db, SQL_HOLD_ADD, e);

        if (!st)
            return -1;
        db_bind_str(st, 1, a->queue);
        db_bind_str(st, 2, a->hold[i].host);
        db_bind_str(st, 3, a->hold[i].resource);
        db_bind_i64(st, 4, a->id);
        db_bind_i64(st, 5, now);
        db_bind_i64(st, 6, a->hold[i].amount);
        if (db_run(s->db, st, e) != 0)
            return -1;
    }
    return 0;
}

/* A statement about the holds of one job: ?1 is its id, ?2 a time. */
static int change_holds(struct store *s, enum store_sql_name name, int64_t id, int64_t time,
                        struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    if (name != SQL_HOLD_DROP)
        db_bind_i64(st, 2, time);
    return db_run(s->db, st, e);
}

int store_hold_settle(struct store *s, int64_t id, int64_t settle, int64_t now, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_HOLD_SETTLE, e);

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    db_bind_i64(st, 2, settle);
    db_bind_i64(st, 3, now);
    db_bind_i64(st, 4, s->clock.stepped_at);
    return db_run(s->db, st, e);
}

static bool holds(enum job_status s)
{
    return s == JOB_ADMITTED || s == JOB_RUNNING;
}

/* Rows of an earlier admission have their end already, which only comes nearer. In an observed
 * source nothing is simply dropped, whatever the job was: its client may have been called, and have
 * built, before anybody wrote that down. Where it may also have taken a call that was the last one,
 * unheard, it builds as one does whose call was accepted, and as long is waited for it; a job that
 * holds nothing any more does not shorten that. */
int store_hold_follow(struct store *s, const struct job *j, const struct store_step *step,
                      int64_t now, struct err *e)
{
    const struct conf_queue *queue = conf_queue(s->conf, j->type);
    bool observed = queue->accounting == CONF_ACCOUNTING_OBSERVED;
    int64_t end = step->unsure ? num_plus(now, queue->source.settle) : now;

    if (step->to == JOB_RUNNING)
        return observed ? store_hold_settle(s, j->id, queue->source.settle, now, e) : 0;
    if (observed)
        return holds(j->status) ? change_holds(s, SQL_HOLD_END, j->id, end, e) : 0;
    return change_holds(s, SQL_HOLD_DROP, j->id, 0, e);
}

/* What a job holds that was just admitted or placed; its queue's lists have changed with it. */
static int hold(struct store *s, const struct store_admission *a, struct store_way way, int64_t now,
                struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_HOLDER, e);
    struct job j = {.id = a->id, .status = way.from == JOB_QUEUED ? JOB_ADMITTED : JOB_RUNNING};

    if (!st)
        return -1;
    db_bind_i64(st, 1, a->id);
    if (db_step(s->db, st, e) != 1)
        return -1;
    j.type = db_str(st, 0);
    j.owner_id = db_str(st, 1);
    j.queued_at = db_i64(st, 2);
    if (!j.type.p || !j.owner_id.p)
        return err_set(e, ERR_INTERNAL, "no memory to read a job");
    if (add_holds(s, a, now, e) != 0)
        return -1;
    if (j.status == JOB_RUNNING &&
        store_hold_follow(s, &j, &(struct store_step){.to = JOB_RUNNING}, now, e) != 0)
        return -1;
    if (store_owner_touch(s, j.owner_id, way.from == JOB_QUEUED ? -1 : 0, e) != 0)
        return -1;
    if (way.from == JOB_QUEUED)
        store_count(s, STORE_ADMITTED, j.type, now - j.queued_at);
    return store_touch_queue(s, j.type, way, INT64_MIN, e);
}

int store_admit(struct store *s, const struct store_admission *a, int64_t now, struct err *e)
{
    static const struct store_event admitted = {.event = STR_LIT("status"),
                                                .from_status = STR_LIT("queued"),
                                                .to_status = STR_LIT("admitted")};
    struct db_stmt *st = db_use(s->db, SQL_ADMIT, e);

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_i64(st, 1, a->id);
    db_bind_i64(st, 2, a->group);
    db_bind_i64(st, 3, now);
    db_bind_str(st, 4, a->hosts);
    db_bind_i64(st, 5, a->hold_until);
    db_bind_i64(st, 6, a->first_try);
    if (db_run(s->db, st, e) != 0)
        return -1;
    if (db_changes(s->db) == 0)
        return 0;
    if (hold(s, a, (struct store_way){JOB_QUEUED, JOB_ADMITTED}, now, e) != 0 ||
        store_note(s, a->id, &admitted, now, e) != 0)
        return -1;
    return 1;
}

int store_place(struct store *s, const struct store_admission *a, int64_t now, struct err *e)
{
    static const struct store_event placed = {.event = STR_LIT("changed"),
                                              .message = STR_LIT("hosts")};
    struct db_stmt *st = db_use(s->db, SQL_PLACE, e);

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_i64(st, 1, a->id);
    db_bind_str(st, 2, a->hosts);
    db_bind_i64(st, 3, now);
    if (db_run(s->db, st, e) != 0)
        return -1;
    if (db_changes(s->db) == 0)
        return 0;
    if (hold(s, a, STORE_STAYS, now, e) != 0 || store_note(s, a->id, &placed, now, e) != 0)
        return -1;
    return 1;
}

/* Calls fn for every job that the statement gives. */
static int each_job(struct store *s, struct db_stmt *st, store_job_fn *fn, void *ctx, struct err *e)
{
    struct job j;
    int rc;

    while ((rc = db_step(s->db, st, e)) == 1) {
        rc = store_row_job(st, &j, e);
        if (rc != 0 || !fn(ctx, &j))
            break;
    }
    db_done(st);
    return rc < 0 ? -1 : 0;
}

int store_unplaced(struct store *s, store_job_fn *fn, void *ctx, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_UNPLACED, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, 0);
    return each_job(s, st, fn, ctx, e);
}

int store_holders(struct store *s, struct str account, int64_t read_at, store_job_fn *fn, void *ctx,
                  struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_HOLDERS, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, account);
    db_bind_i64(st, 2, read_at);
    return each_job(s, st, fn, ctx, e);
}
