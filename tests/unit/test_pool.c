/* SPDX-License-Identifier: MIT */
/* Pools: who is served by which, by example and against the rule read word by word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "pool.h"
#include "prop.h"

enum { SEED = 20260302, ROUNDS = 5000, POOLS_MAX = 6, NAMES = 5 };

static struct str a_and_b[] = {{"a", 1}, {"b", 1}};
static struct str only_b[] = {{"b", 1}};
static struct pool some_pools[] = {
    {.name = {"host1", 5}, .projects = 2, .project = a_and_b},
    {.name = {"open", 4}, .open = true},
    {.name = {"host2", 5}, .projects = 1, .project = only_b},
};
static const struct pools some = {ARRAY_LEN(some_pools), some_pools};
static const struct pools none = {0};

static void expect(struct str scope, const char *want)
{
    size_t index[ARRAY_LEN(some_pools)], n, i;
    char got[ARRAY_LEN(some_pools) + 1] = "";

    n = pool_of_scope(some, scope, index);
    for (i = 0; i < n; i++)
        got[i] = (char)('0' + index[i]);
    assert_string_equal(got, want);
}

static void test_scopes(void **state)
{
    (void)state;
    expect(STR_LIT(""), "012");
    expect((struct str){0}, "012");
    expect(STR_LIT("pool:open"), "1");
    expect(STR_LIT("pool:"), "");
    expect(STR_LIT("pool:hos"), "");
    expect(STR_LIT("pool"), "");
    expect(STR_LIT("project:a"), "0");
    expect(STR_LIT("project:b"), "02");
    expect(STR_LIT("project:nobody"), "1");
    expect(STR_LIT("project:"), "1");
    expect(STR_LIT("host1"), "");
    assert_int_equal(pool_of_scope(none, STR_LIT(""), NULL), 0);
    assert_int_equal(pool_of_scope(none, STR_LIT("project:a"), NULL), 0);
}

/* A scope may name the pool and the project: a closed pool keeps others out, an open one does not.
 */
static void test_pool_and_project(void **state)
{
    struct pool pool[] = {
        {.name = {"own", 3}, .closed = true, .projects = 2, .project = a_and_b},
        {.name = {"free", 4}, .projects = 1, .project = only_b},
    };
    struct pools pools = {ARRAY_LEN(pool), pool};
    size_t index[2];

    (void)state;
    assert_int_equal(pool_of_scope(pools, STR_LIT("pool:own\nproject:a"), index), 1);
    assert_int_equal(index[0], 0);
    assert_int_equal(pool_of_scope(pools, STR_LIT("pool:own\nproject:c"), index), 0);
    assert_int_equal(pool_of_scope(pools, STR_LIT("pool:own"), index), 1);
    assert_int_equal(pool_of_scope(pools, STR_LIT("pool:free\nproject:c"), index), 1);
    assert_int_equal(index[0], 1);
    assert_true(str_is(pool_project(STR_LIT("pool:own\nproject:a")), "a"));
    assert_true(str_is(pool_project(STR_LIT("project:a")), "a"));
    assert_null(pool_project(STR_LIT("pool:own")).p);
    assert_null(pool_project(STR_LIT("")).p);
}

static void test_aggregate(void **state)
{
    struct pools closed = {1, some_pools};

    (void)state;
    assert_true(str_is(pool_aggregate(some, STR_LIT("a")), "host1"));
    assert_null(pool_aggregate(some, STR_LIT("b")).p);
    assert_true(str_is(pool_aggregate(some, STR_LIT("nobody")), "open"));
    assert_null(pool_aggregate(closed, STR_LIT("nobody")).p);
    assert_null(pool_aggregate(none, STR_LIT("a")).p);
}

/* ---- the rule, word by word ---- */

static struct str names[NAMES] = {{"a", 1}, {"b", 1}, {"ab", 2}, {"", 0}, {"pool:a", 6}};

struct world {
    struct pool pool[POOLS_MAX];
    struct str project[POOLS_MAX][NAMES];
    struct pools queue;
};

static void make_world(struct prop *r, struct world *w)
{
    size_t i, k;

    w->queue = (struct pools){prop_below(r, POOLS_MAX + 1), w->pool};
    for (i = 0; i < w->queue.n; i++) {
        w->pool[i] = (struct pool){.name = names[i % NAMES], .project = w->project[i]};
        for (k = 0; k < NAMES; k++) {
            if (prop_one_in(r, 4))
                w->project[i][w->pool[i].projects++] = names[k];
        }
        w->pool[i].open = w->pool[i].projects == 0;
    }
}

static bool names_it(const struct pool *pool, struct str project)
{
    bool found = false;
    size_t k;

    for (k = 0; k < pool->projects; k++)
        found = found || str_eq(pool->project[k], project);
    return found;
}

static bool serves(struct pools q, size_t pool, bool by_project, struct str name)
{
    bool anybody = false;
    size_t i;

    if (!by_project)
        return str_eq(q.pool[pool].name, name);
    for (i = 0; i < q.n; i++)
        anybody = anybody || names_it(&q.pool[i], name);
    return anybody ? names_it(&q.pool[pool], name) : q.pool[pool].open;
}

static void check_world(const struct world *w, bool by_project, struct str name)
{
    size_t index[POOLS_MAX], n, i, want = 0, last = 0;
    char scope[32];
    struct str aggregate;

    (void)snprintf(scope, sizeof scope, "%s:%.*s", by_project ? "project" : "pool", (int)name.n,
                   name.p);
    n = pool_of_scope(w->queue, str_of(scope), index);
    for (i = 0; i < w->queue.n; i++) {
        if (!serves(w->queue, i, by_project, name))
            continue;
        assert_true(want < n);
        assert_int_equal(index[want++], i);
        last = i;
    }
    assert_int_equal(n, want);
    if (!by_project)
        return;
    aggregate = pool_aggregate(w->queue, name);
    assert_true(want == 1 ? str_eq(aggregate, w->pool[last].name) : !aggregate.p);
}

static void test_against_reference(void **state)
{
    struct prop r = prop_begin("pool", SEED);
    struct world w;
    size_t i;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        make_world(&r, &w);
        check_world(&w, prop_one_in(&r, 2), names[prop_below(&r, NAMES)]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_scopes),
        cmocka_unit_test(test_pool_and_project),
        cmocka_unit_test(test_aggregate),
        cmocka_unit_test(test_against_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
