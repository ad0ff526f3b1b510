/* SPDX-License-Identifier: MIT */
/* The table of capacity, holds, shapes and placements, against the same found by name and by
 * counting one by one. */
#include "capacity_world.h"

enum { SEED = 20261124, ROUNDS = 3000, HOLDS = 12 };

static void test_free_is_total_less_used_less_holds(void **state)
{
    struct prop r = prop_begin("capacity", SEED);
    struct world w;
    int round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        int64_t held[HOSTS + 1][NAMES + 1] = {{0}};
        size_t i, h, n;

        world_make(&w, &r);
        for (i = 0; i < HOLDS; i++) {
            int64_t amount = prop_between(&r, -1, 8);

            h = prop_below(&r, HOSTS + 1);
            n = prop_below(&r, NAMES + 1);
            capacity_hold(&w.capacity, str_of(h < HOSTS ? host_names[h] : "gone"),
                          str_of(n < NAMES ? resource_names[n] : "GONE"), amount);
            held[h][n] += amount > 0 ? amount : 0;
        }
        for (h = 0; h < w.reading.hosts; h++) {
            for (n = 0; n < NAMES; n++) {
                const struct source_amount *a = world_amount(&w, h, resource_names[n]);
                int64_t left = a->total - a->used - held[h][n];

                assert_int_equal(world_free_of(&w, h, resource_names[n]), left > 0 ? left : 0);
            }
        }
        world_free(&w);
    }
}

static void test_amounts_out_of_range_are_brought_into_it(void **state)
{
    static const struct source_amount amounts[] = {
        {{"A", 1}, INT64_MAX, 0}, {{"B", 1}, -5, 0}, {{"C", 1}, 10, -3}, {{"D", 1}, 10, INT64_MAX}};
    static const struct source_host host = {
        .name = {"h", 1}, .amounts = ARRAY_LEN(amounts), .amount = amounts};
    struct source_reading reading = {.hosts = 1, .host = &host};
    struct arena *a = arena_new(1 << 16);
    struct capacity c;
    struct err e;

    (void)state;
    assert_int_equal(capacity_make(&reading, a, &c, &e), 0);
    assert_int_equal(c.free.free[0], NUM_SAFE_MAX);
    assert_int_equal(c.free.free[1], 0);
    assert_int_equal(c.free.free[2], 10);
    assert_int_equal(c.free.free[3], 0);
    assert_int_equal(c.total[3], 10);
    capacity_free(&c);
    arena_free(a);
}

static void check_shape(const struct world *w, const struct demand *d,
                        const struct capacity_shape *s)
{
    bool lacking = false;
    size_t k, n, column;

    assert_int_equal(s->demand.kinds, d->kinds);
    for (k = 0; k < d->kinds; k++) {
        bool nowhere = d->kind[k].constraint.p && strstr(d->kind[k].constraint.p, "nodeSelector");

        for (n = 0; n < NAMES; n++) {
            int64_t amount = kind_amount(&d->kind[k], resource_names[n]);

            column = intern_find(&w->capacity.resource, str_of(resource_names[n]));
            assert_int_equal(column != INTERN_NONE, world_offers(w, resource_names[n]));
            if (column != INTERN_NONE)
                assert_int_equal(s->demand.kind[k].amount[column], amount);
            else if (amount)
                lacking = nowhere = true;
        }
        assert_int_equal(s->demand.kind[k].count, d->kind[k].count);
        assert_int_equal(s->demand.kind[k].nowhere, nowhere);
    }
    assert_int_equal(s->lacking.p != NULL, lacking);
}

static void test_shapes_in_columns(void **state)
{
    struct prop r = prop_begin("shape", SEED);
    struct some_demand d;
    struct capacity_shape s;
    struct world w;
    int round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        world_make(&w, &r);
        some_demand(&d, &r, 20);
        assert_int_equal(capacity_shape(&w.capacity, &d.d, w.arena, &s), 0);
        check_shape(&w, &d.d, &s);
        world_free(&w);
    }
}

/* Every instance stands on exactly one host of the subset, and what they ask for is gone from what
 * was free, which never falls below 0. */
static void check_placement(const struct world *w, const struct capacity_shape *s,
                            struct fit_subset use, const int64_t *before,
                            const struct fit_placement *p)
{
    size_t columns = w->capacity.free.resources, h, c, i, k;
    int64_t left, count;

    for (k = 0; k < s->demand.kinds; k++) {
        for (i = 0, count = 0; i < p->n; i++)
            count += p->place[i].kind == k ? p->place[i].count : 0;
        assert_int_equal(count, use.n ? s->demand.kind[k].count : 0);
    }
    for (h = 0; h < w->reading.hosts; h++) {
        for (c = 0; c < columns; c++) {
            left = before[h * columns + c];
            for (i = 0; i < p->n; i++)
                left -= p->place[i].host == h
                            ? p->place[i].count * s->demand.kind[p->place[i].kind].amount[c]
                            : 0;
            assert_int_equal(w->capacity.free.free[h * columns + c], left > 0 ? left : 0);
        }
    }
}

