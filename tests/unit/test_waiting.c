/* SPDX-License-Identifier: MIT */
/* Groups on their way into the plan: whose hosts, which demand, and what happens when there are too
 * many. */
#include "capacity_world.h"
#include "pool.h"
#include "torture.h"

enum { SEED = 20261125, ROUNDS = 1000, GROUPS = 30 };

static const char *const scopes[] = {"",          "pool:p0",   "pool:p1",   "pool:p9",
                                     "project:x", "project:y", "project:z", "project:nobody"};

static bool is_normal(struct str shape)
{
    struct demand *d;
    struct err e;

    if (demand_from_shape(shape, &d, &e) != 0)
        return false;
    demand_free(d);
    return true;
}

static struct store_group some_group(struct prop *r, struct buf *shape, int64_t id)
{
    struct some_demand d;

    do { /* not every demand at random is in its normal form */
        some_demand(&d, r, 20);
        buf_reset(shape);
        demand_write_shape(&d.d, shape);
    } while (!is_normal(buf_span(shape)));
    return (struct store_group){
        .id = id,
        .type = STR_LIT("t"),
        .scope = str_of(scopes[prop_below(r, ARRAY_LEN(scopes))]),
        .shape = buf_span(shape),
        .reason = STR_LIT("R"),
        .message = STR_LIT("m"),
        .head_id = id * 10,
        .head_priority = prop_i64(r),
        .head_queued_at = prop_i64(r),
    };
}

/* Is the host in one of the pools that serve the scope? */
static bool serves(const struct world *w, struct str scope, size_t host)
{
    size_t pool[POOLS], n = pool_of_scope(conf_pools(&w->queue), scope, pool), i, j;

    for (i = 0; i < n; i++) {
        for (j = 0; j < w->pool[pool[i]].hosts; j++) {
            if (w->pool_host[pool[i]][j] == host)
                return true;
        }
    }
    return false;
}

static void check_group(const struct world *w, const struct waiting *all, size_t i,
                        const struct store_group *g)
{
    const struct plan_group *got = &all->group[i];
    const struct fit_subset *use = &all->scope[got->scope];
    struct demand *d;
    struct err e;
    size_t h, n = 0, k;

    assert_int_equal(got->id, g->id);
    assert_int_equal(got->head.id, g->head_id);
    assert_int_equal(got->head.priority, g->head_priority);
    assert_int_equal(got->head.queued_at, g->head_queued_at);
    for (h = 0; h < w->reading.hosts; h++) {
        if (!serves(w, g->scope, h))
            continue;
        assert_true(n < use->n);
        assert_int_equal(use->host[n++], h);
    }
    assert_int_equal(use->n, n);
    assert_int_equal(demand_from_shape(g->shape, &d, &e), 0);
    assert_int_equal(all->demand[got->shape].kinds, d->kinds);
    for (k = 0; k < d->kinds; k++)
        assert_int_equal(all->demand[got->shape].kind[k].count, d->kind[k].count);
    demand_free(d);
    assert_true(str_eq(all->shape_text.text[got->shape], g->shape));
    assert_true(str_eq(all->scope_text.text[all->info[i].scope_text], g->scope));
    assert_true(all->info[i].told == waiting_digest(STR_LIT("R"), STR_LIT("m")));
}

static void test_groups_have_their_hosts_and_demands(void **state)
{
    struct prop r = prop_begin("waiting", SEED);
    struct buf shape = BUF_INIT(65536);
    struct waiting all;
    struct world w;
    struct err e;
    int round;
    size_t i, n;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        world_make(&w, &r);
        waiting_init(&all, &w.capacity, w.arena);
        n = prop_below(&r, GROUPS);
        for (i = 0; i < n; i++) {
            struct store_group g = some_group(&r, &shape, (int64_t)i + 1);

            assert_int_equal(waiting_add(&all, &g, &e), 0);
            check_group(&w, &all, i, &g);
        }
        assert_int_equal(all.groups, n);
        assert_int_equal(all.left_out, 0);
        waiting_free(&all);
        world_free(&w);
    }
    buf_free(&shape);
}

static void test_same_pools_are_one_scope(void **state)
{
    static size_t hosts[] = {0};
    static const struct source_host host = {.name = {"h", 1}};
    struct pool pool = {.name = STR_LIT("open"), .open = true, .hosts = 1, .host = hosts};
    struct conf_queue queue = {.pools = 1, .pool = &pool};
    struct source_reading reading = {
        .queue = &queue, .hosts = 1, .host = &host, .pools = 1, .pool = &pool};
    struct arena *a = arena_new(1 << 16);
    struct capacity c;
    struct waiting all;
    struct err e;
    size_t x, y, z;

    (void)state;
    assert_int_equal(capacity_make(&reading, a, &c, &e), 0);
    waiting_init(&all, &c, a);
    assert_int_equal(waiting_scope(&all, STR_LIT("project:x"), &x, &e), 0);
    assert_int_equal(waiting_scope(&all, STR_LIT(""), &y, &e), 0);
    assert_int_equal(waiting_scope(&all, STR_LIT("pool:none"), &z, &e), 0);
    assert_int_equal(x, y);
    assert_int_not_equal(x, z);
    assert_int_equal(all.scope[z].n, 0);
    waiting_free(&all);
    capacity_free(&c);
    arena_free(a);
}

