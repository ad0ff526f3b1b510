/* SPDX-License-Identifier: MIT */
/* GET /metrics: what there is of each queue, its source and its pools. */
#include "metrics_inner.h"
#include "store_view.h"

/* ---- reading ---- */

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "no memory for so many numbers");
}

/* The spans of *q are the store's; what is needed of them is kept. */
static int keep(struct metrics *m, const struct store_queue *q, struct err *e)
{
    struct store_queue *k = &m->queue[m->queues];

    *k = *q;
    if (arena_copy(m->arena, q->type, &k->type) != 0)
        return no_memory(e);
    k->error = q->error.p ? STR_LIT("failed") : (struct str){0};
    k->about = (struct str){0};
    m->queues++;
    return 0;
}

/* Those that the configuration does not have, as long as there is room. */
static int take(void *ctx, const struct store_queue *q, struct err *e)
{
    struct metrics *m = ctx;

    if (m->queues == METRICS_QUEUES_MAX)
        return 1;
    return str_eq(q->type, q->conf->type) ? 0 : keep(m, q, e);
}

static int read_all(struct metrics *m, struct err *e)
{
    struct store_queue q;
    size_t i;

    for (i = 0; i + 1 < m->conf->queues && m->queues < METRICS_QUEUES_MAX; i++) {
        if (store_queue(m->store, m->conf->queue[i].type, m->now, &q, e) != 0 ||
            keep(m, &q, e) != 0)
            return -1;
    }
    return store_queues(m->store, m->now, take, m, e);
}

struct at {
    struct metrics *m;
    const struct store_view *view;
    struct str pool;
};

static int take_amount(void *ctx, const struct store_view_amount *a, struct err *e)
{
    struct at *at = ctx;
    struct metrics *m = at->m;
    struct metrics_pool *p = &m->pool[m->pools];

    if (m->pools == METRICS_POOLS_MAX) {
        m->pools_left_out++;
        return 0;
    }
    *p = (struct metrics_pool){.type = at->view->queue->type,
                               .pool = at->pool,
                               .total = a->total,
                               .used = a->used,
                               .held = a->held,
                               .free = a->free};
    if (arena_copy(m->arena, a->resource, &p->resource) != 0)
        return no_memory(e);
    m->pools++;
    return 0;
}

static int take_pool(void *ctx, const struct store_view_pool *pool, struct err *e)
{
    struct at *at = ctx;

    if (at->m->pools == METRICS_POOLS_MAX) { /* nothing more is asked, but that there is more */
        at->m->pools_left_out++;
        return 0;
    }
    if (arena_copy(at->m->arena, pool->name, &at->pool) != 0)
        return no_memory(e);
    return store_view_amounts(at->m->store, at->view, STORE_VIEW_OF_POOL, at->pool, take_amount, at,
                              e);
}

static int read_pools(struct metrics *m, struct err *e)
{
    struct store_view view;
    struct at at = {m, &view, {0}};
    size_t i;
    int rc;

    for (i = 0; i < m->conf->queues; i++) {
        if (m->conf->queue[i].capacity == CONF_CAPACITY_NONE)
            continue;
        rc = store_view(m->store, &m->conf->queue[i], &view, e);
        if (rc < 0 || (rc == 1 && store_view_pools(m->store, &view, take_pool, &at, e) != 0))
            return -1;
    }
    return 0;
}

int metrics_read_queues(struct metrics *m, struct err *e)
{
    m->queue = arena_array(m->arena, METRICS_QUEUES_MAX, sizeof *m->queue);
    m->pool = arena_array(m->arena, METRICS_POOLS_MAX, sizeof *m->pool);
    if (!m->queue || !m->pool)
        return no_memory(e);
    return read_all(m, e) != 0 ? -1 : read_pools(m, e);
}

/* ---- families of a queue: one number each ---- */

enum unit { COUNT, NS };

struct family {
    const char *name, *type, *help;
    enum unit unit;
    /* False: this queue has no such number. */
    bool (*get)(const struct metrics *m, const struct store_queue *q, int64_t *v);
};

static bool get_paused(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->paused;
    return true;
}

static bool get_oldest(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    *v = q->oldest != 0 && m->now > q->oldest ? m->now - q->oldest : 0;
    return true;
}

static bool get_oldest_at(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->oldest;
    return q->oldest != 0;
}

static bool get_created(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->stats.created;
    return true;
}

static bool get_admitted(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->stats.admitted;
    return true;
}

static bool get_pass_at(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->stats.last.at;
    return q->stats.last.at != 0;
}

static bool get_pass_groups(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->stats.last.groups;
    return q->stats.last.at != 0;
}

static bool get_source_up(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = !q->error.p && q->read_at != 0;
    return q->tried;
}

static bool get_read_at(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->read_at;
    return q->tried && q->read_at != 0;
}

/* What stands in the configuration does not age. */
static bool get_age(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    *v = m->now > q->read_at ? m->now - q->read_at : 0;
    return q->tried && q->read_at != 0 && conf_asks(q->conf);
}

static bool get_read_ns(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->read_ns;
    return q->tried;
}

static bool get_readings(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->stats.readings;
    return conf_asks(q->conf);
}

static bool get_failed(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->stats.failed;
    return conf_asks(q->conf);
}

static bool get_hosts(const struct metrics *m, const struct store_queue *q, int64_t *v)
{
    (void)m;
    *v = q->hosts;
    return q->tried;
}

