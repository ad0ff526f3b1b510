/* SPDX-License-Identifier: MIT */
/* Receivers that fail again and again: when they are paused, for how long, and what their jobs say.
 */
#include "delivery_case.h"

#include "prop.h"

#define PAUSE (30 * NS_PER_S)

static const char queues[] = "callback: {pause_after: 3, pause: 30s, retry: [0, 1s, 1s]}\n"
                             "queues:\n"
                             "  vm:\n"
                             "    capacity: static\n"
                             "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n";

static const struct str origin = {"http://c.example", 16};

static int64_t begin(struct rig *r)
{
    int64_t id;

    rig_make(r, queues);
    id = delivery_add(r, "a", "o", "http://c.example/a");
    delivery_admit(r, id, r->now);
    return id;
}

/* A try that began `ago` and has ended now. */
static struct store_tried try_it(struct rig *r, int64_t id, int status, int64_t ago)
{
    struct store_try t = delivery_try(r, id, STORE_TRY_AGAIN);

    t.status = status;
    t.error = status ? (struct str){0} : STR_LIT("no route");
    t.at = r->now - ago;
    return delivery_tried(r, &t);
}

static void it_is_paused_after_so_many_failures_in_a_row(void **state)
{
    struct store_receiver x;
    struct store_tried out;
    struct rig r;
    struct err e;
    int64_t id;

    (void)state;
    id = begin(&r);
    (void)try_it(&r, id, 0, 1);
    (void)try_it(&r, id, 599, 1);
    assert_int_equal(try_it(&r, id, 404, 1).receiver.failures, 0); /* it lives */
    assert_string_equal(delivery_ask(&r, "SELECT 1 FROM receivers"), "(none)");
    (void)try_it(&r, id, 500, 1);
    out = try_it(&r, id, 0, 1);
    assert_int_equal(out.receiver.paused_until, 0);
    out = try_it(&r, id, 503, 1);
    assert_int_equal(out.before.paused_until, 0);
    assert_int_equal(out.receiver.paused_until, r.now + PAUSE);
    OK(store_receiver(r.s, origin, &x, &e), &e);
    assert_int_equal(x.failures, 3);
    assert_int_equal(x.paused_until, r.now + PAUSE);
    rig_free(&r);
}

static void each_pause_is_twice_as_long_up_to_ten_times(void **state)
{
    static const int64_t pauses[] = {1, 2, 4, 8, 10, 10};
    struct store_tried out;
    struct rig r;
    int64_t id;
    size_t i;

    (void)state;
    id = begin(&r);
    (void)try_it(&r, id, 0, 1);
    (void)try_it(&r, id, 0, 1);
    for (i = 0; i < ARRAY_LEN(pauses); i++) {
        out = try_it(&r, id, 0, 0);
        assert_int_equal(out.receiver.paused_until, r.now + pauses[i] * PAUSE);
        r.now = out.receiver.paused_until;
    }
    assert_int_equal(try_it(&r, id, 200, 0).receiver.failures, 0);
    assert_int_equal(try_it(&r, id, 0, 0).receiver.failures, 1); /* from the beginning */
    rig_free(&r);
}

/* They were under way when the pause began, or somebody asked for them. */
static void tries_that_began_before_the_pause_was_over_do_not_prolong_it(void **state)
{
    struct store_tried out;
    struct rig r;
    int64_t id, until;
    int i;

    (void)state;
    id = begin(&r);
    for (i = 0; i < 3; i++)
        out = try_it(&r, id, 0, NS_PER_S);
    until = out.receiver.paused_until;
    for (i = 0; i < 20; i++)
        assert_int_equal(try_it(&r, id, 0, NS_PER_S).receiver.paused_until, until);
    r.now = until + 5 * NS_PER_S;
    assert_int_equal(try_it(&r, id, 0, 6 * NS_PER_S).receiver.paused_until, until);
    assert_int_equal(try_it(&r, id, 0, 5 * NS_PER_S).receiver.paused_until, r.now + 2 * PAUSE);
    rig_free(&r);
}

static void who_was_not_called_is_not_to_blame(void **state)
{
    struct store_try t;
    struct rig r;
    int64_t id;

    (void)state;
    id = begin(&r);
    t = delivery_try(&r, id, STORE_REFUSED);
    t.origin = (struct str){0};
    t.status = 0;
    (void)delivery_tried(&r, &t);
    assert_string_equal(delivery_ask(&r, "SELECT 1 FROM receivers"), "(none)");
    rig_free(&r);
}

/* ---- what the jobs say ---- */

static const struct store_lane lane = {{"http://c.example", 16}, {"o", 1}};

static int pause_some(struct rig *r, int64_t most)
{
    struct err e;
    int n;

    rig_begin(r);
    n = store_lane_pause(r->s, &lane, origin, most, r->now, &e);
    rig_commit(r);
    assert_true(n >= 0);
    return n;
}

static int resume_some(struct rig *r, int64_t most)
{
    struct err e;
    int n;

    rig_begin(r);
    n = store_lane_resume(r->s, &lane, most, r->now, &e);
    rig_commit(r);
    assert_true(n >= 0);
    return n;
}

static const char said[] = "its receiver http://c.example failed 3 times in a row or more, and is "
                           "tried once in a while until it answers; the last: no route";

/* 7 more jobs of the lane, one of another, one of another owner; the lane's receiver is paused. */
static int64_t begin_paused(struct rig *r)
{
    int64_t id = begin(r);
    int i;

    for (i = 0; i < 9; i++) {
        char name[8], url[32];

        (void)snprintf(name, sizeof name, "j%d", i);
        (void)snprintf(url, sizeof url, "http://%c.example/%d", i == 7 ? 'd' : 'c', i);
        delivery_admit(r, delivery_add(r, name, i == 8 ? "p" : "o", url), r->now + i / 3);
    }
    for (i = 0; i < 3; i++)
        (void)try_it(r, id, 0, 1);
    return id;
}

