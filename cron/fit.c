/* SPDX-License-Identifier: MIT */
/* What every way of fitting uses: the arithmetic of one host, placements, and the quick bounds. */
#include "fit_inner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void fit_placement_free(struct fit_placement *p)
{
    free(p->place);
    *p = (struct fit_placement){0};
}

int fit_place_add(struct fit_placement *p, size_t kind, size_t host, int64_t count)
{
    if (p->n == p->cap) {
        size_t cap = p->cap ? 2 * p->cap : 4;
        struct fit_place *grown = reallocarray(p->place, cap, sizeof(*grown));

        if (!grown)
            return -1;
        p->place = grown;
        p->cap = cap;
    }
    p->place[p->n++] = (struct fit_place){kind, host, count};
    return 0;
}

int64_t fit_times(const int64_t *free, const int64_t *amount, size_t resources, int64_t most)
{
    for (size_t r = 0; r < resources; r++) {
        if (amount[r] > free[r])
            return 0;
        if (most > 1 && amount[r] > 0 && free[r] / amount[r] < most)
            most = free[r] / amount[r];
    }
    return most;
}

int64_t fit_row_times(const struct fit_problem *problem, const struct fit_class *class, size_t i,
                      int64_t most)
{
    size_t resources = problem->room.resources;

    if (!fit_is_on(class->on, problem->use.host[i]))
        return 0;
    return fit_times(problem->room.free + i * resources, class->amount, resources, most);
}

void fit_use(int64_t *free, const int64_t *amount, size_t resources, int64_t n)
{
    for (size_t r = 0; r < resources; r++) {
        int64_t used;
        bool over = __builtin_mul_overflow(amount[r], n, &used);

        assert(!over && used <= free[r]);
        free[r] -= used;
    }
}

int64_t fit_sum(int64_t a, int64_t b)
{
    int64_t sum;

    return __builtin_add_overflow(a, b, &sum) ? INT64_MAX : sum;
}

double fit_slack(const int64_t *free, const double *scale, size_t resources)
{
    double sum = 0;

    for (size_t r = 0; r < resources; r++)
        sum += (double)free[r] * scale[r];
    return sum;
}

void fit_scale(const struct fit_hosts *hosts, struct fit_subset use, double *scale)
{
    size_t columns = hosts->resources;

    for (size_t r = 0; r < columns; r++)
        scale[r] = 0;
    for (size_t i = 0; i < use.n; i++)
        for (size_t r = 0; r < columns; r++)
            scale[r] += (double)hosts->free[use.host[i] * columns + r];
    for (size_t r = 0; r < columns; r++)
        scale[r] = scale[r] > 0 ? 1 / scale[r] : 0;
}

void fit_copy(const struct fit_hosts *hosts, struct fit_subset use, struct fit_hosts *room)
{
    size_t columns = hosts->resources;

    assert(use.n > 0);
    if (columns == 0)
        return;
    if (use.host[use.n - 1] - use.host[0] == use.n - 1) { /* side by side */
        memcpy(room->free, hosts->free + use.host[0] * columns,
               use.n * columns * sizeof(*room->free));
        return;
    }
    for (size_t i = 0; i < use.n; i++)
        memcpy(room->free + i * columns, hosts->free + use.host[i] * columns,
               columns * sizeof(*room->free));
}

void fit_take(struct fit_hosts *hosts, const struct fit_demand *demand,
              const struct fit_placement *p)
{
    for (size_t i = 0; i < p->n; i++)
        fit_use(hosts->free + p->place[i].host * hosts->resources,
                demand->kind[p->place[i].kind].amount, hosts->resources, p->place[i].count);
}

/* Do the hosts, each for itself, take all instances of this kind? Without it no placement exists;
 * of a demand of one kind it is the whole truth, for the cloud's scheduler too: wherever an
 * instance goes, the number that still fits falls by one. */
static bool kind_fits(const struct fit_hosts *hosts, struct fit_subset use,
                      const struct fit_kind *kind)
{
    int64_t left = kind->count;

    for (size_t i = 0; i < use.n && left > 0; i++)
        if (fit_is_on(kind->on, use.host[i]))
            left -= fit_times(hosts->free + use.host[i] * hosts->resources, kind->amount,
                              hosts->resources, left);
    return left == 0;
}

/* What the demand needs of resource r in all. */
static int64_t need_of(const struct fit_demand *demand, size_t r)
{
    int64_t need = 0, part;

    for (size_t k = 0; k < demand->kinds; k++) {
        if (__builtin_mul_overflow(demand->kind[k].amount[r], demand->kind[k].count, &part))
            part = INT64_MAX;
        need = fit_sum(need, part);
    }
    return need;
}

/* More of some resource than all hosts have together? A sum that overflows proves nothing. */
static bool exceeds_sum(const struct fit_hosts *hosts, struct fit_subset use,
                        const struct fit_demand *demand)
{
    for (size_t r = 0; r < hosts->resources; r++) {
        int64_t free = 0, need = need_of(demand, r);

        for (size_t i = 0; i < use.n && free < need; i++)
            free = fit_sum(free, hosts->free[use.host[i] * hosts->resources + r]);
        if (need > free)
            return true;
    }
    return false;
}

static bool all_on(const struct fit_demand *demand, size_t host)
{
    for (size_t k = 0; k < demand->kinds; k++)
        if (!fit_is_on(demand->kind[k].on, host))
            return false;
    return true;
}

/* Does one host take it all? Then the cloud's scheduler succeeds too: whatever it puts elsewhere,
 * the rest still fits on that host. */
static bool one_host_fits(const struct fit_hosts *hosts, struct fit_subset use,
                          const struct fit_demand *demand)
{
    enum { WIDTH = 32 }; /* more resources than that: the phases will find out */
    int64_t need[WIDTH];

    if (hosts->resources > WIDTH)
        return false;
    for (size_t r = 0; r < hosts->resources; r++)
        need[r] = need_of(demand, r);
    for (size_t i = 0; i < use.n; i++)
        if (fit_times(hosts->free + use.host[i] * hosts->resources, need, hosts->resources, 1) ==
                1 &&
            all_on(demand, use.host[i]))
            return true;
    return false;
}

enum fit_answer fit_quick(const struct fit_hosts *hosts, struct fit_subset use,
                          const struct fit_demand *demand)
{
    if (demand->kinds == 0)
        return FIT_YES;
    if (use.n == 0)
        return FIT_NO;
    for (size_t k = 0; k < demand->kinds; k++) {
        assert(demand->kind[k].count >= 1 && demand->kind[k].count <= FIT_COUNT_MAX);
        if (!kind_fits(hosts, use, &demand->kind[k]))
            return FIT_NO;
    }
    if (demand->kinds == 1)
        return FIT_YES;
    if (exceeds_sum(hosts, use, demand))
        return FIT_NO;
    return one_host_fits(hosts, use, demand) ? FIT_YES : FIT_UNKNOWN;
}
