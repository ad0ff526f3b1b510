/* SPDX-License-Identifier: MIT */
/* Lanes, the tries that are written down, and what becomes of a job whose callback was not
 * accepted. */
#include "delivery_case.h"
#include "store_history.h"

static const char queues[] = "callback: {requeue: 2, retry: [0, 1s, 1s]}\n"
                             "queues:\n"
                             "  vm:\n"
                             "    capacity: static\n"
                             "    callback_base: http://base.example:8080/x/\n"
                             "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n";

struct found {
    char text[512];
    size_t n, most;
};

static bool take_lane(void *ctx, const struct store_lane *lane, int64_t next_try)
{
    struct found *f = ctx;
    size_t at = strlen(f->text);

    (void)snprintf(f->text + at, sizeof f->text - at, "%.*s|%.*s|%lld ", (int)lane->receiver.n,
                   lane->receiver.p, (int)lane->owner_id.n, lane->owner_id.p, (long long)next_try);
    return ++f->n < f->most;
}

static void lanes_are(struct rig *r, const struct store_lane *after, size_t most, const char *want)
{
    struct found f = {.most = most};
    struct err e;

    OK(store_lanes(r->s, after, take_lane, &f, &e), &e);
    assert_string_equal(f.text, want);
}

static void a_lane_is_a_receiver_and_an_owner(void **state)
{
    static const char *const who[][3] = {{"a", "o", "http://c.example/1"},
                                         {"b", "p", "http://c.example/2"},
                                         {"c", "o", "HTTP://C.example:80/3"},
                                         {"d", "o", "https://c.example/4"},
                                         {"e", "o", "rel"},
                                         {"f", "o", "//other.example/"}};
    const struct store_lane all = {{0}, {0}}, after = {STR_LIT("http://c.example"), STR_LIT("o")};
    struct rig r;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    for (i = 0; i < ARRAY_LEN(who); i++)
        delivery_admit(&r, delivery_add(&r, who[i][0], who[i][1], who[i][2]), 10 - (int64_t)i);
    (void)delivery_add(&r, "waits", "o", "http://waits.example/");
    lanes_are(&r, &all, 99,
              "/vm|o|6 http://c.example|o|8 http://c.example|p|9 http://other.example|o|5 "
              "https://c.example|o|7 ");
    lanes_are(&r, &after, 99,
              "http://c.example|p|9 http://other.example|o|5 https://c.example|o|7 ");
    lanes_are(&r, &after, 1, "http://c.example|p|9 ");
    rig_free(&r);
}

static void a_receiver_stands_for_an_origin(void **state)
{
    static const char *const cases[][2] = {
        {"/vm", "http://base.example:8080"},
        {"/none", "/none"},
        {"/", "/"},
        {"http://c.example:80", "http://c.example"}, /* as an older version may have written it */
        {"https://C.example:443", "https://c.example"},
        {"http://[::1]:81", "http://[::1]:81"},
        {"nonsense", "nonsense"},
        {"", ""},
    };
    char origin[URL_ORIGIN_MAX];
    struct rig r;
    struct err e;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        OK(store_receiver_origin(r.conf, str_of(cases[i][0]), origin, &e), &e);
        assert_string_equal(origin, cases[i][1]);
    }
    rig_free(&r);
}

static bool one_is_busy(void *ctx, int64_t id)
{
    return id == *(int64_t *)ctx;
}

