/* SPDX-License-Identifier: MIT */
/* When somebody sets the clock: what moves, by how much, once; what does not. */
#include "rig_sql.h"

#include "common/store_inner.h"
#include "prop.h"
#include "store_clock.h"

enum { SEED = 20261129, STEPS = 200 };

#define S   NS_PER_S
#define DAY (86400 * S)

/* The row says that the clock was so far ahead less, as if it had been set forward since; the rig's
 * store, as one that has not looked since. */
static void set_by(struct rig *r, int64_t by)
{
    char sql[128];

    (void)snprintf(sql, sizeof sql, "UPDATE clock SET ahead = ahead - %lld", (long long)by);
    rig_sql(r, sql);
    r->s->clock.ahead -= by;
    r->s->clock.base -= by;
}

/* A write transaction that writes nothing itself. */
static void look(struct rig *r)
{
    rig_begin(r);
    rig_commit(r);
}

/* Jobs that wait, sleep, are called (one asked for it), run, and are over, with times that are all
 * of the last hour or the next. */
static void fill(struct rig *r, int64_t now)
{
    static const char text[] =
        "INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status, "
        "created_at,"
        " updated_at, queued_at, scope, group_id, not_before, valid_until, admitted_at, started_at,"
        " finished_at, hosts, next_try, hold_until, receiver) VALUES"
        " ('t', 'waits', 'o', '{}', 'a', 1, 'queued', n-9, n-9, n-9, '', 1, NULL, n+9, NULL, NULL,"
        " NULL, NULL, NULL, NULL, 'r'),"
        " ('t', 'sleeps', 'o', '{}', 'b', 2, 'queued', n-9, n-9, n-9, '', NULL, n+9, NULL, NULL,"
        " NULL, NULL, NULL, NULL, NULL, 'r'),"
        " ('t', 'called', 'o', '{}', 'c', 3, 'admitted', n-9, n-9, n-9, '', NULL, NULL, NULL, n-8,"
        " NULL, NULL, '{}', n+7, n+9, 'r'),"
        " ('t', 'asked', 'o', '{}', 'd', 4, 'admitted', n-9, n-9, n-9, '', NULL, NULL, NULL, n-8,"
        " NULL, NULL, '{}', -5, n+9, 'r'),"
        " ('t', 'runs', 'o', '{}', 'e', 5, 'running', n-9, n-9, n-9, '', NULL, NULL, NULL, n-8, "
        "n-7,"
        " NULL, '{}', NULL, NULL, 'r'),"
        " ('t', 'over', 'o', '{}', 'f', 6, 'finished', n-9, n-9, n-9, '', NULL, NULL, NULL, n-8,"
        " n-7, n-6, '{}', NULL, NULL, 'r');"
        "INSERT INTO holds (queue, host, resource, job_id, since, amount, until) VALUES"
        " ('t', 'h', 'x', 3, n-8, 1, NULL), ('t', 'h', 'x', 5, n-8, 1, n+5);"
        "INSERT INTO receivers VALUES ('http://r', 3, n-9, n-2, n+4, 5, 'e'),"
        " ('http://q', 1, n-9, n-2, NULL, 0, 'e');"
        "INSERT INTO groups VALUES (1, 't', '', 'o', 's', 'W', 'm', 0, n-3, 1, 1, n-9);"
        "INSERT INTO readings (queue, tried_at, ns, read_at) VALUES ('t', n-1, 0, n-1);"
        "INSERT INTO queues (type, version, last_priority, waiting) VALUES ('t', 1, 6, 2);"
        "INSERT INTO events (job_id, n, at, who, event) VALUES (6, 1, n-6, 'w', 'status');"
        "INSERT INTO answers VALUES ('t', '', 'k', zeroblob(32), 201, NULL, NULL, '', n-9);";
    char sql[8192], number[32];
    const char *p;
    size_t n = 0;

    (void)snprintf(number, sizeof number, "%lld", (long long)now);
    for (p = text; *p; p++) { /* n+9 is nine minutes from now */
        if (*p == 'n' && (p[1] == '+' || p[1] == '-') && p[2] >= '0' && p[2] <= '9') {
            n +=
                (size_t)snprintf(sql + n, sizeof sql - n, "%s%c%c*60000000000", number, p[1], p[2]);
            p += 2;
        } else {
            sql[n++] = *p;
        }
    }
    sql[n] = '\0';
    rig_sql(r, sql);
}

/* How far everything is from where `fill` has put it, in two sums: what is to move, and how often
 * it is in the sum; what is to stay. @ is fill's now. */
