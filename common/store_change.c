/* SPDX-License-Identifier: MIT */
/* Changing jobs: by clients, and the one way in which a state changes. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "rights.h"
#include "store_history.h"
#include "store_inner.h"

static bool waits(enum job_status s)
{
    return s == JOB_QUEUED || s == JOB_HELD;
}

static bool is_over(enum job_status s)
{
    return s >= JOB_FINISHED;
}

/* A statement about one job: ?1 is its id. */
static struct db_stmt *about(struct store *s, enum store_sql_name name, int64_t id, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (st)
        db_bind_i64(st, 1, id);
    return st;
}

static int set_time(struct store *s, enum store_sql_name name, int64_t id, int64_t v, struct err *e)
{
    struct db_stmt *st = about(s, name, id, e);

    if (!st)
        return -1;
    db_bind_time(st, 2, v);
    return db_run(s->db, st, e);
}

static int end_job(struct store *s, int64_t id, const struct store_step *step, int64_t now,
                   struct err *e)
{
    struct db_stmt *st = about(s, SQL_JOB_OVER, id, e);

    if (!st)
        return -1;
    db_bind_str(st, 2, str_of(job_status_word(step->to)));
    db_bind_str(st, 3, step->reason);
    db_bind_str(st, 4, step->message);
    db_bind_i64(st, 5, now);
    return db_run(s->db, st, e);
}

/* A job that comes back after it could not be used keeps its wait; one that was kept out or had
 * failed begins to wait now. */
static int queue_again(struct store *s, const struct job *j, int64_t now, struct err *e)
{
    bool anew = j->status == JOB_HELD || j->status == JOB_FAILED;

    if (set_time(s, SQL_JOB_QUEUED, j->id, anew ? now : 0, e) != 0)
        return -1;
    return store_enqueue_data(s, j, now, e);
}

static int note_step(struct store *s, const struct job *j, const struct store_step *step,
                     int64_t now, struct err *e)
{
    struct store_event ev = {.event = STR_LIT("status"),
                             .from_status = str_of(job_status_word(j->status)),
                             .to_status = str_of(job_status_word(step->to)),
                             .message = step->message.p ? step->message : step->reason};

    return store_note(s, j->id, &ev, now, e);
}

int store_become(struct store *s, const struct job *j, const struct store_step *step, int64_t now,
                 struct err *e)
{
    int rc;

    assert(db_writing(s->db));
    if (step->to == JOB_QUEUED)
        rc = queue_again(s, j, now, e);
    else if (step->to == JOB_HELD)
        rc = set_time(s, SQL_JOB_HELD, j->id, 0, e);
    else if (step->to == JOB_RUNNING)
        rc = set_time(s, SQL_JOB_RUNNING, j->id, now, e);
    else
        rc = end_job(s, j->id, step, now, e);
    if (rc == 0)
        rc = store_hold_follow(s, j, step, now, e);
    if (rc == 0)
        rc = store_owner_touch(s, j->owner_id, waits(step->to) - waits(j->status), e);
    if (rc == 0)
        rc = store_touch_queue(s, j->type, (struct store_way){j->status, step->to}, INT64_MIN, e);
    return rc == 0 ? note_step(s, j, step, now, e) : rc;
}

int store_check_match(const struct job *j, const struct store_match *m, struct err *e)
{
    size_t i;

    if (!m->given || m->any)
        return 0;
    for (i = 0; i < m->n; i++) {
        if (m->tag[i].id == j->id && m->tag[i].version == j->version)
            return 0;
    }
    return err_set(e, ERR_PRECONDITION_FAILED,
                   "the job has changed: If-Match names another version of it");
}

static int check_change(const struct job *j, const struct job_change *c, struct err *e)
{
    int64_t from = c->has_not_before ? c->not_before : j->not_before;
    int64_t until = c->has_valid_until ? c->valid_until : j->valid_until;
    bool only_waiting = c->callback.p || c->has_data || c->has_not_before || c->has_valid_until;

    if (c->has_status && !job_may_become(j->status, c->status, JOB_BY_CLIENT))
        return err_at(e, ERR_INVALID_TRANSITION, "/status", "a job that is %s cannot become %s",
                      job_status_word(j->status), job_status_word(c->status));
    if (only_waiting && !waits(j->status))
        return err_set(e, ERR_NOT_WAITING,
                       "callback, data, not_before and valid_until can change only while the job "
                       "waits; it is %s",
                       job_status_word(j->status));
    if ((c->has_not_before || c->has_valid_until) && until != 0 && until <= from)
        return err_at(e, ERR_INVALID, c->has_valid_until ? "/valid_until" : "/not_before",
                      "valid_until must be later than not_before");
    return 0;
}

