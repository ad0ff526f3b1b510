/* SPDX-License-Identifier: MIT */
/* Receivers: which of them a callback is for, and those that fail again and again. */
#include <assert.h>

#include "store_delivery.h"
#include "store_inner.h"

enum {
    ALIVE_BELOW = 500 /* an answer with a lesser status shows that somebody is there */
};

/* ---- whom a callback is for ---- */

/* 0 and the origin, 1: there is none, -1: ERR_INTERNAL. */
static int origin_of(struct str base, struct str reference, char origin[URL_ORIGIN_MAX],
                     struct err *e)
{
    struct url url;

    if (url_resolve(base, reference, "the callback", &url, e) != 0)
        return e->code == ERR_INTERNAL ? -1 : 1;
    (void)snprintf(origin, URL_ORIGIN_MAX, "%s", url.origin);
    url_free(&url);
    return 0;
}

int store_receiver_origin(const struct conf *conf, struct str receiver, char origin[URL_ORIGIN_MAX],
                          struct err *e)
{
    bool of_base = receiver.n && receiver.p[0] == '/';
    struct str type = {receiver.p + of_base, receiver.n - of_base};
    struct str url = of_base ? conf_queue(conf, type)->callback_base : receiver;
    int rc = url.p ? origin_of((struct str){0}, url, origin, e) : 1;

    if (rc == 1)
        (void)snprintf(origin, URL_ORIGIN_MAX, "%.*s", (int)receiver.n,
                       receiver.n ? receiver.p : "");
    return rc < 0 ? -1 : 0;
}

/* ---- the rows ---- */

/* As store_receiver; *error, if it is wanted, is the statement's. */
static int get(struct store *s, struct str origin, struct store_receiver *r, struct str *error,
               struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_RECEIVER_GET, e);
    int rc;

    *r = (struct store_receiver){0};
    if (!st)
        return -1;
    db_bind_str(st, 1, origin);
    rc = db_step(s->db, st, e);
    if (rc == 1)
        *r = (struct store_receiver){db_i64(st, 0), db_i64(st, 1), db_i64(st, 2), db_i64(st, 3),
                                     db_i64(st, 4)};
    if (rc == 1 && error)
        *error = db_str(st, 5);
    else
        db_done(st);
    return rc;
}

int store_receiver(struct store *s, struct str origin, struct store_receiver *r, struct err *e)
{
    return get(s, origin, r, NULL, e) < 0 ? -1 : 0;
}

static int set(struct store *s, struct str origin, const struct store_receiver *r, struct str error,
               struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_RECEIVER_SET, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, origin);
    db_bind_i64(st, 2, r->failures);
    db_bind_i64(st, 3, r->since);
    db_bind_i64(st, 4, r->failed_at);
    db_bind_time(st, 5, r->paused_until);
    db_bind_i64(st, 6, r->pause);
    db_bind_str(st, 7, error);
    return db_run(s->db, st, e);
}

static int drop(struct store *s, struct str origin, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_RECEIVER_DROP, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, origin);
    return db_run(s->db, st, e);
}

/* One more failure. A try that began before the pause was over says nothing new about it: it was
 * under way when the pause began, or somebody asked for it. */
static void count_failure(const struct conf_callback *conf, int64_t began, int64_t now,
                          struct store_receiver *r)
{
    r->failures++;
    r->since = r->since ? r->since : now;
    r->failed_at = now;
    if (r->paused_until ? began < r->paused_until : r->failures < conf->pause_after)
        return;
    r->pause = r->paused_until == 0                            ? conf->pause
               : r->pause < STORE_PAUSES_MAX / 2 * conf->pause ? 2 * r->pause
                                                               : STORE_PAUSES_MAX * conf->pause;
    r->paused_until = now + r->pause;
}

int store_receiver_tried(struct store *s, const struct store_try *t, int64_t now,
                         struct store_tried *out, struct err *e)
{
    char room[32];
    struct str error = t->error;

    out->receiver = out->before = (struct store_receiver){0};
    if (!t->origin.p)
        return 0;
    if (store_receiver(s, t->origin, &out->before, e) != 0)
        return -1;
    if (t->status != 0 && t->status < ALIVE_BELOW)
        return out->before.failures ? drop(s, t->origin, e) : 0;
    if (t->status != 0) {
        (void)snprintf(room, sizeof room, "it answered %d", t->status);
        error = str_of(room);
    }
    out->receiver = out->before;
    count_failure(&s->conf->callback, t->at, now, &out->receiver);
    return set(s, t->origin, &out->receiver, error, e);
}

