/* SPDX-License-Identifier: MIT */
/*
 * Fit by packing: does any placement exist?
 *
 * The question is laid out anew (kinds that are alike made one class, the largest first, the hosts
 * in question copied) and asked of three phases: best fit, first fit, exact search. Each is given
 * fresh hosts and speaks of classes and rows; what the first to succeed says is translated back.
 * Best fit goes first, since what it finds leaves the large holes whole. What one host takes, the
 * most common question, needs none of that.
 */
#include "fit_inner.h"

#include <stdlib.h>
#include <string.h>

static void problem_free(struct fit_problem *problem)
{
    free(problem->room.free);
    free(problem->class);
    free(problem->order);
    free(problem->scale);
}

static int problem_room(struct fit_problem *problem, const struct fit_hosts *hosts,
                        struct fit_subset use, const struct fit_demand *demand)
{
    problem->use = use;
    problem->room = (struct fit_hosts){.hosts = use.n, .resources = hosts->resources};
    problem->room.free = calloc(use.n * hosts->resources + 1, sizeof(*problem->room.free));
    problem->class = calloc(demand->kinds, sizeof(*problem->class));
    problem->order = calloc(demand->kinds, sizeof(*problem->order));
    problem->scale = calloc(hosts->resources + 1, sizeof(*problem->scale));
    return problem->room.free && problem->class && problem->order && problem->scale ? 0 : -1;
}

/* What the order of the classes is decided by. */
struct ranked {
    double size;
    const struct fit_kind *kind;
    const struct fit_problem *problem;
};

/* By contents, so that the order never depends on where the masks stand. */
static int compare_masks(const struct ranked *a, const struct ranked *b)
{
    const struct fit_subset *use = &a->problem->use;

    if (a->kind->on == b->kind->on)
        return 0;
    for (size_t i = 0; i < use->n; i++) {
        bool on = fit_is_on(a->kind->on, use->host[i]);

        if (on != fit_is_on(b->kind->on, use->host[i]))
            return on ? 1 : -1;
    }
    return 0;
}

/* 0: the same class. */
static int compare_classes(const struct ranked *a, const struct ranked *b)
{
    for (size_t r = 0; r < a->problem->room.resources; r++)
        if (a->kind->amount[r] != b->kind->amount[r])
            return a->kind->amount[r] < b->kind->amount[r] ? 1 : -1;
    return compare_masks(a, b);
}

/* The largest first, those of a class side by side in the order in which they are listed. */
static int compare_ranked(const void *left, const void *right)
{
    const struct ranked *a = left, *b = right;
    int classes;

    if (a->size != b->size)
        return a->size < b->size ? 1 : -1;
    classes = compare_classes(a, b);
    if (classes != 0)
        return classes;
    return (a->kind > b->kind) - (a->kind < b->kind);
}

static int classes_set(struct fit_problem *problem, const struct fit_demand *demand)
{
    struct ranked *ranked = calloc(demand->kinds, sizeof(*ranked));
    size_t resources = problem->room.resources;

    if (!ranked)
        return -1;
    for (size_t k = 0; k < demand->kinds; k++) {
        const struct fit_kind *kind = &demand->kind[k];

        ranked[k] =
            (struct ranked){fit_slack(kind->amount, problem->scale, resources), kind, problem};
    }
    qsort(ranked, demand->kinds, sizeof(*ranked), compare_ranked);
    for (size_t k = 0; k < demand->kinds; k++) {
        const struct fit_kind *kind = ranked[k].kind;
        struct fit_class *class;

        if (k == 0 || compare_classes(&ranked[k - 1], &ranked[k]) != 0)
            problem->class[problem->classes++] = (struct fit_class){
                .amount = kind->amount, .on = kind->on, .size = ranked[k].size, .first = k};
        class = &problem->class[problem->classes - 1];
        class->count += kind->count;
        class->kinds++;
        problem->order[k] = (size_t)(kind - demand->kind);
    }
    free(ranked);
    return 0;
}

/* From classes and rows to kinds and hosts. The places of a class are dealt out to its kinds in
 * turn. */
static int translate(const struct fit_problem *problem, struct fit_subset use,
                     const struct fit_demand *demand, const struct fit_placement *found,
                     struct fit_placement *p)
{
    size_t class = 0, turn = 0;
    int64_t dealt = 0; /* of the kind whose turn it is */

    for (size_t i = 0; i < found->n; i++) {
        int64_t left = found->place[i].count;

        if (i == 0 || found->place[i].kind != class) {
            class = found->place[i].kind;
            turn = dealt = 0;
        }
        while (left > 0) {
            size_t kind = problem->order[problem->class[class].first + turn];
            int64_t open = demand->kind[kind].count - dealt;
            int64_t n = left < open ? left : open;

            if (fit_place_add(p, kind, use.host[found->place[i].host], n) != 0)
                return -1;
            left -= n;
            dealt += n;
            if (dealt == demand->kind[kind].count) {
                turn++;
                dealt = 0;
            }
        }
    }
    return 0;
}

static enum fit_answer phases(const struct fit_hosts *hosts, struct fit_subset use,
                              struct fit_problem *problem, int64_t *steps,
                              struct fit_placement *found)
{
    enum fit_answer answer = fit_best(problem, found);

    if (answer != FIT_UNKNOWN)
        return answer;
    fit_copy(hosts, use, &problem->room);
    answer = fit_first(problem, found);
    if (answer != FIT_UNKNOWN)
        return answer;
    fit_copy(hosts, use, &problem->room);
    return fit_search(problem, steps, found);
}

enum fit_answer fit_pack(const struct fit_hosts *hosts, struct fit_subset use,
                         const struct fit_demand *demand, int64_t *steps, struct fit_placement *p)
{
    struct fit_problem problem = {0};
    struct fit_placement found = {0};
    enum fit_answer answer = FIT_UNKNOWN;

    if (p)
        p->n = 0;
    if (p && demand->kinds == 1)
        answer = fit_tightest(hosts, use, &demand->kind[0], p);
    if (answer != FIT_UNKNOWN)
        return answer;
    answer = fit_quick(hosts, use, demand);
    if (answer == FIT_NO || (answer == FIT_YES && (!p || demand->kinds == 0)))
        return answer;
    answer = FIT_NO_MEMORY;
    if (problem_room(&problem, hosts, use, demand) != 0)
        goto out;
    fit_copy(hosts, use, &problem.room);
    fit_scale(hosts, use, problem.scale);
    if (classes_set(&problem, demand) != 0)
        goto out;
    answer = phases(hosts, use, &problem, steps, &found);
    if (answer == FIT_YES && p && translate(&problem, use, demand, &found, p) != 0) {
        p->n = 0;
        answer = FIT_NO_MEMORY;
    }
out:
    fit_placement_free(&found);
    problem_free(&problem);
    return answer;
}
