/* SPDX-License-Identifier: MIT */
/* What no reading may say: each rule of source.h broken once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/source.h"
#include "num.h"

/* A reading of two hosts and two pools that may be spoilt. */
struct world {
    struct source_amount amount[2];
    struct source_label label[2];
    struct source_host host[2];
    size_t of_pool[2], share[1];
    struct pool pool[2];
    struct source_quota quota[2];
    struct source_limit limit[1];
    struct source_reading r;
};

static void make(struct world *w)
{
    *w = (struct world){
        .amount = {{STR_LIT("Memory"), 8, 0, 0}, {STR_LIT("VCPU"), 4, 5, 0}},
        .label = {{.key = STR_LIT("a"), .value = STR_LIT("1")},
                  {.key = STR_LIT("b"), .value = STR_LIT("1")}},
        .host = {{.name = STR_LIT("one"), .amounts = 2, .labels = 2}, {.name = STR_LIT("two")}},
        .of_pool = {0, 1},
        .pool = {{.name = STR_LIT("z"), .hosts = 2, .shares = 1}, {.name = STR_LIT("a")}},
        .quota = {{.project = STR_LIT("p"), .limits = 1}, {.project = STR_LIT("q")}},
        .limit = {{.name = STR_LIT("cores"), .limit = 3, .used = 9}},
        .r = {.hosts = 2, .pools = 2, .quotas = 2, .shared = 1},
    };
    w->host[0].amount = w->amount;
    w->host[0].label = w->label;
    w->pool[0].host = w->of_pool;
    w->pool[0].share = w->share;
    w->quota[0].limit = w->r.share = w->limit;
    w->r.host = w->host;
    w->r.pool = w->pool;
    w->r.quota = w->quota;
}

static int check(struct world *w, struct err *e)
{
    int rc;

    w->r.arena = arena_new(1 << 16);
    assert_non_null(w->r.arena);
    rc = source_check(&w->r, e);
    arena_free(w->r.arena);
    return rc;
}

#define SPOIL(name, change)                                                                        \
    static void name(struct world *w)                                                              \
    {                                                                                              \
        change;                                                                                    \
    }
SPOIL(host_without_name, w->host[0].name.n = 0)
SPOIL(host_twice, w->host[1].name = w->host[0].name)
SPOIL(hosts_out_of_order, w->host[0].name = STR_LIT("zwei"))
SPOIL(host_that_moves_a_terminal, w->host[1].name = STR_LIT("two\033[2J"))
SPOIL(host_that_ends_a_text, w->host[1].name = STR_LIT("two\0"))
SPOIL(resource_twice, w->amount[1].resource = w->amount[0].resource)
SPOIL(resource_without_name, w->amount[0].resource = STR_LIT(""))
SPOIL(too_much, w->amount[0].total = NUM_SAFE_MAX + 1)
SPOIL(too_much_used, w->amount[0].used = INT64_MAX)
SPOIL(less_than_nothing, w->amount[1].used = -1)
SPOIL(label_twice, w->label[1] = w->label[0])
SPOIL(labels_out_of_order, w->label[0].key = STR_LIT("c"))
SPOIL(pool_of_nobody, w->of_pool[1] = 2)
SPOIL(pool_with_a_host_twice, w->of_pool[1] = 0)
SPOIL(pool_with_no_such_share, w->share[0] = 1)
SPOIL(pool_twice, w->pool[1].name = w->pool[0].name)
SPOIL(pool_without_name, w->pool[1].name.n = 0)
SPOIL(pool_of_two_lines, w->pool[1].name = STR_LIT("a\nb"))
SPOIL(quota_twice, w->quota[1].project = w->quota[0].project)
SPOIL(negative_limit, w->limit[0].limit = -1)
SPOIL(limit_used_too_much, w->limit[0].used = NUM_SAFE_MAX + 1)
SPOIL(too_many_hosts, w->r.hosts = SOURCE_HOSTS_MAX + 1)
SPOIL(too_many_pools, w->r.pools = SOURCE_POOLS_MAX + 1)

static void a_good_one_is_good(void **state)
{
    struct world w;
    struct err e;

    (void)state;
    make(&w);
    assert_int_equal(check(&w, &e), 0);
}

/* What fuzzing found: a pointer of hosts without labels, NULL, was counted on from. A sanitizer
 * (clang's) sees it. */
static void hosts_without_labels_are_good(void **state)
{
    struct source_host host = {.name = STR_LIT("a")};
    struct source_reading r = {.hosts = 1, .host = &host};
    struct err e;

    (void)state;
    r.arena = arena_new(1 << 20);
    assert_non_null(r.arena);
    assert_int_equal(source_check(&r, &e), 0);
    arena_free(r.arena);
}

static void each_rule_is_kept(void **state)
{
    static void (*const spoils[])(struct world *) = {
        host_without_name,
        host_twice,
        hosts_out_of_order,
        host_that_moves_a_terminal,
        host_that_ends_a_text,
        resource_twice,
        resource_without_name,
        too_much,
        too_much_used,
        less_than_nothing,
        label_twice,
        labels_out_of_order,
        pool_of_nobody,
        pool_with_a_host_twice,
        pool_with_no_such_share,
        pool_twice,
        pool_without_name,
        pool_of_two_lines,
        quota_twice,
        negative_limit,
        limit_used_too_much,
        too_many_hosts,
        too_many_pools,
    };
    struct world w;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(spoils); i++) {
        make(&w);
        spoils[i](&w);
        if (check(&w, &e) == 0)
            fail_msg("the spoilt reading %zu is taken", i);
        assert_int_equal(e.code, ERR_UNAVAILABLE);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_is_good),
        cmocka_unit_test(hosts_without_labels_are_good),
        cmocka_unit_test(each_rule_is_kept),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
