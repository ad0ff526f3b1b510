/* SPDX-License-Identifier: MIT */
/* Fit when memory runs out, at each allocation, for once and for good: no answer is made up. The
 * questions are such that each phase finds what the ones before it miss, with more places than
 * these had room for. And more resources than the quick look has room for. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "fit.h"
#include "torture.h"

enum { ROWS = 48, WIDE = 40, KINDS_MOST = 4, STEPS = 1 << 20 };

struct big {
    struct fit_hosts hosts;
    struct fit_subset use;
    struct fit_demand demand;
    int64_t free[ROWS * 2];
    size_t host[ROWS];
    int64_t amount[KINDS_MOST][2];
    struct fit_kind kind[KINDS_MOST];
    bool on[KINDS_MOST][ROWS];
};

static void begin(struct big *b)
{
    memset(b, 0, sizeof *b);
    b->hosts = (struct fit_hosts){0, 2, b->free};
    b->use = (struct fit_subset){0, b->host};
    b->demand.kind = b->kind;
}

/* n more hosts. */
static void hosts(struct big *b, size_t n, int64_t first, int64_t second)
{
    for (; n > 0; n--) {
        assert_true(b->hosts.hosts < ROWS);
        b->free[2 * b->hosts.hosts] = first;
        b->free[2 * b->hosts.hosts + 1] = second;
        b->host[b->use.n++] = b->hosts.hosts++;
    }
}

/* One more kind, for the hosts from..to-1. */
static void kind(struct big *b, int64_t count, int64_t first, int64_t second, size_t from,
                 size_t to)
{
    size_t k = b->demand.kinds++;

    b->amount[k][0] = first;
    b->amount[k][1] = second;
    for (size_t h = from; h < to; h++)
        b->on[k][h] = true;
    b->kind[k] = (struct fit_kind){.count = count, .amount = b->amount[k], .on = b->on[k]};
}

/* First fit would take the only host of the second kind; best fit does not, as it is not the
 * tightest. */
static void best_finds_it(struct big *b, size_t most)
{
    begin(b);
    hosts(b, 1, 2, 5);
    hosts(b, most, 2, 1);
    kind(b, (int64_t)most, 2, 1, 0, most + 1);
    kind(b, 1, 1, 0, 0, 1);
}

/* The other way round: best fit takes it, and places one less than first fit will. */
static void first_finds_it(struct big *b, size_t most)
{
    begin(b);
    hosts(b, most, 2, 5);
    hosts(b, 1, 2, 1);
    kind(b, (int64_t)most, 2, 1, 0, most + 1);
    kind(b, 1, 1, 0, most, most + 1);
}

/* 10 = 4 + 3 + 3, twice: only the search puts the two that ask for 4 apart. `most` places of
 * another kind stand before them. */
static void search_finds_it(struct big *b, size_t most)
{
    begin(b);
    hosts(b, most, 100, 0);
    hosts(b, 2, 10, 0);
    if (most > 0)
        kind(b, (int64_t)most, 100, 0, 0, most);
    kind(b, 2, 4, 0, most, most + 2);
    kind(b, 4, 3, 0, most, most + 2);
}

static void each_phase_finds_what_those_before_it_miss(void **state)
{
    struct fit_placement p = {0};
    struct big b;
    int64_t steps = STEPS;

    (void)state;
    best_finds_it(&b, 16);
    assert_int_equal(fit_pack(&b.hosts, b.use, &b.demand, &steps, &p), FIT_YES);
    assert_int_equal(steps, STEPS); /* nothing was searched */
    assert_int_equal(p.n, 17);
    first_finds_it(&b, 16);
    assert_int_equal(fit_pack(&b.hosts, b.use, &b.demand, &steps, &p), FIT_YES);
    assert_int_equal(steps, STEPS);
    search_finds_it(&b, 14);
    assert_int_equal(fit_pack(&b.hosts, b.use, &b.demand, &steps, &p), FIT_YES);
    assert_true(steps < STEPS);
    fit_placement_free(&p);
}

