/* SPDX-License-Identifier: MIT */
/* From what Placement says of the pools, and what was known before, to a reading: hosts in several
 * pools, full ones, those of which nothing is known, shared disks; and what is remembered. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/openstack_reading.h"
#include "openstack_case.h"

enum { POOLS = 2 };

/* One reading after another, each of two pools, a and b. */
struct cloud_case {
    struct openstack_known *known;
    struct arena *arena;
    struct intern texts;
    struct pool pool[POOLS];
    bool isolated;
    struct openstack_answer answer[POOLS];
    struct buf text;
};

static int setup(void **state)
{
    static struct cloud_case c;

    c = (struct cloud_case){.known = openstack_known_new(), .text = BUF_INIT(1 << 16)};
    *state = &c;
    return c.known ? 0 : -1;
}

static void end_reading(struct cloud_case *c)
{
    intern_free(&c->texts);
    arena_free(c->arena);
    c->arena = NULL;
}

static int teardown(void **state)
{
    struct cloud_case *c = *state;

    end_reading(c);
    openstack_known_free(c->known);
    buf_free(&c->text);
    return 0;
}

static void begin_reading(struct cloud_case *c)
{
    end_reading(c);
    c->arena = arena_new(1 << 20);
    c->texts = (struct intern){.arena = c->arena};
    memset(c->answer, 0, sizeof c->answer);
    c->pool[0] = (struct pool){.name = STR_LIT("a"), .aggregate = STR_LIT("uuid-a")};
    c->pool[1] = (struct pool){.name = STR_LIT("b"), .aggregate = STR_LIT("uuid-b")};
}

static void take(struct cloud_case *c, struct openstack_candidates *to, const char *body)
{
    struct json_doc *doc = body_of(body);
    struct err e;

    assert_int_equal(openstack_candidates(json_in_root(doc), &c->texts, to, &e), 0);
    json_in_free(doc);
}

#define HOST(uuid, capacity, used)                                                                 \
    "\"" uuid "\":{\"resources\":{\"VCPU\":{\"capacity\":" capacity ",\"used\":" used              \
    "}},\"traits\":[\"T\"],\"root_provider_uuid\":\"" uuid "\"}"
#define TWO(uuid, a, capacity_a, used_a, b, capacity_b, used_b)                                    \
    "\"" uuid "\":{\"resources\":{\"" a "\":{\"capacity\":" capacity_a ",\"used\":" used_a         \
    "},\"" b "\":{\"capacity\":" capacity_b ",\"used\":" used_b                                    \
    "}},\"traits\":[],\"root_provider_uuid\":\"" uuid "\"}"
#define FOUND(members) "{\"provider_summaries\":{" members "}}"

/* The pool's members, sorted: pairs of uuid and name, NULL at the end. */
static void list(struct cloud_case *c, size_t pool, const char *const *pairs)
{
    struct openstack_answer *a = &c->answer[pool];

    a->member = arena_array(c->arena, 16, sizeof *a->member);
    a->listed = true;
    for (; *pairs; pairs += 2)
        a->member[a->members++] = (struct openstack_member){str_of(pairs[0]), str_of(pairs[1])};
}

static const char *made(struct cloud_case *c, int64_t now)
{
    const struct openstack_pools pools = {POOLS, c->pool, "", c->isolated};
    struct source_reading r = {.arena = c->arena, .read_at = now};
    struct openstack_known *next;
    struct err e;

    assert_int_equal(openstack_reading_make(&pools, c->answer, c->known, now, &r, &next, &e), 0);
    openstack_known_free(c->known);
    c->known = next;
    assert_int_equal(source_check(&r, &e), 0);
    return reading_text(&c->text, &r);
}

