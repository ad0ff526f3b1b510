/* SPDX-License-Identifier: MIT */
/* Passes over queues that share a source, or a pass: what one takes is not there for another, and
 * one source's trouble is nobody else's. */
#include "rig_sql.h"

#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"
#include "cron/pass.h"

/* In place of the C library's: by so many seconds the time of day is set forth. */
static time_t set_forth;

int clock_gettime(clockid_t id, struct timespec *t)
{
    long rc = syscall(SYS_clock_gettime, id, t);

    if (id == CLOCK_REALTIME)
        t->tv_sec += set_forth;
    return (int)rc;
}

/* a and b have the same host, c one of its own; the last entry is "*". */
enum { A, B, C, ANY, QUEUES };
static const char shared[] = "queues:\n"
                             "  a: {capacity: openstack, cloud: x}\n"
                             "  b: {capacity: openstack, cloud: x}\n"
                             "  c: {capacity: openstack, cloud: y}\n";

/* A host with ten VCPU for each queue, whose readings a test may change. */
struct scene {
    struct rig rig;
    struct source_reading reading[QUEUES], *in[QUEUES];
    struct source_amount amount[QUEUES];
    struct source_host host[QUEUES];
    size_t index[1];
    struct pool pool;
    unsigned skips[QUEUES];
    int64_t from;
};

static void begin_with(struct scene *s, const char *queues)
{
    size_t i;

    *s = (struct scene){.index = {0}};
    rig_make(&s->rig, queues);
    s->rig.now = clock_now() - NS_PER_S;
    s->pool = (struct pool){.name = STR_LIT("all"), .open = true, .hosts = 1, .host = s->index};
    for (i = A; i <= C; i++) {
        s->amount[i] = (struct source_amount){STR_LIT("VCPU"), 10, 0, 0};
        s->host[i] = (struct source_host){STR_LIT("n"), 1, &s->amount[i], .exact = false};
        s->reading[i] = (struct source_reading){.queue = &s->rig.conf->queue[i],
                                                .state = SOURCE_GOOD,
                                                .read_at = s->rig.now,
                                                .ahead = clock_mark().ahead,
                                                .hosts = 1,
                                                .host = &s->host[i],
                                                .pools = 1,
                                                .pool = &s->pool};
        s->in[i] = &s->reading[i];
    }
}

static void begin(struct scene *s)
{
    begin_with(s, shared);
}

static void add(struct scene *s, const char *type, const char *id, int vcpu)
{
    char data[96];

    (void)snprintf(data, sizeof data, "{\"project\":\"p\",\"instances\":[{\"VCPU\":%d}]}", vcpu);
    (void)rig_add(&s->rig, type, id, data);
}

static void set_running(struct scene *s, const char *type, const char *id)
{
    struct err e;

    OK(rig_change(&s->rig, type, id, "{\"status\":\"running\"}", &e), &e);
}

static struct pass_result pass(struct scene *s)
{
    struct pass_in in = {.conf = s->rig.conf,
                         .store = s->rig.s,
                         .reading = s->in,
                         .skips = s->skips,
                         .from = &s->from};
    struct pass_result r;
    struct err e;

    OK(pass_run(&in, &r, &e), &e);
    return r;
}

static const char *message(struct scene *s, const char *type, const char *id)
{
    struct job j;
    struct err e;

    OK(store_show(s->rig.s, str_of(type), str_of(id), &j, &e), &e);
    (void)snprintf(s->rig.text, sizeof s->rig.text, "%.*s", (int)j.message.n,
                   j.message.n ? j.message.p : "");
    return s->rig.text;
}

static void test_what_is_placed_in_one_queue_is_not_free_in_the_other(void **state)
{
    struct pass_result r;
    struct scene s;

    (void)state;
    begin(&s);
    add(&s, "a", "past", 8);
    set_running(&s, "a", "past");
    add(&s, "b", "later", 8);
    r = pass(&s);
    assert_int_equal(r.placed, 1);
    assert_int_equal(r.admitted, 0);
    assert_true(r.more);
    r = pass(&s);
    assert_int_equal(r.admitted, 0);
    assert_non_null(strstr(message(&s, "b", "later"), "2 of 10 are free"));
    rig_free(&s.rig);
}

/* Found by review: as long as jobs came for the first queue in each pass, the other had no turn. */
static void test_who_had_no_turn_goes_first_in_the_next_pass(void **state)
{
    struct scene s;
    char id[8];
    int i;

    (void)state;
    begin(&s);
    for (i = 0; i < 4; i++) {
        (void)snprintf(id, sizeof id, "a%d", i);
        add(&s, "a", id, 1);
        add(&s, "b", id, 1);
        if (i == 1) { /* one that b has no part in: it does not forget */
            s.in[B] = NULL;
            assert_int_equal(pass(&s).admitted, 1);
            s.in[B] = &s.reading[B];
            continue;
        }
        assert_true(pass(&s).more);
        assert_int_equal(s.skips[i == 2 ? A : B], 1);
    }
    assert_int_equal(rig_ask(&s.rig, "SELECT count(*) FROM jobs WHERE status = 'admitted'"
                                     " AND type = 'b'"),
                     3);
    rig_free(&s.rig);
}

