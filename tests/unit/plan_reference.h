/* SPDX-License-Identifier: MIT */
/* For the tests of plan: a whole pass without groups, heap or memory of refusals, and the real one
 * held against it. */
#ifndef AR_PLAN_REFERENCE_H
#define AR_PLAN_REFERENCE_H

#include "plan_world.h"

/* ---- the reference: every job in turn, nothing remembered but the lines (and, for spread, who was
 * refused what) ---- */

struct line {
    size_t scope;
    int64_t job;
};

/* What a job past the guard keeps of a limit. */
struct keeping {
    size_t limit;
    int64_t job, amount;
    bool all;
};

struct reference {
    struct world *w;
    size_t lines;
    struct line line[JOBS];
    size_t keepings;
    struct keeping keeping[JOBS * LIMITS];
    size_t refusals;
    size_t refusal[JOBS]; /* groups */
    size_t n;
    struct plan_admission admission[JOBS];
    bool told[GROUPS]; /* the group's first job that was not admitted has been seen */
    enum plan_verdict verdict[GROUPS];
    int64_t blocker[GROUPS];
    size_t limit[GROUPS];
};

static inline bool share_a_host(const struct fit_subset *a, const struct fit_subset *b)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < b->n; j++)
            if (a->host[i] == b->host[j])
                return true;
    return false;
}

static inline bool same_hosts(const struct fit_subset *a, const struct fit_subset *b)
{
    return a->n == b->n && memcmp(a->host, b->host, a->n * sizeof(*a->host)) == 0;
}

/* The job that holds the line of the scope, or 0. */
static inline int64_t plain_blocker(const struct reference *ref, size_t scope)
{
    for (size_t i = 0; i < ref->lines; i++)
        if (share_a_host(&ref->w->scope[ref->line[i].scope], &ref->w->scope[scope]))
            return ref->line[i].job;
    return 0;
}

/* Of the empty hosts without p. */
static inline enum fit_answer plain_fit(const struct world *w, int64_t *free,
                                        const struct plan_group *g, struct fit_placement *p)
{
    const struct fit_demand *shape = p || !w->in.empty_shape ? w->shape : w->empty_shape;
    struct fit_hosts hosts = {w->in.hosts.hosts, w->in.hosts.resources, free};
    int64_t steps = MANY;
    enum fit_answer answer =
        w->in.policy == PLAN_SPREAD
            ? fit_spread(&hosts, w->scope[g->scope], &shape[g->shape], p)
            : fit_pack(&hosts, w->scope[g->scope], &shape[g->shape], &steps, p);

    assert_true(answer == FIT_YES || answer == FIT_NO);
    return answer;
}

/* The rule of plan.h for spread: what was refused once is not asked again. */
static inline bool spread_refused(const struct reference *ref, const struct plan_group *g)
{
    const struct world *w = ref->w;

    for (size_t i = 0; w->in.policy == PLAN_SPREAD && i < ref->refusals; i++) {
        const struct plan_group *other = &w->group[ref->refusal[i]];

        if (other->shape == g->shape && same_hosts(&w->scope[other->scope], &w->scope[g->scope]))
            return true;
    }
    return false;
}

static inline bool past_the_guard(const struct world *w, const struct plan_job *job)
{
    if (w->in.overtake == PLAN_FOREVER)
        return false;
    return w->in.overtake == 0 || NOW - job->queued_at >= w->in.overtake;
}

/* What limits have, as three lists: what is left of quotas, what is left of what hosts share, and
 * that in all. */
enum kept { QUOTA, SHARED, SHARED_TOTAL };

/* The first need of the group that is more than that, or SIZE_MAX. Of a job that needs nothing only
 * its place counts. */
static inline size_t plain_short(const struct world *w, const struct plan_limit *limit,
                                 const struct plan_group *g, enum kept kept)
{
    for (size_t i = 0; i < g->needs; i++) {
        const struct plan_limit *l = &limit[g->need[i].limit];
        int64_t have = kept == SHARED_TOTAL ? l->total : l->left;

        if (w->shape[g->shape].kinds == 0 && !l->jobs)
            continue;
        if (l->shared == (kept != QUOTA) && g->need[i].amount > (have > 0 ? have : 0))
            return g->need[i].limit;
    }
    return SIZE_MAX;
}

/* Not on the empty hosts that were read. */
static inline bool plain_never(const struct world *w, const struct plan_group *g)
{
    int64_t *total = (int64_t *)(uintptr_t)w->total; /* which fit only reads */

    return plain_short(w, w->limit, g, SHARED_TOTAL) != SIZE_MAX ||
           plain_fit(w, total, g, NULL) == FIT_NO;
}

