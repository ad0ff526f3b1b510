/* SPDX-License-Identifier: MIT */
/*
 * A simulation of the real plan, fit, capacity table and holds over millions of steps: jobs come,
 * wait, are moved, run, end, hosts come, go, shrink, readings lag, dispatchers die. After each step
 * the books must be right (sim_books.h), every pass must be that of the plain reference, and who
 * went before whom must be allowed by the policy as it is documented.
 *
 * What is assumed of clients of an observed source: lag <= settle. What a job was promised is used,
 * and seen by readings begun from then on, before `settle` has gone by since its callback was
 * accepted or nobody was heard; nothing is built any more once the client has said that it is over.
 */
#include "sim_clients.h"

enum { EPOCH = 4000 }; /* steps of one cloud */
#ifdef AR_SANITIZED
enum { STEPS = 60000 };
#elif defined(__SANITIZE_THREAD__)
enum { STEPS = 100000 };
#else
enum { STEPS = 1200000 };
#endif
#define STEPS_LONG INT64_C(1000000000)

/* ---- a pass ---- */

static int by_order(const void *a, const void *b)
{
    const struct waiting *x = a, *y = b;

    return before(&x->job, &y->job) ? -1 : 1;
}

static size_t group_of(struct sim *s, const struct sim_job *j)
{
    struct world *w = &s->w;
    size_t before_it = w->in.groups, g = world_group(w, j->scope, j->shape, j->owner);

    if (w->in.groups > before_it) {
        w->group[g].needs = 0;
        w->group[g].head = (struct plan_job){0};
        if (s->run_limit > 0)
            world_need(w, g, 0, 1);
        if (s->owner_limit > 0)
            world_need(w, g, (s->run_limit > 0) + j->owner, 1);
    }
    return g;
}

/* Who waits and may be admitted, in serving order, and what limits them. */
static void gather(struct sim *s)
{
    struct world *w = &s->w;
    size_t i;

    w->jobs = w->in.groups = w->in.limits = w->nexts = w->guards = 0;
    if (s->run_limit > 0)
        world_places(w, s->run_limit - sim_count(s, SIZE_MAX), s->run_limit);
    for (i = 0; s->owner_limit > 0 && i < SIM_OWNERS; i++)
        world_places(w, s->owner_limit - sim_count(s, i), s->owner_limit);
    for (i = 0; i < SIM_JOBS; i++) {
        const struct sim_job *j = &s->job[i];

        if (j->state == SIM_WAITS && j->not_before <= s->now && !s->paused[j->owner])
            w->waiting[w->jobs++] =
                (struct waiting){group_of(s, j), {j->id, j->priority, NOW - s->now + j->queued_at}};
    }
    qsort(w->waiting, w->jobs, sizeof w->waiting[0], by_order);
    for (i = w->jobs; i > 0; i--)
        w->group[w->waiting[i - 1].group].head = w->waiting[i - 1].job;
    w->in.most = prop_one_in(s->r, 8) ? prop_below(s->r, 4) : JOBS;
}

/* The real table of a reading, lessened by the holds that count for it; its numbers are checked
 * against the books, and are then the world's. */
static void make_table(struct sim *s, struct source_reading *r, struct arena *a, struct capacity *c)
{
    int64_t held[HOSTS][COLUMNS] = {{0}};
    size_t i, h, k, n = s->w.in.hosts.resources;
    struct err e;

    assert_int_equal(capacity_make(r, a, c, &e), 0);
    for (i = 0; i < s->rows; i++) {
        if (s->row[i].until <= s->read_at)
            continue;
        capacity_hold(c, s->row[i].host, s->row[i].resource, s->row[i].amount);
        held[s->row[i].host.p[1] - '0'][s->row[i].resource.p[0] - 'A'] += s->row[i].amount;
    }
    for (h = 0; h < s->w.in.hosts.hosts; h++) {
        for (k = 0; k < n; k++) {
            int64_t left = s->read_total[h][k] - s->read_used[h][k];

            left = (left > 0 ? left : 0) - held[h][k];
            s->w.free[h * n + k] = c->free.free[h * n + k];
            s->w.total[h * n + k] = c->total[h * n + k];
            assert_int_equal(s->w.free[h * n + k], left > 0 ? left : 0);
            assert_int_equal(s->w.total[h * n + k], s->read_total[h][k]);
        }
    }
}

