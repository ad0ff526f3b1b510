/* SPDX-License-Identifier: MIT */
/* A reading when memory runs out, at each piece that its arena hands out (under a sanitizer, too)
 * and at each allocation, for once and for good: it is whole, as is what is known from then on, or
 * there is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/openstack_reading.h"
#include "openstack_case.h"
#include "torture.h"

enum { MANY = 40, POOLS = 2, LABELS = 700, ENOUGH = 1 << 20, PIECE = 16 };

/* Longer than a block of an arena: each such text is an allocation of its own. */
static char long_text[20000];

/* Pool a was listed just now: MANY hosts with names of whom nothing was known, and one that is full
 * and was known. So was pool b: MANY of whom only the names were known, which nobody said this
 * time, and one that is free and gets its disk from elsewhere; in pool a it is without. Both are
 * closed. */
struct rig {
    struct openstack_known *known;
    struct source_amount free[2], used[2], disk;
    struct source_label label[LABELS];
    char key[LABELS][8];
    size_t labels; /* of the full host */
    struct openstack_host found, offered, without, sharer;
    struct openstack_member member[POOLS][MANY + 1];
    struct pool pool[POOLS];
    struct openstack_answer answer[POOLS];
    char uuid[POOLS][MANY][8], name[POOLS][MANY][8];
};

/* A host that was known. */
static void know(struct rig *r, const struct openstack_host *h)
{
    size_t i = openstack_known_add(r->known, h->uuid);

    assert_int_not_equal(i, INTERN_NONE);
    assert_int_equal(openstack_known_fill(r->known, i, h), 0);
}

static void make_members(struct rig *r)
{
    const struct openstack_host full = {.uuid = STR_LIT("az"),
                                        .name = r->used[1].resource,
                                        .amounts = 2,
                                        .amount = r->used,
                                        .labels = r->labels,
                                        .label = r->label};
    size_t p, i;

    know(r, &full);
    r->member[0][MANY] = (struct openstack_member){full.uuid, {0}};
    r->member[1][MANY] = (struct openstack_member){STR_LIT("bz"), STR_LIT("free")};
    for (p = 0; p < POOLS; p++) {
        for (i = 0; i < MANY; i++) {
            (void)snprintf(r->uuid[p][i], sizeof r->uuid[p][i], "%c%02zu", p ? 'b' : 'a', i);
            (void)snprintf(r->name[p][i], sizeof r->name[p][i], "%c-%02zu", p ? 'B' : 'A', i);
            r->member[p][i].uuid = str_of(r->uuid[p][i]);
            if (p == 0)
                r->member[p][i].name = str_of(r->name[p][i]);
            else
                know(r, &(struct openstack_host){.uuid = str_of(r->uuid[p][i]),
                                                 .name = str_of(r->name[p][i])});
        }
    }
}

/* Of the full host, where texts are long: its name, a resource, a trait, and the list of these. */
static void make_hosts(struct rig *r, bool long_ones)
{
    memset(long_text, 'w', sizeof long_text - 1);
    r->free[0] = (struct source_amount){STR_LIT("Memory"), .total = 10, .used = 2};
    r->free[1] = (struct source_amount){STR_LIT("VCPU"), .total = 4, .used = 1};
    memcpy(r->used, r->free, sizeof r->used);
    r->used[1].resource = str_of(long_ones ? long_text : "w");
    r->disk = (struct source_amount){STR_LIT("Disk"), .total = 100, .used = 30};
    r->labels = long_ones ? LABELS : 1;
    for (size_t i = 0; i < r->labels; i++) {
        (void)snprintf(r->key[i], sizeof r->key[i], "T%03zu", i);
        r->label[i] = (struct source_label){str_of(r->key[i]), STR_LIT(""), false};
    }
    if (long_ones)
        r->label[LABELS - 1].key = str_of(long_text);
    r->found = r->offered = r->without = (struct openstack_host){
        .uuid = STR_LIT("bz"), .amounts = 2, .amount = r->free, .labels = 1, .label = r->label};
    r->sharer = (struct openstack_host){.uuid = STR_LIT("nfs"), .amounts = 1, .amount = &r->disk};
}

