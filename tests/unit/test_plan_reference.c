/* SPDX-License-Identifier: MIT */
/* The whole pass against a reference without groups, heap or memory of refusals; and the work that
 * a large one takes. */
#include "plan_world.h"

/* ---- the reference: every job in turn, nothing remembered but the lines (and, for spread, who was
 * refused what) ---- */

struct line {
    size_t scope;
    int64_t job;
};

struct reference {
    struct world *w;
    size_t lines;
    struct line line[JOBS];
    size_t refusals;
    size_t refusal[JOBS]; /* groups */
    size_t n;
    struct plan_admission admission[JOBS];
    bool told[GROUPS]; /* the group's first job that was not admitted has been seen */
    enum plan_verdict verdict[GROUPS];
    int64_t blocker[GROUPS];
};

static bool share_a_host(const struct fit_subset *a, const struct fit_subset *b)
{
    for (size_t i = 0; i < a->n; i++)
        for (size_t j = 0; j < b->n; j++)
            if (a->host[i] == b->host[j])
                return true;
    return false;
}

static bool same_hosts(const struct fit_subset *a, const struct fit_subset *b)
{
    return a->n == b->n && memcmp(a->host, b->host, a->n * sizeof(*a->host)) == 0;
}

/* The job that holds the line of the scope, or 0. */
static int64_t plain_blocker(const struct reference *ref, size_t scope)
{
    for (size_t i = 0; i < ref->lines; i++)
        if (share_a_host(&ref->w->scope[ref->line[i].scope], &ref->w->scope[scope]))
            return ref->line[i].job;
    return 0;
}

static enum fit_answer plain_fit(const struct world *w, int64_t *free, const struct plan_group *g,
                                 struct fit_placement *p)
{
    struct fit_hosts hosts = {w->in.hosts.hosts, w->in.hosts.resources, free};
    int64_t steps = MANY;
    enum fit_answer answer =
        w->in.policy == PLAN_SPREAD
            ? fit_spread(&hosts, w->scope[g->scope], &w->shape[g->shape], p)
            : fit_pack(&hosts, w->scope[g->scope], &w->shape[g->shape], &steps, p);

    assert_true(answer == FIT_YES || answer == FIT_NO);
    return answer;
}

/* The rule of plan.h for spread: what was refused once is not asked again. */
static bool spread_refused(const struct reference *ref, const struct plan_group *g)
{
    const struct world *w = ref->w;

    for (size_t i = 0; w->in.policy == PLAN_SPREAD && i < ref->refusals; i++) {
        const struct plan_group *other = &w->group[ref->refusal[i]];

        if (other->shape == g->shape && same_hosts(&w->scope[other->scope], &w->scope[g->scope]))
            return true;
    }
    return false;
}

static bool past_the_guard(const struct world *w, const struct plan_job *job)
{
    if (w->in.overtake == PLAN_FOREVER)
        return false;
    return w->in.overtake == 0 || NOW - job->queued_at >= w->in.overtake;
}

static void tell(struct reference *ref, size_t group, enum plan_verdict verdict, int64_t blocker)
{
    if (ref->told[group])
        return;
    ref->told[group] = true;
    ref->verdict[group] = verdict;
    ref->blocker[group] = blocker;
}

static bool plain_admits(struct reference *ref, const struct waiting *waiting)
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
        ref->n++;
        return true;
    }
    fit_placement_free(&a->placement);
    ref->refusal[ref->refusals++] = waiting->group;
    return false;
}

static void plain_decide(struct reference *ref, const struct waiting *waiting)
{
    struct world *w = ref->w;
    const struct plan_group *g = &w->group[waiting->group];
    bool needy = w->shape[g->shape].kinds > 0;
    int64_t blocker = plain_blocker(ref, g->scope);
    bool never;

    if (ref->n == w->in.most) {
        tell(ref, waiting->group, PLAN_ENOUGH, 0);
        return;
    }
    if (needy && w->scope[g->scope].n == 0) {
        tell(ref, waiting->group, PLAN_NO_POOL, 0);
        return;
    }
    if ((!needy || !blocker) && plain_admits(ref, waiting))
        return;
    never = plain_fit(w, w->total, g, NULL) == FIT_NO;
    if (never)
        tell(ref, waiting->group, PLAN_NEVER_FITS, 0);
    else if (blocker)
        tell(ref, waiting->group, PLAN_BLOCKED, blocker);
    else
        tell(ref, waiting->group, PLAN_NO_ROOM, 0);
    if (!never && !blocker && past_the_guard(w, &waiting->job))
        ref->line[ref->lines++] = (struct line){g->scope, waiting->job.id};
}

