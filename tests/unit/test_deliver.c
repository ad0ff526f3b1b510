/* SPDX-License-Identifier: MIT */
/* Delivery's own loop without a receiver: all of them are paused, or what is due is due later.
 * What is to be said is said, then it rests. */
#include "rig_sql.h"

#include "deliver_inner.h"

#define LATER (3600 * NS_PER_S)

struct world {
    struct rig r;
    struct deliver *d;
    int64_t next; /* as deliver_start had it last */
};

/* So many admitted jobs of an owner, whose next try is at `at`. */
static void add_admitted(struct world *w, const char *owner, int jobs, int64_t at)
{
    char sql[1024];

    (void)snprintf(
        sql, sizeof sql,
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < %d)"
        " INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status,"
        " created_at, updated_at, queued_at, scope, next_try, hold_until, admissions, receiver)"
        " SELECT 'vm', '%s-%lld-' || i, '%s', '{}', 'http://c.example/%s-%lld-' || i, i,"
        " 'admitted', 1, 1, 1, '', %lld, %lld, 1, 'http://c.example' FROM n",
        jobs, owner, (long long)at, owner, owner, (long long)at, (long long)at,
        (long long)(w->r.now + 2 * LATER));
    rig_sql(&w->r, sql);
}

static void world_make(struct world *w)
{
    char sql[256];

    rig_make(&w->r, "callback: {pause_after: 1}\n");
    (void)snprintf(sql, sizeof sql,
                   "INSERT INTO receivers (origin, failures, since, failed_at, paused_until, pause,"
                   " error) VALUES ('http://c.example', 1, 1, 1, %lld, 1000, 'no')",
                   (long long)(w->r.now + LATER));
    rig_sql(&w->r, sql);
}

/* As the dispatcher does, it looks at the clock first. */
static void world_open(struct world *w)
{
    struct err e;

    rig_begin(&w->r);
    rig_commit(&w->r);
    OK(deliver_open(w->r.conf, w->r.s, &w->d, &e), &e);
}

static void world_free(struct world *w)
{
    deliver_close(w->d);
    rig_free(&w->r);
}

static void start(struct world *w)
{
    struct err e;

    OK(deliver_start(w->d, w->r.now, &w->next, &e), &e);
}

/* With a look at which lanes there are. */
static void start_anew(struct world *w)
{
    deliver_changed(w->d);
    w->d->scan_from = 0;
    start(w);
}

/* Until it has nothing more to do by the clock alone. */
static void start_until_it_rests(struct world *w)
{
    int i;

    for (i = 0; i < 20; i++) {
        start(w);
        if (w->next > w->r.now)
            return;
    }
    fail_msg("it never rests");
}

static int64_t say_so(struct world *w)
{
    return rig_ask(&w->r, "SELECT count(*) FROM jobs WHERE reason = 'ReceiverPaused'");
}

static void a_lane_that_goes_before_it_has_said_so_is_not_waited_for(void **state)
{
    struct world w;

    (void)state;
    world_make(&w);
    add_admitted(&w, "a", 1200, w.r.now);
    add_admitted(&w, "b", 1, w.r.now);
    world_open(&w);
    start(&w); /* both lanes are to say so */
    rig_sql(&w.r, "DELETE FROM jobs WHERE owner_id = 'b'");
    start_anew(&w); /* the first lane has more to say than is said at once */
    start_until_it_rests(&w);
    assert_int_equal(say_so(&w), 1200);
    world_free(&w);
}

static void who_comes_to_a_paused_receiver_says_so_whatever_others_wait_for(void **state)
{
    struct world w;

    (void)state;
    world_make(&w);
    add_admitted(&w, "a", 1, w.r.now + 300 * NS_PER_S);
    world_open(&w);
    start_until_it_rests(&w);
    assert_int_equal(say_so(&w), 1);
    add_admitted(&w, "a", 1, w.r.now + 1);
    add_admitted(&w, "a", 1, w.r.now - 86400 * NS_PER_S); /* the clock was set back */
    w.r.now += NS_PER_S;
    start_anew(&w);
    start_until_it_rests(&w);
    assert_int_equal(say_so(&w), 3);
    world_free(&w);
}

static void many_lanes_say_so_in_more_than_one_transaction(void **state)
{
    struct world w;

    (void)state;
    world_make(&w);
    add_admitted(&w, "a", 600, w.r.now);
    rig_sql(&w.r, "UPDATE jobs SET owner_id = 'o' || id");
    world_open(&w);
    start(&w);
    start(&w);
    assert_in_range(say_so(&w), 1, 250);
    start_until_it_rests(&w);
    assert_int_equal(say_so(&w), 600);
    world_free(&w);
}

/* A page whose checksum is wrong, or no memory for a row: what follows must not find the lane in
 * the middle of its turn. The callback was asked for, so that it is made though its host is paused.
 */
