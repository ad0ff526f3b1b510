/* SPDX-License-Identifier: MIT */
/* anteroom capacity: the last reading of each source, with what our jobs hold of it. The sources
 * are not asked: `anteroom-dispatch --capacity` does. */
#include <stdio.h>

#include "ago.h"
#include "clock.h"
#include "command.h"
#include "demand.h"
#include "quantity.h"
#include "store_view.h"

enum { OPT_HOSTS = COMMAND_OWN, OUTPUT_MAX = 256 << 20, POOLS_MAX = 4096 };

static const struct option options[] = {{"hosts", no_argument, NULL, OPT_HOSTS}, COMMAND_OPTIONS};

struct show {
    struct command_env *env;
    struct store_view view;
    bool hosts;
    struct table *t;
    /* the row's beginning */
    struct str name;
    struct buf second;
};

static const struct table_column pool_columns[] = {
    {"POOL", TABLE_TEXT, true},     {"HOSTS", TABLE_NUMBER, false}, {"RESOURCE", TABLE_TEXT, true},
    {"TOTAL", TABLE_NUMBER, false}, {"USED", TABLE_NUMBER, false},  {"HELD", TABLE_NUMBER, false},
    {"FREE", TABLE_NUMBER, false},
};
static const struct table_column host_columns[] = {
    {"HOST", TABLE_TEXT, true},     {"POOLS", TABLE_TEXT, true},   {"RESOURCE", TABLE_TEXT, true},
    {"TOTAL", TABLE_NUMBER, false}, {"USED", TABLE_NUMBER, false}, {"HELD", TABLE_NUMBER, false},
    {"FREE", TABLE_NUMBER, false},
};
_Static_assert(ARRAY_LEN(pool_columns) == ARRAY_LEN(host_columns), "rows are made alike");

/* ---- rows ---- */

static void put_number(struct table *t, enum table_tone tone, int64_t amount, int64_t scale)
{
    char text[QUANTITY_TEXT_MAX];

    table_text(t, tone, str_of(quantity_write(text, amount, scale)));
}

static int put_amount(void *ctx, const struct store_view_amount *a, struct err *e)
{
    struct show *s = ctx;
    int64_t scale = demand_scale(s->view.queue->rules, a->resource);

    (void)e;
    table_text(s->t, TABLE_STRONG, s->name);
    table_text(s->t, TABLE_PLAIN, buf_span(&s->second));
    table_text(s->t, TABLE_PLAIN, a->resource);
    put_number(s->t, TABLE_PLAIN, a->total, scale);
    put_number(s->t, a->used > 0 ? TABLE_PLAIN : TABLE_FAINT, a->used, scale);
    put_number(s->t, a->held > 0 ? TABLE_BUSY : TABLE_FAINT, a->held, scale);
    put_number(s->t, a->free > 0 ? TABLE_GOOD : TABLE_BAD, a->free, scale);
    return 0;
}

static int put_pool(void *ctx, const struct store_view_pool *pool, struct err *e)
{
    struct show *s = ctx;

    s->name = pool->name;
    buf_reset(&s->second);
    buf_i64(&s->second, pool->hosts + pool->unread);
    return store_view_amounts(s->env->store, &s->view, STORE_VIEW_OF_POOL, pool->name, put_amount,
                              s, e);
}

static int add_name(void *ctx, struct str name, struct err *e)
{
    struct buf *b = ctx;

    (void)e;
    if (b->len > 0)
        buf_str(b, ", ");
    buf_add(b, name.p, name.n);
    return 0;
}

static int put_host(void *ctx, struct str name, struct err *e)
{
    struct show *s = ctx;

    s->name = name;
    buf_reset(&s->second);
    buf_str(&s->second, "");
    if (store_view_names(s->env->store, &s->view, STORE_VIEW_POOLS_OF_HOST, name, add_name,
                         &s->second, e) != 0)
        return -1;
    return store_view_amounts(s->env->store, &s->view, STORE_VIEW_OF_HOST, name, put_amount, s, e);
}