/* From the outside alone: `first` was not admitted and `later`, which comes after it, was. Allowed
 * only where they do not compete, or the policy lets it be passed. */
static void check_passing(const struct sim *s, size_t first, size_t later,
                          const struct plan_limit *left, bool kept, const int64_t *line,
                          size_t lines)
{
    const struct world *w = &s->w;
    const struct plan_group *a = &w->group[w->waiting[first].group],
                            *b = &w->group[w->waiting[later].group];
    size_t i;

    if (w->shape[b->shape].kinds == 0 || w->shape[a->shape].kinds == 0 ||
        !share_a_host(&w->scope[a->scope], &w->scope[b->scope]))
        return; /* they do not compete */
    if (!past_the_guard(w, &w->waiting[first].job))
        return;
    if (kept || plain_short(w, left, a, QUOTA) != SIZE_MAX)
        return; /* it lacks a number of jobs, not capacity, or an older one keeps its place */
    if (w->scope[a->scope].n == 0 ||
        plain_fit(w, (int64_t *)(uintptr_t)w->total, a, NULL) == FIT_NO)
        return;                 /* it would not fit on empty hosts */
    for (i = 0; i < lines; i++) /* it only waits behind another that holds the line */
        if (share_a_host(&w->scope[line[i]], &w->scope[a->scope]))
            return;
    fail_msg("job %lld was passed by %lld", (long long)w->waiting[first].job.id,
             (long long)w->waiting[later].job.id);
}

/* First come, first served: of the trace of one pass. */
static void check_order(struct sim *s, const struct plan_out *out)
{
    struct world *w = &s->w;
    struct plan_limit left[LIMITS];
    int64_t line[JOBS];
    bool wanted[LIMITS] = {false}, kept;
    size_t i, k, n = 0, lines = 0, later;

    memcpy(left, w->limit, sizeof left);
    for (i = 0; i < w->jobs; i++) {
        if (n < out->n && out->admission[n].job.id == w->waiting[i].job.id) {
            take_needs(left, w, &w->group[w->waiting[i].group]);
            n++;
            continue;
        }
        kept = past_the_guard(w, &w->waiting[i].job) &&
               wants(w, &w->group[w->waiting[i].group], wanted);
        for (k = n, later = i + 1; k < out->n; k++) {
            while (w->waiting[later].job.id != out->admission[k].job.id)
                assert_true(++later < w->jobs); /* admissions come in serving order */
            check_passing(s, i, later, left, kept, line, lines);
            s->passed_over++;
        }
        if (past_the_guard(w, &w->waiting[i].job))
            line[lines++] = (int64_t)w->group[w->waiting[i].group].scope;
    }
    assert_int_equal(n, out->n);
}

/* All or nothing, on hosts of its own, and never more than there is. */
static void check_admission(struct sim *s, const struct sim_job *j)
{
    int64_t instances[KINDS] = {0}, taken[HOSTS][COLUMNS];
    const struct fit_subset *use = &s->w.scope[j->scope];
    size_t i, k, c;

    sim_taken(s, taken);
    for (i = 0; i < j->at.n; i++) {
        const struct fit_place *p = &j->at.place[i];

        instances[p->kind] += p->count;
        for (k = 0; k < use->n && use->host[k] != p->host; k++)
            ;
        assert_true(k < use->n && p->count > 0);
        for (c = 0; c < s->w.in.hosts.resources; c++)
            if (s->w.amount[j->shape][p->kind][c] > 0)
                assert_true(taken[p->host][c] <= s->read_total[p->host][c]);
    }
    for (k = 0; k < s->w.shape[j->shape].kinds; k++)
        assert_int_equal(instances[k], s->w.shape[j->shape].kind[k].count);
}

