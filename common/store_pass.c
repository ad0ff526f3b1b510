/* SPDX-License-Identifier: MIT */
/* What a pass reads: groups, heads, holds; and what it writes: admissions, reasons, and what the
 * clock has brought up. */
#include "store_pass.h"

#include <assert.h>

#include "store_inner.h"

/* A transaction stays short: others wait for it. */
enum { TIDY_MAX = 1000 };

/* ---- tidy ---- */

static int ask_time(struct store *s, enum store_sql_name name, int64_t *when, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);
    int rc = st ? db_step(s->db, st, e) : -1;

    if (rc == 1) {
        *when = db_i64(st, 0);
        db_done(st);
    }
    return rc;
}

/* Does a question about the clock (?1) have an answer? */
static int any_at(struct store *s, enum store_sql_name name, int64_t at, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, at);
    rc = db_step(s->db, st, e);
    db_done(st);
    return rc;
}

int store_untidy(struct store *s, int64_t now, struct err *e)
{
    static const enum store_sql_name clocks[] = {SQL_ASLEEP, SQL_ENDING, SQL_LAPSED};
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < ARRAY_LEN(clocks); i++)
        rc = any_at(s, clocks[i], now, e);
    return rc;
}

/* One job that the clock brings up, the first that the statement finds: its text is copied, as the
 * change uses statements of its own. */
static int first_job(struct store *s, enum store_sql_name name, int64_t now, struct job *j,
                     struct buf *keep, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);
    int64_t id;
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, now);
    rc = db_step(s->db, st, e);
    if (rc != 1)
        return rc;
    id = db_i64(st, 0);
    db_done(st);
    st = db_use(s->db, SQL_JOB_BY_ID, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    if (db_step(s->db, st, e) != 1 || store_row_job(st, j, e) != 0)
        return -1;
    buf_reset(keep);
    buf_add(keep, j->type.p, j->type.n);
    buf_add(keep, j->scope.p, j->scope.n);
    buf_add(keep, j->data.p, j->data.n);
    buf_add(keep, j->owner_id.p, j->owner_id.n);
    if (buf_check(keep, "a job", e) != 0)
        return -1;
    j->type.p = keep->data;
    j->scope.p = keep->data + j->type.n;
    j->data.p = j->scope.p + j->scope.n;
    j->owner_id.p = j->data.p + j->data.n;
    return 1;
}

/* Data that an earlier version took and this one does not: the job is held until somebody changes
 * it, rather than that it keeps everybody waiting. */
static int set_aside(struct store *s, const struct job *j, struct str why, int64_t now,
                     struct err *e)
{
    struct store_step step = {.to = JOB_HELD, .message = why};
    struct db_stmt *st;

    if (store_become(s, j, &step, now, e) != 0)
        return -1;
    st = db_use(s->db, SQL_JOB_GROUP, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, j->id);
    db_bind_str(st, 3, STR_LIT(JOB_REASON_DATA));
    db_bind_str(st, 4, why);
    return db_run(s->db, st, e);
}

static int wake_up(struct store *s, const struct job *j, int64_t now, struct err *e)
{
    struct err refused;

    if (store_enqueue_data(s, j, now, &refused) == 0)
        return store_touch_queue(s, j->type, STORE_STAYS, INT64_MIN, e);
    if (refused.code == ERR_INVALID)
        return set_aside(s, j, str_of(refused.text), now, e);
    *e = refused;
    return -1;
}

static int expire(struct store *s, const struct job *j, int64_t now, struct err *e)
{
    struct store_step step = {.to = JOB_EXPIRED,
                              .reason = STR_LIT(JOB_REASON_EXPIRED),
                              .message = STR_LIT("its valid_until went by while it waited")};

    return store_become(s, j, &step, now, e);
}

static int lapse(struct store *s, const struct job *j, int64_t now, struct err *e)
{
    struct store_step why = {
        .message = STR_LIT("its hold ran out before the callback was accepted"), .unsure = true};

    return store_unaccepted(s, j, &why, now, e) < 0 ? -1 : 0;
}

