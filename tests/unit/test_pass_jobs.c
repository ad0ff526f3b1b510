/* SPDX-License-Identifier: MIT */
/* Numbers of jobs (run_limit, owner.holding) and paused queues in whole passes: exact over all
 * queues of a pass, and also against those who change something while it plans. */
#include "pass_rig.h"
#include "prop.h"
#include "rig_sql.h"

/* Room for all; `b` has no limit of its own, all other types share an entry. */
static const char limited[] =
    "owner: {holding: 3}\n"
    "queues:\n"
    "  a: {capacity: static, run_limit: 2, pools: {p: {hosts: {n: {x: 1000}}}}}\n"
    "  b: {capacity: static, pools: {p: {hosts: {n: {x: 1000}}}}}\n"
    "  '*': {capacity: static, run_limit: 2, pools: {p: {hosts: {n: {x: 1000}}}}}\n";

static void begin(struct rig *r, const char *conf)
{
    rig_make(r, conf);
    r->now = clock_now() - NS_PER_S;
}

static void add_of(struct rig *r, const char *type, const char *id, const char *owner, int x)
{
    char json[512], data[64] = "{}";
    struct err e;
    struct job j;

    if (x > 0)
        (void)snprintf(data, sizeof data, "{\"instances\":[{\"x\":%d}]}", x);
    (void)snprintf(json, sizeof json,
                   "{\"request_id\":\"%s\",\"owner_id\":\"%s\",\"callback\":\"http://c/%s/%s\","
                   "\"data\":%s}",
                   id, owner, type, id, data);
    OK(rig_post(r, type, json, &j, &e), &e);
}

static void become(struct rig *r, const char *type, const char *id, const char *status)
{
    char json[64];
    struct err e;

    (void)snprintf(json, sizeof json, "{\"status\":\"%s\"}", status);
    OK(rig_change(r, type, id, json, &e), &e);
}

static void pause_queue(struct rig *r, const char *type, bool paused)
{
    struct err e;

    rig_begin(r);
    assert_int_equal(store_pause(r->s, str_of(type), paused, &e), 1);
    rig_commit(r);
}

static void test_run_limit_counts_each_type_by_itself(void **state)
{
    static const char *const types[] = {"a", "c", "d"};
    struct rig r;
    char id[8], owner[8];
    size_t t;
    int i;

    (void)state;
    begin(&r, limited);
    for (t = 0; t < ARRAY_LEN(types); t++) {
        for (i = 0; i < 4; i++) {
            (void)snprintf(id, sizeof id, "j%d", i);
            (void)snprintf(owner, sizeof owner, "o%zu%d", t, i);
            add_of(&r, types[t], id, owner, i % 2);
        }
    }
    assert_int_equal(rig_pass(&r).admitted, 6);
    for (t = 0; t < ARRAY_LEN(types); t++) {
        assert_int_equal(rig_status(&r, types[t], "j1"), JOB_ADMITTED);
        assert_int_equal(rig_status(&r, types[t], "j2"), JOB_QUEUED);
        assert_string_equal(r.text, "RunLimit: 2 of 2 jobs of this queue are admitted or running");
    }
    assert_int_equal(rig_pass(&r).reasons, 0); /* it is no news */
    become(&r, "c", "j0", "running");
    become(&r, "c", "j0", "finished");
    become(&r, "a", "j0", "cancelled");
    assert_int_equal(rig_pass(&r).admitted, 2);
    assert_int_equal(rig_status(&r, "c", "j2"), JOB_ADMITTED);
    assert_int_equal(rig_status(&r, "d", "j2"), JOB_QUEUED);
    rig_free(&r);
}

static void test_an_owner_has_so_many_in_all_queues_together(void **state)
{
    struct rig r;

    (void)state;
    begin(&r, limited);
    add_of(&r, "a", "1", "o", 1);
    add_of(&r, "a", "2", "o", 0);
    add_of(&r, "b", "3", "o", 0);
    add_of(&r, "b", "4", "o", 1);
    add_of(&r, "b", "5", "other", 1);
    add_of(&r, "c", "6", "o", 0);
    assert_int_equal(rig_pass(&r).admitted, 4);
    assert_int_equal(rig_status(&r, "b", "5"), JOB_ADMITTED);
    assert_int_equal(rig_status(&r, "b", "4"), JOB_QUEUED);
    assert_string_equal(r.text, "OwnerLimit: 3 of 3 jobs of this owner are admitted or running");
    assert_int_equal(rig_status(&r, "c", "6"), JOB_QUEUED);
    assert_int_equal(rig_pass(&r).reasons, 0);
    become(&r, "b", "3", "queued");
    assert_int_equal(rig_pass(&r).admitted, 1);
    assert_int_equal(rig_status(&r, "b", "3"), JOB_ADMITTED); /* it has kept its place */
    rig_free(&r);
}

