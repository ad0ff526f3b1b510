/* SPDX-License-Identifier: MIT */
/* Back-off: what follows from each answer, by example, and against the rules read one by one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "clock.h"
#include "cron/backoff.h"
#include "prop.h"

enum { SEED = 20261123, ROUNDS = 50000, MIDDLE = INT32_MAX };

static const int64_t now = INT64_C(1700000000) * NS_PER_S;

static struct conf_callback three_tries(void)
{
    return (struct conf_callback){
        .hold = 900 * NS_PER_S, .retries = 3, .retry = {0, 10 * NS_PER_S, 60 * NS_PER_S}};
}

static struct backoff_next decide(int status, int64_t number, const char *retry_after, int64_t hold)
{
    struct conf_callback conf = three_tries();
    struct backoff_try t = {.number = number,
                            .now = now,
                            .hold_until = now + hold,
                            .status = status,
                            .retry_after = str_of(retry_after),
                            .error = "no route to host",
                            .random = MIDDLE};
    struct backoff_next next;

    backoff_decide(&conf, &t, &next);
    return next;
}

static void test_2xx_is_accepted(void **state)
{
    static const int good[] = {200, 201, 202, 204, 299};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(decide(good[i], 3, NULL, 1).outcome, STORE_ACCEPTED);
}

static void test_410_is_refused_at_once(void **state)
{
    struct backoff_next n = decide(410, 1, NULL, 900 * NS_PER_S);

    (void)state;
    assert_int_equal(n.outcome, STORE_REFUSED);
    assert_string_equal(n.reason, JOB_REASON_GONE);
}

static void test_all_else_is_tried_again(void **state)
{
    static const int other[] = {0, 100, 199, 300, 302, 307, 400, 404, 409, 411, 429, 500, 503, 599};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(other); i++) {
        struct backoff_next n = decide(other[i], 1, NULL, 900 * NS_PER_S);

        assert_int_equal(n.outcome, STORE_TRY_AGAIN);
        assert_in_range(n.next_try, now + 9 * NS_PER_S, now + 11 * NS_PER_S);
    }
    assert_string_equal(decide(0, 1, NULL, 900 * NS_PER_S).message, "try 1 of 3: no route to host");
    assert_string_equal(decide(500, 2, NULL, 900 * NS_PER_S).message,
                        "try 2 of 3: the receiver answered 500");
}

static void test_tries_end(void **state)
{
    struct backoff_next n = decide(500, 3, NULL, 900 * NS_PER_S);

    (void)state;
    assert_int_equal(n.outcome, STORE_GIVE_UP);
    assert_string_equal(n.reason, JOB_REASON_CALLBACK);
    assert_string_equal(
        n.message, "the callback was not accepted in 3 tries; the last: the receiver answered 500");
    assert_int_equal(decide(500, 4, NULL, 900 * NS_PER_S).outcome, STORE_GIVE_UP);
}

static void test_hold_ends(void **state)
{
    struct backoff_next n = decide(0, 1, NULL, 8 * NS_PER_S);

    (void)state;
    assert_int_equal(n.outcome, STORE_GIVE_UP);
    assert_string_equal(n.message, "the callback was not accepted in 1 try before its hold runs "
                                   "out; the last: no route to host");
    assert_int_equal(decide(0, 1, NULL, 12 * NS_PER_S).outcome, STORE_TRY_AGAIN);
    assert_int_equal(decide(0, 1, NULL, -5 * NS_PER_S).outcome, STORE_GIVE_UP);
}

static void test_retry_after_is_honoured_for_429_and_503(void **state)
{
    int64_t hold = 900 * NS_PER_S;

    (void)state;
    assert_int_equal(decide(429, 1, "120", hold).next_try, now + 120 * NS_PER_S);
    assert_int_equal(decide(503, 1, " 120 ", hold).next_try, now + 120 * NS_PER_S);
    assert_true(decide(500, 1, "120", hold).next_try < now + 12 * NS_PER_S);
    assert_true(decide(503, 1, "1", hold).next_try >
                now + 8 * NS_PER_S); /* never sooner than we would have */
    assert_true(decide(503, 1, "soon", hold).next_try < now + 12 * NS_PER_S);
}

static void test_retry_after_beyond_the_hold_leaves_one_last_try(void **state)
{
    struct backoff_next n = decide(503, 1, "86400", 900 * NS_PER_S);

    (void)state;
    assert_int_equal(n.outcome, STORE_TRY_AGAIN);
    assert_int_equal(n.next_try, now + 899 * NS_PER_S);
    assert_int_equal(decide(503, 1, "86400", 5 * NS_PER_S).outcome, STORE_GIVE_UP);
}

static void test_retry_after_forms(void **state)
{
    static const struct {
        const char *text;
        int64_t seconds; /* -1: refused */
    } cases[] = {
        {"0", 0},
        {"1", 1},
        {"007", 7},
        {"31622400", 31622400},
        {"31622401", 31622400},
        {"1000000000", 31622400},
        {"99999999999999999999999999999999", 31622400},
        {"-1", -1},
        {"-0", -1},
        {"+1", -1},
        {"1.5", -1},
        {"", -1},
        {"1 2", -1},
        {"\t1\t", 1},
        {" \t 1 \t ", 1},
        {"\t", -1},
        {" ", -1},
        {"1\t2", -1},
        {"1:2", -1},
        {"1/2", -1},
        {"Tue; 14 Nov 2023 22:13:30 GMT", -1},
        {"Tue, 14 Nov 2023 22:13:30 GMT", 10},
        {"Tue, 14 Nov 2023 22:13:10 GMT", 0},
        {"Tue, 14 Nov 2023 22:13:30 CET", -1},
        {"Tue, 14 Nov 2023 22:13:30", -1},
        {"Tue, 14 Nix 2023 22:13:30 GMT", -1},
        {"Tue, 31 Feb 2023 22:13:30 GMT", -1},
        {"Tuesday, 14-Nov-23 22:13:30 GMT", -1},
        {"Tue, 1\xff Nov 2023 22:13:30 GMT", -1},
    };
    int64_t wait;
    size_t i;
    int rc;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        wait = -NS_PER_S;
        rc = backoff_retry_after(str_of(cases[i].text), now, &wait);
        assert_int_equal(rc, cases[i].seconds < 0 ? -1 : 0);
        assert_int_equal(wait, cases[i].seconds * NS_PER_S);
    }
    assert_int_equal(backoff_retry_after((struct str){0}, now, &wait), -1);
}

