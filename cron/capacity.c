/* SPDX-License-Identifier: MIT */
/* The table of capacity: built from a reading, lessened by holds;
 * demands brought into its columns. */
#include "capacity.h"

#include "num.h"

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory in the capacity table");
}

/* Same resource of two hosts? Then the same column: columns are interned in order of name, so that
 * what is written from them is sorted. */
static int name_order(const void *a, const void *b)
{
    return str_cmp(*(const struct str *)a, *(const struct str *)b);
}

static int intern_resources(const struct source_reading *r, struct arena *a, struct capacity *c)
{
    struct intern seen = {.arena = a};
    size_t i, j;
    int bad = 0;

    for (i = 0; i < r->hosts && !bad; i++) {
        for (j = 0; j < r->host[i].amounts && !bad; j++)
            bad = intern_add(&seen, r->host[i].amount[j].resource) == INTERN_NONE;
    }
    if (seen.n)
        qsort(seen.text, seen.n, sizeof *seen.text, name_order);
    for (i = 0; i < seen.n && !bad; i++)
        bad = intern_add(&c->resource, seen.text[i]) == INTERN_NONE;
    intern_free(&seen);
    return bad ? -1 : 0;
}

/* An amount as a source gave it, brought into the range of fit.h. */
static int64_t in_range(int64_t v)
{
    return v < 0 ? 0 : v > NUM_SAFE_MAX ? NUM_SAFE_MAX : v;
}

static void fill_row(struct capacity *c, size_t row, const struct source_host *h)
{
    size_t i, cell;

    for (i = 0; i < h->amounts; i++) {
        cell = row * c->resource.n + intern_find(&c->resource, h->amount[i].resource);
        c->total[cell] = in_range(h->amount[i].total);
        c->free.free[cell] = in_range(c->total[cell] - in_range(h->amount[i].used));
    }
}

int capacity_make(const struct source_reading *r, struct arena *a, struct capacity *c,
                  struct err *e)
{
    size_t i, row;

    *c = (struct capacity){
        .reading = r, .host.arena = a, .resource.arena = a, .masks = masks_new(r, a)};
    if (!c->masks || intern_resources(r, a, c) != 0)
        return no_memory(e);
    row = c->resource.n * sizeof *c->total;
    c->total = arena_array(a, r->hosts, row);
    c->free.free = arena_array(a, r->hosts, row);
    if (!c->total || !c->free.free)
        return no_memory(e);
    c->free.hosts = r->hosts;
    c->free.resources = c->resource.n;
    for (i = 0; i < r->hosts; i++) {
        if (intern_add(&c->host, r->host[i].name) == INTERN_NONE)
            return no_memory(e);
        fill_row(c, i, &r->host[i]);
    }
    return 0;
}

void capacity_free(struct capacity *c)
{
    intern_free(&c->host);
    intern_free(&c->resource);
    masks_free(c->masks);
}

void capacity_hold(struct capacity *c, struct str host, struct str resource, int64_t amount)
{
    size_t row = intern_find(&c->host, host), column = intern_find(&c->resource, resource);
    int64_t *cell;

    if (row == INTERN_NONE || column == INTERN_NONE || amount <= 0)
        return;
    cell = &c->free.free[row * c->resource.n + column];
    *cell = amount < *cell ? *cell - amount : 0;
}

/* One kind's amounts as a row of columns, and the hosts that meet its constraint. */
static int shape_kind(const struct capacity *c, const struct demand_kind *from, struct arena *a,
                      struct fit_kind *to, struct capacity_shape *s)
{
    int64_t *amount = arena_array(a, c->resource.n, sizeof *amount);
    struct capacity_mask mask;
    size_t i, column;

    if (!amount || masks_constraint(c->masks, from->constraint, &mask) != 0)
        return -1;
    *to = (struct fit_kind){.count = from->count, .amount = amount, .on = mask.on};
    if (s->constrained == CONSTRAINT_MET)
        s->constrained = mask.answer;
    for (i = 0; i < from->amounts; i++) {
        column = intern_find(&c->resource, from->amount[i].resource);
        if (column != INTERN_NONE) {
            amount[column] = from->amount[i].amount;
            continue;
        }
        if (masks_none(c->masks, &to->on) != 0 ||
            (!s->lacking.p && arena_copy(a, from->amount[i].resource, &s->lacking) != 0))
            return -1;
    }
    return 0;
}

/* The demand now: kinds of its own only where an answer changes a mask. */
static int shape_now(const struct capacity *c, const struct demand *d, struct arena *a,
                     struct capacity_shape *s)
{
    struct fit_kind *now = NULL;
    const bool *on;
    size_t i;

    s->demand = s->empty;
    for (i = 0; i < d->kinds; i++) {
        on = s->empty.kind[i].on;
        if (masks_exact(c->masks, &d->kind[i], &on) != 0)
            return -1;
        if (on == s->empty.kind[i].on)
            continue;
        if (!now) {
            now = arena_array(a, d->kinds, sizeof *now);
            if (!now)
                return -1;
            memcpy(now, s->empty.kind, d->kinds * sizeof *now);
            s->demand.kind = now;
        }
        now[i].on = on;
    }
    return 0;
}

int capacity_shape(const struct capacity *c, const struct demand *d, struct arena *a,
                   struct capacity_shape *s)
{
    struct fit_kind *kind = arena_array(a, d->kinds, sizeof *kind);
    size_t i;

    *s = (struct capacity_shape){.empty = {d->kinds, kind}};
    if (!kind)
        return -1;
    for (i = 0; i < d->kinds; i++) {
        if (shape_kind(c, &d->kind[i], a, &kind[i], s) != 0)
            return -1;
    }
    return shape_now(c, d, a, s);
}
