/* SPDX-License-Identifier: MIT */
/* The plan when memory runs out, at each allocation, for once and for good: there is no plan then,
 * never half of one; and at the ends of what its numbers can say. */
#include "plan_world.h"
#include "torture.h"

/* Three of the first resource that no host has to itself: on the empty hosts it takes more than a
 * look to see that they fit. */
static size_t hard_shape(struct world *w, int64_t first, int64_t second)
{
    size_t shape = world_shape(w, 1, first);

    world_kind(w, shape, 2, &second);
    return shape;
}

/* Old jobs that do not fit hold the line, others stand behind it, one lacks quota. */
static void world_of_lines(struct world *w)
{
    size_t scope = 0, small, limit;

    world_plain(w, 2, 5, 10);
    world_scope(w, 3);
    small = world_shape(w, 1, 1);
    hard_shape(w, 6, 4);
    hard_shape(w, 7, 3);
    hard_shape(w, 8, 2);
    limit = world_limit(w, 0, 5, false);
    world_need(w, world_group(w, scope, 3, 0), limit, 1);
    world_job(w, scope, small, 5);
    world_job(w, scope, 3, 5);
    world_job(w, scope, 1, 5);
    world_job(w, scope, 2, 5);
}

/* Another one lacks quota behind the line that the old jobs hold: whether it ever fits is asked all
 * the same. */
static void world_of_the_poor(struct world *w)
{
    size_t limit, hard;

    world_of_lines(w);
    limit = world_limit(w, 0, 5, false);
    hard = hard_shape(w, 5, 5);
    world_need(w, world_group(w, 0, hard, 0), limit, 1);
    world_job(w, 0, hard, 5);
}

/* Only a marker holds a line: the head of its group is young. */
static void world_of_markers(struct world *w)
{
    world_plain(w, 2, 5, 10);
    w->in.overtake = 100;
    world_scope(w, 3);
    world_shape(w, 1, 6);
    world_shape(w, 1, 1);
    world_job(w, 0, 0, 5);
    world_job(w, 0, 0, 200);
    world_job(w, 0, 1, 5);
}

static void lines_are_held(void **state)
{
    struct plan_out out;
    struct world w;

    (void)state;
    for (int policy = PLAN_PACK; policy <= PLAN_SPREAD; policy++) {
        world_of_lines(&w);
        w.in.policy = (enum plan_policy)policy;
        EXPECT(&w, &out, 1, 0);
        assert_int_equal(out.verdict[0], PLAN_NO_QUOTA);
        assert_int_equal(out.verdict[2], PLAN_NO_ROOM);
        assert_int_equal(out.verdict[3], PLAN_BLOCKED);
        assert_int_equal(out.blocker[3], 3);
        done(&w, &out);
        world_of_markers(&w);
        w.in.policy = (enum plan_policy)policy;
        EXPECT(&w, &out, 0);
        assert_int_equal(out.verdict[1], PLAN_BLOCKED);
        assert_int_equal(out.blocker[1], 2);
        done(&w, &out);
    }
}

/* Two scopes that name the very same list, and a third with the same hosts in a list of its own. */
static void scopes_of_the_same_hosts_are_one_lane(void **state)
{
    struct plan_out out;
    struct world w;

    (void)state;
    world_plain(&w, 2, 5, 10);
    world_scope(&w, 3);
    world_scope(&w, 3);
    world_scope(&w, 3);
    w.scope[1] = w.scope[0];
    world_shape(&w, 1, 6);
    world_shape(&w, 1, 1);
    world_job(&w, 0, 0, 5);
    world_job(&w, 1, 1, 5);
    world_job(&w, 2, 1, 5);
    EXPECT(&w, &out, 0);
    assert_int_equal(out.blocker[1], 1);
    assert_int_equal(out.blocker[2], 1);
    done(&w, &out);
}

/* Nobody is past a guard that lies before the beginning of time, and a budget without end is no
 * smaller for being multiplied. */
static void ends_of_numbers(void **state)
{
    struct plan_out out;
    struct world w;

    (void)state;
    world_of_lines(&w);
    w.in.now = INT64_MIN + 10;
    w.in.overtake = PLAN_FOREVER - 1;
    w.in.budget = INT64_MAX;
    EXPECT(&w, &out, 1, 0);
    assert_int_equal(w.guards, 3); /* one for its quota */
    assert_int_equal(out.verdict[2], PLAN_NO_ROOM);
    assert_int_equal(out.verdict[3], PLAN_NO_ROOM);
    done(&w, &out);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
/* More are admitted than there is room for at first. */
static void world_of_many(struct world *w)
{
    world_plain(w, 8, 10, 10);
    world_scope(w, 255);
    hard_shape(w, 6, 1);
    world_shape(w, 1, 1);
    world_job(w, 0, 0, 5);
    for (size_t i = 0; i < 20; i++)
        world_job(w, 0, 1, 5);
}

static void check(void (*make)(struct world *w), enum plan_policy policy, bool once)
{
    struct plan_out want, out;
    struct world w;
    struct err e;
    int64_t good = 0;
    int rc;

    make(&w);
    w.in.policy = policy;
    assert_int_equal(plan_make(&w.in, &want, &e), 0);
    do {
        make(&w);
        w.in.policy = policy;
        torture_arm_as(once, good++);
        rc = plan_make(&w.in, &out, &e);
        torture.armed = false;
        if (rc == 0) {
            assert_int_equal(out.n, want.n);
            assert_memory_equal(out.verdict, want.verdict, w.in.groups * sizeof *out.verdict);
            assert_memory_equal(out.blocker, want.blocker, w.in.groups * sizeof *out.blocker);
            plan_out_free(&out, w.in.groups);
        } else {
            assert_int_equal(e.code, ERR_INTERNAL);
            assert_int_equal(torture_end(), 0);
            assert_true(out.n == 0 && !out.admission && !out.verdict);
        }
    } while (torture_fired());
    assert_int_equal(rc, 0);
    assert_true(good > 10);
    plan_out_free(&want, w.in.groups);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int once = 0; once < 2; once++)
        for (int policy = PLAN_PACK; policy <= PLAN_SPREAD; policy++) {
            check(world_of_lines, (enum plan_policy)policy, once);
            check(world_of_the_poor, (enum plan_policy)policy, once);
            check(world_of_markers, (enum plan_policy)policy, once);
            check(world_of_many, (enum plan_policy)policy, once);
        }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_held),
        cmocka_unit_test(scopes_of_the_same_hosts_are_one_lane),
        cmocka_unit_test(ends_of_numbers),
#if TORTURE
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
