/* SPDX-License-Identifier: MIT */
/* Whose callbacks are due, lane by lane, and what came of a try. */
#include "store_delivery.h"

#include <assert.h>

#include "store_history.h"
#include "store_inner.h"
#include "utf8.h"

/* ---- lanes ---- */

/* A statement about a lane, or what comes behind it. */
static struct db_stmt *of_lane(struct store *s, enum store_sql_name name,
                               const struct store_lane *lane, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (st) {
        db_bind_str(st, 1, lane->receiver);
        if (name != SQL_LANE_NEXT_RECEIVER)
            db_bind_str(st, 2, lane->owner_id);
    }
    return st;
}

/* The first lane behind `at`, whose texts are then those of *keep: 1, 0 none, -1. */
static int next_lane(struct store *s, struct store_lane *at, int64_t *next_try, struct buf *keep,
                     struct err *e)
{
    static const enum store_sql_name names[] = {SQL_LANE_SAME_RECEIVER, SQL_LANE_NEXT_RECEIVER};
    struct db_stmt *st = NULL;
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < ARRAY_LEN(names); i++) {
        st = of_lane(s, names[i], at, e);
        rc = st ? db_step(s->db, st, e) : -1;
    }
    if (rc != 1)
        return rc;
    *at = (struct store_lane){db_str(st, 0), db_str(st, 1)};
    *next_try = db_i64(st, 2);
    buf_reset(keep);
    buf_add(keep, at->receiver.p, at->receiver.n);
    buf_add(keep, at->owner_id.p, at->owner_id.n);
    db_done(st);
    if (buf_check(keep, "a lane", e) != 0)
        return -1;
    at->receiver.p = keep->data;
    at->owner_id.p = keep->data + at->receiver.n;
    return 1;
}

int store_lanes(struct store *s, const struct store_lane *after, store_lane_fn *fn, void *ctx,
                struct err *e)
{
    /* One is read while the other holds where we are. */
    struct buf keep[2] = {BUF_INIT(4096), BUF_INIT(4096)};
    struct store_lane at = *after;
    int64_t next_try;
    int rc, which = 0;

    at.receiver = at.receiver.p ? at.receiver : STR_LIT("");
    at.owner_id = at.owner_id.p ? at.owner_id : STR_LIT("");
    while ((rc = next_lane(s, &at, &next_try, &keep[which], e)) == 1 && fn(ctx, &at, next_try))
        which = 1 - which;
    buf_free(&keep[0]);
    buf_free(&keep[1]);
    return rc < 0 ? -1 : 0;
}

int store_lane_next(struct store *s, const struct store_lane *lane, store_busy_fn *busy, void *ctx,
                    struct store_place *at, struct err *e)
{
    static const enum store_sql_name names[] = {SQL_LANE_DUE_SAME, SQL_LANE_DUE};
    struct store_place place;
    size_t i;
    int rc = 0;

    for (i = 0; rc == 0 && i < ARRAY_LEN(names); i++) {
        struct db_stmt *st = of_lane(s, names[i], lane, e);

        if (!st)
            return -1;
        db_bind_i64(st, 3, at->next_try);
        if (names[i] == SQL_LANE_DUE_SAME)
            db_bind_i64(st, 4, at->id);
        while ((rc = db_step(s->db, st, e)) == 1) {
            place = (struct store_place){db_i64(st, 0), db_i64(st, 1)};
            if (!busy(ctx, place.id))
                break;
        }
        db_done(st);
    }
    if (rc == 1)
        *at = place;
    return rc;
}

int store_due(struct store *s, int64_t id, struct store_due *d, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_DUE, e);
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    rc = db_step(s->db, st, e);
    if (rc != 1)
        return rc;
    d->attempts = db_i64(st, STORE_JOB_COLUMNS);
    d->next_try = db_i64(st, STORE_JOB_COLUMNS + 1);
    d->hold_until = db_i64(st, STORE_JOB_COLUMNS + 2);
    d->admissions = db_i64(st, STORE_JOB_COLUMNS + 3);
    d->request = db_str(st, STORE_JOB_COLUMNS + 4);
    return store_row_job(st, &d->job, e) != 0 ? -1 : 1;
}

