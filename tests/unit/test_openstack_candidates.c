/* SPDX-License-Identifier: MIT */
/* Allocation candidates as a real Placement sent them, and as none should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/openstack_candidates.h"
#include "openstack_case.h"
#include "torture.h"

enum { ENOUGH = 1 << 20, PIECE_SIZE = 16, MANY = 40 };

/* "hosts", then "sharing", in text; or the error. */
static void read_into(struct buf *b, const char *body)
{
    struct json_doc *doc = body_of(body);
    struct arena *a = arena_new(1 << 20);
    struct intern texts = {.arena = a};
    struct openstack_candidates c;
    struct err e;
    size_t i;

    if (openstack_candidates(json_in_root(doc), &texts, &c, &e) != 0) {
        assert_int_equal(e.code, ERR_UNAVAILABLE);
        buf_str(b, e.text);
        c = (struct openstack_candidates){0};
    }
    json_in_free(doc);
    for (i = 0; i < c.hosts + c.sharings; i++) {
        const struct openstack_host *h = i < c.hosts ? &c.host[i] : &c.sharing[i - c.hosts];

        buf_str(b, i < c.hosts ? "host " : "sharing ");
        write_host(b, (struct str){h->uuid.p, 4}, h->amount, h->amounts, h->label, h->labels,
                   h->exact);
    }
    intern_free(&texts);
    arena_free(a);
}

static void reads(const char *body, const char *expected)
{
    struct buf b = BUF_INIT(65536);

    read_into(&b, body);
    assert_string_equal(b.len ? b.data : "", expected);
    buf_free(&b);
}

static void test_plain_hosts(void **state)
{
    (void)state;
#define NOVA                                                                                       \
    "; COMPUTE_ACCELERATORS; COMPUTE_DEVICE_TAGGING; COMPUTE_IMAGE_TYPE_RAW; COMPUTE_NET_ATTACH_"  \
    "INTERFACE; COMPUTE_NET_ATTACH_INTERFACE_WITH_TAG; COMPUTE_NODE; COMPUTE_TRUSTED_CERTS; "      \
    "COMPUTE_VOLUME_ATTACH_WITH_TAG; COMPUTE_VOLUME_EXTEND; COMPUTE_VOLUME_MULTI_ATTACH\n"
    reads("nova-hosts", "host c1df: Disk 0/1028, Memory 0/7680, VCPU 0/40" NOVA
                        "host caec: Disk 40/1028, Memory 2048/7680, VCPU 4/40" NOVA);
    reads("empty", "");
}

static void test_use_above_capacity_stays(void **state)
{
    (void)state;
    reads("overcommitted", "host 0753: Memory 100/1000, VCPU 4/4\n"
                           "host 07be: Memory 100/1000, VCPU 8/5\n"
                           "host 1f84: Memory 0/1498, VCPU 0/10\n"
                           "host e080: Memory 0/1000, VCPU 0/0\n");
}

static void test_children_belong_to_their_tree(void **state)
{
    (void)state;
    reads("nested", "host 2ce3: Disk 40/1950, Memory 8192/258048, VCPU 4/248\n"
                    "host 79d0: Disk 200/1950, Memory 40960/258048, VCPU 20/248, VGPU 0/4\n");
}

/* 8 + 8 VCPU of two NUMA nodes: an instance gets 8 of them at most. */
static void test_amounts_do_not_span_children(void **state)
{
    (void)state;
    reads("numa", "host 1e18: Disk 0/100, Memory 4096/8192, VCPU 8/16; exact\n");
}

#define PIECE(root, class, capacity, used)                                                         \
    "{\"resources\":{\"" class "\":{\"capacity\":" capacity ",\"used\":" used                      \
                               "}},\"traits\":[],\"root_provider_uuid\":\"" root "\"}"
#define SUMMARIES(members) "{\"provider_summaries\":{" members "}}"

static void test_the_largest_free_piece_counts(void **state)
{
    (void)state;
    reads(SUMMARIES("\"p1\":" PIECE("root1", "VCPU", "8", "7") ",\"p2\":" PIECE(
              "root1", "VCPU", "8", "5") ",\"p3\":" PIECE("root1", "VCPU", "4", "9")),
          "host root: VCPU 17/20; exact\n");
}

static void test_single_devices_add_up(void **state)
{
    (void)state;
    reads(SUMMARIES("\"p1\":" PIECE("root1", "CUSTOM_PCI", "1", "0") ",\"p2\":" PIECE(
              "root1", "CUSTOM_PCI", "1", "1") ",\"p3\":" PIECE("root1", "CUSTOM_PCI", "1", "0")),
          "host root: CUSTOM_PCI 1/3; exact\n");
}

static void test_who_shares_is_no_host(void **state)
{
    (void)state;
    reads("sharing", "host 1f84: Memory 0/1498, VCPU 0/10\n"
                     "sharing c9d4: Disk 0/100000; MISC_SHARES_VIA_AGGREGATE\n");
}

