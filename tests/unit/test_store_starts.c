/* SPDX-License-Identifier: MIT */
/* The history of starts: what a pass writes, what is kept of it, and what /wait makes of it. */
#include "pass_rig.h"
#include "rig_sql.h"

#include "store_wait.h"

#define DAY (86400 * NS_PER_S)

static const char queues[] =
    "queues:\n"
    "  vm:\n"
    "    capacity: static\n"
    "    pools:\n"
    "      p0: {projects: [a, b], hosts: {n0: {VCPU: 4, Memory: 100}}}\n"
    "      p1: {projects: [b], hosts: {n1: {VCPU: 4, Memory: 100}}}\n"
    "      p2: {projects: [c], hosts: {n2: {VCPU: 8}}}\n"
    "  runs: {capacity: static, run_limit: 4, pools: {p: {hosts: {n: {slot: 100}}}}}\n";

#define VM(p, n) "{\"project\":\"" p "\",\"instances\":[{\"VCPU\":" #n "}]}"

static struct store_wait ask(struct rig *r, const char *type, const char *id)
{
    struct store_wait w;
    struct err e;

    OK(store_wait(r->s, str_of(type), str_of(id), r->now, &w, &e), &e);
    (void)snprintf(r->text, sizeof r->text, "%.*s", (int)w.why.n, w.why.p);
    return w;
}

static const char *text_of(struct rig *r, const char *sql)
{
    sqlite3 *db = rig_sqlite(r);
    sqlite3_stmt *st;

    assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    (void)snprintf(r->text, sizeof r->text, "%s", (const char *)sqlite3_column_text(st, 0));
    sqlite3_finalize(st);
    sqlite3_close(db);
    return r->text;
}

/* ---- what a pass writes ---- */

static void a_pass_writes_a_row_for_each_lane_that_it_served(void **state)
{
    char want[128];
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", VM("a", 2));
    (void)rig_add(&r, "vm", "b", VM("b", 4));
    (void)rig_add(&r, "vm", "nothing", "{\"project\":\"a\"}");
    (void)rig_add(&r, "runs", "r", "{\"resources\":{\"slot\":1}}");
    assert_int_equal(rig_pass(&r).admitted, 4);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM starts"), 3);
    assert_string_equal(text_of(&r, "SELECT totals FROM starts WHERE totals LIKE '200%'"),
                        "200 Memory\n8 VCPU\n");
    (void)snprintf(want, sizeof want, "%lld %lld 500000 1\n",
                   (long long)rig_ask(&r, "SELECT queued_at FROM jobs WHERE request_id = 'a'"),
                   (long long)rig_ask(&r, "SELECT priority FROM jobs WHERE request_id = 'a'"));
    assert_string_equal(text_of(&r, "SELECT starts FROM starts WHERE totals LIKE '100 Memory%'"),
                        want);
    assert_non_null(
        strstr(text_of(&r, "SELECT starts FROM starts WHERE queue = 'runs'"), " 250000 1"));
    (void)rig_add(&r, "vm", "never", VM("a", 5));
    (void)rig_pass(&r);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM starts"), 3);
    rig_free(&r);
}

/* It slept at first, or ran already: neither is waiting. */
static void only_the_wait_in_line_counts(void **state)
{
    struct err e;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "j", VM("a", 2));
    rig_sql(&r, "UPDATE jobs SET not_before = queued_at + 50000000000");
    assert_int_equal(rig_pass(&r).admitted, 1);
    assert_int_equal(rig_ask(&r, "SELECT CAST(starts AS INTEGER) - queued_at FROM starts, jobs"),
                     50 * NS_PER_S);
    OK(rig_change(&r, "vm", "j", "{\"status\":\"queued\"}", &e), &e);
    assert_int_equal(rig_pass(&r).admitted, 1);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM starts"), 1);
    rig_free(&r);
}

