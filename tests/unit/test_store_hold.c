/* SPDX-License-Identifier: MIT */
/* What jobs hold of a source that sees their use itself: for which readings it counts, through all
 * that can become of a job. */
#include "hold_case.h"

static void an_admission_counts_for_every_reading(void **state)
{
    struct rig r;
    int64_t id;

    (void)state;
    id = begin(&r);
    admit(&r, id);
    assert_int_equal(held_at(&r, INT64_MAX), 1);
    set(&r, "queued"); /* the client may have been called, and have built, before it said so */
    assert_int_equal(held_at(&r, 0), 1);
    assert_int_equal(held_at(&r, r.now), 0);
    admit(&r, id);
    remove_it(&r);
    assert_int_equal(held_at(&r, 0), 2);
    assert_int_equal(held_at(&r, r.now), 0);
    rig_free(&r);
}

static void a_running_job_holds_until_it_has_settled(void **state)
{
    struct rig r;

    (void)state;
    (void)begin_running(&r);
    ENDS(&r, r.now + SETTLE);
    rig_free(&r);
}

static void a_confirmation_ends_it_and_a_second_one_does_not_prolong_it(void **state)
{
    struct rig r;
    int64_t end;

    (void)state;
    (void)begin_running(&r);
    set(&r, "running");
    end = r.now;
    ENDS(&r, end);
    r.now += SETTLE / 2;
    set(&r, "running");
    ENDS(&r, end);
    rig_free(&r);
}

static void a_late_confirmation_does_not_prolong_it(void **state)
{
    struct rig r;
    int64_t end;

    (void)state;
    (void)begin_running(&r);
    end = r.now + SETTLE;
    r.now += 2 * SETTLE;
    set(&r, "running");
    ENDS(&r, end);
    rig_free(&r);
}

/* Found by review: it ended in the past, for a reading too that was begun before the client said
 * that it uses what it holds. */
static void a_confirmation_after_the_clock_was_set_ends_it_now(void **state)
{
    static const int64_t steps[] = {HOUR, -HOUR, SETTLE / 2};
    struct rig r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(steps); i++) {
        (void)begin_running(&r);
        r.now += SETTLE / 4;
        set_clock(&r, steps[i]);
        r.now += SETTLE / 4;
        set(&r, "running");
        ENDS(&r, r.now);
        rig_free(&r);
    }
}

/* However it leaves `running`: a reading that was begun before may not show the use yet. */
static void a_job_that_ends_is_held_for_earlier_readings(void **state)
{
    static const char *const ends[] = {"finished", "failed", "queued", NULL};
    struct rig r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(ends); i++) {
        (void)begin_running(&r);
        if (ends[i])
            set(&r, ends[i]);
        else
            remove_it(&r);
        ENDS(&r, r.now);
        rig_free(&r);
    }
}

static void who_ends_after_it_has_settled_is_held_no_longer(void **state)
{
    struct rig r;
    int64_t end;

    (void)state;
    (void)begin_running(&r);
    end = r.now + SETTLE;
    r.now += 2 * SETTLE;
    set(&r, "finished");
    ENDS(&r, end);
    rig_free(&r);
}

/* The next admission adds to what is left of the one before, and takes none of it away. */
static void an_admission_after_a_return_counts_beside_the_one_before(void **state)
{
    struct rig r;
    int64_t id, first;

    (void)state;
    id = begin_running(&r);
    set(&r, "queued");
    first = r.now;
    admit(&r, id);
    assert_int_equal(held_at(&r, first - 1), 2);
    assert_int_equal(held_at(&r, first), 1);
    accept(&r, id, 2);
    assert_int_equal(held_at(&r, first - 1), 2);
    assert_int_equal(held_at(&r, first), 1);
    ENDS(&r, r.now + SETTLE);
    set(&r, "queued");
    ENDS(&r, r.now);
    admit(&r, id);
    set(&r, "cancelled");
    assert_int_equal(held_at(&r, first - 1), 3); /* all three uses may be unseen */
    rig_free(&r);
}

