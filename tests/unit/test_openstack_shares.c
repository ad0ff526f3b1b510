/* SPDX-License-Identifier: MIT */
/* What several hosts share: to whom it is lent, where it stands among what a host has itself, which
 * sharer counts, and the lines that limit all of them; and the same when memory runs out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/openstack_shares.h"
#include "openstack_case.h"

enum { HOSTS = 3, AMOUNTS = 3, ANSWERS = 2, ENOUGH = 1 << 20, PIECE = 16 };

/* One answer for one pool, by hand. */
struct answer {
    struct source_amount amount[3 * HOSTS][AMOUNTS];
    size_t rows;
    struct openstack_host found[HOSTS], offered[HOSTS], sharing[HOSTS];
    struct openstack_answer answer;
    struct pool pool;
};

static struct {
    struct openstack_shares shares;
    struct answer of[ANSWERS];
} c;

static void begin(size_t most)
{
    struct arena *a = arena_new(most);
    size_t i;

    assert_non_null(a);
    memset(&c, 0, sizeof c);
    c.shares = (struct openstack_shares){.arena = a, .name.arena = a};
    for (i = 0; i < ANSWERS; i++) {
        c.of[i].answer.found.host = c.of[i].found;
        c.of[i].answer.with_disk.host = c.of[i].offered;
        c.of[i].answer.with_disk.sharing = c.of[i].sharing;
    }
}

static void end(void)
{
    intern_free(&c.shares.name);
    arena_free(c.shares.arena);
}

static void fill(struct answer *a, struct openstack_host *h, const char *uuid,
                 const struct source_amount *amount)
{
    struct source_amount *row = a->amount[a->rows++];

    *h = (struct openstack_host){.uuid = str_of(uuid), .amount = row};
    for (; amount->resource.p; amount++)
        row[h->amounts++] = *amount;
}

/* What a provider has: {name, total, used} each, in order; one without a name at the end. */
#define HAS(...)   ((const struct source_amount[]){__VA_ARGS__{.total = 0}})
#define A(n, t, u) {.resource = STR_LIT(n), .total = (t), .used = (u)},
#define NOTHING    HAS()

/* A free host, and with what it is offered in the second answer. */
static void host(size_t which, const char *uuid, const struct source_amount *amount)
{
    struct answer *a = &c.of[which];

    fill(a, &a->found[a->answer.found.hosts++], uuid, amount);
}

static void offered(size_t which, const char *uuid, const struct source_amount *amount)
{
    struct answer *a = &c.of[which];

    fill(a, &a->offered[a->answer.with_disk.hosts++], uuid, amount);
}

static void sharer(size_t which, const char *uuid, const struct source_amount *amount)
{
    struct answer *a = &c.of[which];

    fill(a, &a->sharing[a->answer.with_disk.sharings++], uuid, amount);
}

static int take(size_t n)
{
    struct openstack_answer answer[ANSWERS] = {0};
    size_t i;

    for (i = 0; i < n; i++)
        answer[i] = c.of[i].answer;
    if (openstack_shares_begin(&c.shares, answer, n) != 0)
        return -1;
    for (i = 0; i < n; i++) {
        if (openstack_shares_take(&c.shares, &c.of[i].answer, &c.of[i].pool) != 0)
            return -1;
    }
    return 0;
}

/* The hosts of all answers, the shares of their pools, and the lines. */
static void are(size_t n, const char *expected)
{
    struct buf b = BUF_INIT(65536);
    const struct openstack_host *h;
    size_t i, j;

    for (i = 0; i < n; i++) {
        for (h = c.of[i].found; h < c.of[i].found + c.of[i].answer.found.hosts; h++)
            write_host(&b, h->uuid, h->amount, h->amounts, NULL, 0, h->exact);
        buf_str(&b, "pool:");
        for (j = 0; j < c.of[i].pool.shares; j++)
            buf_printf(&b, " %zu", c.of[i].pool.share[j]);
        buf_char(&b, '\n');
    }
    assert_true(c.shares.name.n <= c.shares.room);
    for (i = 0; i < c.shares.name.n; i++)
        write_limit(&b, &c.shares.line[i]);
    assert_string_equal(b.len ? b.data : "", expected);
    buf_free(&b);
}

static void taken_are(size_t n, const char *expected)
{
    assert_int_equal(take(n), 0);
    are(n, expected);
    end();
}

static void lent_to_those_that_are_offered_with_it(void **state)
{
    (void)state;
    begin(ENOUGH);
    host(0, "h1", HAS(A("VCPU", 9, 1)));
    host(0, "h2", HAS(A("VCPU", 9, 2)));
    host(0, "h3", HAS(A("VCPU", 9, 3)));
    offered(0, "h0", HAS(A("VCPU", 9, 0))); /* it was full a moment ago */
    offered(0, "h2", HAS(A("VCPU", 9, 2)));
    offered(0, "h4", HAS(A("VCPU", 9, 0)));
    sharer(0, "s", HAS(A("Disk", 100, 40)));
    taken_are(1, "h1: VCPU 1/9\n"
                 "h2: Disk 40/100, VCPU 2/9; exact\n"
                 "h3: VCPU 3/9\n"
                 "pool: 0\n"
                 "DISK_GB of s Disk 40/100\n");
}