static void many_of_one_pass_stand_in_few_lines(void **state)
{
    char name[16];
    struct rig r;
    int i;

    (void)state;
    rig_make(&r, "queues:\n  lab: {capacity: static, pools: {p: {hosts: {n: {gpu: 100}}}}}\n");
    for (i = 0; i < 100; i++) {
        (void)snprintf(name, sizeof name, "j%d", i);
        (void)rig_add(&r, "lab", name, "{\"resources\":{\"gpu\":1}}");
    }
    assert_int_equal(rig_pass(&r).admitted, 100);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM starts"), 1);
    assert_int_equal(rig_ask(&r, "SELECT length(starts) - length(replace(starts, char(10), ''))"
                                 " FROM starts"),
                     STORE_STARTS_A_PASS);
    assert_int_equal(rig_ask(&r, "SELECT starts LIKE '% 10000 4%' AND starts LIKE '% 10000 3%'"
                                 " FROM starts"),
                     1);
    rig_free(&r);
}

/* ---- what is kept, and read ---- */

static void add_start(struct rig *r, const char *queue, int64_t lane, int64_t queued_at, int64_t at)
{
    const struct store_amount total[] = {{STR_LIT("VCPU"), 4, 0}};
    struct store_start start = {queued_at, queued_at, 250000, 1};
    struct store_starts starts = {str_of(queue), lane, 1, total, 1, &start};
    struct err e;

    rig_begin(r);
    OK(store_starts_add(r->s, &starts, at, &e), &e);
    rig_commit(r);
}

static void the_newest_are_kept_of_each_lane(void **state)
{
    struct rig r;
    int i;

    (void)state;
    rig_make(&r, queues);
    add_start(&r, "vm", 8, 1, 2);
    for (i = 0; i < STORE_STARTS_KEPT + 20; i++)
        add_start(&r, "vm", 7, i, i + 1);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM starts WHERE lane = 7"), STORE_STARTS_KEPT);
    assert_int_equal(rig_ask(&r, "SELECT min(n) FROM starts WHERE lane = 7"), 21);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM starts WHERE lane = 8"), 1);
    rig_free(&r);
}

static void what_is_old_goes(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    add_start(&r, "vm", 7, r.now - 91 * DAY, r.now - 91 * DAY);
    add_start(&r, "vm", 7, r.now - 89 * DAY, r.now - 89 * DAY);
    (void)rig_purge(&r, r.now);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM starts"), 1);
    assert_int_equal(rig_ask(&r, "SELECT n FROM starts"), 2);
    rig_free(&r);
}

/* ---- what /wait makes of it ---- */

/* A lane of project a in which one starts a minute, each after ten minutes. */
static void make_history(struct rig *r, int starts)
{
    int64_t lane = pool_mix(0, STR_LIT("p0"));
    int i;

    for (i = starts; i > 0; i--) {
        int64_t at = r->now - i * 60 * NS_PER_S;

        add_start(r, "vm", lane, at - 600 * NS_PER_S, at);
    }
}

static void give_reason(struct rig *r, const char *reason)
{
    struct err e;

    rig_begin(r);
    OK(store_group_reason(r->s, 1, str_of(reason), STR_LIT("m"), r->now, &e), &e);
    rig_commit(r);
}

static void a_job_is_told_between_which_times_it_starts(void **state)
{
    struct store_wait w, behind;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    make_history(&r, 100);
    (void)rig_add(&r, "vm", "first", VM("a", 1));
    (void)rig_add(&r, "vm", "other-lane", VM("b", 1));
    (void)rig_add(&r, "vm", "j", VM("a", 1));
    assert_false(ask(&r, "vm", "j").estimated);
    assert_string_equal(r.text, "no pass has looked at it yet");
    give_reason(&r, JOB_REASON_WAITING);
    w = ask(&r, "vm", "first");
    assert_true(w.estimated);
    assert_in_range(w.samples, 80, 100);
    assert_in_range(w.low, r.now, r.now + 60 * NS_PER_S);
    assert_in_range(w.high, r.now + 54 * NS_PER_S, r.now + 100 * NS_PER_S);
    assert_int_equal(w.low % NS_PER_S + w.high % NS_PER_S, 0);
    assert_non_null(strstr(r.text, "most likely between the two"));
    behind = ask(&r, "vm", "j");
    assert_int_equal(behind.pool_ahead.jobs, 2);
    assert_true(behind.high - r.now > (w.high - r.now) * 3 / 2);
    assert_true(behind.high - r.now < (w.high - r.now) * 5 / 2); /* the other lane does not count */
    rig_free(&r);
}

