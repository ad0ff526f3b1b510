/* SPDX-License-Identifier: MIT */
/* The cheap phases of packing: best fit and first fit, the largest classes first, a whole class at
 * a time instead of instance by instance. */
#include "fit_inner.h"

#include <stdlib.h>

/* A host that can take the class in turn, and how much room it has. */
struct candidate {
    double slack;
    size_t row;
};

static bool tighter(const struct candidate *a, const struct candidate *b)
{
    return a->slack < b->slack || (a->slack == b->slack && a->row < b->row);
}

/* Lets heap[i] sink to its place: no child is tighter than its parent. */
static void sink(struct candidate *heap, size_t n, size_t i)
{
    struct candidate moved = heap[i];

    for (;;) {
        size_t child = 2 * i + 1;

        if (child + 1 < n && tighter(&heap[child + 1], &heap[child]))
            child++;
        if (child >= n || !tighter(&heap[child], &moved))
            break;
        heap[i] = heap[child];
        i = child;
    }
    heap[i] = moved;
}

/* The hosts that can take one, as a heap with the tightest on top. */
static size_t candidates(const struct fit_problem *problem, const struct fit_class *class,
                         struct candidate *heap)
{
    size_t resources = problem->room.resources, n = 0;

    for (size_t i = 0; i < problem->room.hosts; i++) {
        const int64_t *free = problem->room.free + i * resources;

        if (fit_row_times(problem, class, i, 1) == 1)
            heap[n++] = (struct candidate){fit_slack(free, problem->scale, resources), i};
    }
    for (size_t i = n / 2; i-- > 0;)
        sink(heap, n, i);
    return n;
}

/* Puts as many of `left` on the row as it takes; returns how many are left, -1 without memory. */
static int64_t put(struct fit_problem *problem, size_t class, size_t row, int64_t left,
                   struct fit_placement *p)
{
    size_t resources = problem->room.resources;
    int64_t *free = problem->room.free + row * resources;
    int64_t n = fit_row_times(problem, &problem->class[class], row, left);

    if (n == 0)
        return left;
    if (fit_place_add(p, class, row, n) != 0)
        return -1;
    fit_use(free, problem->class[class].amount, resources, n);
    return left - n;
}

/* The tightest host takes one, which makes it tighter still: so it takes all that it can. */
static int64_t put_tightest(struct fit_problem *problem, size_t class, struct candidate *heap,
                            struct fit_placement *p)
{
    size_t n = candidates(problem, &problem->class[class], heap);
    int64_t left = problem->class[class].count;

    while (left > 0 && n > 0) {
        left = put(problem, class, heap[0].row, left, p);
        heap[0] = heap[--n];
        sink(heap, n, 0);
    }
    return left;
}

enum fit_answer fit_best(struct fit_problem *problem, struct fit_placement *p)
{
    struct candidate *heap = calloc(problem->room.hosts, sizeof(*heap));
    int64_t left = 0;

    if (!heap)
        return FIT_NO_MEMORY;
    p->n = 0;
    for (size_t c = 0; c < problem->classes && left == 0; c++)
        left = put_tightest(problem, c, heap, p);
    free(heap);
    if (left < 0)
        return FIT_NO_MEMORY;
    return left == 0 ? FIT_YES : FIT_UNKNOWN;
}

enum fit_answer fit_tightest(const struct fit_hosts *hosts, struct fit_subset use,
                             const struct fit_kind *kind, struct fit_placement *p)
{
    enum { WIDTH = 32 };
    size_t columns = hosts->resources, best = SIZE_MAX;
    double scale[WIDTH], slack, least = 0;

    if (columns > WIDTH)
        return FIT_UNKNOWN;
    fit_scale(hosts, use, scale);
    for (size_t i = 0; i < use.n; i++) {
        const int64_t *free = hosts->free + use.host[i] * columns;

        if (fit_times(free, kind->amount, columns, 1) == 0 || !fit_is_on(kind->on, use.host[i]))
            continue;
        slack = fit_slack(free, scale, columns);
        if (best != SIZE_MAX && slack >= least)
            continue;
        best = use.host[i];
        least = slack;
    }
    if (best == SIZE_MAX ||
        fit_times(hosts->free + best * columns, kind->amount, columns, kind->count) < kind->count)
        return FIT_UNKNOWN;
    return fit_place_add(p, 0, best, kind->count) == 0 ? FIT_YES : FIT_NO_MEMORY;
}

enum fit_answer fit_first(struct fit_problem *problem, struct fit_placement *p)
{
    int64_t left = 0;

    p->n = 0;
    for (size_t c = 0; c < problem->classes && left == 0; c++) {
        left = problem->class[c].count;
        for (size_t i = 0; i < problem->room.hosts && left > 0; i++)
            left = put(problem, c, i, left, p);
    }
    if (left < 0)
        return FIT_NO_MEMORY;
    return left == 0 ? FIT_YES : FIT_UNKNOWN;
}
