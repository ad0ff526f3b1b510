/* SPDX-License-Identifier: MIT */
/* Creating jobs. */
#include <assert.h>
#include <sys/statvfs.h>

#include "rights.h"
#include "store_inner.h"

#define ASK_EACH (NS_PER_S / 4)

/* Asked now and then: a new job is refused while there is still room for changes of state to be
 * written. */
static int check_space(struct store *s, struct err *e)
{
    int64_t now = clock_mono();
    struct statvfs fs;

    if (s->space_asked == 0 || now - s->space_asked > ASK_EACH) {
        s->space_asked = now;
        s->space_low = statvfs(s->path, &fs) == 0 &&
                       (double)fs.f_bavail * (double)fs.f_frsize < (double)s->conf->low_water;
    }
    if (s->space_low || db_low(s->db))
        return err_set(e, ERR_STORAGE_FULL,
                       "the disk of the database is nearly full: no new jobs until there is room");
    return 0;
}

static int read_queue(struct store *s, struct str type, struct store_queue_row *q, struct err *e)
{
    struct db_stmt *st;
    int rc;

    if (store_later_queue(s, type, q))
        return 0;
    st = db_use_apart(s->db, SQL_QUEUE_GET, e);
    if (!st)
        return -1;
    *q = (struct store_queue_row){INT64_MIN, 0, false};
    db_bind_str(st, 1, type);
    rc = db_step(s->db, st, e);
    if (rc == 1)
        *q = (struct store_queue_row){db_i64(st, 1), db_i64(st, 2), db_i64(st, 3) != 0};
    db_done(st);
    return rc < 0 ? -1 : 0;
}

static int check_queue(const struct store *s, const struct store_queue_row *q, struct err *e)
{
    if (q->waiting >= s->conf->max_queued)
        return err_set(e, ERR_TOO_MANY, "the queue is full: %lld jobs wait in it",
                       (long long)q->waiting);
    return 0;
}

int store_room_check(struct store *s, struct str type, struct str owner_id, struct err *e)
{
    struct store_queue_row q;

    return store_owner_check(s, owner_id, e) != 0 || read_queue(s, type, &q, e) != 0
               ? -1
               : check_queue(s, &q, e);
}

static int check_rights(struct store *s, const struct job_new *n, int64_t now, struct err *e)
{
    if (rights_create(s->who, conf_queue(s->conf, n->type)->rules, n, e) != 0)
        return -1;
    return n->has_priority ? store_order_own_new(s, n->type, n->priority, now, e) : 0;
}

static int refuse_request_id(struct str request_id, struct err *e)
{
    return err_at(e, ERR_DUPLICATE_REQUEST_ID, "/request_id",
                  "the request_id \"%.*s\" is taken in this queue", (int)request_id.n,
                  request_id.p);
}

static int refuse_callback(struct err *e)
{
    return err_at(e, ERR_DUPLICATE_CALLBACK, "/callback", "another job has this callback");
}

/* 1: another job has it; 0: none; -1 and *e. */
static int find_callback(struct store *s, struct str callback, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_CALLBACK_TAKEN, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, callback);
    rc = db_step(s->db, st, e);
    db_done(st);
    return rc;
}

/* Looks before it is written. In the order of refuse_duplicate. */
static int check_taken(struct store *s, const struct job_new *n, struct err *e)
{
    struct job other;
    int rc = store_row_find(s, n->type, n->request_id, &other, e);

    if (rc == 1)
        return refuse_request_id(n->request_id, e);
    if (rc == 0)
        rc = find_callback(s, n->callback, e);
    return rc == 1 ? refuse_callback(e) : rc;
}

/* Limits are for jobs that are new: of one that is there it is said that it is, or else a client
 * whose answer was lost would go on asking until there is room. */
static int check_limits(struct store *s, const struct job_new *n, const struct store_queue_row *q,
                        struct err *e)
{
    struct err taken;

    if (store_owner_check(s, n->owner_id, e) == 0 && check_queue(s, q, e) == 0 &&
        check_space(s, e) == 0)
        return 0;
    if ((e->code == ERR_TOO_MANY || e->code == ERR_STORAGE_FULL) && check_taken(s, n, &taken) != 0)
        *e = taken;
    return -1;
}

/* In the order of NEW_JOB_ROW (store_sql_job.c). */
void store_create_bind(struct db_stmt *st, size_t n, const struct store_new_row *r)
{
    enum { PARAMETERS = 18 };
    const struct job *j = &r->j;
    int i = (int)n * PARAMETERS;

    db_bind_str(st, ++i, j->type);
    db_bind_str(st, ++i, j->request_id);
    db_bind_str(st, ++i, j->owner_id);
    db_bind_str(st, ++i, j->data);
    db_bind_str(st, ++i, j->callback);
    db_bind_i64(st, ++i, j->priority);
    db_bind_i64(st, ++i, j->created_at);
    db_bind_i64(st, ++i, j->updated_at);
    db_bind_i64(st, ++i, j->queued_at);
    db_bind_str(st, ++i, j->scope);
    if (r->group != 0) {
        db_bind_i64(st, i + 1, r->group); /* the reason is the group's */
    } else {
        db_bind_str(st, i + 2, j->reason);
        db_bind_str(st, i + 3, j->message);
    }
    i += 3;
    db_bind_time(st, ++i, j->not_before);
    db_bind_time(st, ++i, j->valid_until);
    db_bind_str(st, ++i, r->receiver);
    db_bind_str(st, ++i, r->by);
    db_bind_str(st, ++i, r->request);
}

