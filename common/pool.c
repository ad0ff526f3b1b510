/* SPDX-License-Identifier: MIT */
/* Which pools of a queue serve a scope. */
#include "pool.h"

#include <string.h>

static bool names_project(const struct conf_pool *pool, struct str project)
{
    size_t i;

    for (i = 0; i < pool->projects; i++) {
        if (str_eq(pool->project[i], project))
            return true;
    }
    return false;
}

/* What a pool must be to serve a scope; `name` is the scope without its prefix. */
typedef bool serves_fn(const struct conf_pool *pool, struct str name);

static bool serves_all(const struct conf_pool *pool, struct str name)
{
    (void)pool;
    (void)name;
    return true;
}

static bool is_called(const struct conf_pool *pool, struct str name)
{
    return str_eq(pool->name, name);
}

static bool is_open(const struct conf_pool *pool, struct str name)
{
    (void)name;
    return pool->projects == 0;
}

static size_t collect(const struct conf_queue *queue, serves_fn *serves, struct str name,
                      size_t *index)
{
    size_t i, n = 0;

    for (i = 0; i < queue->pools; i++) {
        if (serves(&queue->pool[i], name))
            index[n++] = i;
    }
    return n;
}

/* The rest of the scope behind a prefix; absent when it begins otherwise. */
static struct str behind(struct str scope, const char *prefix)
{
    size_t n = strlen(prefix);

    if (scope.n < n || memcmp(scope.p, prefix, n) != 0)
        return (struct str){0};
    return (struct str){scope.p + n, scope.n - n};
}

size_t pool_of_scope(const struct conf_queue *queue, struct str scope, size_t *index)
{
    struct str pool = behind(scope, "pool:"), project = behind(scope, "project:");
    size_t n;

    if (scope.n == 0)
        return collect(queue, serves_all, scope, index);
    if (pool.p)
        return collect(queue, is_called, pool, index);
    if (!project.p)
        return 0;
    n = collect(queue, names_project, project, index);
    return n > 0 ? n : collect(queue, is_open, project, index);
}

struct str pool_aggregate(const struct conf_queue *queue, struct str project)
{
    serves_fn *const ways[] = {names_project, is_open};
    struct str name = {0};
    size_t w, i, n = 0;

    for (w = 0; w < ARRAY_LEN(ways) && n == 0; w++) {
        for (i = 0; i < queue->pools; i++) {
            if (!ways[w](&queue->pool[i], project))
                continue;
            name = queue->pool[i].name;
            n++;
        }
    }
    return n == 1 ? name : (struct str){0};
}