/* As store_admit: only who still waits. */
static void write_pass(struct sim *s, struct plan_out *out, const struct capacity *c,
                       struct arena *a)
{
    size_t i, k;

    for (i = 0; i < out->n; i++) {
        for (k = 0; k < SIM_JOBS && s->job[k].id != out->admission[i].job.id; k++)
            ;
        if (k == SIM_JOBS || s->job[k].state != SIM_WAITS)
            continue;
        s->job[k].state = SIM_ADMITTED;
        s->job[k].at = out->admission[i].placement;
        out->admission[i].placement = (struct fit_placement){0};
        add_rows(s, c, &s->job[k], a);
        check_admission(s, &s->job[k]);
        s->admitted++;
    }
}

static void change_some(struct sim *s)
{
    size_t n;

    for (n = prop_below(s->r, 3); n > 0; n--) {
        struct sim_job *j = &s->job[prop_below(s->r, SIM_JOBS)];

        if (j->state == SIM_WAITS)
            j->state = SIM_NOBODY;
        else if (sim_holds(j))
            use_job(s, j);
    }
}

static void plan_pass(struct sim *s, struct source_reading *r, struct arena *a)
{
    struct capacity c;
    struct plan_out out;

    gather(s);
    make_table(s, r, a, &c);
    plan_both(&s->w, &out, s->seen);
    check_order(s, &out);
    if (!prop_one_in(s->r, 10)) { /* else it was killed before it wrote */
        change_some(s);
        write_pass(s, &out, &c, a);
    }
    plan_out_free(&out, s->w.in.groups);
    capacity_free(&c);
    s->passes++;
}

static void pass(struct sim *s)
{
    struct source_host host[HOSTS];
    struct source_amount amount[HOSTS][COLUMNS];
    struct source_reading r = {
        .state = SOURCE_GOOD, .hosts = s->w.in.hosts.hosts, .host = host, .read_at = s->read_at};
    struct arena *a = arena_new(1 << 20);
    size_t h, c, n = s->w.in.hosts.resources;

    assert_non_null(a);
    for (h = 0; h < r.hosts; h++) {
        for (c = 0; c < n; c++)
            amount[h][c] = (struct source_amount){str_of(sim_columns[c]), s->read_total[h][c],
                                                  s->read_used[h][c], 0};
        host[h] =
            (struct source_host){.name = str_of(sim_hosts[h]), .amounts = n, .amount = amount[h]};
    }
    if (s->now - s->read_at <= SIM_AGE)
        plan_pass(s, &r, a);
    arena_free(a);
    s->read_at = INT64_MIN;
}

/* A reading is begun, looks at one host after the other, and has come. */
static void read_on(struct sim *s)
{
    size_t h;

    if (s->read_at == INT64_MIN) {
        s->read_at = s->now;
        memset(s->looked, 0, sizeof s->looked);
    }
    do {
        for (h = 0; h < s->w.in.hosts.hosts && s->looked[h]; h++)
            ;
        if (h == s->w.in.hosts.hosts) {
            pass(s);
            return;
        }
        sim_look(s, h);
    } while (!s->observed || !prop_one_in(s->r, 3));
}

/* ---- steps ---- */

/* What is held of all readings from now on is what jobs have that are admitted; a ledger's, that
 * run, too. */
static void check_books(const struct sim *s)
{
    int64_t held[HOSTS][COLUMNS] = {{0}}, want[HOSTS][COLUMNS] = {{0}};
    size_t i;

    for (i = 0; i < s->rows; i++)
        if (s->row[i].until == INT64_MAX)
            held[s->row[i].host.p[1] - '0'][s->row[i].resource.p[0] - 'A'] += s->row[i].amount;
    for (i = 0; i < SIM_JOBS; i++)
        if (s->job[i].state == SIM_ADMITTED || (s->job[i].state == SIM_RUNS && !s->observed))
            sim_add(s, s->job[i].shape, &s->job[i].at, want);
    assert_memory_equal(held, want, sizeof held);
}

