/* SPDX-License-Identifier: MIT */
/* Quotas, what hosts share, hosts that could not be read, and what is only true now: case by case.
 * Jobs are numbered from 1 in serving order. */
#include "plan_world.h"

enum plan_limit_kind { QUOTA_AMOUNT, SHARED_AMOUNT, PLACES };

/* One host with `free` of 10, one scope, shapes 0 to 3 that ask for 1, 4 and 11, and for nothing.
 */
static void world_few(struct world *w, int64_t free)
{
    world_plain(w, 1, free, 10);
    world_scope(w, 1);
    world_shape(w, 1, 1);
    world_shape(w, 1, 4);
    world_shape(w, 1, 11);
    world_shape(w, 0, 0);
}

static void quota_is_kept_to_the_last_unit(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 10);
    world_limit(&w, 100, 100, false);
    world_limit(&w, 5, 5, false);
    for (int i = 0; i < 3; i++)
        world_job(&w, 0, 0, 5);
    world_need(&w, 0, 0, 1);
    world_need(&w, 0, 1, 2);
    EXPECT(&w, &out, 1, 2, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_QUOTA);
    assert_int_equal(out.limit[0], 1);
    assert_int_equal(w.limit[0].left, 98);
    assert_int_equal(w.limit[1].left, 1);
    done(&w, &out);
}

static void who_has_no_quota_holds_nobody_up(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 3);
    world_limit(&w, 0, 0, false); /* less than it asks for in all, which is no more than that */
    world_job(&w, 0, 1, 5);
    world_job(&w, 0, 0, 5);
    world_need(&w, 0, 0, 1);
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_QUOTA);
    done(&w, &out);
}

/* A host with room for all; a quota of which 3 of `total` are left. The first job needs 4 of it,
 * the second 1, the third none. */
static void world_short(struct world *w, int64_t total, int64_t waited)
{
    world_few(w, 10);
    world_limit(w, 3, total, false);
    world_job(w, 0, 1, waited);
    world_job(w, 0, 0, 5);
    world_need(w, 0, 0, 4);
    world_need(w, 1, 0, 1);
    w->waiting[w->jobs++] =
        (struct waiting){world_group(w, 0, 0, 1), {.id = 3, .priority = 30, .queued_at = NOW - 5}};
    w->group[2].head = w->waiting[2].job;
    w->in.overtake = 100;
}

static void who_waits_for_its_quota_past_the_guard_holds_it(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_short(&w, 9, 100);
    EXPECT(&w, &out, 3, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_QUOTA);
    assert_int_equal(out.verdict[1], PLAN_BLOCKED);
    assert_int_equal(out.blocker[1], 1);
    assert_int_equal(out.limit[1], 0);
    done(&w, &out);
    world_short(&w, 9, 99); /* a young one is passed */
    EXPECT(&w, &out, 2, 3, 0);
    assert_int_equal(w.guards, 1);
    done(&w, &out);
    world_short(&w, 3, 100); /* one that asks for more than there is in all, too */
    EXPECT(&w, &out, 2, 3, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_QUOTA);
    done(&w, &out);
}

static void who_may_not_run_for_their_number_holds_no_quota(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_short(&w, 9, 100);
    world_places(&w, 0, 1);
    world_need(&w, 0, 1, 1);
    EXPECT(&w, &out, 2, 3, 0);
    done(&w, &out);
}

/* Its hosts' line is another's: it is passed until that one has gone. */
static void who_is_behind_a_line_holds_no_quota(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 3);
    world_scope(&w, 0);
    w.unsure[1] = true;
    w.in.unsure = w.unsure;
    world_limit(&w, 3, 9, false);
    world_job(&w, 0, 1, 5); /* holds the line */
    world_job(&w, 0, 0, 5); /* short of quota, behind it */
    world_job(&w, 1, 3, 5); /* needs no host, nor quota */
    world_need(&w, 1, 0, 4);
    EXPECT(&w, &out, 3, 0);
    assert_int_equal(out.verdict[1], PLAN_NO_QUOTA);
    done(&w, &out);
}

/* A young head is passed, the old job of its group is not. */
static void old_job_behind_a_young_head_holds_its_quota(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 10);
    w.in.overtake = 100;
    world_limit(&w, 3, 9, false);
    world_job(&w, 0, 1, 5);
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 1, 100); /* holds the quota from here */
    world_job(&w, 0, 0, 5);
    world_need(&w, 0, 0, 4);
    world_need(&w, 1, 0, 1);
    EXPECT(&w, &out, 2, 0);
    assert_int_equal(out.blocker[1], 3);
    done(&w, &out);
}

