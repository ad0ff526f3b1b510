/* SPDX-License-Identifier: MIT */
/* The last reading of a source as JSON. */
#include <stdio.h>

#include "store_view.h"

struct writer {
    struct store *s;
    struct json_out *o;
    const struct store_view *v;
    store_view_row_fn *row;
    void *ctx;
};

static int row_ends(struct writer *w, struct err *e)
{
    return w->row ? w->row(w->ctx, e) : 0;
}

/* ---- the reading ---- */

static void put_time(struct writer *w)
{
    struct clock_zone zone = {0};

    if (w->v->read_at != 0) {
        job_write_time(w->o, &zone, "ReadAt", w->v->read_at);
    } else {
        json_key(w->o, "ReadAt");
        json_put_null(w->o);
    }
}

/* What stands in the configuration does not age. */
static void put_age(struct writer *w)
{
    int64_t age = clock_now() - w->v->read_at;
    char text[32];

    json_key(w->o, "Age");
    if (w->v->read_at != 0 && conf_asks(w->v->queue)) {
        age = age > 0 ? age / NS_PER_MS : 0;
        (void)snprintf(text, sizeof text, "%lld.%03d", (long long)(age / 1000), (int)(age % 1000));
        json_put_raw(w->o, str_of(text));
    } else {
        json_put_null(w->o);
    }
}

/* ---- pools and hosts ---- */

static int put_name(void *ctx, struct str name, struct err *e)
{
    struct writer *w = ctx;

    json_put_str(w->o, name);
    return row_ends(w, e);
}

static int put_names(struct writer *w, const char *member, enum store_view_names which,
                     struct str of, struct err *e)
{
    json_key(w->o, member);
    json_open(w->o, '[');
    if (store_view_names(w->s, w->v, which, of, put_name, w, e) != 0)
        return -1;
    json_close(w->o, ']');
    return 0;
}

static int put_amount(void *ctx, const struct store_view_amount *a, struct err *e)
{
    struct writer *w = ctx;

    (void)e;
    json_key_str(w->o, a->resource);
    json_open(w->o, '{');
    json_pair_i64(w->o, "Total", a->total);
    json_pair_i64(w->o, "Used", a->used);
    json_pair_i64(w->o, "Held", a->held);
    json_pair_i64(w->o, "Free", a->free);
    json_close(w->o, '}');
    return 0;
}

/* The last member of a pool or a host. */
static int put_amounts(struct writer *w, enum store_view_amounts which, struct str of,
                       struct err *e)
{
    json_key(w->o, "Resources");
    json_open(w->o, '{');
    if (store_view_amounts(w->s, w->v, which, of, put_amount, w, e) != 0)
        return -1;
    json_close(w->o, '}');
    json_close(w->o, '}');
    return row_ends(w, e);
}

static int put_pool(void *ctx, const struct store_view_pool *pool, struct err *e)
{
    struct writer *w = ctx;

    json_open(w->o, '{');
    json_pair_str(w->o, "Name", pool->name);
    json_key(w->o, "Open");
    json_put_bool(w->o, pool->open);
    if (put_names(w, "Projects", STORE_VIEW_PROJECTS, pool->name, e) != 0)
        return -1;
    json_pair_i64(w->o, "Hosts", pool->hosts);
    json_pair_i64(w->o, "Unread", pool->unread);
    return put_amounts(w, STORE_VIEW_OF_POOL, pool->name, e);
}

static int put_host(void *ctx, struct str name, struct err *e)
{
    struct writer *w = ctx;

    json_open(w->o, '{');
    json_pair_str(w->o, "Name", name);
    if (put_names(w, "Pools", STORE_VIEW_POOLS_OF_HOST, name, e) != 0)
        return -1;
    return put_amounts(w, STORE_VIEW_OF_HOST, name, e);
}

static int put_lists(struct writer *w, bool any, struct err *e)
{
    json_key(w->o, "Pools");
    json_open(w->o, '[');
    if (any && store_view_pools(w->s, w->v, put_pool, w, e) != 0)
        return -1;
    json_close(w->o, ']');
    json_key(w->o, "Hosts");
    json_open(w->o, '[');
    if (any && store_view_names(w->s, w->v, STORE_VIEW_HOSTS, (struct str){0}, put_host, w, e) != 0)
        return -1;
    json_close(w->o, ']');
    return 0;
}

/* ---- the whole ---- */

int store_view_write(struct store *s, const struct store_view *v, bool known, struct str type,
                     struct json_out *o, store_view_row_fn *row, void *ctx, struct err *e)
{
    struct writer w = {s, o, v, row, ctx};

    json_open(o, '{');
    json_pair_str(o, "Type", type);
    json_pair_str(o, "Source", str_of(conf_capacity_word(v->queue->capacity)));
    put_time(&w);
    put_age(&w);
    json_pair_str(o, "Error", v->error);
    json_pair_str(o, "About", v->about);
    if (put_lists(&w, known, e) != 0)
        return -1;
    json_close(o, '}');
    return 0;
}
