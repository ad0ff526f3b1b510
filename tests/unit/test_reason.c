/* SPDX-License-Identifier: MIT */
/* What those are told who wait: whom no pool serves, or none with a host, by what their scope
 * names, whom no host takes, and who finds a limit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/gap.h"
#include "cron/reason.h"
#include "quoted.h"
#include "torture.h"

static const struct conf_queue queue = {.rules = {"kube", 4}};
static const struct source_reading nothing = {.queue = &queue};
static struct str only_p[] = {{"p", 1}};
static const struct pool pools[] = {
    {.name = {"own", 3}, .closed = true, .projects = 1, .project = only_p}};

/* `serving`: pools that serve the scope, though without a host. */
static void expect(const char *scope, size_t serving, const char *want)
{
    static const size_t set[2];
    struct str pool_set = {(const char *)set, serving * sizeof set[0]};
    const struct source_reading reading = {.pools = ARRAY_LEN(pools), .pool = pools};
    const struct capacity capacity = {.reading = &reading};
    struct str text = str_of(scope);
    struct waiting_group info = {.scope_text = 0};
    struct plan_group group = {.shape = 0};
    const struct waiting w = {.capacity = &capacity,
                              .scope_text = {.n = 1, .text = &text},
                              .pools = {.n = 1, .text = &pool_set},
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
    expect("project:z", 0, "no pool of this queue serves the project \"z\"");
    expect("pool:gone", 0, "this queue has no pool of the name \"gone\"");
    expect("pool:gone\nproject:p", 0, "this queue has no pool of the name \"gone\"");
    expect("pool:own\nproject:z", 0,
           "the pool \"own\" of this queue does not serve the project \"z\"");
    expect("", 0, "this queue has no pool with a host");
}

static void test_no_pool_with_a_host(void **state)
{
    (void)state;
    expect("project:p", 1, "no pool of this queue that serves the project \"p\" has a host");
    expect("project:p", 2, "no pool of this queue that serves the project \"p\" has a host");
    expect("pool:own", 1, "the pool \"own\" of this queue has no host");
    expect("pool:own\nproject:p", 1, "the pool \"own\" of this queue has no host");
    expect("", 2, "this queue has no pool with a host");
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

static const struct asked {
    size_t first, hosts;
    const char *constraint; /* NULL: absent */
    const char *resource;
    int64_t amount;
    enum plan_verdict verdict;
    const char *reason, *want;
} asked[] = {
    {0, 3, "{'nodeSelector':{'a':'c'}}", "VCPU", 1, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS,
     "no host of this queue meets its nodeSelector"},
    {0, 3, "{'nodeSelector':{'a':'b'}}", "VCPU", 1, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS,
     "each host of this queue with the labels of its nodeSelector has a taint not tolerated"},
    {1, 2, NULL, "VCPU", 1, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS,
     "each host of this queue has a taint that it does not tolerate"},
    {0, 3, "{'traits':['HW']}", "VCPU", 1, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS,
     "no host of this queue has the traits it asks for"},
    {0, 3, "{", "VCPU", 1, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS, "its constraint cannot be read"},
    {0, 3, NULL, "VCPU", 5, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS,
     "needs 5 VCPU; the 1 host that may take it has 4 in all"},
    {0, 3, NULL, "GPU", 1, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS,
     "needs GPU, which no host of this queue has"},
    {0, 3, NULL, "VCPU", 4, PLAN_NO_ROOM, JOB_REASON_WAITING,
     "needs 4 VCPU; 3 of 4 are free on the 1 host that may take it"},
    {0, 1, NULL, "VCPU", 4, PLAN_NO_ROOM, JOB_REASON_WAITING,
     "needs 4 VCPU; 3 of 4 are free on its 1 host"},
    {0, 3, "{'tolerations':[{'operator':'Exists'}]}", "VCPU", 4, PLAN_NO_ROOM,
     JOB_REASON_FRAGMENTED,
     "needs 4 VCPU on one host; the best has 3; the pool has 9 free in pieces"},
    {0, 3, NULL, "GPU", 1, PLAN_NO_ROOM, JOB_REASON_WAITING,
     "needs GPU, which no host with room has"},
};

/* What is said of a demand of one kind to a queue of these hosts, of which the first `own` are
 * those of its pools; `unsure`: whether these have hosts that are not among them, NULL: none has.
 * Twice is the same. */
static void says(const struct asked *q, size_t own, const bool *unsure, const char *want)
{
    struct source_reading reading = {.queue = &queue, .hosts = q->hosts, .host = hosts + q->first};
    struct demand_amount amount = {str_of(q->resource), q->amount};
    struct buf constraint = BUF_INIT(100), b = BUF_INIT(REASON_MESSAGE_MAX);
    struct demand_kind kind = {.count = 1, .amounts = 1, .amount = &amount};
    const struct demand d = {.kinds = 1, .kind = &kind};
    static const size_t all[] = {0, 1, 2};
    struct fit_subset scope = {own, all};
    struct arena *a = arena_new(1 << 16);
    struct plan_group group = {.shape = 0};
    struct str pool_set = {"12345678", sizeof(size_t)};
    bool unsure_too[] = {unsure && *unsure};
    struct capacity_shape shape;
    struct capacity c;
    struct waiting w = {.capacity = &c,
                        .pools = {.n = 1, .text = &pool_set},
                        .scope = &scope,
                        .shape = &shape,
                        .unsure = unsure ? unsure_too : NULL,
                        .groups = 1,
                        .group = &group};
    enum plan_verdict verdict = q->verdict;
    size_t limit = SIZE_MAX;
    const struct plan_out plan = {.verdict = &verdict, .limit = &limit};
    struct reason_sums *sums;
    struct err e;

    if (q->constraint) {
        quoted_add(&constraint, str_of(q->constraint));
        kind.constraint = buf_span(&constraint);
    }
    assert_int_equal(capacity_make(&reading, a, &c, &e), 0);
    assert_int_equal(capacity_shape(&c, &d, a, &shape), 0);
    sums = reason_sums_new(&w);
    assert_non_null(sums);
    for (int i = 0; i < 2; i++) {
        buf_reset(&b);
        assert_string_equal(reason_of(&w, sums, NULL, &plan, 0, &b), q->reason);
        assert_string_equal(buf_span(&b).p, want);
    }
    reason_sums_free(sums);
    capacity_free(&c);
    arena_free(a);
    buf_free(&constraint);
    buf_free(&b);
}

static void test_no_host_takes_it(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(asked); i++)
        says(&asked[i], asked[i].hosts, NULL, asked[i].want);
}

/* Who waits for a host that is not among those with room is told so. */
static void test_other_hosts_may_be_full(void **state)
{
    struct buf want = BUF_INIT(REASON_MESSAGE_MAX);
    bool unsure;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(asked); i++) {
        if (asked[i].verdict != PLAN_NO_ROOM)
            continue;
        buf_reset(&want);
        buf_str(&want, asked[i].want);
        unsure = false;
        says(&asked[i], asked[i].hosts, &unsure, want.data);
        buf_str(&want, "; other hosts of its pools are full");
        unsure = true;
        says(&asked[i], asked[i].hosts, &unsure, want.data);
    }
    buf_free(&want);
}

