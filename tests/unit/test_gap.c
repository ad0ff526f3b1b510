/* SPDX-License-Identifier: MIT */
/* Why a demand does not fit, in words and numbers; and that it is called fragmented if and only if
 * there is enough in all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/gap.h"
#include "prop.h"

enum { HOSTS = 3, KINDS = 2, MEMORY = 0, VCPU = 1, COLUMNS = 2 };

/* A table by hand: what is free of 8 VCPU and 100 Memory on each host. */
struct world {
    struct str name[COLUMNS];
    int64_t total[HOSTS * COLUMNS], left[HOSTS * COLUMNS];
    size_t index[HOSTS];
    struct conf_queue queue;
    struct source_reading reading;
    struct capacity capacity;
    struct fit_kind kind[KINDS];
    struct fit_demand demand;
    struct gap_sum sum[COLUMNS];
    struct gap_at at;
};

static void make(struct world *w, size_t hosts, const int64_t left[HOSTS][COLUMNS])
{
    size_t h;

    *w = (struct world){.name = {STR_LIT("Memory"), STR_LIT("VCPU")}};
    for (h = 0; h < hosts; h++) {
        w->total[h * COLUMNS + MEMORY] = 100;
        w->total[h * COLUMNS + VCPU] = 8;
        w->left[h * COLUMNS + MEMORY] = left[h][MEMORY];
        w->left[h * COLUMNS + VCPU] = left[h][VCPU];
        w->index[h] = h;
    }
    w->reading.queue = &w->queue;
    w->capacity.reading = &w->reading;
    w->capacity.resource.n = COLUMNS;
    w->capacity.resource.text = w->name;
    w->capacity.total = w->total;
    w->capacity.free = (struct fit_hosts){hosts, COLUMNS, w->left};
    w->demand.kind = w->kind;
    w->at = (struct gap_at){.capacity = &w->capacity,
                            .use = {hosts, w->index},
                            .demand = &w->demand,
                            .pools = 1,
                            .sum = w->sum};
}

static struct gap find(struct world *w)
{
    if (gap_is_masked(&w->demand))
        gap_sums(&w->at, w->sum);
    else
        gap_sums_of_all(&w->capacity, w->at.use, w->sum);
    return gap_find(&w->at);
}

/* ---- in words ---- */

#define ALL                                                                                        \
    {                                                                                              \
        true, true, true                                                                           \
    }

static const struct {
    int64_t left[HOSTS][COLUMNS]; /* Memory, VCPU */
    size_t kinds;
    int64_t count[KINDS], amount[KINDS][COLUMNS];
    bool masked, on[HOSTS];
    bool empty;
    size_t pools;
    bool fragmented;
    const char *want;
} told[] = {
    {{{100, 2}, {100, 2}, {100, 1}},
     1,
     {1},
     {{1, 6}},
     false,
     ALL,
     false,
     1,
     false,
     "needs 6 VCPU; 5 of 24 are free on its 3 hosts"},
    {{{1, 2}, {1, 2}, {0, 1}},
     1,
     {2},
     {{5, 4}},
     false,
     ALL,
     false,
     1,
     false,
     "needs 10 Memory and 8 VCPU; 2 of 300 and 5 of 24 are free on its 3 hosts"},
    {{{100, 5}, {100, 4}, {100, 4}},
     1,
     {1},
     {{1, 8}},
     false,
     ALL,
     false,
     1,
     true,
     "needs 8 VCPU on one host; the best has 5; the pool has 13 free in pieces"},
    {{{100, 5}, {100, 4}, {100, 4}},
     1,
     {1},
     {{1, 8}},
     false,
     ALL,
     false,
     2,
     true,
     "needs 8 VCPU on one host; the best has 5; its 2 pools have 13 free in pieces"},
    {{{100, 8}, {100, 4}, {100, 4}},
     1,
     {1},
     {{1, 8}},
     true,
     {false, true, true},
     false,
     1,
     true,
     "needs 8 VCPU on one host; the best that may take it has 4; those have 8 free in pieces"},
    {{{100, 8}, {100, 3}, {100, 4}},
     1,
     {1},
     {{1, 8}},
     true,
     {false, true, true},
     false,
     1,
     false,
     "needs 8 VCPU; 7 of 16 are free on the 2 hosts that may take it"},
    {{{100, 8}, {100, 3}, {100, 4}},
     1,
     {1},
     {{1, 8}},
     true,
     {false, false, false},
     false,
     1,
     false,
     "needs 1 x (Memory 1, VCPU 8); none of its 3 hosts may take it now"},
    {{{10, 8}, {100, 2}, {10, 2}},
     1,
     {1},
     {{50, 4}},
     false,
     ALL,
     false,
     1,
     true,
     "needs Memory 50, VCPU 4 on one host; no host has all of it free at once"},
    {{{100, 5}, {100, 5}, {100, 6}},
     1,
     {4},
     {{1, 4}},
     false,
     ALL,
     false,
     1,
     true,
     "needs 4 x (Memory 1, VCPU 4); there is room for 3 of them"},
    {{{100, 6}, {100, 5}, {100, 1}},
     2,
     {1, 2},
     {{1, 6}, {1, 3}},
     false,
     ALL,
     false,
     1,
     true,
     "needs 1 x (Memory 1, VCPU 6) + 2 x (Memory 1, VCPU 3); there is room for each by itself, and "
     "none was found for all"},
    {{{0, 0}, {0, 0}, {0, 0}},
     1,
     {4},
     {{1, 7}},
     false,
     ALL,
     true,
     1,
     false,
     "needs 28 VCPU; its 3 hosts have 24 in all"},
    {{{0, 0}, {0, 0}, {0, 0}},
     1,
     {1},
     {{1, 9}},
     false,
     ALL,
     true,
     1,
     true,
     "needs 9 VCPU on one host; the largest has 8 when empty"},
    {{{0, 0}, {0, 0}, {0, 0}},
     1,
     {4},
     {{1, 5}},
     false,
     ALL,
     true,
     1,
     true,
     "needs 4 x (Memory 1, VCPU 5); there is room for 3 of them when all hosts are empty"},
    {{{0, 0}, {0, 0}, {0, 0}},
     1,
     {1},
     {{1, 1}},
     true,
     {false, false, false},
     true,
     1,
     false,
     "needs 1 x (Memory 1, VCPU 1); none of its 3 hosts may take it"},
    {{{0, 0}, {0, 0}, {0, 0}},
     2,
     {2, 3},
     {{1, 6}, {1, 4}},
     false,
     ALL,
     true,
     1,
     true,
     "needs 2 x (Memory 1, VCPU 6) + 3 x (Memory 1, VCPU 4); there is room for each by itself, and "
     "none for all when all hosts are empty"},
};

