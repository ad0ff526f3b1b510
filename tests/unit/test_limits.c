/* SPDX-License-Identifier: MIT */
/* Limits beside the hosts: whose quota is looked up, what a job takes of each line, and what those
 * who hold something have taken already; by example. */
#include "limits_case.h"
#include "num.h"

enum { MOST = 1024 }; /* limits of one project and its pools */

static void test_needs_are_sums_over_all_instances(void **state)
{
    struct fixed f;

    (void)state;
    fixed_make(&f, SOURCE_QUOTAS_ASKED);
    add(&f, "project:a",
        "[{\"n\":3,\"r\":{\"Disk\":10,\"PCPU\":1,\"VCPU\":2}},{\"n\":1,\"r\":{\"VCPU\":8}}]");
    make(&f);
    assert_int_equal(need(&f, 0, "cores"), 3 * 3 + 8);
    assert_int_equal(need(&f, 0, "instances"), 4);
    assert_int_equal(need(&f, 0, "DISK_GB of nfs"), 30);
    assert_int_equal(left(&f, "cores"), 3);
    assert_int_equal(left(&f, "instances"), 6);
    assert_int_equal(left(&f, "DISK_GB of nfs"), 0); /* more is used than there is */
    fixed_free(&f);
}

static void test_each_scope_has_its_own(void **state)
{
    struct fixed f;

    (void)state;
    fixed_make(&f, SOURCE_QUOTAS_ASKED);
    add(&f, "pool:p\nproject:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    add(&f, "project:c", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    add(&f, "pool:p", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    add(&f, "project:b", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    make(&f);
    assert_int_equal(need(&f, 0, "cores"), 1);
    assert_int_equal(need(&f, 1, "cores"), -1);
    assert_int_equal(need(&f, 2, "cores"), -1);
    assert_int_equal(need(&f, 2, "DISK_GB of nfs"), 0);
    assert_true(need(&f, 3, "error") > 0); /* unknown is not free */
    assert_false(limits_unknown(&f.reading, STR_LIT("pool:p\nproject:a")));
    assert_false(limits_unknown(&f.reading, STR_LIT("project:b")));
    assert_true(limits_unknown(&f.reading, STR_LIT("project:c")));
    assert_false(limits_unknown(&f.reading, STR_LIT("pool:p")));
    f.reading.gate = SOURCE_QUOTAS_READ;
    assert_false(limits_unknown(&f.reading, STR_LIT("project:c")));
    fixed_free(&f);
}

static void test_without_a_gate_no_quota_counts(void **state)
{
    struct fixed f;

    (void)state;
    fixed_make(&f, SOURCE_NO_QUOTA);
    add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    make(&f);
    assert_int_equal(f.waiting.group[0].needs, 1); /* the disk that hosts share */
    assert_int_equal(need(&f, 0, "cores"), -1);
    fixed_free(&f);
}

static void test_holders_take_theirs_off(void **state)
{
    struct demand *d;
    struct fixed f;
    struct err e;

    (void)state;
    fixed_make(&f, SOURCE_QUOTAS_READ);
    add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    make(&f);
    assert_int_equal(demand_from_shape(STR_LIT("[{\"n\":2,\"r\":{\"VCPU\":1}}]"), &d, &e), 0);
    assert_int_equal(limits_hold(&f.limits_made, STR_LIT("project:a"), d, &e), 0);
    assert_int_equal(left(&f, "cores"), 1);
    assert_int_equal(left(&f, "instances"), 4);
    assert_int_equal(limits_hold(&f.limits_made, STR_LIT("project:a"), d, &e), 0);
    assert_int_equal(left(&f, "cores"), 0);
    assert_int_equal(limits_hold(&f.limits_made, STR_LIT("project:nobody"), d, &e), 0);
    assert_int_equal(left(&f, "instances"), 2);
    demand_free(d);
    fixed_free(&f);
}

static void test_without_a_limit_nothing_is_needed(void **state)
{
    struct fixed f;
    int counted;

    (void)state;
    for (counted = 0; counted < 2; counted++) {
        fixed_make(&f, SOURCE_NO_QUOTA);
        f.reading.shared = f.pool[0].shares = 0;
        add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
        if (counted) {
            count_jobs(&f, 0, 0);
            owned_by(&f, "x");
        }
        make(&f);
        assert_int_equal(f.limits_made.n, 0);
        assert_int_equal(f.waiting.group[0].needs, 0);
        fixed_free(&f);
    }
}

/* Two pools of two shares each, one of which is the same. */
static void test_a_share_of_several_pools_counts_once(void **state)
{
    struct fixed f;
    size_t of[POOLS][2] = {{0, 1}, {1, 2}};

    (void)state;
    fixed_make(&f, SOURCE_NO_QUOTA);
    f.share[1] = (struct source_limit){{"PCPU of x", 9}, {{"PCPU", 4}}, 9, 0};
    f.share[2] = (struct source_limit){{"VCPU of x", 9}, {{"VCPU", 4}}, 9, 0};
    f.reading.shared = SHARES;
    f.reading.pools = POOLS;
    f.pool[1] = f.pool[0];
    f.pool[1].name = STR_LIT("p2");
    f.pool[0].share = of[0];
    f.pool[1].share = of[1];
    f.pool[0].shares = f.pool[1].shares = 2;
    add(&f, "", "[{\"n\":2,\"r\":{\"PCPU\":1,\"VCPU\":2}}]");
    add(&f, "pool:p2", "[{\"n\":2,\"r\":{\"PCPU\":1,\"VCPU\":2}}]");
    make(&f);
    assert_int_equal(f.waiting.group[0].needs, 3);
    assert_int_equal(need(&f, 0, "DISK_GB of nfs"), 0);
    assert_int_equal(need(&f, 0, "PCPU of x"), 2);
    assert_int_equal(need(&f, 0, "VCPU of x"), 4);
    assert_int_equal(f.waiting.group[1].needs, 2);
    assert_int_equal(need(&f, 1, "DISK_GB of nfs"), -1);
    assert_true(f.limits_made.limit[0].shared);
    fixed_free(&f);
}

static void test_a_quota_is_looked_up_once(void **state)
{
    struct fixed f;

    (void)state;
    fixed_make(&f, SOURCE_QUOTAS_READ);
    f.reading.shared = f.pool[0].shares = 0;
    add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":2}}]");
    make(&f);
    assert_int_equal(f.limits_made.n, 2);
    assert_false(f.limits_made.limit[0].shared);
    assert_int_equal(need(&f, 0, "cores"), 1);
    assert_int_equal(need(&f, 1, "cores"), 2);
    fixed_free(&f);
    fixed_make(&f, SOURCE_QUOTAS_ASKED);
    f.reading.quotas = 0;
    f.reading.quota = NULL;
    assert_true(limits_unknown(&f.reading, STR_LIT("project:a")));
    fixed_free(&f);
}

