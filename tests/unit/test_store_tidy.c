/* SPDX-License-Identifier: MIT */
/* What the clock brings up: jobs that wake or end, a thousand at a time, and those whose data can
 * no longer be read. */
#include "rig.h"

#define ONE "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"

static const char queues[] = "queues:\n"
                             "  vm:\n"
                             "    capacity: static\n"
                             "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n";

static bool count_group(void *ctx, const struct store_group *g)
{
    (void)g;
    ++*(int *)ctx;
    return true;
}

static int groups(struct rig *r)
{
    struct err e;
    int n = 0;

    OK(store_groups(r->s, 0, count_group, &n, &e), &e);
    return n;
}

static enum job_status status_of(struct rig *r, const char *id)
{
    struct job j;
    struct err e;

    OK(store_show(r->s, STR_LIT("vm"), str_of(id), &j, &e), &e);
    return j.status;
}

static void the_clock_wakes_and_ends_jobs(void **state)
{
    struct store_tidied t;
    struct rig r;
    struct err e;
    struct job j;
    int64_t when, start, end;

    (void)state;
    rig_make(&r, queues);
    OK(clock_parse(STR_LIT("2024-01-01T00:00:00Z"), &start), &e);
    OK(clock_parse(STR_LIT("2024-01-02T00:00:00Z"), &end), &e);
    OK(rig_post(
           &r, "vm",
           "{\"request_id\":\"a\",\"owner_id\":\"o\",\"callback\":\"http://x/1\",\"data\":" ONE
           ",\"not_before\":\"2024-01-01T00:00:00Z\",\"valid_until\":\"2024-01-02T00:00:00Z\"}",
           &j, &e),
       &e);
    assert_int_equal(groups(&r), 0);
    OK(store_next_moment(r.s, &when, &e), &e);
    assert_int_equal(when, start);
    assert_int_equal(store_untidy(r.s, start - 1, &e), 0);
    assert_int_equal(store_untidy(r.s, start, &e), 1);
    rig_begin(&r);
    OK(store_tidy(r.s, start, &t, &e), &e);
    rig_commit(&r);
    assert_int_equal(t.woken, 1);
    assert_int_equal(groups(&r), 1);
    OK(store_next_moment(r.s, &when, &e), &e);
    assert_int_equal(when, end);
    rig_begin(&r);
    OK(store_tidy(r.s, end, &t, &e), &e);
    rig_commit(&r);
    assert_int_equal(t.expired, 1);
    assert_int_equal(status_of(&r, "a"), JOB_EXPIRED);
    OK(store_next_moment(r.s, &when, &e), &e);
    assert_int_equal(when, INT64_MAX);
    rig_free(&r);
}

static int64_t waits_since(struct rig *r)
{
    struct err e;
    int64_t since = 0;

    assert_int_equal(store_oldest_waiting(r->s, &since, &e), 1);
    return since;
}

/* Else it would hold the line as soon as it stands in it. */
static void time_asleep_is_no_wait(void **state)
{
    /* What is done an hour after the job's not_before, at 2024-01-01T01:00:00Z, or before it. */
    static const struct {
        const char *change; /* NULL: the clock wakes it */
        bool before;
        int64_t ns; /* from its not_before: its wait; INT64_MAX: it begins with the change */
    } way[] = {{NULL, false, 0},
               {"{\"not_before\":null}", false, 0},
               {"{\"data\":{\"project\":\"p\",\"instances\":[{\"VCPU\":2}]}}", false, 0},
               {"{\"not_before\":\"2024-01-01T00:30:00Z\"}", false, 1800 * NS_PER_S},
               {"{\"not_before\":null}", true, INT64_MAX},
               {"{\"not_before\":\"2023-11-01T00:00:00Z\"}", true, INT64_MAX}};
    struct store_tidied t;
    struct rig r;
    struct err e;
    struct job j;
    int64_t start;
    size_t i;

    (void)state;
    OK(clock_parse(STR_LIT("2024-01-01T00:00:00Z"), &start), &e);
    for (i = 0; i < ARRAY_LEN(way); i++) {
        rig_make(&r, queues);
        OK(rig_post(
               &r, "vm",
               "{\"request_id\":\"a\",\"owner_id\":\"o\",\"callback\":\"http://x/1\",\"data\":" ONE
               ",\"not_before\":\"2024-01-01T00:00:00Z\"}",
               &j, &e),
           &e);
        r.now = start + (way[i].before ? -3600 : 3600) * NS_PER_S;
        if (way[i].change)
            OK(rig_change(&r, "vm", "a", way[i].change, &e), &e);
        rig_begin(&r);
        OK(store_tidy(r.s, r.now, &t, &e), &e);
        rig_commit(&r);
        assert_int_equal(t.woken, way[i].change == NULL);
        assert_int_equal(waits_since(&r), way[i].ns == INT64_MAX ? r.now : start + way[i].ns);
        rig_free(&r);
    }
}

