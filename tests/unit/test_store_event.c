/* SPDX-License-Identifier: MIT */
/* What is noted of a job, by whom and in which order, and what is kept of it. */
#include "history_case.h"

/* ---- what is noted ---- */

static void the_creation_comes_first_with_its_maker_where_he_is_known(void **state)
{
    struct told t;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    store_as(r.s, &alice);
    (void)rig_add(&r, "vm", "a", ONE);
    tell(&r, "a", -1, INT64_MAX, &t);
    assert_string_equal(t.text, "0 token:alice created\n");
    assert_int_equal(t.last_at, r.now);
    sql(&r, "UPDATE jobs SET created_by = NULL"); /* as of jobs from before version 3 */
    tell(&r, "a", -1, 1, &t);
    assert_string_equal(t.text, "0 created\n");
    tell(&r, "a", -1, 0, &t);
    assert_string_equal(t.text, "");
    tell(&r, "a", 0, INT64_MAX, &t);
    assert_string_equal(t.text, "");
    rig_free(&r);
}

static void every_change_of_state_is_noted_with_its_maker(void **state)
{
    struct rig r;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = rig_add(&r, "vm", "a", ONE);
    store_as(r.s, &alice);
    change(&r, "a", "{\"status\":\"held\"}");
    store_as(r.s, &bob);
    change(&r, "a", "{\"status\":\"queued\"}");
    store_as(r.s, NULL);
    admit(&r, id);
    change(&r, "a", "{\"status\":\"running\"}");
    store_as(r.s, &alice);
    change(&r, "a", "{\"status\":\"running\"}");
    change(&r, "a", "{\"status\":\"queued\"}");
    change(&r, "a", "{\"status\":\"cancelled\"}");
    is_told(&r, "a",
            "1 token:alice status queued>held\n"
            "2 token:bob status held>queued\n"
            "3 anteroom status queued>admitted\n"
            "4 anteroom status admitted>running\n"
            "5 token:alice status running>running\n"
            "6 token:alice status running>queued\n"
            "7 token:alice status queued>cancelled\n");
    rig_free(&r);
}

static void an_end_by_the_clock_says_why(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"valid_until\":\"2024-01-02T00:00:00Z\"}");
    tidy(&r, INT64_C(1710000000) * NS_PER_S);
    is_told(&r, "a",
            "1 anteroom changed 'valid_until'\n"
            "2 anteroom status queued>expired 'its valid_until went by while it waited'\n");
    rig_free(&r);
}

static void a_job_that_cannot_be_read_any_more_says_so(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"not_before\":\"2024-01-02T00:00:00Z\"}");
    sql(&r, "UPDATE jobs SET data = '{\"instances\":7}'");
    tidy(&r, INT64_C(1710000000) * NS_PER_S);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events e JOIN jobs j ON j.id = e.job_id"
                             " WHERE e.n = 2 AND e.to_status = 'held' AND e.message = j.message"
                             " AND j.message <> ''"),
                     1);
    rig_free(&r);
}

static void changes_of_order_say_from_where_to_where(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    change(&r, "a", "{\"priority\":10}");
    change(&r, "b", "{\"priority\":11}");
    change(&r, "a", "{\"priority\":10}"); /* where it stood */
    change(&r, "b", "{\"move\":\"front\"}");
    change(&r, "b", "{\"move\":\"front\"}");
    change(&r, "b", "{\"priority\":-5}");
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 1"), 1);
    assert_int_equal(ask(&r, "SELECT to_priority FROM events WHERE job_id = 1"), 10);
    assert_int_equal(
        ask(&r, "SELECT from_priority - (SELECT from_priority FROM events WHERE job_id = 1)"
                " FROM events WHERE job_id = 2 AND n = 1") > 0,
        1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 2 AND n > 1"), 2);
    assert_int_equal(
        ask(&r, "SELECT count(*) FROM events WHERE job_id = 2 AND n = 2 AND event = 'order'"
                " AND from_priority = 11 AND to_priority = 9"),
        1);
    assert_int_equal(
        ask(&r, "SELECT count(*) FROM events WHERE job_id = 2 AND n = 3 AND event = 'order'"
                " AND from_priority = 9 AND to_priority = -5"),
        1);
    rig_free(&r);
}

static void who_only_makes_room_is_not_noted(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    (void)rig_add(&r, "vm", "c", ONE);
    change(&r, "a", "{\"priority\":1}");
    change(&r, "b", "{\"priority\":2}");
    change(&r, "c", "{\"move\":{\"after\":\"a\"}}");
    assert_int_equal(ask(&r, "SELECT priority FROM jobs WHERE request_id = 'b'"), 3);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 2"), 1);
    assert_int_equal(ask(&r, "SELECT to_priority FROM events WHERE job_id = 3"), 2);
    rig_free(&r);
}

static void one_change_of_everything_is_noted_part_by_part(void **state)
{
    struct told t;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"priority\":3}");
    store_as(r.s, &bob);
    change(&r, "a",
           "{\"priority\":4,\"status\":\"held\",\"callback\":\"http://c.example/x\",\"data\":{},"
           "\"valid_until\":\"2040-01-02T00:00:00Z\",\"not_before\":null}");
    tell(&r, "a", 1, INT64_MAX, &t);
    assert_string_equal(t.text, "2 token:bob order 3>4\n"
                                "3 token:bob changed 'data, callback, not_before, valid_until'\n"
                                "4 token:bob status queued>held\n");
    assert_int_equal(t.last_at, r.now);
    rig_free(&r);
}