/* The same moment twice, as a clock that was set back would have it. */
static void two_admissions_of_one_moment_are_added(void **state)
{
    struct rig r;
    int64_t id, then;

    (void)state;
    id = begin(&r);
    then = r.now;
    admit(&r, id);
    accept(&r, id, 1);
    set(&r, "queued");
    r.now = then;
    admit(&r, id);
    assert_int_equal(held_at(&r, INT64_MAX), 2);
    rig_free(&r);
}

static void a_job_set_running_by_an_operator_settles_from_then_on(void **state)
{
    struct rig r;
    int64_t id, started;

    (void)state;
    id = begin(&r);
    set(&r, "running");
    started = r.now;
    r.now += 5 * NS_PER_S;
    place(&r, id);
    ENDS(&r, started + SETTLE);
    rig_free(&r);

    id = begin(&r);
    set(&r, "running");
    set(&r, "running");
    started = r.now; /* confirmed before it was placed */
    r.now += 5 * NS_PER_S;
    place(&r, id);
    ENDS(&r, started);
    rig_free(&r);

    id = begin_running(&r);
    set(&r, "queued");
    started = r.now;
    set(&r, "running"); /* past the dispatcher: what is left of the admission is not prolonged */
    ENDS(&r, started);
    started = r.now;
    place(&r, id);
    assert_int_equal(held_at(&r, started), 1);
    ENDS(&r, started + SETTLE);
    rig_free(&r);
}

/* The same, the clock having been set in between: nothing ends before that, nor later than it would
 * if all had happened now. */
static void so_it_does_when_the_clock_was_set(void **state)
{
    static const int64_t steps[] = {HOUR, -HOUR};
    struct rig r;
    int64_t id, stepped;
    size_t i;

    (void)state;
    for (i = 0; i < 2 * ARRAY_LEN(steps); i++) {
        id = begin(&r);
        set(&r, "running");
        if (i >= ARRAY_LEN(steps))
            set(&r, "running"); /* confirmed */
        set_clock(&r, steps[i % ARRAY_LEN(steps)]);
        stepped = r.now;
        r.now += 5 * NS_PER_S;
        place(&r, id);
        if (steps[i % ARRAY_LEN(steps)] < 0)
            stepped = r.now; /* it is not known how long ago */
        ENDS(&r, i < ARRAY_LEN(steps) ? stepped + SETTLE : stepped);
        rig_free(&r);
    }
}

/* All that is there. */
static int64_t rows(struct rig *r)
{
    return held_at(r, INT64_MIN);
}

static void what_counts_for_nothing_any_more_is_dropped_later(void **state)
{
    struct rig r;
    struct err e;
    int64_t end, when;

    (void)state;
    (void)begin_running(&r);
    end = r.now + SETTLE;
    OK(store_next_moment(r.s, &when, &e), &e);
    assert_int_equal(when, INT64_MAX); /* nobody wakes for it */
    assert_int_equal(store_purgeable(r.s, end + KEPT - 1, &e), 0);
    tidy(&r, end + KEPT - 1);
    assert_int_equal(rows(&r), 1);
    assert_int_equal(store_purgeable(r.s, end + KEPT, &e), 1);
    tidy(&r, end + KEPT);
    assert_int_equal(rows(&r), 0);
    assert_int_equal(store_purgeable(r.s, end + KEPT, &e), 0);
    rig_free(&r);
}

static void what_an_old_reading_may_need_is_kept(void **state)
{
    struct rig r;
    int64_t end;

    (void)state;
    rig_make(&r, "queues:\n  vm: {capacity: openstack, settle: 300s, max_age: 1d}\n");
    admit(&r, rig_add(&r, "vm", "a", ONE));
    accept(&r, 1, 1);
    end = r.now + SETTLE;
    tidy(&r, end + 24 * HOUR); /* a reading of a day ago is still used */
    assert_int_equal(held_at(&r, end - 1), 1);
    tidy(&r, end + 25 * HOUR);
    assert_int_equal(rows(&r), 0);
    rig_free(&r);
}

static bool count_job(void *ctx, const struct job *j)
{
    (void)j;
    ++*(int *)ctx;
    return true;
}

