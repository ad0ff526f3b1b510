/* SPDX-License-Identifier: MIT */
/*
 * GET /metrics, for Prometheus. It costs what there is of queues and pools, not of jobs: how many
 * are in which state stands in the rows of the queues, and what happened was counted when it
 * happened (stats.h). All is read first, and written once the snapshot is let go of: a slow reader
 * holds nothing up.
 */
#include "handlers.h"
#include "metrics_inner.h"

enum { MEMORY_MAX = 16 << 20 };

static void put_gauge(struct buf *b, const char *name, int64_t v, const char *help)
{
    metrics_family(b, name, "gauge", help);
    metrics_number(b, name, NULL, v);
}

static void put_gauge_ns(struct buf *b, const char *name, int64_t ns, const char *help)
{
    metrics_family(b, name, "gauge", help);
    metrics_ns(b, name, NULL, ns);
}

/* ---- the program, the database ---- */

static void write_program(const struct metrics *m, int64_t started, struct buf *b)
{
    const char *sqlite;
    const struct metrics_label label[] = {{"version", STR_LIT(ANTEROOM_VERSION)},
                                          {"sqlite", {0}}, /* set below */
                                          {0}};
    struct metrics_label of[ARRAY_LEN(label)];

    (void)store_sqlite_has_wal_bug(&sqlite);
    memcpy(of, label, sizeof label);
    of[1].value = str_of(sqlite);
    metrics_family(b, "anteroom_build_info", "gauge", "Always 1.");
    metrics_number(b, "anteroom_build_info", of, 1);
    if (started != 0)
        put_gauge_ns(b, "process_start_time_seconds", started, "When this service began.");
    if (stats_since(store_stats(m->store)) != 0)
        put_gauge_ns(b, "anteroom_counting_since_timestamp_seconds",
                     stats_since(store_stats(m->store)),
                     "Since when is counted what the totals and histograms have.");
}

/* It is here only because the configuration has it. */
static bool is_idle(const struct store_queue *q)
{
    int64_t jobs = q->paused;
    int status;

    for (status = 0; status < JOB_STATUSES; status++)
        jobs += q->jobs[status];
    return jobs == 0;
}

static void write_sums(const struct metrics *m, struct buf *b)
{
    const struct store_sums *s = &m->sums;
    size_t i, own = 0;
    int status;

    metrics_family(b, "anteroom_jobs", "gauge", "Jobs of all queues that are not deleted.");
    for (status = 0; status < JOB_STATUSES; status++) {
        const struct metrics_label label[] = {
            {"status", str_of(job_status_word((enum job_status)status))}, {0}};

        metrics_number(b, "anteroom_jobs", label, s->jobs[status]);
    }
    for (i = 0; i < m->queues; i++)
        own += is_idle(&m->queue[i]);
    put_gauge(b, "anteroom_queues_left_out",
              m->queues < METRICS_QUEUES_MAX ? 0 : s->types - (int64_t)(m->queues - own),
              "Queues beyond the first 1,000, of which nothing is told here.");
    put_gauge(b, "anteroom_pools_left_out", m->pools_left_out,
              "Pools, or their resources, of which nothing is told here.");
    put_gauge(b, "anteroom_receivers_failing", s->failing,
              "Receivers of callbacks whose last call failed.");
    put_gauge(b, "anteroom_receivers_paused", s->paused,
              "Receivers that are not called for a while.");
    put_gauge(b, "anteroom_database_size_bytes", s->size, "The file of the database.");
    put_gauge(b, "anteroom_database_wal_size_bytes", s->wal, "Its write-ahead log.");
    put_gauge(b, "anteroom_database_room_bytes", s->room, "What is free on its disk.");
}

/* ---- what was counted ---- */

static void write_passes(struct stats *stats, struct buf *b)
{
    struct stats_histogram took;
    int64_t ended = stats_read_passes(stats, &took);

    metrics_family(b, "anteroom_pass_duration_seconds", "histogram", "How long passes took.");
    metrics_histogram(b, "anteroom_pass_duration_seconds", NULL, STATS_SHORT, &took);
    put_gauge_ns(b, "anteroom_last_pass_timestamp_seconds", ended,
                 "When the last pass ended; 0: there was none.");
}

static void write_callbacks(struct stats *stats, struct buf *b)
{
    static const char *const words[] = {[STATS_ACCEPTED] = "accepted",
                                        [STATS_AGAIN] = "again",
                                        [STATS_REQUEUED] = "requeued",
                                        [STATS_FAILED] = "failed",
                                        [STATS_VOID] = "void"};
    static const char *const name = "anteroom_callback_duration_seconds";
    struct stats_histogram took;
    size_t i;

    metrics_family(b, name, "histogram", "Tries of callbacks, by what came of them.");
    for (i = 0; i < STATS_OUTCOMES; i++) {
        const struct metrics_label label[] = {{"outcome", str_of(words[i])}, {0}};

        stats_read_deliveries(stats, (enum stats_outcome)i, &took);
        metrics_histogram(b, name, label, STATS_SHORT, &took);
    }
}

