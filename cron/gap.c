/* SPDX-License-Identifier: MIT */
/* Why a demand does not fit on hosts: the first of the questions that its numbers answer. Only what
 * decides is said, so that the text stays the same while anything else changes. */
#include "gap.h"

#include <string.h>

#include "num.h"
#include "quantity.h"

enum { LISTED_KINDS = 3, LISTED_RESOURCES = 6 };

/* ---- numbers ---- */

static int64_t cell(const struct gap_at *at, size_t host, size_t resource)
{
    const int64_t *table = at->empty ? at->capacity->total : at->capacity->free.free;

    return table[host * at->capacity->resource.n + resource];
}

static bool may_take(const struct fit_kind *kind, size_t host)
{
    return !kind->on || kind->on[host];
}

bool gap_is_masked(const struct fit_demand *d)
{
    size_t k;

    for (k = 0; k < d->kinds && !d->kind[k].on; k++)
        ;
    return k < d->kinds;
}

/* May the host take a kind that asks for the resource? */
static bool counts_for(const struct fit_demand *d, size_t host, size_t resource)
{
    size_t k;

    for (k = 0; k < d->kinds; k++) {
        if (d->kind[k].amount[resource] > 0 && may_take(&d->kind[k], host))
            return true;
    }
    return false;
}

/* NULL: whoever asks. */
static void add_up(const struct capacity *c, struct fit_subset use, const struct fit_demand *d,
                   struct gap_sum *row)
{
    size_t i, r, n = c->resource.n;

    memset(row, 0, n * sizeof *row);
    for (i = 0; i < use.n; i++) {
        for (r = 0; r < n; r++) {
            int64_t total = c->total[use.host[i] * n + r], left = c->free.free[use.host[i] * n + r];

            if (d && !counts_for(d, use.host[i], r))
                continue;
            row[r].total = num_plus(row[r].total, total);
            row[r].free = num_plus(row[r].free, left);
            row[r].most_total = total > row[r].most_total ? total : row[r].most_total;
            row[r].most_free = left > row[r].most_free ? left : row[r].most_free;
        }
    }
}

void gap_sums(const struct gap_at *at, struct gap_sum *row)
{
    add_up(at->capacity, at->use, at->demand, row);
}

void gap_sums_of_all(const struct capacity *c, struct fit_subset use, struct gap_sum *row)
{
    add_up(c, use, NULL, row);
}

static int64_t sum_of(const struct gap_at *at, size_t resource)
{
    return at->empty ? at->sum[resource].total : at->sum[resource].free;
}

/* Of the hosts that may take the kind. */
static int64_t sum_for(const struct gap_at *at, const struct fit_kind *kind, size_t resource)
{
    int64_t sum = 0;
    size_t i;

    if (!kind->on)
        return sum_of(at, resource);
    for (i = 0; i < at->use.n; i++) {
        if (may_take(kind, at->use.host[i]))
            sum = num_plus(sum, cell(at, at->use.host[i], resource));
    }
    return sum;
}

static int64_t most_of(const struct gap_at *at, size_t resource)
{
    return at->empty ? at->sum[resource].most_total : at->sum[resource].most_free;
}

static int64_t need_of(const struct gap_at *at, size_t resource)
{
    int64_t need = 0;
    size_t k;

    for (k = 0; k < at->demand->kinds; k++)
        need = num_plus(need,
                        num_times(at->demand->kind[k].count, at->demand->kind[k].amount[resource]));
    return need;
}

static bool is_short(const struct gap_at *at, size_t resource)
{
    int64_t need = need_of(at, resource);

    return need > 0 && need > sum_of(at, resource);
}

static size_t takers_of(const struct gap_at *at, const struct fit_kind *kind)
{
    size_t i, n = 0;

    for (i = 0; i < at->use.n; i++)
        n += may_take(kind, at->use.host[i]);
    return n;
}

/* How many instances of a kind the host has room for. */
static int64_t room_on(const struct gap_at *at, const struct fit_kind *kind, size_t host)
{
    int64_t room = kind->count, n;
    size_t r;

    if (!may_take(kind, host))
        return 0;
    for (r = 0; r < at->capacity->resource.n; r++) {
        if (kind->amount[r] == 0)
            continue;
        n = cell(at, host, r) / kind->amount[r];
        room = n < room ? n : room;
    }
    return room;
}

static int64_t room_for(const struct gap_at *at, const struct fit_kind *kind)
{
    int64_t room = 0;
    size_t i;

    for (i = 0; i < at->use.n; i++)
        room = num_plus(room, room_on(at, kind, at->use.host[i]));
    return room;
}