/* Says which of the two is taken. Of both, the request_id: a client that asks the same again then
 * learns that its job is there. Whatever else went wrong stays in *e. */
static int refuse_duplicate(struct store *s, const struct job *j, struct err *e)
{
    bool callback = db_broke_unique(s->db, "jobs.callback");
    bool request_id = db_broke_unique(s->db, "jobs.request_id");
    struct job other;
    int rc = callback ? store_row_find(s, j->type, j->request_id, &other, e) : 0;

    if (rc < 0)
        return -1;
    if (request_id || rc == 1)
        return refuse_request_id(j->request_id, e);
    return callback ? refuse_callback(e) : -1;
}

/* Writes it, and what it changes in the rows of its owner and its queue. */
static int add_now(struct store *s, struct store_new_row *r, int64_t given, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_ADD, e);

    if (!st)
        return -1;
    store_create_bind(st, 0, r);
    if (db_run(s->db, st, e) != 0)
        return refuse_duplicate(s, &r->j, e);
    r->j.id = db_last_id(s->db);
    return store_owner_touch(s, r->j.owner_id, 1, e) == 0
               ? store_touch_created(s, r->j.type, 1, given, e)
               : -1;
}

static struct store_new_row new_row(const struct store *s, const struct job_new *n, int64_t now)
{
    return (struct store_new_row){
        .j =
            {
                .created_at = now,
                .updated_at = now,
                .queued_at = now,
                .request_id = n->request_id,
                .type = n->type,
                .owner_id = n->owner_id,
                .data = n->data,
                .callback = n->callback,
                .status = JOB_QUEUED,
                .scope = n->scope,
                .not_before = n->not_before,
                .valid_until = n->valid_until,
                .version = 1,
            },
        .receiver = str_of(n->target.receiver),
        .by = s->who->name,
        .request = n->request,
    };
}

/* A job may come before the first of its group (schema/0007_heads.sql); also one that names no
 * priority, since the server's goes by the clock, and the first one's may be larger. */
static int pass_head(struct store *s, const struct store_new_row *r, struct err *e)
{
    struct db_stmt *st = db_use_apart(s->db, SQL_GROUP_PASSED, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, r->group);
    db_bind_i64(st, 2, r->j.priority);
    return db_run(s->db, st, e);
}

/* Puts the job to sleep, or into its group. */
static int place(struct store *s, const struct job_new *n, int64_t now, bool later,
                 struct store_new_row *r, struct err *e)
{
    struct store_key key = {n->type, n->scope, n->owner_id, n->shape};
    struct store_membership m = {.reason = STR_LIT(JOB_REASON_NOT_BEFORE),
                                 .head_priority = INT64_MIN};
    int rc;

    if (n->not_before > now)
        rc = store_asleep_message(s, n->not_before, &m.message, e);
    else
        rc = later ? store_later_join(s, &key, now, &m, e) : store_group_join(s, &key, now, &m, e);
    r->group = m.id;
    r->j.reason = m.reason;
    r->j.message = m.message;
    r->j.reason_seq = m.seq;
    return rc == 0 && r->j.priority < m.head_priority ? pass_head(s, r, e) : rc;
}

int store_create(struct store *s, const struct job_new *n, int64_t now, struct job *j,
                 struct err *e)
{
    struct store_new_row r = new_row(s, n, now);
    struct store_queue_row q;
    int64_t given;
    int later;

    assert(db_writing(s->db));
    later = store_later_ready(s, n, e);
    if (later < 0 || check_rights(s, n, now, e) != 0 || read_queue(s, n->type, &q, e) != 0 ||
        check_limits(s, n, &q, e) != 0)
        return -1;
    if (store_aggregate(s, conf_queue(s->conf, n->type), n->scope, &r.j.data, e) != 0)
        return -1;
    if ((n->has_priority
             ? store_order_at(s, n->type, 0, n->priority, now, &r.j.priority, e)
             : store_order_new(s, n->type, q.last_priority, now, &r.j.priority, e)) != 0)
        return -1;
    given = n->has_priority ? INT64_MIN : r.j.priority;
    if (place(s, n, now, later == 1, &r, e) != 0 ||
        (later == 1 ? store_later_add(s, &r, &q, given, e) : add_now(s, &r, given, e)) != 0)
        return -1;
    *j = r.j;
    store_row_paused(q.paused, j);
    store_count(s, STORE_CREATED, n->type, 0);
    return 0;
}