static const char moves[] =
    "SELECT (SELECT sum(queued_at - @) FROM jobs WHERE status <> 'finished')"
    " + (SELECT sum(hold_until - @) FROM jobs)"
    " + (SELECT next_try - @ FROM jobs WHERE request_id = 'called')"
    " + (SELECT sum(until - @) FROM holds) + (SELECT sum(since - @) + sum(failed_at - @)"
    " + sum(paused_until - @) FROM receivers) + (SELECT reason_at - @ FROM groups)"
    " + (SELECT tried_at - @ + read_at - @ FROM readings)";
enum { MOVES = 5 + 2 + 1 + 1 + 5 + 1 + 2 };
static const char stays[] =
    "SELECT (SELECT sum(created_at - @) + sum(updated_at - @) + sum(not_before - @)"
    " + sum(valid_until - @) + sum(admitted_at - @) + sum(started_at - @) + sum(finished_at - @)"
    " FROM jobs) + (SELECT queued_at - @ FROM jobs WHERE request_id = 'over')"
    " + (SELECT next_try FROM jobs WHERE request_id = 'asked') + (SELECT sum(since - @) FROM holds)"
    " + (SELECT max(at) - @ FROM events) + (SELECT created_at - @ FROM answers)";

/* The text with each @ replaced. */
static int64_t sum(struct rig *r, const char *text)
{
    char sql[4096];
    size_t n = 0;

    for (; *text; text++) {
        if (*text == '@')
            n += (size_t)snprintf(sql + n, sizeof sql - n, "%lld", (long long)r->now);
        else
            sql[n++] = *text;
    }
    sql[n] = '\0';
    return rig_ask(r, sql);
}

/* All that moves has moved by that, give or take a second: what the clocks say of each other
 * differs by less than the moment between two looks. */
static void has_moved(struct rig *r, int64_t before, int64_t by)
{
    int64_t each = (sum(r, moves) - before) / MOVES;

    assert_in_range(each - by + S, 0, 2 * S);
}

/* A database as it was filled by a clock that has been set by so much since. */
static void make(struct rig *r, int64_t by)
{
    rig_make(r, "queues: {t: {capacity: none}}\ncallback: {hold: 1h, pause: 1h}\n");
    look(r);
    r->now = clock_now() - by;
    fill(r, r->now);
}

static void all_that_waits_for_a_time_moves_and_nothing_else(void **state)
{
    static const int64_t steps[] = {DAY, -DAY, 4 * S, -4 * S, 12 * 365 * DAY, -10 * 365 * DAY};
    struct rig r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(steps); i++) {
        int64_t before, fixed, version;

        make(&r, steps[i]);
        before = sum(&r, moves);
        fixed = sum(&r, stays);
        version = rig_ask(&r, "SELECT version FROM queues");
        set_by(&r, steps[i]);
        look(&r);
        look(&r); /* once only */
        has_moved(&r, before, steps[i]);
        assert_int_equal(sum(&r, stays), fixed);
        assert_int_equal(rig_ask(&r, "SELECT count(*) FROM groups g JOIN jobs j"
                                     " ON j.id = g.head_id WHERE j.queued_at <> g.head_queued_at"),
                         0);
        assert_int_equal(rig_ask(&r, "SELECT version FROM queues"), version + 1);
        assert_in_range(store_clock_shifted(r.s) - steps[i] + S, 0, 2 * S);
        rig_free(&r);
    }
}

static void less_than_a_step_is_none_until_it_has_become_one(void **state)
{
    struct rig r;
    int64_t before;

    (void)state;
    make(&r, 4 * S);
    before = sum(&r, moves);
    set_by(&r, 2 * S);
    assert_false(store_clock_moved(r.s));
    look(&r);
    assert_int_equal(sum(&r, moves), before);
    set_by(&r, 2 * S);
    assert_true(store_clock_moved(r.s));
    look(&r);
    has_moved(&r, before, 4 * S);
    rig_free(&r);
}

static void what_is_rolled_back_is_done_by_the_next(void **state)
{
    struct rig r;
    int64_t before;

    (void)state;
    make(&r, DAY);
    before = sum(&r, moves);
    set_by(&r, DAY);
    rig_begin(&r);
    store_rollback(r.s);
    assert_int_equal(sum(&r, moves), before);
    assert_true(store_clock_moved(r.s));
    look(&r);
    has_moved(&r, before, DAY);
    assert_in_range(store_clock_shifted(r.s) - DAY + S, 0, 2 * S); /* and told once */
    assert_false(store_clock_moved(r.s));
    rig_free(&r);
}

static int agrees(struct rig *r)
{
    struct err e;
    int rc;

    OK(store_read_begin(r->s, &e), &e);
    rc = store_clock_agrees(r->s, &e);
    store_read_end(r->s);
    return rc;
}