/* ---- random worlds ---- */

static void random_hosts(struct prop *r, struct world *w)
{
    int64_t full = prop_between(r, 0, 6);

    for (size_t i = 0; i < w->in.hosts.hosts * w->in.hosts.resources; i++) {
        w->total[i] = prop_between(r, 1, 8);
        w->free[i] = w->total[i] - prop_between(r, 0, w->total[i] < full ? w->total[i] : full);
    }
}

static void random_shape(struct prop *r, struct world *w)
{
    size_t shape = w->in.shapes++;

    w->shape[shape].kind = w->kind[shape];
    for (size_t k = prop_one_in(r, 12) ? 0 : 1 + prop_below(r, KINDS); k > 0; k--) {
        int64_t amount[COLUMNS];

        for (size_t c = 0; c < COLUMNS; c++)
            amount[c] = prop_between(r, 0, prop_one_in(r, 8) ? 9 : 3);
        world_kind(w, shape, prop_between(r, 1, 3), amount);
    }
}

/* Ages do not follow the order of service: jobs are moved, and priorities are the client's. */
static void random_jobs(struct prop *r, struct world *w)
{
    int64_t priority = prop_between(r, -50, 50), oldest = INT64_MAX;

    for (size_t n = prop_below(r, JOBS + 1); n > 0; n--) {
        size_t group = world_group(w, prop_below(r, w->in.scopes), prop_below(r, w->in.shapes));
        struct waiting *job = &w->waiting[w->jobs++];

        priority += prop_between(r, 0, 2);
        *job = (struct waiting){group,
                                {.id = 1000 + (int64_t)w->jobs,
                                 .priority = priority,
                                 .queued_at = NOW - prop_between(r, 0, 100)}};
        if (w->group[group].head.id == 0)
            w->group[group].head = job->job;
        oldest = job->job.queued_at < oldest ? job->job.queued_at : oldest;
    }
    w->in.oldest = prop_one_in(r, 2) ? INT64_MIN : oldest;
}

static void random_world(struct prop *r, struct world *w)
{
    world_begin(w, 1 + prop_below(r, HOSTS), 1 + prop_below(r, COLUMNS));
    random_hosts(r, w);
    for (size_t n = 1 + prop_below(r, SCOPES); n > 0; n--)
        world_scope(w, (unsigned)(prop_bits(r) & prop_bits(r) & 255));
    for (size_t n = 1 + prop_below(r, GROUPS / SCOPES); n > 0; n--)
        random_shape(r, w);
    random_jobs(r, w);
    w->in.policy = prop_one_in(r, 2) ? PLAN_PACK : PLAN_SPREAD;
    w->in.overtake = prop_one_in(r, 4)   ? 0
                     : prop_one_in(r, 4) ? PLAN_FOREVER
                                         : prop_between(r, 1, 110);
    w->in.most = prop_one_in(r, 3) ? prop_below(r, 8) : JOBS;
}

/* A copy that points into itself. */
static void world_copy(struct world *to, const struct world *from)
{
    *to = *from;
    to->in.hosts.free = to->free;
    to->in.total = to->total;
    to->in.scope = to->scope;
    to->in.shape = to->shape;
    to->in.group = to->group;
    to->in.queue.ctx = to;
    for (size_t s = 0; s < SCOPES; s++)
        to->scope[s].host = to->host[s];
    for (size_t s = 0; s < SHAPES; s++) {
        to->shape[s].kind = to->kind[s];
        for (size_t k = 0; k < KINDS; k++)
            to->kind[s][k].amount = to->amount[s][k];
    }
}