/* Hosts are there, and all of them are full: they are no others. */
static void test_all_hosts_may_be_full(void **state)
{
    static const struct asked none[] = {
        {0, 3, NULL, "VCPU", 1, PLAN_NO_ROOM, JOB_REASON_WAITING,
         "needs 1 x (VCPU 1); all hosts of its pool are full"},
        {0, 3, NULL, "GPU", 1, PLAN_NO_ROOM, JOB_REASON_WAITING,
         "needs GPU, which no host with room has"},
    };
    bool unsure = true;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(none); i++)
        says(&none[i], 0, &unsure, none[i].want);
}

/* ---- verdicts without numbers of hosts ---- */

static void test_verdicts(void **state)
{
    static const struct {
        enum plan_verdict verdict;
        const char *reason, *want;
    } cases[] = {
        {PLAN_ALL_ADMITTED, NULL, ""},
        {PLAN_ENOUGH, NULL, ""},
        {PLAN_UNDECIDED, JOB_REASON_UNDECIDED,
         "the search for a placement was given up after its limit of steps; it is tried again in "
         "each pass"},
        {PLAN_BLOCKED, JOB_REASON_BLOCKED,
         "job 7 came first, does not fit yet, and holds the line"},
    };
    struct plan_group groups[2] = {0};
    const struct waiting w = {.groups = 2, .group = groups};
    enum plan_verdict verdict[] = {PLAN_NO_ROOM, PLAN_NO_ROOM};
    size_t limit[] = {SIZE_MAX, SIZE_MAX};
    int64_t blocker[] = {3, 7};
    const struct plan_out plan = {.verdict = verdict, .limit = limit, .blocker = blocker};
    const char *reason;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT(REASON_MESSAGE_MAX);

        verdict[1] = cases[i].verdict;
        reason = reason_of(&w, NULL, NULL, &plan, 1, &b);
        if (cases[i].reason)
            assert_string_equal(reason, cases[i].reason);
        else
            assert_null(reason);
        assert_string_equal(buf_span(&b).p, cases[i].want);
        buf_free(&b);
    }
}