static void the_oldest_comes_first_and_who_is_being_called_is_passed_over(void **state)
{
    struct store_lane lane = {STR_LIT("http://c.example"), STR_LIT("o")};
    struct store_place at = STORE_PLACE_FIRST;
    static const int64_t first[] = {5, 3, 5, -9, 4};
    static const int64_t order[] = {3, 1, 4, 0, 2};
    int64_t id[5], busy = 0;
    struct rig r;
    struct err e;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    for (i = 0; i < ARRAY_LEN(id); i++) {
        char name[2] = {(char)('a' + i), '\0'}, url[32];

        (void)snprintf(url, sizeof url, "http://c.example/%zu", i);
        id[i] = delivery_add(&r, name, "o", url);
        delivery_admit(&r, id[i], first[i]);
    }
    for (i = 0; i < ARRAY_LEN(id); i++) {
        assert_int_equal(store_lane_next(r.s, &lane, one_is_busy, &busy, &at, &e), 1);
        assert_int_equal(at.id, id[order[i]]);
        assert_int_equal(at.next_try, first[order[i]]);
    }
    assert_int_equal(store_lane_next(r.s, &lane, one_is_busy, &busy, &at, &e), 0);
    at = STORE_PLACE_FIRST;
    busy = id[3];
    assert_int_equal(store_lane_next(r.s, &lane, one_is_busy, &busy, &at, &e), 1);
    assert_int_equal(at.id, id[1]);
    rig_free(&r);
}

/* ---- what is written down ---- */

static void every_try_is_written_down_with_its_outcome(void **state)
{
    struct rig r;
    struct store_try t;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    t = delivery_try(&r, id, STORE_TRY_AGAIN);
    t.answer = STR_LIT("so\xc3\xa4 \xff\xfe\nno");
    assert_true(delivery_tried(&r, &t).written);
    assert_string_equal(
        delivery_ask(&r, "SELECT n || '|' || admission || '|' || ns || '|' || url || '|' || address"
                         " || '|' || status || '|' || quote(error) || '|' || answer || '|' ||"
                         " outcome || '|' || (next_try - at) FROM deliveries"),
        "1|1|1000000000|http://c.example/x|192.0.2.7:80|500|NULL|so\xc3\xa4 "
        "\xef\xbf\xbd\xef\xbf\xbd\nno|again|61000000000");
    t = delivery_try(&r, id, STORE_ACCEPTED);
    t.status = 0;
    t.error = STR_LIT("refused");
    t.address = (struct str){0};
    assert_true(delivery_tried(&r, &t).written);
    assert_string_equal(delivery_ask(&r, "SELECT n || quote(address) || quote(status) || error ||"
                                         " quote(answer) || outcome || quote(next_try)"
                                         " FROM deliveries WHERE n = 2"),
                        "2NULLNULLrefusedNULLacceptedNULL");
    rig_free(&r);
}

static void a_cut_answer_stays_utf8(void **state)
{
    char answer[STORE_ANSWER_KEPT];
    struct store_try t;
    struct rig r;
    int64_t id;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    t = delivery_try(&r, id, STORE_TRY_AGAIN);
    t.answer = (struct str){answer, sizeof answer};
    memset(answer, 'x', sizeof answer);
    answer[5] = '\0';
    memcpy(answer + sizeof answer - 2, "\xe2\x82", 2); /* half of a euro sign */
    (void)delivery_tried(&r, &t);
    memset(answer, '\xff', sizeof answer);
    (void)delivery_tried(&r, &t);
    for (i = 1; i <= 2; i++) {
        static const char *const lengths[] = {"1022", "1024"};
        char sql[128];

        (void)snprintf(sql, sizeof sql, "SELECT length(answer) FROM deliveries WHERE n = %zu", i);
        assert_string_equal(delivery_ask(&r, sql), lengths[i - 1]);
    }
    rig_free(&r);
}

static void the_newest_tries_are_kept(void **state)
{
    struct store_try t;
    struct rig r;
    int64_t id;
    int i;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    t = delivery_try(&r, id, STORE_TRY_AGAIN);
    for (i = 0; i < STORE_DELIVERIES_MAX + 20; i++)
        (void)delivery_tried(&r, &t);
    assert_string_equal(delivery_ask(&r, "SELECT count(*) || ' ' || min(n) FROM deliveries"),
                        "500 21");
    rig_free(&r);
}