/* ---- what its jobs say ---- */

int store_receiver_text(struct store *s, struct str origin, struct buf *b, struct err *e)
{
    struct store_receiver r;
    struct str error = {0};
    int rc = get(s, origin, &r, &error, e);

    if (rc < 0)
        return -1;
    buf_printf(b,
               "its receiver %.*s failed %lld times in a row or more, and is tried once in a while "
               "until it answers; the last: ",
               (int)origin.n, origin.p, (long long)s->conf->callback.pause_after);
    buf_add(b, error.p, error.n);
    return buf_check(b, "a message", e);
}

/* Steps through the rows that an UPDATE of a lane gives: how many there are. */
static int mark(struct store *s, struct db_stmt *st, struct err *e)
{
    int rc, n = 0;

    while ((rc = db_step(s->db, st, e)) == 1) {
        n++;
        if (store_touch_queue(s, db_str(st, 0), STORE_STAYS, INT64_MIN, e) != 0) {
            db_done(st);
            return -1;
        }
    }
    return rc < 0 ? -1 : n;
}

static struct db_stmt *of_lane(struct store *s, enum store_sql_name name,
                               const struct store_lane *lane, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (st) {
        db_bind_str(st, 1, lane->receiver);
        db_bind_str(st, 2, lane->owner_id);
    }
    return st;
}

int store_lane_pause(struct store *s, const struct store_lane *lane, struct str origin,
                     int64_t most, int64_t now, struct err *e)
{
    struct buf text = BUF_INIT(4096);
    struct db_stmt *st;
    int rc = -1;

    assert(db_writing(s->db));
    if (store_receiver_text(s, origin, &text, e) != 0)
        goto out;
    st = of_lane(s, SQL_LANE_PAUSE, lane, e);
    if (!st)
        goto out;
    db_bind_str(st, 3, buf_span(&text));
    db_bind_i64(st, 4, now);
    db_bind_i64(st, 5, most);
    rc = mark(s, st, e);
out:
    buf_free(&text);
    return rc;
}

int store_lane_resume(struct store *s, const struct store_lane *lane, int64_t most, int64_t now,
                      struct err *e)
{
    struct db_stmt *st = of_lane(s, SQL_LANE_RESUME, lane, e);

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_i64(st, 3, (int64_t)s->conf->callback.retries);
    db_bind_i64(st, 4, now);
    db_bind_i64(st, 5, most);
    return mark(s, st, e);
}

/* The first marked job behind (*when, *id) that is not busy: 1, 0 none, -1. */
static int next_end(struct store *s, store_busy_fn *busy, void *ctx, int64_t *when, int64_t *id,
                    struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_LANE_PAUSED_ENDS, e);
    int rc;

    if (!st)
        return -1;
    while ((rc = db_step(s->db, st, e)) == 1) {
        *when = db_i64(st, 0);
        *id = db_i64(st, 1);
        if (!busy(ctx, *id))
            break;
    }
    db_done(st);
    return rc;
}

int store_paused_ends(struct store *s, store_busy_fn *busy, void *ctx, int64_t *when, struct err *e)
{
    int64_t id;
    int rc = next_end(s, busy, ctx, when, &id, e);

    if (rc == 0)
        *when = INT64_MAX;
    return rc < 0 ? -1 : 0;
}

/* As store_unaccepted. */
static int lapse(struct store *s, int64_t id, int64_t now, struct err *e)
{
    struct store_step why = {.message = STR_LIT("its hold ran out while its receiver was paused"),
                             .unsure = true};
    struct db_stmt *st = db_use(s->db, SQL_JOB_BY_ID, e);
    struct job j;

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    if (db_step(s->db, st, e) != 1 || store_row_job(st, &j, e) != 0)
        return -1;
    return store_unaccepted(s, &j, &why, now, e);
}

int store_paused_lapse(struct store *s, store_busy_fn *busy, void *ctx, int64_t most, int64_t now,
                       int *requeued, struct err *e)
{
    int64_t when = 0, id = 0;
    int rc, n;

    assert(db_writing(s->db));
    *requeued = 0;
    for (n = 0; n < most; n++) {
        rc = next_end(s, busy, ctx, &when, &id, e);
        if (rc < 0)
            return -1;
        if (rc == 0 || when > now)
            break;
        rc = lapse(s, id, now, e);
        if (rc < 0)
            return -1;
        *requeued += rc;
    }
    return n;
}