static void test_what_is_kept_for_another(void **state)
{
    const struct source_limit vcpus = {.name = STR_LIT("cores")}, ceph = {.name = STR_LIT("Disk")};
    const struct {
        struct limits_line line;
        const char *want;
    } cases[] = {
        {{.project = STR_LIT("blue"), .line = &vcpus}, "cores of the project's quota"},
        {{.line = &ceph}, "Disk"},
        {{.jobs = JOB_REASON_RUN_LIMIT}, "a place among the jobs of this queue"},
        {{.jobs = JOB_REASON_OWNER_LIMIT}, "a place among the jobs of this owner"},
    };
    struct plan_group group = {0};
    const struct waiting w = {.groups = 1, .group = &group};
    enum plan_verdict verdict = PLAN_BLOCKED;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct limits_line line = cases[i].line;
        const struct limits l = {.n = 1, .line = &line};
        int64_t blocker = 7;
        size_t limit = 0;
        const struct plan_out plan = {.verdict = &verdict, .limit = &limit, .blocker = &blocker};
        struct buf b = BUF_INIT(REASON_MESSAGE_MAX), want = BUF_INIT(REASON_MESSAGE_MAX);

        buf_printf(&want, "job 7 came first, cannot run yet, and is kept what it needs: %s",
                   cases[i].want);
        assert_string_equal(reason_of(&w, NULL, &l, &plan, 0, &b), JOB_REASON_BLOCKED);
        assert_string_equal(b.data, want.data);
        buf_free(&b);
        buf_free(&want);
    }
}

static void test_no_capacity(void **state)
{
    struct source_reading reading = {.state = SOURCE_NONE};
    struct buf b = BUF_INIT(REASON_MESSAGE_MAX);

    (void)state;
    assert_string_equal(reason_no_capacity(&reading, &b), JOB_REASON_NO_SOURCE);
    assert_string_equal(b.data, "no source of capacity is configured for this queue");
    buf_reset(&b);
    reading = (struct source_reading){.state = SOURCE_FAILED, .error = "Nova answered 503"};
    assert_string_equal(reason_no_capacity(&reading, &b), JOB_REASON_SOURCE);
    assert_string_equal(b.data, "the source of capacity could not be read: Nova answered 503");
    buf_free(&b);
}

/* ---- limits ---- */

enum { CORES, UNREAD, DISK, CPU, OF_QUEUE, OF_OWNER };

static const struct source_limit cores = {.name = {"cores", 5}},
                                 disk = {.name = {"DISK_GB of nfs", 14}},
                                 requests = {.name = {"requests.cpu", 12},
                                             .resource = {{"cpu", 3}}};