/* Of a scope with a pool that has hosts which the table lacks nobody can say who never fits. */
static void test_a_pool_with_unread_hosts_makes_its_scopes_unsure(void **state)
{
    static size_t hosts[] = {0};
    static const struct source_host host = {.name = {"h", 1}};
    struct pool pool[] = {
        {.name = STR_LIT("read"), .open = true, .hosts = 1, .host = hosts},
        {.name = STR_LIT("unread"), .open = true, .hosts = 1, .host = hosts, .unread = 3}};
    struct conf_queue queue = {.pools = 2, .pool = pool};
    struct source_reading reading = {
        .queue = &queue, .hosts = 1, .host = &host, .pools = 2, .pool = pool};
    struct arena *a = arena_new(1 << 16);
    struct capacity c;
    struct waiting all;
    struct err e;
    size_t read, unread, both;

    (void)state;
    assert_int_equal(capacity_make(&reading, a, &c, &e), 0);
    waiting_init(&all, &c, a);
    assert_int_equal(waiting_scope(&all, STR_LIT("pool:read"), &read, &e), 0);
    assert_int_equal(waiting_scope(&all, STR_LIT("pool:unread"), &unread, &e), 0);
    assert_int_equal(waiting_scope(&all, STR_LIT(""), &both, &e), 0);
    assert_false(all.unsure[read]);
    assert_true(all.unsure[unread] && all.unsure[both]);
    waiting_free(&all);
    capacity_free(&c);
    arena_free(a);
}

/* Of a queue that is not planned it is only told who waits. */
static void test_without_capacity_nothing_is_looked_at(void **state)
{
    struct store_group g = {.id = 1,
                            .scope = STR_LIT("pool:none"),
                            .shape = STR_LIT("[{"),
                            .reason = STR_LIT("R"),
                            .message = STR_LIT("m")};
    struct arena *a = arena_new(1 << 16);
    struct waiting all;
    struct err e;

    (void)state;
    waiting_init(&all, NULL, a);
    for (g.id = 1; g.id <= 2; g.id++)
        assert_int_equal(waiting_add(&all, &g, &e), 0);
    assert_int_equal(all.groups, 2);
    assert_int_equal(all.pools.n, 0);
    assert_int_equal(all.scope_text.n, 1);
    assert_int_equal(all.shape_text.n, 1);
    assert_int_equal(all.demand[0].kinds, 0);
    assert_int_equal(all.group[1].id, 2);
    assert_int_equal(all.group[1].scope, all.group[0].scope);
    assert_int_equal(all.group[1].shape, all.group[0].shape);
    assert_true(str_is(all.scope_text.text[all.info[1].scope_text], "pool:none"));
    assert_true(all.info[1].told == waiting_digest(g.reason, g.message));
    waiting_free(&all);
    arena_free(a);
}

/* Is there room for the group in an arena of `max` bytes? If so, for another one like it, too. */
static bool has_room(const struct world *w, size_t max, const struct store_group *g)
{
    struct arena *a = arena_new(max);
    struct waiting all;
    struct err e;
    bool full;

    waiting_init(&all, &w->capacity, a);
    assert_int_equal(waiting_add(&all, g, &e), 0);
    full = all.full;
    if (!full)
        check_group(w, &all, 0, g);
    assert_int_equal(waiting_add(&all, g, &e), 0);
    assert_int_equal(all.groups, full ? 0 : 2);
    assert_int_equal(all.left_out, full ? 2 : 0);
    waiting_free(&all);
    arena_free(a);
    return !full;
}

/* … and for the hosts of a scope alone? */
static bool has_room_for_hosts(const struct world *w, size_t max, struct str scope)
{
    struct arena *a = arena_new(max);
    size_t index, h, n = 0;
    struct waiting all;
    struct err e;
    int rc;

    waiting_init(&all, &w->capacity, a);
    rc = waiting_scope(&all, scope, &index, &e);
    for (h = 0; h < w->reading.hosts; h++)
        n += serves(w, scope, h);
    if (rc == 0)
        assert_int_equal(all.scope[index].n, n);
    else
        assert_int_equal(e.code, ERR_INTERNAL);
    waiting_free(&all);
    arena_free(a);
    return rc == 0;
}

/* Wherever an arena ends that is no fault of the group: what has no room is left out whole. */
static void test_an_arena_may_end_anywhere(void **state)
{
    struct prop r = prop_begin("ends", SEED);
    struct buf shape = BUF_INIT(65536);
    struct world w;
    int round;

    (void)state;
    for (round = 0; round < ROUNDS / 50; round++) {
        struct store_group g = some_group(&r, &shape, 1);
        size_t max = 0, least = 0;

        world_make(&w, &r);
        while (!has_room(&w, max, &g))
            max += 16;
        while (!has_room_for_hosts(&w, least, g.scope))
            least += 16;
        assert_true(0 < least && least < max);
        world_free(&w);
    }
    buf_free(&shape);
}