/* ---- a job whose callback was not accepted ---- */

/* The job's text is copied, as the change uses statements of its own. */
static int keep_job(struct job *j, struct buf *keep, struct err *e)
{
    struct str *const text[] = {&j->type, &j->scope, &j->data, &j->owner_id};
    size_t i, at = 0;

    for (i = 0; i < ARRAY_LEN(text); i++)
        buf_add(keep, text[i]->p, text[i]->n);
    if (buf_check(keep, "a job", e) != 0)
        return -1;
    for (i = 0; i < ARRAY_LEN(text); i++) {
        text[i]->p = keep->data + at;
        at += text[i]->n;
    }
    return 0;
}

static int requeues_of(struct store *s, int64_t id, int64_t *requeues, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_REQUEUES, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    if (db_step(s->db, st, e) != 1)
        return -1;
    *requeues = db_i64(st, 0);
    db_done(st);
    return 0;
}

static int say_requeued(struct store *s, int64_t id, struct str message, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_REQUEUED, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    db_bind_str(st, 2, message);
    return db_run(s->db, st, e);
}

static int fail(struct store *s, const struct job *j, struct store_step step, int64_t now,
                struct err *e)
{
    step.to = JOB_FAILED;
    return store_become(s, j, &step, now, e) == 0 && store_touch_job(s, j->id, now, e) == 0 ? 0
                                                                                            : -1;
}

/* 1: it waits again; 0: it cannot, since this version does not read its data. */
static int requeue(struct store *s, const struct job *j, int64_t before,
                   const struct store_step *why, int64_t now, struct err *e)
{
    struct buf text = BUF_INIT(4096);
    struct store_step step = {.to = JOB_QUEUED, .unsure = why->unsure};
    int rc;

    buf_printf(&text, "waits again (%lld of %lld times): ", (long long)before + 1,
               (long long)s->conf->callback.requeue);
    buf_add(&text, why->message.p, why->message.n);
    step.message = buf_span(&text);
    rc = buf_check(&text, "a message", e);
    if (rc == 0)
        rc = store_become(s, j, &step, now, e);
    if (rc == 0 &&
        (say_requeued(s, j->id, step.message, e) != 0 || store_touch_job(s, j->id, now, e) != 0))
        e->code = ERR_INTERNAL, rc = -1;
    buf_free(&text);
    return rc == 0 ? 1 : e->code == ERR_INVALID ? 0 : -1;
}

int store_unaccepted(struct store *s, const struct job *job, const struct store_step *why,
                     int64_t now, struct err *e)
{
    struct store_step over = {
        .reason = STR_LIT(JOB_REASON_CALLBACK), .message = why->message, .unsure = why->unsure};
    struct buf keep = BUF_INIT(2 * JOB_DATA_MAX);
    struct job j = *job;
    int64_t requeues = 0;
    int rc = -1;

    assert(db_writing(s->db));
    if (keep_job(&j, &keep, e) == 0 && requeues_of(s, j.id, &requeues, e) == 0)
        rc = requeues < s->conf->callback.requeue ? requeue(s, &j, requeues, why, now, e) : 0;
    if (rc == 0)
        rc = fail(s, &j, over, now, e);
    buf_free(&keep);
    return rc;
}

/* ---- the tries ---- */

/* Valid UTF-8 without NUL: what is none becomes U+FFFD; a character that was cut at the end goes.
 */
static void mend(struct str text, struct buf *b)
{
    const char *p = text.p, *end = p ? p + text.n : p;
    size_t n;

    for (; p < end; p += n ? n : 1) {
        n = *p ? utf8_length(p, end) : 0;
        if (n == 0 && text.n == STORE_ANSWER_KEPT && end - p < UTF8_CHAR_MAX &&
            (unsigned char)*p >= 0xc2 && (unsigned char)*p <= 0xf4)
            break;
        buf_add(b, n ? p : "\xef\xbf\xbd", n ? n : 3);
    }
}

