/* SPDX-License-Identifier: MIT */
/* Limits beside the hosts: whose quota is looked up, what a job takes of each line, and what those
 * who hold something have taken already; by example and against sums made word by word. */
#include "capacity_world.h"

#include "cron/limits.h"
#include "torture.h"

static struct source_limit cores = {{"cores", 5}, {{"VCPU", 4}, {"PCPU", 4}}, 20, 17};
static struct source_limit instances = {{"instances", 9}, {{0}}, 10, 4};
static struct source_limit disk = {{"DISK_GB of nfs", 14}, {{"Disk", 4}}, 1000, 1200};

/* One host in one pool of two projects, whose disk is shared. */
struct fixed {
    struct source_amount amount[2];
    struct source_host host;
    size_t index[1];
    struct pool pool;
    struct source_limit limits[2];
    struct source_quota quota[3];
    struct conf_queue queue;
    struct source_reading reading;
    struct arena *arena;
    struct capacity capacity;
    struct waiting waiting;
    struct limits limits_made;
};

static void fixed_make(struct fixed *f, enum source_gate gate)
{
    struct err e;

    *f = (struct fixed){.arena = arena_new(1 << 20)};
    f->amount[0] = (struct source_amount){.resource = {"Disk", 4}, .total = 1000};
    f->amount[1] = (struct source_amount){.resource = {"VCPU", 4}, .total = 64};
    f->host = (struct source_host){.name = {"h", 1}, .amounts = 2, .amount = f->amount};
    f->pool = (struct pool){.name = {"p", 1},
                            .open = true,
                            .hosts = 1,
                            .host = f->index,
                            .shares = 1,
                            .share = f->index};
    f->limits[0] = cores;
    f->limits[1] = instances;
    f->quota[0] = (struct source_quota){.project = {"a", 1}, .limits = 2, .limit = f->limits};
    f->quota[1] = (struct source_quota){.project = {"b", 1}, .error = {"no such project", 15}};
    f->queue = (struct conf_queue){.type = {"t", 1}};
    f->reading = (struct source_reading){.queue = &f->queue,
                                         .arena = f->arena,
                                         .hosts = 1,
                                         .host = &f->host,
                                         .pools = 1,
                                         .pool = &f->pool,
                                         .gate = gate,
                                         .quotas = 2,
                                         .quota = f->quota,
                                         .shared = 1,
                                         .share = &disk};
    assert_int_equal(capacity_make(&f->reading, f->arena, &f->capacity, &e), 0);
    waiting_init(&f->waiting, &f->capacity, f->arena);
}

static void fixed_free(struct fixed *f)
{
    limits_free(&f->limits_made);
    waiting_free(&f->waiting);
    capacity_free(&f->capacity);
    arena_free(f->arena);
}

static void add(struct fixed *f, const char *scope, const char *shape)
{
    struct store_group g = {
        .id = 1, .type = {"t", 1}, .scope = str_of(scope), .shape = str_of(shape)};
    struct err e;

    assert_int_equal(waiting_add(&f->waiting, &g, &e), 0);
}

static void make(struct fixed *f)
{
    struct err e;

    assert_int_equal(limits_make(&f->waiting, f->waiting.arena, &f->limits_made, &e), 0);
}

/* What group g needs of the limit with this name; -1: it has no such limit. */
static int64_t need(const struct fixed *f, size_t g, const char *name)
{
    const struct plan_group *group = &f->waiting.group[g];
    size_t i;

    for (i = 0; i < group->needs; i++) {
        const struct limits_line *line = &f->limits_made.line[group->need[i].limit];

        if (line->line ? str_is(line->line->name, name) : strcmp(name, "error") == 0)
            return group->need[i].amount;
    }
    return -1;
}

static int64_t left(const struct fixed *f, const char *name)
{
    size_t i;

    for (i = 0; i < f->limits_made.n; i++) {
        const struct limits_line *line = &f->limits_made.line[i];

        if (line->line && str_is(line->line->name, name))
            return f->limits_made.limit[i].left;
    }
    return -1;
}

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

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void without_memory_no_limit_is_passed_by(void **state)
{
    struct fixed f;
    struct err e;
    int64_t good = 0;
    int rc;

    (void)state;
    do {
        fixed_make(&f, SOURCE_QUOTAS_ASKED);
        add(&f, "project:a", "[{\"n\":1,\"r\":{\"VCPU\":1}}]");
        torture_arm_as(true, good++);
        rc = limits_make(&f.waiting, f.waiting.arena, &f.limits_made, &e);
        (void)torture_end();
        if (rc == 0)
            assert_int_equal(f.waiting.group[0].needs, 3);
        fixed_free(&f);
    } while (torture_fired());
    assert_true(good > 5);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_needs_are_sums_over_all_instances),
        cmocka_unit_test(test_each_scope_has_its_own),
        cmocka_unit_test(test_without_a_gate_no_quota_counts),
        cmocka_unit_test(test_holders_take_theirs_off),
#if TORTURE
        cmocka_unit_test(without_memory_no_limit_is_passed_by),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