/* Clients choose the shapes: what they fill is bounded, and who came before is still planned. */
static void test_too_many_shapes_are_left_out(void **state)
{
    struct prop r = prop_begin("left out", SEED);
    struct arena *small = arena_new(20000);
    struct waiting all;
    struct world w;
    struct err e;
    char shape[80];
    int i;

    (void)state;
    world_make(&w, &r);
    waiting_init(&all, &w.capacity, small);
    for (i = 1; i <= 1000; i++) {
        struct store_group g = {
            .id = i, .scope = STR_LIT(""), .reason = STR_LIT(""), .message = STR_LIT("")};

        (void)snprintf(shape, sizeof shape, "[{\"n\":%d,\"r\":{\"A\":1}}]", i);
        g.shape = str_of(shape);
        assert_int_equal(waiting_add(&all, &g, &e), 0);
    }
    assert_true(all.full);
    assert_true(all.groups > 10);
    assert_int_equal(all.groups + all.left_out, 1000);
    assert_int_equal(all.demand[all.groups - 1].kind[0].count, (int64_t)all.groups);
    waiting_free(&all);
    world_free(&w);
    arena_free(small);
}

static void test_what_is_refused_now_is_kept_apart(void **state)
{
    static const unsigned char refuses[HOSTS] = {SOURCE_HOST_REFUSES, SOURCE_HOST_TAKES};
    static const struct source_exact exact = {.kind = STR_LIT("{\"r\":{}}"), .host = refuses};
    struct prop r = prop_begin("refused", SEED);
    struct store_group g = {.id = 1,
                            .scope = STR_LIT(""),
                            .shape = STR_LIT("[{\"n\":1,\"r\":{}}]"),
                            .reason = STR_LIT(""),
                            .message = STR_LIT("")};
    struct waiting all;
    struct world w;
    struct err e;

    (void)state;
    do {
        world_make(&w, &r);
        if (w.reading.hosts == 0 || w.tainted[0])
            world_free(&w);
    } while (w.reading.hosts == 0 || w.tainted[0]);
    w.reading.exacts = 1;
    w.reading.exact = &exact;
    waiting_init(&all, &w.capacity, w.arena);
    assert_int_equal(waiting_add(&all, &g, &e), 0);
    assert_false(all.demand[0].kind[0].on[0]);
    assert_true(!all.empty[0].kind[0].on || all.empty[0].kind[0].on[0]);
    waiting_free(&all);
    world_free(&w);
}

static void test_unreadable_shape_fits_nowhere(void **state)
{
    struct prop r = prop_begin("unreadable", SEED);
    struct store_group g = {.id = 1,
                            .scope = STR_LIT(""),
                            .shape = STR_LIT("[{"),
                            .reason = STR_LIT(""),
                            .message = STR_LIT("")};
    struct waiting all;
    struct world w;
    struct err e;

    (void)state;
    world_make(&w, &r);
    waiting_init(&all, &w.capacity, w.arena);
    assert_int_equal(waiting_add(&all, &g, &e), 0);
    assert_int_equal(all.demand[0].kinds, 1);
    for (size_t h = 0; h < w.reading.hosts; h++) {
        assert_false(all.demand[0].kind[0].on[h]);
        assert_false(all.empty[0].kind[0].on[h]);
    }
    waiting_free(&all);
    world_free(&w);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void shape_that_memory_is_short_for_is_not_called_unreadable(void **state)
{
    struct prop r = prop_begin("short", SEED);
    struct store_group g = {.id = 1,
                            .scope = STR_LIT(""),
                            .shape = STR_LIT("[{\"n\":2,\"r\":{\"A\":1}}]"),
                            .reason = STR_LIT(""),
                            .message = STR_LIT("")};
    struct waiting all;
    struct world w;
    struct err e;
    int64_t good = 0;
    int rc;

    (void)state;
    world_make(&w, &r);
    do {
        waiting_init(&all, &w.capacity, w.arena);
        torture_arm_as(true, good++);
        rc = waiting_add(&all, &g, &e);
        (void)torture_end();
        if (rc == 0 && !all.full)
            assert_int_equal(all.demand[0].kind[0].count, 2);
        if (rc != 0)
            assert_int_equal(e.code, ERR_INTERNAL);
        waiting_free(&all);
    } while (torture_fired());
    assert_true(good > 5);
    world_free(&w);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_groups_have_their_hosts_and_demands),
        cmocka_unit_test(test_same_pools_are_one_scope),
        cmocka_unit_test(test_a_pool_with_unread_hosts_makes_its_scopes_unsure),
        cmocka_unit_test(test_without_capacity_nothing_is_looked_at),
        cmocka_unit_test(test_an_arena_may_end_anywhere),
        cmocka_unit_test(test_too_many_shapes_are_left_out),
        cmocka_unit_test(test_what_is_refused_now_is_kept_apart),
        cmocka_unit_test(test_unreadable_shape_fits_nowhere),
#if TORTURE
        cmocka_unit_test(shape_that_memory_is_short_for_is_not_called_unreadable),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
