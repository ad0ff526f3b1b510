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
        {.resource = {"A", 1}, .total = INT64_MAX},
        {.resource = {"B", 1}, .total = -5},
        {.resource = {"C", 1}, .total = 10, .used = -3},
        {.resource = {"D", 1}, .total = 10, .used = INT64_MAX}};
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

/* ---- shapes ---- */

enum { ANSWERS = 6 };

/* Exact answers to some of the kinds of a demand, and to other kinds. */
struct answers {
    struct source_exact exact[ANSWERS];
    unsigned char host[ANSWERS][HOSTS];
};

static struct str kind_text(const struct demand_kind *kind, struct arena *a)
{
    struct buf b = BUF_INIT(1 << 16);
    struct str text;

    demand_write_kind(kind, &b);
    assert_int_equal(arena_copy(a, buf_span(&b), &text), 0);
    buf_free(&b);
    return text;
}

static void add_answer(struct world *w, struct prop *r, const struct some_demand *d,
                       struct answers *all)
{
    size_t n = w->reading.exacts++, h;

    all->exact[n] =
        (struct source_exact){.kind = d->d.kinds && !prop_one_in(r, 4)
                                          ? kind_text(&d->kind[prop_below(r, d->d.kinds)], w->arena)
                                          : STR_LIT("{\"r\":{\"D\":21}}"),
                              .host = all->host[n]};
    for (h = 0; h < HOSTS; h++)
        all->host[n][h] = prop_one_in(r, 3)   ? SOURCE_HOST_REFUSES
                          : prop_one_in(r, 2) ? SOURCE_HOST_TAKES
                                              : SOURCE_HOST_UNKNOWN;
    w->reading.exact = all->exact;
}

static bool is_refused(const struct world *w, size_t host, const struct demand_kind *kind)
{
    struct str text = kind_text(kind, w->arena);
    size_t i;

    for (i = 0; i < w->reading.exacts; i++) {
        if (str_eq(w->reading.exact[i].kind, text) &&
            w->reading.exact[i].host[host] == SOURCE_HOST_REFUSES)
            return true;
    }
    return false;
}

/* Amounts by column; returns whether it asks for something that no host has. */
static bool check_amounts(const struct world *w, const struct demand_kind *from,
                          const struct fit_kind *kind)
{
    bool lacking = false;
    size_t n, column;

    for (n = 0; n < NAMES; n++) {
        int64_t amount = kind_amount(from, resource_names[n]);

        column = intern_find(&w->capacity.resource, str_of(resource_names[n]));
        assert_int_equal(column != INTERN_NONE, world_offers(w, resource_names[n]));
        if (column != INTERN_NONE)
            assert_int_equal(kind->amount[column], amount);
        lacking = lacking || (column == INTERN_NONE && amount);
    }
    assert_int_equal(kind->count, from->count);
    return lacking;
}

static void check_shape(const struct world *w, const struct demand *d,
                        const struct capacity_shape *s)
{
    bool lacking = false, unmet = false, refused = false;
    size_t k, h, met;

    assert_int_equal(s->demand.kinds, d->kinds);
    assert_int_equal(s->empty.kinds, d->kinds);
    for (k = 0; k < d->kinds; k++) {
        bool lacks = check_amounts(w, &d->kind[k], &s->empty.kind[k]);

        assert_int_equal(check_amounts(w, &d->kind[k], &s->demand.kind[k]), lacks);
        for (h = 0, met = 0; h < w->reading.hosts; h++) {
            bool meets = world_meets(w, h, &d->kind[k]);
            bool empty = meets && !lacks, now = empty && !is_refused(w, h, &d->kind[k]);

            assert_int_equal(!s->empty.kind[k].on || s->empty.kind[k].on[h], empty);
            assert_int_equal(!s->demand.kind[k].on || s->demand.kind[k].on[h], now);
            met += meets;
            refused = refused || now != empty;
        }
        assert_int_equal(s->empty.kind[k].on == NULL, met == w->reading.hosts && !lacks);
        lacking = lacking || lacks;
        unmet = unmet || (met == 0 && w->reading.hosts);
    }
    assert_int_equal(s->lacking.p != NULL, lacking);
    assert_int_equal(s->constrained != CONSTRAINT_MET, unmet);
    assert_int_equal(s->demand.kind != s->empty.kind, refused);
}

