/* SPDX-License-Identifier: MIT */
/* What is kept no longer: it goes with all that hangs on it, nothing else does, in steps of which
 * each may be the last before a power cut; and the file gets shorter. */
#include "rig_sql.h"

#include <sys/stat.h>

#include "prop.h"

#define ONE  "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"
#define DAY  (86400 * NS_PER_S)
#define HOUR (3600 * NS_PER_S)

static const char conf[] = "retention: {jobs: 10d, events: 5d, deliveries: 2d}\n"
                           "queues:\n"
                           "  vm: {capacity: exec, program: [/bin/true], accounting: observed}\n";
/* An hour more than max_age. */
#define HOLDS_KEPT (HOUR + 5 * 60 * NS_PER_S)

static void change(struct rig *r, const char *id, const char *status)
{
    char json[64];
    struct err e;

    (void)snprintf(json, sizeof json, "{\"status\":\"%s\"}", status);
    OK(rig_change(r, "vm", id, json, &e), &e);
}

/* n events and n deliveries of a job, one a second from `at` on. */
static void add_history(struct rig *r, int64_t job, int n, int64_t at)
{
    char text[640];

    (void)snprintf(text, sizeof text,
                   "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)"
                   " INSERT INTO events (job_id, n, at, who, event)"
                   " SELECT %lld, n, %lld + n * 1000000000, 'w', 'status' FROM c;"
                   "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < %d)"
                   " INSERT INTO deliveries (job_id, n, admission, at, ns, url, outcome)"
                   " SELECT %lld, n, 1, %lld + n * 1000000000, 1, 'u', 'again' FROM c",
                   n, (long long)job, (long long)at, n, (long long)job, (long long)at);
    rig_sql(r, text);
}

static void jobs_that_are_over_go_with_what_hangs_on_them(void **state)
{
    struct store_purged p;
    struct rig r;
    struct err e;
    int64_t id, end;

    (void)state;
    rig_make(&r, conf);
    id = rig_add(&r, "vm", "over", ONE);
    add_history(&r, id, 700,
                r.now + 8 * DAY); /* more than a step, and younger than the job's time */
    (void)rig_add(&r, "vm", "waits", ONE);
    (void)rig_add(&r, "vm", "held", ONE);
    (void)rig_add(&r, "vm", "runs", ONE);
    change(&r, "held", "held");
    change(&r, "runs", "running");
    change(&r, "over", "cancelled");
    end = r.now;
    assert_int_equal(rig_purge(&r, end + 10 * DAY - 1).rows, 3); /* the events of the changes */
    assert_int_equal(store_purgeable(r.s, end + 10 * DAY - 1, &e), 0);
    p = rig_purge(&r, end + 10 * DAY);
    assert_int_equal(p.jobs, 1);
    assert_int_equal(p.rows, 1401);
    assert_string_equal(rig_list(&r, &(struct store_filter){.type = STR_LIT("vm")}),
                        "waits,held,runs");
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM events"), 0);
    assert_int_equal(store_purgeable(r.s, end + 10 * DAY, &e), 0);
    rig_free(&r);
}

/* The place at the end of the line, and the IDs, go on as if it were still there. */
static int64_t version_of(struct rig *r)
{
    int64_t version;
    struct err e;

    OK(store_queue_version(r->s, STR_LIT("vm"), &version, &e), &e);
    return version;
}

/* A list that loses a row is another list, also when its queue is forgotten and begins anew. */
static void a_queue_without_a_job_is_forgotten_and_never_is_what_it_was(void **state)
{
    struct rig r;
    int64_t before, between, first;

    (void)state;
    rig_make(&r, conf);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    first = version_of(&r);
    change(&r, "a", "cancelled");
    before = version_of(&r);
    assert_int_equal(rig_purge(&r, r.now + 10 * DAY).jobs, 1);
    between = version_of(&r);
    assert_true(between > before);
    change(&r, "b", "cancelled");
    assert_int_equal(rig_purge(&r, r.now + 10 * DAY).jobs, 1);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM queues"), 0);
    (void)rig_add(&r, "vm", "a", ONE);
    assert_true(version_of(&r) > between && version_of(&r) > first);
    rig_free(&r);
}