static void test_a_host_in_two_pools_is_one(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3") "," HOST("u2", "10", "0")));
    take(c, &c->answer[1].found, FOUND(HOST("u1", "10", "4")));
    list(c, 0, (const char *[]){"u1", "zeta", "u2", "alpha", NULL});
    list(c, 1, (const char *[]){"u1", "zeta", NULL});
    assert_string_equal(made(c, 1), "alpha: VCPU 0/10; T\n"
                                    "zeta: VCPU 4/10; T\n"
                                    "pool a: alpha zeta\n"
                                    "pool b: zeta\n");
}

static void test_a_host_without_a_name_goes_by_its_uuid(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    list(c, 0, (const char *[]){"u1", NULL, NULL});
    assert_string_equal(made(c, 1), "u1: VCPU 3/10; T\npool a: u1\npool b:\n");
    assert_null(openstack_known_host(c->known, STR_LIT("u1"))->name.p);
}

/* It is found out later. */
static void test_a_name_is_learned(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    list(c, 0, (const char *[]){"u1", NULL, NULL});
    (void)made(c, 1);
    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    assert_string_equal(made(c, 2), "u1: VCPU 3/10; T\npool a: u1\npool b:\n");
    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    list(c, 0, (const char *[]){"u1", "one", NULL});
    (void)made(c, 3);
    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    list(c, 0, (const char *[]){"u1", NULL, NULL}); /* this once nobody said it */
    assert_string_equal(made(c, 4), "one: VCPU 3/10; T\npool a: one\npool b:\n");
    assert_true(str_is(openstack_known_host(c->known, STR_LIT("u1"))->name, "one"));
}

/* The answers are not of the same moment: of each class the least that was left, and exact if it
 * is in one of them. What the first has not, the host has not,
 * unless it is shared. */
static void test_answers_that_differ(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found,
         FOUND(TWO("u1", "VCPU", "10", "3", "VGPU", "4", "0") "," HOST("u2", "10", "5")));
    take(c, &c->answer[1].found,
         FOUND(TWO("u1", "VCPU", "9", "1", "SRIOV", "2", "0") "," HOST("u2", "12", "6")));
    c->answer[1].found.host[1].exact = true;
    take(c, &c->answer[1].with_disk, "sharing"); /* with other hosts */
    assert_string_equal(made(c, 1), "u1: VCPU 3/10, VGPU 0/4\n"
                                    "u2: VCPU 5/10; T; exact\n"
                                    "pool a: u1 u2\n"
                                    "pool b: u1 u2 share 0\n"
                                    "DISK_GB of c9d49d79-edd5-590d-8646-ca94c4c77dd2 Disk "
                                    "0/100000\n");
}

/* The second reading finds u1 full: it is there with all of it used. */
static void test_a_full_host_is_remembered(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3") "," HOST("u2", "20", "0")));
    list(c, 0, (const char *[]){"u1", "one", "u2", "two", NULL});
    (void)made(c, 1);
    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u2", "20", "0")));
    assert_string_equal(made(c, 2), "one: VCPU 10/10; T\n"
                                    "two: VCPU 0/20; T\n"
                                    "pool a: one two\n"
                                    "pool b:\n");
    begin_reading(c); /* and still in the third */
    assert_string_equal(made(c, 3), "one: VCPU 10/10; T\n"
                                    "two: VCPU 20/20; T\n"
                                    "pool a: one two\n"
                                    "pool b:\n");
}

static void test_a_host_may_be_full_in_two_pools(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    take(c, &c->answer[1].found, FOUND(HOST("u1", "10", "3")));
    list(c, 0, (const char *[]){"u1", "one", NULL});
    list(c, 1, (const char *[]){"u1", "one", NULL});
    (void)made(c, 1);
    begin_reading(c);
    assert_string_equal(made(c, 2), "one: VCPU 10/10; T\npool a: one\npool b: one\n");
}

