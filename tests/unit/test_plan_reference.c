/* SPDX-License-Identifier: MIT */
/* The whole pass against a reference without groups, heap or memory of refusals. */
#include "plan_reference.h"

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

/* What may be on now is on when the hosts are empty, too. */
static void random_masks(struct prop *r, struct world *w)
{
    w->in.empty_shape = prop_one_in(r, 2) ? w->empty_shape : NULL;
    for (size_t s = 0; s < w->in.shapes; s++) {
        w->empty_shape[s] = (struct fit_demand){w->shape[s].kinds, w->empty_kind[s]};
        for (size_t k = 0; k < w->shape[s].kinds; k++) {
            bool now = prop_one_in(r, 3), always = prop_one_in(r, 4);

            for (size_t h = 0; h < HOSTS; h++) {
                w->empty_on[s][k][h] = !always || !prop_one_in(r, 3);
                w->on[s][k][h] = w->empty_on[s][k][h] && (!now || !prop_one_in(r, 2));
            }
            w->kind[s][k].on = now || always ? w->on[s][k] : NULL;
            w->empty_kind[s][k] = w->kind[s][k];
            w->empty_kind[s][k].on = always ? w->empty_on[s][k] : NULL;
        }
    }
}

static void random_limits(struct prop *r, struct world *w)
{
    for (size_t n = prop_one_in(r, 3) ? 0 : prop_below(r, LIMITS - 1); n > 0; n--) {
        int64_t left = prop_between(r, prop_one_in(r, 8) ? -1 : 1, prop_one_in(r, 3) ? 10 : 4);

        world_limit(w, left, left + prop_between(r, 0, 3), prop_one_in(r, 2));
    }
    for (size_t n = prop_one_in(r, 2) ? 0 : prop_below(r, 3); n > 0; n--) {
        int64_t left = prop_between(r, prop_one_in(r, 8) ? -1 : 0, prop_one_in(r, 3) ? 20 : 4);

        world_places(w, left, left + prop_between(r, left < 0, 3));
    }
    for (size_t s = 0; s < w->in.scopes; s++)
        w->unsure[s] = prop_one_in(r, 5);
    w->in.unsure = prop_one_in(r, 2) ? w->unsure : NULL;
}

static void random_needs(struct prop *r, struct world *w, size_t group)
{
    for (size_t l = 0; l < w->in.limits; l++)
        if (w->limit[l].jobs && prop_one_in(r, 2))
            world_need(w, group, l, 1);
        else if (!w->limit[l].jobs && prop_one_in(r, 3))
            world_need(w, group, l, prop_between(r, 0, prop_one_in(r, 6) ? 12 : 2));
}

/* Ages do not follow the order of service: jobs are moved, and priorities are the client's. */
static void random_jobs(struct prop *r, struct world *w)
{
    int64_t priority = prop_between(r, -50, 50), oldest = INT64_MAX;

    for (size_t n = prop_below(r, JOBS + 1); n > 0; n--) {
        size_t group = world_group(w, prop_below(r, w->in.scopes), prop_below(r, w->in.shapes),
                                   prop_one_in(r, 4));
        struct waiting *job = &w->waiting[w->jobs++];

        priority += prop_between(r, 0, 2);
        *job = (struct waiting){group,
                                {.id = 1000 + (int64_t)w->jobs,
                                 .priority = priority,
                                 .queued_at = NOW - prop_between(r, 0, 100)}};
        if (w->group[group].head.id == 0) {
            w->group[group].head = job->job;
            random_needs(r, w, group);
        }
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
    for (size_t n = 1 + prop_below(r, GROUPS / SCOPES / VARIANTS); n > 0; n--)
        random_shape(r, w);
    random_masks(r, w);
    random_limits(r, w);
    random_jobs(r, w);
    w->in.policy = prop_one_in(r, 2) ? PLAN_PACK : PLAN_SPREAD;
    w->in.overtake = prop_one_in(r, 4)   ? 0
                     : prop_one_in(r, 4) ? PLAN_FOREVER
                                         : prop_between(r, 1, 110);
    w->in.most = prop_one_in(r, 3) ? prop_below(r, 8) : JOBS;
}

static void compare(const struct world *w, size_t *seen)
{
    struct plan_out out;

    plan_both(w, &out, seen);
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

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plan_agrees_with_the_reference),
    };

    return cmocka_run_group_tests_name("plan_reference", tests, NULL, NULL);
}
