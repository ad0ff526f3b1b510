/* SPDX-License-Identifier: MIT */
/* The table of capacity when memory runs out: at each piece that the arena hands out (under a
 * sanitizer, too), and at each allocation. Whatever comes of it is whole: the table, the shape, the
 * placement of a job that runs, and what it holds. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/capacity.h"
#include "torture.h"

enum { ROWS = 40, TEXTS = 20, ENOUGH = 1 << 20, PIECE = 16 };

/* Hosts r0 to r39 of 4 A and some B each, the first of them with labels of their own; a job that
 * runs and fits, another that asks for more than there is; kinds for the host with a label, one
 * that an answer refuses on all hosts but one, and one that asks for what no host has. */
struct rig {
    struct source_amount amount[2];
    struct source_label label[ROWS];
    char value[ROWS][8];
    struct source_host host[ROWS];
    char name[ROWS][8];
    unsigned char takes[2][ROWS];
    struct source_exact exact[TEXTS];
    char kind_text[TEXTS][32];
    struct source_reading reading;
    size_t index[ROWS];
    struct demand_amount asked[2], unknown[1];
    char wanted[TEXTS][48];
    struct demand_kind kind[TEXTS];
    struct demand running[2], waiting;
};

static void rig_hosts(struct rig *r)
{
    r->amount[0] = (struct source_amount){.resource = {"B", 1}, .total = 9};
    r->amount[1] = (struct source_amount){.resource = {"A", 1}, .total = 4};
    for (size_t i = 0; i < ROWS; i++) {
        (void)snprintf(r->name[i], sizeof r->name[i], "r%zu", i);
        r->host[i] = (struct source_host){.name = str_of(r->name[i]),
                                          .amounts = 2,
                                          .amount = r->amount,
                                          .labels = i < TEXTS,
                                          .label = &r->label[i]};
        (void)snprintf(r->value[i], sizeof r->value[i], "b%zu", i);
        r->label[i] = (struct source_label){.key = {"a", 1}, .value = str_of(r->value[i])};
        r->index[i] = i;
        r->takes[0][i] = SOURCE_HOST_TAKES;
        r->takes[1][i] = i == 30 ? SOURCE_HOST_UNKNOWN : SOURCE_HOST_REFUSES;
    }
    for (size_t i = 0; i < TEXTS; i++) {
        (void)snprintf(r->kind_text[i], sizeof r->kind_text[i], "{\"r\":{\"A\":%zu}}", i + 1);
        r->exact[i] = (struct source_exact){str_of(r->kind_text[i]), r->takes[i % 2]};
    }
    r->reading =
        (struct source_reading){.hosts = ROWS, .host = r->host, .exacts = TEXTS, .exact = r->exact};
}

static void rig_make(struct rig *r)
{
    *r = (struct rig){0};
    rig_hosts(r);
    r->asked[0] = (struct demand_amount){{"A", 1}, 3};
    r->asked[1] = (struct demand_amount){{"A", 1}, 2};
    r->unknown[0] = (struct demand_amount){{"Q", 1}, 1};
    for (size_t i = 0; i < TEXTS; i++) {
        (void)snprintf(r->wanted[i], sizeof r->wanted[i], "{\"nodeSelector\":{\"a\":\"b%zu\"}}", i);
        r->kind[i] = (struct demand_kind){
            .count = 1, .amounts = 1, .amount = &r->asked[0], .constraint = str_of(r->wanted[i])};
    }
    r->kind[0] = (struct demand_kind){.count = 200, .amounts = 1, .amount = &r->asked[0]};
    r->kind[1] = (struct demand_kind){.count = 1, .amounts = 1, .amount = &r->asked[1]};
    r->kind[2] = (struct demand_kind){.count = 1, .amounts = 1, .amount = r->unknown};
    r->running[0] = (struct demand){.kinds = 1, .kind = &r->kind[1]};
    r->running[1] = (struct demand){.kinds = 1, .kind = &r->kind[0]};
    r->waiting = (struct demand){.kinds = TEXTS, .kind = r->kind};
}

