/* SPDX-License-Identifier: MIT */
/* The rules of the line, case by case, and no memory. Jobs are numbered from 1 in serving order. */
#include "plan_world.h"
#include "torture.h"

static void first_come_is_first_served(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 10, 10);
    world_scope(&w, 1);
    world_shape(&w, 1, 4);
    world_shape(&w, 1, 2);
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 5);
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 5);
    EXPECT(&w, &out, 1, 2, 3, 0);
    assert_int_equal(w.free[0], 0);
    assert_int_equal(out.verdict[0], PLAN_ALL_ADMITTED);
    assert_int_equal(out.verdict[1], PLAN_NO_ROOM);
    done(&w, &out);
}

static void strict_nobody_overtakes(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 3, 10);
    world_scope(&w, 1);
    world_shape(&w, 1, 4);
    world_shape(&w, 1, 1);
    world_job(&w, 0, 0, -7); /* by its clock it comes from the future: the line is the line */
    world_job(&w, 0, 1, 5);
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
    assert_int_equal(out.verdict[1], PLAN_BLOCKED);
    assert_int_equal(out.blocker[1], 1);
    assert_int_equal(w.guards, 0);
    done(&w, &out);
}

static void best_effort_everybody_overtakes(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 3, 10);
    w.in.overtake = PLAN_FOREVER;
    world_scope(&w, 1);
    world_shape(&w, 1, 4);
    world_shape(&w, 1, 1);
    world_job(&w, 0, 0, NOW);
    world_job(&w, 0, 1, 5);
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.blocker[0], 0);
    assert_int_equal(w.guards, 0);
    done(&w, &out);
}

static void guard_falls_when_overtake_has_gone_by(void **state)
{
    static const int64_t waited[] = {99, 100, 101};
    struct plan_out out;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(waited); i++) {
        struct world w;

        world_plain(&w, 1, 3, 10);
        w.in.overtake = 100;
        world_scope(&w, 1);
        world_shape(&w, 1, 4);
        world_shape(&w, 1, 1);
        world_job(&w, 0, 0, waited[i]);
        world_job(&w, 0, 1, 5);
        if (waited[i] < 100)
            EXPECT(&w, &out, 2, 0);
        else
            EXPECT(&w, &out, 0);
        assert_int_equal(w.guards, waited[i] < 100); /* one that is past it holds by itself */
        done(&w, &out);
    }
}

static void old_job_behind_a_young_head_holds_from_its_place(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 3, 10);
    w.in.overtake = 100;
    world_scope(&w, 1);
    world_shape(&w, 1, 4);
    world_shape(&w, 1, 1);
    world_job(&w, 0, 0, 5);   /* young, does not fit */
    world_job(&w, 0, 1, 5);   /* passes it */
    world_job(&w, 0, 0, 100); /* moved back by its owner, but old: holds from here */
    world_job(&w, 0, 1, 5);
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
    assert_int_equal(out.verdict[1], PLAN_BLOCKED);
    assert_int_equal(out.blocker[1], 3);
    assert_int_equal(w.guards, 1);
    done(&w, &out);
}

static void guarded_is_asked_from_the_refused_job_on(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 5, 10);
    w.in.overtake = 100;
    world_scope(&w, 1);
    world_shape(&w, 1, 4);
    world_shape(&w, 1, 1);
    world_job(&w, 0, 0, 200); /* old, but admitted: holds nothing */
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 5);
    EXPECT(&w, &out, 1, 3, 0);
    assert_int_equal(w.guards, 1);
    done(&w, &out);
}

static void nobody_is_asked_when_nobody_is_past_the_guard(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 3, 10);
    w.in.overtake = 100;
    w.in.oldest = NOW - 99;
    world_scope(&w, 1);
    world_shape(&w, 1, 4);
    world_job(&w, 0, 0, 99);
    EXPECT(&w, &out, 0);
    assert_int_equal(w.guards, 0);
    done(&w, &out);
}

static void never_fits_holds_nobody_up(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 3, 10);
    world_scope(&w, 1);
    world_shape(&w, 1, 11);
    world_shape(&w, 1, 3);
    world_shape(&w, 1, 1);
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 5);
    world_job(&w, 0, 2, 5);
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.verdict[0], PLAN_NEVER_FITS);
    assert_int_equal(out.verdict[2], PLAN_NO_ROOM);
    done(&w, &out);
}

