/* SPDX-License-Identifier: MIT */
/*
 * What a transaction that creates jobs puts off (store_gather): their rows, which are then written
 * several at a time, and what they change in the rows of their queues and owners, which is written
 * once. With it goes what was read for it: the queues' rows, and the groups that jobs joined.
 *
 * Invariant: nobody sees a difference. Before any statement of the store is used that may look at
 * one of these rows, all that was put off is written, and all that was read is forgotten
 * (db_first); those for which this is not so say it where they are used (db_use_apart). An id is
 * given out before its row is written, and looked at again when it is.
 */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "store_inner.h"

enum {
    QUEUES = 16,
    KEPT = 32, /* owners, and groups */
    ROWS = 16, /* as many as one statement writes */
    TEXT = 256 << 10,
    MESSAGES = 16 << 10, /* the longest reason and message of a group, and more */
    SHY = 64             /* transactions in which nothing is put off after it went wrong */
};

struct queue {
    struct str type;
    struct store_queue_row row; /* as it is when all is written */
    int64_t created, given;
};

struct owner {
    struct str id;
    int64_t created;
};

struct group {
    struct store_key key;
    struct store_membership m;
};

struct store_later {
    bool on, failed;
    int shy;
    int64_t last_id; /* the newest job's; 0: not known */
    size_t queues, owners, groups, rows;
    struct queue queue[QUEUES];
    struct owner owner[KEPT];
    struct group group[KEPT];
    struct store_new_row row[ROWS];
    size_t used; /* of text, where all spans above point to */
    char text[TEXT];
};

void store_gather(struct store *s)
{
    struct store_later *l = s->later;

    assert(db_writing(s->db));
    if (!l) {
        l = s->later = malloc(sizeof *l);
        if (!l)
            return; /* then it goes without */
        l->on = l->failed = false;
        l->shy = 0;
        l->last_id = 0;
        l->queues = l->owners = l->groups = l->rows = l->used = 0;
    }
    if (l->shy > 0)
        l->shy--;
    else
        l->on = true;
}

static void forget(struct store *s)
{
    struct store_later *l = s->later;

    l->queues = l->owners = l->groups = l->rows = l->used = 0;
    l->last_id = 0;
    db_first(s->db, (struct db_first){0});
}

static int give_up(struct store *s)
{
    s->later->failed = true;
    s->later->shy = SHY;
    forget(s);
    return -1;
}

void store_later_drop(struct store *s)
{
    if (!s->later)
        return;
    forget(s);
    s->later->on = s->later->failed = false;
}

/* ---- what was put off is written ---- */

static int write_rows(struct store *s, struct err *e)
{
    static const struct {
        enum store_sql_name name;
        size_t rows;
    } size[] = {{SQL_JOB_ADD_16, ROWS}, {SQL_JOB_ADD_4, 4}, {SQL_JOB_ADD, 1}};
    struct store_later *l = s->later;
    int64_t before = db_written(s->db);
    size_t done, i, k = 0;

    for (done = 0; done < l->rows; done += size[k].rows) {
        struct db_stmt *st;

        while (size[k].rows > l->rows - done)
            k++;
        st = db_use_apart(s->db, size[k].name, e);
        if (!st)
            return -1;
        for (i = 0; i < size[k].rows; i++)
            store_create_bind(st, i, &l->row[done + i]);
        if (db_run(s->db, st, e) != 0)
            return -1;
        if (db_last_id(s->db) != l->row[done + size[k].rows - 1].j.id)
            return err_set(e, ERR_INTERNAL, "a new job got another id than was foreseen");
    }
    s->put_off -= db_written(s->db) - before;
    l->rows = 0;
    return 0;
}

/* The rows come first: a queue's row that is not there yet counts what is. */
static int write_all(struct store *s, struct err *e)
{
    struct store_later *l = s->later;
    int64_t before;
    size_t i;

    if (write_rows(s, e) != 0)
        return -1;
    before = db_written(s->db);
    for (i = 0; i < l->owners; i++) {
        if (store_owner_touch(s, l->owner[i].id, l->owner[i].created, e) != 0)
            return -1;
    }
    for (i = 0; i < l->queues; i++) {
        const struct queue *q = &l->queue[i];

        if (q->created > 0 && store_touch_created(s, q->type, q->created, q->given, e) != 0)
            return -1;
    }
    s->put_off -= db_written(s->db) - before;
    return 0;
}

int store_settle(struct store *s, struct err *e)
{
    if (!s->later)
        return 0;
    if (s->later->failed)
        return err_set(e, ERR_INTERNAL, "what was put off could not be written");
    db_first(s->db, (struct db_first){0});
    if (write_all(s, e) != 0)
        return give_up(s);
    forget(s);
    return 0;
}

bool store_gave_up(const struct store *s)
{
    return s->later && s->later->failed;
}

static int settle_first(void *ctx, struct err *e)
{
    return store_settle(ctx, e);
}

/* Something is put off, or was read. */
static void arm(struct store *s)
{
    db_first(s->db, (struct db_first){settle_first, s});
}

/* ---- what is put off ---- */

