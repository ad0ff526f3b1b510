/* SPDX-License-Identifier: MIT */
/* Rows of jobs, showing and listing them, and the marks that every change leaves. */
#include <assert.h>

#include "num.h"
#include "store_inner.h"

/* In the order of JOB_COLUMNS in store_sql_inner.h. */
enum column {
    C_ID,
    C_CREATED_AT,
    C_UPDATED_AT,
    C_DELETED_AT,
    C_REQUEST_ID,
    C_TYPE,
    C_OWNER_ID,
    C_DATA,
    C_CALLBACK,
    C_PRIORITY,
    C_STATUS,
    C_REASON,
    C_MESSAGE,
    C_NOT_BEFORE,
    C_VALID_UNTIL,
    C_ADMITTED_AT,
    C_STARTED_AT,
    C_FINISHED_AT,
    C_HOSTS,
    C_QUEUED_AT,
    C_PAUSED,
    C_VERSION,
    C_REASON_SEQ,
    C_SCOPE,
    COLUMNS
};
_Static_assert((int)COLUMNS == STORE_JOB_COLUMNS, "what stands behind a job is found");

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "no memory to read a job");
}

static int read_members(struct db_stmt *st, struct job *j, struct err *e)
{
    *j = (struct job){
        .id = db_i64(st, C_ID),
        .created_at = db_i64(st, C_CREATED_AT),
        .updated_at = db_i64(st, C_UPDATED_AT),
        .deleted_at = db_i64(st, C_DELETED_AT),
        .request_id = db_str(st, C_REQUEST_ID),
        .type = db_str(st, C_TYPE),
        .owner_id = db_str(st, C_OWNER_ID),
        .data = db_str(st, C_DATA),
        .callback = db_str(st, C_CALLBACK),
        .priority = db_i64(st, C_PRIORITY),
        .reason = db_str(st, C_REASON),
        .message = db_str(st, C_MESSAGE),
        .not_before = db_i64(st, C_NOT_BEFORE),
        .valid_until = db_i64(st, C_VALID_UNTIL),
        .admitted_at = db_i64(st, C_ADMITTED_AT),
        .started_at = db_i64(st, C_STARTED_AT),
        .finished_at = db_i64(st, C_FINISHED_AT),
        .hosts = db_str(st, C_HOSTS),
        .queued_at = db_i64(st, C_QUEUED_AT),
    };
    /* NULL text where the table has NOT NULL: memory ran out in SQLite. */
    if (!j->request_id.p || !j->type.p || !j->owner_id.p || !j->data.p || !j->callback.p)
        return no_memory(e);
    if (job_status_parse(db_str(st, C_STATUS), &j->status) != 0)
        return err_set(e, ERR_INTERNAL, "job %lld has an unknown status", (long long)j->id);
    return 0;
}

int store_row_job(struct db_stmt *st, struct job *j, struct err *e)
{
    if (read_members(st, j, e) != 0)
        return -1;
    j->version = db_i64(st, C_VERSION);
    j->reason_seq = db_i64(st, C_REASON_SEQ);
    j->scope = db_str(st, C_SCOPE);
    return j->scope.p ? 0 : no_memory(e);
}

void store_row_paused(bool paused, struct job *j)
{
    if (!paused || j->status != JOB_QUEUED || str_is(j->reason, JOB_REASON_NOT_BEFORE))
        return;
    j->reason = STR_LIT(JOB_REASON_PAUSED);
    j->message = STR_LIT(STORE_PAUSED);
    j->reason_seq = INT64_MAX;
}

/* The source's own words name programs, addresses and accounts of the operator's. */
static void hide_error(struct job *j)
{
    const char *colon;

    if (!str_is(j->reason, JOB_REASON_SOURCE) || !j->message.n)
        return;
    colon = memchr(j->message.p, ':', j->message.n);
    if (colon)
        j->message.n = (size_t)(colon - j->message.p);
}

static void show(const struct store *s, struct db_stmt *st, struct job *j)
{
    if (!s->who->everything)
        hide_error(j);
    store_row_paused(db_i64(st, C_PAUSED) != 0, j);
}

int store_row_listed(const struct store *s, struct db_stmt *st, struct job *j, struct err *e)
{
    if (read_members(st, j, e) != 0)
        return -1;
    show(s, st, j);
    return 0;
}

/* The same, and what the job's tag is made of. */
static int row_shown(const struct store *s, struct db_stmt *st, struct job *j, struct err *e)
{
    if (store_row_job(st, j, e) != 0)
        return -1;
    show(s, st, j);
    return 0;
}

int store_row_find(struct store *s, struct str type, struct str request_id, struct job *j,
                   struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_SHOW, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_str(st, 2, request_id);
    rc = db_step(s->db, st, e);
    return rc == 1 && row_shown(s, st, j, e) != 0 ? -1 : rc;
}

int store_show(struct store *s, struct str type, struct str request_id, struct job *j,
               struct err *e)
{
    int rc = store_row_find(s, type, request_id, j, e);

    if (rc < 0)
        return -1;
    /* Another's job is read like one's own, and answered like one that is not there. */
    if (rc == 0 || !who_sees(s->who, j->owner_id))
        return err_set(e, ERR_NOT_FOUND, "there is no such job");
    return 0;
}