/* It never fits, so that no limit is what keeps it. */
static void test_a_shape_that_cannot_be_read_needs_nothing(void **state)
{
    struct fixed f;

    (void)state;
    fixed_make(&f, SOURCE_QUOTAS_READ);
    add(&f, "project:a", "no shape");
    make(&f);
    assert_int_equal(f.limits_made.n, 3);
    assert_int_equal(f.waiting.group[0].needs, 0);
    fixed_free(&f);
}

/* More than can be counted is more than is left. */
static void test_sums_do_not_wrap(void **state)
{
    struct demand_amount amounts[] = {{STR_LIT("PCPU"), NUM_SAFE_MAX},
                                      {STR_LIT("VCPU"), NUM_SAFE_MAX}};
    struct demand_kind kind = {.count = FIT_COUNT_MAX, .amounts = 2, .amount = amounts};
    const struct demand d = {.kinds = 1, .kind = &kind};
    struct fixed f;
    struct err e;

    (void)state;
    fixed_make(&f, SOURCE_QUOTAS_READ);
    f.limits[0] = (struct source_limit){{"cores", 5}, {{"VCPU", 4}, {"PCPU", 4}}, INT64_MAX, 0};
    add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    make(&f);
    assert_int_equal(limits_hold(&f.limits_made, STR_LIT("project:a"), &d, &e), 0);
    assert_int_equal(left(&f, "cores"), 0);
    assert_int_equal(left(&f, "instances"), 0);
    fixed_free(&f);
}

static void test_places_among_jobs(void **state)
{
    struct fixed f;
    size_t g;

    (void)state;
    fixed_make(&f, SOURCE_NO_QUOTA);
    f.reading.shared = f.pool[0].shares = 0;
    for (g = 0; g < 3; g++)
        add(&f, "project:a", "[{\"n\":7,\"r\":{\"VCPU\":1}}]");
    count_jobs(&f, 6, 3);
    owned_by(&f, "xyx");
    make(&f);
    assert_int_equal(f.limits_made.n, 3); /* of the queue, of x, of y */
    assert_int_equal(f.limits_made.counting, 3);
    for (g = 0; g < 3; g++) {
        assert_int_equal(f.waiting.group[g].needs, 2);
        assert_int_equal(need(&f, g, JOB_REASON_RUN_LIMIT), 1);
        assert_int_equal(need(&f, g, JOB_REASON_OWNER_LIMIT), 1);
        assert_true(f.limits_made.limit[g].jobs);
        assert_false(f.limits_made.limit[g].shared);
    }
    assert_int_equal(f.waiting.group[0].need[1].limit, f.waiting.group[2].need[1].limit);
    assert_int_not_equal(f.waiting.group[0].need[1].limit, f.waiting.group[1].need[1].limit);
    assert_int_equal(left(&f, JOB_REASON_RUN_LIMIT), 4);
    assert_int_equal(left(&f, JOB_REASON_OWNER_LIMIT), 2);
    assert_int_equal(f.limits_made.limit[f.waiting.group[1].need[1].limit].total, 3);
    fixed_free(&f);
}

