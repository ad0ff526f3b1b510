/* SPDX-License-Identifier: MIT */
/* Delivery on a machine that stands still at times. Found by review: after a look at the lanes that
 * took minutes, the next one came four times as many minutes later, and nobody new was called. */
#include "rig.h"

#include <time.h>

#include "deliver_inner.h"

static int64_t each_look = NS_PER_US;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    static int64_t at = INT64_C(1700000000) * NS_PER_S;

    (void)id;
    at += each_look;
    *ts = (struct timespec){.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
    return 0;
}

static void a_look_that_stood_still_is_not_rested_for_again(void **state)
{
    struct rig r;
    struct deliver *d;
    struct err e;

    (void)state;
    rig_make(&r, "");
    rig_begin(&r);
    rig_commit(&r);
    OK(deliver_open(r.conf, r.s, &d, &e), &e);
    each_look = 300 * NS_PER_S;
    OK(deliver_scan(d, &e), &e);
    each_look = 0;
    assert_int_equal(d->scan_from - clock_mono(), 5 * NS_PER_S);
    deliver_close(d);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_look_that_stood_still_is_not_rested_for_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
