/* SPDX-License-Identifier: MIT */
/*
 * Fit by spreading: would a cloud's scheduler, which puts one instance after the other on the
 * emptiest host, find room for all?
 *
 * What is free of the asked resources on the hosts that can take a kind is laid side by side, and
 * the hosts stand in a heap, the emptiest on top. Placing an instance changes one host, and most
 * often neither the least nor the most that is free of a resource: then only that host is scored
 * again, otherwise all are. Either way each score is made by the same operations in the same order,
 * so the answer never depends on which way it went.
 */
#include "fit_inner.h"

#include <stdlib.h>

/* A resource that the kind asks for, and how far the hosts' free amounts of it reach. */
struct asked {
    size_t column;
    int64_t amount;
    int64_t low, high; /* among the hosts that can take one */
    size_t top;        /* how many of those have all of `high` */
};

/* A host that may and could take one when its contest began. */
struct seat {
    size_t row;
    double score;
    int64_t taken; /* instances */
};

/* One kind on its hosts. */
struct contest {
    size_t asked;
    struct asked *ask;
    size_t seats;
    struct seat *seat;
    int64_t *free; /* [seats][asked] */
    size_t in;     /* seats that can take one more */
    size_t *heap;  /* [in] which, the emptiest on top */
};

static void contest_free(struct contest *c)
{
    free(c->ask);
    free(c->seat);
    free(c->free);
    free(c->heap);
}

/* Room for any kind on all rows; 0, or -1 without memory. */
static int contest_room(struct contest *c, size_t rows, size_t resources)
{
    *c = (struct contest){
        .ask = calloc(resources + 1, sizeof(*c->ask)),
        .seat = calloc(rows, sizeof(*c->seat)),
        .free = calloc(rows * resources + 1, sizeof(*c->free)),
        .heap = calloc(rows, sizeof(*c->heap)),
    };
    return c->ask && c->seat && c->free && c->heap ? 0 : -1;
}

static void contest_begin(struct contest *c, const struct fit_hosts *room, struct fit_subset use,
                          const struct fit_kind *kind)
{
    c->asked = c->seats = c->in = 0;
    for (size_t r = 0; r < room->resources; r++)
        if (kind->amount[r] > 0)
            c->ask[c->asked++] = (struct asked){.column = r, .amount = kind->amount[r]};
    for (size_t i = 0; i < room->hosts; i++) {
        const int64_t *free = room->free + i * room->resources;

        if (!fit_is_on(kind->on, use.host[i]) ||
            fit_times(free, kind->amount, room->resources, 1) == 0)
            continue;
        for (size_t a = 0; a < c->asked; a++)
            c->free[c->seats * c->asked + a] = free[c->ask[a].column];
        c->heap[c->in++] = c->seats;
        c->seat[c->seats++] = (struct seat){.row = i};
    }
}

static void measure_one(struct asked *ask, int64_t free)
{
    if (free < ask->low)
        ask->low = free;
    if (free > ask->high) {
        ask->high = free;
        ask->top = 0;
    }
    ask->top += free == ask->high;
}

/* How far the free amounts of those reach that are still in. */
static void measure(struct contest *c)
{
    for (size_t a = 0; a < c->asked; a++) {
        c->ask[a].low = INT64_MAX;
        c->ask[a].high = 0;
        c->ask[a].top = 0;
    }
    for (size_t i = 0; i < c->in; i++)
        for (size_t a = 0; a < c->asked; a++)
            measure_one(&c->ask[a], c->free[c->heap[i] * c->asked + a]);
}

static void rate(struct contest *c, size_t i)
{
    double score = 0;

    for (size_t a = 0; a < c->asked; a++) {
        const struct asked *ask = &c->ask[a];

        if (ask->high > ask->low)
            score +=
                (double)(c->free[i * c->asked + a] - ask->low) / (double)(ask->high - ask->low);
    }
    c->seat[i].score = score;
}

/* Emptier, or as empty and earlier. */
static bool goes_before(const struct contest *c, size_t a, size_t b)
{
    if (c->seat[a].score != c->seat[b].score)
        return c->seat[a].score > c->seat[b].score;
    return a < b;
}