/* What the host has itself counts for it, whoever else has it. */
static void test_traits_of_children_are_perhaps_its_own(void **state)
{
    (void)state;
#define WITH(root, class, traits)                                                                  \
    "{\"resources\":{\"" class "\":{\"capacity\":9,\"used\":0}},\"traits\":[" traits               \
                               "],\"root_provider_uuid\":\"" root "\"}"
    reads(SUMMARIES("\"gpu1\":" WITH("root1", "VGPU", "\"B\",\"C\",\"A\"") ",\"root1\":" WITH(
              "root1", "VCPU", "\"D\",\"B\"") ",\"gpu2\":" WITH("root1", "PGPU", "\"C\"")),
          "host root: PGPU 0/9, VCPU 0/9, VGPU 0/9; ?A; B; ?C; D\n");
}

/* Though it is in the tree of another, which has traits of its own. */
static void test_who_shares_stands_for_itself(void **state)
{
#define SHARES "\"MISC_SHARES_VIA_AGGREGATE\""
#define DEEP   "\"deep\":" WITH("root", "DISK_GB", SHARES ",\"SSD\"")
#define ROOT   "\"root\":" WITH("root", "DISK_GB", "\"A\"")
#define SELF   "\"self\":" WITH("self", "DISK_GB", "\"B\"," SHARES)
    (void)state;
    reads(SUMMARIES(DEEP "," ROOT "," SELF),
          "host root: Disk 0/9; A\n"
          "sharing deep: Disk 0/9; MISC_SHARES_VIA_AGGREGATE; SSD\n"
          "sharing self: Disk 0/9; B; MISC_SHARES_VIA_AGGREGATE\n");
}

static void test_a_trait_of_several_providers_is_one(void **state)
{
#define FIRST  "\"u1\":" WITH("root", "DISK_GB", "\"A\",\"C\"")
#define SECOND "\"u2\":" WITH("root", "DISK_GB", "\"B\",\"A\"")
#define THIRD  "\"u3\":" WITH("tree", "DISK_GB", "\"A\"")
#define TREE   "\"tree\":" WITH("tree", "VCPU", "\"A\"")
    (void)state;
    reads(SUMMARIES(FIRST "," SECOND "," THIRD "," TREE),
          "host root: Disk 9/18; ?A; ?B; ?C; exact\n"
          "host tree: Disk 0/9, VCPU 0/9; A\n");
}

static void test_sure(void **state)
{
    (void)state;
    assert_int_equal(openstack_sure(STR_LIT("Memory"), 1024), 64);
    assert_int_equal(openstack_sure(STR_LIT("VCPU"), 15), 1);
    assert_int_equal(openstack_sure(STR_LIT("PCPU"), 0), 1);
    assert_int_equal(openstack_sure(STR_LIT("Disk"), 32), 2);
    assert_int_equal(openstack_sure(STR_LIT("CUSTOM_X"), 1024), SOURCE_NEVER_SURE);
}

static void test_classes(void **state)
{
    (void)state;
    assert_true(str_is(openstack_class(STR_LIT("Memory")), "MEMORY_MB"));
    assert_true(str_is(openstack_class(STR_LIT("Disk")), "DISK_GB"));
    assert_true(str_is(openstack_class(STR_LIT("VCPU")), "VCPU"));
}