static void never_fits_is_told_behind_a_line_too(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 3, 10);
    world_scope(&w, 1);
    world_shape(&w, 1, 4);
    world_shape(&w, 1, 11);
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 5);
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[1], PLAN_NEVER_FITS);
    assert_int_equal(out.blocker[1], 0);
    done(&w, &out);
}

static void scope_without_a_pool_waits_and_holds_nobody_up(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 3, 10);
    world_scope(&w, 0);
    world_scope(&w, 1);
    world_shape(&w, 1, 1);
    world_job(&w, 0, 0, 5);
    world_job(&w, 1, 0, 5);
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_POOL);
    done(&w, &out);
}

static void who_needs_nothing_waits_for_nobody(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 1, 3, 10);
    world_scope(&w, 1);
    world_scope(&w, 0);
    world_shape(&w, 1, 4);
    world_shape(&w, 0, 0);
    world_job(&w, 0, 0, 5); /* holds the line */
    world_job(&w, 0, 1, 5);
    world_job(&w, 1, 1, 5);
    EXPECT(&w, &out, 2, 3, 0);
    assert_int_equal(out.admission[0].placement.n, 0);
    done(&w, &out);
}

static void pools_that_share_a_host_share_a_line(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 4, 3, 10);
    world_scope(&w, 1 | 2);
    world_scope(&w, 2 | 4);
    world_scope(&w, 4 | 8);
    world_shape(&w, 1, 4);
    world_shape(&w, 1, 1);
    world_job(&w, 0, 0, 5); /* holds hosts 0 and 1 */
    world_job(&w, 1, 1, 5); /* meets it on host 1, and holds nothing itself */
    world_job(&w, 2, 1, 5); /* meets nobody */
    EXPECT(&w, &out, 3, 0);
    assert_int_equal(out.verdict[1], PLAN_BLOCKED);
    assert_int_equal(out.blocker[1], 1);
    done(&w, &out);
}

static void scopes_with_the_same_hosts_are_one_line(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 2, 3, 10);
    world_scope(&w, 3);
    world_scope(&w, 3);
    world_shape(&w, 1, 4);
    world_job(&w, 0, 0, 5);
    world_job(&w, 1, 0, 5);
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
    assert_int_equal(out.verdict[1], PLAN_BLOCKED);
    done(&w, &out);
}

/* The first kind goes to the emptier host 0, and takes from it what the second needs; without room
 * for the first there, all would fit. */
static void what_spread_refused_is_not_asked_again(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_begin(&w, 2, 2);
    memcpy(w.free, (const int64_t[]){5, 10, 4, 4}, 4 * sizeof(*w.free));
    memcpy(w.total, (const int64_t[]){20, 20, 20, 20}, 4 * sizeof(*w.total));
    w.in.policy = PLAN_SPREAD;
    w.in.overtake = PLAN_FOREVER;
    world_scope(&w, 3);
    world_scope(&w, 3);
    world_shape(&w, 0, 0);
    world_kind(&w, 0, 1, (const int64_t[]){1, 1});
    world_kind(&w, 0, 1, (const int64_t[]){5, 0});
    world_shape(&w, 0, 0);
    world_kind(&w, 1, 1, (const int64_t[]){0, 10});
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 5);
    world_job(&w, 1, 0, 5); /* the same question from a scope with the same hosts */
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
    assert_int_equal(out.verdict[2], PLAN_NO_ROOM);
    done(&w, &out);
}

static void all_or_nothing(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_plain(&w, 2, 4, 10);
    w.in.overtake = PLAN_FOREVER;
    world_scope(&w, 3);
    world_shape(&w, 3, 4); /* two of its three would fit */
    world_shape(&w, 2, 4); /* fits to the last unit */
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 5);
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(w.free[0] + w.free[1], 0);
    done(&w, &out);
}

static void most_ends_the_pass(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    for (size_t most = 0; most <= 3; most++) {
        world_plain(&w, 1, 10, 10);
        w.in.most = most;
        world_scope(&w, 1);
        world_shape(&w, 1, 1);
        world_shape(&w, 1, 2);
        world_job(&w, 0, 0, 5);
        world_job(&w, 0, 0, 5);
        world_job(&w, 0, 1, 5);
        expect(&w, &out, (const int64_t[]){most > 0, most > 1 ? 2 : 0, most > 2 ? 3 : 0, 0});
        assert_int_equal(out.verdict[0], most < 2 ? PLAN_ENOUGH : PLAN_ALL_ADMITTED);
        assert_int_equal(out.verdict[1], most < 3 ? PLAN_ENOUGH : PLAN_ALL_ADMITTED);
        done(&w, &out);
    }
}

