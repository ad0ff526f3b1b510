/* SPDX-License-Identifier: MIT */
/* Allocation candidates as a real Placement sent them, and as none should. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/openstack_candidates.h"
#include "openstack_case.h"

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

static void test_sure(void **state)
{
    (void)state;
    assert_int_equal(openstack_sure(STR_LIT("Memory"), 1024), 64);
    assert_int_equal(openstack_sure(STR_LIT("VCPU"), 15), 1);
    assert_int_equal(openstack_sure(STR_LIT("PCPU"), 0), 1);
    assert_int_equal(openstack_sure(STR_LIT("Disk"), 32), 2);
    assert_int_equal(openstack_sure(STR_LIT("CUSTOM_X"), 1024), SOURCE_NEVER_SURE);
}

static void test_what_makes_no_sense(void **state)
{
#define BAD       "Placement's answer makes no sense: "
#define AMOUNT(v) SUMMARIES("\"u1\":" PIECE("root1", "VCPU", v, "0"))
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
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        reads(cases[i].body, cases[i].error);
}

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
        cmocka_unit_test(test_sure),
        cmocka_unit_test(test_what_makes_no_sense),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
