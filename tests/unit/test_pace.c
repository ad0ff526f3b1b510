/* SPDX-License-Identifier: MIT */
/* When the next pass is made: who waits for it is not kept waiting, nobody spins, nothing rests for
 * long. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/pace.h"
#include "prop.h"

#define S NS_PER_S

static void a_wanted_pass_is_made_at_once(void **state)
{
    struct pace p = {.wanted = true};

    (void)state;
    assert_true(pace_due(&p, 0, false));
    assert_false(pace_quiet(&p, 100 * S));
    pace_passed(&p, 100 * S, 100 * S + 1, true, false);
    assert_false(p.wanted);
    assert_false(pace_due(&p, 101 * S, false));
    assert_true(pace_due(&p, 101 * S, true));
    p.wanted = true;
    assert_true(pace_due(&p, 101 * S, false));
}

static void it_comes_for_its_time_alone(void **state)
{
    struct pace p = {.wanted = true};

    (void)state;
    pace_passed(&p, 100 * S, 101 * S, true, false);
    assert_false(pace_quiet(&p, 101 * S + PACE_EVERY - 1));
    assert_true(pace_quiet(&p, 101 * S + PACE_EVERY));
    assert_int_equal(pace_next(&p, 102 * S, false), 101 * S + PACE_EVERY);
    pace_passed(&p, 110 * S, 111 * S, false,
                false); /* of one reading: the whole one is due still */
    assert_int_equal(pace_next(&p, 112 * S, false), 101 * S + PACE_EVERY);
}

static void one_that_admits_nobody_rests_as_long_as_it_was(void **state)
{
    struct pace p = {.wanted = true};

    (void)state;
    pace_passed(&p, 100 * S, 102 * S, true, false);
    p.wanted = true;
    assert_int_equal(pace_next(&p, 103 * S, false), 104 * S);
    assert_false(pace_due(&p, 104 * S - 1, true));
    assert_true(pace_due(&p, 104 * S, false));
    pace_passed(&p, 104 * S, 104 * S + 1, true, false);
    assert_int_equal(p.from, 104 * S + PACE_GAP);
    pace_passed(&p, 105 * S, 107 * S, true, true);
    assert_int_equal(p.from, 107 * S);
}

/* Found by review: a pass during which the machine was asleep kept the next one away as long. */
static void time_that_stood_still_is_not_rested_for_again(void **state)
{
    struct pace p = {.wanted = true};

    (void)state;
    pace_passed(&p, 100 * S, 4000 * S, true, false);
    p.wanted = true;
    assert_int_equal(pace_next(&p, 4000 * S, false), 4000 * S + PACE_REST_MOST);
}

/* Found by review: where the time of the next whole pass came during a rest, it did not wait, and
 * made no pass either. */
static void who_does_not_wait_makes_a_pass(void **state)
{
    struct prop r = prop_begin("pace", 20261130);
    int i;

    (void)state;
    for (i = 0; i < 100000; i++) {
        struct pace p = {.wanted = prop_one_in(&r, 2),
                         .from = prop_between(&r, 0, 9),
                         .by = prop_between(&r, 0, 9)};
        int64_t now = prop_between(&r, 0, 9);
        bool news = prop_one_in(&r, 2);
        int64_t next = pace_next(&p, now, news);

        assert_true(pace_due(&p, now, news) == (next <= now));
        assert_true(next <= now || pace_due(&p, next, news));
        assert_true(now >= p.from || !pace_due(&p, now, news));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wanted_pass_is_made_at_once),
        cmocka_unit_test(it_comes_for_its_time_alone),
        cmocka_unit_test(one_that_admits_nobody_rests_as_long_as_it_was),
        cmocka_unit_test(time_that_stood_still_is_not_rested_for_again),
        cmocka_unit_test(who_does_not_wait_makes_a_pass),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
