/* SPDX-License-Identifier: MIT */
/* The history of starts that estimates are made of: a row for each lane and transaction, written
 * with the admissions; the newest are kept. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"
#include "store_inner.h"
#include "store_pass.h"
#include "store_wait.h"

enum { ROW_MAX = 64 << 10, NUMBERS = 4 };

/* ---- writing ---- */

static void write_totals(struct buf *b, const struct store_starts *starts)
{
    size_t i;

    for (i = 0; i < starts->totals && i < STORE_WAIT_RESOURCES_MAX; i++) {
        buf_i64(b, starts->total[i].total);
        buf_char(b, ' ');
        buf_add(b, starts->total[i].resource.p, starts->total[i].resource.n);
        buf_char(b, '\n');
    }
}

static void write_starts(struct buf *b, const struct store_starts *starts)
{
    size_t i;

    for (i = 0; i < starts->n; i++)
        buf_printf(b, "%lld %lld %lld %lld\n", (long long)starts->start[i].queued_at,
                   (long long)starts->start[i].priority, (long long)starts->start[i].share,
                   (long long)starts->start[i].jobs);
}

/* The statement, about a lane. */
static struct db_stmt *about(struct store *s, enum store_sql_name name, struct str queue,
                             int64_t lane, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (st) {
        db_bind_str(st, 1, queue);
        db_bind_i64(st, 2, lane);
    }
    return st;
}

/* The number of the lane's newest row; 0: it has none. -1. */
static int64_t newest(struct store *s, const struct store_starts *starts, struct err *e)
{
    struct db_stmt *st = about(s, SQL_STARTS_LAST, starts->queue, starts->lane, e);
    int64_t n;
    int rc = st ? db_step(s->db, st, e) : -1;

    if (rc < 0)
        return -1;
    n = rc == 1 ? db_i64(st, 0) : 0;
    db_done(st);
    return n;
}

static int add_row(struct store *s, const struct store_starts *starts, int64_t n, int64_t now,
                   struct err *e)
{
    struct buf totals = BUF_INIT(ROW_MAX), text = BUF_INIT(ROW_MAX);
    struct db_stmt *st = NULL;
    int rc = -1;

    write_totals(&totals, starts);
    write_starts(&text, starts);
    if (buf_check(&totals, "the totals of a lane", e) == 0 &&
        buf_check(&text, "the starts of a lane", e) == 0)
        st = about(s, SQL_STARTS_ADD, starts->queue, starts->lane, e);
    if (st) {
        db_bind_i64(st, 3, n);
        db_bind_i64(st, 4, now);
        db_bind_str(st, 5, totals.data ? buf_span(&totals) : STR_LIT(""));
        db_bind_str(st, 6, buf_span(&text));
        rc = db_run(s->db, st, e);
    }
    buf_free(&totals);
    buf_free(&text);
    return rc;
}

int store_starts_add(struct store *s, const struct store_starts *starts, int64_t now, struct err *e)
{
    int64_t n = newest(s, starts, e);
    struct db_stmt *st;

    assert(db_writing(s->db));
    if (n < 0 || add_row(s, starts, n + 1, now, e) != 0)
        return -1;
    if (n < STORE_STARTS_KEPT)
        return 0;
    st = about(s, SQL_STARTS_TRIM, starts->queue, starts->lane, e);
    if (!st)
        return -1;
    db_bind_i64(st, 3, n + 1 - STORE_STARTS_KEPT);
    return db_run(s->db, st, e);
}

int store_stood_since(struct store *s, int64_t id, int64_t *since, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_STARTS_SINCE, e);
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    rc = db_step(s->db, st, e);
    if (rc == 1) {
        *since = db_i64(st, 0);
        db_done(st);
    }
    return rc;
}

/* ---- reading ---- */

/* The text up to the next `end`, which goes with it. */
static struct str cut(struct str *text, char end)
{
    const char *at = memchr(text->p, end, text->n);
    struct str part = {text->p, at ? (size_t)(at - text->p) : text->n};
    size_t used = part.n + (at != NULL);

    *text = (struct str){text->p + used, text->n - used};
    return part;
}

/* "4 VCPU". What is not of this form is passed over: it is only for an estimate. */
static int take_total(struct str line, struct arena *arena, struct store_ahead *total,
                      struct err *e)
{
    struct str number = cut(&line, ' '), name;
    int64_t v;

    if (num_i64(number, 0, INT64_MAX, &v) != 0 || total->resources == STORE_WAIT_RESOURCES_MAX)
        return 0;
    if (arena_copy(arena, line, &name) != 0)
        return err_set(e, ERR_INTERNAL, "no memory to read the history of starts");
    total->resource[total->resources].resource = name;
    total->resource[total->resources++].amount = v;
    return 0;
}

int store_starts_totals(struct store *s, struct str queue, int64_t lane, struct store_ahead *total,
                        struct err *e)
{
    struct db_stmt *st = about(s, SQL_STARTS_LAST, queue, lane, e);
    struct str text;
    int rc = st ? db_step(s->db, st, e) : -1;

    *total = (struct store_ahead){0};
    if (rc != 1)
        return rc;
    for (text = db_str(st, 1); rc == 1 && text.n > 0;)
        rc = take_total(cut(&text, '\n'), s->wait, total, e) == 0 ? 1 : -1;
    db_done(st);
    return rc;
}

static bool read_start(struct str line, int64_t at, struct estimate_start *start)
{
    int64_t v[NUMBERS];
    int i;

    for (i = 0; i < NUMBERS; i++) {
        if (num_i64(cut(&line, ' '), INT64_MIN, INT64_MAX, &v[i]) != 0)
            return false;
    }
    *start = (struct estimate_start){
        .queued_at = v[0], .at = at, .priority = v[1], .share = v[2], .jobs = v[3]};
    return start->share > 0 && start->jobs > 0 && start->queued_at <= at;
}

int store_starts_read(struct store *s, struct str queue, int64_t lane, struct store_history *h,
                      struct err *e)
{
    struct db_stmt *st = about(s, SQL_STARTS_LIST, queue, lane, e);
    struct str text;
    int64_t n = 1;
    int rc;

    h->n = 0;
    if (!st)
        return -1;
    while ((rc = db_step(s->db, st, e)) == 1 && h->n < ESTIMATE_STARTS_MAX) {
        n = db_i64(st, 0);
        for (text = db_str(st, 2); text.n > 0 && h->n < ESTIMATE_STARTS_MAX;)
            h->n += read_start(cut(&text, '\n'), db_i64(st, 1), &h->start[h->n]);
    }
    h->all = rc == 0 && n == 1;
    db_done(st);
    return rc < 0 ? -1 : 0;
}
