/* SPDX-License-Identifier: MIT */
/* The demand that waits, as JSON. */
#include "waiting_text.h"

#include "demand.h"

struct writer {
    const struct conf *conf;
    const struct conf_queue *queue;
    struct json_out o;
    struct clock_zone zone;
    size_t groups;
    bool more;
    bool failed; /* for want of memory; e says so */
    struct err *e;
};

static void put_instances(struct json_out *o, const struct demand *d)
{
    size_t k, i;

    json_open(o, '[');
    for (k = 0; k < d->kinds; k++) {
        json_open(o, '{');
        json_key(o, "count");
        json_put_i64(o, d->kind[k].count);
        json_key(o, "resources");
        json_open(o, '{');
        for (i = 0; i < d->kind[k].amounts; i++) {
            json_key_str(o, d->kind[k].amount[i].resource);
            json_put_i64(o, d->kind[k].amount[i].amount);
        }
        json_close(o, '}');
        if (d->kind[k].constraint.p) {
            json_key(o, "constraint");
            json_put_raw(o, d->kind[k].constraint);
        }
        json_close(o, '}');
    }
    json_close(o, ']');
}

static void put_group(struct writer *w, const struct store_group *g, const struct demand *d)
{
    struct buf since = BUF_INIT(CLOCK_TEXT_MAX);

    json_open(&w->o, '{');
    json_key(&w->o, "type");
    json_put_str(&w->o, g->type);
    json_key(&w->o, "scope");
    json_put_str(&w->o, g->scope);
    json_key(&w->o, "first");
    json_put_i64(&w->o, g->head_id);
    json_key(&w->o, "since");
    clock_write(&since, &w->zone, g->head_queued_at);
    json_put_buf(&w->o, &since);
    buf_free(&since);
    json_key(&w->o, "instances");
    put_instances(&w->o, d);
    json_close(&w->o, '}');
}

static bool take_group(void *ctx, const struct store_group *g)
{
    struct writer *w = ctx;
    struct demand *d;

    if (g->paused || conf_queue(w->conf, g->type) != w->queue)
        return true;
    if (demand_from_shape(g->shape, &d, w->e) != 0) {
        w->failed = w->e->code == ERR_UNAVAILABLE;
        return !w->failed;
    }
    w->more = w->groups == WAITING_TEXT_GROUPS;
    if (!w->more) {
        w->groups++;
        put_group(w, g, d);
    }
    demand_free(d);
    return !w->more;
}

int waiting_text(const struct conf *conf, struct store *store, const struct conf_queue *queue,
                 struct buf *b, struct err *e)
{
    struct writer w = {.conf = conf, .queue = queue, .o = JSON_OUT(b), .e = e};
    int rc;

    if (store_read_begin(store, e) != 0)
        return -1;
    json_open(&w.o, '{');
    json_key(&w.o, "queue");
    json_put_str(&w.o, queue->type);
    json_key(&w.o, "waiting");
    json_open(&w.o, '[');
    rc = store_groups(store, 0, take_group, &w, e);
    json_close(&w.o, ']');
    json_key(&w.o, "more");
    json_put_bool(&w.o, w.more);
    json_close(&w.o, '}');
    store_read_end(store);
    return rc == 0 && !w.failed ? buf_check(b, "the demand that waits", e) : -1;
}