/* min(what its places ask for, total), per host and resource, and the number of instances. */
static void check_holds(const struct world *w, const struct capacity_shape *s,
                        const struct fit_placement *p, const struct capacity_holds *holds)
{
    size_t columns = w->capacity.free.resources, h, c, i, hold = 0, at = 0;
    int64_t sum, count, total;

    for (h = 0; h < w->reading.hosts; h++) {
        for (i = 0, count = 0; i < p->n; i++)
            count += p->place[i].host == h ? p->place[i].count : 0;
        if (count) {
            assert_int_equal(holds->count[at].host, h);
            assert_int_equal(holds->count[at++].instances, count);
        }
        for (c = 0; c < columns; c++) {
            for (i = 0, sum = 0; i < p->n; i++)
                sum += p->place[i].host == h
                           ? p->place[i].count * s->demand.kind[p->place[i].kind].amount[c]
                           : 0;
            total = w->capacity.total[h * columns + c];
            if (sum == 0 || total == 0)
                continue;
            assert_int_equal(holds->hold[hold].host, h);
            assert_int_equal(holds->hold[hold].resource, c);
            assert_int_equal(holds->hold[hold++].amount, sum < total ? sum : total);
        }
    }
    assert_int_equal(holds->counts, at);
    assert_int_equal(holds->holds, hold);
}

static void test_running_jobs_are_counted_somewhere(void **state)
{
    struct prop r = prop_begin("place", SEED);
    struct world w;
    int round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        int64_t before[HOSTS * NAMES] = {0};
        struct fit_placement p = {0};
        struct capacity_holds holds;
        struct capacity_shape s;
        struct fit_subset use;
        struct some_demand d;
        struct err e;

        world_make(&w, &r);
        some_demand(&d, &r, 12);
        use = (struct fit_subset){w.reading.pools ? w.pool[0].hosts : 0, w.pool_host[0]};
        assert_int_equal(capacity_shape(&w.capacity, &d.d, w.arena, &s), 0);
        memcpy(before, w.capacity.free.free,
               w.reading.hosts * w.capacity.free.resources * sizeof before[0]);
        assert_int_equal(capacity_place(&w.capacity, use, &s.demand, &p, &e), 0);
        check_placement(&w, &s, use, before, &p);
        assert_int_equal(capacity_holds(&w.capacity, &s.demand, &p, w.arena, &holds, &e), 0);
        check_holds(&w, &s, &p, &holds);
        fit_placement_free(&p);
        world_free(&w);
    }
}

/* Amounts and counts at the end of their range: sums must not overflow. */
static void test_huge_running_job_takes_all_there_is(void **state)
{
    static const struct source_amount amount = {{"A", 1}, 64, 0};
    static const struct source_host host = {.name = {"h", 1}, .amounts = 1, .amount = &amount};
    static const size_t first = 0;
    struct source_reading reading = {.hosts = 1, .host = &host};
    struct demand_amount asked = {{"A", 1}, NUM_SAFE_MAX};
    struct demand_kind kind = {.count = DEMAND_INSTANCES_MAX, .amounts = 1, .amount = &asked};
    struct demand d = {.kinds = 1, .kind = &kind};
    struct arena *a = arena_new(1 << 16);
    struct fit_placement p = {0};
    struct capacity_holds holds;
    struct capacity_shape s;
    struct capacity c;
    struct err e;

    (void)state;
    assert_int_equal(capacity_make(&reading, a, &c, &e), 0);
    assert_int_equal(capacity_shape(&c, &d, a, &s), 0);
    assert_int_equal(capacity_place(&c, (struct fit_subset){1, &first}, &s.demand, &p, &e), 0);
    assert_int_equal(c.free.free[0], 0);
    assert_int_equal(capacity_holds(&c, &s.demand, &p, a, &holds, &e), 0);
    assert_int_equal(holds.hold[0].amount, 64);
    assert_int_equal(holds.count[0].instances, DEMAND_INSTANCES_MAX);
    fit_placement_free(&p);
    capacity_free(&c);
    arena_free(a);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_free_is_total_less_used_less_holds),
        cmocka_unit_test(test_amounts_out_of_range_are_brought_into_it),
        cmocka_unit_test(test_shapes_in_columns),
        cmocka_unit_test(test_running_jobs_are_counted_somewhere),
        cmocka_unit_test(test_huge_running_job_takes_all_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
