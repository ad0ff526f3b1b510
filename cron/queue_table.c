/* SPDX-License-Identifier: MIT */
/* Queues at a glance. */
#include "queue_table.h"

#include "ago.h"
#include "clock.h"

/* `wide`: only where there is room for all. */
static const struct {
    struct table_column column;
    bool wide;
} columns[] = {
    {{"TYPE", TABLE_TEXT, true}, false},        {{"QUEUED", TABLE_NUMBER, false}, false},
    {{"HELD", TABLE_NUMBER, false}, true},      {{"ADMITTED", TABLE_NUMBER, false}, false},
    {{"RUNNING", TABLE_NUMBER, false}, false},  {{"OVER", TABLE_NUMBER, false}, true},
    {{"OLDEST", TABLE_NUMBER, false}, false},   {{"LAST HOUR", TABLE_NUMBER, false}, true},
    {{"LAST PASS", TABLE_NUMBER, false}, true}, {{"SOURCE", TABLE_TEXT, false}, true},
    {{"STATE", TABLE_TEXT, true}, false},
};

enum { WIDTH_OF_ALL = 110 };

struct print {
    struct table *t;
    bool wide;
    int64_t now, most;
    struct queue_sums *sums;
};

static void put_count(struct table *t, enum table_tone tone, int64_t n)
{
    table_number(t, n > 0 ? tone : TABLE_FAINT, n);
}

static void put_ago(struct table *t, int64_t now, int64_t at)
{
    struct buf b = BUF_INIT(64);

    if (at != 0)
        ago_span(&b, now - at);
    else
        buf_char(&b, '-');
    table_buf(t, TABLE_PLAIN, &b);
    buf_free(&b);
}

static void put_read(const struct print *p, const struct store_queue *q)
{
    struct buf b = BUF_INIT(64);

    buf_str(&b, "read ");
    ago_write(&b, p->now, q->read_at);
    table_buf(p->t, TABLE_GOOD, &b);
    buf_free(&b);
}

/* What an operator should know of it first. */
static void put_state(const struct print *p, const struct store_queue *q)
{
    if (q->paused) {
        table_text(p->t, TABLE_BUSY, STR_LIT("paused"));
    } else if (q->error.p) {
        table_text(p->t, TABLE_BAD, q->error);
    } else if (q->conf->capacity == CONF_CAPACITY_NONE) {
        table_text(p->t, TABLE_FAINT, STR_LIT("no source of capacity"));
    } else if (q->read_at == 0) {
        table_text(p->t, TABLE_FAINT, STR_LIT("not read yet"));
    } else if (conf_asks(q->conf)) {
        put_read(p, q);
    } else {
        table_text(p->t, TABLE_GOOD, STR_LIT("ok"));
    }
}

static void put_row(const struct print *p, const struct store_queue *q)
{
    const int64_t *n = q->jobs;

    table_text(p->t, TABLE_STRONG, q->type);
    put_count(p->t, TABLE_PLAIN, n[JOB_QUEUED]);
    if (p->wide)
        put_count(p->t, TABLE_BUSY, n[JOB_HELD]);
    put_count(p->t, TABLE_BUSY, n[JOB_ADMITTED]);
    put_count(p->t, TABLE_GOOD, n[JOB_RUNNING]);
    if (p->wide)
        put_count(p->t, TABLE_PLAIN,
                  n[JOB_FINISHED] + n[JOB_FAILED] + n[JOB_CANCELLED] + n[JOB_EXPIRED]);
    put_ago(p->t, p->now, q->oldest);
    if (p->wide) {
        put_count(p->t, TABLE_PLAIN, q->stats.last_hour);
        put_ago(p->t, p->now, q->stats.last.at);
        table_text(p->t, TABLE_PLAIN, str_of(conf_capacity_word(q->conf->capacity)));
    }
    put_state(p, q);
}

static int take(void *ctx, const struct store_queue *q, struct err *e)
{
    struct print *p = ctx;

    (void)e;
    p->sums->queues++;
    p->sums->waiting += q->jobs[JOB_QUEUED] + q->jobs[JOB_HELD];
    p->sums->admitted += q->jobs[JOB_ADMITTED];
    p->sums->running += q->jobs[JOB_RUNNING];
    if (p->sums->queues <= p->most) {
        p->sums->shown++;
        put_row(p, q);
    }
    return table_broken(p->t) ? 1 : 0;
}

static struct table *make_table(const struct table_screen *screen, bool wide)
{
    struct table_column some[ARRAY_LEN(columns)];
    size_t i, n = 0;

    for (i = 0; i < ARRAY_LEN(columns); i++) {
        if (wide || !columns[i].wide)
            some[n++] = columns[i].column;
    }
    return table_new(screen, some, n);
}

int queue_table_print(struct store *s, const struct table_screen *screen, int64_t most,
                      struct queue_sums *sums, struct buf *b, struct err *e)
{
    struct print p = {.now = clock_now(), .most = most, .sums = sums};
    struct err ignored;
    int rc;

    *sums = (struct queue_sums){0};
    p.wide = screen->width == 0 || screen->width >= WIDTH_OF_ALL;
    p.t = make_table(screen, p.wide);
    if (!p.t)
        return err_set(e, ERR_INTERNAL, "no memory for a table");
    table_into(p.t, b);
    rc = store_queues(s, p.now, take, &p, e);
    if (rc < 0) {
        (void)!table_end(p.t, &ignored);
        return -1;
    }
    return table_end(p.t, e);
}

/* ---- JSON ---- */

struct json {
    struct json_out o;
    struct clock_zone zone;
};

static int write_one(void *ctx, const struct store_queue *q, struct err *e)
{
    struct json *j = ctx;

    (void)e;
    store_queue_write(&j->o, q, &j->zone);
    return 0;
}

int queue_table_json(struct store *s, struct buf *b, struct err *e)
{
    struct json j = {.o = JSON_OUT(b)};

    json_open(&j.o, '[');
    if (store_queues(s, clock_now(), write_one, &j, e) < 0)
        return -1;
    json_close(&j.o, ']');
    buf_char(b, '\n');
    return buf_check(b, "the queues", e);
}
