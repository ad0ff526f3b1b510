/* SPDX-License-Identifier: MIT */
/*
 * What nobody needs any more, and goes: jobs that are over with all that is known of them, events
 * and deliveries, first answers, holds, receivers. Then the space.
 *
 * Little at a time: others wait for the lock. A job goes after what hangs on it, which may take
 * several steps; it stays as long as it holds something that a reading may not show yet.
 */
#include <assert.h>

#include "db_space.h"
#include "store_inner.h"
#include "store_pass.h"

#define DAY       (86400 * NS_PER_S)
#define STEP_TIME (5 * NS_PER_MS)

enum { STEP_ROWS = 500, PORTION = 50 }; /* rows of a step; rows between two looks at the clock */

static int64_t day(const struct store *s)
{
    (void)s;
    return DAY;
}

/* For as long as a plan may use a reading that was begun before they ended, and an hour more. */
static int64_t holds_kept(const struct store *s)
{
    int64_t oldest = 0;
    size_t i;

    for (i = 0; i < s->conf->queues; i++) {
        if (s->conf->queue[i].source.max_age > oldest)
            oldest = s->conf->queue[i].source.max_age;
    }
    return oldest + 3600 * NS_PER_S;
}

/* What was so long ago says nothing about now. */
static int64_t starts_kept(const struct store *s)
{
    (void)s;
    return 90 * DAY;
}

static int64_t jobs_kept(const struct store *s)
{
    return s->conf->retention.jobs;
}

static int64_t events_kept(const struct store *s)
{
    return s->conf->retention.events;
}

/* A try that nobody heard of says that a job may use what no source shows yet. */
static int64_t deliveries_kept(const struct store *s)
{
    int64_t settle = conf_longest_settle(s->conf);

    return s->conf->retention.deliveries > settle ? s->conf->retention.deliveries : settle;
}

/* A step under way. */
struct step {
    struct store *s;
    int64_t stop; /* clock_mono */
    int64_t rows; /* that may still go */
    struct store_purged *done;
};

/* A step takes something before it looks at the clock: it gets on however slow the machine is. `n`:
 * rows that are not in done->rows yet. */
static bool may_go_on(const struct step *t, int64_t n)
{
    return t->done->rows + n == 0 || clock_mono() < t->stop;
}

struct litter;
/* Takes up to `most` of it away, `before` being how old it must be. *n: how many rows, fewer than
 * `most` when no more are left. */
typedef int take_fn(struct step *t, const struct litter *l, int64_t before, int64_t most,
                    int64_t *n, struct err *e);
static take_fn take_rows, take_jobs;

/* What there is to be taken away: for how long it is kept, is there any, and how it goes. */
struct litter {
    int64_t (*kept)(const struct store *s);
    enum store_sql_name old, drop; /* ?1: older than this; drop ?2: so many */
    take_fn *take;
    bool moves; /* its times move when the clock is set (store_clock.h) */
};

static const struct litter litter[] = {
    {day, SQL_ANSWER_OLD, SQL_ANSWER_DROP_OLD, take_rows, false},
    {holds_kept, SQL_HOLD_OLD, SQL_HOLD_DROP_OLD, take_rows, true},
    {jobs_kept, SQL_JOB_OLD, SQL_JOB_PURGE, take_jobs, false},
    {deliveries_kept, SQL_DELIVERY_OLD, SQL_DELIVERY_DROP_OLD, take_rows, false},
    {events_kept, SQL_EVENT_OLD, SQL_EVENT_DROP_OLD, take_rows, false},
    {starts_kept, SQL_STARTS_OLD, SQL_STARTS_DROP_OLD, take_rows, false},
    {day, SQL_RECEIVER_OLD, SQL_RECEIVER_DROP_OLD, take_rows, true},
};

/* How old it must be. */
static int oldest(struct store *s, const struct litter *l, int64_t now, int64_t *before,
                  struct err *e)
{
    if (!l->moves)
        return store_clock_ago(s, now, l->kept(s), before, e);
    *before = now - l->kept(s);
    return 0;
}

/* Runs a statement that takes rows away; *n: how many. */
static int drop(struct store *s, enum store_sql_name name, int64_t what, int64_t most, int64_t *n,
                struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, what);
    db_bind_i64(st, 2, most);
    if (db_run(s->db, st, e) != 0)
        return -1;
    *n = db_changes(s->db);
    return 0;
}

static int take_rows(struct step *t, const struct litter *l, int64_t before, int64_t most,
                     int64_t *n, struct err *e)
{
    return drop(t->s, l->drop, before, most, n, e);
}

/* A job that goes. */
struct old_job {
    int64_t id;
    char type[JOB_NAME_MAX + 1];
    struct store_way way; /* it was counted until now, unless it was deleted before */
};

/* 1 and the first job that can go, 0, -1. */
static int first_job(struct store *s, int64_t before, struct old_job *j, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_OLD, e);
    enum job_status status;
    struct str type;
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, before);
    rc = db_step(s->db, st, e);
    if (rc == 1 && job_status_parse(db_str(st, 2), &status) != 0)
        rc = err_set(e, ERR_INTERNAL, "no memory to read a job");
    if (rc == 1) {
        type = db_str(st, 1);
        j->id = db_i64(st, 0);
        j->way = STORE_STAYS;
        if (db_i64(st, 3) == 0)
            j->way.from = (int)status;
        (void)snprintf(j->type, sizeof j->type, "%.*s", (int)type.n, type.p);
    }
    db_done(st);
    return rc;
}

