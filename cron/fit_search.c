/* SPDX-License-Identifier: MIT */
/*
 * Fit by exact search: depth first, within a budget of steps.
 *
 * Level by level, a class a level, the count of the class is shared out among the hosts that can
 * take it, the tightest host first, the most first. Instances of a class are interchangeable, so
 * only counts are tried; so are hosts with the same free amounts that the same classes may go on,
 * so among those (twins, side by side in a level) the counts never rise. What cuts branches off:
 *   - a host must take what the hosts after it could not (`least`);
 *   - every class that is still to come must find enough hosts (`sum`), kept up to date with each
 * change of a host;
 *   - when a class begins, what the classes to come can use at all of each resource must cover what
 * they need.
 *
 * Invariant: times[d] and sum[d] of a class d beyond the one in turn agree with the room as it is;
 * those of the class in turn and of the ones before are as they were when the class began. Whatever
 * is placed is on the levels up to the one in turn, and nowhere else.
 *
 * There is no recursion: depth is classes times hosts.
 */
#include "fit_inner.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* A host as it stands in the row of those that a class may use. */
struct spot {
    double slack;
    const int64_t *free;
    size_t row;
    size_t sort;   /* search.sort[row] */
    int64_t times; /* how many it could take when the class began */
    int64_t after; /* the same of all spots after it, summed */
    int64_t take, least;
    bool twin; /* was interchangeable with the spot before */
};

struct level {
    struct spot *spot; /* [rows], once the class has begun */
    size_t n;
    size_t used; /* spots decided when the class was all placed; those after them take none */
};

struct search {
    struct fit_problem *problem;
    int64_t *steps;
    int64_t
        *times; /* [class][row] instances of the class that the row takes, its count at the most */
    int64_t *sum; /* [class] over all rows */
    size_t *sort; /* [row] rows of the same number are on for the same classes */
    struct level *level;
    size_t class, at; /* the class in turn, and the spot of its level that is to be decided next */
    int64_t left;     /* instances of the class in turn that are not placed yet */
};

enum move { MOVE_ON, MOVE_BACK, MOVE_NO_MEMORY };

static int compare_spots(const void *left, const void *right, void *resources)
{
    const struct spot *a = left, *b = right;

    if (a->slack != b->slack)
        return a->slack < b->slack ? -1 : 1;
    for (size_t r = 0; r < *(const size_t *)resources; r++)
        if (a->free[r] != b->free[r])
            return a->free[r] < b->free[r] ? -1 : 1;
    if (a->sort != b->sort)
        return a->sort < b->sort ? -1 : 1;
    return (a->row > b->row) - (a->row < b->row);
}

/* Looks again at how many of each class from `first` on the row can take. */
static void recount(struct search *s, size_t row, size_t first)
{
    const struct fit_problem *problem = s->problem;

    for (size_t d = first; d < problem->classes; d++) {
        const struct fit_class *class = &problem->class[d];
        int64_t *times = &s->times[d * problem->room.hosts + row];
        int64_t now = fit_row_times(problem, class, row, class->count);

        s->sum[d] += now - *times;
        *times = now;
    }
    *s->steps -= (int64_t)(problem->classes - first) + 1;
}

/* Puts n instances of the class in turn on the row (n < 0: takes them back). */
static void put(struct search *s, size_t row, int64_t n)
{
    size_t resources = s->problem->room.resources;

    fit_use(s->problem->room.free + row * resources, s->problem->class[s->class].amount, resources,
            n);
    recount(s, row, s->class + 1);
}

/* Does each class from `first` on still find enough hosts, each class for itself? */
static bool viable(const struct search *s, size_t first)
{
    for (size_t d = first; d < s->problem->classes; d++)
        if (s->sum[d] < s->problem->class[d].count)
            return false;
    return true;
}

/* What the classes from the one in turn on could use of resource r on this row, together, at the
 * most. */
static int64_t usable(const struct search *s, size_t row, size_t r)
{
    const struct fit_problem *problem = s->problem;
    int64_t free = problem->room.free[row * problem->room.resources + r], use = 0;

    for (size_t d = s->class; d < problem->classes && use < free; d++)
        use = fit_sum(use, s->times[d * problem->room.hosts + row] * problem->class[d].amount[r]);
    return use < free ? use : free;
}

/* Does what can be used of each resource cover what the classes from the one in turn on need? */
static bool covered(const struct search *s)
{
    const struct fit_problem *problem = s->problem;

    for (size_t r = 0; r < problem->room.resources; r++) {
        int64_t need = 0, have = 0, part;

        for (size_t d = s->class; d < problem->classes; d++) {
            const struct fit_class *class = &problem->class[d];

            if (__builtin_mul_overflow(class->amount[r], class->count, &part))
                part = INT64_MAX;
            need = fit_sum(need, part);
        }
        for (size_t i = 0; i < problem->room.hosts && have < need; i++)
            have = fit_sum(have, usable(s, i, r));
        if (have < need)
            return false;
    }
    return true;
}

/* Fills the level of the class in turn with the rows that can take it; 0, or -1 without memory. */
static int level_fill(struct search *s, struct level *level)
{
    const struct fit_hosts *room = &s->problem->room;
    const int64_t *times = s->times + s->class * room->hosts;

    level->n = 0;
    if (!level->spot) {
        level->spot = calloc(room->hosts, sizeof(*level->spot));
        if (!level->spot)
            return -1;
    }
    for (size_t i = 0; i < room->hosts; i++) {
        const int64_t *free = room->free + i * room->resources;

        if (times[i] > 0)
            level->spot[level->n++] =
                (struct spot){.slack = fit_slack(free, s->problem->scale, room->resources),
                              .free = free,
                              .row = i,
                              .sort = s->sort[i],
                              .times = times[i]};
    }
    return 0;
}

