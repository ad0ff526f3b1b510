/* SPDX-License-Identifier: MIT */
/* The estimate by hand: lines in which it is clear what must come out. What it is worth under real
 * loads is test_estimate_sim.c's business. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "estimate.h"
#include "prop.h"

#define NOW (INT64_C(1700000000) * NS_PER_S)

enum { SECOND_SHARE = 1000 };

struct line {
    struct estimate_in in;
    struct estimate_start start[ESTIMATE_STARTS_MAX];
};

/* A queue served one after the other: one start every `pace` seconds up to now, each of which came
 * when ten stood before it. */
static void make_line(struct line *l, size_t starts, int64_t pace)
{
    size_t i;

    *l = (struct line){.in = {.now = NOW,
                              .starts = starts,
                              .start = l->start,
                              .all = true,
                              .queued_at = NOW - NS_PER_S,
                              .share = SECOND_SHARE}};
    for (i = 0; i < starts; i++) {
        int64_t at = NOW - (int64_t)i * pace * NS_PER_S;

        l->start[i] =
            (struct estimate_start){at - 10 * pace * NS_PER_S, at, -(int64_t)i, SECOND_SHARE, 1};
    }
}

static void the_bounds_go_round_what_was(void **state)
{
    struct line l;
    struct estimate e;
    int64_t ahead;

    (void)state;
    make_line(&l, 200, 60);
    for (ahead = 0; ahead <= 20; ahead += 5) {
        l.in.ahead = ahead * SECOND_SHARE;
        assert_true(estimate_make(&l.in, &e));
        assert_in_range(e.low - NOW, 1, (ahead + 1) * 60 * NS_PER_S);
        assert_in_range(e.high - NOW, (ahead + 1) * 54 * NS_PER_S, (ahead + 1) * 100 * NS_PER_S);
        assert_in_range(e.samples, ESTIMATE_STARTS_MIN, 200);
    }
}

static void too_few_starts_say_nothing(void **state)
{
    struct line l;
    struct estimate e;
    size_t i;

    (void)state;
    make_line(&l, 0, 60);
    assert_false(estimate_make(&l.in, &e));
    assert_int_equal(e.samples, 0);
    make_line(&l, ESTIMATE_STARTS_MIN - 1, 60);
    assert_false(estimate_make(&l.in, &e));
    assert_int_equal(e.samples, ESTIMATE_STARTS_MIN - 1);
    make_line(&l, ESTIMATE_STARTS_MIN, 60);
    assert_true(estimate_make(&l.in, &e));
    make_line(&l, 200, 60);
    for (i = 0; i < 200; i++)
        l.start[i].queued_at = l.start[i].at; /* nobody ever waited */
    assert_false(estimate_make(&l.in, &e));
    assert_int_equal(e.samples, 0);
}

/* Of a history that was cut, the waits that began before its beginning are not known whole. */
static void a_cut_history_says_less(void **state)
{
    struct line l;
    struct estimate e;

    (void)state;
    make_line(&l, 15, 60);
    assert_true(estimate_make(&l.in, &e));
    l.in.all = false;
    l.start[14].at = l.start[0].at;
    assert_false(estimate_make(&l.in, &e));
}

static void who_waits_far_longer_than_anybody_did_is_told_nothing(void **state)
{
    struct line l;
    struct estimate e;

    (void)state;
    make_line(&l, 200, 60);
    l.in.queued_at = NOW - 9 * 600 * NS_PER_S;
    assert_false(estimate_make(&l.in, &e));
}

static void while_nothing_starts_it_may_go_on_so(void **state)
{
    struct line l;
    struct estimate before, e;

    (void)state;
    make_line(&l, 200, 60);
    assert_true(estimate_make(&l.in, &before));
    l.in.now += 7200 * NS_PER_S;
    l.in.queued_at = l.in.now;
    assert_true(estimate_make(&l.in, &e));
    assert_in_range(before.high - NOW, 1, 300 * NS_PER_S);
    assert_int_equal(e.high, l.in.now + 7200 * NS_PER_S);
}