/* Its number is one more than the last one's; the oldest go. */
static int number_try(struct store *s, int64_t id, int64_t *n, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_DELIVERY_LAST, e);
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    rc = db_step(s->db, st, e);
    *n = rc == 1 ? db_i64(st, 0) + 1 : 1;
    db_done(st);
    if (rc < 0 || *n <= STORE_DELIVERIES_MAX)
        return rc < 0 ? -1 : 0;
    st = db_use(s->db, SQL_DELIVERY_TRIM, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    db_bind_i64(st, 2, *n - STORE_DELIVERIES_MAX);
    return db_run(s->db, st, e);
}

static const char *outcome_word(const struct store_try *t, const struct store_tried *out)
{
    static const char *const words[] = {[STORE_ACCEPTED] = "accepted",
                                        [STORE_TRY_AGAIN] = "again",
                                        [STORE_GIVE_UP] = "failed",
                                        [STORE_REFUSED] = "failed"};

    if (!out->written)
        return "void";
    if (t->again)
        return t->outcome == STORE_ACCEPTED ? "accepted" : "failed";
    return out->requeued ? "requeued" : words[out->outcome];
}

static int add_try(struct store *s, const struct store_try *t, const struct store_tried *out,
                   struct str error, struct str answer, struct err *e)
{
    struct str word = str_of(outcome_word(t, out));
    struct db_stmt *st;
    int64_t n;

    if (number_try(s, t->id, &n, e) != 0)
        return -1;
    st = db_use(s->db, SQL_DELIVERY_ADD, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, t->id);
    db_bind_i64(st, 2, n);
    db_bind_i64(st, 3, t->admissions);
    db_bind_i64(st, 4, t->at);
    db_bind_i64(st, 5, t->ns);
    db_bind_str(st, 6, t->url.p ? t->url : STR_LIT(""));
    db_bind_str(st, 7, t->address);
    if (t->status)
        db_bind_i64(st, 8, t->status);
    db_bind_str(st, 9, error);
    db_bind_str(st, 10, answer);
    db_bind_str(st, 11, word);
    if (str_is(word, "again"))
        db_bind_i64(st, 12, out->asked ? t->at + t->ns : t->next_try);
    return db_run(s->db, st, e);
}

static int write_down(struct store *s, const struct store_try *t, const struct store_tried *out,
                      struct err *e)
{
    struct buf answer = BUF_INIT(3 * STORE_ANSWER_KEPT);
    struct str text = {t->answer.p,
                       t->answer.n < STORE_ANSWER_KEPT ? t->answer.n : STORE_ANSWER_KEPT};
    int rc;

    mend(text, &answer);
    rc = buf_check(&answer, "an answer", e);
    if (rc == 0)
        rc = add_try(s, t, out, t->error, answer.len ? buf_span(&answer) : (struct str){0}, e);
    buf_free(&answer);
    return rc;
}

/* 1: the job is still as it was when the try began. *asked: but for that somebody has asked for
 * another one, which its hold has time for. */
static int still_called(struct store *s, const struct store_try *t, int64_t now, struct job *j,
                        bool *asked, struct err *e)
{
    enum job_status status = t->again ? JOB_RUNNING : JOB_ADMITTED;
    struct db_stmt *st = db_use(s->db, SQL_JOB_CALLED, e);
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, t->id);
    db_bind_i64(st, 2, t->admissions);
    db_bind_str(st, 3, str_of(job_status_word(status)));
    db_bind_i64(st, 4, t->asked);
    db_bind_i64(st, 5, now);
    rc = db_step(s->db, st, e);
    *asked = rc == 1 && db_i64(st, STORE_JOB_COLUMNS) != 0;
    return rc == 1 && store_row_job(st, j, e) != 0 ? -1 : rc;
}

/* Whoever asked for a try while this one was under way gets it. */
static int put_again(struct store *s, const struct store_try *t, struct str reason,
                     struct str message, int64_t now, bool *asked, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_TRY_AGAIN, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, t->id);
    db_bind_i64(st, 2, t->next_try);
    db_bind_str(st, 3, reason);
    db_bind_str(st, 4, message);
    db_bind_i64(st, 5, now);
    db_bind_i64(st, 6, t->asked);
    if (db_step(s->db, st, e) != 1)
        return -1;
    *asked = db_i64(st, 0) != 0;
    db_done(st);
    return 0;
}