static inline void tell(struct reference *ref, size_t group, enum plan_verdict verdict,
                        int64_t blocker, size_t limit)
{
    if (ref->told[group])
        return;
    ref->told[group] = true;
    ref->verdict[group] = verdict;
    ref->blocker[group] = blocker;
    ref->limit[group] = limit;
}

static inline void take_needs(struct plan_limit *limit, const struct world *w,
                              const struct plan_group *g)
{
    for (size_t i = 0; i < g->needs; i++)
        if (w->shape[g->shape].kinds > 0 || limit[g->need[i].limit].jobs)
            limit[g->need[i].limit].left -= g->need[i].amount;
}

static inline bool plain_admits(struct reference *ref, const struct waiting *waiting)
{
    struct world *w = ref->w;
    const struct plan_group *g = &w->group[waiting->group];
    struct plan_admission *a = &ref->admission[ref->n];
    enum fit_answer answer;

    *a = (struct plan_admission){.group = waiting->group, .job = waiting->job};
    if (spread_refused(ref, g))
        return false;
    answer = plain_fit(w, w->free, g, &a->placement);
    if (answer == FIT_YES) {
        fit_take(&w->in.hosts, &w->shape[g->shape], &a->placement);
        take_needs(w->limit, w, g);
        ref->n++;
        return true;
    }
    fit_placement_free(&a->placement);
    ref->refusal[ref->refusals++] = waiting->group;
    return false;
}

/* Of a limit: does somebody keep all of it, and how much do those who keep a part? The first of
 * them, or 0. */
static inline int64_t plain_kept(const struct reference *ref, size_t limit, bool *all, int64_t *sum)
{
    int64_t first = 0;

    *all = false;
    *sum = 0;
    for (size_t i = 0; i < ref->keepings; i++) {
        const struct keeping *k = &ref->keeping[i];

        if (k->limit != limit)
            continue;
        first = first ? first : k->job;
        *all = *all || k->all;
        *sum += k->amount;
    }
    return first;
}

/* The first need that others keep from the job, and *job, the first of those; or SIZE_MAX. Where it
 * is short of it anyway, only who keeps all of it counts. */
static inline size_t plain_held(const struct reference *ref, const struct plan_group *g,
                                int64_t *job)
{
    bool needy = ref->w->shape[g->shape].kinds > 0, all;
    int64_t sum;

    for (size_t i = 0; i < g->needs; i++) {
        const struct plan_need *need = &g->need[i];
        const struct plan_limit *l = &ref->w->limit[need->limit];

        *job = plain_kept(ref, need->limit, &all, &sum);
        if (*job && need->amount > 0 && (needy || l->jobs) &&
            (all || (need->amount <= l->left && need->amount > l->left - sum)))
            return need->limit;
    }
    return SIZE_MAX;
}

/* A job past the guard that has to wait keeps what it needs: all of what it is short of. Of what
 * hosts share only while it has its quotas; nothing, where a quota is too small for it in all, or a
 * number of jobs keeps it out. */
static inline void plain_keep(struct reference *ref, const struct waiting *waiting)
{
    const struct plan_group *g = &ref->w->group[waiting->group];
    bool quota = plain_short(ref->w, ref->w->limit, g, QUOTA) != SIZE_MAX;

    for (size_t i = 0; i < g->needs; i++) {
        const struct plan_limit *l = &ref->w->limit[g->need[i].limit];

        if (quota && g->need[i].amount > (l->jobs ? l->left : l->total) && !l->shared &&
            g->need[i].amount > 0)
            return;
    }
    for (size_t i = 0; i < g->needs; i++) {
        const struct plan_limit *l = &ref->w->limit[g->need[i].limit];

        if (g->need[i].amount > 0 && (!l->shared || !quota))
            ref->keeping[ref->keepings++] = (struct keeping){
                g->need[i].limit, waiting->job.id, g->need[i].amount, g->need[i].amount > l->left};
    }
}