static void give_back(struct sim *s)
{
    s->left[prop_below(s->r, SIM_JOBS)].there = false;
}

static void step(struct sim *s)
{
    size_t what = prop_below(s->r, 100);

    let_time_pass(s, 1);
    if (what < 48)
        use_job(s, &s->job[prop_below(s->r, SIM_JOBS)]);
    else if (what < 70)
        read_on(s);
    else if (what < 84)
        let_time_pass(s, prop_between(s->r, 0, prop_one_in(s->r, 20) ? 300 : 20));
    else if (what < 96)
        give_back(s);
    else if (what < 98)
        change_host(s);
    else if (what == 98)
        change_policy(s);
    else
        s->read_at = INT64_MIN; /* the dispatcher is killed: what it read is gone */
    check_books(s);
}

static void random_shapes(struct sim *s)
{
    size_t n, k, c;

    for (n = 1 + prop_below(s->r, 4); n > 0; n--) {
        size_t shape = world_shape(&s->w, 0, 0);

        for (k = prop_one_in(s->r, 12) ? 0 : 1 + prop_below(s->r, KINDS); k > 0; k--) {
            int64_t amount[COLUMNS];

            for (c = 0; c < COLUMNS; c++)
                amount[c] = prop_between(s->r, 0, prop_one_in(s->r, 8) ? 9 : 3);
            world_kind(&s->w, shape, prop_between(s->r, 1, 3), amount);
        }
    }
}

static void begin(struct sim *s, struct prop *r)
{
    size_t n;

    memset(s, 0, sizeof *s);
    s->r = r;
    s->now = 100000;
    s->read_at = INT64_MIN;
    s->observed = prop_one_in(r, 2);
    world_begin(&s->w, 1 + prop_below(r, HOSTS), 1 + prop_below(r, COLUMNS));
    for (n = 1 + prop_below(r, SCOPES); n > 0; n--)
        world_scope(&s->w, (unsigned)(prop_bits(r) & prop_bits(r) & 255));
    random_shapes(s);
    s->w.in.policy = prop_one_in(r, 2) ? PLAN_PACK : PLAN_SPREAD;
    s->w.in.overtake = prop_one_in(r, 4)   ? 0
                       : prop_one_in(r, 4) ? PLAN_FOREVER
                                           : prop_between(r, 1, 600);
    for (n = 0; n < 4 * HOSTS; n++)
        change_host(s);
}

static void end(struct sim *s)
{
    size_t i;

    for (i = 0; i < SIM_JOBS; i++)
        fit_placement_free(&s->job[i].at);
}

static void the_books_the_reference_and_the_order_hold_after_every_step(void **state)
{
    static struct sim s;
    struct prop r = prop_begin("sim_plan", 20261129);
    struct soak soak = soak_begin(STEPS / EPOCH, STEPS_LONG / EPOCH);
    size_t steps = 0, passes = 0, admitted = 0, passed = 0, clouds = 0, i;
    int64_t start = clock_mono();

    (void)state;
    for (; soak_more(&soak); clouds++) {
        begin(&s, &r);
        for (i = 0; i < EPOCH; i++, steps++)
            step(&s);
        passes += s.passes;
        admitted += s.admitted;
        passed += s.passed_over;
        end(&s);
    }
    assert_true(admitted > steps / 100 && passed > steps / 100);
    printf("sim_plan: %zu steps in %zu clouds, %zu passes, %zu admissions, %zu pairs of which the "
           "later went first, %lld ms\n",
           steps, clouds, passes, admitted, passed,
           (long long)((clock_mono() - start) / NS_PER_MS));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_books_the_reference_and_the_order_hold_after_every_step),
    };

    return cmocka_run_group_tests_name("sim_plan", tests, NULL, NULL);
}