static void test_limits(void **state)
{
    static struct limits_line lines[] = {
        [CORES] = {.project = {"p\"1", 3}, .line = &cores},
        [UNREAD] = {.project = {"p", 1}, .error = {"Nova answered 403", 17}},
        [DISK] = {.line = &disk},
        [CPU] = {.project = {"ns", 2}, .line = &requests},
        [OF_QUEUE] = {.jobs = JOB_REASON_RUN_LIMIT},
        [OF_OWNER] = {.jobs = JOB_REASON_OWNER_LIMIT},
    };
    static struct plan_limit limits[] = {[CORES] = {.left = 3, .total = 20},
                                         [DISK] = {.left = 10, .total = 100},
                                         [CPU] = {.left = 500, .total = 4000},
                                         [OF_QUEUE] = {.left = 0, .total = 4},
                                         [OF_OWNER] = {.left = -1, .total = 2}};
    static struct plan_need need[] = {{OF_OWNER, 1}, {OF_QUEUE, 1}, {UNREAD, 1},
                                      {DISK, 120},   {CORES, 8},    {CPU, 4500}};
    static const struct {
        size_t limit;
        enum plan_verdict verdict;
        const char *reason, *want;
    } cases[] = {
        {CORES, PLAN_NO_QUOTA, JOB_REASON_QUOTA,
         "the quota of the project \"p\\\"1\": cores: needs 8, and 3 of 20 are left"},
        {UNREAD, PLAN_NO_QUOTA, JOB_REASON_SOURCE,
         "the project's quota could not be read: Nova answered 403"},
        {DISK, PLAN_NO_ROOM, JOB_REASON_WAITING,
         "DISK_GB of nfs: needs 120, and 10 of 100 are left"},
        {DISK, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS, "DISK_GB of nfs: needs 120, of 100 in all"},
        {CPU, PLAN_NO_QUOTA, JOB_REASON_QUOTA,
         "the quota of the project \"ns\": requests.cpu: needs 4500m, and 500m of 4 are left"},
        {CPU, PLAN_NEVER_FITS, JOB_REASON_NEVER_FITS,
         "the quota of the project \"ns\": requests.cpu: needs 4500m, of 4 in all"},
        {CPU, PLAN_BLOCKED, JOB_REASON_BLOCKED,
         "job 7 came first, cannot run yet, and is kept what it needs: requests.cpu of the "
         "project's quota"},
        {OF_QUEUE, PLAN_NO_QUOTA, JOB_REASON_RUN_LIMIT,
         "4 of 4 jobs of this queue are admitted or running"},
        {OF_OWNER, PLAN_NO_QUOTA, JOB_REASON_OWNER_LIMIT,
         "3 of 2 jobs of this owner are admitted or running"},
    };
    const struct capacity capacity = {.reading = &nothing};
    struct plan_group group = {.needs = ARRAY_LEN(need), .need = need};
    const struct waiting w = {.capacity = &capacity, .groups = 1, .group = &group};
    const struct limits l = {.waiting = &w, .n = ARRAY_LEN(lines), .limit = limits, .line = lines};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        enum plan_verdict verdict = cases[i].verdict;
        size_t limit = cases[i].limit;
        int64_t blocker = 7;
        const struct plan_out plan = {.verdict = &verdict, .limit = &limit, .blocker = &blocker};
        struct buf b = BUF_INIT(REASON_MESSAGE_MAX);

        assert_string_equal(reason_of(&w, NULL, &l, &plan, 0, &b), cases[i].reason);
        assert_string_equal(b.data, cases[i].want);
        buf_free(&b);
    }
}

/* ---- memory ---- */

static void test_more_sums_than_there_is_memory(void **state)
{
    static const struct {
        size_t scopes, resources;
    } cases[] = {
        {1, SIZE_MAX / 2 + 1},
        {1, SIZE_MAX / 2 / sizeof(struct gap_sum) + 1},
        {SIZE_MAX / 4, 8},
        {SIZE_MAX / sizeof(struct gap_sum), 1},
    };
    struct capacity capacity = {0};
    struct waiting w = {.capacity = &capacity};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        w.pools.n = cases[i].scopes;
        capacity.resource.n = cases[i].resources;
        assert_null(reason_sums_new(&w));
    }
    reason_sums_free(NULL);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void test_sums_without_memory(void **state)
{
    const struct capacity capacity = {.resource.n = 2};
    const struct waiting w = {.capacity = &capacity, .pools.n = 3};
    struct reason_sums *sums;
    int64_t good = 0;

    (void)state;
    do {
        torture_arm(good++);
        sums = reason_sums_new(&w);
        reason_sums_free(sums);
        assert_int_equal(torture_end(), 0);
        assert_int_equal(sums == NULL, torture_fired());
    } while (torture_fired());
    assert_int_equal(good, 3);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_no_pool),
        cmocka_unit_test(test_no_pool_with_a_host),
        cmocka_unit_test(test_no_host_takes_it),
        cmocka_unit_test(test_other_hosts_may_be_full),
        cmocka_unit_test(test_all_hosts_may_be_full),
        cmocka_unit_test(test_verdicts),
        cmocka_unit_test(test_what_is_kept_for_another),
        cmocka_unit_test(test_no_capacity),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_more_sums_than_there_is_memory),
#if TORTURE
        cmocka_unit_test(test_sums_without_memory),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