static void quota_is_told_behind_a_line_and_never_before_it(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 3);
    world_scope(&w, 0);
    world_limit(&w, 0, 9, false);
    world_job(&w, 0, 1, 5); /* holds the line */
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 2, 5);
    world_job(&w, 1, 0, 5);
    for (size_t g = 1; g < 4; g++)
        world_need(&w, g, 0, 1);
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
    assert_true(out.limit[0] == SIZE_MAX);
    assert_int_equal(out.verdict[1], PLAN_NO_QUOTA);
    assert_int_equal(out.blocker[1], 0);
    assert_int_equal(out.verdict[2], PLAN_NEVER_FITS);
    assert_true(out.limit[2] == SIZE_MAX);
    assert_int_equal(out.verdict[3], PLAN_NO_POOL);
    done(&w, &out);
}

/* There was quota for the head, so that its group was asked for an old job; when that one's turn
 * comes, another group has used up the quota. */
static void old_job_whose_quota_is_gone_by_then_holds_nothing(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    for (int64_t quota = 1; quota <= 2; quota++) {
        world_few(&w, 3);
        w.in.overtake = 100;
        world_limit(&w, quota, 2, false);
        world_job(&w, 0, 1, 5);
        world_job(&w, 0, 0, 5);
        world_job(&w, 0, 1, 100);
        world_job(&w, 0, 0, 5);
        world_need(&w, 0, 0, 1);
        world_need(&w, 1, 0, quota == 1);
        if (quota == 1) {
            w.waiting[3].group = world_group(&w, 0, 0, 1);
            w.group[2].head = w.waiting[3].job;
            EXPECT(&w, &out, 2, 4, 0);
        } else {
            EXPECT(&w, &out, 2, 0);
            assert_int_equal(out.blocker[1], 3);
        }
        assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
        assert_int_equal(w.guards, 1);
        done(&w, &out);
    }
}

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

static void needing_none_of_it_is_met_whatever_is_left(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 10);
    world_limit(&w, -5, 10, false);
    world_limit(&w, -5, -1, true);
    world_job(&w, 0, 0, 5);
    world_job(&w, 0, 3, 5); /* without kinds: its needs are not looked at */
    for (size_t l = 0; l < 2; l++) {
        world_need(&w, 0, l, 0);
        world_need(&w, 1, l, 1);
    }
    EXPECT(&w, &out, 1, 2, 0);
    assert_int_equal(w.limit[0].left, -5);
    assert_int_equal(w.limit[1].left, -5);
    done(&w, &out);
}

static void places_are_kept_also_by_who_needs_nothing(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 10);
    world_places(&w, 2, 5);
    for (int i = 0; i < 6; i++)
        world_job(&w, 0, i % 2 ? 3 : 0, 5);
    world_need(&w, 0, 0, 1);
    world_need(&w, 1, 0, 1);
    EXPECT(&w, &out, 1, 2, 0);
    for (size_t g = 0; g < 2; g++) {
        assert_int_equal(out.verdict[g], PLAN_NO_QUOTA);
        assert_int_equal(out.limit[g], 0);
    }
    assert_int_equal(w.limit[0].left, 0);
    done(&w, &out);
}

/* More run than may: an operator set them running. */
static void who_finds_no_place_holds_nobody_up(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 10);
    world_places(&w, -2, 3);
    world_job(&w, 0, 1, 5);
    world_job(&w, 0, 2, 5);
    world_job(&w, 0, 0, 5);
    world_need(&w, 0, 0, 1);
    world_need(&w, 1, 0, 1);
    EXPECT(&w, &out, 3, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_QUOTA);
    assert_int_equal(out.verdict[1], PLAN_NEVER_FITS); /* which is told before */
    assert_int_equal(w.limit[0].left, -2);
    done(&w, &out);
}

/* Regression: one of those who ask for more than any host has held the line of all the hosts that
 * were read, for ever, as long as there was one that had never been seen with anything free. */
