/* SPDX-License-Identifier: MIT */
/*
 * Limits beside the hosts. Each project that waits has its quota's lines once in the table, each
 * type and each owner of limited numbers of jobs a line; what the hosts of a reading share has its
 * lines from the start. A group needs what one of its jobs takes of each of its lines, all
 * instances together; of the number of jobs, one.
 */
#include "limits.h"

#include <stdlib.h>

#include "num.h"

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading the limits of those who wait");
}

/* A number of jobs that is limited, and whose. */
struct jobs_limit {
    const char *reason;
    int64_t limit, jobs; /* limit 0: there is none */
};

/* ---- the table ---- */

static int64_t left_of(const struct source_limit *line)
{
    return line->used < line->limit ? line->limit - line->used : 0;
}

static int add_line(struct limits *l, struct limits_line line)
{
    size_t cap = l->cap ? 2 * l->cap : 64;
    struct plan_limit *limit = l->limit;
    struct limits_line *lines = l->line;

    if (l->n == l->cap) {
        limit = reallocarray(l->limit, cap, sizeof *limit);
        if (!limit)
            return -1;
        l->limit = limit;
        lines = reallocarray(l->line, cap, sizeof *lines);
        if (!lines)
            return -1;
        l->line = lines;
        l->cap = cap;
    }
    limit[l->n] = (struct plan_limit){.shared = !line.project.p && !line.jobs, .jobs = line.jobs};
    if (line.line) {
        limit[l->n].left = left_of(line.line);
        limit[l->n].total = line.line->limit;
    }
    lines[l->n++] = line;
    return 0;
}

static int add_shares(struct limits *l, const struct source_reading *r)
{
    size_t i;

    for (i = 0; i < r->shared; i++) {
        if (add_line(l, (struct limits_line){.line = &r->share[i]}) != 0)
            return -1;
    }
    return 0;
}

static int compare_project(const void *project, const void *quota)
{
    return str_cmp(*(const struct str *)project, ((const struct source_quota *)quota)->project);
}

static const struct source_quota *quota_of(const struct source_reading *r, struct str project)
{
    if (r->gate == SOURCE_NO_QUOTA || r->quotas == 0)
        return NULL;
    return bsearch(&project, r->quota, r->quotas, sizeof *r->quota, compare_project);
}

bool limits_unknown(const struct source_reading *r, struct str scope)
{
    struct str project = pool_project(scope);

    return r->gate == SOURCE_QUOTAS_ASKED && project.p && !quota_of(r, project);
}

static int add_quota(struct limits *l, const struct source_quota *q)
{
    size_t i;

    if (q->error.p)
        return add_line(l, (struct limits_line){.project = q->project, .error = q->error});
    for (i = 0; i < q->limits; i++) {
        if (add_line(l, (struct limits_line){.project = q->project, .line = &q->limit[i]}) != 0)
            return -1;
    }
    return 0;
}

static int grow_projects(struct limits *l)
{
    size_t cap = l->projects_cap ? 2 * l->projects_cap : 64, *p;

    if (l->project.n < l->projects_cap)
        return 0;
    p = reallocarray(l->first, cap, sizeof *p);
    if (!p)
        return -1;
    l->first = p;
    p = reallocarray(l->count, cap, sizeof *p);
    if (!p)
        return -1;
    l->count = p;
    l->projects_cap = cap;
    return 0;
}

/* *index = the project's place in first and count; its quota is looked up once. */
static int find_project(struct limits *l, struct str project, size_t *index)
{
    const struct source_quota *q = quota_of(l->waiting->capacity->reading, project);
    size_t before = l->project.n;

    if (grow_projects(l) != 0)
        return -1;
    *index = intern_add(&l->project, project);
    if (*index == INTERN_NONE)
        return -1;
    if (*index < before)
        return 0;
    l->first[before] = l->n;
    l->count[before] = 0;
    if (q && add_quota(l, q) != 0)
        return -1;
    l->count[before] = l->n - l->first[before];
    return 0;
}