static void same_admission(const struct plan_admission *a, const struct plan_admission *b)
{
    assert_int_equal(a->job.id, b->job.id);
    assert_int_equal(a->group, b->group);
    assert_int_equal(a->placement.n, b->placement.n);
    for (size_t i = 0; i < a->placement.n; i++)
        assert_memory_equal(&a->placement.place[i], &b->placement.place[i],
                            sizeof(struct fit_place));
}

/* From the outside alone: nobody passes a job of the same scope that is past the guard and could
 * run. Verdicts of NEVER_FITS and NO_POOL are the only excuse. */
static void check_no_inversion(const struct world *w, const struct plan_out *out)
{
    for (size_t i = 0, n = 0; i < w->jobs; i++) {
        const struct waiting *first = &w->waiting[i];
        enum plan_verdict verdict = out->verdict[first->group];

        if (n < out->n && out->admission[n].job.id == first->job.id) {
            n++; /* admissions come in serving order */
            continue;
        }
        if (!past_the_guard(w, &first->job) || verdict == PLAN_NEVER_FITS ||
            verdict == PLAN_NO_POOL)
            continue;
        for (size_t later = n; later < out->n; later++) {
            const struct plan_group *g = &w->group[out->admission[later].group];

            assert_true(g->scope != w->group[first->group].scope || w->shape[g->shape].kinds == 0);
        }
    }
}