static void unsure_scope_never_says_never(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    for (int sure = 0; sure < 2; sure++) {
        world_few(&w, 10);
        world_scope(&w, 1);
        world_scope(&w, 0);
        w.in.unsure = w.unsure;
        w.unsure[1] = w.unsure[2] = !sure;
        world_limit(&w, 3, 4, true);
        world_job(&w, 2, 0, 5); /* no host of its scope was read */
        world_job(&w, 1, 2, 5); /* the same hosts as scope 0, but unsure: it holds none of them */
        world_job(&w, 0, 2, 5); /* is told the truth about the very same question */
        world_job(&w, 0, 0, 5);
        EXPECT(&w, &out, 4, 0);
        assert_int_equal(out.verdict[0], sure ? PLAN_NO_POOL : PLAN_NO_ROOM);
        assert_int_equal(out.verdict[1], sure ? PLAN_NEVER_FITS : PLAN_NO_ROOM);
        assert_int_equal(out.verdict[2], PLAN_NEVER_FITS);
        assert_int_equal(out.blocker[3], 0);
        done(&w, &out);
    }
}

/* It could run on what was read, were that empty. */
static void unsure_scope_has_a_line_like_others(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 10);
    world_scope(&w, 1);
    w.in.unsure = w.unsure;
    w.unsure[1] = true;
    w.free[0] = 1;
    world_job(&w, 1, 1, 5);
    world_job(&w, 0, 0, 5);
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
    assert_int_equal(out.blocker[1], 1);
    done(&w, &out);
}

static void unsure_scope_waits_for_what_hosts_share_too(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    world_few(&w, 10);
    w.in.unsure = w.unsure;
    w.unsure[0] = true;
    world_limit(&w, 3, 4, true);
    world_job(&w, 0, 0, 5);
    world_need(&w, 0, 0, 5);
    EXPECT(&w, &out, 0);
    assert_int_equal(out.verdict[0], PLAN_NO_ROOM);
    assert_int_equal(out.limit[0], 0);
    done(&w, &out);
}

static void what_is_only_true_now_is_not_never(void **state)
{
    struct world w;
    struct plan_out out;

    (void)state;
    for (int always = 0; always < 2; always++) {
        world_few(&w, 10);
        w.kind[0][0].on = w.on[0][0]; /* no host takes it now */
        memcpy(w.empty_shape, w.shape, sizeof(w.shape));
        w.empty_kind[0][0] = w.kind[0][0];
        w.empty_kind[0][0].on = NULL;
        w.empty_shape[0].kind = w.empty_kind[0];
        w.in.empty_shape = always ? NULL : w.empty_shape;
        world_job(&w, 0, 0, 5);
        EXPECT(&w, &out, 0);
        assert_int_equal(out.verdict[0], always ? PLAN_NEVER_FITS : PLAN_NO_ROOM);
        done(&w, &out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(quota_is_kept_to_the_last_unit),
        cmocka_unit_test(who_has_no_quota_holds_nobody_up),
        cmocka_unit_test(who_waits_for_its_quota_past_the_guard_holds_it),
        cmocka_unit_test(who_may_not_run_for_their_number_holds_no_quota),
        cmocka_unit_test(who_is_behind_a_line_holds_no_quota),
        cmocka_unit_test(old_job_behind_a_young_head_holds_its_quota),
        cmocka_unit_test(quota_is_told_behind_a_line_and_never_before_it),
        cmocka_unit_test(old_job_whose_quota_is_gone_by_then_holds_nothing),
        cmocka_unit_test(what_hosts_share_is_kept_for_who_is_short_of_it),
        cmocka_unit_test(who_waits_for_hosts_keeps_what_else_it_needs),
        cmocka_unit_test(several_keep_their_parts),
        cmocka_unit_test(who_is_short_of_what_is_kept_in_part_is_short_of_it),
        cmocka_unit_test(a_place_is_kept_also_from_who_needs_nothing),
        cmocka_unit_test(who_is_short_of_quota_keeps_its_quotas_alone),
        cmocka_unit_test(young_job_short_of_what_hosts_share_is_passed),
        cmocka_unit_test(needing_none_of_it_is_met_whatever_is_left),
        cmocka_unit_test(places_are_kept_also_by_who_needs_nothing),
        cmocka_unit_test(who_finds_no_place_holds_nobody_up),
        cmocka_unit_test(unsure_scope_never_says_never),
        cmocka_unit_test(unsure_scope_has_a_line_like_others),
        cmocka_unit_test(unsure_scope_waits_for_what_hosts_share_too),
        cmocka_unit_test(what_is_only_true_now_is_not_never),
    };

    return cmocka_run_group_tests_name("plan_limits", tests, NULL, NULL);
}