static int put_table(struct show *s, struct buf *b, struct err *e)
{
    struct err ignored;
    int rc;

    s->t =
        table_new(&s->env->screen, s->hosts ? host_columns : pool_columns, ARRAY_LEN(pool_columns));
    if (!s->t)
        return err_set(e, ERR_INTERNAL, "no memory for a table");
    table_into(s->t, b);
    rc = s->hosts ? store_view_names(s->env->store, &s->view, STORE_VIEW_HOSTS, (struct str){0},
                                     put_host, s, e)
                  : store_view_pools(s->env->store, &s->view, put_pool, s, e);
    if (rc == 0)
        return table_end(s->t, e);
    (void)!table_end(s->t, &ignored);
    return -1;
}

/* ---- a queue ---- */

static void put_title(const struct show *s, struct str type, bool known, struct buf *b)
{
    const struct store_view *v = &s->view;

    table_paint(b, &s->env->screen, TABLE_STRONG, type);
    buf_printf(b, ": %s", conf_capacity_word(v->queue->capacity));
    if (v->queue->capacity != CONF_CAPACITY_NONE && (!known || v->read_at == 0)) {
        buf_str(b, ", not read yet");
    } else if (known && conf_asks(v->queue)) {
        buf_str(b, ", read ");
        ago_write(b, clock_now(), v->read_at);
    }
    if (v->about.p) {
        buf_str(b, ", ");
        table_paint(b, &s->env->screen, TABLE_PLAIN, v->about);
    }
    buf_char(b, '\n');
    if (v->error.p) {
        buf_str(b, "the last reading failed: ");
        table_paint(b, &s->env->screen, TABLE_BAD, v->error);
        buf_char(b, '\n');
    }
}

static int show_queue(struct show *s, const struct conf_queue *queue, struct str type,
                      struct json_out *o, struct err *e)
{
    int known = store_view(s->env->store, queue, &s->view, e);

    if (known < 0)
        return -1;
    if (s->env->json)
        return store_view_write(s->env->store, &s->view, known == 1, type, o, NULL, NULL, e);
    put_title(s, type, known == 1, o->b);
    return known == 1 && s->view.read_at != 0 ? put_table(s, o->b, e) : 0;
}

/* One, or all that have a source. */
static int show_all(struct show *s, struct str type, struct json_out *o, struct err *e)
{
    const struct conf *conf = s->env->conf;
    size_t i, shown = 0;
    int rc = 0;

    if (type.p)
        return show_queue(s, conf_queue(conf, type), type, o, e);
    if (s->env->json)
        json_open(o, '[');
    for (i = 0; rc == 0 && i < conf->queues; i++) {
        if (conf->queue[i].capacity == CONF_CAPACITY_NONE)
            continue;
        if (shown++ > 0 && !s->env->json)
            buf_char(o->b, '\n');
        rc = show_queue(s, &conf->queue[i], conf->queue[i].type, o, e);
    }
    if (s->env->json)
        json_close(o, ']');
    else if (shown == 0)
        buf_str(o->b, "no queue has a source of capacity\n");
    return rc;
}

/* Nothing is printed in the snapshot: a reader who takes his time (a pager) keeps no old one open.
 */
static int show(struct show *s, struct str type)
{
    struct buf b = BUF_INIT(OUTPUT_MAX);
    struct json_out o = JSON_OUT(&b);
    struct err e;
    int status, rc = store_read_begin(s->env->store, &e);

    if (rc == 0) {
        rc = show_all(s, type, &o, &e);
        store_read_end(s->env->store);
    }
    if (s->env->json)
        buf_char(&b, '\n');
    status = rc == 0 ? command_print(&b) : command_failed(&e);
    buf_free(&b);
    return status;
}

int command_capacity(struct command_env *env)
{
    struct show s = {.env = env, .second = BUF_INIT(POOLS_MAX)};
    struct str type = {0};
    struct err e;
    int option, status;

    while ((option = command_option(env, options)) > 0)
        s.hosts = true;
    if (option == 0)
        return COMMAND_USAGE;
    if (optind < env->argc - 1)
        return command_misused(env, "there is an argument too many: %s", env->argv[optind + 1]);
    if (optind < env->argc)
        type = str_of(env->argv[optind]);
    if (type.p && job_check_name(type, "TYPE", &e) != 0)
        return command_misused(env, "%s", e.text);
    status = show(&s, type);
    buf_free(&s.second);
    return status;
}
