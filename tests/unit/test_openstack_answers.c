/* SPDX-License-Identifier: MIT */
/* What Nova says of aggregates and quotas. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/openstack_aggregates.h"
#include "cron/openstack_quota.h"
#include "openstack_case.h"

/* ---- aggregates ---- */

static void pools_are(const char *body, enum conf_unnamed unnamed, const char *expected)
{
    struct json_doc *doc = body_of(body);
    struct source_reading r = {.arena = arena_new(1 << 20)};
    struct openstack_pools pools;
    struct buf b = BUF_INIT(65536);
    struct err e;

    if (openstack_aggregates_read(json_in_root(doc), unnamed, r.arena, &pools, &e) != 0) {
        buf_str(&b, e.text);
    } else {
        r.pools = pools.n;
        r.pool = pools.pool;
        (void)reading_text(&b, &r);
        buf_str(&b, pools.others);
    }
    assert_string_equal(b.len ? b.data : "", expected);
    json_in_free(doc);
    arena_free(r.arena);
    buf_free(&b);
}

#define POOLS                                                                                      \
    "pool tenant-a-hosts closed: for b1371d2533764f3d9bb720d85ceb76c5\n"                           \
    "pool tenant-b-hosts closed: for af2d5bd50dda430784c2d8c7d845c103\n"

static void test_unnamed_projects(void **state)
{
    (void)state;
    pools_are("aggregates", CONF_UNNAMED_SHARED,
              POOLS "pool * open:\n"
                    "&member_of=!in:8238baff-b22d-4eea-91af-dd5fc8d58821,"
                    "48061a7a-5cb2-4e20-a777-51d29938ff5b");
    pools_are("aggregates", CONF_UNNAMED_ALL, POOLS "pool * open:\n");
    pools_are("aggregates", CONF_UNNAMED_NONE, POOLS);
    pools_are("{\"aggregates\":[]}", CONF_UNNAMED_SHARED, "pool * open:\n");
}

#define AGGREGATE(name, metadata)                                                                  \
    "{\"aggregates\":[{\"name\":\"" name "\",\"uuid\":\"u1\",\"metadata\":" metadata "}]}"

static void test_metadata(void **state)
{
    (void)state;
    pools_are(AGGREGATE("az", "{\"availability_zone\":\"x\",\"other_filter_tenant_id\":\"y\"}"),
              CONF_UNNAMED_SHARED, "pool az:\npool * open:\n");
    pools_are(AGGREGATE("lists", "{\"filter_tenant_id\":\" p1, p2 ,,p3\",\"filter_tenant_id_2\":"
                                 "\"p4\"}"),
              CONF_UNNAMED_NONE, "pool lists closed: for p1 for p2 for p3 for p4\n");
    pools_are(AGGREGATE("nobody", "{\"filter_tenant_id\":\"\"}"), CONF_UNNAMED_SHARED,
              "pool nobody closed:\npool * open:\n&member_of=!in:u1");
}