static void a_late_outcome_is_void(void **state)
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
    OK(rig_change(&r, "vm", "a", "{\"status\":\"queued\"}", &e), &e);
    assert_false(delivery_tried(&r, &t).written);
    delivery_admit(&r, id, r.now);
    assert_false(delivery_tried(&r, &t).written); /* it was of the first admission */
    assert_string_equal(delivery_ask(&r, "SELECT group_concat(outcome) FROM deliveries"),
                        "void,void");
    assert_string_equal(delivery_ask(&r, "SELECT status FROM jobs"), "admitted");
    t.id = 999; /* purged meanwhile */
    assert_false(delivery_tried(&r, &t).written);
    assert_string_equal(delivery_ask(&r, "SELECT count(*) FROM deliveries"), "2");
    rig_free(&r);
}

/* ---- a running job is called once more ---- */

static void sent_again_changes_nothing_else(void **state)
{
    static const enum store_outcome outcomes[] = {STORE_ACCEPTED, STORE_TRY_AGAIN, STORE_GIVE_UP,
                                                  STORE_REFUSED};
    static const char row[] = "SELECT status || version || attempts || quote(next_try) ||"
                              " quote(reason) || quote(finished_at) || updated_at FROM jobs";
    char before[sizeof((struct rig *)0)->text];
    struct store_try t;
    struct rig r;
    int64_t id;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    t = delivery_try(&r, id, STORE_ACCEPTED);
    assert_true(delivery_tried(&r, &t).written);
    (void)snprintf(before, sizeof before, "%s", delivery_ask(&r, row));
    for (i = 0; i < ARRAY_LEN(outcomes); i++) {
        delivery_run(&r, "UPDATE jobs SET next_try = -7");
        t = delivery_try(&r, id, outcomes[i]);
        t.again = true;
        t.asked = -7;
        assert_true(delivery_tried(&r, &t).written);
        assert_string_equal(delivery_ask(&r, row), before);
    }
    assert_string_equal(delivery_ask(&r, "SELECT group_concat(outcome) FROM deliveries"),
                        "accepted,accepted,failed,failed,failed");
    delivery_run(&r, "UPDATE jobs SET next_try = -8"); /* asked for again meanwhile */
    assert_true(delivery_tried(&r, &t).asked);
    assert_string_equal(delivery_ask(&r, "SELECT next_try FROM jobs"), "-8");
    rig_free(&r);
}

/* ---- not accepted ---- */

static struct store_tried give_up(struct rig *r, int64_t id, int64_t admission)
{
    struct store_try t = delivery_try(r, id, STORE_GIVE_UP);

    t.admissions = admission;
    t.message = STR_LIT("nobody there");
    return delivery_tried(r, &t);
}

static void it_waits_again_so_many_times_in_its_place(void **state)
{
    struct store_tried out;
    struct rig r;
    int64_t id;
    int i;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    (void)delivery_add(&r, "b", "o", "http://c.example/b");
    for (i = 1; i <= 2; i++) {
        delivery_admit(&r, id, r.now);
        r.now += NS_PER_S;
        out = give_up(&r, id, i);
        assert_true(out.written && out.requeued);
        assert_string_equal(delivery_ask(&r,
                                         "SELECT status || requeues || attempts ||"
                                         " (queued_at = created_at) ||"
                                         " (SELECT count(*) FROM holds) FROM jobs WHERE id = 1"),
                            i == 1 ? "queued1010" : "queued2010");
    }
    assert_string_equal(delivery_ask(&r, "SELECT outcome FROM deliveries ORDER BY n DESC"),
                        "requeued");
    delivery_admit(&r, id, r.now);
    out = give_up(&r, id, 3);
    assert_true(out.written && !out.requeued);
    assert_string_equal(delivery_ask(&r, "SELECT status || reason || message FROM jobs"),
                        "failedCallbackFailednobody there");
    rig_free(&r);
}