static void test_a_member_never_seen_free_is_unread(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u2", "20", "0")));
    list(c, 0, (const char *[]){"u1", "one", "u2", "two", NULL});
    list(c, 1, (const char *[]){"u1", "one", NULL});
    assert_string_equal(made(c, 1), "two: VCPU 0/20; T\n"
                                    "pool a: two unread 1\n"
                                    "pool b: unread 1\n");
}

/* What it was a member of does not put a host that is free elsewhere into a pool. */
static void test_a_host_that_moved_is_not_free_in_its_old_pool(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    list(c, 0, (const char *[]){"u1", "one", NULL});
    list(c, 1, (const char *[]){NULL});
    (void)made(c, 1);
    begin_reading(c);
    take(c, &c->answer[1].found, FOUND(HOST("u1", "10", "3")));
    assert_string_equal(made(c, 2), "one: VCPU 3/10; T\npool a: unread 1\npool b: one\n");
}

/* u1 is found in both pools, u2 is a member of both, and full or unread: in b alone when that is
 * closed. */
static void test_hosts_of_a_closed_pool(void **state)
{
    struct cloud_case *c = *state;
    int i;

    for (i = 0; i < 4; i++) {
        begin_reading(c);
        c->isolated = i % 2 == 1;
        c->pool[1].closed = true;
        take(c, &c->answer[0].found,
             i < 2 ? FOUND(HOST("u1", "10", "3") "," HOST("u3", "30", "0"))
                   : FOUND(HOST("u1", "10", "3") "," HOST("u2", "20", "0") "," HOST("u3", "30",
                                                                                    "0")));
        take(c, &c->answer[1].found, FOUND(HOST("u1", "10", "3")));
        list(c, 0, (const char *[]){"u1", "one", "u2", "two", "u3", "three", NULL});
        list(c, 1, (const char *[]){"u1", "one", "u2", "two", NULL});
        (void)made(c, i + 1);
        if (!strstr(c->text.data, i == 0
                                      ? "pool a: one three unread 1\npool b closed: one unread 1\n"
                                  : i == 1 ? "pool a: three\npool b closed: one unread 1\n"
                                  : i == 2 ? "pool a: one three two\npool b closed: one unread 1\n"
                                           : "pool a: three\npool b closed: one two\n"))
            fail_msg("%d: %s", i, c->text.data);
    }
}

static void test_a_host_that_is_down(void **state)
{
    struct cloud_case *c = *state;
    struct intern down;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3") "," HOST("u2", "20", "0")));
    take(c, &c->answer[1].found, FOUND(HOST("u2", "20", "1")));
    list(c, 0, (const char *[]){"u1", "one", "u2", "two", NULL});
    list(c, 1, (const char *[]){"u2", "two", NULL});
    down = (struct intern){.arena = c->arena};
    assert_int_not_equal(intern_add(&down, STR_LIT("u2")), INTERN_NONE);
    openstack_placement_mark(c->answer, POOLS, &down);
    intern_free(&down);
    assert_string_equal(made(c, 1), "one: VCPU 3/10; T\n"
                                    "two: VCPU 20/20; T\n"
                                    "pool a: one two\n"
                                    "pool b: two\n");
}

/* Whichever answer says so. */
static void test_a_host_that_is_down_in_one_answer(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3") "," HOST("u2", "20", "0")));
    take(c, &c->answer[1].found, FOUND(HOST("u1", "10", "3") "," HOST("u2", "20", "0")));
    c->answer[0].found.host[0].down = c->answer[1].found.host[1].down = true;
    assert_string_equal(made(c, 1), "u1: VCPU 10/10; T\n"
                                    "u2: VCPU 20/20; T\n"
                                    "pool a: u1 u2\n"
                                    "pool b: u1 u2\n");
}

static void test_a_listing_ends_memory(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    list(c, 0, (const char *[]){"u1", "one", NULL});
    (void)made(c, 1);
    begin_reading(c);
    list(c, 0, (const char *[]){NULL});
    assert_string_equal(made(c, 2), "pool a:\npool b:\n");
    assert_null(openstack_known_host(c->known, STR_LIT("u1")));
}