/* The most that a host has of a resource that may take the kind. */
static int64_t best_of(const struct gap_at *at, const struct fit_kind *kind, size_t resource)
{
    int64_t best = 0;
    size_t i;

    for (i = 0; i < at->use.n; i++) {
        size_t host = at->use.host[i];

        if (may_take(kind, host) && cell(at, host, resource) > best)
            best = cell(at, host, resource);
    }
    return best;
}

/* ---- the questions ---- */

/* A resource of which no host has enough for one instance of the kind; SIZE_MAX: there is none. */
static size_t too_large(const struct gap_at *at, const struct fit_kind *kind)
{
    size_t r;

    for (r = 0; r < at->capacity->resource.n; r++) {
        if (kind->amount[r] > most_of(at, r) ||
            (kind->on && kind->amount[r] > best_of(at, kind, r)))
            return r;
    }
    return SIZE_MAX;
}

static struct gap of_kind(const struct gap_at *at, size_t k)
{
    const struct fit_kind *kind = &at->demand->kind[k];
    size_t r = too_large(at, kind);
    int64_t room;

    if (r != SIZE_MAX)
        return (struct gap){GAP_ONE_HOST, k, r, best_of(at, kind, r), sum_for(at, kind, r)};
    room = room_for(at, kind);
    if (room == 0)
        return (struct gap){.kind = GAP_TOGETHER, .of = k};
    if (room < kind->count)
        return (struct gap){.kind = GAP_COUNT, .of = k, .best = room};
    return (struct gap){.kind = GAP_MIX};
}

struct gap gap_find(const struct gap_at *at)
{
    const struct fit_demand *d = at->demand;
    struct gap gap = {.kind = GAP_MIX};
    size_t k, r;

    for (k = 0; k < d->kinds; k++) {
        if (at->use.n == 0 || (d->kind[k].on && takers_of(at, &d->kind[k]) == 0))
            return (struct gap){.kind = GAP_NO_HOST, .of = k};
    }
    for (r = 0; r < at->capacity->resource.n; r++) {
        if (is_short(at, r))
            return (struct gap){.kind = GAP_SUM};
    }
    for (k = 0; k < d->kinds && gap.kind == GAP_MIX; k++)
        gap = of_kind(at, k);
    return gap;
}

bool gap_is_fragmented(const struct gap *g)
{
    return g->kind >= GAP_ONE_HOST;
}

/* ---- words ---- */

static void put_name(struct buf *b, struct str name)
{
    buf_add(b, name.p, name.n);
}

static void put_amount(struct buf *b, const struct capacity *c, size_t resource, int64_t amount)
{
    char text[QUANTITY_TEXT_MAX];
    int64_t scale = demand_scale(c->reading->queue->rules, c->resource.text[resource]);

    buf_str(b, quantity_write(text, amount, scale));
}

/* "Memory 8192, VCPU 4" */
static void put_amounts(struct buf *b, const struct capacity *c, const int64_t *amount)
{
    size_t r, n = 0;

    for (r = 0; r < c->resource.n; r++) {
        if (amount[r] == 0 || ++n > LISTED_RESOURCES)
            continue;
        buf_str(b, n > 1 ? ", " : "");
        put_name(b, c->resource.text[r]);
        buf_char(b, ' ');
        put_amount(b, c, r, amount[r]);
    }
    if (n > LISTED_RESOURCES)
        buf_printf(b, " and %zu more", n - LISTED_RESOURCES);
}

static void put_kind(struct buf *b, const struct capacity *c, const struct fit_kind *kind)
{
    buf_i64(b, kind->count);
    buf_str(b, " x (");
    put_amounts(b, c, kind->amount);
    buf_char(b, ')');
}

/* "2 x (Memory 8192, VCPU 4) + 1 x (VCPU 8)" */
static void put_kinds(struct buf *b, const struct capacity *c, const struct fit_demand *d)
{
    size_t k;

    for (k = 0; k < d->kinds && k < LISTED_KINDS; k++) {
        buf_str(b, k ? " + " : "");
        put_kind(b, c, &d->kind[k]);
    }
    if (d->kinds > LISTED_KINDS)
        buf_printf(b, " and %zu more", d->kinds - LISTED_KINDS);
}

/* Hosts that may take some kind. */
static size_t usable(const struct gap_at *at)
{
    size_t i, k, n = 0;

    if (!gap_is_masked(at->demand))
        return at->use.n;
    for (i = 0; i < at->use.n; i++) {
        for (k = 0; k < at->demand->kinds && !may_take(&at->demand->kind[k], at->use.host[i]); k++)
            ;
        n += k < at->demand->kinds;
    }
    return n;
}

/* "its 3 hosts", or "the 2 hosts that may take it" */
static void put_hosts(struct buf *b, const struct gap_at *at)
{
    size_t n = usable(at);

    buf_printf(b, n == at->use.n ? "its %zu %s" : "the %zu %s that may take it", n,
               n == 1 ? "host" : "hosts");
}