/* It fails rather than that nothing is written down any more. */
static void data_that_cannot_be_read_does_not_wait_again(void **state)
{
    static const char *const broken[] = {"{\"instances\":5}", "{\"instances\":"};
    struct store_tried out;
    struct rig r;
    int64_t id;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(broken); i++) {
        rig_make(&r, queues);
        id = delivery_add(&r, "a", "o", "http://c.example/a");
        delivery_admit(&r, id, r.now);
        (void)snprintf(r.text, sizeof r.text, "UPDATE jobs SET data = '%s'", broken[i]);
        delivery_run(&r, r.text);
        out = give_up(&r, id, 1);
        assert_true(out.written && !out.requeued);
        assert_string_equal(delivery_ask(&r, "SELECT status || message FROM jobs"),
                            "failednobody there");
        rig_free(&r);
    }
}

static void it_says_that_it_waits_again_and_what_for(void **state)
{
    struct rig r;
    struct err e;
    struct job j;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    (void)give_up(&r, id, 1);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), &e);
    assert_true(str_is(j.reason, JOB_REASON_WAITING));
    assert_true(str_is(j.message, "waits again (1 of 2 times): nobody there; no pass has "
                                  "looked at it yet"));
    delivery_admit(&r, id, r.now);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), &e);
    assert_null(j.message.p);
    rig_free(&r);
}

static void accepted_once_it_has_all_its_times_again(void **state)
{
    struct store_try t;
    struct rig r;
    struct err e;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    (void)give_up(&r, id, 1);
    delivery_admit(&r, id, r.now);
    t = delivery_try(&r, id, STORE_ACCEPTED);
    t.admissions = 2;
    (void)delivery_tried(&r, &t);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"queued\"}", &e), &e);
    assert_string_equal(delivery_ask(&r, "SELECT requeues FROM jobs"), "0");
    rig_free(&r);
}

static void who_does_not_want_it_is_not_asked_again(void **state)
{
    struct store_try t;
    struct rig r;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    delivery_admit(&r, id, r.now);
    t = delivery_try(&r, id, STORE_REFUSED);
    t.reason = STR_LIT(JOB_REASON_GONE);
    assert_false(delivery_tried(&r, &t).requeued);
    assert_string_equal(delivery_ask(&r, "SELECT status || reason FROM jobs"),
                        "failedCallbackGone");
    rig_free(&r);
}

static void a_hold_that_ran_out_is_the_same(void **state)
{
    struct store_tidied t;
    struct rig r;
    struct err e;
    int64_t id;
    int i;

    (void)state;
    rig_make(&r, queues);
    id = delivery_add(&r, "a", "o", "http://c.example/a");
    for (i = 1; i <= 3; i++) {
        delivery_admit(&r, id, r.now + 2 * DELIVERY_HOLD);
        r.now += DELIVERY_HOLD;
        rig_begin(&r);
        OK(store_tidy(r.s, r.now, &t, &e), &e);
        rig_commit(&r);
        assert_int_equal(t.lapsed, 1);
        assert_string_equal(delivery_ask(&r, "SELECT status FROM jobs"),
                            i < 3 ? "queued" : "failed");
    }
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_is_a_receiver_and_an_owner),
        cmocka_unit_test(a_receiver_stands_for_an_origin),
        cmocka_unit_test(the_oldest_comes_first_and_who_is_being_called_is_passed_over),
        cmocka_unit_test(every_try_is_written_down_with_its_outcome),
        cmocka_unit_test(a_cut_answer_stays_utf8),
        cmocka_unit_test(the_newest_tries_are_kept),
        cmocka_unit_test(a_late_outcome_is_void),
        cmocka_unit_test(sent_again_changes_nothing_else),
        cmocka_unit_test(it_waits_again_so_many_times_in_its_place),
        cmocka_unit_test(data_that_cannot_be_read_does_not_wait_again),
        cmocka_unit_test(it_says_that_it_waits_again_and_what_for),
        cmocka_unit_test(accepted_once_it_has_all_its_times_again),
        cmocka_unit_test(who_does_not_want_it_is_not_asked_again),
        cmocka_unit_test(a_hold_that_ran_out_is_the_same),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
