/* SPDX-License-Identifier: MIT */
/* The table of the sources of capacity, and the one way to read any of them. */
#include "source.h"

#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "plain.h"

struct source {
    const struct source_kind *kind;
    void *ctx;
};

static const struct source_kind source_none = {.word = "none"};

static const struct source_kind *const kinds[] = {
    [CONF_CAPACITY_NONE] = &source_none,           [CONF_CAPACITY_STATIC] = &source_static,
    [CONF_CAPACITY_OPENSTACK] = &source_openstack, [CONF_CAPACITY_KUBERNETES] = &source_kubernetes,
    [CONF_CAPACITY_EXEC] = &source_exec,           [CONF_CAPACITY_HTTP] = &source_http,
};

static const struct source_kind *kind_of(const struct conf_queue *queue)
{
    return kinds[queue->capacity];
}

const char *source_word(const struct conf_queue *queue)
{
    return kind_of(queue)->word;
}

bool source_waits(const struct conf_queue *queue)
{
    return kind_of(queue)->waits;
}

int source_open(const struct conf *conf, const struct conf_queue *queue, struct source **out,
                struct err *e)
{
    struct source *s = calloc(1, sizeof *s);

    if (!s)
        return err_set(e, ERR_INTERNAL, "out of memory while opening a source of capacity");
    s->kind = kind_of(queue);
    if (s->kind->open && s->kind->open(conf, queue, &s->ctx, e) != 0) {
        free(s);
        return -1;
    }
    *out = s;
    return 0;
}

void source_close(struct source *s)
{
    if (s && s->kind->close)
        s->kind->close(s->ctx);
    free(s);
}

/* Whatever a service said is one line from here on, and moves no terminal. */
static void fail(struct source_reading *r, const struct err *e)
{
    r->state = SOURCE_FAILED;
    r->hosts = r->pools = r->quotas = r->shared = r->exacts = 0;
    (void)plain_text(str_of(e->text), r->error, sizeof r->error);
}

/* What a service says of itself becomes one plain line as well. */
static int make_plain(struct arena *a, struct str *text, struct err *e)
{
    char *room = text->p ? arena_array(a, text->n + 1, 1) : NULL;

    if (!text->p)
        return 0;
    if (!room)
        return err_set(e, ERR_INTERNAL, "out of memory while reading a source of capacity");
    *text = (struct str){room, plain_text(*text, room, text->n + 1)};
    return 0;
}

void source_read(struct source *s, struct str waiting, const struct until *until,
                 struct source_reading *r)
{
    struct clock_mark mark = clock_mark();
    int64_t start = clock_mono();
    struct err e;

    r->state = SOURCE_NONE;
    r->read_at = mark.wall;
    r->ahead = mark.ahead;
    if (!s->kind->read)
        return;
    r->state = SOURCE_GOOD;
    if (s->kind->read(s->ctx, waiting, until, r, &e) != 0 || source_check(r, &e) != 0 ||
        make_plain(r->arena, &r->about, &e) != 0)
        fail(r, &e);
    r->ns = clock_mono() - start;
}

void source_more(struct source *s, const struct source_question *q, size_t n,
                 const struct until *until, struct source_reading *r)
{
    struct err e;

    if (!s->kind->more)
        return;
    if (s->kind->more(s->ctx, q, n, until, r, &e) != 0 || source_check(r, &e) != 0)
        fail(r, &e);
}

static int copy_kind(struct arena *a, const struct demand_kind *from, struct demand_kind *to)
{
    struct demand_amount *amount = arena_array(a, from->amounts, sizeof *amount);
    size_t i;

    if (!amount)
        return -1;
    *to = *from;
    to->amount = amount;
    for (i = 0; i < from->amounts; i++) {
        amount[i].amount = from->amount[i].amount;
        if (arena_copy(a, from->amount[i].resource, &amount[i].resource) != 0)
            return -1;
    }
    return from->constraint.p ? arena_copy(a, from->constraint, &to->constraint) : 0;
}

int source_question_copy(struct arena *a, const struct source_question *from,
                         struct source_question *to)
{
    struct demand_kind *kind = arena_array(a, 1, sizeof *kind);
    size_t *pool = arena_array(a, from->pools, sizeof *pool);

    if (!kind || !pool)
        return -1;
    *to = *from;
    if (from->project.p)
        return arena_copy(a, from->project, &to->project);
    if (from->pools)
        memcpy(pool, from->pool, from->pools * sizeof *pool);
    to->pool = pool;
    to->kind = kind;
    return arena_copy(a, from->text, &to->text) == 0 ? copy_kind(a, from->kind, kind) : -1;
}