static void check_waiting(const struct capacity *c, const struct capacity_shape *s)
{
    assert_int_equal(c->free.hosts, ROWS);
    assert_int_equal(s->demand.kinds, TEXTS);
    assert_null(s->demand.kind[0].on);
    assert_null(s->empty.kind[1].on);
    for (size_t h = 0; h < ROWS; h++) {
        assert_int_equal(s->demand.kind[1].on[h], h == 30);
        assert_false(s->demand.kind[2].on[h]);
        assert_int_equal(s->demand.kind[3].on[h], h == 3);
    }
    assert_true(str_is(s->lacking, "Q"));
    assert_int_equal(s->constrained, CONSTRAINT_MET);
}

static void check_running(const struct capacity *c, const struct capacity_holds *h)
{
    int64_t instances = 0;

    for (size_t i = 0; i < ROWS; i++)
        assert_int_equal(c->free.free[2 * i], 0);
    assert_int_equal(h->holds, ROWS);
    assert_int_equal(h->counts, ROWS);
    for (size_t i = 0; i < ROWS; i++) {
        assert_int_equal(h->hold[i].amount, 4);
        instances += h->count[i].instances;
    }
    assert_int_equal(instances, 200);
}

static int place(struct capacity *c, const struct rig *r, const struct demand *d, struct arena *a,
                 struct capacity_holds *holds, struct err *e)
{
    struct fit_subset use = {ROWS, r->index};
    struct fit_placement p = {0};
    struct capacity_shape s;
    int rc = -1;

    if (capacity_shape(c, d, a, &s) == 0 && capacity_place(c, use, &s.empty, &p, e) == 0)
        rc = capacity_holds(c, &s.empty, &p, a, holds, e);
    fit_placement_free(&p);
    return rc;
}

/* All that capacity does. 0, or -1 where memory ran out. */
static int run(const struct rig *r, struct arena *a)
{
    struct capacity_shape waiting;
    struct capacity_holds holds;
    struct capacity c;
    struct err e = {.code = ERR_NONE};
    int rc = capacity_make(&r->reading, a, &c, &e);

    if (rc == 0)
        rc = capacity_shape(&c, &r->waiting, a, &waiting);
    if (rc == 0) {
        check_waiting(&c, &waiting);
        rc = place(&c, r, &r->running[0], a, &holds, &e);
    }
    if (rc == 0) {
        assert_int_equal(holds.holds, 1);
        assert_int_equal(holds.hold[0].amount, 2);
        rc = place(&c, r, &r->running[1], a, &holds, &e);
    }
    if (rc == 0)
        check_running(&c, &holds);
    assert_true(rc == 0 || e.code == ERR_NONE || e.code == ERR_INTERNAL);
    capacity_free(&c);
    return rc;
}

static void each_piece_of_the_arena_may_be_the_last(void **state)
{
    struct rig r;
    struct arena *a;
    size_t most;
    int rc = -1;

    (void)state;
    rig_make(&r);
    for (most = 0; rc != 0; most += PIECE) {
        a = arena_new(most);
        assert_non_null(a);
        rc = run(&r, a);
        arena_free(a);
    }
    assert_in_range(most, 100 * PIECE, ENOUGH);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void every_allocation_may_fail(void **state)
{
    struct arena *a;
    struct rig r;
    int64_t good;
    int rc;

    (void)state;
    rig_make(&r);
    for (int once = 0; once < 2; once++) {
        good = 0;
        do {
            torture_arm_as(once, good++);
            a = arena_new(ENOUGH);
            rc = a ? run(&r, a) : -1;
            arena_free(a);
            assert_int_equal(torture_end(), 0);
        } while (torture_fired());
        assert_int_equal(rc, 0);
        assert_true(good > 30);
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