static void check_capacity(const struct world *start, const struct world *end,
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

static void compare(const struct world *w, size_t *seen)
{
    struct world mine, plain;
    struct reference ref = {.w = &plain};
    struct plan_out out;
    struct err e;

    world_copy(&mine, w);
    world_copy(&plain, w);
    assert_int_equal(plan_make(&mine.in, &out, &e), 0);
    for (size_t i = 0; i < plain.jobs; i++)
        plain_decide(&ref, &plain.waiting[i]);
    assert_int_equal(out.n, ref.n);
    for (size_t i = 0; i < out.n; i++) {
        same_admission(&out.admission[i], &ref.admission[i]);
        fit_placement_free(&ref.admission[i].placement);
    }
    for (size_t g = 0; g < w->in.groups; g++) {
        assert_int_equal(out.verdict[g], ref.told[g] ? ref.verdict[g] : PLAN_ALL_ADMITTED);
        assert_int_equal(out.blocker[g], ref.blocker[g]);
        seen[out.verdict[g]]++;
    }
    assert_true(mine.nexts == out.n && mine.guards <= mine.in.groups);
    assert_memory_equal(mine.free, plain.free, sizeof(mine.free));
    check_capacity(w, &mine, &out);
    check_no_inversion(w, &out);
    plan_out_free(&out, w->in.groups);
}

static void plan_agrees_with_the_reference(void **state)
{
    struct prop r = prop_begin(__func__, 55100621743);
    size_t seen[PLAN_ENOUGH + 1] = {0};

    (void)state;
    for (int i = 0; i < 20000; i++) {
        struct world w;

        random_world(&r, &w);
        compare(&w, seen);
    }
    for (int v = 0; v <= PLAN_ENOUGH; v++) /* the worlds reach what they are meant to reach */
        assert_true(seen[v] > 500 || v == PLAN_UNDECIDED);
}

/* ---- size ---- */

struct large {
    struct plan_in in;
    size_t nexts;
};

static int large_next(void *ctx, const struct plan_group *group, const struct plan_job *after,
                      struct plan_job *job)
{
    (void)group;
    ((struct large *)ctx)->nexts++;
    *job = (struct plan_job){after->id + 100000, after->priority + 100000, after->queued_at};
    return 1;
}

static void work_is_by_group_not_by_job(void **state)
{
    enum { WIDE = 20, MANY_SCOPES = 1000, MANY_SHAPES = 50, ALL = MANY_SCOPES * MANY_SHAPES };
    size_t *host = calloc(MANY_SCOPES * WIDE, sizeof(*host));
    int64_t *table = calloc(MANY_SCOPES * WIDE * 2, sizeof(*table)), amount[MANY_SHAPES];
    struct fit_subset *scope = calloc(MANY_SCOPES, sizeof(*scope));
    struct fit_kind kind[MANY_SHAPES];
    struct fit_demand shape[MANY_SHAPES];
    struct plan_group *group = calloc(ALL, sizeof(*group));
    struct large large = {{.hosts = {MANY_SCOPES * WIDE, 1, table},
                           .total = table + MANY_SCOPES * WIDE,
                           .scopes = MANY_SCOPES,
                           .scope = scope,
                           .shapes = MANY_SHAPES,
                           .shape = shape,
                           .groups = ALL,
                           .group = group,
                           .queue = {&large, large_next, NULL},
                           .overtake = PLAN_FOREVER,
                           .budget = FIT_BUDGET_DEFAULT,
                           .most = ALL},
                          0};
    struct plan_out out;
    struct err e;

    (void)state;
    for (size_t i = 0; i < MANY_SCOPES * WIDE; i++) {
        host[i] = i;
        table[MANY_SCOPES * WIDE + i] = MANY_SHAPES;
    }
    table[0] = MANY_SHAPES; /* one host of one scope has room */
    for (size_t s = 0; s < MANY_SCOPES; s++)
        scope[s] = (struct fit_subset){WIDE, host + s * WIDE};
    for (size_t s = 0; s < MANY_SHAPES; s++) {
        amount[s] = (int64_t)s + 1;
        kind[s] = (struct fit_kind){.count = 1, .amount = &amount[s]};
        shape[s] = (struct fit_demand){1, &kind[s]};
    }
    for (size_t g = 0; g < ALL; g++)
        group[g] = (struct plan_group){
            (int64_t)g, g / MANY_SHAPES, g % MANY_SHAPES, {(int64_t)g, (int64_t)g, 0}};
    assert_int_equal(plan_make(&large.in, &out, &e), 0);
    /* 1 to 9 of the heads; of the 5 that are left, 1 and 2 of the next ones, and 1 twice more */
    assert_int_equal(out.n, 13);
    assert_int_equal(large.nexts, out.n);
    plan_out_free(&out, ALL);
    free(host);
    free(table);
    free(scope);
    free(group);
}

/* Many pools of two hosts of 10, each with a job of {2 x 4, 4 x 3}: only the search finds how. */
static void search_is_spent_in_serving_order(void **state)
{
    enum { POOLS = PLAN_QUESTIONS + 40 };
    int64_t free[2 * POOLS], amount[2] = {4, 3}, steps = MANY;
    size_t host[2 * POOLS];
    struct fit_kind kind[2] = {{.count = 2, .amount = amount}, {.count = 4, .amount = amount + 1}};
    struct fit_demand shape = {2, kind};
    struct fit_subset scope[POOLS];
    struct plan_group group[POOLS];
    struct large large = {.in = {.hosts = {ARRAY_LEN(free), 1, free}, .total = free}};
    struct plan_in *in = &large.in;
    struct plan_out out;
    struct err e;

    (void)state;
    for (size_t i = 0; i < POOLS; i++) {
        host[2 * i] = 2 * i;
        host[2 * i + 1] = 2 * i + 1;
        free[2 * i] = free[2 * i + 1] = 10;
        scope[i] = (struct fit_subset){2, host + 2 * i};
        group[i] = (struct plan_group){.scope = i, .head = {1000 - (int64_t)i, (int64_t)i, 0}};
    }
    in->queue = (struct plan_queue){&large, large_next, NULL};
    in->scopes = in->groups = in->most = POOLS;
    in->scope = scope;
    in->group = group;
    in->shapes = 1;
    in->shape = &shape;
    in->overtake = PLAN_FOREVER;
    assert_int_equal(fit_pack(&in->hosts, scope[0], &shape, &steps, NULL), FIT_YES);
    in->budget = MANY - steps + 1; /* what one question takes, and one to spare */
    assert_int_equal(plan_make(in, &out, &e), 0);
    assert_in_range(out.n, PLAN_QUESTIONS, POOLS - 1);
    for (size_t i = 0; i < out.n; i++)
        assert_int_equal(out.admission[i].group, i);
    assert_int_equal(out.verdict[POOLS - 1], PLAN_UNDECIDED);
    plan_out_free(&out, POOLS);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_agrees_with_the_reference),
        cmocka_unit_test(work_is_by_group_not_by_job),
        cmocka_unit_test(search_is_spent_in_serving_order),
    };

    return cmocka_run_group_tests_name("plan_reference", tests, NULL, NULL);
}
