/* SPDX-License-Identifier: MIT */
/* Limits when memory runs out, at each piece that the arena hands out (under a sanitizer, too) and
 * at each allocation, for once and for good: no limit is passed by. */
#include "limits_case.h"
#include "torture.h"

enum { ENOUGH = 1 << 20, PIECE = 16 };

/* What there is to be limited by, and how much that comes to. */
static const struct {
    bool shares, jobs;
    const char *project; /* of who waits */
    const char *holder;  /* of who holds something */
    size_t needs;
    int64_t cores; /* that are left of 3 */
} cases[] = {
    {false, false, "project:a", "project:a", 2, 1}, /* a quota */
    {true, false, "project:a", "project:a", 3, 1},  /* and a share */
    {false, false, "project:b", "project:a", 1, 1}, /* a quota that cannot be read */
    {false, true, "project:c", "project:a", 2, 1},  /* numbers of jobs */
    {false, true, "project:a", "project:c", 4, 3},  /* and a quota */
    {true, true, "project:a", "project:a", 5, 1},   /* and a share */
};

static void begin(struct fixed *f, size_t i)
{
    fixed_make(f, SOURCE_QUOTAS_ASKED);
    if (!cases[i].shares)
        f->reading.shared = f->pool[0].shares = 0;
    add(f, cases[i].project, "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    if (cases[i].jobs) {
        count_jobs(f, 5, 5);
        owned_by(f, "x");
    }
}

/* 0, or -1: memory ran out. */
static int run(struct fixed *f, size_t i, struct arena *a)
{
    struct demand_amount amount = {STR_LIT("VCPU"), 2};
    struct demand_kind kind = {.count = 1, .amounts = 1, .amount = &amount};
    const struct demand d = {.kinds = 1, .kind = &kind};
    struct limits *l = &f->limits_made;
    struct err e;
    int rc = limits_make(&f->waiting, a, l, &e);

    if (rc == 0) {
        assert_int_equal(f->waiting.group[0].needs, cases[i].needs);
        rc = limits_hold(l, str_of(cases[i].holder), &d, &e);
    }
    if (rc == 0)
        assert_int_equal(left(f, "cores"), cases[i].cores);
    else
        assert_true(e.code == ERR_INTERNAL || e.code == ERR_UNAVAILABLE);
    f->waiting.group[0].needs = 0;
    limits_free(l);
    *l = (struct limits){0};
    return rc;
}

static void each_piece_of_the_arena_may_be_the_last(void **state)
{
    struct arena *a;
    struct fixed f;
    size_t i, most;
    int rc;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        rc = -1;
        for (most = 0; rc != 0; most += PIECE) {
            begin(&f, i);
            a = arena_new(most);
            assert_non_null(a);
            rc = run(&f, i, a);
            arena_free(a);
            fixed_free(&f);
        }
        assert_in_range(most, 3 * PIECE, ENOUGH);
    }
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void every_allocation_may_fail(void **state)
{
    struct arena *a;
    struct fixed f;
    int64_t good;
    size_t i;
    int rc;

    (void)state;
    for (int once = 0; once < 2; once++)
        for (i = 0; i < ARRAY_LEN(cases); i++) {
            good = 0;
            do {
                begin(&f, i);
                torture_arm_as(once, good++);
                a = arena_new(ENOUGH);
                rc = a ? run(&f, i, a) : -1;
                arena_free(a);
                assert_int_equal(torture_end(), 0);
                fixed_free(&f);
            } while (torture_fired());
            assert_int_equal(rc, 0);
            assert_true(good > 5);
        }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_of_the_arena_may_be_the_last),
#if TORTURE
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
