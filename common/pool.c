/* SPDX-License-Identifier: MIT */
/* Which pools serve a scope. */
#include "pool.h"

#include <string.h>

/* A scope taken apart; what it does not name is absent. */
struct place {
    struct str pool, project;
    bool any; /* the empty scope */
};

static bool names_project(const struct pool *pool, struct str project)
{
    size_t i;

    for (i = 0; i < pool->projects; i++) {
        if (str_eq(pool->project[i], project))
            return true;
    }
    return false;
}

/* What stands behind a prefix, up to the end of the line; absent when the text begins otherwise. */
static struct str behind(struct str text, const char *prefix)
{
    size_t n = strlen(prefix);
    const char *end;

    if (!text.p || text.n < n || memcmp(text.p, prefix, n) != 0)
        return (struct str){0};
    text = (struct str){text.p + n, text.n - n};
    end = memchr(text.p, '\n', text.n);
    return end ? (struct str){text.p, (size_t)(end - text.p)} : text;
}

static struct place place_of(struct str scope)
{
    struct place p = {.pool = behind(scope, "pool:"), .any = scope.n == 0};
    size_t used = p.pool.p ? (size_t)(p.pool.p - scope.p) + p.pool.n + 1 : 0;

    if (!p.any && used < scope.n)
        p.project = behind((struct str){scope.p + used, scope.n - used}, "project:");
    return p;
}

struct str pool_project(struct str scope)
{
    return place_of(scope).project;
}

struct str pool_name(struct str scope)
{
    return place_of(scope).pool;
}

/* What a pool must be to serve a place. */
typedef bool serves_fn(const struct pool *pool, const struct place *place);

static bool serves_all(const struct pool *pool, const struct place *place)
{
    (void)pool;
    return place->any;
}

static bool is_called(const struct pool *pool, const struct place *place)
{
    return str_eq(pool->name, place->pool) &&
           (!pool->closed || !place->project.p || names_project(pool, place->project));
}

static bool serves_project(const struct pool *pool, const struct place *place)
{
    return place->project.p && names_project(pool, place->project);
}

static bool is_open(const struct pool *pool, const struct place *place)
{
    return place->project.p && pool->open;
}

static size_t collect(struct pools pools, serves_fn *serves, const struct place *place,
                      size_t *index)
{
    size_t i, n = 0;

    for (i = 0; i < pools.n; i++) {
        if (serves(&pools.pool[i], place))
            index[n++] = i;
    }
    return n;
}

size_t pool_of_scope(struct pools pools, struct str scope, size_t *index)
{
    struct place place = place_of(scope);
    size_t n;

    if (place.any)
        return collect(pools, serves_all, &place, index);
    if (place.pool.p)
        return collect(pools, is_called, &place, index);
    n = collect(pools, serves_project, &place, index);
    return n > 0 ? n : collect(pools, is_open, &place, index);
}

/* FNV-1a, stirred, since sums of it would keep its patterns. */
int64_t pool_mix(int64_t sum, struct str name)
{
    uint64_t v = UINT64_C(0xCBF29CE484222325);
    size_t i;

    for (i = 0; i < name.n; i++)
        v = (v ^ (unsigned char)name.p[i]) * UINT64_C(0x100000001B3);
    v = (v ^ v >> 32) * UINT64_C(0xD6E8FEB86659FD93);
    return (int64_t)((uint64_t)sum + (v ^ v >> 32));
}

struct str pool_aggregate(struct pools pools, struct str project)
{
    serves_fn *const ways[] = {serves_project, is_open};
    struct place place = {.project = project};
    struct str name = {0};
    size_t w, i, n = 0;

    for (w = 0; w < ARRAY_LEN(ways) && n == 0; w++) {
        for (i = 0; i < pools.n; i++) {
            if (!ways[w](&pools.pool[i], &place))
                continue;
            name = pools.pool[i].name;
            n++;
        }
    }
    return n == 1 ? name : (struct str){0};
}