static inline void plain_decide(struct reference *ref, const struct waiting *waiting)
{
    struct world *w = ref->w;
    const struct plan_group *g = &w->group[waiting->group];
    bool needy = w->shape[g->shape].kinds > 0;
    bool unsure = w->in.unsure && w->unsure[g->scope];
    int64_t blocker = plain_blocker(ref, g->scope);
    size_t quota = plain_short(w, w->limit, g, QUOTA);
    size_t shared = plain_short(w, w->limit, g, SHARED);
    size_t over = plain_short(w, w->limit, g, SHARED_TOTAL);
    int64_t keeper;
    size_t held = plain_held(ref, g, &keeper);

    if (ref->n == w->in.most) {
        tell(ref, waiting->group, PLAN_ENOUGH, 0, SIZE_MAX);
        return;
    }
    if (needy && w->scope[g->scope].n == 0 && !unsure) {
        tell(ref, waiting->group, PLAN_NO_POOL, 0, SIZE_MAX);
        return;
    }
    if (held == SIZE_MAX && quota == SIZE_MAX && (!needy || (!blocker && shared == SIZE_MAX)) &&
        plain_admits(ref, waiting))
        return;
    if (needy && !unsure && plain_never(w, g))
        tell(ref, waiting->group, PLAN_NEVER_FITS, 0, over);
    else if (held != SIZE_MAX)
        tell(ref, waiting->group, PLAN_BLOCKED, keeper, held);
    else if (quota != SIZE_MAX) {
        tell(ref, waiting->group, PLAN_NO_QUOTA, 0, quota);
        if (needy && !blocker && past_the_guard(w, &waiting->job) && !plain_never(w, g))
            plain_keep(ref, waiting);
    } else if (blocker)
        tell(ref, waiting->group, PLAN_BLOCKED, blocker, SIZE_MAX);
    else {
        tell(ref, waiting->group, PLAN_NO_ROOM, 0, shared);
        if (!past_the_guard(w, &waiting->job) || plain_never(w, g))
            return;
        plain_keep(ref, waiting);
        if (shared == SIZE_MAX)
            ref->line[ref->lines++] = (struct line){g->scope, waiting->job.id};
    }
}

/* ---- the two side by side ---- */

/* A copy that points into itself. */
static inline void world_copy(struct world *to, const struct world *from)
{
    *to = *from;
    to->in.hosts.free = to->free;
    to->in.total = to->total;
    to->in.scope = to->scope;
    to->in.shape = to->shape;
    to->in.limit = to->limit;
    to->in.empty_shape = from->in.empty_shape ? to->empty_shape : NULL;
    to->in.unsure = from->in.unsure ? to->unsure : NULL;
    to->in.group = to->group;
    to->in.queue.ctx = to;
    for (size_t s = 0; s < SCOPES; s++)
        to->scope[s].host = to->host[s];
    for (size_t g = 0; g < GROUPS; g++)
        to->group[g].need = to->need[g];
    for (size_t s = 0; s < SHAPES; s++) {
        to->shape[s].kind = to->kind[s];
        for (size_t k = 0; k < KINDS; k++)
            to->kind[s][k].amount = to->amount[s][k];
    }
}

static inline void same_admission(const struct plan_admission *a, const struct plan_admission *b)
{
    assert_int_equal(a->job.id, b->job.id);
    assert_int_equal(a->group, b->group);
    assert_int_equal(a->placement.n, b->placement.n);
    for (size_t i = 0; i < a->placement.n; i++)
        assert_memory_equal(&a->placement.place[i], &b->placement.place[i],
                            sizeof(struct fit_place));
}

/* Does the group need one of those limits, which somebody may keep? All that it needs are such from
 * now on. */
static inline bool wants(const struct world *w, const struct plan_group *g, bool *wanted)
{
    bool any = false;

    for (size_t i = 0; i < g->needs; i++) {
        if (g->need[i].amount == 0 ||
            (w->shape[g->shape].kinds == 0 && !w->limit[g->need[i].limit].jobs))
            continue;
        any = any || wanted[g->need[i].limit];
        wanted[g->need[i].limit] = true;
    }
    return any;
}

static inline bool needs_of(const struct plan_group *g, size_t limit)
{
    for (size_t i = 0; i < g->needs; i++)
        if (g->need[i].limit == limit && g->need[i].amount > 0)
            return true;
    return false;
}

/* May the job that waits at i be behind the line of one before it? */
static inline bool behind_another(const struct world *w, const struct plan_out *out, size_t i)
{
    for (size_t k = 0, n = 0; k < i; k++) {
        if (n < out->n && out->admission[n].job.id == w->waiting[k].job.id)
            n++;
        else if (past_the_guard(w, &w->waiting[k].job) &&
                 share_a_host(&w->scope[w->group[w->waiting[k].group].scope],
                              &w->scope[w->group[w->waiting[i].group].scope]))
            return true;
    }
    return false;
}

/* From the outside alone: nobody passes a job of the same scope that is past the guard and could
 * run on the hosts that were read; where it is short of what hosts share, nobody who needs some of
 * that. And what it has enough of at its turn it still has in the end. A pool, a quota that was
 * used up, and a limit that somebody else may keep are the only excuses. */