/* The statements of a list: by whether it is one owner's, and whether it is the rest of one
 * priority or all behind it. */
static const enum store_sql_name list_sql[2][2] = {
    {SQL_LIST, SQL_LIST_SAME},
    {SQL_LIST_OWNER, SQL_LIST_OWNER_SAME},
};

void store_row_bind_statuses(struct db_stmt *st, unsigned statuses)
{
    int bit, index = 4;
    enum job_status one = JOB_QUEUED;

    if (statuses == 0)
        return; /* all of them */
    for (bit = 0; bit < JOB_STATUSES; bit++) {
        if (statuses & (1U << bit)) {
            one = (enum job_status)bit;
            db_bind_str(st, index++, str_of(job_status_word(one)));
        }
    }
    while (index < 4 + JOB_STATUSES)
        db_bind_str(st, index++, str_of(job_status_word(one)));
}

static int open_list(struct store *s, bool same, int64_t priority, struct err *e)
{
    const struct store_filter *f = &s->filter;
    bool owner = f->owner_id.p != NULL;
    struct db_stmt *st = db_use(s->db, list_sql[owner][same], e);

    if (!st)
        return -1;
    db_bind_str(st, 1, f->type);
    db_bind_i64(st, 2, priority);
    if (same)
        db_bind_i64(st, 3, f->after.id);
    store_row_bind_statuses(st, f->statuses);
    if (owner)
        db_bind_str(st, 12, f->owner_id);
    s->list = st;
    return 0;
}

int store_list_begin(struct store *s, const struct store_filter *f, struct err *e)
{
    const struct who *w = s->who;

    assert(!s->list && !s->merge);
    s->filter = *f;
    if (!w->everything && (f->owner_id.p ? !who_sees(w, f->owner_id) : w->owners != 1))
        return store_merge_begin(s, f->owner_id.p ? 0 : w->owners, e);
    if (!w->everything)
        s->filter.owner_id = f->owner_id.p ? f->owner_id : w->owner[0];
    return open_list(s, f->has_after, f->has_after ? f->after.priority : -NUM_SAFE_MAX - 1, e);
}

int store_list_next(struct store *s, struct job *j, struct err *e)
{
    int rc;

    if (s->merge)
        return store_merge_next(s, j, e);
    rc = db_step(s->db, s->list, e);
    if (rc == 0 && s->filter.has_after) {
        /* The rest of the cursor's priority is done: go on with all behind it. */
        s->filter.has_after = false;
        if (open_list(s, false, s->filter.after.priority, e) != 0)
            return -1;
        rc = db_step(s->db, s->list, e);
    }
    if (rc == 1 && store_row_listed(s, s->list, j, e) != 0)
        return -1;
    return rc;
}

void store_list_end(struct store *s)
{
    if (s->list)
        db_done(s->list);
    s->list = NULL;
    store_merge_end(s);
}

/* ---- the marks that a change leaves on its queue ---- */

static int touch(struct store *s, struct str type, int64_t given, int64_t created, struct err *e)
{
    struct db_stmt *st = db_use(s->db, created > 0 ? SQL_QUEUE_CREATED : SQL_QUEUE_TOUCH, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_i64(st, 2, given);
    if (created > 0)
        db_bind_i64(st, 3, created);
    return db_run(s->db, st, e);
}

static int count_way(struct store *s, struct str type, struct store_way job, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_QUEUE_COUNT, e);
    int status;

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    for (status = 0; status < JOB_STATUSES; status++)
        db_bind_i64(st, 2 + status, (job.to == status) - (job.from == status));
    return db_run(s->db, st, e);
}

/* A queue that begins anew after it was forgotten does not begin at a version that it had before.
 * It counts what is there, the job that has changed among it. */
static int add_queue(struct store *s, struct str type, int64_t given, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_QUEUE_ADD, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_i64(st, 2, clock_now());
    db_bind_i64(st, 3, given);
    return db_run(s->db, st, e);
}

/* Not one upsert: a CHECK looks at the row that would be inserted, also when it is then an
 * update. */
int store_touch_created(struct store *s, struct str type, int64_t jobs, int64_t given,
                        struct err *e)
{
    assert(db_writing(s->db) && jobs > 0);
    if (touch(s, type, given, jobs, e) != 0)
        return -1;
    return db_changes(s->db) > 0 ? 0 : add_queue(s, type, given, e);
}

/* Only what stays where it is brings a priority along. A new job is store_touch_created's. */
int store_touch_queue(struct store *s, struct str type, struct store_way job, int64_t given,
                      struct err *e)
{
    int rc;

    assert(db_writing(s->db) && (job.from == job.to || given == INT64_MIN));
    assert(job.from != STORE_NOWHERE || job.to != JOB_QUEUED);
    rc = job.from == job.to ? touch(s, type, given, 0, e) : count_way(s, type, job, e);
    if (rc != 0)
        return -1;
    return db_changes(s->db) > 0 ? 0 : add_queue(s, type, given, e);
}

int store_touch_job(struct store *s, int64_t id, int64_t now, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_TOUCH, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    db_bind_i64(st, 2, now);
    return db_run(s->db, st, e);
}