/* Found by review: the holds have moved to another clock than that of the reading and the plan. */
static void test_what_was_planned_by_another_clock_is_planned_again(void **state)
{
    struct pass_result r;
    struct scene s;

    (void)state;
    begin(&s);
    add(&s, "a", "job", 8);
    set_forth = 3600;
    r = pass(&s);
    assert_int_equal(r.admitted, 0);
    assert_true(r.more);
    r = pass(&s);
    assert_int_equal(r.admitted, 1);
    set_forth = 0;
    rig_free(&s.rig);
}

/* Its own queue has no reading in this pass, or one that failed. */
static void test_a_running_job_is_placed_by_whoever_has_a_reading(void **state)
{
    struct pass_result r;
    struct scene s;

    (void)state;
    begin(&s);
    add(&s, "a", "past", 8);
    set_running(&s, "a", "past");
    add(&s, "b", "later", 8);
    s.in[A] = NULL;
    r = pass(&s);
    assert_int_equal(r.placed, 1);
    assert_int_equal(r.admitted, 0);
    add(&s, "a", "second", 1);
    set_running(&s, "a", "second");
    s.in[A] = &s.reading[A];
    s.reading[A].state = SOURCE_FAILED;
    assert_int_equal(pass(&s).placed, 1);
    assert_int_equal(pass(&s).admitted, 0);
    assert_non_null(strstr(message(&s, "b", "later"), "1 of 10 are free"));
    rig_free(&s.rig);
}

/* Found by review: it was placed on none of the other's hosts, and never counted again. */
static void test_a_running_job_that_the_other_queue_has_no_pool_for_waits_for_its_own(void **state)
{
    struct str others[] = {STR_LIT("q")};
    struct pass_result r;
    struct scene s;

    (void)state;
    begin(&s);
    struct pool pool = s.pool;
    pool.open = false;
    pool.projects = 1;
    pool.project = others;
    s.reading[B].pool = &pool;
    add(&s, "a", "past", 8);
    set_running(&s, "a", "past");
    s.in[A] = NULL;
    r = pass(&s);
    assert_int_equal(r.placed, 0);
    assert_false(r.more);
    s.in[A] = &s.reading[A];
    add(&s, "a", "later", 8);
    assert_int_equal(pass(&s).placed, 1);
    assert_int_equal(pass(&s).admitted, 0);
    assert_non_null(strstr(message(&s, "a", "later"), "2 of 10 are free"));
    rig_free(&s.rig);
}

/* One program tells two queues what there is; what the job of one asks for cannot be read by the
 * rules of the other, on whose reading it is placed and counted. */
static void test_a_job_is_read_by_the_rules_of_its_own_queue(void **state)
{
    enum { KUBE, VM };
    struct source_amount has[] = {{STR_LIT("VCPU"), 100, 0, 0}, {STR_LIT("pods"), 100, 0, 0}};
    struct source_limit cores = {{"cores", 5}, {{"VCPU", 4}}, 10, 0};
    struct source_quota quota = {.project = {"p", 1}, .limits = 1, .limit = &cores};
    struct scene s;

    (void)state;
    begin_with(&s, "queues:\n"
                   "  kube: {capacity: exec, program: [/bin/tells]}\n"
                   "  vm: {capacity: exec, program: [/bin/tells]}\n");
    s.in[VM] = s.in[ANY - 1] = NULL;
    s.host[KUBE].amounts = 2;
    s.host[KUBE].amount = has;
    s.reading[KUBE].gate = SOURCE_QUOTAS_READ;
    s.reading[KUBE].quotas = 1;
    s.reading[KUBE].quota = &quota;
    add(&s, "vm", "past", 8);
    set_running(&s, "vm", "past");
    assert_int_equal(pass(&s).placed, 1);
    (void)rig_add(&s.rig, "kube", "later",
                  "{\"namespace\":\"p\",\"pods\":[{\"requests\":{\"VCPU\":4}}]}");
    assert_int_equal(pass(&s).admitted, 0);
    assert_non_null(strstr(message(&s, "kube", "later"), "cores: needs 4, and 2 of 10 are left"));
    rig_free(&s.rig);
}

static void test_a_job_that_is_placed_counts_against_its_quota(void **state)
{
    struct source_limit cores = {{"cores", 5}, {{"VCPU", 4}}, 5, 0};
    struct source_quota quota = {.project = {"p", 1}, .limits = 1, .limit = &cores};
    struct scene s;

    (void)state;
    begin(&s);
    s.reading[A].gate = SOURCE_QUOTAS_READ;
    s.reading[A].quotas = 1;
    s.reading[A].quota = &quota;
    add(&s, "a", "past", 3);
    set_running(&s, "a", "past");
    add(&s, "a", "later", 3);
    assert_int_equal(pass(&s).admitted, 0);
    assert_int_equal(pass(&s).admitted, 0);
    assert_non_null(strstr(message(&s, "a", "later"), "cores: needs 3, and 2 of 5 are left"));
    rig_free(&s.rig);
}