static void a_job_that_cannot_be_read_ends_the_turn_of_its_lane(void **state)
{
    struct world w;
    struct err e;
    int i;

    (void)state;
    world_make(&w);
    add_admitted(&w, "a", 1, -5);
    rig_sql(&w.r, "PRAGMA ignore_check_constraints = ON; UPDATE jobs SET status = 'unreadable'");
    world_open(&w);
    for (i = 0; i < 3; i++) {
        deliver_changed(w.d);
        w.d->scan_from = 0;
        assert_int_equal(deliver_start(w.d, w.r.now, &w.next, &e), -1);
        assert_non_null(strstr(e.text, "unknown status"));
    }
    assert_int_equal(deliver_under_way(w.d), 0);
    /* It can be read again, and has its turn; it is given up at once, as it can be called nowhere.
     */
    rig_sql(&w.r, "UPDATE jobs SET status = 'admitted', callback = 'ftp://c.example/'");
    start(&w);
    assert_int_equal(deliver_under_way(w.d), 1);
    world_free(&w);
}

/* Found by review: whoever's outcome could not be written, a damaged page of its history for one,
 * kept all others from being written, and so from being called. */
static void an_outcome_that_cannot_be_written_keeps_no_other_back(void **state)
{
    struct world w;
    struct err e;
    int i;

    (void)state;
    world_make(&w);
    rig_sql(&w.r, "DELETE FROM receivers");
    add_admitted(&w, "a", 5, w.r.now);
    rig_sql(&w.r,
            "UPDATE jobs SET callback = 'ftp://c.example/' || id;" /* given up without a try */
            "CREATE TRIGGER t BEFORE INSERT ON deliveries WHEN NEW.job_id = 3"
            " BEGIN SELECT RAISE(ABORT, 'damaged'); END");
    world_open(&w);
    start(&w);
    assert_int_equal(deliver_under_way(w.d), 5);
    assert_int_equal(deliver_turn(w.d, &e), -1);
    assert_non_null(strstr(e.text, "damaged"));
    assert_int_equal(rig_ask(&w.r, "SELECT count(*) FROM jobs WHERE status = 'failed'"), 4);
    assert_int_equal(deliver_counts(w.d).finished, 4);
    assert_int_equal(deliver_under_way(w.d), 1);
    for (i = 0; i < 2; i++)
        assert_int_equal(deliver_turn(w.d, &e), -1);
    assert_int_equal(deliver_under_way(w.d), 0); /* nobody waits for it now */
    OK(deliver_turn(w.d, &e), &e);
    start_anew(&w); /* nor is it called again */
    OK(deliver_turn(w.d, &e), &e);
    w.d->aside_until = 0;
    assert_int_equal(deliver_turn(w.d, &e), -1);
    rig_sql(&w.r, "DROP TRIGGER t");
    w.d->aside_until = 0;
    OK(deliver_turn(w.d, &e), &e);
    assert_int_equal(rig_ask(&w.r, "SELECT count(*) FROM jobs WHERE status = 'failed'"), 5);
    assert_int_equal(rig_ask(&w.r, "SELECT count(*) FROM deliveries"), 5);
    world_free(&w);
}

/* Else a single run ended with an admission that nobody had been called for. */
static void what_came_during_the_time_without_a_scan_is_known_to_be_unseen(void **state)
{
    struct world w;

    (void)state;
    world_make(&w);
    world_open(&w);
    assert_true(deliver_unseen(w.d));
    start(&w);
    assert_false(deliver_unseen(w.d));
    w.d->scan_from = clock_mono() + LATER; /* the scan took long */
    deliver_changed(w.d);
    start(&w);
    assert_true(deliver_unseen(w.d));
    assert_true(w.next > w.r.now);
    w.d->scan_from = 0;
    start(&w);
    assert_false(deliver_unseen(w.d));
    assert_int_equal(w.next, INT64_MAX);
    world_free(&w);
}

/* Where there are more lanes than can be known, a scan sees a part of them. */
static void what_came_during_a_round_of_scans_is_seen_by_the_next_one(void **state)
{
    struct world w;

    (void)state;
    world_make(&w);
    world_open(&w);
    start(&w);
    w.d->more = true; /* as if it were the first part */
    start_anew(&w);
    assert_true(deliver_unseen(w.d));
    start_anew(&w);
    assert_false(deliver_unseen(w.d));
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_lane_that_goes_before_it_has_said_so_is_not_waited_for),
        cmocka_unit_test(who_comes_to_a_paused_receiver_says_so_whatever_others_wait_for),
        cmocka_unit_test(many_lanes_say_so_in_more_than_one_transaction),
        cmocka_unit_test(a_job_that_cannot_be_read_ends_the_turn_of_its_lane),
        cmocka_unit_test(an_outcome_that_cannot_be_written_keeps_no_other_back),
        cmocka_unit_test(what_came_during_the_time_without_a_scan_is_known_to_be_unseen),
        cmocka_unit_test(what_came_during_a_round_of_scans_is_seen_by_the_next_one),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
