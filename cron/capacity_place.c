/* SPDX-License-Identifier: MIT */
/*
 * Placements and what they hold. A job that an operator set running is on some host already, and
 * nobody said on which: it is counted where it fits, and where it does not fit, on the hosts with
 * the most left, so that too much is counted rather than too little.
 */
#include "capacity.h"

#include "num.h"

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while placing a job");
}

static int add_place(struct fit_placement *p, size_t kind, size_t host, int64_t count)
{
    size_t cap = p->cap ? p->cap * 2 : 16;
    struct fit_place *place = p->place;

    if (p->n == p->cap) {
        place = reallocarray(p->place, cap, sizeof *place);
        if (!place)
            return -1;
        p->place = place;
        p->cap = cap;
    }
    place[p->n++] = (struct fit_place){kind, host, count};
    return 0;
}

/* How often the kind goes on a host, as a fraction: what it lacks most decides. A kind that asks
 * for nothing there goes everywhere alike. */
struct roominess {
    size_t host;
    double times;
};

static double times_of(const struct capacity *c, size_t host, const struct fit_kind *kind)
{
    const int64_t *row = c->free.free + host * c->free.resources;
    double least = -1, times;
    size_t r;

    for (r = 0; r < c->free.resources; r++) {
        if (kind->amount[r] == 0)
            continue;
        times = (double)row[r] / (double)kind->amount[r];
        least = least < 0 || times < least ? times : least;
    }
    return least < 0 ? 0 : least;
}

static int roomiest_first(const void *a, const void *b)
{
    const struct roominess *x = a, *y = b;

    if (x->times != y->times)
        return x->times > y->times ? -1 : 1;
    return (x->host > y->host) - (x->host < y->host);
}

/* a * b of values >= 0, or the largest number there is. */
static int64_t product(int64_t a, int64_t b)
{
    int64_t v;

    return num_mul(a, b, &v) == 0 ? v : INT64_MAX;
}

static void take_clamped(struct capacity *c, size_t host, const struct fit_kind *kind,
                         int64_t count)
{
    int64_t *row = c->free.free + host * c->free.resources, wanted;
    size_t r;

    for (r = 0; r < c->free.resources; r++) {
        wanted = product(kind->amount[r], count);
        row[r] = wanted < row[r] ? row[r] - wanted : 0;
    }
}

/* First as many as go on each host, the roomiest first; what is left over goes on all of them in
 * equal parts. */
static int place_kind(struct capacity *c, const struct fit_kind *kind, size_t number,
                      struct roominess *order, size_t n, struct fit_placement *p)
{
    int64_t left = kind->count, count, whole;
    size_t i;

    for (i = 0; i < n && left > 0; i++) {
        whole = order[i].times < (double)left ? (int64_t)order[i].times : left;
        if (whole > 0 && add_place(p, number, order[i].host, whole) != 0)
            return -1;
        take_clamped(c, order[i].host, kind, whole);
        left -= whole;
    }
    for (i = 0; i < n && left > 0; i++) {
        count = (left + (int64_t)(n - i) - 1) / (int64_t)(n - i);
        if (add_place(p, number, order[i].host, count) != 0)
            return -1;
        take_clamped(c, order[i].host, kind, count);
        left -= count;
    }
    return 0;
}

/* The hosts that are on for the kind, all of them when none is, the roomiest first. Returns how
 * many. */
static size_t order_hosts(const struct capacity *c, struct fit_subset use,
                          const struct fit_kind *kind, struct roominess *order)
{
    size_t i, n = 0;

    for (i = 0; i < use.n; i++) {
        if (!kind->on || kind->on[use.host[i]])
            order[n++] = (struct roominess){use.host[i], times_of(c, use.host[i], kind)};
    }
    for (i = 0; n == 0 && i < use.n; i++)
        order[i] = (struct roominess){use.host[i], times_of(c, use.host[i], kind)};
    n = n ? n : use.n;
    qsort(order, n, sizeof *order, roomiest_first);
    return n;
}

static int place_greedily(struct capacity *c, struct fit_subset use, const struct fit_demand *d,
                          struct fit_placement *p, struct err *e)
{
    struct roominess *order = calloc(use.n ? use.n : 1, sizeof *order);
    size_t k, n;
    int bad = !order;

    p->n = 0;
    for (k = 0; k < d->kinds && !bad; k++) {
        n = order_hosts(c, use, &d->kind[k], order);
        bad = place_kind(c, &d->kind[k], k, order, n, p);
    }
    free(order);
    return bad ? no_memory(e) : 0;
}

int capacity_place(struct capacity *c, struct fit_subset use, const struct fit_demand *d,
                   struct fit_placement *p, struct err *e)
{
    int64_t steps = FIT_BUDGET_DEFAULT;
    enum fit_answer answer = fit_pack(&c->free, use, d, &steps, p);

    if (answer == FIT_NO_MEMORY)
        return no_memory(e);
    if (answer != FIT_YES)
        return place_greedily(c, use, d, p, e);
    fit_take(&c->free, d, p);
    return 0;
}

static int by_host(const void *a, const void *b)
{
    const struct fit_place *x = a, *y = b;

    if (x->host != y->host)
        return x->host < y->host ? -1 : 1;
    return (x->kind > y->kind) - (x->kind < y->kind);
}

/* What the places from..to hold of one resource. */
static int64_t sum_of(const struct fit_demand *d, const struct fit_place *from,
                      const struct fit_place *to, size_t resource)
{
    int64_t sum = 0;

    for (; from < to; from++) {
        if (num_add(sum, product(d->kind[from->kind].amount[resource], from->count), &sum) != 0)
            return INT64_MAX;
    }
    return sum;
}

/* The places of one host, from `from` on: what they hold, and how many instances they are. Returns
 * where the next host begins. */
static const struct fit_place *sum_host(const struct capacity *c, const struct fit_demand *d,
                                        const struct fit_place *from, const struct fit_place *end,
                                        struct capacity_holds *h)
{
    const struct fit_place *to = from;
    size_t host = from->host, r;
    int64_t sum, total, instances = 0;

    for (; to < end && to->host == host; to++)
        instances += to->count;
    h->count[h->counts++] = (struct capacity_count){host, instances};
    for (r = 0; r < c->free.resources; r++) {
        total = c->total[host * c->free.resources + r];
        sum = sum_of(d, from, to, r);
        sum = sum < total ? sum : total;
        if (sum > 0)
            h->hold[h->holds++] = (struct capacity_hold){host, r, sum};
    }
    return to;
}

int capacity_holds(const struct capacity *c, const struct fit_demand *d, struct fit_placement *p,
                   struct arena *a, struct capacity_holds *h, struct err *e)
{
    const struct fit_place *at, *end = p->place + p->n;
    size_t hosts = 0, i;

    if (p->n)
        qsort(p->place, p->n, sizeof *p->place, by_host);
    for (i = 0; i < p->n; i++)
        hosts += i == 0 || p->place[i].host != p->place[i - 1].host;
    *h =
        (struct capacity_holds){.count = arena_array(a, hosts, sizeof *h->count),
                                .hold = arena_array(a, hosts * c->free.resources, sizeof *h->hold)};
    if (!h->count || !h->hold)
        return no_memory(e);
    for (at = p->place; at < end;)
        at = sum_host(c, d, at, end, h);
    return 0;
}