static void write_commits(struct stats *stats, struct buf *b)
{
    static const char *const words[] = {
        [STATS_SERVICE] = "anteroom.fcgi", [STATS_DISPATCHER] = "anteroom-dispatch"};
    struct stats_histogram size[STATS_PROGRAMS], took[STATS_PROGRAMS];
    struct metrics_label label[STATS_PROGRAMS][2] = {{{0}}};
    size_t i;

    for (i = 0; i < STATS_PROGRAMS; i++) {
        stats_read_commits(stats, (enum stats_program)i, &size[i], &took[i]);
        label[i][0] = (struct metrics_label){"program", str_of(words[i])};
    }
    metrics_family(b, "anteroom_commit_duration_seconds", "histogram",
                   "How long commits took, from the wait for the lock on.");
    for (i = 0; i < STATS_PROGRAMS; i++)
        metrics_histogram(b, "anteroom_commit_duration_seconds", label[i], STATS_SHORT, &took[i]);
    metrics_family(b, "anteroom_commit_changes", "histogram",
                   "How many changes were committed together.");
    for (i = 0; i < STATS_PROGRAMS; i++)
        metrics_histogram(b, "anteroom_commit_changes", label[i], STATS_SIZE, &size[i]);
}

/* ---- requests ---- */

/* "/v1/{}/{}" as people know it; what fits no route is "none". */
static void name_route(size_t number, struct buf *b, const char **method)
{
    static const char *const names[] = {"{type}", "{request_id}"};
    const char *p = "none";
    size_t n = 0;

    buf_reset(b);
    *method = "any";
    if (number < route_count()) {
        p = route_at(number)->pattern;
        *method = route_method(route_at(number));
    }
    while (*p) {
        if (p[0] == '{' && n < ARRAY_LEN(names)) {
            buf_str(b, names[n++]);
            p += 2;
        } else {
            buf_char(b, *p++);
        }
    }
}

static size_t next_route(size_t number)
{
    return number + 1 == route_count() ? STATS_NO_ROUTE : number + 1;
}

static void write_requests(struct stats *stats, struct buf *b)
{
    struct buf route = BUF_INIT(256);
    struct stats_histogram took;
    const char *method;
    char status[8];
    int64_t count;
    size_t i;
    int s;

    metrics_family(b, "anteroom_http_requests_total", "counter",
                   "Answers, by route, method and status; HEAD counts as GET.");
    for (i = 0; i < STATS_ROUTES_MAX; i = next_route(i)) {
        name_route(i, &route, &method);
        buf_follow(b, &route); /* or its numbers would be those of another */
        for (s = 100; s < 600; s++) {
            count = stats_read_status(stats, i, s);
            if (count == 0)
                continue;
            (void)snprintf(status, sizeof status, "%d", s);
            const struct metrics_label label[] = {{"route", buf_span(&route)},
                                                  {"method", str_of(method)},
                                                  {"status", str_of(status)},
                                                  {0}};

            metrics_number(b, "anteroom_http_requests_total", label, count);
        }
    }
    metrics_family(b, "anteroom_http_request_duration_seconds", "histogram",
                   "How long answers took, until they were sent.");
    for (i = 0; i < STATS_ROUTES_MAX; i = next_route(i)) {
        name_route(i, &route, &method);
        buf_follow(b, &route); /* or its numbers would be those of another */
        const struct metrics_label label[] = {
            {"route", buf_span(&route)}, {"method", str_of(method)}, {0}};

        stats_read_http(stats, i, &took);
        metrics_histogram(b, "anteroom_http_request_duration_seconds", label, STATS_SHORT, &took);
    }
    buf_free(&route);
}

/* ---- the answer ---- */

static int read_all(struct metrics *m, struct err *e)
{
    int rc;

    if (store_read_begin(m->store, e) != 0)
        return -1;
    rc = store_sums(m->store, &m->sums, e);
    if (rc == 0)
        rc = metrics_read_queues(m, e);
    store_read_end(m->store);
    return rc;
}

static int write_all(const struct metrics *m, int64_t started, struct http *x, struct err *e)
{
    struct stats *stats = store_stats(m->store);

    x->status = 200;
    x->media = "text/plain; version=0.0.4; charset=utf-8";
    write_program(m, started, &x->out);
    write_sums(m, &x->out);
    write_passes(stats, &x->out);
    write_callbacks(stats, &x->out);
    write_commits(stats, &x->out);
    write_requests(stats, &x->out);
    return metrics_write_queues(m, x, e);
}

int metrics(const struct route_env *env, struct http *x, struct err *e)
{
    struct metrics m = {.conf = env->conf, .store = env->store, .now = clock_now()};
    int rc;

    http_add_header(x, "Cache-Control", STR_LIT("no-store"));
    if (x->head_only) {
        x->length_unknown = true; /* it would take the whole answer to know */
        x->media = "text/plain; version=0.0.4; charset=utf-8";
        http_empty(x, 200);
        return 0;
    }
    m.arena = arena_new(MEMORY_MAX);
    if (!m.arena)
        return err_set(e, ERR_INTERNAL, "no memory for the numbers");
    rc = read_all(&m, e);
    if (rc == 0)
        rc = write_all(&m, env->started, x, e);
    arena_free(m.arena);
    return rc;
}
