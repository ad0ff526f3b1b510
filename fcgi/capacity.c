/* SPDX-License-Identifier: MIT */
/* GET /queues/{type}/capacity: the last reading of the queue's source, with what is held of it. */
#include "handlers.h"
#include "store_view.h"

struct page {
    struct store *s;
    struct http *x;
    struct json_out o;
    const struct conf_queue *queue;
    struct store_view view;
};

static void put_text(struct json_out *o, const char *name, struct str text)
{
    json_key(o, name);
    json_put_str(o, text);
}

static void put_number(struct json_out *o, const char *name, int64_t v)
{
    json_key(o, name);
    json_put_i64(o, v);
}

/* ---- the reading ---- */

static void put_time(struct page *p)
{
    struct buf b = BUF_INIT(64);

    json_key(&p->o, "ReadAt");
    if (p->view.read_at != 0) {
        buf_char(&b, '"');
        clock_write(&b, &p->x->zone, p->view.read_at);
        buf_char(&b, '"');
        json_put_raw(&p->o, buf_span(&b));
    } else {
        json_put_null(&p->o);
    }
    buf_free(&b);
}

/* What stands in the configuration does not age. */
static void put_age(struct page *p)
{
    int64_t age = clock_now() - p->view.read_at;
    char text[32];

    json_key(&p->o, "Age");
    if (p->view.read_at != 0 && conf_asks(p->queue)) {
        age = age > 0 ? age / NS_PER_MS : 0;
        (void)snprintf(text, sizeof text, "%lld.%03d", (long long)(age / 1000), (int)(age % 1000));
        json_put_raw(&p->o, str_of(text));
    } else {
        json_put_null(&p->o);
    }
}

/* ---- pools and hosts ---- */

static int put_name(void *ctx, struct str name, struct err *e)
{
    struct page *p = ctx;

    json_put_str(&p->o, name);
    return http_stream(p->x, e);
}

static int put_names(struct page *p, const char *member, enum store_view_names which, struct str of,
                     struct err *e)
{
    json_key(&p->o, member);
    json_open(&p->o, '[');
    if (store_view_names(p->s, &p->view, which, of, put_name, p, e) != 0)
        return -1;
    json_close(&p->o, ']');
    return 0;
}

static int put_amount(void *ctx, const struct store_view_amount *a, struct err *e)
{
    struct page *p = ctx;

    (void)e;
    json_key_str(&p->o, a->resource);
    json_open(&p->o, '{');
    put_number(&p->o, "Total", a->total);
    put_number(&p->o, "Used", a->used);
    put_number(&p->o, "Held", a->held);
    put_number(&p->o, "Free", a->free);
    json_close(&p->o, '}');
    return 0;
}

/* The last member of a pool or a host. */
static int put_amounts(struct page *p, enum store_view_amounts which, struct str of, struct err *e)
{
    json_key(&p->o, "Resources");
    json_open(&p->o, '{');
    if (store_view_amounts(p->s, &p->view, which, of, put_amount, p, e) != 0)
        return -1;
    json_close(&p->o, '}');
    json_close(&p->o, '}');
    return http_stream(p->x, e);
}

static int put_pool(void *ctx, const struct store_view_pool *pool, struct err *e)
{
    struct page *p = ctx;

    json_open(&p->o, '{');
    put_text(&p->o, "Name", pool->name);
    json_key(&p->o, "Open");
    json_put_bool(&p->o, pool->open);
    if (put_names(p, "Projects", STORE_VIEW_PROJECTS, pool->name, e) != 0)
        return -1;
    put_number(&p->o, "Hosts", pool->hosts);
    put_number(&p->o, "Unread", pool->unread);
    return put_amounts(p, STORE_VIEW_OF_POOL, pool->name, e);
}

static int put_host(void *ctx, struct str name, struct err *e)
{
    struct page *p = ctx;

    json_open(&p->o, '{');
    put_text(&p->o, "Name", name);
    if (put_names(p, "Pools", STORE_VIEW_POOLS_OF_HOST, name, e) != 0)
        return -1;
    return put_amounts(p, STORE_VIEW_OF_HOST, name, e);
}

static int put_lists(struct page *p, bool any, struct err *e)
{
    json_key(&p->o, "Pools");
    json_open(&p->o, '[');
    if (any && store_view_pools(p->s, &p->view, put_pool, p, e) != 0)
        return -1;
    json_close(&p->o, ']');
    json_key(&p->o, "Hosts");
    json_open(&p->o, '[');
    if (any &&
        store_view_names(p->s, &p->view, STORE_VIEW_HOSTS, (struct str){0}, put_host, p, e) != 0)
        return -1;
    json_close(&p->o, ']');
    return 0;
}

/* ---- the answer ---- */

static int put_page(struct page *p, struct err *e)
{
    int known = 0;

    if (p->queue->capacity != CONF_CAPACITY_NONE)
        known = store_view(p->s, p->queue, &p->view, e);
    if (known < 0)
        return -1;
    p->o = http_data(p->x, 200);
    json_open(&p->o, '{');
    put_text(&p->o, "Type", p->x->segment[1]);
    put_text(&p->o, "Source", str_of(conf_capacity_word(p->queue->capacity)));
    put_time(p);
    put_age(p);
    put_text(&p->o, "Error", p->view.error);
    put_text(&p->o, "About", p->view.about);
    if (put_lists(p, known == 1, e) != 0)
        return -1;
    json_close(&p->o, '}');
    http_end(p->x, &p->o);
    return 0;
}

int capacity(const struct route_env *env, struct http *x, struct err *e)
{
    struct page p = {.s = env->store, .x = x, .queue = conf_queue(env->conf, x->segment[1])};
    int rc;

    http_add_header(x, "Cache-Control", STR_LIT("no-store"));
    if (x->head_only) {
        x->length_unknown = true; /* it would take the whole answer to know */
        http_empty(x, 200);
        return 0;
    }
    if (store_read_begin(env->store, e) != 0)
        return -1;
    rc = put_page(&p, e);
    store_read_end(env->store);
    return rc;
}