/* What has failed may be tried again as far as one more may wait: else it would be a way round the
 * limits. What is handed back goes back always, since what it holds must be freed. */
static int check_room(struct store *s, const struct job *j, const struct job_change *c,
                      struct err *e)
{
    bool again = c->has_status && c->status == JOB_QUEUED && j->status == JOB_FAILED;

    return again ? store_room_check(s, j->type, j->owner_id, e) : 0;
}

static int change_callback(struct store *s, const struct job *j, const struct job_change *c,
                           struct err *e)
{
    struct db_stmt *st;

    if (!c->callback.p)
        return 0;
    st = about(s, SQL_JOB_CALLBACK, j->id, e);
    if (!st)
        return -1;
    db_bind_str(st, 2, c->callback);
    db_bind_str(st, 3, str_of(c->target.receiver));
    if (db_run(s->db, st, e) == 0)
        return 0;
    if (db_broke_unique(s->db, "jobs.callback"))
        return err_at(e, ERR_DUPLICATE_CALLBACK, "/callback", "another job has this callback");
    return -1;
}

static int change_data(struct store *s, struct job *j, const struct job_change *c, struct err *e)
{
    struct db_stmt *st;

    if (!c->has_data)
        return 0;
    j->data = c->data;
    j->scope = c->scope;
    if (store_aggregate(s, conf_queue(s->conf, j->type), j->scope, &j->data, e) != 0)
        return -1;
    st = about(s, SQL_JOB_DATA, j->id, e);
    if (!st)
        return -1;
    db_bind_str(st, 2, j->data);
    db_bind_str(st, 3, j->scope);
    return db_run(s->db, st, e);
}

static int change_not_before(struct store *s, struct job *j, const struct job_change *c,
                             int64_t now, struct err *e)
{
    struct db_stmt *st;

    if (!c->has_not_before)
        return 0;
    j->not_before = c->not_before;
    st = about(s, SQL_JOB_NOT_BEFORE, j->id, e);
    if (!st)
        return -1;
    db_bind_time(st, 2, c->not_before);
    db_bind_i64(st, 3, now);
    return db_run(s->db, st, e);
}

/* The names of the bare members that a change sets, joined; none: the empty text. */
static void name_members(const struct job_change *c, char names[64])
{
    const struct {
        bool set;
        const char *name;
    } member[] = {
        {c->has_data, "data"},
        {c->callback.p != NULL, "callback"},
        {c->has_not_before, "not_before"},
        {c->has_valid_until, "valid_until"},
    };
    size_t i, n = 0;

    names[0] = '\0';
    for (i = 0; i < ARRAY_LEN(member); i++) {
        if (member[i].set)
            n += (size_t)snprintf(names + n, 64 - n, "%s%s", n ? ", " : "", member[i].name);
    }
}

static int note_members(struct store *s, const struct job *j, const struct job_change *c,
                        int64_t now, struct err *e)
{
    char names[64];
    struct store_event ev = {.event = STR_LIT("changed")};

    name_members(c, names);
    ev.message = str_of(names);
    return ev.message.n > 0 ? store_note(s, j->id, &ev, now, e) : 0;
}

/* The bare members, then the state, which reads data, scope and not_before as they are after the
 * change. */
static int change_members(struct store *s, struct job *j, const struct job_change *c, int64_t now,
                          struct err *e)
{
    struct store_step step = {.to = c->has_status ? c->status : j->status};

    if (change_callback(s, j, c, e) != 0 || change_data(s, j, c, e) != 0 ||
        change_not_before(s, j, c, now, e) != 0)
        return -1;
    if (c->has_valid_until && set_time(s, SQL_JOB_VALID_UNTIL, j->id, c->valid_until, e) != 0)
        return -1;
    if (note_members(s, j, c, now, e) != 0)
        return -1;
    if (c->has_status)
        return store_become(s, j, &step, now, e);
    if (j->status == JOB_QUEUED && (c->has_data || c->has_not_before))
        return store_enqueue_data(s, j, now, e);
    return 0;
}

static int note_order(struct store *s, const struct job *j, int64_t priority, int64_t now,
                      struct err *e)
{
    struct store_event ev = {.event = STR_LIT("order"),
                             .has_priority = true,
                             .from_priority = j->priority,
                             .to_priority = priority};