/* Also where somebody took it meanwhile without a pass, and it came back. */
static void a_job_that_comes_back_has_not_waited_before_its_time(void **state)
{
    struct rig r;
    struct err e;
    struct job j;
    int64_t start;

    (void)state;
    rig_make(&r, queues);
    OK(clock_parse(STR_LIT("2024-01-01T00:00:00Z"), &start), &e);
    OK(rig_post(&r, "vm",
                "{\"request_id\":\"a\",\"owner_id\":\"o\",\"callback\":\"http://x/1\",\"data\":" ONE
                ",\"not_before\":\"2024-01-01T00:00:00Z\"}",
                &j, &e),
       &e);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"running\"}", &e), &e);
    r.now = start + 3600 * NS_PER_S;
    OK(rig_change(&r, "vm", "a", "{\"status\":\"queued\"}", &e), &e);
    assert_int_equal(waits_since(&r), start);
    rig_free(&r);
}

/* Found by review: its wait began anew. */
static void a_job_that_is_awake_goes_on_waiting_whatever_its_time_was(void **state)
{
    struct rig r;
    struct err e;
    int64_t since;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    since = waits_since(&r);
    r.now += 7200 * NS_PER_S; /* to midnight and some minutes, UTC */
    OK(rig_change(&r, "vm", "a", "{\"not_before\":\"2023-11-15T00:00:00Z\"}", &e), &e);
    assert_int_equal(waits_since(&r), since);
    rig_free(&r);
}

/* 1,500 jobs that sleep until `start`, in one transaction. */
static void add_many_sleepers(struct rig *r, int64_t start)
{
    struct job_new n = {.type = STR_LIT("vm"),
                        .owner_id = STR_LIT("o"),
                        .data = STR_LIT(ONE),
                        .scope = STR_LIT("project:p"),
                        .not_before = start};
    char name[16];
    struct err e;
    struct job j;
    int i;

    rig_begin(r);
    for (i = 0; i < 1500; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        n.request_id = n.callback = str_of(name);
        OK(store_create(r->s, &n, r->now, &j, &e), &e);
    }
    rig_commit(r);
}

/* So that no transaction keeps the others waiting for long. */
static void what_the_clock_brings_up_is_done_by_the_thousand(void **state)
{
    static const int64_t woken[] = {1000, 500};
    int64_t start;
    struct store_tidied t;
    struct rig r;
    struct err e;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    start = r.now + 2 * 86400 * NS_PER_S;
    add_many_sleepers(&r, start);
    for (i = 0; i < ARRAY_LEN(woken); i++) {
        assert_int_equal(store_untidy(r.s, start, &e), 1);
        rig_begin(&r);
        OK(store_tidy(r.s, start, &t, &e), &e);
        rig_commit(&r);
        assert_int_equal(t.woken, woken[i]);
        assert_int_equal(t.more, i < 1);
    }
    assert_int_equal(store_untidy(r.s, start, &e), 0);
    rig_free(&r);
}

/* As an earlier version may have taken it. */
static void data_that_can_no_longer_be_read_holds_its_job_and_nobody_else(void **state)
{
    static const char data[] =
        "{\"project\":\"a\\nb\",\"instances\":[{\"VCPU\":1,\"traits\":\"x\"}]}";
    struct job_new n = {.type = STR_LIT("vm"),
                        .request_id = STR_LIT("old"),
                        .owner_id = STR_LIT("o"),
                        .callback = STR_LIT("old"),
                        .data = STR_LIT(data),
                        .scope = STR_LIT("project:a\nb")};
    struct store_tidied t;
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, queues);
    n.not_before = r.now + NS_PER_S;
    rig_begin(&r);
    OK(store_create(r.s, &n, r.now, &j, &e), &e);
    n.request_id = n.callback = STR_LIT("new");
    n.data = STR_LIT(ONE);
    n.scope = STR_LIT("project:p");
    OK(store_create(r.s, &n, r.now, &j, &e), &e);
    OK(store_tidy(r.s, r.now + NS_PER_S, &t, &e), &e);
    rig_commit(&r);
    assert_int_equal(groups(&r), 1);
    assert_int_equal(status_of(&r, "new"), JOB_QUEUED);
    assert_int_equal(status_of(&r, "old"), JOB_HELD);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("old"), &j, &e), &e);
    assert_true(str_is(j.reason, "DataInvalid"));
    assert_non_null(strstr(j.message.p, "traits must be an array"));
    r.now += 2 * NS_PER_S;
    OK(rig_change(&r, "vm", "old", "{\"data\":" ONE ",\"status\":\"queued\"}", &e), &e);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("old"), &j, &e), &e);
    assert_true(str_is(j.reason, "WaitingForCapacity"));
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_clock_wakes_and_ends_jobs),
        cmocka_unit_test(time_asleep_is_no_wait),
        cmocka_unit_test(a_job_that_comes_back_has_not_waited_before_its_time),
        cmocka_unit_test(a_job_that_is_awake_goes_on_waiting_whatever_its_time_was),
        cmocka_unit_test(what_the_clock_brings_up_is_done_by_the_thousand),
        cmocka_unit_test(data_that_can_no_longer_be_read_holds_its_job_and_nobody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
