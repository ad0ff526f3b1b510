/* SPDX-License-Identifier: MIT */
/* What is kept for jobs past the guard: of quotas, of what hosts share, of numbers of jobs. Case by
 * case; jobs are numbered from 1 in serving order. */
#include "plan_world.h"

enum plan_limit_kind { QUOTA_AMOUNT, SHARED_AMOUNT, PLACES };

/* Who is short of it past the guard keeps it from others, and not the hosts: those it does not wait
 * for. (Regression: it held the hosts, and who came later in other pools went on taking what it
 * waited for.) */
static void what_hosts_share_is_kept_for_who_is_short_of_it(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    for (int64_t amount = 3; amount <= 5; amount++) {
        world_few(&w, 10);
        world_limit(&w, 3, 4, true);
        world_job(&w, 0, 1, 5);
        world_job(&w, 0, 0, 5);
        world_job(&w, 0, 3, 5);
        w.group[2].shape = 0;
        world_need(&w, 0, 0, amount);
        world_need(&w, 2, 0, 1);
        expect(&w, &out,
               amount == 5   ? (const int64_t[]){2, 3, 0}
               : amount == 3 ? (const int64_t[]){1, 2, 0}
                             : (const int64_t[]){2, 0});
        if (amount > 3) {
            assert_int_equal(out.verdict[0], amount == 4 ? PLAN_NO_ROOM : PLAN_NEVER_FITS);
            assert_int_equal(out.limit[0], 0);
        }
        if (amount == 4) {
            assert_int_equal(out.verdict[2], PLAN_BLOCKED);
            assert_int_equal(out.blocker[2], 1);
            assert_int_equal(out.limit[2], 0);
        }
        assert_int_equal(w.limit[0].left, amount == 3 ? 0 : amount == 4 ? 3 : 2);
        done(&w, &out);
    }
}

/* Two hosts, of which the first has room for 3 only, each with a scope; `left` of a limit. Job 1
 * asks for 4 of the first host, past the guard; jobs 2 to 4 for 1 of the second. They need 4, 3, 2
 * and 1 of the limit. */
static void world_two(struct world *w, int64_t left, enum plan_limit_kind kind)
{
    world_few(w, 3);
    w->in.hosts.hosts = 2;
    w->free[1] = w->total[1] = 10;
    world_scope(w, 2);
    if (kind == PLACES)
        world_places(w, left, 9);
    else
        world_limit(w, left, 9, kind == SHARED_AMOUNT);
    world_job(w, 0, 1, 5);
    for (size_t i = 1; i < 4; i++) {
        world_group(w, 1, 0, i);
        w->waiting[w->jobs++] = (struct waiting){
            i, {.id = 1 + (int64_t)i, .priority = 10 + (int64_t)i, .queued_at = NOW - 5}};
        w->group[i].head = w->waiting[i].job;
    }
    for (size_t g = 0; g < 4; g++)
        world_need(w, g, 0, 4 - (int64_t)g);
}

/* Regression: when its hosts were free at last, others had taken its quota meanwhile, and the other
 * way round. */
static void who_waits_for_hosts_keeps_what_else_it_needs(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    for (enum plan_limit_kind kind = QUOTA_AMOUNT; kind <= PLACES; kind++) {
        world_two(&w, 6, kind);
        EXPECT(&w, &out, 3, 0); /* 2 are left beyond the 4 of the first */
        assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
        assert_int_equal(out.verdict[1], PLAN_BLOCKED);
        assert_int_equal(out.blocker[1], 1);
        assert_int_equal(out.limit[1], 0);
        assert_int_equal(out.verdict[3], PLAN_BLOCKED);
        assert_int_equal(w.limit[0].left, 4);
        done(&w, &out);
        world_two(&w, 6, kind);
        w.in.overtake = PLAN_FOREVER;
        EXPECT(&w, &out, 2, 3, 4, 0);
        done(&w, &out);
    }
}

static void several_keep_their_parts(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_two(&w, 9, QUOTA_AMOUNT);
    w.free[1] = 0; /* its line is held by job 2, which keeps 3 of the quota */
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[1], PLAN_NO_ROOM);
    assert_int_equal(out.verdict[2], PLAN_BLOCKED); /* by the line: 2 of the quota are left */
    assert_true(out.limit[2] == SIZE_MAX);
    done(&w, &out);
    world_two(&w, 8, QUOTA_AMOUNT);
    w.free[1] = 0;
    EXPECT(&w, &out, 0);
    assert_int_equal(out.limit[2], 0); /* and here 1 */
    assert_int_equal(out.blocker[2], 1);
    done(&w, &out);
}

/* Short of it in any case: the truth, not who keeps some of it. */
static void who_is_short_of_what_is_kept_in_part_is_short_of_it(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_two(&w, 4, QUOTA_AMOUNT);
    w.need[1][0].amount = 5;
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[1], PLAN_NO_QUOTA);
    assert_int_equal(out.verdict[2], PLAN_BLOCKED); /* of all of it, now */
    done(&w, &out);
}

static void a_place_is_kept_also_from_who_needs_nothing(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    for (int64_t left = 4; left <= 5; left++) {
        world_two(&w, left, PLACES);
        for (size_t i = 1; i < 4; i++)
            w.group[i].shape = 3;
        w.need[1][0].amount = 1;
        expect(&w, &out, left == 5 ? (const int64_t[]){2, 0} : (const int64_t[]){0});
        assert_int_equal(out.verdict[3], PLAN_BLOCKED);
        assert_int_equal(out.blocker[3], 1);
        assert_int_equal(out.limit[3], 0);
        done(&w, &out);
    }
}

/* What hosts share is like the hosts: who is short of quota leaves it to others. */
static void who_is_short_of_quota_keeps_its_quotas_alone(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_two(&w, 9, SHARED_AMOUNT);
    world_limit(&w, 0, 1, false);
    world_limit(&w, 3, 9, false);
    world_need(&w, 0, 1, 1);
    world_need(&w, 0, 2, 2);
    world_need(&w, 2, 2, 2);
    EXPECT(&w, &out, 2, 4, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_QUOTA);
    assert_int_equal(out.limit[2], 2); /* of the other quota it keeps what it needs */
    assert_int_equal(out.blocker[2], 1);
    done(&w, &out);
}

static void young_job_short_of_what_hosts_share_is_passed(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 10);
    w.in.overtake = 100;
    world_limit(&w, 2, 4, true);
    world_job(&w, 0, 1, 5);
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 100); /* past the guard: it is kept from here */
    world_job(&w, 0, 0, 5);
    world_need(&w, 0, 0, 3);
    world_need(&w, 1, 0, 1);
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.blocker[1], 3);
    assert_int_equal(out.limit[1], 0);
    done(&w, &out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_hosts_share_is_kept_for_who_is_short_of_it),
        cmocka_unit_test(who_waits_for_hosts_keeps_what_else_it_needs),
        cmocka_unit_test(several_keep_their_parts),
        cmocka_unit_test(who_is_short_of_what_is_kept_in_part_is_short_of_it),
        cmocka_unit_test(a_place_is_kept_also_from_who_needs_nothing),
        cmocka_unit_test(who_is_short_of_quota_keeps_its_quotas_alone),
        cmocka_unit_test(young_job_short_of_what_hosts_share_is_passed),
    };

    return cmocka_run_group_tests_name("plan_kept", tests, NULL, NULL);
}
