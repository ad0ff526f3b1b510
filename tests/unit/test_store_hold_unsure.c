/* SPDX-License-Identifier: MIT */
/* An admission that ends while its client may have taken a call that nobody heard of: found by the
 * model of the protocol (tests/model, BUG_UNSURE). What it held was promised again at once, while
 * its client was still building. */
#include "hold_case.h"

#define SOMEBODY STR_LIT("192.0.2.1") /* was connected to */

/* A try; `status` 0: it had no answer. */
static void try_it(struct rig *r, int64_t id, int64_t admissions, enum store_outcome outcome,
                   int status, struct str address)
{
    struct store_try t = {.id = id,
                          .admissions = admissions,
                          .outcome = outcome,
                          .reason = STR_LIT(JOB_REASON_CALLBACK),
                          .message = STR_LIT("no"),
                          .at = r->now,
                          .next_try = r->now + 1,
                          .address = address,
                          .status = status};
    struct store_tried out;
    struct err e;

    rig_begin(r);
    OK(store_tried(r->s, &t, ++r->now, &out, &e), &e);
    assert_true(out.written);
    rig_commit(r);
}

static void a_call_that_may_have_been_taken_unheard_is_held_for_until_it_has_settled(void **state)
{
    static const struct {
        enum store_outcome outcome;
        int status;
        struct str address;
        bool unsure;
    } ends[] = {
        {STORE_GIVE_UP, 0, SOMEBODY, true},    {STORE_REFUSED, 0, SOMEBODY, true},
        {STORE_GIVE_UP, 500, SOMEBODY, false}, {STORE_REFUSED, 410, SOMEBODY, false},
        {STORE_GIVE_UP, 0, {NULL, 0}, false},  {STORE_REFUSED, 0, {NULL, 0}, false},
    };
    struct rig r;
    int64_t id, end;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(ends); i++) {
        id = begin(&r);
        admit(&r, id);
        try_it(&r, id, 1, ends[i].outcome, ends[i].status, ends[i].address);
        end = r.now + (ends[i].unsure ? SETTLE : 0);
        ENDS(&r, end);
        tidy(&r, r.now);
        remove_it(&r);
        ENDS(&r, end);
        rig_free(&r);
    }
}

/* Found by review: the last try met somebody else, a proxy say, who answered. */
static void so_is_one_whose_last_call_was_answered(void **state)
{
    struct rig r;
    int64_t id, end;

    (void)state;
    id = begin(&r);
    admit(&r, id);
    try_it(&r, id, 1, STORE_TRY_AGAIN, 0, (struct str)SOMEBODY);
    r.now += SETTLE / 2;
    try_it(&r, id, 1, STORE_GIVE_UP, 502, (struct str)SOMEBODY);
    end = r.now + SETTLE;
    ENDS(&r, end);
    rig_free(&r);

    id = begin(&r);
    admit(&r, id);
    try_it(&r, id, 1, STORE_TRY_AGAIN, 0, (struct str)SOMEBODY);
    r.now += SETTLE; /* by now what was built is seen */
    try_it(&r, id, 1, STORE_GIVE_UP, 502, (struct str)SOMEBODY);
    ENDS(&r, r.now);
    rig_free(&r);
}

/* Found by review: a try keeps the time that the clock said then, and was taken for an old one. */
static void so_it_is_when_the_clock_was_set_since(void **state)
{
    static const int64_t steps[] = {HOUR, -HOUR};
    struct rig r;
    int64_t id, end;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(steps); i++) {
        id = begin(&r);
        admit(&r, id);
        try_it(&r, id, 1, STORE_TRY_AGAIN, 0, (struct str)SOMEBODY);
        set_clock(&r, steps[i]);
        try_it(&r, id, 1, STORE_GIVE_UP, 502, (struct str)SOMEBODY);
        end = r.now + SETTLE;
        ENDS(&r, end);
        rig_free(&r);
    }
}

static void a_hold_that_ran_out_may_have_been_taken_unheard(void **state)
{
    struct rig r;
    int64_t id, end;

    (void)state;
    id = begin(&r);
    admit(&r, id);
    rig_sql(&r, "UPDATE jobs SET next_try = hold_until + 1");
    r.now += 2 * HOUR;
    tidy(&r, r.now);
    end = r.now + SETTLE;
    ENDS(&r, end);
    set(&r, "queued"); /* it failed; what it may use is there all the same */
    ENDS(&r, end);
    set(&r, "cancelled");
    ENDS(&r, end);
    rig_free(&r);
}

/* A client that hands back what it was promised again says so of all of it. */
static void who_hands_back_has_nothing_of_an_earlier_admission(void **state)
{
    struct rig r;
    int64_t id;

    (void)state;
    id = begin(&r);
    admit(&r, id);
    try_it(&r, id, 1, STORE_GIVE_UP, 0, (struct str)SOMEBODY);
    set(&r, "queued");
    admit(&r, id);
    assert_int_equal(held_at(&r, r.now), 2);
    set(&r, "cancelled");
    assert_int_equal(held_at(&r, r.now), 0);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_call_that_may_have_been_taken_unheard_is_held_for_until_it_has_settled),
        cmocka_unit_test(so_is_one_whose_last_call_was_answered),
        cmocka_unit_test(so_it_is_when_the_clock_was_set_since),
        cmocka_unit_test(a_hold_that_ran_out_may_have_been_taken_unheard),
        cmocka_unit_test(who_hands_back_has_nothing_of_an_earlier_admission),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