/* Its queue's lists have changed. A queue without a job is forgotten: types are strangers' words.
 */
static int touch_queue(struct store *s, struct str type, struct store_way job, struct err *e)
{
    struct db_stmt *st;

    if (store_touch_queue(s, type, job, INT64_MIN, e) != 0)
        return -1;
    st = db_use(s->db, SQL_QUEUE_DROP_IDLE, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    return db_run(s->db, st, e);
}

/* What hangs on a job goes first, and the job itself when that is gone. */
static int take_job(struct step *t, const struct old_job *j, int64_t most, int64_t *n,
                    struct err *e)
{
    static const enum store_sql_name parts[] = {SQL_JOB_DELIVERIES_DROP, SQL_JOB_EVENTS_DROP,
                                                SQL_JOB_PURGE};
    int64_t gone = 0;
    size_t i;

    *n = 0;
    for (i = 0; i < ARRAY_LEN(parts) && *n < most; i++) {
        if (drop(t->s, parts[i], j->id, most - *n, &gone, e) != 0)
            return -1;
        *n += gone;
    }
    if (i < ARRAY_LEN(parts) || gone == 0)
        return 0;
    t->done->jobs++;
    return touch_queue(t->s, str_of(j->type), j->way, e);
}

static int take_jobs(struct step *t, const struct litter *l, int64_t before, int64_t most,
                     int64_t *n, struct err *e)
{
    struct old_job j;
    int64_t gone;
    int rc = 1;

    (void)l;
    for (*n = 0; *n < most && may_go_on(t, *n); *n += gone) {
        rc = first_job(t->s, before, &j, e);
        if (rc != 1)
            break;
        if (take_job(t, &j, most - *n, &gone, e) != 0)
            return -1;
    }
    return rc < 0 ? -1 : 0;
}

/* Takes away one sort of litter, until none is left or the step has to end. */
static int clear(struct step *t, const struct litter *l, int64_t now, struct err *e)
{
    int64_t most, n, before;

    if (oldest(t->s, l, now, &before, e) != 0)
        return -1;
    do {
        most = t->rows < PORTION ? t->rows : PORTION;
        if (l->take(t, l, before, most, &n, e) != 0)
            return -1;
        t->rows -= n;
        t->done->rows += n;
    } while (n == most && t->rows > 0 && may_go_on(t, 0));
    return 0;
}

int store_purge(struct store *s, int64_t now, struct store_purged *done, struct err *e)
{
    struct step t = {s, clock_mono() + STEP_TIME, STEP_ROWS, done};
    int64_t left;
    size_t i;

    assert(db_writing(s->db));
    *done = (struct store_purged){0};
    for (i = 0; i < ARRAY_LEN(litter) && t.rows > 0 && may_go_on(&t, 0); i++) {
        if (clear(&t, &litter[i], now, e) != 0)
            return -1;
    }
    if (done->rows == 0 && db_give_back(s->db, t.stop, &done->pages, e) != 0)
        return -1;
    if (db_spare(s->db, &left, e) != 0)
        return -1;
    done->more = left > 0 || t.rows == 0 || !may_go_on(&t, 0);
    return 0;
}

static int has(struct store *s, const struct litter *l, int64_t now, struct err *e)
{
    struct db_stmt *st;
    int64_t before;
    int rc;

    if (oldest(s, l, now, &before, e) != 0)
        return -1;
    st = db_use(s->db, l->old, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, before);
    rc = db_step(s->db, st, e);
    db_done(st);
    return rc;
}

int store_purgeable(struct store *s, int64_t now, struct err *e)
{
    int64_t spare;
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < ARRAY_LEN(litter); i++)
        rc = has(s, &litter[i], now, e);
    if (rc == 0)
        rc = db_spare(s->db, &spare, e) == 0 ? spare > 0 : -1;
    return rc;
}

static const struct litter *litter_of(enum store_sql_name old)
{
    const struct litter *l = litter;

    while (l->old != old)
        l++;
    return l;
}

int store_purge_count(struct store *s, int64_t now, struct store_litter *n, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_OLD_COUNT, e);
    int64_t *const out[] = {&n->jobs,    &n->events, &n->deliveries,
                            &n->answers, &n->holds,  &n->receivers};
    const enum store_sql_name sorts[] = {SQL_JOB_OLD,    SQL_EVENT_OLD, SQL_DELIVERY_OLD,
                                         SQL_ANSWER_OLD, SQL_HOLD_OLD,  SQL_RECEIVER_OLD};
    int64_t before;
    int i;

    if (!st)
        return -1;
    for (i = 0; i < (int)ARRAY_LEN(sorts); i++) {
        if (oldest(s, litter_of(sorts[i]), now, &before, e) != 0)
            return -1;
        db_bind_i64(st, i + 1, before);
    }
    if (db_step(s->db, st, e) != 1)
        return -1;
    for (i = 0; i < (int)ARRAY_LEN(out); i++)
        *out[i] = db_i64(st, i);
    db_done(st);
    return 0;
}