static inline void check_no_inversion(const struct world *w, const struct plan_out *out,
                                      const struct plan_limit *end)
{
    struct plan_limit limit[LIMITS];
    bool wanted[LIMITS] = {false};

    memcpy(limit, w->limit, sizeof(limit));
    for (size_t i = 0, n = 0; i < w->jobs; i++) {
        const struct waiting *first = &w->waiting[i];
        const struct plan_group *mine = &w->group[first->group];
        enum plan_verdict verdict = out->verdict[first->group];

        if (n < out->n && out->admission[n].job.id == first->job.id) {
            n++; /* admissions come in serving order */
            take_needs(limit, w, mine);
            continue;
        }
        if (!past_the_guard(w, &first->job) || verdict == PLAN_NEVER_FITS ||
            verdict == PLAN_NO_POOL || wants(w, mine, wanted) ||
            plain_short(w, limit, mine, QUOTA) != SIZE_MAX || out->n == w->in.most ||
            (w->shape[mine->shape].kinds > 0 && plain_never(w, mine)))
            continue;
        size_t shared = plain_short(w, limit, mine, SHARED);

        for (size_t later = n; later < out->n; later++) {
            const struct plan_group *g = &w->group[out->admission[later].group];

            if (w->shape[g->shape].kinds > 0)
                assert_true(shared == SIZE_MAX ? g->scope != mine->scope : !needs_of(g, shared));
        }
        if (w->shape[mine->shape].kinds > 0 && !behind_another(w, out, i)) {
            assert_true(plain_short(w, end, mine, QUOTA) == SIZE_MAX);
            assert_true(shared != SIZE_MAX || plain_short(w, end, mine, SHARED) == SIZE_MAX);
        }
    }
}

static inline void check_limits(const struct world *start, const struct world *end,
                                const struct plan_out *out)
{
    struct plan_limit limit[LIMITS];

    memcpy(limit, start->limit, sizeof(limit));
    for (size_t i = 0; i < out->n; i++)
        take_needs(limit, start, &start->group[out->admission[i].group]);
    for (size_t l = 0; l < LIMITS; l++) {
        assert_int_equal(limit[l].left, end->limit[l].left);
        assert_true(limit[l].left >= 0 || limit[l].left == start->limit[l].left);
    }
}

static inline void check_capacity(const struct world *start, const struct world *end,
                                  const struct plan_out *out)
{
    int64_t left[HOSTS * COLUMNS];

    memcpy(left, start->free, sizeof(left));
    for (size_t i = 0; i < out->n; i++)
        for (size_t k = 0; k < out->admission[i].placement.n; k++) {
            const struct fit_place *p = &out->admission[i].placement.place[k];
            const struct plan_group *g = &start->group[out->admission[i].group];

            for (size_t c = 0; c < start->in.hosts.resources; c++)
                left[p->host * start->in.hosts.resources + c] -=
                    p->count * start->amount[g->shape][p->kind][c];
        }
    for (size_t i = 0; i < start->in.hosts.hosts * start->in.hosts.resources; i++) {
        assert_true(left[i] >= 0);
        assert_int_equal(left[i], end->free[i]);
    }
}

/* The real plan and the plain one of the same world: the same to the last place. *out is the real
 * one's (plan_out_free). */
static inline void plan_both(const struct world *w, struct plan_out *out, size_t *seen)
{
    struct world mine, plain;
    struct reference ref = {.w = &plain};
    struct err e;

    world_copy(&mine, w);
    world_copy(&plain, w);
    assert_int_equal(plan_make(&mine.in, out, &e), 0);
    for (size_t i = 0; i < plain.jobs; i++)
        plain_decide(&ref, &plain.waiting[i]);
    assert_int_equal(out->n, ref.n);
    for (size_t i = 0; i < out->n; i++) {
        same_admission(&out->admission[i], &ref.admission[i]);
        fit_placement_free(&ref.admission[i].placement);
    }
    for (size_t g = 0; g < w->in.groups; g++) {
        assert_int_equal(out->verdict[g], ref.told[g] ? ref.verdict[g] : PLAN_ALL_ADMITTED);
        assert_int_equal(out->blocker[g], ref.blocker[g]);
        assert_true(out->limit[g] == (ref.told[g] ? ref.limit[g] : SIZE_MAX));
        seen[out->verdict[g]]++;
    }
    assert_true(mine.nexts == out->n && mine.guards <= mine.in.groups);
    assert_memory_equal(mine.free, plain.free, sizeof(mine.free));
    check_capacity(w, &mine, out);
    check_limits(w, &mine, out);
    check_no_inversion(w, out, mine.limit);
}

#endif
