/* SPDX-License-Identifier: MIT */
/* Whoever asks for a callback while a try of it is under way gets one more. */
#include "delivery_case.h"

#include "store_history.h"

static const char queues[] = "callback: {requeue: 1, retry: [0]}\n"
                             "queues:\n"
                             "  vm:\n"
                             "    capacity: static\n"
                             "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n";

static void who_asks_while_a_try_is_under_way_gets_one_more(void **state)
{
    struct store_tried out;
    struct store_try t;
    struct rig r;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    t = delivery_try(&r, id, STORE_TRY_AGAIN);
    t.asked = r.now;
    delivery_run(&r, "UPDATE jobs SET next_try = -7");
    assert_true(delivery_tried(&r, &t).asked);
    assert_string_equal(delivery_ask(&r, "SELECT next_try || attempts FROM jobs"), "-71");
    t.asked = -7; /* this is that one */
    out = delivery_tried(&r, &t);
    assert_true(out.written);
    assert_false(out.asked);
    assert_string_equal(delivery_ask(&r, "SELECT next_try > 0 FROM jobs"), "1");
    rig_free(&r);
}

/* Found by review: two requests of the same moment, of a clock that stands still, were taken for
 * one, and the second was lost where the first one's try had begun. */
static void two_requests_are_never_taken_for_one(void **state)
{
    static const struct store_match none = {0};
    static const char *const stamps[] = {"-1000", "-1001", "-1002"};
    struct rig r;
    struct err e;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    delivery_admit(&r, delivery_add(&r, "a", "o", "http://c.example/a"), r.now);
    for (i = 0; i < ARRAY_LEN(stamps); i++) {
        rig_begin(&r);
        OK(store_resend(r.s, STR_LIT("vm"), STR_LIT("a"), &none, 1000, &e), &e);
        rig_commit(&r);
        assert_string_equal(delivery_ask(&r, "SELECT next_try FROM jobs"), stamps[i]);
    }
    rig_free(&r);
}

static void a_confirmation_does_not_take_the_request_away(void **state)
{
    struct store_try t;
    struct rig r;
    struct err e;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    t = delivery_try(&r, id, STORE_ACCEPTED);
    (void)delivery_tried(&r, &t);
    delivery_run(&r, "UPDATE jobs SET next_try = -7");
    OK(rig_change(&r, "vm", "a", "{\"status\":\"running\"}", &e), &e);
    assert_string_equal(delivery_ask(&r, "SELECT next_try FROM jobs"), "-7");
    OK(rig_change(&r, "vm", "a", "{\"status\":\"finished\"}", &e), &e);
    assert_string_equal(delivery_ask(&r, "SELECT next_try FROM jobs"), "(null)");
    rig_free(&r);
}

/* An admitted job whose only try is under way, for which somebody asks meanwhile. */
static struct store_try last_try(struct rig *r, enum store_outcome outcome)
{
    struct store_try t;

    rig_make(r, queues);
    t = delivery_try(r, delivery_add(r, "a", "o", "http://c.example/a"), outcome);
    delivery_admit(r, t.id, r->now);
    t.asked = r->now;
    t.next_try = 0;
    delivery_run(r, "UPDATE jobs SET next_try = -7");
    return t;
}

static void it_is_the_same_when_that_was_the_last_one(void **state)
{
    struct store_tried out;
    struct store_try t;
    struct rig r;

    (void)state;
    t = last_try(&r, STORE_GIVE_UP);
    out = delivery_tried(&r, &t);
    assert_true(out.written && out.asked && !out.requeued);
    assert_int_equal(out.outcome, STORE_TRY_AGAIN);
    assert_string_equal(delivery_ask(&r, "SELECT status || next_try || attempts || requeues ||"
                                         " reason || (SELECT count(*) FROM holds) FROM jobs"),
                        "admitted-710CallbackFailed1");
    assert_string_equal(delivery_ask(&r, "SELECT outcome || (next_try = at + ns) FROM deliveries"),
                        "again1");
    t.asked = -7; /* this is the one that was asked for */
    out = delivery_tried(&r, &t);
    assert_true(out.written && !out.asked && out.requeued);
    assert_int_equal(out.outcome, STORE_GIVE_UP);
    assert_string_equal(delivery_ask(&r, "SELECT status || requeues FROM jobs"), "queued1");
    rig_free(&r);
}

static void it_is_too_late_when_the_hold_has_ended(void **state)
{
    struct store_tried out;
    struct store_try t;
    struct rig r;

    (void)state;
    t = last_try(&r, STORE_GIVE_UP);
    r.now += DELIVERY_HOLD;
    out = delivery_tried(&r, &t);
    assert_true(out.requeued && !out.asked);
    assert_string_equal(delivery_ask(&r, "SELECT status || quote(next_try) FROM jobs"),
                        "queuedNULL");
    rig_free(&r);
}

static void who_does_not_want_it_is_not_called_again(void **state)
{
    struct store_tried out;
    struct store_try t;
    struct rig r;

    (void)state;
    t = last_try(&r, STORE_REFUSED);
    out = delivery_tried(&r, &t);
    assert_true(out.written && !out.asked);
    assert_string_equal(delivery_ask(&r, "SELECT status || quote(next_try) FROM jobs"),
                        "failedNULL");
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_requests_are_never_taken_for_one),
        cmocka_unit_test(who_asks_while_a_try_is_under_way_gets_one_more),
        cmocka_unit_test(a_confirmation_does_not_take_the_request_away),
        cmocka_unit_test(it_is_the_same_when_that_was_the_last_one),
        cmocka_unit_test(it_is_too_late_when_the_hold_has_ended),
        cmocka_unit_test(who_does_not_want_it_is_not_called_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
