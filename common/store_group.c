/* SPDX-License-Identifier: MIT */
/* Groups: joining one, and what is known at once about a new one (store_verdict.c). */
#include <assert.h>

#include "demand.h"
#include "store_inner.h"
#include "store_pass.h"

/* What is known at once about a group in which nobody waits yet. */
static int judge_shape(struct store *s, const struct store_key *k, struct store_membership *m,
                       struct err *e)
{
    struct demand *demand;
    int rc;

    if (demand_from_shape(k->shape, &demand, e) != 0)
        return -1;
    rc = store_verdict(s, conf_queue(s->conf, k->type), k->scope, demand, m, e);
    demand_free(demand);
    return rc;
}

static void bind_key(struct db_stmt *st, const struct store_key *k)
{
    db_bind_str(st, 1, k->type);
    db_bind_str(st, 2, k->scope);
    db_bind_str(st, 3, k->owner_id);
    db_bind_str(st, 4, k->shape);
}

static int add_group(struct store *s, const struct store_key *k, int64_t now,
                     struct store_membership *m, struct err *e)
{
    struct db_stmt *st;

    if (judge_shape(s, k, m, e) != 0)
        return -1;
    st = db_use_apart(s->db, SQL_GROUP_ADD, e);
    if (!st)
        return -1;
    bind_key(st, k);
    db_bind_str(st, 5, m->reason);
    db_bind_str(st, 6, m->message);
    db_bind_i64(st, 7, now);
    if (db_run(s->db, st, e) != 0)
        return -1;
    m->id = db_last_id(s->db);
    m->seq = 0;
    m->head_priority = INT64_MIN;
    return 0;
}

/* A group whose last job has left still says why that one waited: the first to come again is told
 * what is known now. */
static int refresh(struct store *s, const struct store_key *k, int64_t now,
                   struct store_membership *m, struct err *e)
{
    struct db_stmt *st = db_use_apart(s->db, SQL_GROUP_HEAD, e);
    struct str reason = m->reason, message = m->message;
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, m->id);
    rc = db_step(s->db, st, e);
    db_done(st);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    if (judge_shape(s, k, m, e) != 0)
        return -1;
    if (str_eq(m->reason, reason) && str_eq(m->message, message))
        return 0;
    m->seq++;
    return store_group_reason(s, m->id, m->reason, m->message, now, e);
}

int store_group_join(struct store *s, const struct store_key *k, int64_t now,
                     struct store_membership *m, struct err *e)
{
    struct db_stmt *st = db_use_apart(s->db, SQL_GROUP_FIND, e);
    int rc;

    assert(db_writing(s->db));
    if (!st)
        return -1;
    bind_key(st, k);
    rc = db_step(s->db, st, e);
    if (rc == 0)
        return add_group(s, k, now, m, e);
    if (rc < 0)
        return -1;
    *m = (struct store_membership){db_i64(st, 0), db_str(st, 1), db_str(st, 2), db_i64(st, 3),
                                   db_i64(st, 4)};
    return str_is(m->message, STORE_NOT_LOOKED_YET) ? 0 : refresh(s, k, now, m, e);
}

int store_asleep_message(struct store *s, int64_t not_before, struct str *message, struct err *e)
{
    struct clock_zone zone = {0};

    buf_reset(&s->text);
    buf_str(&s->text, "not before ");
    clock_write(&s->text, &zone, not_before);
    *message = buf_span(&s->text);
    return buf_check(&s->text, "a message", e);
}

int store_enqueue(struct store *s, int64_t id, const struct store_key *k, int64_t not_before,
                  int64_t now, struct err *e)
{
    struct store_membership m = {0};
    bool asleep = not_before > now;
    struct db_stmt *st;

    if ((asleep ? store_asleep_message(s, not_before, &m.message, e)
                : store_group_join(s, k, now, &m, e)) != 0)
        return -1;
    st = db_use(s->db, SQL_JOB_GROUP, e);
    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    if (asleep) {
        db_bind_str(st, 3, STR_LIT(JOB_REASON_NOT_BEFORE));
        db_bind_str(st, 4, m.message);
    } else {
        db_bind_i64(st, 2, m.id);
    }
    return db_run(s->db, st, e);
}

int store_enqueue_data(struct store *s, const struct job *j, int64_t now, struct err *e)
{
    struct store_key key = {j->type, j->scope, j->owner_id, {0}};
    struct json_doc *doc = NULL;
    struct demand *demand = NULL;
    struct buf shape = BUF_INIT(JOB_DATA_MAX);
    int rc = -1;

    if (json_in_parse(j->data, &doc, e) != 0) {
        e->code = e->code == ERR_INTERNAL ? ERR_INTERNAL : ERR_INVALID; /* the data, not a body */
        goto out;
    }
    if (demand_parse(conf_queue(s->conf, j->type)->rules, json_in_root(doc), &demand, e) != 0)
        goto out;
    demand_write_shape(demand, &shape);
    if (buf_check(&shape, "the demand", e) != 0)
        goto out;
    key.shape = buf_span(&shape);
    rc = store_enqueue(s, j->id, &key, j->not_before, now, e);
out:
    demand_free(demand);
    json_in_free(doc);
    buf_free(&shape);
    return rc;
}