/* What the clock brings up, and what is done about it. */
struct chore {
    enum store_sql_name find;
    int (*act)(struct store *s, const struct job *j, int64_t now, struct err *e);
};

static int do_chore(struct store *s, const struct chore *c, int64_t now, int64_t *count, bool *more,
                    struct err *e)
{
    struct buf keep = BUF_INIT(2 * JOB_DATA_MAX);
    struct job j;
    int rc;

    *count = 0;
    while ((rc = first_job(s, c->find, now, &j, &keep, e)) == 1 && *count < TIDY_MAX) {
        if (c->act(s, &j, now, e) != 0 || store_touch_job(s, j.id, now, e) != 0) {
            rc = -1;
            break;
        }
        ++*count;
    }
    buf_free(&keep);
    *more = *more || rc == 1;
    return rc < 0 ? -1 : 0;
}

int store_tidy(struct store *s, int64_t now, struct store_tidied *t, struct err *e)
{
    static const struct chore wake = {SQL_ASLEEP, wake_up}, end = {SQL_ENDING, expire},
                              hold = {SQL_LAPSED, lapse};

    assert(db_writing(s->db));
    t->more = false;
    if (do_chore(s, &wake, now, &t->woken, &t->more, e) != 0 ||
        do_chore(s, &end, now, &t->expired, &t->more, e) != 0 ||
        do_chore(s, &hold, now, &t->lapsed, &t->more, e) != 0)
        return -1;
    return 0;
}

int store_next_moment(struct store *s, int64_t *when, struct err *e)
{
    static const enum store_sql_name clocks[] = {SQL_NEXT_ASLEEP, SQL_NEXT_ENDING, SQL_NEXT_DUE};
    int64_t t = 0;
    size_t i;

    *when = INT64_MAX;
    for (i = 0; i < ARRAY_LEN(clocks); i++) {
        int rc = ask_time(s, clocks[i], &t, e);

        if (rc < 0)
            return -1;
        if (rc == 1 && t < *when)
            *when = t;
    }
    return 0;
}

int store_keep_little(struct store *s, struct err *e)
{
    /* in KB; with 4,096 a pass that admits many reads half as much again */
    return db_exec(s->db, "PRAGMA cache_size=-8192", e);
}

/* ---- groups ---- */

/* 1, 0 or -1, and the row of a statement that gives id, priority, queued_at. */
static int take_waiting(struct store *s, struct db_stmt *st, struct store_waiting *w, struct err *e)
{
    int rc = db_step(s->db, st, e);

    if (rc == 1) {
        *w = (struct store_waiting){db_i64(st, 0), db_i64(st, 1), db_i64(st, 2)};
        db_done(st);
    }
    return rc;
}

static int ask_group(struct store *s, enum store_sql_name name, int64_t group, struct page_place at,
                     int64_t cutoff, struct store_waiting *w, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, group);
    db_bind_i64(st, 2, at.priority);
    if (name == SQL_GROUP_NEXT_SAME || name == SQL_GROUP_GUARDED_SAME)
        db_bind_i64(st, 3, at.id);
    if (name == SQL_GROUP_GUARDED || name == SQL_GROUP_GUARDED_SAME)
        db_bind_i64(st, 4, cutoff);
    return take_waiting(s, st, w, e);
}

/* The first of a group: from its row (columns 8 to 10 of SQL_GROUP_ALL), or looked for. 1, 0, -1.
 */
static int find_head(struct store *s, struct db_stmt *all, struct db_stmt *seek,
                     struct store_group *g, struct err *e)
{
    struct store_waiting w = {db_i64(all, 8), db_i64(all, 9), db_i64(all, 10)};
    int rc = 1;

    g->head_kept = w.id != 0;
    if (!g->head_kept) {
        db_bind_i64(seek, 1, g->id);
        rc = take_waiting(s, seek, &w, e);
    }
    g->head_id = w.id;
    g->head_priority = w.priority;
    g->head_queued_at = w.queued_at;
    return rc;
}

/* Those whose ids are from `from` to before `to`. 1: fn has had enough; 0; -1. */
static int each_group(struct store *s, int64_t from, int64_t to, store_group_fn *fn, void *ctx,
                      struct err *e)
{
    struct db_stmt *all = db_use(s->db, SQL_GROUP_ALL, e);
    struct db_stmt *head = all ? db_use(s->db, SQL_GROUP_HEAD, e) : NULL;
    int rc = head ? 0 : -1;