static void what_a_queue_remembers_stays(void **state)
{
    struct rig r;
    struct err e;
    struct job j;
    int64_t id;

    (void)state;
    rig_make(&r, conf);
    id = rig_add(&r, "vm", "a", ONE);
    OK(rig_change(&r, "vm", "a", "{\"priority\":9000000000000000}", &e), &e);
    OK(rig_change(&r, "vm", "a", "{\"move\":\"back\"}", &e), &e);
    rig_begin(&r);
    OK(store_delete(r.s, STR_LIT("vm"), STR_LIT("a"), &(struct store_match){0}, r.now, &e), &e);
    rig_commit(&r);
    assert_int_equal(rig_purge(&r, r.now + 10 * DAY).jobs, 1);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM jobs"), 0);
    assert_int_equal(rig_add(&r, "vm", "a", ONE), id + 1);
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), &e);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM queues WHERE type = 'vm'"), 1);
    rig_free(&r);
}

static void a_job_stays_while_it_has_holds(void **state)
{
    struct store_admission a = {.queue = STR_LIT("vm"), .hosts = STR_LIT("{}")};
    struct store_hold hold = {STR_LIT("n"), STR_LIT("VCPU"), 1};
    struct rig r;
    struct err e;
    int64_t end;

    (void)state;
    rig_make(&r, "retention: {jobs: 1m}\n"
                 "queues:\n"
                 "  vm: {capacity: exec, program: [/bin/true], accounting: observed}\n");
    a.id = rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "running");
    a.holds = 1;
    a.hold = &hold;
    rig_begin(&r);
    assert_int_equal(store_place(r.s, &a, r.now, &e), 1);
    rig_commit(&r);
    change(&r, "a", "finished");
    end = r.now;
    assert_int_equal(store_purgeable(r.s, end + HOUR, &e), 0);
    assert_int_equal(rig_purge(&r, end + HOUR).rows, 0);
    assert_int_equal(rig_purge(&r, end + HOLDS_KEPT).rows, 2 + 3);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM jobs"), 0);
    rig_free(&r);
}

static void each_kind_of_history_has_its_own_time(void **state)
{
    struct rig r;
    int64_t id;

    (void)state;
    rig_make(&r, conf);
    id = rig_add(&r, "vm", "waits", ONE);
    add_history(&r, id, 10, r.now);
    assert_int_equal(rig_purge(&r, r.now + 2 * DAY + 4 * NS_PER_S).rows, 4);
    assert_int_equal(rig_ask(&r, "SELECT min(n) FROM deliveries"), 5);
    assert_int_equal(rig_purge(&r, r.now + 5 * DAY + 7 * NS_PER_S).rows, 6 + 7);
    assert_int_equal(rig_ask(&r, "SELECT min(n) FROM events"), 8);
    rig_free(&r);
}

/* Found by review: with the last of them it was forgotten that a job might use what no source shows
 * yet. */
static void tries_are_kept_for_as_long_as_a_source_may_lag(void **state)
{
    struct rig r;
    int64_t id;

    (void)state;
    rig_make(&r, "retention: {deliveries: 1m}\nqueues: {vm: {settle: 10m}}\n");
    id = rig_add(&r, "vm", "waits", ONE);
    add_history(&r, id, 10, r.now);
    assert_int_equal(rig_purge(&r, r.now + 10 * 60 * NS_PER_S + 4 * NS_PER_S).rows, 4);
    assert_int_equal(rig_ask(&r, "SELECT min(n) FROM deliveries"), 5);
    rig_free(&r);
}

static void for_ever_is_for_ever(void **state)
{
    struct rig r;
    struct err e;
    int64_t id;

    (void)state;
    rig_make(&r, "retention: {jobs: forever, events: forever, deliveries: forever}\n");
    id = rig_add(&r, "vm", "over", ONE);
    add_history(&r, id, 10, r.now);
    change(&r, "over", "cancelled");
    assert_int_equal(store_purgeable(r.s, r.now + 36500 * DAY, &e), 0);
    assert_int_equal(rig_purge(&r, r.now + 36500 * DAY).rows, 0);
    rig_free(&r);
}