/* Begins the class in turn. */
static enum move level_begin(struct search *s)
{
    struct level *level = &s->level[s->class];
    size_t resources = s->problem->room.resources;
    int64_t after = 0;

    *s->steps -= (int64_t)(s->problem->room.hosts * (s->problem->classes - s->class));
    if (level_fill(s, level) != 0)
        return MOVE_NO_MEMORY;
    s->at = 0;
    s->left = s->problem->class[s->class].count;
    if (!covered(s))
        return MOVE_BACK;
    qsort_r(level->spot, level->n, sizeof(*level->spot), compare_spots, &resources);
    for (size_t i = level->n; i-- > 0;) {
        struct spot *spot = &level->spot[i];

        spot->after = after;
        after += spot->times;
        spot->twin = i > 0 && spot->sort == spot[-1].sort &&
                     memcmp(spot->free, spot[-1].free, resources * sizeof(*spot->free)) == 0;
    }
    return MOVE_ON;
}

/* Decides the next spot: the most that it may take. */
static enum move spot_decide(struct search *s)
{
    struct level *level = &s->level[s->class];
    struct spot *spot = &level->spot[s->at];
    int64_t most;

    assert(s->at < level->n); /* what is left always fits behind the last decision */
    most = spot->times < s->left ? spot->times : s->left;
    if (spot->twin && spot[-1].take < most)
        most = spot[-1].take;
    spot->least = s->left > spot->after ? s->left - spot->after : 0;
    if (most < spot->least)
        return MOVE_BACK;
    spot->take = most;
    put(s, spot->row, most);
    s->left -= most;
    s->at++;
    return viable(s, s->class + 1) ? MOVE_ON : MOVE_BACK;
}

/* Goes back to the last decision that has another way to go, and takes it: one instance less. False
 * when there is none. */
static bool go_back(struct search *s)
{
    for (;;) {
        struct spot *spot;

        while (s->at == 0) {
            if (s->class == 0)
                return false;
            s->class --;
            s->at = s->level[s->class].used;
            s->left = 0;
        }
        spot = &s->level[s->class].spot[s->at - 1];
        if (spot->take > spot->least) {
            put(s, spot->row, -1);
            spot->take--;
            s->left++;
            if (viable(s, s->class + 1))
                return true;
            continue;
        }
        put(s, spot->row, -spot->take);
        s->left += spot->take;
        spot->take = 0;
        s->at--;
    }
}

static enum fit_answer walk(struct search *s)
{
    enum move move = level_begin(s);

    while (*s->steps > 0) {
        if (move == MOVE_NO_MEMORY)
            return FIT_NO_MEMORY;
        if (move == MOVE_BACK && !go_back(s))
            return FIT_NO;
        if (s->left > 0) {
            move = spot_decide(s);
            continue;
        }
        s->level[s->class].used = s->at;
        if (s->class + 1 == s->problem->classes)
            return FIT_YES;
        s->class ++;
        move = level_begin(s);
    }
    return FIT_UNKNOWN;
}

static enum fit_answer report(const struct search *s, struct fit_placement *p)
{
    for (size_t c = 0; c < s->problem->classes; c++)
        for (size_t i = 0; i < s->level[c].used; i++) {
            const struct spot *spot = &s->level[c].spot[i];

            if (spot->take > 0 && fit_place_add(p, c, spot->row, spot->take) != 0)
                return FIT_NO_MEMORY;
        }
    return FIT_YES;
}

/* Tells the rows apart, class by class: those of a number that are off become another number. 0, or
 * -1 without memory. */
static int sorts_set(struct search *s)
{
    const struct fit_problem *problem = s->problem;
    size_t rows = problem->room.hosts, sorts = 1;
    size_t *number = calloc(2 * rows, sizeof(*number)); /* by old number and on: the new one + 1 */

    s->sort = calloc(rows, sizeof(*s->sort));
    if (!number || !s->sort) {
        free(number);
        return -1;
    }
    for (size_t d = 0; d < problem->classes; d++) {
        if (!problem->class[d].on)
            continue;
        memset(number, 0, 2 * sorts * sizeof(*number));
        sorts = 0;
        for (size_t i = 0; i < rows; i++) {
            bool on = fit_is_on(problem->class[d].on, problem->use.host[i]);
            size_t *mine = &number[2 * s->sort[i] + on];

            if (*mine == 0)
                *mine = ++sorts;
            s->sort[i] = *mine - 1;
        }
    }
    free(number);
    return 0;
}

enum fit_answer fit_search(struct fit_problem *problem, int64_t *steps, struct fit_placement *p)
{
    size_t classes = problem->classes, rows = problem->room.hosts;
    struct search s = {.problem = problem, .steps = steps};
    enum fit_answer answer = FIT_NO_MEMORY;

    p->n = 0;
    s.times = calloc(classes * rows, sizeof(*s.times));
    s.sum = calloc(classes, sizeof(*s.sum));
    s.level = calloc(classes, sizeof(*s.level));
    if (!s.times || !s.sum || !s.level || sorts_set(&s) != 0)
        goto out;
    for (size_t i = 0; i < rows; i++)
        recount(&s, i, 0);
    answer = viable(&s, 0) ? walk(&s) : FIT_NO;
    if (answer == FIT_YES)
        answer = report(&s, p);
    *steps = *steps > 0 ? *steps : 0;
out:
    for (size_t c = 0; s.level && c < classes; c++)
        free(s.level[c].spot);
    free(s.level);
    free(s.sort);
    free(s.sum);
    free(s.times);
    return answer;
}