/* ---- what a job takes of a line ---- */

/* Of a demand by names: a resource that no host has counts all the same. */
static int64_t taken_of(const struct source_limit *line, const struct demand *d)
{
    int64_t sum = 0;
    size_t k, i;

    for (k = 0; k < d->kinds; k++) {
        if (!line->resource[0].p)
            sum = num_plus(sum, d->kind[k].count);
        for (i = 0; i < d->kind[k].amounts; i++) {
            struct str name = d->kind[k].amount[i].resource;

            if (str_eq(name, line->resource[0]) || str_eq(name, line->resource[1]))
                sum = num_plus(sum, num_times(d->kind[k].amount[i].amount, d->kind[k].count));
        }
    }
    return sum;
}

/* What one job takes of limit i; of a quota that could not be read, more than there is. */
static struct plan_need need_of(const struct limits *l, size_t i, const struct demand *d)
{
    return (struct plan_need){i, l->line[i].line ? taken_of(l->line[i].line, d) : 1};
}

/* The shares of a set of pools, each once. */
static size_t shares_of(const struct source_reading *r, const size_t *pool, size_t pools,
                        size_t *share)
{
    size_t i, j, k, n = 0;

    for (i = 0; i < pools; i++) {
        for (j = 0; j < r->pool[pool[i]].shares; j++) {
            for (k = 0; k < n && share[k] != r->pool[pool[i]].share[j]; k++)
                ;
            share[k] = r->pool[pool[i]].share[j];
            n += k == n;
        }
    }
    return n;
}

/* Which limits a scope has: its project's, then its pools'. Room for all of them in `index`. */
static int limits_of(struct limits *l, struct str scope, size_t *index, size_t *n, struct err *e)
{
    const struct source_reading *r = l->waiting->capacity->reading;
    struct str project = pool_project(scope);
    size_t *pool = calloc(r->pools + 1, sizeof *pool), i, at = 0;

    *n = 0;
    if (!pool || (project.p && find_project(l, project, &at) != 0)) {
        free(pool);
        return no_memory(e);
    }
    if (r->shared > 0)
        *n = shares_of(r, pool, pool_of_scope((struct pools){r->pools, r->pool}, scope, pool),
                       index);
    for (i = 0; project.p && i < l->count[at]; i++)
        index[(*n)++] = l->first[at] + i;
    free(pool);
    return 0;
}

/* ---- groups ---- */

/* Of one project and its pools; and room for the line of a quota that cannot be read, which is none
 * of the source's limits. */
enum { LINES_MAX = 1024, LINES_ROOM };

/* Adds the need of a place among `limit` jobs, of which `jobs` are there. *line is where it stands,
 * which is 0 at first. */
static int need_place(struct limits *l, struct plan_group *group, struct plan_need *need,
                      size_t *line, const struct jobs_limit *of)
{
    if (of->limit == 0)
        return 0;
    if (*line == 0) {
        if (add_line(l, (struct limits_line){.jobs = of->reason}) != 0)
            return -1;
        l->limit[l->n - 1] =
            (struct plan_limit){.left = of->limit - of->jobs, .total = of->limit, .jobs = true};
        l->counting++;
        *line = l->n;
    }
    need[group->needs++] = (struct plan_need){*line - 1, 1};
    return 0;
}

enum { PLACES = 2 }; /* among the jobs of its queue, among those of its owner */

static int need_places(struct limits *l, const struct waiting *w, size_t g, struct plan_need *need)
{
    const struct holding *h = w->holding;
    struct holding_who who = w->info[g].who;

    if (!h || !h->limited)
        return 0;
    if (need_place(l, &w->group[g], need, &l->of_type[who.type],
                   &(struct jobs_limit){JOB_REASON_RUN_LIMIT, holding_run_limit(h, who),
                                        h->of_type[who.type]}) != 0)
        return -1;
    return need_place(l, &w->group[g], need, &l->of_owner[who.owner],
                      &(struct jobs_limit){JOB_REASON_OWNER_LIMIT, holding_owner_limit(h),
                                           h->of_owner[who.owner]});
}