static void test_a_shared_disk(void **state)
{
    struct cloud_case *c = *state;
    struct str uuid;

    begin_reading(c);
    take(c, &c->answer[0].found, "special");
    take(c, &c->answer[0].with_disk, "sharing");
    take(c, &c->answer[1].found, "special");
    take(c, &c->answer[1].with_disk, "sharing");
    uuid = c->answer[0].found.host[0].uuid;
    list(c, 0, (const char *[]){uuid.p, "one", NULL});
    assert_string_equal(made(c, 1), "one: Disk 0/100000, Memory 0/1498, VCPU 0/10; exact\n"
                                    "pool a: one share 0\n"
                                    "pool b: one share 0\n"
                                    "DISK_GB of c9d49d79-edd5-590d-8646-ca94c4c77dd2 Disk "
                                    "0/100000\n");
}

/* Found by review: of a host in two pools, the first of which has no such disk, the disk was lost.
 */
static void test_a_disk_that_is_shared_in_one_of_two_pools(void **state)
{
    struct cloud_case *c = *state;
    size_t with;

    for (with = 0; with < POOLS; with++) {
        begin_reading(c);
        take(c, &c->answer[0].found, "special");
        take(c, &c->answer[1].found, "special");
        take(c, &c->answer[with].with_disk, "sharing");
        list(c, 0, (const char *[]){c->answer[0].found.host[0].uuid.p, "one", NULL});
        (void)made(c, (int64_t)with + 1);
        assert_non_null(
            strstr(c->text.data, "one: Disk 0/100000, Memory 0/1498, VCPU 0/10; exact\n"));
        assert_non_null(strstr(c->text.data, with == 0 ? "pool a: one share 0\npool b: one\n"
                                                       : "pool a: one\npool b: one share 0\n"));
    }
}

/* A host that the second answer does not offer with disk has none. */
static void test_no_disk_where_none_is_offered(void **state)
{
    struct cloud_case *c = *state;

    begin_reading(c);
    take(c, &c->answer[0].found, FOUND(HOST("u1", "10", "3")));
    take(c, &c->answer[0].with_disk, "sharing");
    list(c, 0, (const char *[]){"u1", "one", NULL});
    assert_string_equal(made(c, 1), "one: VCPU 3/10; T\n"
                                    "pool a: one share 0\n"
                                    "pool b:\n"
                                    "DISK_GB of c9d49d79-edd5-590d-8646-ca94c4c77dd2 Disk "
                                    "0/100000\n");
}

static void test_what_is_known_is_kept_and_read_back(void **state)
{
    struct cloud_case *c = *state;
    struct buf first = BUF_INIT(65536), second = BUF_INIT(65536);

    begin_reading(c);
    take(c, &c->answer[0].found, "nested");
    take(c, &c->answer[1].found, "numa");
    list(c, 0,
         (const char *[]){"2ce34d1f-e961-5026-8f87-9e036ce989b5", "one",
                          "79d078cf-2fef-5d25-b2df-2295026880a8", "two", "u-never", "three", NULL});
    list(c, 1, (const char *[]){NULL});
    (void)made(c, 42 * NS_PER_S);
    c->known->placement = 33;
    openstack_known_write(c->known, &first);
    openstack_known_free(c->known);
    c->known = openstack_known_parse(buf_span(&first));
    assert_non_null(c->known);
    openstack_known_write(c->known, &second);
    assert_string_equal(first.data, second.data);
    assert_int_equal(c->known->placement, 33);
    begin_reading(c); /* nobody is free now */
    assert_string_equal(made(c, 43 * NS_PER_S),
                        "one: Disk 1950/1950, Memory 258048/258048, VCPU 248/248\n"
                        "two: Disk 1950/1950, Memory 258048/258048, VCPU 248/248, VGPU 4/4\n"
                        "pool a: one two unread 1\n"
                        "pool b:\n");
    buf_free(&first);
    buf_free(&second);
}

