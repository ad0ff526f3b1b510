/* SPDX-License-Identifier: MIT */
/*
 * What the plan knows of hosts and shapes: lanes, lines, and the questions that were answered
 * already.
 *
 * A lane that is blocked stays blocked, and a line is held only on a lane that is not: so no host
 * is ever held twice, and all lines of a pass together cost no more than the hosts of all lanes.
 */
#include "plan_inner.h"

#include <stdlib.h>
#include <string.h>

static int compare_sizes(size_t a, size_t b)
{
    return a < b ? -1 : a > b;
}

struct numbered_scope {
    struct fit_subset use;
    size_t scope;
};

/* Same hosts, same place. Scopes of one pool mostly share the list itself:
 * that is looked at first. */
static int compare_scopes(const void *left, const void *right)
{
    const struct fit_subset *a = &((const struct numbered_scope *)left)->use;
    const struct fit_subset *b = &((const struct numbered_scope *)right)->use;

    if (a->n != b->n)
        return compare_sizes(a->n, b->n);
    if (a->host == b->host || a->n == 0)
        return 0;
    return memcmp(a->host, b->host, a->n * sizeof(*a->host));
}

int lanes_make(struct plan_lanes *lanes, const struct plan_in *in)
{
    struct numbered_scope *sorted = calloc(in->scopes + 1, sizeof(*sorted));

    *lanes = (struct plan_lanes){.hosts = in->hosts.hosts};
    lanes->lane = calloc(in->scopes + 1, sizeof(*lanes->lane));
    lanes->of_scope = calloc(in->scopes + 1, sizeof(*lanes->of_scope));
    if (!sorted || !lanes->lane || !lanes->of_scope) {
        free(sorted);
        return -1;
    }
    for (size_t i = 0; i < in->scopes; i++)
        sorted[i] = (struct numbered_scope){in->scope[i], i};
    qsort(sorted, in->scopes, sizeof(*sorted), compare_scopes);
    for (size_t i = 0; i < in->scopes; i++) {
        if (i == 0 || compare_scopes(&sorted[i - 1], &sorted[i]) != 0)
            lanes->lane[lanes->n++].use = sorted[i].use;
        lanes->of_scope[sorted[i].scope] = lanes->n - 1;
    }
    free(sorted);
    return 0;
}

void lanes_free(struct plan_lanes *lanes)
{
    free(lanes->lane);
    free(lanes->of_scope);
    free(lanes->first);
    free(lanes->at);
}

/* Counting sort by host: count, sum up, fill from the back,
 * so that first[] ends where it should. */
static int index_make(struct plan_lanes *lanes)
{
    size_t all = 0;

    for (size_t l = 0; l < lanes->n; l++)
        all += lanes->lane[l].use.n;
    lanes->first = calloc(lanes->hosts + 1, sizeof(*lanes->first));
    lanes->at = calloc(all + 1, sizeof(*lanes->at));
    if (!lanes->first || !lanes->at)
        return -1;
    for (size_t l = 0; l < lanes->n; l++)
        for (size_t i = 0; i < lanes->lane[l].use.n; i++)
            lanes->first[lanes->lane[l].use.host[i]]++;
    for (size_t h = 1; h <= lanes->hosts; h++)
        lanes->first[h] += lanes->first[h - 1];
    for (size_t l = 0; l < lanes->n; l++)
        for (size_t i = 0; i < lanes->lane[l].use.n; i++)
            lanes->at[--lanes->first[lanes->lane[l].use.host[i]]] = l;
    return 0;
}

int lanes_hold(struct plan_lanes *lanes, size_t lane, int64_t job)
{
    const struct fit_subset *use = &lanes->lane[lane].use;

    if (!lanes->first && index_make(lanes) != 0)
        return -1;
    for (size_t i = 0; i < use->n; i++)
        for (size_t k = lanes->first[use->host[i]]; k < lanes->first[use->host[i] + 1]; k++) {
            struct plan_lane *met = &lanes->lane[lanes->at[k]];

            if (!met->blocked) {
                met->blocked = true;
                met->blocker = job;
            }
        }
    return 0;
}

struct numbered_group {
    size_t lane, shape, group;
};

static int compare_groups(const void *left, const void *right)
{
    const struct numbered_group *a = left, *b = right;

    if (a->lane != b->lane)
        return compare_sizes(a->lane, b->lane);
    return compare_sizes(a->shape, b->shape);
}

int questions_make(struct plan_questions *questions, const struct plan_in *in,
                   const struct plan_lanes *lanes, size_t *of_group)
{
    struct numbered_group *sorted = calloc(in->groups + 1, sizeof(*sorted));
    size_t n = 0;

    questions->question = calloc(in->groups + 1, sizeof(*questions->question));
    if (!sorted || !questions->question) {
        free(sorted);
        return -1;
    }
    for (size_t g = 0; g < in->groups; g++)
        sorted[g] =
            (struct numbered_group){lanes->of_scope[in->group[g].scope], in->group[g].shape, g};
    qsort(sorted, in->groups, sizeof(*sorted), compare_groups);
    for (size_t i = 0; i < in->groups; i++) {
        if (i == 0 || compare_groups(&sorted[i - 1], &sorted[i]) != 0)
            questions->question[n++] =
                (struct plan_question){.lane = sorted[i].lane, .shape = sorted[i].shape};
        of_group[sorted[i].group] = n - 1;
    }
    free(sorted);
    return 0;
}

void questions_free(struct plan_questions *questions)
{
    free(questions->question);
}