    if (head) {
        db_bind_i64(all, 1, from);
        db_bind_i64(all, 2, to);
    }
    while (rc >= 0 && (rc = db_step(s->db, all, e)) == 1) {
        struct store_group g = {.id = db_i64(all, 0),
                                .type = db_str(all, 1),
                                .scope = db_str(all, 2),
                                .shape = db_str(all, 3),
                                .reason = db_str(all, 4),
                                .message = db_str(all, 5),
                                .owner_id = db_str(all, 6),
                                .paused = db_i64(all, 7) != 0};

        rc = find_head(s, all, head, &g, e);
        if (rc == 0 && s->empty_groups < STORE_EMPTY_MAX)
            s->empty_group[s->empty_groups++] = g.id;
        if (rc == 1 && !fn(ctx, &g))
            break;
    }
    db_done(all);
    return rc;
}

int store_groups(struct store *s, int64_t from, store_group_fn *fn, void *ctx, struct err *e)
{
    int rc;

    s->empty_groups = 0;
    rc = each_group(s, from, INT64_MAX, fn, ctx, e);
    if (rc == 0 && from > 0)
        rc = each_group(s, 0, from, fn, ctx, e);
    return rc < 0 ? -1 : 0;
}

int store_keep_head(struct store *s, int64_t group, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_GROUP_KEEP_HEAD, e);

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_i64(st, 1, group);
    return db_run(s->db, st, e);
}

int store_holding(struct store *s, store_holding_fn *fn, void *ctx, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_HOLDING, e);
    int rc;

    if (!st)
        return -1;
    while ((rc = db_step(s->db, st, e)) == 1)
        fn(ctx, db_str(st, 0), db_str(st, 1), db_i64(st, 2));
    return rc;
}

bool store_forget_due(const struct store *s)
{
    return s->empty_groups == STORE_EMPTY_MAX;
}

int store_forget(struct store *s, struct err *e)
{
    assert(db_writing(s->db));
    for (; s->empty_groups > 0; s->empty_groups--) {
        struct db_stmt *st = db_use(s->db, SQL_GROUP_FORGET, e);

        if (!st)
            return -1;
        db_bind_i64(st, 1, s->empty_group[s->empty_groups - 1]);
        if (db_run(s->db, st, e) != 0)
            return -1;
    }
    return 0;
}

int store_group_next(struct store *s, int64_t group, struct page_place after,
                     struct store_waiting *w, struct err *e)
{
    int rc = ask_group(s, SQL_GROUP_NEXT_SAME, group, after, 0, w, e);

    return rc != 0 ? rc : ask_group(s, SQL_GROUP_NEXT, group, after, 0, w, e);
}

int store_group_guarded(struct store *s, int64_t group, struct page_place from, int64_t cutoff,
                        struct store_waiting *w, struct err *e)
{
    int rc = ask_group(s, SQL_GROUP_GUARDED_SAME, group, from, cutoff, w, e);

    return rc != 0 ? rc : ask_group(s, SQL_GROUP_GUARDED, group, from, cutoff, w, e);
}

int store_oldest_waiting(struct store *s, int64_t *queued_at, struct err *e)
{
    int rc = ask_time(s, SQL_OLDEST_WAITING, queued_at, e);

    return rc == 1 ? *queued_at != 0 : rc; /* the least of none is NULL, which reads as 0 */
}

int store_group_reason(struct store *s, int64_t group, struct str reason, struct str message,
                       int64_t now, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_GROUP_REASON, e);

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_i64(st, 1, group);
    db_bind_str(st, 2, reason);
    db_bind_str(st, 3, message);
    db_bind_i64(st, 4, now);
    if (db_run(s->db, st, e) != 0)
        return -1;
    if (db_changes(s->db) == 0)
        return 0;
    st = db_use(s->db, SQL_QUEUE_TOUCH_OF_GROUP, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, group);
    return db_run(s->db, st, e);
}