static void test_jobs_that_nobody_limits_need_no_place(void **state)
{
    struct fixed f;

    (void)state;
    fixed_make(&f, SOURCE_QUOTAS_READ);
    add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    count_jobs(&f, 0, 0);
    owned_by(&f, "x");
    make(&f);
    assert_int_equal(f.limits_made.counting, 0);
    assert_int_equal(f.waiting.group[0].needs, 3);
    fixed_free(&f);
}

/* Beside a quota, and where only one of them is limited. */
static void test_places_stand_before_amounts(void **state)
{
    struct fixed f;
    int of_queue;

    (void)state;
    for (of_queue = 0; of_queue < 2; of_queue++) {
        fixed_make(&f, SOURCE_QUOTAS_READ);
        add(&f, "project:a", "[{\"n\":2,\"r\":{\"VCPU\":1}}]");
        count_jobs(&f, of_queue ? 5 : 0, of_queue ? 0 : 5);
        owned_by(&f, "x");
        make(&f);
        assert_int_equal(f.waiting.group[0].needs, 4);
        assert_true(f.limits_made.limit[f.waiting.group[0].need[0].limit].jobs);
        assert_int_equal(f.limits_made.counting, 1);
        assert_int_equal(left(&f, JOB_REASON_RUN_LIMIT), of_queue ? 4 : -1);
        assert_int_equal(left(&f, JOB_REASON_OWNER_LIMIT), of_queue ? -1 : 4);
        assert_int_equal(need(&f, 0, "cores"), 2);
        fixed_free(&f);
    }
}

static void test_a_table_has_its_length(void **state)
{
    static struct source_limit many[MOST + 1];
    struct fixed f;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct source_limit){.name = {"m", 1}, .resource = {{"VCPU", 4}}, .limit = 9};
    fixed_make(&f, SOURCE_QUOTAS_READ);
    f.quota[0].limit = f.reading.share = many;
    f.quota[0].limits = MOST - 1; /* and the disk */
    add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    make(&f);
    assert_int_equal(f.waiting.group[0].needs, MOST);
    assert_int_equal(f.waiting.group[0].need[MOST - 1].amount, 1);
    limits_free(&f.limits_made);
    f.quota[0].limits = MOST;
    assert_int_equal(limits_make(&f.waiting, f.arena, &f.limits_made, &e), -1);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_string_equal(e.text, "a source has more than 1024 limits for one project");
    f.reading.quotas = 0;
    f.reading.shared = MOST;
    assert_int_equal(limits_check(&f.reading, &e), 0);
    f.reading.shared = MOST + 1;
    assert_int_equal(limits_check(&f.reading, &e), -1);
    fixed_free(&f);
}

/* Found by review: it came behind as many shares as there may be, one past the end. It keeps no
 * other project waiting. */
static void test_a_quota_that_cannot_be_read_has_room(void **state)
{
    static struct source_limit many[MOST];
    static size_t shares[MOST];
    const struct demand nothing = {.kinds = 0};
    struct fixed f;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < MOST; i++) {
        many[i] = (struct source_limit){.name = {"m", 1}, .resource = {{"VCPU", 4}}, .limit = 9};
        shares[i] = i;
    }
    fixed_make(&f, SOURCE_QUOTAS_READ);
    f.reading.share = many;
    f.pool[0].share = shares;
    f.reading.shared = f.pool[0].shares = MOST;
    f.quota[0].limits = 0;
    add(&f, "project:b", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
    make(&f);
    assert_int_equal(f.waiting.group[0].needs, MOST + 1);
    assert_int_equal(f.waiting.group[0].need[MOST].amount, 1);
    assert_int_equal(limits_hold(&f.limits_made, STR_LIT("project:b"), &nothing, &e), 0);
    fixed_free(&f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs_are_sums_over_all_instances),
        cmocka_unit_test(test_each_scope_has_its_own),
        cmocka_unit_test(test_without_a_gate_no_quota_counts),
        cmocka_unit_test(test_holders_take_theirs_off),
        cmocka_unit_test(test_without_a_limit_nothing_is_needed),
        cmocka_unit_test(test_a_share_of_several_pools_counts_once),
        cmocka_unit_test(test_a_quota_is_looked_up_once),
        cmocka_unit_test(test_a_shape_that_cannot_be_read_needs_nothing),
        cmocka_unit_test(test_sums_do_not_wrap),
        cmocka_unit_test(test_places_among_jobs),
        cmocka_unit_test(test_jobs_that_nobody_limits_need_no_place),
        cmocka_unit_test(test_places_stand_before_amounts),
        cmocka_unit_test(test_a_table_has_its_length),
        cmocka_unit_test(test_a_quota_that_cannot_be_read_has_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
