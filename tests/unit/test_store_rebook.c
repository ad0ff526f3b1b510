/* SPDX-License-Identifier: MIT */
/* What jobs hold moves with its account when the configuration changes: a queue that now shares its
 * source with another. */
#include "rig_sql.h"
#include "torture.h"

#define HOUR (3600 * NS_PER_S)

static const char alone[] = "queues:\n"
                            "  vm: {capacity: openstack, cloud: c}\n";
static const char shared[] = "queues:\n"
                             "  vm: {capacity: openstack, cloud: c}\n"
                             "  a: {capacity: openstack, cloud: c}\n";

static const char ledger[] = "queues:\n"
                             "  vm: {capacity: openstack, cloud: c, accounting: ledger}\n";

static bool take_group(void *ctx, const struct store_group *g)
{
    *(int64_t *)ctx = g->id;
    return false;
}

/* One job of the queue vm, which holds 3 VCPU of n1. */
static void make_holder(struct rig *r)
{
    static const struct store_hold hold = {{"n1", 2}, {"VCPU", 4}, 3};
    struct store_admission a = {
        .queue = STR_LIT("vm"), .hosts = STR_LIT("{\"n1\":1}"), .holds = 1, .hold = &hold};
    struct err e;

    rig_make(r, alone);
    a.id = rig_add(r, "vm", "a", "{\"project\":\"p\",\"instances\":[{\"VCPU\":3}]}");
    a.first_try = r->now;
    a.hold_until = r->now + HOUR;
    OK(store_groups(r->s, 0, take_group, &a.group, &e), &e);
    rig_begin(r);
    assert_int_equal(store_admit(r->s, &a, ++r->now, &e), 1);
    rig_commit(r);
}

/* Stops, and starts again with other queues. */
static void start_again(struct rig *r, const char *queues)
{
    char yaml[1024];
    struct err e;

    store_close(r->s);
    conf_free(r->conf);
    (void)snprintf(yaml, sizeof yaml, "database: %s\nlow_water: 0\n%s", r->path, queues);
    OK(conf_parse(str_of(yaml), "test", &r->conf, &e), &e);
    rig_open(r);
}

static void add_up(void *ctx, struct str host, struct str resource, int64_t amount)
{
    assert_true(str_is(host, "n1") && str_is(resource, "VCPU"));
    *(int64_t *)ctx += amount;
}

static int64_t held(struct rig *r, const char *account)
{
    int64_t sum = 0;
    struct err e;

    OK(store_holds(r->s, str_of(account), r->now, add_up, &sum, &e), &e);
    return sum;
}

static void what_is_held_moves_with_its_account(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    make_holder(&r);
    assert_int_equal(store_misbooked(r.s, &e), 0);
    assert_int_equal(held(&r, "vm"), 3);
    start_again(&r, shared);
    assert_int_equal(store_misbooked(r.s, &e), 1);
    rig_begin(&r);
    OK(store_rebook(r.s, &e), &e);
    rig_commit(&r);
    assert_int_equal(store_misbooked(r.s, &e), 0);
    assert_int_equal(held(&r, "vm"), 0);
    assert_int_equal(held(&r, "a"), 3);
    rig_begin(&r);
    OK(store_rebook(r.s, &e), &e); /* there is nothing to do */
    rig_commit(&r);
    assert_int_equal(held(&r, "a"), 3);
    rig_free(&r);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
/* It ends, and says so; all is as it was then, or as it should be. */
static void without_memory_it_ends(void **state)
{
    struct rig r;
    struct err e;
    int64_t good;
    int rc;

    (void)state;
    make_holder(&r);
    start_again(&r, shared);
    for (int once = 0; once < 2; once++) {
        good = 0;
        do {
            rig_begin(&r);
            torture_arm_as(once, good++);
            rc = store_rebook(r.s, &e);
            (void)torture_end();
            if (rc == 0)
                assert_int_equal(store_misbooked(r.s, &e), 0);
            store_rollback(r.s);
            assert_int_equal(store_misbooked(r.s, &e), 1);
            assert_int_equal(held(&r, "vm"), 3);
        } while (torture_fired());
        assert_int_equal(rc, 0);
        assert_true(good > 2);
    }
    rig_free(&r);
}

/* No job is taken for counted because it could not be looked at. */
static void without_memory_nobody_is_left_uncounted(void **state)
{
    static const char unplaced[] = "SELECT hosts IS NULL FROM jobs";
    struct rig r;
    struct err e;
    int64_t good, was[2];
    int rc;

    (void)state;
    make_holder(&r);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"running\"}", &e), &e);
    rig_sql(&r, "DELETE FROM holds"); /* as a purge does, once they have ended */
    assert_int_equal(store_misbooked(r.s, &e), 0);
    start_again(&r, ledger);
    for (int once = 0; once < 2; once++) {
        good = 0;
        do {
            torture_arm_as(once, good);
            rc = store_misbooked(r.s, &e);
            (void)torture_end();
            assert_true(rc == 1 || (rc == -1 && torture_fired()));
            rig_begin(&r);
            torture_arm_as(once, good++);
            rc = store_rebook(r.s, &e);
            (void)torture_end();
            if (rc == 0)
                assert_int_equal(store_misbooked(r.s, &e), 0);
            store_rollback(r.s);
            assert_int_equal(rig_ask(&r, unplaced), 0);
        } while (torture_fired());
        assert_int_equal(rc, 0);
        assert_true(good > 2);
    }
    was[0] = rig_ask(&r, "SELECT version FROM jobs");
    was[1] = rig_ask(&r, "SELECT version FROM queues");
    rig_begin(&r);
    OK(store_rebook(r.s, &e), &e);
    rig_commit(&r);
    assert_int_equal(rig_ask(&r, unplaced), 1);
    assert_true(rig_ask(&r, "SELECT version FROM jobs") > was[0]); /* found by review: 304 */
    assert_true(rig_ask(&r, "SELECT version FROM queues") > was[1]);
    assert_int_equal(store_misbooked(r.s, &e), 0);
    rig_free(&r);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_held_moves_with_its_account),
#if TORTURE
        cmocka_unit_test(without_memory_it_ends),
        cmocka_unit_test(without_memory_nobody_is_left_uncounted),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
