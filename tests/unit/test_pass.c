/* SPDX-License-Identifier: MIT */
/* Passes over a real database: what is admitted, what is held, what the others are told. */
#include "pass_rig.h"
#include "rig_sql.h"

static const char two_hosts[] = "queues:\n"
                                "  vm:\n"
                                "    capacity: static\n"
                                "    callback_base: http://127.0.0.1/cb/\n"
                                "    pools:\n"
                                "      host1:\n"
                                "        projects: [p]\n"
                                "        hosts: {n1: {VCPU: 4}, n2: {VCPU: 4}}\n";

/* The pass takes its own time from the clock, so what the tests write must not lie before it: the
 * rig's clock is set to it. */
static void begin(struct rig *r)
{
    rig_make(r, two_hosts);
    r->now = clock_now() - NS_PER_S;
}

static int64_t add(struct rig *r, const char *id, int vcpu, int count)
{
    char data[128];

    (void)snprintf(data, sizeof data,
                   "{\"project\":\"p\",\"instances\":[{\"VCPU\":%d,\"count\":%d}]}", vcpu, count);
    return rig_add(r, "vm", id, data);
}

static void create(struct rig *r, const char *id, const char *data)
{
    struct str type = STR_LIT("vm");
    struct json_doc *doc;
    struct job_new n;
    struct job j;
    struct err e;
    char json[256];

    (void)snprintf(json, sizeof json,
                   "{\"request_id\":\"%s\",\"owner_id\":\"o\",\"callback\":\"%s\",\"data\":%s}", id,
                   id, data);
    OK(json_in_parse(str_of(json), &doc, &e), &e);
    OK(job_parse_new(conf_queue(r->conf, type), type, json_in_root(doc), &n, &e), &e);
    OK(store_create(r->s, &n, ++r->now, &j, &e), &e);
    job_new_free(&n);
    json_in_free(doc);
}

static void set_running(struct rig *r, const char *id)
{
    struct job_change c = {.has_status = true, .status = JOB_RUNNING};
    struct err e;

    OK(store_change(r->s, STR_LIT("vm"), str_of(id), &c, &(struct store_match){0}, ++r->now, &e),
       &e);
}

/* Many jobs in one transaction. */
static void add_many(struct rig *r, int n, const char *data, bool running)
{
    char id[16];
    int i;

    rig_begin(r);
    for (i = 0; i < n; i++) {
        (void)snprintf(id, sizeof id, "many%d", i);
        create(r, id, data);
        if (running)
            set_running(r, id);
    }
    rig_commit(r);
}

static void add_amount(void *ctx, struct str host, struct str resource, int64_t amount)
{
    (void)host;
    (void)resource;
    *(int64_t *)ctx += amount;
}

static int64_t held(struct rig *r)
{
    int64_t sum = 0;
    struct err e;

    OK(store_holds(r->s, STR_LIT("vm"), r->now, add_amount, &sum, &e), &e);
    return sum;
}

static void test_admits_what_fits_and_holds_it(void **state)
{
    struct rig r;

    (void)state;
    begin(&r);
    (void)add(&r, "a", 3, 2);
    (void)add(&r, "b", 2, 1);
    (void)add(&r, "c", 1, 2);
    assert_int_equal(rig_pass(&r).admitted, 2);
    assert_int_equal(rig_status(&r, "vm", "a"), JOB_ADMITTED);
    assert_int_equal(rig_status(&r, "vm", "c"), JOB_ADMITTED);
    assert_int_equal(rig_status(&r, "vm", "b"), JOB_QUEUED);
    assert_string_equal(r.text, "WaitingForCapacity: needs 2 VCPU; 0 of 8 are free on its 2 hosts");
    assert_int_equal(held(&r), 8);
    rig_free(&r);
}

static void test_holds_count_in_the_next_pass(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    begin(&r);
    (void)add(&r, "a", 4, 2);
    assert_int_equal(rig_pass(&r).admitted, 1);
    (void)add(&r, "b", 4, 1);
    assert_int_equal(rig_pass(&r).admitted, 0);
    rig_begin(&r);
    OK(store_delete(r.s, STR_LIT("vm"), STR_LIT("a"), &(struct store_match){0}, clock_now(), &e),
       &e);
    rig_commit(&r);
    assert_int_equal(rig_pass(&r).admitted, 1);
    assert_int_equal(rig_status(&r, "vm", "b"), JOB_ADMITTED);
    rig_free(&r);
}