static void where_it_cannot_be_known_it_says_so(void **state)
{
    static const struct {
        const char *reason, *why;
    } told[] = {
        {JOB_REASON_NEVER_FITS, "it does not fit on what there is, free or not"},
        {JOB_REASON_NO_POOL, "no pool with a host serves it"},
        {JOB_REASON_SOURCE, "its source cannot be read: nobody knows for how long"},
        {JOB_REASON_QUOTA,
         "it waits for its project's quota, of which the queue's past says nothing"},
        {JOB_REASON_OWNER_LIMIT, "it waits for its owner's other jobs to end"},
        {JOB_REASON_UNDECIDED, "whether it fits is not known"},
    };
    struct rig r;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    make_history(&r, 100);
    (void)rig_add(&r, "vm", "j", VM("a", 1));
    for (i = 0; i < ARRAY_LEN(told); i++) {
        give_reason(&r, told[i].reason);
        assert_false(ask(&r, "vm", "j").estimated);
        assert_string_equal(r.text, told[i].why);
    }
    give_reason(&r, JOB_REASON_FRAGMENTED);
    assert_true(ask(&r, "vm", "j").estimated);
    give_reason(&r, JOB_REASON_BLOCKED);
    assert_true(ask(&r, "vm", "j").estimated);
    rig_free(&r);
}

static void too_little_history_is_said(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "j", VM("a", 1));
    give_reason(&r, JOB_REASON_WAITING);
    assert_false(ask(&r, "vm", "j").estimated);
    assert_non_null(strstr(r.text, "a wait like its own: 0 (12"));
    make_history(&r, 5);
    assert_false(ask(&r, "vm", "j").estimated);
    assert_non_null(strstr(r.text, "a wait like its own: 5 (12"));
    rig_free(&r);
}

/* What others may have written there is passed over, never believed. */
static void rows_that_make_no_sense_are_passed_over(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    make_history(&r, 20);
    rig_sql(&r, "UPDATE starts SET totals = 'VCPU' || char(10) || '-1 VCPU' || char(10) || '4'"
                " WHERE n = 20; UPDATE starts SET starts = 'a' WHERE n = 1;"
                " UPDATE starts SET starts = '1 2 3' WHERE n = 2;"
                " UPDATE starts SET starts = '1 2 0 1' || char(10) || '1 2 3 0' WHERE n = 3;"
                " UPDATE starts SET starts = '9223372036854775807 2 3 1' WHERE n = 4;"
                " UPDATE starts SET starts = '' WHERE n = 5;");
    (void)rig_add(&r, "vm", "j", VM("a", 1));
    give_reason(&r, JOB_REASON_WAITING);
    assert_true(ask(&r, "vm", "j").estimated);
    assert_non_null(strstr(r.text, "from 15 starts"));
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_pass_writes_a_row_for_each_lane_that_it_served),
        cmocka_unit_test(only_the_wait_in_line_counts),
        cmocka_unit_test(many_of_one_pass_stand_in_few_lines),
        cmocka_unit_test(the_newest_are_kept_of_each_lane),
        cmocka_unit_test(what_is_old_goes),
        cmocka_unit_test(a_job_is_told_between_which_times_it_starts),
        cmocka_unit_test(where_it_cannot_be_known_it_says_so),
        cmocka_unit_test(too_little_history_is_said),
        cmocka_unit_test(rows_that_make_no_sense_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