static void answers_and_receivers_go(void **state)
{
    const unsigned char digest[STORE_DIGEST] = {1};
    struct store_answer a = {201, {0}, {0}, STR_LIT("{}")};
    char key[16], text[512];
    struct rig r;
    struct err e;
    int i;

    (void)state;
    rig_make(&r, conf);
    rig_begin(&r);
    for (i = 0; i < 1200; i++) {
        (void)snprintf(key, sizeof key, "k%d", i);
        OK(store_answer_save(r.s, STR_LIT("vm"), str_of(key), digest, &a, r.now, &e), &e);
    }
    rig_commit(&r);
    (void)snprintf(text, sizeof text,
                   "INSERT INTO receivers VALUES ('http://idle', 2, 1, %lld, NULL, 0, ''),"
                   " ('http://young', 2, 1, %lld, NULL, 0, '')",
                   (long long)r.now, (long long)(r.now + 1));
    rig_sql(&r, text);
    assert_int_equal(rig_purge(&r, r.now + DAY).rows, 1200 + 1);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM receivers"), 1);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM receivers WHERE origin = 'http://idle'"), 0);
    rig_free(&r);
}

/* ---- against a reference: each row by itself ---- */

static void random_jobs(struct prop *p, struct rig *r, int n)
{
    static const char *const ends[] = {"queued", "held", "running", "cancelled", "cancelled"};
    char id[16], text[128];
    const char *end;
    int64_t job;
    int i;

    for (i = 0; i < n; i++) {
        r->now += prop_between(p, 0, DAY / 4);
        (void)snprintf(id, sizeof id, "j%d", i);
        job = rig_add(r, "vm", id, ONE);
        if (prop_one_in(p, 2))
            add_history(r, job, (int)prop_between(p, 1, 8), r->now - prop_between(p, 0, 9 * DAY));
        end = ends[prop_below(p, ARRAY_LEN(ends))];
        if (end != ends[0])
            change(r, id, end);
        (void)snprintf(text, sizeof text,
                       "INSERT INTO holds VALUES ('vm', 'n', 'x', %lld, 1, 1, NULL)",
                       (long long)job);
        if (prop_one_in(p, 6))
            rig_sql(r, text);
    }
}

/* Of jobs, events and deliveries the number and a sum that tells them apart; of those that are
 * left, or by which the reference says what must stay. */
static const char *const sums[] = {
    "SELECT count(*) FROM jobs",       "SELECT total(id) FROM jobs",
    "SELECT count(*) FROM events",     "SELECT total(job_id * 100 + n) FROM events",
    "SELECT count(*) FROM deliveries", "SELECT total(job_id * 100 + n) FROM deliveries",
};

static void expected(struct rig *r, int64_t now, int64_t want[6])
{
    static const int64_t kept[] = {0, 0, 5 * DAY, 5 * DAY, 2 * DAY, 2 * DAY};
    char text[640];
    size_t i;

    for (i = 0; i < ARRAY_LEN(sums); i++) {
        (void)snprintf(text, sizeof text,
                       "%s WHERE %s NOT IN (SELECT id FROM jobs WHERE finished_at IS NOT NULL"
                       " AND finished_at <= %lld AND id NOT IN (SELECT job_id FROM holds))"
                       " AND %s > %lld",
                       sums[i], i < 2 ? "id" : "job_id", (long long)(now - 10 * DAY),
                       i < 2 ? "1" : "at", i < 2 ? 0LL : (long long)(now - kept[i]));
        want[i] = rig_ask(r, text);
    }
}

static void check(struct rig *r, const int64_t want[6])
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(sums); i++)
        assert_int_equal(rig_ask(r, sums[i]), want[i]);
    rig_sound(r);
}

static void it_takes_what_a_reference_takes(void **state)
{
    struct prop p = prop_begin(__func__, 9061815);
    int round;

    (void)state;
    for (round = 0; round < 12; round++) {
        int64_t want[6], now;
        struct rig r;

        rig_make(&r, conf);
        random_jobs(&p, &r, 60);
        now = r.now + prop_between(&p, -5 * DAY, 8 * DAY);
        expected(&r, now, want);
        (void)rig_purge(&r, now);
        check(&r, want);
        rig_free(&r);
    }
}

/* ---- kill -9 between any two of its statements ---- */

static int64_t purge_at;

static void purge(struct rig *r)
{
    (void)rig_purge(r, purge_at);
}

static void killed_at_any_statement_it_goes_on_where_it_was(void **state)
{
    struct prop p = prop_begin(__func__, 31);
    int64_t want[6], jobs = 0, left;
    struct rig r;
    int n = 0;

    (void)state;
    rig_make(&r, conf);
    random_jobs(&p, &r, 40);
    purge_at = r.now + 8 * DAY;
    expected(&r, purge_at, want);
    store_close(r.s);
    r.s = NULL;
    while (rig_killed_at(&r, ++n, purge)) {
        left = rig_ask(&r, "SELECT count(*) FROM jobs");
        assert_true(jobs == 0 || left <= jobs);
        jobs = left;
        rig_sound(&r);
    }
    assert_true(n > 40);
    check(&r, want);
    rig_free(&r);
}