static void test_everybody_is_told_why(void **state)
{
    struct rig r;

    (void)state;
    begin(&r);
    (void)add(&r, "big", 5, 1);
    (void)rig_add(&r, "vm", "odd", "{\"project\":\"p\",\"instances\":[{\"VGPU\":1}]}");
    (void)rig_add(&r, "vm", "lost", "{\"project\":\"nobody\",\"instances\":[{\"VCPU\":1}]}");
    (void)rig_add(&r, "vm", "gone", "{\"project\":\"no one\",\"instances\":[{\"VCPU\":1}]}");
    (void)rig_add(&r, "lab", "other", "{\"resources\":{\"slot\":1}}");
    (void)rig_pass(&r);
    assert_int_equal(rig_status(&r, "vm", "big"), JOB_QUEUED);
    assert_string_equal(r.text,
                        "NeverFits: needs 5 VCPU on one host; the largest has 4 when empty");
    (void)rig_status(&r, "vm", "odd");
    assert_string_equal(r.text, "NeverFits: needs VGPU, which no host of this queue has");
    (void)rig_status(&r, "vm", "lost");
    assert_string_equal(r.text, "NoPool: no pool of this queue serves the project \"nobody\"");
    (void)rig_status(&r, "vm", "gone"); /* the same question, and another text */
    assert_string_equal(r.text, "NoPool: no pool of this queue serves the project \"no one\"");
    (void)rig_status(&r, "lab", "other");
    assert_string_equal(r.text, "NoSource: no source of capacity is configured for this queue");
    rig_free(&r);
}

static void test_older_job_holds_the_line(void **state)
{
    char want[128];
    struct rig r;
    int64_t old;

    (void)state;
    begin(&r);
    (void)add(&r, "full", 2, 2);
    (void)rig_pass(&r);
    r.now -= 7200 * NS_PER_S;
    old = add(&r, "old", 3, 2);
    r.now += 7200 * NS_PER_S;
    (void)add(&r, "young", 1, 1);
    assert_int_equal(rig_pass(&r).admitted, 0);
    (void)rig_status(&r, "vm", "young");
    (void)snprintf(want, sizeof want,
                   "BlockedByOlder: job %lld came first, does not fit yet, and holds the line",
                   (long long)old);
    assert_string_equal(r.text, want);
    rig_free(&r);
}

static void test_a_pass_without_news_writes_nothing(void **state)
{
    struct pass_result result;
    struct rig r;
    int64_t before, after;
    struct err e;

    (void)state;
    begin(&r);
    (void)add(&r, "a", 4, 2);
    (void)add(&r, "b", 1, 1);
    assert_int_equal(rig_pass(&r).reasons, 1);
    OK(store_queue_version(r.s, STR_LIT("vm"), &before, &e), &e);
    result = rig_pass(&r);
    assert_int_equal(result.admitted + result.placed + result.reasons, 0);
    assert_int_equal(result.groups, 1);
    assert_false(result.more);
    OK(store_queue_version(r.s, STR_LIT("vm"), &after, &e), &e);
    assert_int_equal(before, after);
    rig_free(&r);
}

static void test_jobs_set_running_by_an_operator_are_counted(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    begin(&r);
    (void)add(&r, "mine", 3, 2);
    (void)add(&r, "next", 2, 1);
    OK(rig_change(&r, "vm", "mine", "{\"status\":\"running\"}", &e), &e);
    assert_int_equal(rig_pass(&r).placed, 1);
    assert_int_equal(rig_status(&r, "vm", "mine"), JOB_RUNNING);
    assert_int_equal(rig_status(&r, "vm", "next"), JOB_QUEUED);
    assert_int_equal(held(&r), 6);
    assert_int_equal(rig_pass(&r).placed, 0);
    rig_free(&r);
}

/* Nobody knows what it uses; the others go on. */
static void test_a_running_job_that_cannot_be_read_is_not_counted(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    begin(&r);
    (void)add(&r, "odd", 3, 2);
    OK(rig_change(&r, "vm", "odd", "{\"status\":\"running\"}", &e), &e);
    rig_sql(&r, "UPDATE jobs SET data = '{\"instances\":3}'");
    (void)add(&r, "next", 2, 1);
    (void)rig_pass(&r);
    assert_int_equal(rig_status(&r, "vm", "next"), JOB_ADMITTED);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM holds WHERE job_id = 1"), 0);
    rig_free(&r);
}