static void test_a_source_that_says_too_much_stops_nobody_else(void **state)
{
    enum { HOSTS = 20000 };
    struct source_amount *amount = calloc(HOSTS, sizeof *amount);
    struct source_host *host = calloc(HOSTS, sizeof *host);
    char(*name)[8] = calloc(HOSTS, sizeof *name);
    struct scene s;
    size_t i;

    (void)state;
    begin(&s);
    for (i = 0; i < HOSTS; i++) { /* a table with a column for each host */
        (void)snprintf(name[i], sizeof name[i], "%05zu", i);
        amount[i] = (struct source_amount){str_of(name[i]), 1, 0, 0};
        host[i] = (struct source_host){str_of(name[i]), 1, &amount[i], .exact = false};
    }
    s.reading[A].hosts = HOSTS;
    s.reading[A].host = host;
    add(&s, "a", "a", 1);
    add(&s, "c", "c", 1);
    assert_int_equal(pass(&s).admitted, 1);
    assert_non_null(strstr(message(&s, "a", "a"), "out of memory in the capacity table"));
    rig_free(&s.rig);
    free(name);
    free(host);
    free(amount);
}

/* Jobs of so many kinds, on a table of so many columns, that a pass has no room for all of them. */
static void test_a_flood_of_demands_stops_no_other_queue(void **state)
{
    enum { COLUMNS = 8000, KINDS = 20, FLOOD = 250 };
    struct source_amount *amount = calloc(COLUMNS, sizeof *amount);
    char(*name)[8] = calloc(COLUMNS, sizeof *name), id[8], data[512];
    struct pass_result r;
    struct scene s;
    size_t i, k, n;

    (void)state;
    begin(&s);
    amount[0] = s.amount[A];
    for (i = 1; i < COLUMNS; i++) {
        (void)snprintf(name[i], sizeof name[i], "r%05zu", i);
        amount[i] = (struct source_amount){str_of(name[i]), 1, 0, 0};
    }
    s.host[A].amounts = COLUMNS;
    s.host[A].amount = amount;
    for (i = 0; i < FLOOD; i++) {
        n = (size_t)snprintf(data, sizeof data, "{\"project\":\"p\",\"instances\":[");
        for (k = 0; k < KINDS; k++)
            n += (size_t)snprintf(data + n, sizeof data - n, "%s{\"VCPU\":%zu}", k ? "," : "",
                                  100 + i * KINDS + k);
        (void)snprintf(data + n, sizeof data - n, "]}");
        (void)snprintf(id, sizeof id, "f%zu", i);
        (void)rig_add(&s.rig, "a", id, data);
    }
    add(&s, "c", "c", 1);
    add(&s, "a", "small", 1);
    assert_int_equal(pass(&s).admitted, 1);
    assert_string_equal(message(&s, "c", "c"), "");
    assert_true(s.from > 0);
    /* Found by review: whoever came behind the flood waited for as long as that did. */
    r = pass(&s);
    assert_int_equal(r.admitted, 1);
    assert_string_equal(message(&s, "a", "small"), "");
    assert_false(r.more); /* nothing that another pass could do */
    rig_free(&s.rig);
    free(name);
    free(amount);
}

static void test_too_many_limits_stop_nobody_else(void **state)
{
    static struct source_limit limit[2000];
    struct scene s;

    (void)state;
    begin(&s);
    s.reading[A].share = limit;
    s.reading[A].shared = ARRAY_LEN(limit);
    add(&s, "a", "a", 1);
    add(&s, "c", "c", 1);
    assert_int_equal(pass(&s).admitted, 1);
    assert_non_null(strstr(message(&s, "a", "a"), "more than 1024 limits"));
    rig_free(&s.rig);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_is_placed_in_one_queue_is_not_free_in_the_other),
        cmocka_unit_test(test_who_had_no_turn_goes_first_in_the_next_pass),
        cmocka_unit_test(test_what_was_planned_by_another_clock_is_planned_again),
        cmocka_unit_test(test_a_running_job_is_placed_by_whoever_has_a_reading),
        cmocka_unit_test(test_a_running_job_that_the_other_queue_has_no_pool_for_waits_for_its_own),
        cmocka_unit_test(test_a_job_is_read_by_the_rules_of_its_own_queue),
        cmocka_unit_test(test_a_job_that_is_placed_counts_against_its_quota),
        cmocka_unit_test(test_a_source_that_says_too_much_stops_nobody_else),
        cmocka_unit_test(test_a_flood_of_demands_stops_no_other_queue),
        cmocka_unit_test(test_too_many_limits_stop_nobody_else),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