static void test_shapes_in_columns(void **state)
{
    struct prop r = prop_begin("shape", SEED);
    struct some_demand d;
    struct capacity_shape s;
    size_t refusing = 0;
    struct world w;
    int round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        struct answers all;
        size_t n;

        world_make(&w, &r);
        some_demand(&d, &r, 20);
        for (n = prop_one_in(&r, 2) ? 0 : prop_below(&r, ANSWERS); n > 0; n--) {
            add_answer(&w, &r, &d, &all);
            if (n > 1 && prop_one_in(&r, 2))
                continue; /* the next time there are more of them */
            assert_int_equal(capacity_shape(&w.capacity, &d.d, w.arena, &s), 0);
            check_shape(&w, &d.d, &s);
        }
        assert_int_equal(capacity_shape(&w.capacity, &d.d, w.arena, &s), 0);
        check_shape(&w, &d.d, &s);
        refusing += s.demand.kind != s.empty.kind;
        world_free(&w);
    }
    assert_true(refusing > ROUNDS / 20);
}

/* As many constraints as there are shapes, but few sets of hosts: few masks. */
static void test_masks_are_shared(void **state)
{
    enum { ROWS = 1000, SHAPES = 50000 };
    static struct source_host hosts[ROWS];
    struct source_reading reading = {.hosts = ROWS, .host = hosts};
    struct demand_kind kind = {.count = 1};
    struct demand d = {.kinds = 1, .kind = &kind};
    struct arena *a = arena_new(16 << 20);
    const bool *first = NULL;
    struct capacity_shape s;
    struct capacity c;
    char text[80];
    struct err e;
    int i;

    (void)state;
    hosts[7].labels = 1;
    hosts[7].label = &world_label;
    assert_int_equal(capacity_make(&reading, a, &c, &e), 0);
    for (i = 0; i < SHAPES; i++) {
        int n = snprintf(text, sizeof text,
                         "{\"nodeSelector\":{\"a\":\"b\"},\"tolerations\":[{\"key\":\"%d\"}]}", i);

        kind.constraint = (struct str){text, (size_t)n};
        assert_int_equal(capacity_shape(&c, &d, a, &s), 0);
        first = first ? first : s.demand.kind[0].on;
        assert_ptr_equal(s.demand.kind[0].on, first);
    }
    assert_true(first[7] && !first[8]);
    kind.constraint = (struct str){NULL, 0};
    assert_int_equal(capacity_shape(&c, &d, a, &s), 0);
    assert_null(s.demand.kind[0].on);
    capacity_free(&c);
    arena_free(a);
}

/* ---- placements ---- */

/* Only on hosts that may take it, unless none of the subset may. */
static void check_hosts_are_on(const struct fit_demand *d, struct fit_subset use,
                               const struct fit_placement *p)
{
    size_t i, j, on;

    for (i = 0; i < p->n; i++) {
        const struct fit_kind *kind = &d->kind[p->place[i].kind];

        for (j = 0, on = 0; j < use.n; j++)
            on += !kind->on || kind->on[use.host[j]];
        assert_true(on == 0 || !kind->on || kind->on[p->place[i].host]);
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
        check_hosts_are_on(&s.demand, use, &p);
        assert_int_equal(capacity_holds(&w.capacity, &s.demand, &p, w.arena, &holds, &e), 0);
        check_holds(&w, &s, &p, &holds);
        fit_placement_free(&p);
        world_free(&w);
    }
}

/* Amounts and counts at the end of their range: sums must not overflow. */
static void test_huge_running_job_takes_all_there_is(void **state)
{
    static const struct source_amount amount = {.resource = {"A", 1}, .total = 64};
    static const struct source_host host = {.name = {"h", 1}, .amounts = 1, .amount = &amount};
    static const size_t first = 0;
    struct source_reading reading = {.hosts = 1, .host = &host};
    struct demand_amount asked = {{"A", 1}, NUM_SAFE_MAX};
    struct demand_kind kind[] = {{.count = DEMAND_INSTANCES_MAX, .amounts = 1, .amount = &asked},
                                 {.count = 1, .amounts = 1, .amount = &asked}};
    struct demand d = {.kinds = 2, .kind = kind};
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
    assert_int_equal(holds.holds, 1);
    assert_int_equal(holds.hold[0].amount, 64);
    assert_int_equal(holds.count[0].instances, DEMAND_INSTANCES_MAX + 1);
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
        cmocka_unit_test(test_masks_are_shared),
        cmocka_unit_test(test_running_jobs_are_counted_somewhere),
        cmocka_unit_test(test_huge_running_job_takes_all_there_is),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