/* One host takes all of two kinds, of more resources than the quick look at it counts. */
static void wide_hosts_fit_as_well(void **state)
{
    int64_t free[WIDE], amount[WIDE], steps = STEPS;
    size_t host = 0;
    struct fit_kind kinds[] = {{.count = 2, .amount = amount}, {.count = 1, .amount = free}};
    struct fit_hosts one = {1, WIDE, free};
    struct fit_subset use = {1, &host};
    struct fit_demand demand = {2, kinds};
    int64_t rest[WIDE];

    (void)state;
    for (size_t r = 0; r < WIDE; r++) {
        free[r] = 10;
        amount[r] = 1;
        rest[r] = 8;
    }
    kinds[1].amount = rest;
    assert_int_equal(fit_pack(&one, use, &demand, &steps, NULL), FIT_YES);
    assert_int_equal(fit_spread(&one, use, &demand, NULL), FIT_YES);
    rest[WIDE - 1] = 9;
    assert_int_equal(fit_pack(&one, use, &demand, &steps, NULL), FIT_NO);
    assert_int_equal(fit_spread(&one, use, &demand, NULL), FIT_NO);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static int64_t check(const struct big *b, bool spread, bool once, enum fit_answer want)
{
    int64_t good = 0;
    enum fit_answer answer;

    do {
        struct fit_placement p = {0};
        int64_t steps = STEPS;

        torture_arm_as(once, good++);
        answer = spread ? fit_spread(&b->hosts, b->use, &b->demand, &p)
                        : fit_pack(&b->hosts, b->use, &b->demand, &steps, &p);
        assert_true(answer == want || answer == FIT_NO_MEMORY);
        assert_true(answer == FIT_YES || p.n == 0);
        fit_placement_free(&p);
        assert_int_equal(torture_end(), 0);
    } while (torture_fired());
    assert_int_equal(answer, want);
    return good;
}

static void every_allocation_may_fail(void **state)
{
    struct big b;

    (void)state;
    for (int once = 0; once < 2; once++)
        for (size_t most = 0; most <= 17; most++) {
            best_finds_it(&b, most + 1);
            assert_true(check(&b, false, once, FIT_YES) > 5);
            first_finds_it(&b, most + 1);
            assert_true(check(&b, false, once, FIT_YES) > 5);
            search_finds_it(&b, most);
            assert_true(check(&b, false, once, FIT_YES) > 5);
            assert_true(check(&b, true, once, FIT_YES) > 1);
        }
}
#endif

static void more_resources_than_the_quick_ways_take(void **state)
{
    enum { BOTH = 2 };
    int64_t free[BOTH * WIDE], amount[WIDE], steps = STEPS;
    size_t host[BOTH] = {0, 1}, i;
    struct fit_hosts hosts = {BOTH, WIDE, free};
    struct fit_subset use = {BOTH, host};
    struct fit_kind kind = {.count = 3, .amount = amount};
    struct fit_demand demand = {.kinds = 1, .kind = &kind};
    struct fit_placement p = {0};

    (void)state;
    for (i = 0; i < WIDE; i++) {
        free[i] = 2;
        free[WIDE + i] = 1;
        amount[i] = 1;
    }
    assert_int_equal(fit_pack(&hosts, use, &demand, &steps, &p), FIT_YES);
    assert_true(p.n == 2 && p.place[0].count + p.place[1].count == 3);
    kind.count = 4;
    assert_int_equal(fit_pack(&hosts, use, &demand, &steps, &p), FIT_NO);
    fit_placement_free(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(more_resources_than_the_quick_ways_take),
        cmocka_unit_test(each_phase_finds_what_those_before_it_miss),
        cmocka_unit_test(wide_hosts_fit_as_well),
#if TORTURE
        cmocka_unit_test(every_allocation_may_fail),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