static void all_jobs_of_the_lane_say_so_some_at_a_time(void **state)
{
    static const char count[] = "SELECT count(*) || count(DISTINCT message) FROM jobs WHERE reason"
                                " = 'ReceiverPaused'";
    int64_t version, after;
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    (void)begin_paused(&r);
    OK(store_queue_version(r.s, STR_LIT("vm"), &version, &e), &e);
    assert_string_equal(delivery_ask(&r, count), "11"); /* whose try was the last one */
    assert_int_equal(pause_some(&r, 3), 3);
    assert_int_equal(pause_some(&r, 3), 3);
    assert_int_equal(pause_some(&r, 3), 1);
    assert_int_equal(pause_some(&r, 3), 0);
    assert_string_equal(delivery_ask(&r, count), "81");
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("j3"), &j, &e), &e);
    assert_true(str_is(j.message, said));
    assert_int_equal(j.version, 3);
    OK(store_queue_version(r.s, STR_LIT("vm"), &after, &e), &e);
    assert_true(after > version);
    assert_string_equal(
        delivery_ask(&r, "SELECT group_concat(request_id) FROM jobs WHERE reason IS NULL"),
        "j7,j8");
    rig_free(&r);
}

static void it_is_taken_back_some_at_a_time(void **state)
{
    int64_t id;
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    id = begin_paused(&r);
    assert_int_equal(pause_some(&r, 100), 7);
    assert_int_equal(resume_some(&r, 5), 5);
    assert_int_equal(resume_some(&r, 5), 3);
    assert_int_equal(resume_some(&r, 5), 0);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("j3"), &j, &e), &e);
    assert_null(j.reason.p);
    assert_null(j.message.p);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), &e);
    assert_int_equal(j.id, id);
    assert_true(str_is(j.reason, JOB_REASON_CALLBACK));
    assert_true(str_is(j.message, "try 3 of 3: no route"));
    rig_free(&r);
}

static bool one_is_busy(void *ctx, int64_t id)
{
    return id == *(int64_t *)ctx;
}

static int lapse(struct rig *r, int64_t busy, int64_t most)
{
    struct err e;
    int n;

    rig_begin(r);
    n = store_paused_lapse(r->s, one_is_busy, &busy, most, r->now, &e);
    rig_commit(r);
    assert_true(n >= 0);
    return n;
}

/* Those of other lanes are still to be called. */
static void holds_run_out_meanwhile(void **state)
{
    int64_t id, when;
    struct rig r;
    struct err e;

    (void)state;
    id = begin_paused(&r);
    assert_int_equal(pause_some(&r, 100), 7);
    OK(store_paused_ends(r.s, delivery_nobody, NULL, &when, &e), &e);
    r.now = when - 1;
    assert_int_equal(lapse(&r, 0, 100), 0);
    r.now = when + NS_PER_S;
    assert_int_equal(lapse(&r, id, 3), 3);
    assert_int_equal(lapse(&r, id, 100), 4);
    assert_int_equal(lapse(&r, id, 100), 0);
    OK(store_paused_ends(r.s, one_is_busy, &id, &when, &e), &e);
    assert_int_equal(when, INT64_MAX);
    assert_string_equal(
        delivery_ask(&r, "SELECT group_concat(request_id) FROM jobs WHERE status = 'admitted'"),
        "a,j7,j8");
    assert_string_equal(delivery_ask(&r, "SELECT reason || message FROM jobs WHERE id = 2"),
                        "CallbackFailedits hold ran out while its receiver was paused");
    rig_free(&r);
}

/* Against the rules, read one by one, over random tries. */
static void every_pause_is_as_the_rules_have_it(void **state)
{
    struct prop p = prop_begin("receiver", 20261126);
    int64_t failures = 0, until = 0, pause = 0, id;
    struct rig r;
    int i;

    (void)state;
    id = begin(&r);
    for (i = 0; i < 2000; i++) {
        int status = prop_one_in(&p, 12) ? 404 : prop_one_in(&p, 2) ? 0 : 502;
        int64_t ago = prop_between(&p, 0, 40 * NS_PER_S);
        struct store_tried out;

        r.now += prop_between(&p, 0, 2 * PAUSE);
        out = try_it(&r, id, status, ago);
        if (status == 404) {
            failures = until = pause = 0;
        } else {
            failures++;
            if (until ? r.now - ago >= until : failures >= 3) {
                pause = until == 0 ? PAUSE : 2 * pause > 10 * PAUSE ? 10 * PAUSE : 2 * pause;
                until = r.now + pause;
            }
        }
        assert_int_equal(out.receiver.failures, failures);
        assert_int_equal(out.receiver.paused_until, until);
    }
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_is_paused_after_so_many_failures_in_a_row),
        cmocka_unit_test(each_pause_is_twice_as_long_up_to_ten_times),
        cmocka_unit_test(tries_that_began_before_the_pause_was_over_do_not_prolong_it),
        cmocka_unit_test(who_was_not_called_is_not_to_blame),
        cmocka_unit_test(all_jobs_of_the_lane_say_so_some_at_a_time),
        cmocka_unit_test(it_is_taken_back_some_at_a_time),
        cmocka_unit_test(holds_run_out_meanwhile),
        cmocka_unit_test(every_pause_is_as_the_rules_have_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
