/* SPDX-License-Identifier: MIT */
/* What those are told whom no pool serves, by what their scope names, and those that no host takes.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/reason.h"

static struct str only_p[] = {{"p", 1}};
static const struct pool pools[] = {
    {.name = {"own", 3}, .closed = true, .projects = 1, .project = only_p}};

static void expect(const char *scope, const char *want)
{
    const struct source_reading reading = {.pools = ARRAY_LEN(pools), .pool = pools};
    const struct capacity capacity = {.reading = &reading};
    struct str text = str_of(scope);
    struct waiting_group info = {.scope_text = 0};
    struct plan_group group = {.shape = 0};
    const struct waiting w = {.capacity = &capacity,
                              .scope_text = {.n = 1, .text = &text},
                              .groups = 1,
                              .group = &group,
                              .info = &info};
    enum plan_verdict verdict = PLAN_NO_POOL;
    size_t limit = SIZE_MAX;
    const struct plan_out plan = {.verdict = &verdict, .limit = &limit};
    struct buf b = BUF_INIT(REASON_MESSAGE_MAX);

    assert_string_equal(reason_of(&w, NULL, NULL, &plan, 0, &b), JOB_REASON_NO_POOL);
    assert_string_equal(buf_span(&b).p, want);
    buf_free(&b);
}

static void test_no_pool(void **state)
{
    (void)state;
    expect("project:z", "no pool of this queue serves the project \"z\"");
    expect("pool:gone", "this queue has no pool of the name \"gone\"");
    expect("pool:gone\nproject:p", "this queue has no pool of the name \"gone\"");
    expect("pool:own\nproject:z",
           "the pool \"own\" of this queue does not serve the project \"z\"");
    expect("", "this queue has no pool with a host");
}

/* Three hosts of 4 VCPU: plain, tainted, and tainted with the label a=b. */
static const struct source_amount cpu = {.resource = {"VCPU", 4}, .total = 4, .used = 1};
static const struct source_label label = {.key = {"a", 1}, .value = {"b", 1}};
static const struct source_taint taint = {{"t", 1}, {"", 0}, {"NoSchedule", 10}};
static const struct source_host hosts[] = {
    {.name = {"h0", 2}, .amounts = 1, .amount = &cpu},
    {.name = {"h1", 2}, .amounts = 1, .amount = &cpu, .taints = 1, .taint = &taint},
    {.name = {"h2", 2},
     .amounts = 1,
     .amount = &cpu,
     .labels = 1,
     .label = &label,
     .taints = 1,
     .taint = &taint},
};

static const struct {
    size_t first, hosts;
    const char *constraint; /* NULL: absent */
    int64_t cpu;
    enum plan_verdict verdict;
    const char *want;
} asked[] = {
    {0, 3, "{\"nodeSelector\":{\"a\":\"c\"}}", 1, PLAN_NEVER_FITS,
     "no host of this queue meets its nodeSelector"},
    {0, 3, "{\"nodeSelector\":{\"a\":\"b\"}}", 1, PLAN_NEVER_FITS,
     "each host of this queue with the labels of its nodeSelector has a taint not tolerated"},
    {1, 2, NULL, 1, PLAN_NEVER_FITS,
     "each host of this queue has a taint that it does not tolerate"},
    {0, 3, "{\"traits\":[\"HW\"]}", 1, PLAN_NEVER_FITS,
     "no host of this queue has the traits it asks for"},
    {0, 3, "{", 1, PLAN_NEVER_FITS, "its constraint cannot be read"},
    {0, 3, NULL, 5, PLAN_NEVER_FITS, "needs 5 VCPU; the 1 host that may take it has 4 in all"},
    {0, 3, NULL, 4, PLAN_NO_ROOM, "needs 4 VCPU; 3 of 4 are free on the 1 host that may take it"},
    {0, 1, NULL, 4, PLAN_NO_ROOM, "needs 4 VCPU; 3 of 4 are free on its 1 host"},
};

/* What is said of a demand of one kind to a queue of these hosts. */
static void say(size_t i, struct buf *b)
{
    struct source_reading reading = {.hosts = asked[i].hosts, .host = hosts + asked[i].first};
    struct demand_amount amount = {STR_LIT("VCPU"), asked[i].cpu};
    struct demand_kind kind = {
        .count = 1, .amounts = 1, .amount = &amount, .constraint = str_of(asked[i].constraint)};
    const struct demand d = {.kinds = 1, .kind = &kind};
    static const size_t all[] = {0, 1, 2};
    struct fit_subset scope = {asked[i].hosts, all};
    struct arena *a = arena_new(1 << 16);
    struct plan_group group = {.shape = 0};
    struct str pool_set = {"12345678", sizeof(size_t)};
    struct capacity_shape shape;
    struct capacity c;
    struct waiting w = {.capacity = &c,
                        .pools = {.n = 1, .text = &pool_set},
                        .scope = &scope,
                        .shape = &shape,
                        .groups = 1,
                        .group = &group};
    enum plan_verdict verdict = asked[i].verdict;
    size_t limit = SIZE_MAX;
    const struct plan_out plan = {.verdict = &verdict, .limit = &limit};
    struct reason_sums *sums;
    struct err e;

    assert_int_equal(capacity_make(&reading, a, &c, &e), 0);
    assert_int_equal(capacity_shape(&c, &d, a, &shape), 0);
    sums = reason_sums_new(&w);
    assert_non_null(sums);
    (void)reason_of(&w, sums, NULL, &plan, 0, b);
    reason_sums_free(sums);
    capacity_free(&c);
    arena_free(a);
}

static void test_no_host_takes_it(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(asked); i++) {
        struct buf b = BUF_INIT(REASON_MESSAGE_MAX);

        say(i, &b);
        assert_string_equal(buf_span(&b).p, asked[i].want);
        buf_free(&b);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_pool),
        cmocka_unit_test(test_no_host_takes_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