/* Both limits are reached: more run than may, since an operator said so. */
static void test_who_is_set_running_by_hand_counts(void **state)
{
    struct rig r;
    char id[8];
    int i;

    (void)state;
    begin(&r, limited);
    for (i = 0; i < 5; i++) {
        (void)snprintf(id, sizeof id, "j%d", i);
        add_of(&r, "b", id, "o", 1);
        if (i < 4)
            become(&r, "b", id, "running");
    }
    assert_int_equal(rig_pass(&r).placed, 4);
    assert_int_equal(rig_status(&r, "b", "j4"), JOB_QUEUED);
    assert_string_equal(r.text, "OwnerLimit: 4 of 3 jobs of this owner are admitted or running");
    rig_free(&r);
}

/* ---- somebody changes something between the plan and its transaction ---- */

static struct {
    struct rig *rig;
    const char *sql; /* NULL: nothing */
} meddle;

static void meddle_once(const char *statement)
{
    const char *sql = meddle.sql;

    if (!sql || strcmp(statement, "BEGIN IMMEDIATE") != 0)
        return;
    meddle.sql = NULL;
    rig_sql(meddle.rig, sql);
}

/* A pass during which `sql` is run before its transaction. The rig was opened under
 * rig_watch(meddle_once). */
static struct pass_result pass_while(struct rig *r, const char *sql)
{
    struct pass_result p;

    meddle.rig = r;
    meddle.sql = sql;
    p = rig_pass(r);
    assert_null(meddle.sql);
    rig_watch(NULL);
    return p;
}

static void test_places_that_went_meanwhile_are_not_given(void **state)
{
    struct pass_result p;
    struct rig r;

    (void)state;
    rig_watch(meddle_once);
    begin(&r, limited);
    add_of(&r, "a", "1", "o", 1);
    add_of(&r, "a", "2", "p", 1);
    add_of(&r, "b", "3", "o", 1);
    add_of(&r, "b", "4", "o", 1);
    p = pass_while(&r, "UPDATE jobs SET status = 'running', group_id = NULL"
                       " WHERE request_id = '2' OR request_id = '4'");
    assert_int_equal(p.admitted, 2); /* of a one more, of o two more */
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM jobs WHERE owner_id = 'o'"
                                 " AND status IN ('admitted', 'running')"),
                     3);
    rig_free(&r);

    rig_watch(meddle_once);
    begin(&r, limited);
    add_of(&r, "a", "1", "o", 1);
    add_of(&r, "a", "2", "p", 1);
    add_of(&r, "a", "3", "q", 1);
    p = pass_while(&r,
                   "UPDATE jobs SET status = 'running', group_id = NULL WHERE request_id = '3'");
    assert_int_equal(p.admitted, 1);
    assert_true(p.more);
    assert_int_equal(rig_status(&r, "a", "2"), JOB_QUEUED);
    p = rig_pass(&r);
    assert_int_equal(p.admitted, 0);
    assert_false(p.more);
    rig_free(&r);
}

static void test_what_was_planned_before_a_pause_is_not_written_after_it(void **state)
{
    struct rig r;

    (void)state;
    rig_watch(meddle_once);
    begin(&r, limited);
    add_of(&r, "a", "1", "o", 1);
    add_of(&r, "b", "2", "o", 1);
    assert_int_equal(pass_while(&r, "UPDATE queues SET paused = 1 WHERE type = 'a'").admitted, 1);
    assert_int_equal(rig_status(&r, "a", "1"), JOB_QUEUED);
    assert_string_equal(r.text, "QueuePaused: the queue is paused");
    assert_int_equal(rig_status(&r, "b", "2"), JOB_ADMITTED);
    rig_free(&r);
}

static void test_nor_is_a_job_whose_wait_ended_meanwhile(void **state)
{
    struct rig r;

    (void)state;
    rig_watch(meddle_once);
    begin(&r, limited);
    add_of(&r, "b", "1", "o", 1);
    assert_int_equal(pass_while(&r, "UPDATE jobs SET valid_until = 1").admitted, 0);
    assert_int_equal(rig_pass(&r).tidied.expired, 1);
    assert_int_equal(rig_status(&r, "b", "1"), JOB_EXPIRED);
    rig_free(&r);
}