/* Two hosts of 10 and {2 x 4, 4 x 3}: only the search finds how. */
static void world_hard(struct world *w, int64_t waited)
{
    world_plain(w, 2, 10, 20);
    world_scope(w, 3);
    world_shape(w, 2, 4);
    world_kind(w, 0, 4, &(int64_t){3});
    world_shape(w, 1, 1);
    world_job(w, 0, 0, waited);
    world_job(w, 0, 1, 5);
}

static void undecided_waits_and_holds_like_one_that_does_not_fit(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_hard(&w, 5);
    EXPECT(&w, &out, 1, 0);
    done(&w, &out);
    world_hard(&w, 5);
    w.in.budget = 1;
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[0], PLAN_UNDECIDED);
    assert_int_equal(out.blocker[1], 1);
    done(&w, &out);
    world_hard(&w, 5);
    w.in.budget = 1;
    w.in.overtake = 100;
    EXPECT(&w, &out, 2, 0);
    done(&w, &out);
}

/* Regression: it held the line for ever, of a pool that stood empty. */
static void undecided_on_the_empty_hosts_is_not_never_and_holds_nobody_up(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_hard(&w, 5);
    w.in.budget = 0;
    w.total[0] = w.total[1] = 10;
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.verdict[0], PLAN_UNDECIDED);
    done(&w, &out);
}

static void unreadable_queue_ends_the_plan(void **state)
{
    struct world w;
    struct plan_out out;
    struct err e;

    (void)state;
    for (size_t fail_at = 1; fail_at <= 2; fail_at++) {
        world_plain(&w, 1, 3, 10);
        w.in.overtake = 100;
        w.fail_at = fail_at; /* first next, then guarded */
        world_scope(&w, 1);
        world_shape(&w, 1, 2);
        world_job(&w, 0, 0, 5);
        world_job(&w, 0, 0, 5);
        assert_int_equal(plan_make(&w.in, &out, &e), -1);
        assert_int_equal(e.code, ERR_UNAVAILABLE);
        assert_int_equal(w.guards, fail_at - 1);
        assert_int_equal(out.n, 0);
        assert_null(out.verdict);
    }
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void every_allocation_may_fail(void **state)
{
    struct plan_out out;
    struct err e;
    int64_t good;
    int rc = -1;

    (void)state;
    for (good = 0; rc != 0; good++) {
        struct world w;

        world_plain(&w, 2, 10, 20);
        world_scope(&w, 3);
        world_shape(&w, 2, 4);
        world_kind(&w, 0, 2, &(int64_t){1});
        world_job(&w, 0, 0, 5);
        world_job(&w, 0, 0, 5);
        torture_arm(good);
        rc = plan_make(&w.in, &out, &e);
        assert_true(rc == 0 || (e.code == ERR_INTERNAL && out.n == 0 && !out.verdict));
        plan_out_free(&out, w.in.groups);
        assert_int_equal(torture_end(), 0);
    }
    assert_true(good > 15);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_come_is_first_served),
        cmocka_unit_test(strict_nobody_overtakes),
        cmocka_unit_test(best_effort_everybody_overtakes),
        cmocka_unit_test(guard_falls_when_overtake_has_gone_by),
        cmocka_unit_test(old_job_behind_a_young_head_holds_from_its_place),
        cmocka_unit_test(guarded_is_asked_from_the_refused_job_on),
        cmocka_unit_test(nobody_is_asked_when_nobody_is_past_the_guard),
        cmocka_unit_test(never_fits_holds_nobody_up),
        cmocka_unit_test(never_fits_is_told_behind_a_line_too),
        cmocka_unit_test(scope_without_a_pool_waits_and_holds_nobody_up),
        cmocka_unit_test(who_needs_nothing_waits_for_nobody),
        cmocka_unit_test(pools_that_share_a_host_share_a_line),
        cmocka_unit_test(scopes_with_the_same_hosts_are_one_line),
        cmocka_unit_test(what_spread_refused_is_not_asked_again),
        cmocka_unit_test(all_or_nothing),
        cmocka_unit_test(most_ends_the_pass),
        cmocka_unit_test(undecided_waits_and_holds_like_one_that_does_not_fit),
        cmocka_unit_test(undecided_on_the_empty_hosts_is_not_never_and_holds_nobody_up),
        cmocka_unit_test(unreadable_queue_ends_the_plan),
#if TORTURE
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };

    return cmocka_run_group_tests_name("plan", tests, NULL, NULL);
}