/* Another process was first: what this one has read before says nothing about what is due. */
static void another_has_followed(void **state)
{
    struct rig r, other;

    (void)state;
    make(&r, DAY);
    assert_int_equal(agrees(&r), 1);
    set_by(&r, DAY);
    assert_int_equal(agrees(&r), 0);
    other = r;
    rig_open(&other);
    look(&other);
    assert_int_equal(store_clock_shifted(other.s), 0); /* it remembers nothing from before */
    store_close(other.s);
    assert_int_equal(agrees(&r), 0);
    look(&r);
    assert_int_equal(agrees(&r), 1);
    assert_in_range(store_clock_shifted(r.s) - DAY + S, 0, 2 * S);
    rig_free(&r);
}

/* Another has followed a step that was taken back at once: what he has moved is moved back. */
static void set_forth_and_back_while_another_looks(void **state)
{
    struct rig r;
    int64_t before;

    (void)state;
    make(&r, 0);
    before = sum(&r, moves);
    rig_sql(&r, "UPDATE clock SET ahead = ahead + 3600000000000");
    rig_sql(&r, "UPDATE jobs SET queued_at = queued_at + 3600000000000 WHERE status <> 'finished'");
    assert_false(store_clock_moved(r.s)); /* as far as it can know */
    assert_int_equal(agrees(&r), 0);
    assert_true(store_clock_moved(r.s));
    look(&r);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM jobs WHERE hold_until IS NOT NULL"), 2);
    assert_in_range(sum(&r, moves) - before + (MOVES - 5) * 3600 * S + S, 0, 2 * S);
    assert_int_equal(agrees(&r), 1);
    assert_in_range(store_clock_shifted(r.s) + S, 0, 2 * S);
    rig_free(&r);
}

static void forget(struct rig *r, const char *sql)
{
    rig_sql(r, sql);
    store_close(r->s);
    rig_open(r);
}

static void after_another_start_a_clock_that_is_behind_has_not_gone_on(void **state)
{
    struct rig r;
    int64_t before, seen;
    char sql[256];

    (void)state;
    make(&r, -5 * DAY);
    before = sum(&r, moves);
    seen = clock_now() + 5 * DAY;
    (void)snprintf(
        sql, sizeof sql,
        "UPDATE clock SET boot = 'another'; INSERT INTO events (job_id, n, at, who, event)"
        " VALUES (6, 2, %lld, 'w', 'status')",
        (long long)seen);
    forget(&r, sql);
    look(&r);
    has_moved(&r, before, clock_now() - seen);
    assert_int_equal(rig_ask(&r, "SELECT boot <> 'another' FROM clock"), 1);
    assert_in_range(rig_ask(&r, "SELECT latest FROM clock") - seen + 60 * S, 0, 120 * S);
    rig_free(&r);
}

static void after_another_start_a_clock_that_is_ahead_has_gone_on(void **state)
{
    struct rig r;
    int64_t before;

    (void)state;
    make(&r, 0);
    before = sum(&r, moves);
    forget(&r, "UPDATE clock SET boot = 'another', ahead = 5, seen = seen - 86400000000000");
    look(&r);
    assert_int_equal(sum(&r, moves), before);
    rig_free(&r);
}

/* Found by review: what was noted before the clock was set back is later than all that came since,
 * and everything was moved back once more. */
static void another_start_after_a_step_back_moves_nothing(void **state)
{
    struct rig r;
    int64_t before;

    (void)state;
    make(&r, -DAY);
    set_by(&r, -DAY);
    look(&r);
    before = sum(&r, moves);
    forget(&r, "UPDATE clock SET boot = 'another'");
    look(&r);
    assert_int_equal(sum(&r, moves), before);
    rig_free(&r);
}

/* Found by review: where the start's name cannot be read, each process took the row of the other
 * for one of another start, and moved everything for it. */
static void without_a_name_of_the_start_it_is_the_same_start(void **state)
{
    struct rig r;
    int64_t before;

    (void)state;
    make(&r, 0);
    before = sum(&r, moves);
    rig_sql(&r, "UPDATE clock SET boot = '', ahead = ahead + 12345");
    look(&r);
    assert_int_equal(rig_ask(&r, "SELECT boot = '' FROM clock"), 1); /* nothing was to be written */
    assert_int_equal(sum(&r, moves), before);
    rig_sql(&r, "UPDATE clock SET boot = ''");
    set_by(&r, -DAY);
    look(&r);
    has_moved(&r, before, -DAY);
    look(&r);
    has_moved(&r, before, -DAY);
    rig_free(&r);
}