/* A random try; waits, holds and Retry-After of the same order, so that all branches are met. */
static struct backoff_try some_try(struct prop *r, struct conf_callback *conf, char *header,
                                   size_t room)
{
    static const int statuses[] = {0, 200, 302, 410, 429, 500, 503};
    size_t i;

    *conf = (struct conf_callback){.retries = 1 + prop_below(r, CONF_RETRIES_MAX)};
    for (i = 0; i < conf->retries; i++)
        conf->retry[i] = prop_between(r, 0, 100 * NS_PER_S);
    (void)snprintf(header, room, "%lld", (long long)prop_between(r, 0, 150));
    return (struct backoff_try){
        .number = prop_between(r, 1, (int64_t)conf->retries + 1),
        .now = now,
        .hold_until = now + prop_between(r, -NS_PER_S, 150 * NS_PER_S),
        .status = statuses[prop_below(r, ARRAY_LEN(statuses))],
        .retry_after = prop_one_in(r, 2) ? str_of(header) : (struct str){0},
        .error = "x",
        .random = prop_one_in(r, 4) ? (prop_one_in(r, 2) ? 0 : UINT32_MAX) : (uint32_t)prop_bits(r),
    };
}

static void test_every_next_try_is_within_its_bounds(void **state)
{
    struct prop r = prop_begin("backoff", SEED);
    struct conf_callback conf;
    struct backoff_next next;
    char header[32];
    int64_t wait, asked;
    int round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        struct backoff_try t = some_try(&r, &conf, header, sizeof header);

        backoff_decide(&conf, &t, &next);
        assert_int_equal(next.outcome == STORE_ACCEPTED, t.status == 200);
        assert_int_equal(next.outcome == STORE_REFUSED, t.status == 410);
        if (t.status != 410 && t.status != 200 && t.number >= (int64_t)conf.retries)
            assert_int_equal(next.outcome, STORE_GIVE_UP);
        if (next.outcome != STORE_TRY_AGAIN) {
            assert_true(next.outcome == STORE_ACCEPTED || next.reason != NULL);
            continue;
        }
        wait = conf.retry[t.number];
        asked = t.retry_after.p && (t.status == 429 || t.status == 503) &&
                        backoff_retry_after(t.retry_after, now, &asked) == 0
                    ? asked
                    : 0;
        assert_true(next.next_try < t.hold_until);
        assert_true(next.next_try >= now + wait - wait / 10);
        assert_true(next.next_try >= now + asked || next.next_try >= t.hold_until - NS_PER_S);
        assert_true(next.next_try <= now + (asked > wait + wait / 10 ? asked : wait + wait / 10));
    }
}

static void test_jitter_reaches_both_ends(void **state)
{
    struct conf_callback conf = three_tries();
    struct backoff_try t = {
        .number = 1, .now = now, .hold_until = now + 900 * NS_PER_S, .status = 500};
    struct backoff_next next;

    (void)state;
    backoff_decide(&conf, &t, &next);
    assert_int_equal(next.next_try, now + 9 * NS_PER_S);
    t.random = UINT32_MAX;
    backoff_decide(&conf, &t, &next);
    assert_int_equal(next.next_try, now + 11 * NS_PER_S);
}

/* Near the end of what the clock can say, nothing wraps: a next try that cannot be said is none. */
static void test_end_of_time(void **state)
{
    struct conf_callback conf = three_tries();
    struct backoff_try t = {.number = 1,
                            .now = INT64_MAX - 5 * NS_PER_S,
                            .hold_until = INT64_MAX,
                            .status = 503,
                            .retry_after = STR_LIT("60"),
                            .random = MIDDLE};
    struct backoff_next next;

    (void)state;
    backoff_decide(&conf, &t, &next);
    assert_int_equal(next.outcome, STORE_GIVE_UP);
    t.now = INT64_MAX - 50 * NS_PER_S;
    backoff_decide(&conf, &t, &next);
    assert_int_equal(next.outcome, STORE_TRY_AGAIN);
    assert_int_equal(next.next_try, INT64_MAX - NS_PER_S);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_2xx_is_accepted),
        cmocka_unit_test(test_410_is_refused_at_once),
        cmocka_unit_test(test_all_else_is_tried_again),
        cmocka_unit_test(test_tries_end),
        cmocka_unit_test(test_hold_ends),
        cmocka_unit_test(test_retry_after_is_honoured_for_429_and_503),
        cmocka_unit_test(test_retry_after_beyond_the_hold_leaves_one_last_try),
        cmocka_unit_test(test_retry_after_forms),
        cmocka_unit_test(test_every_next_try_is_within_its_bounds),
        cmocka_unit_test(test_jitter_reaches_both_ends),
        cmocka_unit_test(test_end_of_time),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
