/* SPDX-License-Identifier: MIT */
/* The estimate against the truth: simulated queues of many kinds, admitted by the real plan. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "queue_sim.h"

#define SIZES_2 .shapes = 2, .shape = {{2, 4}, {1, 1}}, .weight = {1, 1}, .run = {900, 600}
#define SIZES_3                                                                                    \
    .shapes = 3, .shape = {{1, 1}, {4, 4}, {12, 16}}, .weight = {8, 3, 1}, .run = {600, 900, 1200}

enum { SEED = 20180726 };

static const struct sim_load loads[] = {
    {.name = "one kind of job",
     .jobs = 1200,
     .hosts = 4,
     .cpu = 8,
     .memory = 64,
     .shapes = 1,
     .projects = 1,
     .shape = {{2, 4}},
     .weight = {1},
     .run = {600},
     .spread = 1,
     .gap = 36,
     .overtake = 3600},
    {.name = "more comes than can be served",
     .jobs = 1200,
     .hosts = 4,
     .cpu = 8,
     .memory = 64,
     .shapes = 1,
     .projects = 1,
     .shape = {{2, 4}},
     .weight = {1},
     .run = {600},
     .spread = 1,
     .gap = 30,
     .overtake = 3600},
    {.name = "all run equally long",
     .jobs = 1200,
     .hosts = 4,
     .cpu = 8,
     .memory = 64,
     .shapes = 1,
     .projects = 4,
     .shape = {{2, 4}},
     .weight = {1},
     .run = {600},
     .gap = 37,
     .overtake = 3600},
    {.name = "bursts",
     .jobs = 1500,
     .hosts = 4,
     .cpu = 8,
     .memory = 64,
     .projects = 4,
     SIZES_2,
     .spread = 1,
     .gap = 40,
     .burst = 30,
     .overtake = 3600},
    {.name = "many sizes",
     .jobs = 1500,
     .hosts = 4,
     .cpu = 16,
     .memory = 64,
     .shapes = 4,
     .projects = 4,
     .shape = {{1, 1}, {2, 8}, {4, 4}, {12, 40}},
     .weight = {8, 4, 2, 1},
     .run = {600, 900, 1200, 1200},
     .spread = 1,
     .gap = 37,
     .overtake = 3600},
    {.name = "several instances",
     .jobs = 1200,
     .hosts = 4,
     .cpu = 16,
     .memory = 64,
     .shapes = 3,
     .projects = 2,
     .shape = {{1, 1}, {4, 4}, {16, 16}},
     .count = {1, 2, 2},
     .weight = {8, 3, 1},
     .run = {600, 900, 1200},
     .spread = 1,
     .gap = 80,
     .overtake = 1800},
    {.name = "nobody overtakes",
     .jobs = 1200,
     .hosts = 4,
     .cpu = 16,
     .memory = 64,
     .projects = 2,
     SIZES_3,
     .spread = 1,
     .gap = 40},
    {.name = "everybody overtakes",
     .jobs = 1200,
     .hosts = 4,
     .cpu = 16,
     .memory = 64,
     .projects = 2,
     SIZES_3,
     .spread = 1,
     .gap = 35,
     .overtake = -1},
    {.name = "long runs, some very long",
     .jobs = 1200,
     .hosts = 8,
     .cpu = 8,
     .memory = 64,
     .shapes = 2,
     .projects = 8,
     .shape = {{2, 4}, {4, 8}},
     .weight = {3, 1},
     .run = {7200, 14400},
     .spread = 2,
     .gap = 420,
     .overtake = 3600},
    {.name = "days and nights",
     .jobs = 1500,
     .hosts = 4,
     .cpu = 8,
     .memory = 64,
     .projects = 4,
     SIZES_2,
     .spread = 1,
     .gap = 40,
     .day = 20000,
     .overtake = 3600},
    {.name = "spread",
     .jobs = 1200,
     .hosts = 6,
     .cpu = 8,
     .memory = 32,
     .shapes = 3,
     .projects = 4,
     .shape = {{1, 2}, {2, 8}, {6, 8}},
     .weight = {4, 2, 1},
     .run = {600, 900, 900},
     .spread = 1,
     .gap = 33,
     .overtake = 3600,
     .policy = PLAN_SPREAD},
    {.name = "nothing comes for hours",
     .jobs = 1500,
     .hosts = 4,
     .cpu = 8,
     .memory = 64,
     .projects = 4,
     SIZES_2,
     .spread = 1,
     .gap = 30,
     .stop_from = 20000,
     .stop_to = 50000,
     .judge_from = 20000,
     .overtake = 3600},
    {.name = "capacity doubles",
     .jobs = 2000,
     .hosts = 3,
     .cpu = 8,
     .memory = 64,
     .projects = 4,
     SIZES_2,
     .spread = 1,
     .gap = 30,
     .grow_at = 25000,
     .judge_from = 25000,
     .overtake = 3600},
    {.name = "runs get longer",
     .jobs = 1500,
     .hosts = 4,
     .cpu = 8,
     .memory = 64,
     .projects = 4,
     SIZES_2,
     .spread = 1,
     .gap = 40,
     .slow_at = 25000,
     .judge_from = 30000,
     .overtake = 3600},
};

static double part(size_t n, size_t of)
{
    return of ? (double)n / (double)of : 0;
}

static void say(const char *name, const struct sim_result *r)
{
    printf(
        "%-28s asked %4zu, told %3.0f %%, right %4.1f %% (came later %4.1f %%, earlier %4.1f %%);"
        " medians: it took %6.0f s, the bounds are %6.0f s apart, %.2f of what it took\n",
        name, r->asked, 100 * part(r->told, r->asked), 100 * part(r->right, r->told),
        100 * part(r->late, r->told), 100 * part(r->early, r->told), r->took, r->width, r->ratio);
}

/* At least four of five start within the bounds, whatever the load is like; nearly everybody is
 * told, and the bounds are no wider than is of use. */
static void most_start_within_the_bounds(void **state)
{
    struct sim_result sum = {0}, r;
    double ratios = 0;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(loads); i++) {
        r = sim_run_load(&loads[i], SEED);
        say(loads[i].name, &r);
        assert_true(r.asked >= 100);
        assert_true(part(r.right, r.told) >= 0.80);
        assert_true(part(r.told, r.asked) >= 0.90);
        assert_true(r.ratio <= 6);
        sum.asked += r.asked;
        sum.told += r.told;
        sum.right += r.right;
        ratios += r.ratio;
    }
    assert_true(part(sum.right, sum.told) >= 0.88);
    assert_true(part(sum.told, sum.asked) >= 0.97);
    assert_true(ratios / (double)ARRAY_LEN(loads) <= 2);
}

/* The same loads and the same questions, with bounds of a third of the width: the measure sees it.
 */
static void the_measure_sees_bounds_that_are_too_narrow(void **state)
{
    struct sim_load load = loads[0];
    struct sim_result r;

    (void)state;
    load.narrow = 3;
    r = sim_run_load(&load, SEED);
    assert_true(part(r.right, r.told) < 0.80);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(most_start_within_the_bounds),
        cmocka_unit_test(the_measure_sees_bounds_that_are_too_narrow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