static void a_refused_change_is_not_noted(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    assert_int_equal(
        rig_change(&r, "vm", "a", "{\"priority\":1,\"callback\":\"http://c.example/vm/b\"}", &e),
        -1);
    assert_int_equal(rig_change(&r, "vm", "a", "{\"priority\":1,\"status\":\"finished\"}", &e), -1);
    is_told(&r, "a", "");
    rig_free(&r);
}

static void a_deleted_job_is_cancelled_and_deleted(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    change(&r, "b", "{\"status\":\"cancelled\"}");
    store_as(r.s, &alice);
    remove_it(&r, "a");
    remove_it(&r, "b");
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 1"), 2);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 1 AND n = 1"
                             " AND to_status = 'cancelled' AND who = 'token:alice'"),
                     1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE n = 2 AND event = 'deleted'"
                             " AND who = 'token:alice'"),
                     2);
    rig_free(&r);
}

static void a_placement_is_noted(void **state)
{
    struct store_admission a = {.id = 1, .queue = STR_LIT("vm"), .hosts = STR_LIT("{\"n1\":1}")};
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"status\":\"running\"}");
    rig_begin(&r);
    assert_int_equal(store_place(r.s, &a, ++r.now, &e), 1);
    assert_int_equal(store_place(r.s, &a, ++r.now, &e), 0);
    rig_commit(&r);
    is_told(&r, "a", "1 anteroom status queued>running\n2 anteroom changed 'hosts'\n");
    rig_free(&r);
}

/* ---- what is kept, and told ---- */

static void are_kept(struct rig *r, int64_t id, int64_t first, int64_t last)
{
    struct store_numbers n;
    struct err e;

    OK(store_event_numbers(r->s, id, &n, &e), &e);
    assert_int_equal(n.first, first);
    assert_int_equal(n.last, last);
}

static void the_newest_thousand_are_kept(void **state)
{
    struct told t;
    struct rig r;
    int64_t a, b;

    (void)state;
    rig_make(&r, queues);
    a = rig_add(&r, "vm", "a", ONE);
    b = rig_add(&r, "vm", "b", ONE);
    are_kept(&r, a, 0, 0);
    sql(&r, "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 999)"
            " INSERT INTO events (job_id, n, at, who, event) SELECT 1, n, n, 'w', 'resend' FROM c");
    change(&r, "b", "{\"data\":{}}");
    change(&r, "a", "{\"data\":{}}");
    are_kept(&r, a, 1, STORE_EVENTS_MAX);
    change(&r, "a", "{\"data\":{}}");
    are_kept(&r, a, 2, STORE_EVENTS_MAX + 1);
    tell(&r, "a", -1, INT64_MAX, &t);
    assert_int_equal(t.calls, STORE_EVENTS_MAX + 1); /* the creation stays */
    assert_true(t.first == 0 && t.last == STORE_EVENTS_MAX + 1 && t.last_at == r.now);
    are_kept(&r, b, 1, 1);
    rig_free(&r);
}

static void events_are_told_from_a_number_on_and_up_to_a_number(void **state)
{
    struct told t;
    struct rig r;
    int i;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    for (i = 1; i <= 9; i++)
        change(&r, "a", i % 2 ? "{\"status\":\"held\"}" : "{\"status\":\"queued\"}");
    tell(&r, "a", -1, 4, &t);
    assert_true(t.calls == 4 && t.first == 0 && t.last == 3);
    tell(&r, "a", 3, 4, &t);
    assert_true(t.calls == 4 && t.first == 4 && t.last == 7);
    tell(&r, "a", 7, 4, &t);
    assert_true(t.calls == 2 && t.first == 8 && t.last == 9);
    tell(&r, "a", 9, 4, &t);
    assert_int_equal(t.calls, 0);
    rig_free(&r);
}

static void a_listener_can_stop(void **state)
{
    struct told t;
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"status\":\"held\"}");
    change(&r, "a", "{\"status\":\"queued\"}");
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), &e);
    for (t = (struct told){.stop_at = 1}; t.stop_at <= 3; t.stop_at++) {
        t.calls = 0;
        assert_int_equal(store_events(r.s, &j, -1, 9, take, &t, &e), -1);
        assert_int_equal(e.code, ERR_UNAVAILABLE);
        assert_int_equal(t.calls, t.stop_at);
    }
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_creation_comes_first_with_its_maker_where_he_is_known),
        cmocka_unit_test(every_change_of_state_is_noted_with_its_maker),
        cmocka_unit_test(an_end_by_the_clock_says_why),
        cmocka_unit_test(a_job_that_cannot_be_read_any_more_says_so),
        cmocka_unit_test(changes_of_order_say_from_where_to_where),
        cmocka_unit_test(who_only_makes_room_is_not_noted),
        cmocka_unit_test(one_change_of_everything_is_noted_part_by_part),
        cmocka_unit_test(a_refused_change_is_not_noted),
        cmocka_unit_test(a_deleted_job_is_cancelled_and_deleted),
        cmocka_unit_test(a_placement_is_noted),
        cmocka_unit_test(the_newest_thousand_are_kept),
        cmocka_unit_test(events_are_told_from_a_number_on_and_up_to_a_number),
        cmocka_unit_test(a_listener_can_stop),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