static void in_the_order_of_names(void **state)
{
    (void)state;
    begin(ENOUGH);
    host(0, "h1", HAS(A("Memory", 9, 0) A("VCPU", 9, 0)));
    host(0, "h2", NOTHING);
    offered(0, "h1", NOTHING);
    offered(0, "h2", NOTHING);
    sharer(0, "s", HAS(A("VGPU", 8, 1) A("Disk", 100, 40) A("SRIOV", 4, 2)));
    taken_are(1, "h1: Disk 40/100, Memory 0/9, SRIOV 2/4, VCPU 0/9, VGPU 1/8; exact\n"
                 "h2: Disk 40/100, SRIOV 2/4, VGPU 1/8; exact\n"
                 "pool: 0 1 2\n"
                 "VGPU of s VGPU 1/8\n"
                 "DISK_GB of s Disk 40/100\n"
                 "SRIOV of s SRIOV 2/4\n");
}

/* The own disk of a host counts, and does not make it exact. */
static void not_to_a_host_with_its_own(void **state)
{
    (void)state;
    begin(ENOUGH);
    host(0, "h1", HAS(A("Disk", 10, 9)));
    offered(0, "h1", HAS(A("Disk", 10, 9)));
    sharer(0, "s", HAS(A("Disk", 100, 40)));
    taken_are(1, "h1: Disk 9/10\n"
                 "pool: 0\n"
                 "DISK_GB of s Disk 40/100\n");
}

static void the_sharer_with_most_of_it_left_counts(void **state)
{
    (void)state;
    begin(ENOUGH);
    host(0, "h1", NOTHING);
    offered(0, "h1", NOTHING);
    sharer(0, "s1", HAS(A("Disk", 100, 90)));
    sharer(0, "s2", HAS(A("Disk", 50, 10)));
    sharer(0, "s3", HAS(A("Disk", 1000, 960)));
    taken_are(1, "h1: Disk 10/50; exact\n"
                 "pool: 0 1 2\n"
                 "DISK_GB of s1 Disk 90/100\n"
                 "DISK_GB of s2 Disk 10/50\n"
                 "DISK_GB of s3 Disk 960/1000\n");
}

/* Their answers are not of the same moment. */
static void a_line_is_one_for_all_pools_with_the_larger_use(void **state)
{
    size_t later;

    (void)state;
    for (later = 0; later < 2; later++) {
        begin(ENOUGH);
        sharer(later, "s", HAS(A("Disk", 100, 40)));
        sharer(!later, "s", HAS(A("Disk", 100, 70)));
        taken_are(2, "pool: 0\n"
                     "pool: 0\n"
                     "DISK_GB of s Disk 70/100\n");
    }
}

static void lines_of_a_pool_are_in_their_order(void **state)
{
    (void)state;
    begin(ENOUGH);
    sharer(0, "s1", HAS(A("Disk", 1, 0)));
    sharer(0, "s2", HAS(A("Disk", 2, 0)));
    sharer(1, "s2", HAS(A("VGPU", 3, 0) A("Disk", 2, 0)));
    sharer(1, "s1", HAS(A("Disk", 1, 0)));
    taken_are(2, "pool: 0 1\n"
                 "pool: 0 1 2\n"
                 "DISK_GB of s1 Disk 0/1\n"
                 "DISK_GB of s2 Disk 0/2\n"
                 "VGPU of s2 VGPU 0/3\n");
}

/* What would be cut off could be what tells two apart. */
static void a_line_has_its_whole_name_or_is_none(void **state)
{
    char uuid[600] = "";

    (void)state;
    memset(uuid, 'u', sizeof uuid - 1);
    begin(ENOUGH);
    sharer(0, uuid, HAS(A("Disk", 100, 40)));
    assert_int_equal(take(1), -1);
    assert_int_equal(c.shares.name.n, 0);
    end();
}

static void without_a_sharer_nothing_is_shared(void **state)
{
    (void)state;
    begin(ENOUGH);
    host(0, "h1", HAS(A("VCPU", 9, 1)));
    taken_are(1, "h1: VCPU 1/9\npool:\n");
    begin(ENOUGH);
    taken_are(0, "");
}

static void indices_are_sorted_without_doubles(void **state)
{
    size_t index[] = {7, 0, 3, 7, 3, 9, 0, 7};

    (void)state;
    assert_int_equal(openstack_sort_indices(index, ARRAY_LEN(index)), 4);
    assert_memory_equal(index, ((size_t[]){0, 3, 7, 9}), 4 * sizeof *index);
    assert_int_equal(openstack_sort_indices(index, 1), 1);
    assert_int_equal(index[0], 0);
    assert_int_equal(openstack_sort_indices(NULL, 0), 0);
}

static void each_piece_of_the_arena_may_be_the_last(void **state)
{
    size_t most;
    int rc = -1;

    (void)state;
    for (most = 0; rc != 0; most += PIECE) {
        begin(most);
        host(0, "h1", HAS(A("VCPU", 9, 1)));
        offered(0, "h1", HAS(A("VCPU", 9, 1)));
        sharer(0, "s", HAS(A("Disk", 100, 40)));
        rc = take(1);
        if (rc == 0)
            are(1, "h1: Disk 40/100, VCPU 1/9; exact\n"
                   "pool: 0\n"
                   "DISK_GB of s Disk 40/100\n");
        end();
    }
    assert_in_range(most, 10 * PIECE, ENOUGH);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lent_to_those_that_are_offered_with_it),
        cmocka_unit_test(in_the_order_of_names),
        cmocka_unit_test(not_to_a_host_with_its_own),
        cmocka_unit_test(the_sharer_with_most_of_it_left_counts),
        cmocka_unit_test(a_line_is_one_for_all_pools_with_the_larger_use),
        cmocka_unit_test(lines_of_a_pool_are_in_their_order),
        cmocka_unit_test(a_line_has_its_whole_name_or_is_none),
        cmocka_unit_test(without_a_sharer_nothing_is_shared),
        cmocka_unit_test(indices_are_sorted_without_doubles),
        cmocka_unit_test(each_piece_of_the_arena_may_be_the_last),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