/* A database that an earlier version left with a hold of a day: the clock had been set back. */
static void nothing_is_further_away_than_it_can_be(void **state)
{
    struct rig r;

    (void)state;
    make(&r, 0);
    forget(&r, "DELETE FROM clock; UPDATE jobs SET queued_at = queued_at + 86400000000000;"
               "UPDATE jobs SET next_try = next_try + 86400000000000, hold_until = hold_until"
               " + 86400000000000 WHERE next_try > 0; UPDATE holds SET until = until"
               " + 86400000000000; UPDATE receivers SET paused_until = paused_until"
               " + 864000000000000, failed_at = failed_at + 86400000000000");
    look(&r);
    assert_in_range(rig_ask(&r, "SELECT max(queued_at) FROM jobs WHERE status <> 'finished'"), 0,
                    clock_now());
    assert_in_range(rig_ask(&r, "SELECT max(max(hold_until), max(next_try)) FROM jobs"),
                    clock_now(), clock_now() + 3960 * S); /* an hour and a tenth */
    assert_in_range(rig_ask(&r, "SELECT max(until) FROM holds"), clock_now(),
                    clock_now() + 300 * S);
    assert_in_range(rig_ask(&r, "SELECT max(paused_until) FROM receivers"), clock_now(),
                    clock_now() + 36000 * S);
    assert_in_range(rig_ask(&r, "SELECT max(failed_at) FROM receivers"), 0, clock_now());
    assert_int_equal(rig_ask(&r, "SELECT next_try FROM jobs WHERE request_id = 'asked'"), -5);
    rig_free(&r);
}

/* What was recorded before a step is gone when it is `kept` old, by the time that has gone by; what
 * comes after it is never gone sooner. Random steps, and a slow reference that knows the true age.
 */
static void nothing_is_older_for_a_step(void **state)
{
    struct rig r;
    struct err e;
    int64_t wall = INT64_C(1700000000) * S, real = 0, at[STEPS], begun[STEPS], then;
    const int64_t kept = 10 * DAY;
    struct prop p = prop_begin("steps", SEED);
    size_t i, k;

    (void)state;
    rig_make(&r, "");
    look(&r);
    for (i = 0; i < STEPS; i++) {
        int64_t step = prop_between(&p, -4, 4) * DAY / 2, gone = prop_between(&p, 0, 2 * 86400) * S;

        wall += gone;
        real += gone;
        if (prop_one_in(&p, 3)) {
            wall += step;
            r.s->clock.stepped_at = wall;
            r.s->clock.stepped += step > 0 ? step : 0;
        }
        at[i] = wall;
        begun[i] = real;
        OK(store_clock_ago(r.s, wall, kept, &then, &e), &e);
        for (k = 0; k <= i; k++) {
            if (at[k] <= then)
                assert_true(real - begun[k] >= kept);
        }
    }
    /* Without a further step nothing stays for ever: twice as long is enough. */
    OK(store_clock_ago(r.s, wall + 2 * kept + 30 * DAY, kept, &then, &e), &e);
    for (k = 0; k < STEPS; k++)
        assert_true(at[k] <= then);
    rig_free(&r);
}

static void a_moment_of_another_clock(void **state)
{
    struct rig r;
    int64_t ahead;

    (void)state;
    rig_make(&r, "");
    assert_int_equal(store_clock_since(r.s, 7, 1), 7); /* it has not looked yet */
    look(&r);
    ahead = r.s->clock.ahead;
    assert_int_equal(store_clock_since(r.s, 7, ahead + S), 7);
    assert_int_equal(store_clock_since(r.s, 7, ahead - DAY), 7 + DAY);
    assert_int_equal(store_clock_since(r.s, 7 + DAY, ahead + DAY), 7);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(all_that_waits_for_a_time_moves_and_nothing_else),
        cmocka_unit_test(less_than_a_step_is_none_until_it_has_become_one),
        cmocka_unit_test(what_is_rolled_back_is_done_by_the_next),
        cmocka_unit_test(another_has_followed),
        cmocka_unit_test(set_forth_and_back_while_another_looks),
        cmocka_unit_test(after_another_start_a_clock_that_is_behind_has_not_gone_on),
        cmocka_unit_test(after_another_start_a_clock_that_is_ahead_has_gone_on),
        cmocka_unit_test(another_start_after_a_step_back_moves_nothing),
        cmocka_unit_test(without_a_name_of_the_start_it_is_the_same_start),
        cmocka_unit_test(nothing_is_further_away_than_it_can_be),
        cmocka_unit_test(nothing_is_older_for_a_step),
        cmocka_unit_test(a_moment_of_another_clock),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