typedef void put_number_fn(struct buf *b, const struct gap_at *at, size_t resource);

static void put_need_of(struct buf *b, const struct gap_at *at, size_t resource)
{
    put_amount(b, at->capacity, resource, need_of(at, resource));
    buf_char(b, ' ');
    put_name(b, at->capacity->resource.text[resource]);
}

static void put_sum_of(struct buf *b, const struct gap_at *at, size_t resource)
{
    put_amount(b, at->capacity, resource, sum_of(at, resource));
    if (at->empty)
        return;
    buf_str(b, " of ");
    put_amount(b, at->capacity, resource, at->sum[resource].total);
}

/* One number of each resource that is short: "5 of 192 and 0 of 8". */
static void put_short(struct buf *b, const struct gap_at *at, put_number_fn *put)
{
    size_t r, n = 0;

    for (r = 0; r < at->capacity->resource.n && n < LISTED_RESOURCES; r++) {
        if (!is_short(at, r))
            continue;
        buf_str(b, n++ ? " and " : "");
        put(b, at, r);
    }
}

/* "needs 24 VCPU; 5 of 192 are free on its 3 hosts" */
static void say_sum(const struct gap_at *at, struct buf *b)
{
    bool empty = at->empty;

    put_short(b, at, put_need_of);
    buf_str(b, "; ");
    if (empty) {
        put_hosts(b, at);
        buf_str(b, usable(at) == 1 ? " has " : " have ");
    }
    put_short(b, at, put_sum_of);
    buf_str(b, empty ? " in all" : " are free on ");
    if (!empty)
        put_hosts(b, at);
}

/* "needs 8 VCPU on one host; the best has 5; the pool has 40 free in pieces" */
static void say_one_host(const struct gap_at *at, const struct gap *g, struct buf *b)
{
    const struct fit_kind *kind = &at->demand->kind[g->of];
    bool all = takers_of(at, kind) == at->use.n, empty = at->empty;

    put_amount(b, at->capacity, g->resource, kind->amount[g->resource]);
    buf_char(b, ' ');
    put_name(b, at->capacity->resource.text[g->resource]);
    buf_printf(b, " on one host; the %s%s has ", empty ? "largest" : "best",
               all ? "" : " that may take it");
    put_amount(b, at->capacity, g->resource, g->best);
    if (empty) {
        buf_str(b, " when empty");
        return;
    }
    if (!all)
        buf_str(b, "; those have ");
    else if (at->pools == 1)
        buf_str(b, "; the pool has ");
    else
        buf_printf(b, "; its %zu pools have ", at->pools);
    put_amount(b, at->capacity, g->resource, g->sum);
    buf_str(b, " free in pieces");
}

static void say_together(const struct gap_at *at, const struct gap *g, struct buf *b)
{
    put_amounts(b, at->capacity, at->demand->kind[g->of].amount);
    buf_str(b, at->empty ? " on one host; no host has all of it when empty"
                         : " on one host; no host has all of it free at once");
}

static void say_count(const struct gap_at *at, const struct gap *g, struct buf *b)
{
    put_kind(b, at->capacity, &at->demand->kind[g->of]);
    buf_printf(b, "; there is room for %lld of them%s", (long long)g->best,
               at->empty ? " when all hosts are empty" : "");
}

static void say_mix(const struct gap_at *at, struct buf *b)
{
    put_kinds(b, at->capacity, at->demand);
    buf_str(b, at->empty
                   ? "; there is room for each by itself, and none for all when all hosts are empty"
                   : "; there is room for each by itself, and none was found for all");
}

static void say_no_host(const struct gap_at *at, const struct gap *g, struct buf *b)
{
    size_t n = at->use.n;
    bool one = at->pools == 1;

    put_kind(b, at->capacity, &at->demand->kind[g->of]);
    if (n == 0 && at->empty)
        buf_printf(b, "; its %s no host", one ? "pool has" : "pools have");
    else if (n == 0) /* there are some, of which no more is known than that */
        buf_printf(b, "; all hosts of its %s are full", one ? "pool" : "pools");
    else
        buf_printf(b, "; none of its %zu %s may take it%s", n, n == 1 ? "host" : "hosts",
                   at->empty ? "" : " now");
}

void gap_say(const struct gap_at *at, const struct gap *g, struct buf *b)
{
    buf_str(b, "needs ");
    if (g->kind == GAP_NO_HOST)
        say_no_host(at, g, b);
    else if (g->kind == GAP_SUM)
        say_sum(at, b);
    else if (g->kind == GAP_ONE_HOST)
        say_one_host(at, g, b);
    else if (g->kind == GAP_TOGETHER)
        say_together(at, g, b);
    else if (g->kind == GAP_COUNT)
        say_count(at, g, b);
    else
        say_mix(at, b);
}