/* ---- pauses ---- */

static void test_a_paused_queue_admits_nobody_and_says_so_at_once(void **state)
{
    struct rig r;
    struct err e;
    struct job j;
    int64_t before, paused, after;
    char tag[3][JOB_ETAG_MAX];

    (void)state;
    begin(&r, limited);
    add_of(&r, "a", "1", "o", 1);
    OK(store_show(r.s, STR_LIT("a"), STR_LIT("1"), &j, &e), &e);
    job_etag(&j, tag[0]);
    OK(store_queue_version(r.s, STR_LIT("a"), &before, &e), &e);
    pause_queue(&r, "a", true);
    OK(store_queue_version(r.s, STR_LIT("a"), &paused, &e), &e);
    OK(store_show(r.s, STR_LIT("a"), STR_LIT("1"), &j, &e), &e);
    job_etag(&j, tag[1]);
    assert_true(str_is(j.reason, "QueuePaused"));
    OK(rig_post(&r, "a",
                "{\"request_id\":\"2\",\"owner_id\":\"o\",\"callback\":\"http://c/2\",\"data\":{}}",
                &j, &e),
       &e);
    assert_true(str_is(j.reason, "QueuePaused") && str_is(j.message, STORE_PAUSED));
    assert_int_equal(rig_pass(&r).admitted, 0);
    rig_begin(&r);
    assert_int_equal(store_pause(r.s, STR_LIT("a"), true, &e), 0); /* it is so already */
    rig_commit(&r);
    pause_queue(&r, "a", false);
    OK(store_queue_version(r.s, STR_LIT("a"), &after, &e), &e);
    OK(store_show(r.s, STR_LIT("a"), STR_LIT("1"), &j, &e), &e);
    job_etag(&j, tag[2]);
    assert_true(str_is(j.reason, "WaitingForCapacity"));
    assert_true(before < paused && paused < after);
    assert_string_not_equal(tag[0], tag[1]);
    assert_string_equal(tag[0], tag[2]); /* the same again */
    assert_int_equal(rig_pass(&r).admitted, 2);
    rig_free(&r);
}

static void test_a_pause_is_of_one_type_and_may_come_before_its_first_job(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    begin(&r, limited);
    pause_queue(&r, "c", true);
    rig_begin(&r);
    assert_int_equal(store_pause(r.s, STR_LIT("never seen"), false, &e), 0);
    rig_commit(&r);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM queues"), 1);
    add_of(&r, "c", "1", "o", 0);
    add_of(&r, "d", "2", "o", 0);
    assert_int_equal(rig_pass(&r).admitted, 1);
    assert_int_equal(rig_status(&r, "c", "1"), JOB_QUEUED);
    assert_int_equal(rig_status(&r, "d", "2"), JOB_ADMITTED);
    rig_free(&r);
}

/* Old and too big for what is free, it would hold the line for those behind it. */
static void test_who_waits_in_a_paused_queue_holds_nobody_up(void **state)
{
    static const char strict[] =
        "queues:\n  '*': {capacity: static, overtake: 0s, pools: {p: {hosts:"
        " {n: {x: 10}}}}}\n";
    struct rig r;

    (void)state;
    begin(&r, strict);
    add_of(&r, "c", "first", "o", 8);
    assert_int_equal(rig_pass(&r).admitted, 1);
    add_of(&r, "c", "big", "o", 5);
    add_of(&r, "d", "small", "o", 1);
    pause_queue(&r, "c", true);
    assert_int_equal(rig_pass(&r).admitted, 1);
    assert_int_equal(rig_status(&r, "d", "small"), JOB_ADMITTED);
    rig_free(&r);
}

static void test_a_dry_run_tells_who_is_paused(void **state)
{
    struct source_reading *reading[QUEUES_MAX];
    struct buf b = BUF_INIT(1 << 16);
    struct readers *readers;
    struct pass_in in;
    struct rig r;
    struct err e;

    (void)state;
    begin(&r, limited);
    add_of(&r, "a", "1", "o", 1);
    add_of(&r, "b", "2", "o", 0);
    pause_queue(&r, "a", true);
    readers = rig_readings(&r, reading);
    in = (struct pass_in){.conf = r.conf, .store = r.s, .reading = reading};
    OK(pass_show(&in, &b, &e), &e);
    assert_string_equal(b.data, "admit 2 {}\nwait 1 QueuePaused: the queue is paused\n");
    readers_close(readers);
    buf_free(&b);
    rig_free(&r);
}