static void the_present_counts_more_than_the_past(void **state)
{
    struct line slow, fast;
    struct estimate a, b;
    size_t i;

    (void)state;
    make_line(&slow, 400, 60);
    make_line(&fast, 400, 60);
    for (i = 0; i < 100; i++) { /* the last 100 were served twice as fast */
        int64_t at = NOW - (int64_t)i * 30 * NS_PER_S;

        fast.start[i] =
            (struct estimate_start){at - 300 * NS_PER_S, at, -(int64_t)i, SECOND_SHARE, 1};
    }
    slow.in.ahead = fast.in.ahead = 9 * SECOND_SHARE;
    assert_true(estimate_make(&slow.in, &a));
    assert_true(estimate_make(&fast.in, &b));
    assert_true(b.high - NOW < (a.high - NOW) * 3 / 4);
}

static void shares_are_millionths_of_all_and_never_nothing(void **state)
{
    (void)state;
    assert_int_equal(estimate_share(1, 4), 250000);
    assert_int_equal(estimate_share(4, 4), ESTIMATE_WHOLE);
    assert_int_equal(estimate_share(5, 4), ESTIMATE_WHOLE);
    assert_int_equal(estimate_share(1, 0), ESTIMATE_WHOLE);
    assert_int_equal(estimate_share(0, 0), 1);
    assert_int_equal(estimate_share(1, INT64_MAX), 1);
    assert_int_equal(estimate_share(INT64_MAX, INT64_MAX), ESTIMATE_WHOLE);
}

/* Whatever stands in the database: bounds in order, nothing overflows. */
static void wild_numbers_do_no_harm(void **state)
{
    struct prop p = prop_begin("estimate", 7);
    struct estimate e;
    struct line l;
    size_t round, i;

    (void)state;
    for (round = 0; round < 200; round++) {
        make_line(&l, prop_below(&p, ESTIMATE_STARTS_MAX + 1), 60);
        for (i = 0; i < l.in.starts; i++) {
            struct estimate_start *s = &l.start[prop_below(&p, l.in.starts)];

            s->priority = prop_i64(&p);
            s->share = prop_between(&p, 1, INT64_MAX);
            s->jobs = prop_between(&p, 1, INT64_MAX);
            s->queued_at = prop_between(&p, 0, s->at);
        }
        l.in.ahead = prop_between(&p, 0, INT64_MAX);
        l.in.share = prop_between(&p, 1, INT64_MAX);
        l.in.queued_at = prop_between(&p, 0, NOW);
        if (estimate_make(&l.in, &e))
            assert_true(e.low >= NOW && e.high >= e.low && e.samples >= ESTIMATE_STARTS_MIN);
    }
}

/* Near the end of what the clock can say. */
static void the_end_of_time_is_not_passed(void **state)
{
    struct estimate e;
    struct line l;
    size_t i;

    (void)state;
    make_line(&l, 200, 60);
    for (i = 0; i < l.in.starts; i++) {
        l.start[i].queued_at += INT64_MAX - NOW;
        l.start[i].at += INT64_MAX - NOW;
    }
    l.in.now = l.in.queued_at = INT64_MAX;
    assert_true(estimate_make(&l.in, &e));
    assert_int_equal(e.low, INT64_MAX);
    assert_int_equal(e.high, INT64_MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_bounds_go_round_what_was),
        cmocka_unit_test(too_few_starts_say_nothing),
        cmocka_unit_test(a_cut_history_says_less),
        cmocka_unit_test(who_waits_far_longer_than_anybody_did_is_told_nothing),
        cmocka_unit_test(while_nothing_starts_it_may_go_on_so),
        cmocka_unit_test(the_present_counts_more_than_the_past),
        cmocka_unit_test(shares_are_millionths_of_all_and_never_nothing),
        cmocka_unit_test(wild_numbers_do_no_harm),
        cmocka_unit_test(the_end_of_time_is_not_passed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