static void begin(struct rig *r, bool long_ones)
{
    *r = (struct rig){.known = openstack_known_new()};
    assert_non_null(r->known);
    make_hosts(r, long_ones);
    make_members(r);
    for (size_t p = 0; p < POOLS; p++) {
        r->pool[p] = (struct pool){.name = p ? STR_LIT("b") : STR_LIT("a"),
                                   .aggregate = p ? STR_LIT("uuid-b") : STR_LIT("uuid-a")};
        r->answer[p] =
            (struct openstack_answer){.listed = true, .members = MANY + 1, .member = r->member[p]};
    }
    r->pool[0].closed = r->pool[1].closed = true;
    r->answer[0].found = (struct openstack_candidates){.hosts = 1, .host = &r->without};
    r->answer[1].found = (struct openstack_candidates){.hosts = 1, .host = &r->found};
    r->answer[1].with_disk = (struct openstack_candidates){
        .hosts = 1, .host = &r->offered, .sharings = 1, .sharing = &r->sharer};
}

static void check_reading(const struct rig *r, const struct source_reading *reading)
{
    struct buf text = BUF_INIT(1 << 20), want = BUF_INIT(1 << 20);
    const char *name = r->used[1].resource.p;

    buf_str(&want, "free: Disk 30/100, Memory 2/10, VCPU 1/4; T000; exact\n");
    buf_printf(&want, "%s: Memory 10/10, %s 4/4", name, name);
    for (size_t i = 0; i < r->labels; i++)
        buf_printf(&want, "; %s", r->label[i].key.p);
    buf_printf(&want,
               "\npool a closed: free %s unread 40\n"
               "pool b closed: free unread 40 share 0\n"
               "DISK_GB of nfs Disk 30/100\n",
               name);
    assert_string_equal(reading_text(&text, reading), want.data);
    buf_free(&text);
    buf_free(&want);
}

static void check_known(const struct rig *r, const struct openstack_known *k)
{
    const struct openstack_host *h;

    assert_int_equal(k->uuid.n, 2 * MANY + 2);
    assert_int_equal(k->pools, POOLS);
    for (size_t p = 0; p < POOLS; p++) {
        assert_int_equal(k->pool[p].members, MANY + 1);
        assert_int_equal(k->pool[p].there, 1);
        assert_int_equal(k->pool[p].listed, 7);
        for (size_t i = 0; i < k->pool[p].members; i++) {
            h = &k->host[k->pool[p].member[i]];
            assert_true(h->uuid.p && h->name.p);
            assert_int_equal(h->amounts, i < MANY ? 0 : p ? 3 : 2);
            assert_int_equal(h->labels, i < MANY ? 0 : p ? 1 : r->labels);
        }
    }
}

/* 0, or -1: memory ran out. */
static int run(struct rig *r, struct arena *a)
{
    const struct openstack_pools pools = {POOLS, r->pool, "", true};
    struct source_reading reading = {.arena = a};
    struct openstack_known *next = NULL;
    struct err e;
    int rc = openstack_reading_make(&pools, r->answer, r->known, 7, &reading, &next, &e);

    if (rc != 0) {
        assert_int_equal(e.code, ERR_INTERNAL);
        assert_null(next);
        return -1;
    }
#if TORTURE
    torture.good = -1; /* from here on none fails */
#endif
    check_reading(r, &reading);
    check_known(r, next);
    openstack_known_free(next);
    return 0;
}

static void end(struct rig *r)
{
    openstack_known_free(r->known);
}

static void each_piece_of_the_arena_may_be_the_last(void **state)
{
    struct arena *a;
    struct rig r;
    size_t most;
    int rc = -1;

    (void)state;
    for (most = 0; rc != 0; most += PIECE) {
        begin(&r, false);
        a = arena_new(most);
        assert_non_null(a);
        rc = run(&r, a);
        arena_free(a);
        end(&r);
    }
    assert_in_range(most, 50 * PIECE, ENOUGH);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void check(bool long_ones, bool once)
{
    struct arena *a;
    struct rig r;
    int64_t good = 0;
    int rc;

    do {
        begin(&r, long_ones);
        torture_arm_as(once, good++);
        a = arena_new(ENOUGH);
        rc = a ? run(&r, a) : -1;
        arena_free(a);
        assert_int_equal(torture_end(), 0);
        assert_int_equal(rc != 0, torture_fired());
        end(&r);
    } while (torture_fired());
    assert_true(good > 20);
}

static void every_allocation_may_fail(void **state)
{
    (void)state;
    for (int once = 0; once < 2; once++) {
        check(false, once);
        check(true, once);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_piece_of_the_arena_may_be_the_last),
#if TORTURE
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