    return priority != j->priority ? store_note(s, j->id, &ev, now, e) : 0;
}

static int change_order(struct store *s, const struct job *j, const struct job_change *c,
                        int64_t now, struct err *e)
{
    int64_t priority = j->priority;
    struct db_stmt *st;
    int rc;

    if (!c->has_priority && c->move == JOB_STAY)
        return 0;
    if (c->has_priority && store_order_own_far(s, j->type, c->priority, now, e) != 0)
        return -1;
    rc = c->has_priority ? store_order_at(s, j->type, j->id, c->priority, now, &priority, e)
                         : store_order_move(s, j, c, now, &priority, e);
    st = rc == 0 ? about(s, SQL_JOB_PRIORITY, j->id, e) : NULL;
    if (!st)
        return -1;
    db_bind_i64(st, 2, priority);
    if (db_run(s->db, st, e) != 0 || note_order(s, j, priority, now, e) != 0)
        return -1;
    /* The end of the line is the server's choice: later jobs come after it, where there are numbers
     * for them. An owner's job stands there right behind the last one, as they would, unless that
     * one has a larger priority than the clock gives. */
    return c->move == JOB_TO_BACK && s->who->everything && priority <= STORE_GIVEN_MAX
               ? store_touch_queue(s, j->type, STORE_STAYS, priority, e)
               : 0;
}

/* Reads the job and keeps its text in `keep`, since the statement that it stands in may be used
 * again. */
static int load(struct store *s, struct str type, struct str request_id,
                const struct store_match *match, struct buf *keep, struct job *j, struct err *e)
{
    size_t data, scope;

    if (store_show(s, type, request_id, j, e) != 0 || store_check_match(j, match, e) != 0)
        return -1;
    data = j->data.n;
    scope = j->scope.n;
    buf_add(keep, j->data.p, data);
    buf_add(keep, j->scope.p, scope);
    buf_add(keep, j->owner_id.p, j->owner_id.n);
    if (buf_check(keep, "the job", e) != 0)
        return -1;
    j->data = (struct str){keep->data, data};
    j->scope = (struct str){keep->data + data, scope};
    j->owner_id = (struct str){keep->data + data + scope, keep->len - data - scope};
    j->type = type;
    j->request_id = request_id;
    return 0;
}

int store_change(struct store *s, struct str type, struct str request_id,
                 const struct job_change *c, const struct store_match *match, int64_t now,
                 struct err *e)
{
    struct buf keep = BUF_INIT(2 * JOB_DATA_MAX);
    struct job j;
    int rc = -1;

    assert(db_writing(s->db));
    if (load(s, type, request_id, match, &keep, &j, e) != 0 ||
        rights_change(s->who, conf_queue(s->conf, type)->rules, &j, c, e) != 0 ||
        check_change(&j, c, e) != 0 || check_room(s, &j, c, e) != 0)
        goto out;
    if (change_order(s, &j, c, now, e) != 0 || change_members(s, &j, c, now, e) != 0)
        goto out;
    if (store_touch_job(s, j.id, now, e) != 0)
        goto out;
    rc = store_touch_queue(s, type, STORE_STAYS, INT64_MIN, e);
out:
    buf_free(&keep);
    return rc;
}

int store_delete(struct store *s, struct str type, struct str request_id,
                 const struct store_match *match, int64_t now, struct err *e)
{
    struct buf keep = BUF_INIT(2 * JOB_DATA_MAX);
    struct store_step cancel = {.to = JOB_CANCELLED};
    struct store_way gone = {.to = STORE_NOWHERE};
    struct job j;
    int rc;

    assert(db_writing(s->db));
    rc = load(s, type, request_id, match, &keep, &j, e);
    if (rc == 0 && !is_over(j.status))
        rc = store_become(s, &j, &cancel, now, e);
    gone.from = rc == 0 && is_over(j.status) ? (int)j.status : JOB_CANCELLED;
    if (rc == 0)
        rc = set_time(s, SQL_JOB_DELETE, j.id, now, e);
    if (rc == 0)
        rc = store_note(s, j.id, &(struct store_event){.event = STR_LIT("deleted")}, now, e);
    if (rc == 0)
        rc = store_touch_job(s, j.id, now, e);
    if (rc == 0)
        rc = store_touch_queue(s, type, gone, INT64_MIN, e);
    buf_free(&keep);
    return rc;
}
