/* SPDX-License-Identifier: MIT */
/* Lanes at their limits: as many as there may be, all of a host, a clock that is set at once. */
#include "lanes_case.h"

static void count_lane(void *ctx, struct lane *lane)
{
    size_t *n = ctx;

    assert_string_equal(lane->origin, "http://a");
    (*n)++;
}

static void a_host_knows_its_lanes(void **state)
{
    struct lanes *l = open_lanes(10, 10, 10);
    struct lane *a = put(l, "http://a", "o", 1);
    size_t n = 0;

    (void)state;
    put(l, "http://b", "o", 1);
    put(l, "http://a", "p", 1);
    lanes_each_of_host(a, count_lane, &n);
    assert_int_equal(n, 2);
    assert_int_equal(lanes_under_way(l), 0);
    assert_ptr_equal(lanes_next(l, 1), a);
    lanes_started(l, a);
    assert_int_equal(lanes_under_way(l), 1);
    lanes_ended(l, a);
    assert_int_equal(lanes_under_way(l), 0);
    lanes_close(l);
}

/* The clock is set before anybody had a turn: what rests moves with it. */
static void a_clock_that_is_set_before_the_first_turn(void **state)
{
    struct lanes *l = open_lanes(1, 1, 1);
    struct lane *a = put(l, "http://a", "o", 100);

    (void)state;
    lanes_move(l, -50);
    assert_int_equal(lanes_when(l), 50);
    assert_null(lanes_next(l, 49));
    assert_ptr_equal(lanes_next(l, 50), a);
    lanes_rest(l, a, INT64_MAX);
    lanes_close(l);
}

/* When there are as many as there may be, those that are there are still found. */
static void there_are_only_so_many(void **state)
{
    struct lanes *l = open_lanes(1, 1, 1);
    struct lane *first = put(l, "http://a", "o0", 1);
    char owner[16];
    bool fresh;

    (void)state;
    for (int i = 1; i < LANES_MAX; i++) {
        (void)snprintf(owner, sizeof owner, "o%d", i);
        assert_non_null(lanes_put(l, STR_LIT("http://a"), str_of(owner), "http://a", &fresh));
        assert_true(fresh);
    }
    assert_null(lanes_put(l, STR_LIT("http://a"), STR_LIT("late"), "http://a", &fresh));
    assert_ptr_equal(lanes_put(l, STR_LIT("http://a"), STR_LIT("o0"), "http://a", &fresh), first);
    assert_false(fresh);
    lanes_close(l);
    lanes_close(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_host_knows_its_lanes),
        cmocka_unit_test(there_are_only_so_many),
        cmocka_unit_test(a_clock_that_is_set_before_the_first_turn),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