static const struct family families[] = {
    {"anteroom_queue_paused", "gauge", "1 while the queue admits nobody by order.", COUNT,
     get_paused},
    {"anteroom_queue_oldest_wait_seconds", "gauge",
     "How long the job has waited that waits longest; 0: none waits.", NS, get_oldest},
    {"anteroom_queue_oldest_wait_timestamp_seconds", "gauge",
     "Since when the job waits that waits longest.", NS, get_oldest_at},
    {"anteroom_queue_jobs_created_total", "counter", "Jobs that were created.", COUNT, get_created},
    {"anteroom_queue_jobs_admitted_total", "counter", "Admissions.", COUNT, get_admitted},
    {"anteroom_queue_last_pass_timestamp_seconds", "gauge",
     "When the last pass began that looked at the queue.", NS, get_pass_at},
    {"anteroom_queue_last_pass_groups", "gauge",
     "Groups of interchangeable jobs that waited in that pass.", COUNT, get_pass_groups},
    {"anteroom_source_up", "gauge", "1 when the last try to read the queue's source was good.",
     COUNT, get_source_up},
    {"anteroom_source_read_timestamp_seconds", "gauge", "When the source was last read.", NS,
     get_read_at},
    {"anteroom_source_age_seconds", "gauge",
     "How old the last good reading is, of a source that is asked.", NS, get_age},
    {"anteroom_source_read_duration_seconds", "gauge", "How long the last try to read it took.", NS,
     get_read_ns},
    {"anteroom_source_readings_total", "counter",
     "Times that a source which is asked was read, good or not.", COUNT, get_readings},
    {"anteroom_source_errors_total", "counter", "Those that were not good.", COUNT, get_failed},
    {"anteroom_source_hosts", "gauge", "Hosts of the last good reading.", COUNT, get_hosts},
};

static void write_family(const struct metrics *m, const struct family *f,
                         const struct store_queue *q, struct buf *b)
{
    const struct metrics_label label[] = {{"type", q->type}, {0}};
    int64_t v;

    if (!f->get(m, q, &v))
        return;
    if (f->unit == NS)
        metrics_ns(b, f->name, label, v);
    else
        metrics_number(b, f->name, label, v);
}

static int write_numbers(const struct metrics *m, struct http *x, struct err *e)
{
    size_t f, i;

    for (f = 0; f < ARRAY_LEN(families); f++) {
        metrics_family(&x->out, families[f].name, families[f].type, families[f].help);
        for (i = 0; i < m->queues; i++) {
            write_family(m, &families[f], &m->queue[i], &x->out);
            if (http_stream(x, e) != 0)
                return -1;
        }
    }
    return 0;
}

/* ---- the others ---- */

static int write_jobs(const struct metrics *m, struct http *x, struct err *e)
{
    static const char *const name = "anteroom_queue_jobs";
    int status;
    size_t i;

    metrics_family(&x->out, name, "gauge", "Jobs that are not deleted.");
    for (i = 0; i < m->queues; i++) {
        for (status = 0; status < JOB_STATUSES; status++) {
            const struct metrics_label label[] = {
                {"type", m->queue[i].type},
                {"status", str_of(job_status_word((enum job_status)status))},
                {0}};

            metrics_number(&x->out, name, label, m->queue[i].jobs[status]);
        }
        if (http_stream(x, e) != 0)
            return -1;
    }
    return 0;
}

static int write_waits(const struct metrics *m, struct http *x, struct err *e)
{
    static const char *const name = "anteroom_queue_wait_seconds";
    size_t i;

    metrics_family(&x->out, name, "histogram", "How long jobs waited that were admitted.");
    for (i = 0; i < m->queues; i++) {
        const struct metrics_label label[] = {{"type", m->queue[i].type}, {0}};

        metrics_histogram(&x->out, name, label, STATS_LONG, &m->queue[i].stats.wait);
        if (http_stream(x, e) != 0)
            return -1;
    }
    return 0;
}

static int write_pools(const struct metrics *m, struct http *x, struct err *e)
{
    static const struct {
        const char *name, *help;
        size_t at;
    } part[] = {
        {"anteroom_pool_size", "What the hosts of the pool have.",
         offsetof(struct metrics_pool, total)},
        {"anteroom_pool_used", "What others use of it.", offsetof(struct metrics_pool, used)},
        {"anteroom_pool_held", "What jobs hold of it.", offsetof(struct metrics_pool, held)},
        {"anteroom_pool_free", "What is free of it, host by host.",
         offsetof(struct metrics_pool, free)},
    };
    size_t i, k;
    int64_t v;

    for (k = 0; k < ARRAY_LEN(part); k++) {
        metrics_family(&x->out, part[k].name, "gauge", part[k].help);
        for (i = 0; i < m->pools; i++) {
            const struct metrics_pool *p = &m->pool[i];
            const struct metrics_label label[] = {
                {"type", p->type}, {"pool", p->pool}, {"resource", p->resource}, {0}};

            memcpy(&v, (const char *)p + part[k].at, sizeof v);
            metrics_number(&x->out, part[k].name, label, v);
            if (http_stream(x, e) != 0)
                return -1;
        }
    }
    return 0;
}

int metrics_write_queues(const struct metrics *m, struct http *x, struct err *e)
{
    return write_jobs(m, x, e) == 0 && write_numbers(m, x, e) == 0 && write_waits(m, x, e) == 0 &&
                   write_pools(m, x, e) == 0
               ? 0
               : -1;
}