static int try_again(struct store *s, const struct store_try *t, const struct job *j, int64_t now,
                     struct store_tried *out, struct err *e)
{
    struct buf text = BUF_INIT(4096);
    struct str reason = t->reason, message = t->message;
    int rc = 0;

    if (out->receiver.paused_until > now) {
        rc = store_receiver_text(s, t->origin, &text, e);
        reason = STR_LIT(JOB_REASON_RECEIVER);
        message = buf_span(&text);
    }
    if (rc == 0)
        rc = put_again(s, t, reason, message, now, &out->asked, e);
    buf_free(&text);
    return rc == 0 ? store_touch_queue(s, j->type, STORE_STAYS, INT64_MIN, e) : -1;
}

static int accept(struct store *s, const struct job *j, int64_t now, struct err *e)
{
    struct store_step step = {.to = JOB_RUNNING};

    return store_become(s, j, &step, now, e) == 0 && store_touch_job(s, j->id, now, e) == 0 ? 0
                                                                                            : -1;
}

/* A running job was called once more: that is all. Whoever asked for it again meanwhile gets it. */
static int sent_again(struct store *s, const struct store_try *t, bool *asked, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_SENT_AGAIN, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, t->id);
    db_bind_i64(st, 2, t->asked);
    if (db_run(s->db, st, e) != 0)
        return -1;
    *asked = db_changes(s->db) == 0;
    return 0;
}

/* May the client have taken a call of this admission that nobody heard of, so lately that what it
 * uses may not be seen yet? This one or one before it: a later one may have met somebody else. */
static int ask_unheard(struct store *s, const struct store_try *t, const struct job *j, int64_t now,
                       bool *unheard, struct err *e)
{
    int64_t settle = conf_queue(s->conf, j->type)->source.settle, then;
    struct db_stmt *st;
    int rc;

    if (store_clock_ago(s, now, settle, &then, e) != 0)
        return -1;
    st = db_use(s->db, SQL_DELIVERY_UNHEARD, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, t->id);
    db_bind_i64(st, 2, t->admissions);
    db_bind_i64(st, 3, then);
    rc = db_step(s->db, st, e);
    db_done(st);
    *unheard = rc == 1 || (t->status == 0 && t->address.p);
    return rc < 0 ? -1 : 0;
}

static int follow(struct store *s, const struct store_try *t, const struct job *j, int64_t now,
                  struct store_tried *out, struct err *e)
{
    struct store_step why = {.reason = t->reason, .message = t->message};
    int rc;

    if (t->again)
        return sent_again(s, t, &out->asked, e);
    if (out->outcome == STORE_ACCEPTED)
        return accept(s, j, now, e);
    if (out->outcome == STORE_TRY_AGAIN)
        return try_again(s, t, j, now, out, e);
    if (ask_unheard(s, t, j, now, &why.unsure, e) != 0)
        return -1;
    if (out->outcome == STORE_REFUSED)
        return fail(s, j, why, now, e);
    rc = store_unaccepted(s, j, &why, now, e);
    out->requeued = rc == 1;
    return rc < 0 ? -1 : 0;
}

int store_tried(struct store *s, const struct store_try *t, int64_t now, struct store_tried *out,
                struct err *e)
{
    struct job j;
    bool asked;
    int rc;

    assert(db_writing(s->db));
    *out = (struct store_tried){.outcome = t->outcome};
    if (store_receiver_tried(s, t, now, out, e) != 0)
        return -1;
    rc = still_called(s, t, now, &j, &asked, e);
    if (rc < 0)
        return -1;
    /* Whoever asked was told that it follows, so that it is no matter how many tries there were. */
    if (t->outcome == STORE_GIVE_UP && asked)
        out->outcome = STORE_TRY_AGAIN;
    out->written = rc == 1;
    if (rc == 1 && follow(s, t, &j, now, out, e) != 0)
        return -1;
    return write_down(s, t, out, e);
}