/* ---- against a reference: every job in turn, queue by queue ---- */

enum { TYPES = 4, OWNERS = 4, JOBS = 40, RUN_LIMIT = 2, HOLDING = 3 };

struct model {
    char id[JOBS][8];
    size_t type[JOBS], owner[JOBS];
    enum job_status status[JOBS];
    bool paused[TYPES];
};

static const char *const type_names[TYPES] = {"a", "b", "c", "d"};
static const char *const owner_names[OWNERS] = {"o", "p", "q", "r"};

static bool holds(enum job_status s)
{
    return s == JOB_ADMITTED || s == JOB_RUNNING;
}

static bool may(const struct model *m, size_t i)
{
    int of_type = 0, of_owner = 0;
    size_t k;

    for (k = 0; k < JOBS; k++) {
        of_type += m->type[k] == m->type[i] && holds(m->status[k]);
        of_owner += m->owner[k] == m->owner[i] && holds(m->status[k]);
    }
    return !m->paused[m->type[i]] && (m->type[i] == 1 || of_type < RUN_LIMIT) && of_owner < HOLDING;
}

/* Queues in the order of the configuration: a, b, then all others merged by priority. */
static void admit_all(struct model *m)
{
    size_t entry, i;

    for (entry = 0; entry < 3; entry++) {
        for (i = 0; i < JOBS; i++) {
            if ((m->type[i] < 2 ? m->type[i] : 2) == entry && m->status[i] == JOB_QUEUED &&
                may(m, i))
                m->status[i] = JOB_ADMITTED;
        }
    }
}

static void change_some(struct prop *p, struct rig *r, struct model *m)
{
    static const enum job_status next[] = {JOB_RUNNING, JOB_FINISHED, JOB_CANCELLED, JOB_QUEUED};
    size_t n, i, t;
    enum job_status to;

    for (n = prop_below(p, 8); n > 0; n--) {
        i = prop_below(p, JOBS);
        to = next[prop_below(p, ARRAY_LEN(next))];
        if (m->status[i] == to || !job_may_become(m->status[i], to, JOB_BY_CLIENT))
            continue;
        become(r, type_names[m->type[i]], m->id[i], job_status_word(to));
        m->status[i] = to;
    }
    t = prop_below(p, TYPES);
    if (!prop_one_in(p, 3))
        return;
    m->paused[t] = !m->paused[t];
    pause_queue(r, type_names[t], m->paused[t]);
}

static void test_passes_agree_with_the_reference(void **state)
{
    struct prop p = prop_begin(__func__, 20180726);
    int round, step;
    size_t i;

    (void)state;
    for (round = 0; round < 8; round++) {
        struct model m = {0};
        struct rig r;

        begin(&r, limited);
        for (i = 0; i < JOBS; i++) {
            m.type[i] = prop_below(&p, TYPES);
            m.owner[i] = prop_below(&p, OWNERS);
            m.status[i] = JOB_QUEUED;
            (void)snprintf(m.id[i], sizeof m.id[i], "j%zu", i);
            r.now += NS_PER_MS; /* so that priorities of all types are in order */
            add_of(&r, type_names[m.type[i]], m.id[i], owner_names[m.owner[i]],
                   (int)prop_below(&p, 3));
        }
        for (step = 0; step < 12; step++) {
            (void)rig_pass(&r);
            admit_all(&m);
            for (i = 0; i < JOBS; i++)
                assert_int_equal(rig_status(&r, type_names[m.type[i]], m.id[i]), m.status[i]);
            change_some(&p, &r, &m);
        }
        rig_free(&r);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_run_limit_counts_each_type_by_itself),
        cmocka_unit_test(test_an_owner_has_so_many_in_all_queues_together),
        cmocka_unit_test(test_who_is_set_running_by_hand_counts),
        cmocka_unit_test(test_places_that_went_meanwhile_are_not_given),
        cmocka_unit_test(test_what_was_planned_before_a_pause_is_not_written_after_it),
        cmocka_unit_test(test_nor_is_a_job_whose_wait_ended_meanwhile),
        cmocka_unit_test(test_a_paused_queue_admits_nobody_and_says_so_at_once),
        cmocka_unit_test(test_a_pause_is_of_one_type_and_may_come_before_its_first_job),
        cmocka_unit_test(test_who_waits_in_a_paused_queue_holds_nobody_up),
        cmocka_unit_test(test_a_dry_run_tells_who_is_paused),
        cmocka_unit_test(test_passes_agree_with_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
