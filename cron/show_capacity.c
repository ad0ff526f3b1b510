/* SPDX-License-Identifier: MIT */
/* --capacity: what the sources have, host by host, with what our jobs hold of it; as a table, or as
 * the JSON that GET /queues/{type}/capacity answers. */
#include <stdlib.h>
#include <string.h>

#include "capacity.h"
#include "clock.h"
#include "inspect.h"
#include "json_out.h"
#include "quantity.h"
#include "store_pass.h"

/* One queue's view: totals and use of the reading, and the holds of the database. */
struct view {
    const struct source_reading *reading;
    struct capacity capacity;
    int64_t *held; /* [hosts * resources] */
    bool known;    /* there is a database to say what is held */
};

static void take_hold(void *ctx, struct str host, struct str resource, int64_t amount)
{
    struct view *v = ctx;
    size_t row = intern_find(&v->capacity.host, host);
    size_t column = intern_find(&v->capacity.resource, resource);

    if (row != INTERN_NONE && column != INTERN_NONE)
        v->held[row * v->capacity.resource.n + column] += amount;
}

static int make_view(struct store *store, const struct source_reading *r, struct view *v,
                     struct err *e)
{
    size_t cells;

    *v = (struct view){.reading = r, .known = store != NULL};
    if (r->state != SOURCE_GOOD)
        return 0;
    if (capacity_make(r, r->arena, &v->capacity, e) != 0)
        return -1;
    cells = r->hosts * v->capacity.resource.n;
    v->held = arena_array(r->arena, cells, sizeof *v->held);
    if (!v->held)
        return err_set(e, ERR_INTERNAL, "out of memory");
    return store ? store_holds(store, r->queue->account, r->read_at, take_hold, v, e) : 0;
}

static int64_t held_of(const struct view *v, size_t host, struct str resource)
{
    size_t column = intern_find(&v->capacity.resource, resource);

    return column == INTERN_NONE ? 0 : v->held[host * v->capacity.resource.n + column];
}

static int64_t free_of(const struct source_amount *a, int64_t held)
{
    int64_t left = a->total > a->used ? a->total - a->used : 0;

    return held < left ? left - held : 0;
}

static bool is_in(const struct pool *pool, size_t host)
{
    size_t i;

    for (i = 0; i < pool->hosts; i++) {
        if (pool->host[i] == host)
            return true;
    }
    return false;
}

/* ---- the table ---- */

enum { COLUMNS = 7, CELL_MAX = 64, NARROWEST = 8 };

struct row {
    char cell[COLUMNS][CELL_MAX];
};

static void put_row(struct buf *b, const struct row *row, const int *width)
{
    int c;

    for (c = 0; c < COLUMNS; c++) {
        if (c < 3)
            buf_printf(b, "%-*s  ", width[c], row->cell[c]);
        else
            buf_printf(b, "%*s%s", width[c], row->cell[c], c + 1 < COLUMNS ? "  " : "\n");
    }
}

static void set_text(char cell[CELL_MAX], struct str text)
{
    (void)snprintf(cell, CELL_MAX, "%.*s", (int)text.n, text.p);
}

/* The names of a host's pools, as many as go in. */
static void set_pools(char cell[CELL_MAX], const struct source_reading *r, size_t host)
{
    size_t i, n = 0, used = 0;

    cell[0] = '\0';
    for (i = 0; i < r->pools; i++) {
        struct str name = r->pool[i].name;

        if (!is_in(&r->pool[i], host))
            continue;
        if (used + name.n + 5 > CELL_MAX) {
            (void)snprintf(cell + used, CELL_MAX - used, ",...");
            return;
        }
        used += (size_t)snprintf(cell + used, CELL_MAX - used, "%s%.*s", n++ ? "," : "",
                                 (int)name.n, name.p);
    }
}

static void fill_row(const struct view *v, size_t host, const struct source_amount *a,
                     struct row *row)
{
    int64_t held = held_of(v, host, a->resource);
    int64_t scale = demand_scale(v->reading->queue->rules, a->resource);

    *row = (struct row){0};
    set_pools(row->cell[0], v->reading, host);
    set_text(row->cell[1], v->reading->host[host].name);
    set_text(row->cell[2], a->resource);
    quantity_write(row->cell[3], a->total, scale);
    quantity_write(row->cell[4], a->used, scale);
    if (v->known)
        quantity_write(row->cell[5], held, scale);
    else
        (void)snprintf(row->cell[5], CELL_MAX, "?");
    quantity_write(row->cell[6], free_of(a, held), scale);
}

/* Twice over all rows: for the widths, then to write them. */
static void each_row(const struct view *v, int *width, struct buf *b)
{
    const struct source_reading *r = v->reading;
    struct row row;
    size_t i, k;
    int c, n;

    for (i = 0; i < r->hosts; i++) {
        for (k = 0; k < r->host[i].amounts; k++) {
            fill_row(v, i, &r->host[i].amount[k], &row);
            for (c = 0; c < COLUMNS && !b; c++) {
                n = (int)strlen(row.cell[c]);
                width[c] = n > width[c] ? n : width[c];
            }
            if (b)
                put_row(b, &row, width);
        }
    }
}

