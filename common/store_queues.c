/* SPDX-License-Identifier: MIT */
/* Queues as people see them. What is counted of a queue stands in its row; the jobs of an owner are
 * counted when he asks. */
#include "store_queues.h"

#include "store_inner.h"

/* In the order of QUEUE_COLUMNS in store_sql_queue.c. */
enum column { C_VERSION, C_PAUSED, C_JOBS };

static void read_row(struct db_stmt *row, struct store_queue *q)
{
    int status;

    q->version = db_i64(row, C_VERSION);
    q->paused = db_i64(row, C_PAUSED) != 0;
    for (status = 0; status < JOB_STATUSES; status++)
        q->jobs[status] = db_i64(row, C_JOBS + status);
}

/* ---- the oldest, and an owner's own ---- */

/* A number, 0 where there is none. */
static int ask(struct store *s, struct db_stmt *st, int64_t *v, struct err *e)
{
    int rc = db_step(s->db, st, e);

    *v = rc == 1 ? db_i64(st, 0) : 0;
    db_done(st);
    return rc < 0 ? -1 : 0;
}

static int ask_oldest(struct store *s, struct store_queue *q, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_OLDEST_OF_TYPE, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, q->type);
    return ask(s, st, &q->oldest, e);
}

static struct db_stmt *of_owner(struct store *s, enum store_sql_name name, struct str type,
                                struct str owner, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (st) {
        db_bind_str(st, 1, type);
        db_bind_str(st, 2, owner);
    }
    return st;
}

static int count_owner(struct store *s, struct store_queue *q, struct str owner, struct err *e)
{
    struct db_stmt *st = of_owner(s, SQL_OWNER_COUNTS, q->type, owner, e);
    int status;

    if (!st || db_step(s->db, st, e) < 0)
        return -1;
    for (status = 0; status < JOB_STATUSES; status++)
        q->jobs[status] += db_i64(st, status);
    db_done(st);
    return 0;
}

static int ask_owner_oldest(struct store *s, struct store_queue *q, struct str owner, struct err *e)
{
    struct db_stmt *st = of_owner(s, SQL_OWNER_OLDEST, q->type, owner, e);
    int64_t oldest;

    if (!st || ask(s, st, &oldest, e) != 0)
        return -1;
    if (oldest != 0 && (q->oldest == 0 || oldest < q->oldest))
        q->oldest = oldest;
    return 0;
}

/* The jobs of all owners of who asks, in place of those of the queue. */
static int count_own(struct store *s, struct store_queue *q, struct err *e)
{
    size_t i;

    memset(q->jobs, 0, sizeof q->jobs);
    for (i = 0; i < s->who->owners; i++) {
        if (count_owner(s, q, s->who->owner[i], e) != 0)
            return -1;
    }
    for (i = 0; i < s->who->owners && q->jobs[JOB_QUEUED] > 0; i++) {
        if (ask_owner_oldest(s, q, s->who->owner[i], e) != 0)
            return -1;
    }
    return 0;
}

/* ---- the source, and what was counted ---- */

/* How a source fares is for who sees everything; an owner learns that it can't be read. */
static void hide_source(struct store_queue *q)
{
    q->read_ns = q->pools = q->hosts = 0;
    q->about = (struct str){0};
    if (q->error.p)
        q->error = STR_LIT("the last try to read it failed");
}

static int ask_source(struct store *s, struct store_queue *q, struct err *e)
{
    struct db_stmt *st;
    int rc;

    if (q->conf->capacity == CONF_CAPACITY_NONE)
        return 0;
    st = db_use(s->db, SQL_QUEUE_SOURCE, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, q->conf->type);
    rc = db_step(s->db, st, e);
    if (rc != 1)
        return rc;
    q->tried = true;
    q->tried_at = db_i64(st, 0);
    q->read_ns = db_i64(st, 1);
    q->read_at = db_i64(st, 2);
    q->error = db_str(st, 3);
    q->about = db_str(st, 4);
    q->pools = db_i64(st, 5);
    q->hosts = db_i64(st, 6);
    if (!q->whole)
        hide_source(q);
    return 0;
}

static void read_stats(struct store *s, struct store_queue *q, int64_t now)
{
    struct stats_last_pass last;
    struct stats_queue entry;

    stats_queue(store_stats(s), q->type, now, &q->stats);
    if (!str_eq(q->type, q->conf->type)) { /* a pass looks at all types of "*" together */
        stats_queue(store_stats(s), q->conf->type, now, &entry);
        q->stats.last = entry.last;
    }
    if (q->whole)
        return;
    last = q->stats.last;
    q->stats = (struct stats_queue){.last = {.at = last.at, .ns = last.ns}};
}