static struct str keep(struct store_later *l, struct str text)
{
    char *p = l->text + l->used;

    if (!text.p)
        return text;
    assert(text.n <= TEXT - l->used);
    memcpy(p, text.p, text.n);
    l->used += text.n;
    return (struct str){p, text.n};
}

int store_later_ready(struct store *s, const struct job_new *n, struct err *e)
{
    struct store_later *l = s->later;
    /* A name is kept for the job, its queue, owner and group. */
    size_t need = 4 * (n->type.n + n->scope.n + n->owner_id.n) + n->request_id.n + n->callback.n +
                  JOB_DATA_MAX + n->shape.n + s->who->name.n + n->request.n + sizeof n->target +
                  MESSAGES;

    if (!l || !l->on || need > TEXT)
        return 0;
    if ((l->queues == QUEUES || l->owners == KEPT || l->groups == KEPT || need > TEXT - l->used) &&
        store_settle(s, e) != 0)
        return -1;
    return 1;
}

static struct queue *find_queue(struct store_later *l, struct str type)
{
    size_t i;

    for (i = 0; l && i < l->queues; i++) {
        if (str_eq(l->queue[i].type, type))
            return &l->queue[i];
    }
    return NULL;
}

bool store_later_queue(const struct store *s, struct str type, struct store_queue_row *row)
{
    const struct queue *q = find_queue(s->later, type);

    if (q)
        *row = q->row;
    return q != NULL;
}

static struct owner *find_owner(struct store_later *l, struct str id)
{
    size_t i;

    for (i = 0; l && i < l->owners; i++) {
        if (str_eq(l->owner[i].id, id))
            return &l->owner[i];
    }
    return NULL;
}

int64_t store_later_owner(const struct store *s, struct str id)
{
    const struct owner *o = find_owner(s->later, id);

    return o ? o->created : 0;
}

int store_later_join(struct store *s, const struct store_key *k, int64_t now,
                     struct store_membership *m, struct err *e)
{
    struct store_later *l = s->later;
    struct group *g;
    size_t i;

    for (i = 0; i < l->groups; i++) {
        g = &l->group[i];
        if (str_eq(g->key.shape, k->shape) && str_eq(g->key.owner_id, k->owner_id) &&
            str_eq(g->key.scope, k->scope) && str_eq(g->key.type, k->type)) {
            *m = g->m;
            return 0;
        }
    }
    if (store_group_join(s, k, now, m, e) != 0)
        return -1;
    if (m->reason.n + m->message.n > MESSAGES)
        return 0;
    arm(s);
    m->reason = keep(l, m->reason);
    m->message = keep(l, m->message);
    l->group[l->groups++] = (struct group){
        {keep(l, k->type), keep(l, k->scope), keep(l, k->owner_id), keep(l, k->shape)}, *m};
    return 0;
}

/* The id that the next row will have. */
static int next_id(struct store *s, int64_t *id, struct err *e)
{
    struct store_later *l = s->later;
    struct db_stmt *st;

    if (l->last_id == 0) {
        st = db_use_apart(s->db, SQL_JOB_LAST_ID, e);
        if (!st || db_step(s->db, st, e) < 0)
            return -1;
        l->last_id = db_i64(st, 0);
        db_done(st);
    }
    *id = ++l->last_id;
    return 0;
}

static void keep_row(struct store_later *l, const struct store_new_row *row)
{
    struct store_new_row *r = &l->row[l->rows++];

    *r = *row;
    r->j.type = keep(l, row->j.type);
    r->j.request_id = keep(l, row->j.request_id);
    r->j.owner_id = keep(l, row->j.owner_id);
    r->j.data = keep(l, row->j.data);
    r->j.callback = keep(l, row->j.callback);
    r->j.scope = keep(l, row->j.scope);
    if (row->group == 0) {
        r->j.reason = keep(l, row->j.reason);
        r->j.message = keep(l, row->j.message);
    }
    r->receiver = keep(l, row->receiver);
    r->by = keep(l, row->by);
    r->request = keep(l, row->request);
}

int store_later_add(struct store *s, struct store_new_row *row, const struct store_queue_row *was,
                    int64_t given, struct err *e)
{
    struct store_later *l = s->later;
    struct queue *q = find_queue(l, row->j.type);
    struct owner *o = find_owner(l, row->j.owner_id);

    arm(s);
    if (next_id(s, &row->j.id, e) != 0)
        return give_up(s);
    keep_row(l, row);
    if (!q) {
        q = &l->queue[l->queues++];
        *q = (struct queue){.type = keep(l, row->j.type), .row = *was, .given = INT64_MIN};
    }
    if (!o) {
        o = &l->owner[l->owners++];
        *o = (struct owner){.id = keep(l, row->j.owner_id)};
    }
    o->created++;
    q->created++;
    q->row.waiting++;
    if (given > q->given)
        q->given = given;
    if (given > q->row.last_priority)
        q->row.last_priority = given;
    s->put_off++;
    return l->rows == ROWS && write_rows(s, e) != 0 ? give_up(s) : 0;
}
