/* SPDX-License-Identifier: MIT */
/* Why a job waits, since when, and where it stands: put together from its row, its group's and the
 * counts. */
#include "store_wait.h"

#include <string.h>

#include "demand.h"
#include "store_inner.h"
#include "store_queues.h"

enum { WAIT_MEMORY_MAX = 64 << 20 };

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "no memory to look at a job");
}

/* ---- what the job asks for ---- */

/* Data that cannot be read any more asks for nothing that could be told. */
static int read_demand(struct store *s, const struct job *j, struct demand **d, struct err *e)
{
    struct json_doc *doc;
    int rc;

    *d = NULL;
    if (json_in_parse(j->data, &doc, e) != 0)
        return e->code == ERR_INTERNAL ? -1 : 0;
    rc = demand_parse(conf_queue(s->conf, j->type)->rules, json_in_root(doc), d, e);
    json_in_free(doc);
    if (rc == 0)
        return 0;
    *d = NULL;
    return e->code == ERR_INTERNAL ? -1 : 0;
}

static int count(struct store *s, bool placed, struct store_wait *w, struct store_standing *place,
                 struct err *e)
{
    static const struct demand nothing;
    struct demand *d;
    int rc;

    if (read_demand(s, &w->job, &d, e) != 0)
        return -1;
    rc = store_ahead_count(s, d ? d : &nothing, placed, w, place, e);
    demand_free(d);
    return rc;
}

/* ---- since when ---- */

/* 1 and the columns of the statement's only row, 0, -1. */
static int ask(struct store *s, enum store_sql_name name, int64_t id, int64_t v[2], struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);
    int rc;

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    rc = db_step(s->db, st, e);
    v[0] = rc == 1 ? db_i64(st, 0) : 0;
    v[1] = rc == 1 && name == SQL_WAIT_JOB ? db_i64(st, 1) : 0;
    db_done(st);
    return rc;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* The reason is the group's, which a job that came later shares from then on only. *placed: it has
 * a place in line. */
static int find_since(struct store *s, struct store_wait *w, bool *placed, struct err *e)
{
    int64_t group[2], held[2];

    if (ask(s, SQL_WAIT_JOB, w->job.id, group, e) < 0)
        return -1;
    *placed = group[0] != 0;
    if (w->job.status == JOB_HELD) {
        if (ask(s, SQL_WAIT_HELD, w->job.id, held, e) < 0)
            return -1;
        w->reason_since = held[0];
    } else if (*placed && group[1] != 0 && !str_is(w->job.reason, JOB_REASON_PAUSED)) {
        w->reason_since = later(group[1], w->job.queued_at);
    }
    return 0;
}

/* ---- why there is no estimate ---- */

/* Of those that the history of starts says nothing about. */
static const struct {
    const char *reason, *why;
} unknowable[] = {
    {JOB_REASON_HELD, "it is held: nobody knows for how long"},
    {JOB_REASON_DATA, "it is held until its data are corrected"},
    {JOB_REASON_NOT_BEFORE, "it stands in no line before its not_before"},
    {JOB_REASON_PAUSED, "its queue is paused: nobody knows for how long"},
    {JOB_REASON_NEVER_FITS, "it does not fit on what there is, free or not"},
    {JOB_REASON_NO_POOL, "no pool with a host serves it"},
    {JOB_REASON_NO_SOURCE, "its queue has no source of capacity"},
    {JOB_REASON_SOURCE, "its source cannot be read: nobody knows for how long"},
    {JOB_REASON_QUOTA, "it waits for its project's quota, of which the queue's past says nothing"},
    {JOB_REASON_OWNER_LIMIT, "it waits for its owner's other jobs to end"},
    {JOB_REASON_UNDECIDED, "whether it fits is not known"},
};

/* What the group says stands behind what there is to say of the job itself. */
static bool ends_with(struct str text, const char *end)
{
    size_t n = strlen(end);

    return text.p && text.n >= n && memcmp(text.p + text.n - n, end, n) == 0;
}

/* Absent: there is no such reason. */
static struct str why_not(const struct job *j)
{
    size_t i;

    if (ends_with(j->message, STORE_NOT_LOOKED_YET))
        return STR_LIT("no pass has looked at it yet");
    for (i = 0; i < ARRAY_LEN(unknowable); i++) {
        if (str_is(j->reason, unknowable[i].reason))
            return str_of(unknowable[i].why);
    }
    return (struct str){0};
}

/* ---- the estimate ---- */

/* In whole seconds: nobody knows it better. Never before now. */
static int64_t down(int64_t ns)
{
    return ns - ns % NS_PER_S;
}

static int64_t up(int64_t ns)
{
    return ns < INT64_MAX - NS_PER_S ? down(ns + NS_PER_S - 1) : ns;
}

static int say(struct store *s, const struct estimate *out, struct store_wait *w, struct err *e)
{
    char text[200];

    if (w->estimated)
        (void)snprintf(
            text, sizeof text,
            "most likely between the two, if it goes on as before: from %lld starts in its "
            "pools after a wait",
            (long long)out->samples);
    else
        (void)snprintf(
            text, sizeof text,
            "too little is known: starts in its pools after a wait like its own: %lld (%d are "
            "needed)",
            (long long)out->samples, ESTIMATE_STARTS_MIN);
    return arena_copy(s->wait, str_of(text), &w->why) == 0 ? 0 : no_memory(e);
}

static int estimate(struct store *s, const struct store_standing *place, int64_t now,
                    struct store_wait *w, struct err *e)
{
    struct store_history *h = arena_array(s->wait, 1, sizeof *h);
    struct estimate_in in = {.now = now,
                             .queued_at = later(w->job.queued_at, w->job.not_before),
                             .share = place->share,
                             .ahead = place->ahead};
    struct estimate out = {0};
    const struct conf_queue *queue = conf_queue(s->conf, w->job.type);

    if (!h)
        return no_memory(e);
    if (place->known && store_starts_read(s, queue->type, place->lane, h, e) != 0)
        return -1;
    in.starts = h->n;
    in.start = h->start;
    in.all = h->all;
    w->estimated = estimate_make(&in, &out);
    w->samples = out.samples;
    if (w->estimated) {
        w->low = later(now, down(out.low));
        w->high = up(out.high);
    }
    return say(s, &out, w, e);
}

int store_wait(struct store *s, struct str type, struct str request_id, int64_t now,
               struct store_wait *w, struct err *e)
{
    struct stats_queue numbers;
    struct store_standing place;
    bool placed;

    *w = (struct store_wait){0};
    if (store_show(s, type, request_id, &w->job, e) != 0)
        return -1;
    w->waits = w->job.status == JOB_QUEUED || w->job.status == JOB_HELD;
    w->why = STR_LIT("it does not wait");
    if (!w->waits)
        return 0;
    arena_free(s->wait);
    s->wait = arena_new(WAIT_MEMORY_MAX);
    if (!s->wait)
        return no_memory(e);
    if (find_since(s, w, &placed, e) != 0 || count(s, placed, w, &place, e) != 0)
        return -1;
    stats_queue(store_stats(s), conf_queue(s->conf, type)->type, now, &numbers);
    w->looked_at = numbers.last.at;
    w->why = why_not(&w->job);
    return w->why.p ? 0 : estimate(s, &place, now, w, e);
}
