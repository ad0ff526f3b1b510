/* SPDX-License-Identifier: MIT */
/* The work that a large pass takes. */
#include "plan_world.h"

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
        group[g] = (struct plan_group){.id = (int64_t)g,
                                       .scope = g / MANY_SHAPES,
                                       .shape = g % MANY_SHAPES,
                                       .head = {(int64_t)g, (int64_t)g, 0}};
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
        cmocka_unit_test(work_is_by_group_not_by_job),
        cmocka_unit_test(search_is_spent_in_serving_order),
    };

    return cmocka_run_group_tests_name("plan_size", tests, NULL, NULL);
}