/* Lets heap[i] sink to its place; in an empty heap nothing becomes of it. */
static void sink(struct contest *c, size_t i)
{
    size_t moved = c->heap[i], child;

    while ((child = 2 * i + 1) < c->in) {
        if (child + 1 < c->in && goes_before(c, c->heap[child + 1], c->heap[child]))
            child++;
        if (!goes_before(c, c->heap[child], moved))
            break;
        c->heap[i] = c->heap[child];
        i = child;
    }
    c->heap[i] = moved;
}

static void rate_all(struct contest *c)
{
    measure(c);
    for (size_t i = 0; i < c->in; i++)
        rate(c, c->heap[i]);
    for (size_t i = c->in / 2; i-- > 0;)
        sink(c, i);
}

/* How a host that took an instance changes the contest. */
struct change {
    bool out;   /* it takes no more */
    bool reach; /* low or high of some resource is another now */
};

static struct change take_one(struct contest *c, size_t seat)
{
    bool top = false, bottom = false, below = false, out = false;

    for (size_t a = 0; a < c->asked; a++) {
        struct asked *ask = &c->ask[a];
        int64_t *free = &c->free[seat * c->asked + a];

        top = (*free == ask->high && --ask->top == 0) || top;
        bottom = bottom || *free == ask->low;
        *free -= ask->amount;
        below = below || *free < ask->low;
        out = out || *free < ask->amount;
    }
    c->seat[seat].taken++;
    return (struct change){out, top || (out ? bottom : below)};
}

/* All instances of the kind, one by one. True when each found a host. */
static bool contest_run(struct contest *c, int64_t count)
{
    rate_all(c);
    for (int64_t n = 0; n < count; n++) {
        struct change change;

        if (c->in == 0)
            return false;
        if (c->asked == 0) { /* the first host takes them all */
            c->seat[c->heap[0]].taken = count;
            return true;
        }
        change = take_one(c, c->heap[0]);
        if (change.out)
            c->heap[0] = c->heap[--c->in];
        if (change.reach) {
            rate_all(c);
            continue;
        }
        if (!change.out)
            rate(c, c->heap[0]); /* less is free on it: its score only falls */
        sink(c, 0);
    }
    return true;
}

/* Takes the outcome off the room and adds it to the placement; 0, or -1 without memory. */
static int contest_end(const struct contest *c, size_t kind, const struct fit_demand *demand,
                       struct fit_subset use, struct fit_hosts *room, struct fit_placement *p)
{
    for (size_t i = 0; i < c->seats; i++) {
        if (c->seat[i].taken == 0)
            continue;
        fit_use(room->free + c->seat[i].row * room->resources, demand->kind[kind].amount,
                room->resources, c->seat[i].taken);
        if (p && fit_place_add(p, kind, use.host[c->seat[i].row], c->seat[i].taken) != 0)
            return -1;
    }
    return 0;
}

static enum fit_answer spread(struct fit_hosts *room, struct fit_subset use,
                              const struct fit_demand *demand, struct fit_placement *p)
{
    enum fit_answer answer = FIT_YES;
    struct contest c;

    if (contest_room(&c, room->hosts, room->resources) != 0)
        answer = FIT_NO_MEMORY;
    for (size_t k = 0; k < demand->kinds && answer == FIT_YES; k++) {
        contest_begin(&c, room, use, &demand->kind[k]);
        if (!contest_run(&c, demand->kind[k].count))
            answer = FIT_NO;
        else if (contest_end(&c, k, demand, use, room, p) != 0)
            answer = FIT_NO_MEMORY;
    }
    contest_free(&c);
    return answer;
}

enum fit_answer fit_spread(const struct fit_hosts *hosts, struct fit_subset use,
                           const struct fit_demand *demand, struct fit_placement *p)
{
    struct fit_hosts room = {.hosts = use.n, .resources = hosts->resources};
    enum fit_answer answer = fit_quick(hosts, use, demand);

    if (p)
        p->n = 0;
    if (answer == FIT_NO || (answer == FIT_YES && (!p || demand->kinds == 0)))
        return answer;
    room.free = calloc(room.hosts * room.resources + 1, sizeof(*room.free));
    if (!room.free)
        return FIT_NO_MEMORY;
    fit_copy(hosts, use, &room);
    answer = spread(&room, use, demand, p);
    free(room.free);
    if (p && answer != FIT_YES)
        p->n = 0;
    return answer;
}
