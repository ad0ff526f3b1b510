/* SPDX-License-Identifier: MIT */
/* Creating jobs. */
#include <assert.h>
#include <sys/statvfs.h>

#include "rights.h"
#include "store_inner.h"

/* Asked once a second: a new job is refused while there is still room for changes of state to be
 * written. */
static int check_space(struct store *s, struct err *e)
{
    int64_t now = clock_mono();
    struct statvfs fs;

    if (s->space_asked == 0 || now - s->space_asked > NS_PER_S) {
        s->space_asked = now;
        s->space_low = statvfs(s->path, &fs) == 0 &&
                       (double)fs.f_bavail * (double)fs.f_frsize < (double)s->conf->low_water;
    }
    if (s->space_low)
        return err_set(e, ERR_STORAGE_FULL,
                       "the disk of the database is nearly full: no new jobs until there is room");
    return 0;
}

/* A queue's row: how many wait, the last priority that the server gave out, and does it admit? */
struct queue_row {
    int64_t last_priority, waiting;
    bool paused;
};

static int read_queue(struct store *s, struct str type, struct queue_row *q, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_QUEUE_GET, e);
    int rc;

    if (!st)
        return -1;
    *q = (struct queue_row){INT64_MIN, 0, false};
    db_bind_str(st, 1, type);
    rc = db_step(s->db, st, e);
    if (rc == 1)
        *q = (struct queue_row){db_i64(st, 1), db_i64(st, 2), db_i64(st, 3) != 0};
    db_done(st);
    return rc < 0 ? -1 : 0;
}

static int check_queue(const struct store *s, const struct queue_row *q, struct err *e)
{
    if (q->waiting >= s->conf->max_queued)
        return err_set(e, ERR_TOO_MANY, "the queue is full: %lld jobs wait in it",
                       (long long)q->waiting);
    return 0;
}

int store_room_check(struct store *s, struct str type, struct str owner_id, struct err *e)
{
    struct queue_row q;

    return store_owner_check(s, owner_id, e) != 0 || read_queue(s, type, &q, e) != 0
               ? -1
               : check_queue(s, &q, e);
}

static int check_limits(struct store *s, const struct job_new *n, const struct queue_row *q,
                        int64_t now, struct err *e)
{
    if (rights_create(s->who, conf_queue(s->conf, n->type)->rules, n, e) != 0 ||
        store_owner_check(s, n->owner_id, e) != 0)
        return -1;
    if (n->has_priority && store_order_own_new(s, n->type, n->priority, now, e) != 0)
        return -1;
    return check_queue(s, q, e) == 0 ? check_space(s, e) : -1;
}

static void bind_job(struct db_stmt *st, const struct job *j, int64_t group, const char *receiver,
                     struct str by)
{
    db_bind_str(st, 1, j->type);
    db_bind_str(st, 2, j->request_id);
    db_bind_str(st, 3, j->owner_id);
    db_bind_str(st, 4, j->data);
    db_bind_str(st, 5, j->callback);
    db_bind_i64(st, 6, j->priority);
    db_bind_i64(st, 7, j->created_at);
    db_bind_str(st, 8, j->scope);
    if (group != 0) {
        db_bind_i64(st, 9, group); /* the reason is the group's */
    } else {
        db_bind_str(st, 10, j->reason);
        db_bind_str(st, 11, j->message);
    }
    db_bind_time(st, 12, j->not_before);
    db_bind_time(st, 13, j->valid_until);
    db_bind_str(st, 14, str_of(receiver));
    db_bind_str(st, 15, by);
}

/* Says which of the two is taken. Of both, the request_id: a client that asks the same again then
 * learns that its job is there. Whatever else went wrong stays in *e. */
static int refuse_duplicate(struct store *s, const struct job *j, struct err *e)
{
    bool callback = db_broke_unique(s->db, "jobs.callback");
    struct err ignored;
    struct job other;

    if (db_broke_unique(s->db, "jobs.request_id") ||
        (callback && store_row_find(s, j->type, j->request_id, &other, &ignored) == 1))
        return err_at(e, ERR_DUPLICATE_REQUEST_ID, "/request_id",
                      "the request_id \"%.*s\" is taken in this queue", (int)j->request_id.n,
                      j->request_id.p);
    if (callback)
        return err_at(e, ERR_DUPLICATE_CALLBACK, "/callback", "another job has this callback");
    return -1;
}

static int add_job(struct store *s, struct job *j, int64_t group, const char *receiver,
                   struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_ADD, e);

    if (!st)
        return -1;
    bind_job(st, j, group, receiver, s->who->name);
    if (db_run(s->db, st, e) != 0)
        return refuse_duplicate(s, j, e);
    j->id = db_last_id(s->db);
    return 0;
}

int store_create(struct store *s, const struct job_new *n, int64_t now, struct job *j,
                 struct err *e)
{
    struct store_key key = {n->type, n->scope, n->owner_id, n->shape};
    struct store_membership m = {0};
    struct queue_row q;

    assert(db_writing(s->db));
    *j = (struct job){
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
    };
    if (read_queue(s, n->type, &q, e) != 0 || check_limits(s, n, &q, now, e) != 0)
        return -1;
    if (store_aggregate(s, conf_queue(s->conf, n->type), n->scope, &j->data, e) != 0)
        return -1;
    if ((n->has_priority ? store_order_at(s, n->type, 0, n->priority, now, &j->priority, e)
                         : store_order_new(s, n->type, q.last_priority, now, &j->priority, e)) != 0)
        return -1;
    if (n->not_before > now)
        m = (struct store_membership){0, STR_LIT(JOB_REASON_NOT_BEFORE),
                                      store_asleep_message(s, n->not_before), 0};
    else if (store_group_join(s, &key, &m, e) != 0)
        return -1;
    j->reason = m.reason;
    j->message = m.message;
    j->reason_seq = m.seq;
    if (add_job(s, j, m.id, n->target.receiver, e) != 0)
        return -1;
    store_row_paused(q.paused, j);
    if (store_owner_touch(s, n->owner_id, 1, e) != 0)
        return -1;
    return store_touch_queue(s, n->type, 1, n->has_priority ? INT64_MIN : j->priority, e);
}
