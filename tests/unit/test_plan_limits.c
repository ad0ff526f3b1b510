/* SPDX-License-Identifier: MIT */
/* Quotas, what hosts share, hosts that could not be read, and what is only true now: case by case.
 * Jobs are numbered from 1 in serving order. */
#include "plan_world.h"

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