static void only_the_numbers_that_decide_are_said(void **state)
{
    struct world w;
    struct gap gap;
    size_t i, k;

    (void)state;
    for (i = 0; i < ARRAY_LEN(told); i++) {
        struct buf b = BUF_INIT(4096);

        make(&w, HOSTS, told[i].left);
        w.demand.kinds = told[i].kinds;
        for (k = 0; k < told[i].kinds; k++)
            w.kind[k] = (struct fit_kind){told[i].count[k], told[i].amount[k],
                                          told[i].masked ? told[i].on : NULL};
        w.at.empty = told[i].empty;
        w.at.pools = told[i].pools;
        gap = find(&w);
        gap_say(&w.at, &gap, &b);
        assert_string_equal(buf_span(&b).p, told[i].want);
        assert_int_equal(gap_is_fragmented(&gap), told[i].fragmented);
        buf_free(&b);
    }
}

/* ---- against the question itself ---- */

static bool enough_in_all(const struct world *w)
{
    size_t k, h, r;

    for (r = 0; r < COLUMNS; r++) {
        int64_t need = 0, sum = 0;

        for (k = 0; k < w->demand.kinds; k++)
            need += w->kind[k].count * w->kind[k].amount[r];
        for (h = 0; h < HOSTS; h++)
            sum += w->left[h * COLUMNS + r];
        if (need > sum)
            return false;
    }
    return true;
}

static void fragmented_means_that_there_is_enough_in_all(void **state)
{
    struct prop p = prop_begin("gap", 11);
    size_t round, k, h, fragmented = 0, refused = 0;
    int64_t amount[KINDS][COLUMNS], left[HOSTS][COLUMNS], steps;
    struct world w;
    struct gap gap;

    (void)state;
    for (round = 0; round < 3000; round++) {
        for (h = 0; h < HOSTS; h++) {
            left[h][MEMORY] = prop_between(&p, 0, 100);
            left[h][VCPU] = prop_between(&p, 0, 8);
        }
        make(&w, HOSTS, (const int64_t(*)[COLUMNS])left);
        w.demand.kinds = 1 + prop_below(&p, KINDS);
        for (k = 0; k < w.demand.kinds; k++) {
            amount[k][MEMORY] = prop_between(&p, 0, 60);
            amount[k][VCPU] = prop_between(&p, 1, 8);
            w.kind[k] = (struct fit_kind){prop_between(&p, 1, 3), amount[k], NULL};
        }
        steps = FIT_BUDGET_DEFAULT;
        if (fit_pack(&w.capacity.free, w.at.use, &w.demand, &steps, NULL) != FIT_NO)
            continue;
        gap = find(&w);
        refused++;
        fragmented += gap_is_fragmented(&gap);
        assert_int_equal(gap_is_fragmented(&gap), enough_in_all(&w));
        if (gap.kind == GAP_COUNT)
            assert_in_range(gap.best, 1, w.kind[gap.of].count - 1);
        if (gap.kind == GAP_ONE_HOST)
            assert_true(gap.best < w.kind[gap.of].amount[gap.resource]);
    }
    assert_true(fragmented > 100 && refused > fragmented + 100);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(only_the_numbers_that_decide_are_said),
        cmocka_unit_test(fragmented_means_that_there_is_enough_in_all),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
