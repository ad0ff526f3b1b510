/* SPDX-License-Identifier: MIT */
/* Whose turn it is, when the clock is set. */
#include "lanes_case.h"

/* The clock is set: all is as far away as it was. */
static void the_clock_is_set(void **state)
{
    static const int64_t steps[] = {1000, -1000};
    size_t i;

    (void)state;
    for (i = 0; i < 2; i++) {
        struct lanes *l = open_lanes(100, 100, 100);
        struct lane *a = put(l, "http://a", "o", 10), *b = put(l, "http://a", "p", 1), *c;
        int64_t now = 5 + steps[i];

        c = put(l, "http://c", "o", 20);
        assert_ptr_equal(lanes_next(l, 5), b);
        lanes_rest(l, b, 30);
        lanes_pause(l, a, 15); /* a host that two lanes share: it moves once */
        lanes_move(l, steps[i]);
        assert_int_equal(lanes_paused(b), steps[i] > 0 ? 1015 : 1);
        assert_null(lanes_next(l, now + 4));
        if (steps[i] > 0) {
            assert_null(lanes_next(l, now + 9));
            assert_ptr_equal(lanes_next(l, now + 10), a);
            lanes_rest(l, a, INT64_MAX);
            assert_ptr_equal(lanes_next(l, now + 15), c);
            lanes_rest(l, c, INT64_MAX);
            assert_null(lanes_next(l, now + 24));
            assert_ptr_equal(lanes_next(l, now + 25), b);
            lanes_rest(l, b, INT64_MAX);
        }
        lanes_close(l);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_is_set),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