/* ---- space ---- */

static int64_t file_size(struct rig *r)
{
    struct stat st;

    assert_int_equal(stat(r->path, &st), 0);
    return st.st_size;
}

static void fill(struct rig *r, int from, int to)
{
    struct job_new n = {.type = STR_LIT("vm"), .owner_id = STR_LIT("o"), .scope = STR_LIT("")};
    static char data[9000];
    char name[16];
    struct err e;
    struct job j;
    int i;

    memset(data, 'x', sizeof data);
    memcpy(data, "{\"note\":\"", 9);
    memcpy(data + sizeof data - 2, "\"}", 2);
    n.data = (struct str){data, sizeof data};
    n.shape = STR_LIT("[]");
    rig_begin(r);
    for (i = from; i < to; i++) {
        (void)snprintf(name, sizeof name, "n%d", i);
        n.request_id = n.callback = str_of(name);
        OK(store_create(r->s, &n, r->now, &j, &e), &e);
    }
    rig_commit(r);
}

static void end_all(struct rig *r)
{
    char text[256];

    (void)snprintf(text, sizeof text,
                   "UPDATE jobs SET status = 'finished', group_id = NULL, finished_at = %lld;"
                   "UPDATE queues SET finished = queued, queued = 0, waiting = 0",
                   (long long)r->now);
    rig_sql(r, text);
}

/* An old snapshot keeps the file from getting shorter, and nobody from reading or writing. */
static void the_file_gets_shorter(void **state)
{
    struct store *reader;
    struct rig r;
    struct err e;
    struct job j;
    int64_t full;

    (void)state;
    rig_make(&r, conf);
    fill(&r, 0, 2000);
    end_all(&r);
    assert_true(store_checkpoint(r.s));
    full = file_size(&r);
    assert_in_range(full, 2000 * 9000, 2000 * 16000);
    OK(store_open(r.conf, STORE_READ, &reader, &e), &e);
    OK(store_read_begin(reader, &e), &e);
    OK(store_show(reader, STR_LIT("vm"), STR_LIT("n7"), &j, &e), &e);
    assert_true(rig_purge(&r, r.now + 10 * DAY).pages > 0);
    assert_false(store_checkpoint(r.s));
    assert_int_equal(file_size(&r), full);
    OK(store_show(reader, STR_LIT("vm"), STR_LIT("n1999"), &j, &e), &e);
    fill(&r, 2000, 2001);
    store_read_end(reader);
    assert_true(store_checkpoint(r.s));
    assert_in_range(file_size(&r), 1, 2 << 20);
    assert_int_equal(store_show(reader, STR_LIT("vm"), STR_LIT("n7"), &j, &e), -1);
    OK(store_show(reader, STR_LIT("vm"), STR_LIT("n2000"), &j, &e), &e);
    store_close(reader);
    rig_sound(&r);
    rig_free(&r);
}

/* Pages for what comes next are kept: a queue that breathes does not move them to and fro. */
static void some_room_is_kept(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, conf);
    fill(&r, 0, 60); /* a few hundred pages */
    end_all(&r);
    assert_int_equal(rig_purge(&r, r.now + 10 * DAY).pages, 0);
    assert_int_equal(store_purgeable(r.s, r.now + 10 * DAY, &e), 0);
    assert_true(rig_ask(&r, "PRAGMA freelist_count") > 100);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(jobs_that_are_over_go_with_what_hangs_on_them),
        cmocka_unit_test(a_queue_without_a_job_is_forgotten_and_never_is_what_it_was),
        cmocka_unit_test(what_a_queue_remembers_stays),
        cmocka_unit_test(a_job_stays_while_it_has_holds),
        cmocka_unit_test(each_kind_of_history_has_its_own_time),
        cmocka_unit_test(tries_are_kept_for_as_long_as_a_source_may_lag),
        cmocka_unit_test(for_ever_is_for_ever),
        cmocka_unit_test(answers_and_receivers_go),
        cmocka_unit_test(it_takes_what_a_reference_takes),
        cmocka_unit_test(killed_at_any_statement_it_goes_on_where_it_was),
        cmocka_unit_test(the_file_gets_shorter),
        cmocka_unit_test(some_room_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