static void test_what_makes_no_sense(void **state)
{
#define BAD       "Placement's answer makes no sense: "
#define AMOUNT(v) SUMMARIES("\"u1\":" PIECE("root1", "VCPU", v, "0"))
#define FORTY     "0123456789012345678901234567890123456789"
#define MORE      "012345678901234567890123"
#define WHERE     BAD "provider_summaries.u1: VCPU: capacity is "
    static const struct {
        const char *body, *error;
    } cases[] = {
        {"{}", BAD "there is no provider_summaries"},
        {"{\"provider_summaries\":[]}", BAD "provider_summaries is an array, not an object"},
        {SUMMARIES("\"u1\":null"), BAD "provider_summaries.u1: it is null, not an object"},
        {SUMMARIES("\"u1\":{}"), BAD "provider_summaries.u1: there is no resources"},
        {SUMMARIES("\"u1\":{\"resources\":{}}"), BAD "provider_summaries.u1: there is no traits"},
        {SUMMARIES("\"u1\":{\"resources\":{},\"traits\":[3]}"),
         BAD "provider_summaries.u1: there is no root_provider_uuid"},
        {SUMMARIES("\"u1\":{\"resources\":{},\"traits\":[3],\"root_provider_uuid\":\"r\"}"),
         BAD "provider_summaries.u1: a trait is a number"},
        {SUMMARIES(
             "\"u1\":{\"resources\":{\"VCPU\":3},\"traits\":[],\"root_provider_uuid\":\"r\"}"),
         BAD "provider_summaries.u1: VCPU: it is a number, not an object"},
        {AMOUNT("\"3\""), WHERE "a string, not a number"},
        {AMOUNT("3.5"), WHERE "3.5, not a whole number from 0 to 2^53-1"},
        {AMOUNT("3.0"), WHERE "3.0, not a whole number from 0 to 2^53-1"},
        {AMOUNT("1e3"), WHERE "1e3, not a whole number from 0 to 2^53-1"},
        {AMOUNT("-1"), WHERE "-1, not a whole number from 0 to 2^53-1"},
        {AMOUNT("9223372036854775808"),
         WHERE "9223372036854775808, not a whole number from 0 to 2^53-1"},
        {AMOUNT("true"), WHERE "a boolean, not a number"},
        {SUMMARIES("\"u1\":" PIECE("r", "A", "9007199254740991",
                                   "0") ",\"u2\":" PIECE("r", "A", "9007199254740991", "0")),
         BAD "more A than can be counted"},
        {SUMMARIES("\"u1\":" PIECE("r", "A", "3", "-1")),
         BAD "provider_summaries.u1: A: used is -1, not a whole number from 0 to 2^53-1"},
        {SUMMARIES("\"\":" PIECE("r", "A", "3", "0")), BAD "a provider has no uuid"},
        {SUMMARIES("\"u1\":{\"resources\":{},\"traits\":[],\"root_provider_uuid\":\"\"}"),
         BAD "provider_summaries.u1: root_provider_uuid is empty"},
        {SUMMARIES("\"" FORTY "+\":" PIECE("r", FORTY MORE "+", "-1", "0")),
         BAD "provider_summaries." FORTY ": " FORTY MORE ": capacity is -1, not a whole number "
             "from 0 to 2^53-1"}, /* of long names the beginnings */
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        reads(cases[i].body, cases[i].error);
}

/* One host of MANY classes and traits: more than a table of texts has room for at first. */
static struct json_doc *long_answer(void)
{
    struct buf b = BUF_INIT(1 << 16);
    struct json_doc *doc = NULL;
    struct err e;
    int i;

    buf_str(&b, "{\"provider_summaries\":{\"u1\":{\"root_provider_uuid\":\"root\",\"traits\":[");
    for (i = 0; i < MANY; i++)
        buf_printf(&b, "%s\"T%02d\"", i ? "," : "", MANY - i);
    buf_str(&b, "],\"resources\":{");
    for (i = 0; i < MANY; i++)
        buf_printf(&b, "%s\"R%02d\":{\"capacity\":9,\"used\":%d}", i ? "," : "", MANY - i, i % 9);
    buf_str(&b, "}}}}");
    assert_int_equal(json_in_parse(buf_span(&b), &doc, &e), 0);
    buf_free(&b);
    return doc;
}

/* 0, or -1: memory ran out. What is read is whole. */
static int read_long(const struct json_doc *doc, struct arena *a)
{
    struct intern texts = {.arena = a};
    struct openstack_candidates c;
    struct err e;
    size_t i;
    int rc = openstack_candidates(json_in_root(doc), &texts, &c, &e);

    if (rc != 0) {
        assert_int_equal(e.code, ERR_INTERNAL);
    } else {
        assert_int_equal(c.hosts, 1);
        assert_true(str_is(c.host->uuid, "root"));
        assert_int_equal(c.host->amounts, MANY);
        assert_int_equal(c.host->labels, MANY);
        for (i = 0; i < MANY; i++) {
            assert_int_equal(c.host->label[i].key.n, 3);
            assert_int_equal(c.host->amount[i].used, (MANY - 1 - i) % 9);
        }
    }
    intern_free(&texts);
    return rc;
}

static void each_piece_of_the_arena_may_be_the_last(void **state)
{
    struct json_doc *doc = long_answer();
    struct arena *a;
    size_t most;
    int rc = -1;

    (void)state;
    for (most = 0; rc != 0; most += PIECE_SIZE) {
        a = arena_new(most);
        assert_non_null(a);
        rc = read_long(doc, a);
        arena_free(a);
    }
    assert_in_range(most, MANY * PIECE_SIZE, ENOUGH);
    json_in_free(doc);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void every_allocation_may_fail(void **state)
{
    struct json_doc *doc = long_answer();
    struct arena *a;
    int64_t good;
    int rc;

    (void)state;
    for (int once = 0; once < 2; once++) {
        good = 0;
        do {
            torture_arm_as(once, good++);
            a = arena_new(ENOUGH);
            rc = a ? read_long(doc, a) : -1;
            arena_free(a);
            assert_int_equal(torture_end(), 0);
            assert_true(rc == -1 || !torture_fired());
        } while (torture_fired());
        assert_int_equal(rc, 0);
        assert_true(good > 5);
    }
    json_in_free(doc);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_plain_hosts),
        cmocka_unit_test(test_use_above_capacity_stays),
        cmocka_unit_test(test_children_belong_to_their_tree),
        cmocka_unit_test(test_amounts_do_not_span_children),
        cmocka_unit_test(test_the_largest_free_piece_counts),
        cmocka_unit_test(test_single_devices_add_up),
        cmocka_unit_test(test_who_shares_is_no_host),
        cmocka_unit_test(test_traits_of_children_are_perhaps_its_own),
        cmocka_unit_test(test_who_shares_stands_for_itself),
        cmocka_unit_test(test_a_trait_of_several_providers_is_one),
        cmocka_unit_test(test_sure),
        cmocka_unit_test(test_classes),
        cmocka_unit_test(test_what_makes_no_sense),
        cmocka_unit_test(each_piece_of_the_arena_may_be_the_last),
#if TORTURE
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