/* More than there is: all of it counts as used, none as more than used. */
static void test_running_beyond_capacity_leaves_nothing(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    begin(&r);
    (void)add(&r, "a", 4, 9);
    (void)add(&r, "b", 1, 1);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"running\"}", &e), &e);
    assert_int_equal(rig_pass(&r).admitted, 0);
    assert_int_equal(held(&r), 8);
    rig_free(&r);
}

/* More running jobs than one pass places: nobody is admitted before all of them are counted. */
static void test_nobody_is_admitted_before_all_are_counted(void **state)
{
    enum { RUNNING = 1001 };
    struct pass_result result;
    struct rig r;

    (void)state;
    begin(&r);
    add_many(&r, RUNNING, "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}", true);
    (void)rig_add(&r, "vm", "free", "{\"project\":\"p\"}");
    result = rig_pass(&r);
    assert_int_equal(result.placed, 1000);
    assert_int_equal(result.admitted, 0);
    assert_true(result.more);
    result = rig_pass(&r);
    assert_int_equal(result.placed, 1);
    assert_int_equal(result.admitted, 1); /* needs nothing */
    assert_false(result.more);
    rig_free(&r);
}

static void test_what_the_clock_brings_up_is_planned_at_once(void **state)
{
    struct pass_result result;
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    begin(&r);
    OK(rig_post(&r, "vm",
                "{\"request_id\":\"a\",\"owner_id\":\"o\",\"callback\":\"a\",\"not_before\":\"2020-"
                "01-01T00:00:00Z\",\"data\":{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}}",
                &j, &e),
       &e);
    result = rig_pass(&r);
    assert_int_equal(result.admitted, 1);
    assert_int_equal(rig_status(&r, "vm", "a"), JOB_ADMITTED);
    rig_free(&r);
}

static void test_many_admissions_take_several_passes(void **state)
{
    enum { MOST = 10000, JOBS = MOST + 100 };
    struct pass_result result;
    struct rig r;

    (void)state;
    begin(&r);
    add_many(&r, JOBS, "{\"project\":\"p\"}", false);
    result = rig_pass(&r);
    assert_int_equal(result.admitted, MOST);
    assert_true(result.more);
    result = rig_pass(&r);
    assert_int_equal(result.admitted, JOBS - MOST);
    assert_false(result.more);
    rig_free(&r);
}

static void test_show_tells_and_writes_nothing(void **state)
{
    struct source_reading *reading[QUEUES_MAX];
    struct readers *readers;
    struct pass_in in = {0};
    struct buf b = BUF_INIT(65536);
    struct rig r;
    struct err e;
    char want[256];
    int64_t a, big;

    (void)state;
    begin(&r);
    a = add(&r, "a", 3, 2);
    big = add(&r, "big", 9, 1);
    in.conf = r.conf;
    in.store = r.s;
    readers = rig_readings(&r, reading);
    in.reading = reading;
    OK(pass_show(&in, &b, &e), &e);
    readers_close(readers);
    (void)snprintf(want, sizeof want,
                   "admit %lld {\"n1\":1,\"n2\":1}\nwait %lld NeverFits: needs 9 VCPU; its 2 "
                   "hosts have 8 in all\n",
                   (long long)a, (long long)big);
    assert_string_equal(b.data, want);
    assert_int_equal(rig_status(&r, "vm", "a"), JOB_QUEUED);
    assert_int_equal(held(&r), 0);
    buf_free(&b);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_admits_what_fits_and_holds_it),
        cmocka_unit_test(test_holds_count_in_the_next_pass),
        cmocka_unit_test(test_everybody_is_told_why),
        cmocka_unit_test(test_older_job_holds_the_line),
        cmocka_unit_test(test_a_pass_without_news_writes_nothing),
        cmocka_unit_test(test_jobs_set_running_by_an_operator_are_counted),
        cmocka_unit_test(test_a_running_job_that_cannot_be_read_is_not_counted),
        cmocka_unit_test(test_running_beyond_capacity_leaves_nothing),
        cmocka_unit_test(test_nobody_is_admitted_before_all_are_counted),
        cmocka_unit_test(test_what_the_clock_brings_up_is_planned_at_once),
        cmocka_unit_test(test_many_admissions_take_several_passes),
        cmocka_unit_test(test_show_tells_and_writes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