/* Of an admission with several holds too, each once. */
static void a_job_holds_of_its_quota_for_each_admission(void **state)
{
    static const struct store_hold two[] = {{{"n1", 2}, {"VCPU", 4}, 1},
                                            {{"n2", 2}, {"VCPU", 4}, 1}};
    struct store_admission a;
    struct rig r;
    struct err e;
    int64_t id;
    int n = 0;

    (void)state;
    id = begin_running(&r);
    set(&r, "queued");
    a = admission(&r, id);
    a.holds = 2;
    a.hold = two;
    OK(store_groups(r.s, 0, take_group, &a.group, &e), &e);
    rig_begin(&r);
    assert_int_equal(store_admit(r.s, &a, ++r.now, &e), 1);
    rig_commit(&r);
    OK(store_holders(r.s, STR_LIT("vm"), 0, count_job, &n, &e), &e);
    assert_int_equal(n, 2); /* for a reading that may show neither use */
    n = 0;
    OK(store_holders(r.s, STR_LIT("vm"), r.now, count_job, &n, &e), &e);
    assert_int_equal(n, 1);
    rig_free(&r);
}

static void a_thousand_are_dropped_at_a_time(void **state)
{
    struct store_hold many[1500];
    char host[1500][8];
    struct store_admission a;
    struct rig r;
    struct err e;
    size_t i;

    (void)state;
    a = (struct store_admission){.id = begin(&r), .queue = STR_LIT("vm"), .hosts = STR_LIT("{}")};
    for (i = 0; i < ARRAY_LEN(many); i++) {
        (void)snprintf(host[i], sizeof host[i], "n%zu", i);
        many[i] = (struct store_hold){str_of(host[i]), STR_LIT("VCPU"), 1};
    }
    a.holds = ARRAY_LEN(many);
    a.hold = many;
    set(&r, "running");
    rig_begin(&r);
    assert_int_equal(store_place(r.s, &a, r.now, &e), 1);
    rig_commit(&r);
    assert_int_equal(rig_purge(&r, r.now + SETTLE + KEPT).rows, ARRAY_LEN(many));
    assert_int_equal(rows(&r), 0);
    rig_free(&r);
}

static void a_ledger_is_never_forgotten_while_the_job_runs(void **state)
{
    struct rig r;
    int64_t id;

    (void)state;
    rig_make(&r, "queues:\n  vm: {capacity: exec, program: [/bin/true]}\n");
    id = rig_add(&r, "vm", "a", ONE);
    admit(&r, id);
    accept(&r, id, 1);
    set(&r, "running");
    tidy(&r, r.now + 1000 * HOUR);
    assert_int_equal(held_at(&r, INT64_MAX), 1);
    set(&r, "finished");
    assert_int_equal(rows(&r), 0);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_admission_counts_for_every_reading),
        cmocka_unit_test(a_running_job_holds_until_it_has_settled),
        cmocka_unit_test(a_confirmation_ends_it_and_a_second_one_does_not_prolong_it),
        cmocka_unit_test(a_late_confirmation_does_not_prolong_it),
        cmocka_unit_test(a_confirmation_after_the_clock_was_set_ends_it_now),
        cmocka_unit_test(a_job_that_ends_is_held_for_earlier_readings),
        cmocka_unit_test(who_ends_after_it_has_settled_is_held_no_longer),
        cmocka_unit_test(an_admission_after_a_return_counts_beside_the_one_before),
        cmocka_unit_test(two_admissions_of_one_moment_are_added),
        cmocka_unit_test(a_job_set_running_by_an_operator_settles_from_then_on),
        cmocka_unit_test(so_it_does_when_the_clock_was_set),
        cmocka_unit_test(what_counts_for_nothing_any_more_is_dropped_later),
        cmocka_unit_test(what_an_old_reading_may_need_is_kept),
        cmocka_unit_test(a_job_holds_of_its_quota_for_each_admission),
        cmocka_unit_test(a_thousand_are_dropped_at_a_time),
        cmocka_unit_test(a_ledger_is_never_forgotten_while_the_job_runs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
