/* SPDX-License-Identifier: MIT */
/* anteroom why: why a job waits, where it stands, and when it may start. */
#include <stdio.h>

#include "ago.h"
#include "command_jobs.h"
#include "command_page.h"
#include "demand.h"
#include "quantity.h"
#include "store_wait.h"

const char command_why_help[] = "  --json        print it as GET /v1/TYPE/REQUEST_ID/wait does\n"
                                "  --color WHEN  auto, always or never\n";

enum { OUTPUT_MAX = 4 << 20, LINE_MAX_BYTES = 1 << 20 };

static const struct option options[] = {COMMAND_OPTIONS};

/* A page under way. */
struct page {
    struct table *t;
    const struct store_wait *w;
    const struct conf_queue *queue;
    int64_t now;
    struct clock_zone zone;
    struct buf b; /* a line's text */
};

static void put_line(struct page *p, const char *name)
{
    command_page_text(p->t, name, buf_span(&p->b));
    buf_reset(&p->b);
}

static void put_span(struct page *p, const char *name, int64_t since)
{
    if (since == 0)
        return;
    ago_span(&p->b, p->now - since);
    buf_str(&p->b, " (since ");
    ago_clock(&p->b, &p->zone, since);
    buf_char(&p->b, ')');
    put_line(p, name);
}

/* "2 jobs: VCPU 12, Memory 4096" */
static void put_ahead(struct page *p, const char *name, const char *what,
                      const struct store_ahead *a)
{
    char text[QUANTITY_TEXT_MAX];
    size_t i;

    buf_printf(&p->b, "%lld %s%s", (long long)a->jobs, what, a->jobs == 1 ? "" : "s");
    for (i = 0; i < a->resources; i++) {
        struct str resource = a->resource[i].resource;

        quantity_write(text, a->resource[i].amount, demand_scale(p->queue->rules, resource));
        buf_printf(&p->b, "%s%.*s %s", i == 0 ? ": " : ", ", (int)resource.n, resource.p, text);
    }
    put_line(p, name);
}

/* A JSON array of names, as people write one. */
static void put_names(struct buf *b, struct str names)
{
    struct json_doc *doc;
    struct err e;
    size_t i;

    if (json_in_parse(names, &doc, &e) != 0)
        return;
    for (i = 0; i < json_length(json_in_root(doc)); i++) {
        struct str name = json_string(json_at(json_in_root(doc), i));

        buf_str(b, i == 0 ? "" : ", ");
        buf_add(b, name.p, name.n);
    }
    json_in_free(doc);
}

static void put_places(struct page *p)
{
    const struct store_wait *w = p->w;

    if (w->position > 0)
        buf_printf(&p->b, "%lld in its queue", (long long)w->position);
    if (w->pool_position > 0)
        buf_printf(&p->b, "%s%lld among all that want its pools", w->position > 0 ? ", " : "",
                   (long long)w->pool_position);
    if (p->b.len > 0)
        put_line(p, "Place");
    if (w->pools.p) {
        put_names(&p->b, w->pools);
        if (p->b.len == 0)
            buf_str(&p->b, "none");
        put_line(p, "Pools");
    }
    put_ahead(p, "Needs", "instance", &w->need);
    if (w->position > 0)
        put_ahead(p, "Ahead", "job", &w->ahead);
    if (w->pool_position > 0)
        put_ahead(p, "Ahead in pools", "job", &w->pool_ahead);
}

static void put_start(struct page *p)
{
    const struct store_wait *w = p->w;

    if (!w->estimated) {
        buf_str(&p->b, "not known: ");
        buf_add(&p->b, w->why.p, w->why.n);
        put_line(p, "Start");
        return;
    }
    buf_str(&p->b, "from ");
    ago_clock(&p->b, &p->zone, w->low);
    buf_str(&p->b, " (");
    ago_write(&p->b, p->now, w->low);
    buf_str(&p->b, ") to ");
    ago_clock(&p->b, &p->zone, w->high);
    buf_str(&p->b, " (");
    ago_write(&p->b, p->now, w->high);
    buf_char(&p->b, ')');
    put_line(p, "Start");
    command_page_text(p->t, "", w->why);
}

static void put_page(struct page *p, struct buf *title, const struct table_screen *screen)
{
    const struct store_wait *w = p->w;

    command_page_title(title, screen, &w->job);
    if (!w->waits) {
        table_paint(title, screen, TABLE_PLAIN, w->why.p ? w->why : STR_LIT("it does not wait"));
        buf_char(title, '\n');
        return;
    }
    put_span(p, "Waits", w->job.queued_at);
    put_span(p, "For this", w->reason_since);
    command_page_time(p->t, "Last look", p->now, w->looked_at, &p->zone);
    put_places(p);
    put_start(p);
}

/* In a snapshot. What is printed is complete when it is over. */
static int make(const struct command_env *env, struct str type, struct str request_id,
                struct table *t, struct buf *b, struct err *e)
{
    struct page p = {.t = t, .now = clock_now(), .b = BUF_INIT(LINE_MAX_BYTES)};
    struct json_out o = JSON_OUT(b);
    struct store_wait w;

    if (store_wait(env->store, type, request_id, p.now, &w, e) != 0)
        return -1;
    p.w = &w;
    p.queue = conf_queue(env->conf, type);
    if (env->json) {
        store_wait_write(&o, &w, &p.zone);
        buf_char(b, '\n');
    } else {
        put_page(&p, b, &env->screen);
    }
    buf_free(&p.b);
    return buf_check(b, "the answer", e);
}

static int answer(const struct command_env *env, struct str type, struct str request_id)
{
    struct table *t = command_page_new(&env->screen);
    struct buf b = BUF_INIT(OUTPUT_MAX);
    struct err e;
    int status = COMMAND_OK, rc;

    if (!t)
        rc = err_set(&e, ERR_INTERNAL, "no memory for the page");
    else
        rc = store_read_begin(env->store, &e);
    if (rc == 0) {
        rc = make(env, type, request_id, t, &b, &e);
        store_read_end(env->store);
    }
    if (rc == 0)
        status = command_print(&b);
    if (rc == 0 && status == COMMAND_OK && !env->json) {
        rc = table_end(t, &e);
        t = NULL;
    }
    table_free(t);
    buf_free(&b);
    return rc == 0 ? status : command_failed(&e);
}

int command_why(struct command_env *env)
{
    struct str type, request_id;
    int status;

    if (command_option(env, options) != -1)
        return COMMAND_USAGE;
    status = command_take_type(env, &type);
    if (status == COMMAND_OK)
        status = command_take_id(env, &request_id);
    return status == COMMAND_OK ? answer(env, type, request_id) : status;
}