static void test_perhaps_is_remembered(void **state)
{
    struct cloud_case *c = *state;
    struct buf b = BUF_INIT(65536);

    begin_reading(c);
    take(c, &c->answer[0].found,
         FOUND(HOST("u1", "10", "3") ",\"p\":{\"resources\":{},\"traits\":[\"S\",\"T\"],"
                                     "\"root_provider_uuid\":\"u1\"}"));
    list(c, 0, (const char *[]){"u1", "one", NULL});
    (void)made(c, 1);
    openstack_known_write(c->known, &b);
    openstack_known_free(c->known);
    c->known = openstack_known_parse(buf_span(&b));
    assert_non_null(c->known);
    buf_free(&b);
    begin_reading(c);
    assert_string_equal(made(c, 2), "one: VCPU 10/10; ?S; T\npool a: one\npool b:\n");
}

static void test_damaged_memory_is_none(void **state)
{
    static const char *const texts[] = {
        "",
        "null",
        "{}",
        "{\"placement\":36,\"traits\":[],\"hosts\":{},\"pools\":{}", /* cut */
        "{\"placement\":-1,\"traits\":[],\"hosts\":{},\"pools\":{}}",
        "{\"placement\":36,\"traits\":[],\"hosts\":{\"u\":3},\"pools\":{}}",
        "{\"placement\":36,\"traits\":[],\"hosts\":{\"u\":{\"name\":\"n\",\"exact\":false,"
        "\"traits\":0,\"total\":{}}},\"pools\":{}}", /* no such list */
        "{\"placement\":36,\"traits\":[[[\"A\",\"B\"]]],\"hosts\":{\"u\":{\"name\":\"n\","
        "\"exact\":false,\"traits\":0,\"total\":{}}},\"pools\":{}}",
        "{\"placement\":36,\"traits\":[[\"B\",\"A\"]],\"hosts\":{\"u\":{\"name\":\"n\","
        "\"exact\":false,\"traits\":0,\"total\":{}}},\"pools\":{}}",
        "{\"placement\":36,\"traits\":[[]],\"hosts\":{\"u\":{\"name\":\"n\",\"exact\":false,"
        "\"traits\":0,\"total\":{\"B\":1,\"A\":1}}},\"pools\":{}}",
        "{\"placement\":36,\"traits\":[],\"hosts\":{},\"pools\":{\"p\":{\"listed\":1,\"hosts\":"
        "[\"u\"]}}}",
        "{\"placement\":36,\"traits\":[],\"hosts\":{},\"pools\":{\"p\":{\"listed\":"
        "9007199254740991,\"hosts\":[]}}}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(texts); i++) {
        if (openstack_known_parse(str_of(texts[i])))
            fail_msg("taken: %s", texts[i]);
    }
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_a_host_in_two_pools_is_one),
        TEST(test_a_host_without_a_name_goes_by_its_uuid),
        TEST(test_a_name_is_learned),
        TEST(test_answers_that_differ),
        TEST(test_a_full_host_is_remembered),
        TEST(test_a_host_may_be_full_in_two_pools),
        TEST(test_a_member_never_seen_free_is_unread),
        TEST(test_a_host_that_moved_is_not_free_in_its_old_pool),
        TEST(test_hosts_of_a_closed_pool),
        TEST(test_a_host_that_is_down),
        TEST(test_a_host_that_is_down_in_one_answer),
        TEST(test_a_listing_ends_memory),
        TEST(test_a_shared_disk),
        TEST(test_a_disk_that_is_shared_in_one_of_two_pools),
        TEST(test_no_disk_where_none_is_offered),
        TEST(test_what_is_known_is_kept_and_read_back),
        TEST(test_perhaps_is_remembered),
        TEST(test_damaged_memory_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