/* What the group needs of n limits of its scope, behind its places. An unreadable shape fits
 * nowhere, whatever its limits; one that memory is short for must not pass them by. */
static int need_amounts(struct limits *l, const struct waiting *w, size_t g, struct plan_need *need,
                        const size_t *index, size_t n, struct err *e)
{
    struct plan_group *group = &w->group[g];
    struct demand *d;
    size_t i;

    if (n == 0)
        return 0;
    if (demand_from_shape(w->shape_text.text[group->shape], &d, e) != 0)
        return e->code == ERR_UNAVAILABLE ? -1 : 0;
    for (i = 0; i < n; i++)
        need[group->needs++] = need_of(l, index[i], d);
    demand_free(d);
    return 0;
}

static int group_needs(struct limits *l, const struct waiting *w, size_t g, size_t *index,
                       struct err *e)
{
    struct str scope = w->scope_text.text[w->info[g].scope_text];
    struct plan_need *need;
    size_t n;

    if (limits_of(l, scope, index, &n, e) != 0)
        return -1;
    need = arena_array(l->arena, n + PLACES, sizeof *need);
    if (!need || need_places(l, w, g, need) != 0)
        return no_memory(e);
    w->group[g].need = need;
    return need_amounts(l, w, g, need, index, n, e);
}

int limits_check(const struct source_reading *r, struct err *e)
{
    bool too_many = r->shared > LINES_MAX;
    size_t i;

    for (i = 0; i < r->quotas && !too_many; i++)
        too_many = r->quota[i].limits > LINES_MAX - r->shared;
    return too_many ? err_set(e, ERR_UNAVAILABLE,
                              "a source has more than %d limits for one project", LINES_MAX)
                    : 0;
}

static int begin_counting(struct limits *l, const struct holding *h)
{
    if (!h || !h->limited)
        return 0;
    l->of_type = calloc(h->type.n + 1, sizeof *l->of_type);
    l->of_owner = calloc(h->owner.n + 1, sizeof *l->of_owner);
    return l->of_type && l->of_owner ? 0 : -1;
}

/* The tables are as long as all that wait, in each queue. */
static void end_counting(struct limits *l)
{
    free(l->of_type);
    free(l->of_owner);
    l->of_type = l->of_owner = NULL;
}

int limits_make(struct waiting *w, struct arena *a, struct limits *l, struct err *e)
{
    const struct source_reading *r = w->capacity->reading;
    size_t index[LINES_ROOM], g;

    *l = (struct limits){.waiting = w, .arena = a, .project.arena = a};
    if (r->gate == SOURCE_NO_QUOTA && r->shared == 0 && !(w->holding && w->holding->limited))
        return 0;
    if (limits_check(r, e) != 0)
        return -1;
    if (add_shares(l, r) != 0 || begin_counting(l, w->holding) != 0)
        return no_memory(e);
    for (g = 0; g < w->groups; g++) {
        if (group_needs(l, w, g, index, e) != 0)
            return -1;
    }
    end_counting(l);
    return 0;
}

int limits_hold(struct limits *l, struct str scope, const struct demand *d, struct err *e)
{
    size_t index[LINES_ROOM], n, i;
    struct plan_limit *limit;
    int64_t taken;

    if (limits_of(l, scope, index, &n, e) != 0)
        return -1;
    for (i = 0; i < n; i++) {
        limit = &l->limit[index[i]];
        taken = need_of(l, index[i], d).amount;
        limit->left = taken < limit->left ? limit->left - taken : 0;
    }
    return 0;
}

void limits_free(struct limits *l)
{
    end_counting(l);
    free(l->limit);
    free(l->line);
    free(l->first);
    free(l->count);
    intern_free(&l->project);
}