static void put_table(const struct view *v, struct buf *b)
{
    static const struct row head = {{"POOLS", "HOST", "RESOURCE", "TOTAL", "USED", "HELD", "FREE"}};
    const struct source_reading *r = v->reading;
    int width[COLUMNS] = {5, 4, NARROWEST, 5, 4, 4, 4};

    buf_printf(b, "queue %.*s: %s", (int)r->queue->type.n, r->queue->type.p, source_word(r->queue));
    if (r->state == SOURCE_FAILED)
        buf_printf(b, ": %s\n", r->error);
    else if (r->state == SOURCE_NONE)
        buf_str(b, "\n");
    else
        buf_printf(b, ", hosts %zu, pools %zu\n", r->hosts, r->pools);
    if (r->state != SOURCE_GOOD || r->hosts == 0)
        return;
    each_row(v, width, NULL);
    put_row(b, &head, width);
    each_row(v, width, b);
}

/* ---- JSON ---- */

static void put_names(struct json_out *o, const char *key, const struct str *name, size_t n)
{
    size_t i;

    json_key(o, key);
    json_open(o, '[');
    for (i = 0; i < n; i++)
        json_put_str(o, name[i]);
    json_close(o, ']');
}

static void put_pool(struct json_out *o, const struct pool *p)
{
    json_open(o, '{');
    json_key(o, "Name");
    json_put_str(o, p->name);
    json_key(o, "Open");
    json_put_bool(o, p->open);
    put_names(o, "Projects", p->project, p->projects);
    json_key(o, "Hosts");
    json_put_i64(o, (int64_t)p->hosts);
    json_key(o, "Unread");
    json_put_i64(o, (int64_t)p->unread);
    json_close(o, '}');
}

static void put_number(struct json_out *o, const char *key, int64_t n)
{
    json_key(o, key);
    json_put_i64(o, n);
}

static void put_amount(struct json_out *o, const struct view *v, size_t host,
                       const struct source_amount *a)
{
    int64_t held = held_of(v, host, a->resource);

    json_key_str(o, a->resource);
    json_open(o, '{');
    put_number(o, "Total", a->total);
    put_number(o, "Used", a->used);
    json_key(o, "Held");
    if (v->known)
        json_put_i64(o, held);
    else
        json_put_null(o);
    put_number(o, "Free", free_of(a, held));
    json_close(o, '}');
}

static void put_host(struct json_out *o, const struct view *v, size_t host)
{
    const struct source_reading *r = v->reading;
    size_t i;

    json_open(o, '{');
    json_key(o, "Name");
    json_put_str(o, r->host[host].name);
    json_key(o, "Pools");
    json_open(o, '[');
    for (i = 0; i < r->pools; i++) {
        if (is_in(&r->pool[i], host))
            json_put_str(o, r->pool[i].name);
    }
    json_close(o, ']');
    json_key(o, "Resources");
    json_open(o, '{');
    for (i = 0; i < r->host[host].amounts; i++)
        put_amount(o, v, host, &r->host[host].amount[i]);
    json_close(o, '}');
    json_close(o, '}');
}

static void put_json(const struct view *v, struct json_out *o)
{
    const struct source_reading *r = v->reading;
    size_t i;

    json_open(o, '{');
    json_key(o, "Type");
    json_put_str(o, r->queue->type);
    json_key(o, "Source");
    json_put_str(o, str_of(source_word(r->queue)));
    json_key(o, "Error");
    json_put_str(o, r->state == SOURCE_FAILED ? str_of(r->error) : (struct str){0});
    json_key(o, "About");
    json_put_str(o, r->about);
    json_key(o, "Pools");
    json_open(o, '[');
    for (i = 0; i < r->pools; i++)
        put_pool(o, &r->pool[i]);
    json_close(o, ']');
    json_key(o, "Hosts");
    json_open(o, '[');
    for (i = 0; i < r->hosts; i++)
        put_host(o, v, i);
    json_close(o, ']');
    json_close(o, '}');
}

/* ---- all queues ---- */

static int show_queue(struct store *store, const struct source_reading *r, bool json,
                      struct json_out *o, struct err *e)
{
    struct view v;
    int rc = make_view(store, r, &v, e);

    if (rc == 0 && json)
        put_json(&v, o);
    else if (rc == 0)
        put_table(&v, o->b);
    capacity_free(&v.capacity);
    return rc;
}

static int show_queues(const struct conf *conf, struct store *store, struct readers *readers,
                       bool json, struct err *e)
{
    struct buf b = BUF_INIT(256 << 20);
    struct json_out o = JSON_OUT(&b);
    const struct source_reading *r;
    size_t i, failed = 0;
    int rc = 0;

    if (json)
        json_open(&o, '[');
    for (i = 0; i < conf->queues && rc == 0; i++) {
        r = readers_take(readers, i);
        failed += r->state == SOURCE_FAILED;
        rc = show_queue(store, r, json, &o, e);
    }
    if (json) {
        json_close(&o, ']');
        buf_char(&b, '\n');
    }
    if (rc == 0)
        rc = inspect_print(&b, e);
    buf_free(&b);
    if (rc == 0 && failed > 0)
        rc = err_set(e, ERR_UNAVAILABLE, "%zu sources could not be read", failed);
    return rc;
}

int inspect_capacity(const struct conf *conf, bool json, struct err *e)
{
    struct readers *readers;
    struct store *store = NULL;
    struct err none;
    int rc;

    if (inspect_read(conf, &readers, e) != 0)
        return -1;
    if (store_open(conf, STORE_READ, &store, &none) != 0 || store_read_begin(store, &none) != 0)
        rc = show_queues(conf, NULL, readers, json, e); /* nothing is known of holds */
    else {
        rc = show_queues(conf, store, readers, json, e);
        store_read_end(store);
    }
    store_close(store);
    readers_close(readers);
    return rc;
}