/* `row`: of SQL_QUEUE_VIEW; NULL: the type has none. */
static int make(struct store *s, struct str type, struct db_stmt *row, int64_t now,
                struct store_queue *q, struct err *e)
{
    *q = (struct store_queue){
        .type = type, .conf = conf_queue(s->conf, type), .whole = s->who->everything};
    if (row)
        read_row(row, q);
    if (row && !q->whole && count_own(s, q, e) != 0)
        return -1;
    if (q->whole && q->jobs[JOB_QUEUED] > 0 && ask_oldest(s, q, e) != 0)
        return -1;
    read_stats(s, q, now);
    return ask_source(s, q, e);
}

/* ---- one, and all ---- */

int store_queue(struct store *s, struct str type, int64_t now, struct store_queue *q, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_QUEUE_VIEW, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    rc = db_step(s->db, st, e);
    if (rc < 0)
        return -1;
    rc = make(s, type, rc == 1 ? st : NULL, now, q, e);
    db_done(st);
    return rc;
}

/* The types of the configuration and those of the table, both in order, become one. */
struct walk {
    struct store *s;
    int64_t now;
    store_queue_fn *fn;
    void *ctx;
    size_t next;    /* of the configuration */
    struct buf at;  /* the last type of the table's */
    struct buf row; /* the one behind it; empty: there is none */
};

/* The type that the statement finds, if it comes before those that others have found. */
static int find_least(struct walk *w, struct db_stmt *st, struct err *e)
{
    int rc;

    db_bind_str(st, 1, buf_span(&w->at));
    rc = db_step(w->s->db, st, e);
    if (rc == 1 && (w->row.len == 0 || str_cmp(db_str(st, 0), buf_span(&w->row)) < 0)) {
        buf_reset(&w->row);
        buf_add(&w->row, db_str(st, 0).p, db_str(st, 0).n);
    }
    db_done(st);
    return rc < 0 ? -1 : buf_check(&w->row, "a type", e);
}

/* A type that only the table has is for those who have a job there. How many others have costs
 * nothing: each owner's own are sought one by one. */
static int next_row(struct walk *w, struct err *e)
{
    const struct who *who = w->s->who;
    struct db_stmt *st;
    size_t i;

    buf_reset(&w->row);
    for (i = 0; i < (who->everything ? 1 : who->owners); i++) {
        st = db_use(w->s->db, who->everything ? SQL_QUEUE_NEXT : SQL_OWNER_NEXT_TYPE, e);
        if (!st)
            return -1;
        if (!who->everything)
            db_bind_str(st, 2, who->owner[i]);
        if (find_least(w, st, e) != 0)
            return -1;
    }
    return 0;
}

/* The next of the configuration's own types; NULL: there are no more. "*", the last, is none. */
static const struct conf_queue *next_conf(const struct walk *w)
{
    const struct conf *conf = w->s->conf;

    return w->next + 1 < conf->queues ? &conf->queue[w->next] : NULL;
}

static int show(struct walk *w, struct str type, struct err *e)
{
    struct store_queue q;

    return store_queue(w->s, type, w->now, &q, e) != 0 ? -1 : w->fn(w->ctx, &q, e);
}

static int step(struct walk *w, struct err *e)
{
    const struct conf_queue *own = next_conf(w);
    struct str row = buf_span(&w->row);
    int order = !own ? 1 : row.n == 0 ? -1 : str_cmp(own->type, row);
    int rc = show(w, order <= 0 ? own->type : row, e);

    w->next += order <= 0;
    if (rc != 0 || order < 0)
        return rc;
    buf_reset(&w->at);
    buf_add(&w->at, row.p, row.n);
    return buf_check(&w->at, "a type", e) != 0 ? -1 : next_row(w, e);
}

int store_queues_after(struct store *s, struct str after, int64_t now, store_queue_fn *fn,
                       void *ctx, struct err *e)
{
    struct walk w = {.s = s,
                     .now = now,
                     .fn = fn,
                     .ctx = ctx,
                     .at = BUF_INIT(JOB_NAME_MAX),
                     .row = BUF_INIT(JOB_NAME_MAX)};
    const struct conf_queue *own;
    int rc;

    buf_add(&w.at, after.p, after.n);
    while (after.p && (own = next_conf(&w)) && str_cmp(own->type, after) <= 0)
        w.next++;
    rc = buf_check(&w.at, "a type", e) != 0 ? -1 : next_row(&w, e);
    while (rc == 0 && (w.row.len > 0 || next_conf(&w)))
        rc = step(&w, e);
    buf_free(&w.at);
    buf_free(&w.row);
    return rc < 0 ? -1 : 0;
}

int store_queues(struct store *s, int64_t now, store_queue_fn *fn, void *ctx, struct err *e)
{
    return store_queues_after(s, (struct str){0}, now, fn, ctx, e);
}
