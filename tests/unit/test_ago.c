/* SPDX-License-Identifier: MIT */
/* Times as people say them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/ago.h"

#define NOW (1800000000LL * NS_PER_S)

static void said(int64_t seconds_ago, const char *want)
{
    struct buf b = BUF_INIT(64);

    ago_write(&b, NOW, NOW - seconds_ago * NS_PER_S);
    assert_string_equal(b.data, want);
    buf_free(&b);
}

static void how_long_ago_and_how_long_still(void **state)
{
    (void)state;
    said(0, "now");
    said(1, "1 s ago");
    said(59, "59 s ago");
    said(60, "1 min ago");
    said(3599, "59 min ago");
    said(3600, "1 h ago");
    said(48 * 3600 - 1, "47 h ago");
    said(48 * 3600, "2 d ago");
    said(400 * 86400, "400 d ago");
    said(-1, "in 1 s");
    said(-7200, "in 2 h");
}

static void less_than_a_second_is_now(void **state)
{
    struct buf b = BUF_INIT(64);

    (void)state;
    ago_write(&b, NOW, NOW - NS_PER_S + 1);
    ago_write(&b, NOW, NOW + NS_PER_S - 1);
    assert_string_equal(b.data, "nownow");
    buf_free(&b);
}

static void what_is_not_set_is_a_dash(void **state)
{
    struct buf b = BUF_INIT(64);

    (void)state;
    ago_write(&b, NOW, 0);
    assert_string_equal(b.data, "-");
    buf_free(&b);
}

static void a_clock_has_no_more_than_seconds(void **state)
{
    struct buf b = BUF_INIT(64), small = BUF_INIT(8);
    struct clock_zone zone = {0};

    (void)state;
    buf_str(&b, "at ");
    ago_clock(&b, &zone, NOW + 123456789);
    assert_int_equal(b.len, 3 + strlen("2027-01-15 08:00:00"));
    assert_memory_equal(b.data, "at 2027-01-1", 12); /* the rest is the zone's */
    assert_int_equal(b.data[3 + 10], ' ');
    ago_clock(&small, &zone, NOW);
    assert_true(small.failed);
    buf_free(&small);
    buf_free(&b);
}

static void a_span_that_is_none_is_nothing(void **state)
{
    struct buf b = BUF_INIT(100);

    (void)state;
    ago_span(&b, 0);
    ago_span(&b, -5 * NS_PER_S);
    assert_string_equal(b.data, "0 s0 s");
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(how_long_ago_and_how_long_still),
        cmocka_unit_test(less_than_a_second_is_now),
        cmocka_unit_test(what_is_not_set_is_a_dash),
        cmocka_unit_test(a_clock_has_no_more_than_seconds),
        cmocka_unit_test(a_span_that_is_none_is_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