static void test_aggregates_that_make_no_sense(void **state)
{
    static const struct {
        const char *body, *error;
    } cases[] = {
        {"{}", "there is no aggregates"},
        {"{\"aggregates\":{}}", "aggregates is an object, not an array"},
        {"{\"aggregates\":[3]}", "aggregates[0]: it is a number, not an object"},
        {"{\"aggregates\":[{\"name\":\"n\"}]}", "aggregates[0]: there is no uuid"},
        {AGGREGATE("", "{}"), "aggregates[0]: name is empty"},
        {AGGREGATE("n", "[]"), "aggregates[0]: metadata is an array, not an object"},
        {AGGREGATE("n", "{\"filter_tenant_id\":7}"),
         "aggregates[0]: metadata.filter_tenant_id is a number, not a string"},
        {AGGREGATE("*", "{}"),
         "aggregates[0]: a host aggregate is called *, which stands for the projects that no "
         "aggregate names"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        pools_are(cases[i].body, CONF_UNNAMED_SHARED, cases[i].error);
}

/* ---- quotas ---- */

typedef int read_fn(const json_value *root, struct arena *a, struct source_quota *quota,
                    struct err *e);

static void quota_is(read_fn *read, const char *body, const char *expected)
{
    struct json_doc *doc = body_of(body);
    struct source_reading r = {.arena = arena_new(65536), .quotas = 1};
    struct source_quota quota = {.project = STR_LIT("p")};
    struct buf b = BUF_INIT(65536);
    struct err e;

    r.quota = &quota;
    if (read(json_in_root(doc), r.arena, &quota, &e) != 0)
        buf_str(&b, e.text);
    else
        (void)reading_text(&b, &r);
    assert_string_equal(b.data, expected);
    json_in_free(doc);
    arena_free(r.arena);
    buf_free(&b);
}

#define LINE(limit, in_use, reserved)                                                              \
    "{\"limit\":" limit ",\"in_use\":" in_use ",\"reserved\":" reserved "}"
#define SET(instances, cores, ram)                                                                 \
    "{\"quota_set\":{\"instances\":" instances ",\"cores\":" cores ",\"ram\":" ram "}}"
#define NONE LINE("-1", "7", "0")

static void test_quotas(void **state)
{
#define WHOLE                                                                                      \
    "quota of p\n"                                                                                 \
    "instances 2/15\n"                                                                             \
    "cores VCPU PCPU 4/40\n"                                                                       \
    "ram Memory 2048/65536\n"
    (void)state;
    quota_is(openstack_quota_read, "quota", WHOLE);
    quota_is(openstack_quota_read_limits, "limits", WHOLE);
    quota_is(openstack_quota_read, SET(NONE, LINE("9", "3", "2"), NONE),
             "quota of p\ncores VCPU PCPU 5/9\n");
    quota_is(openstack_quota_read, SET(NONE, NONE, NONE), "quota of p\n");
    quota_is(openstack_quota_read, SET(NONE, NONE, LINE("-2", "0", "0")),
             "ram: limit is -2, not a whole number from -1 to 2^53-1");
    quota_is(openstack_quota_read, SET(NONE, NONE, LINE("9", "-1", "0")),
             "ram: in_use is -1, not a whole number from 0 to 2^53-1");
    quota_is(openstack_quota_read,
             SET(NONE, NONE, LINE("9", "9007199254740991", "9007199254740991")),
             "ram: more is used than can be counted");
    quota_is(openstack_quota_read, "{\"quota_set\":{}}", "there is no instances");
    quota_is(openstack_quota_read_limits, "{\"limits\":{\"absolute\":{}}}",
             "there is no maxTotalInstances");
}

/* Found by review: where quotas are off (NoopQuotaDriver), Nova counts nothing, and its -1 was
 * taken for an answer that makes no sense. */
static void test_quotas_that_are_off(void **state)
{
#define OFF       LINE("-1", "-1", "-1")
#define UNLIMITED "\"maxTotalInstances\":-1,\"totalInstancesUsed\":-1,\"maxTotalCores\":-1,"
    (void)state;
    quota_is(openstack_quota_read, SET(OFF, OFF, OFF), "quota of p\n");
    quota_is(openstack_quota_read, SET(OFF, LINE("9", "3", "2"), OFF),
             "quota of p\ncores VCPU PCPU 5/9\n");
    quota_is(openstack_quota_read_limits,
             "{\"limits\":{\"absolute\":{" UNLIMITED "\"totalCoresUsed\":-1,"
             "\"maxTotalRAMSize\":-1,\"totalRAMUsed\":-1}}}",
             "quota of p\n");
    quota_is(openstack_quota_read_limits,
             "{\"limits\":{\"absolute\":{" UNLIMITED "\"maxTotalRAMSize\":9,"
             "\"totalRAMUsed\":-1}}}",
             "totalRAMUsed is -1, not a whole number from 0 to 2^53-1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unnamed_projects),
        cmocka_unit_test(test_metadata),
        cmocka_unit_test(test_aggregates_that_make_no_sense),
        cmocka_unit_test(test_quotas),
        cmocka_unit_test(test_quotas_that_are_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
