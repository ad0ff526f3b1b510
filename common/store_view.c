/* SPDX-License-Identifier: MIT */
/* The last reading of a source as people see it. */
#include "store_view.h"

#include <string.h>

#include "arena.h"
#include "num.h"
#include "store_inner.h"
#include "store_pass.h"

enum { SUMS_MEMORY_MAX = 4 << 20 };

int store_view(struct store *s, const struct conf_queue *queue, struct store_view *v, struct err *e)
{
    struct db_stmt *st;
    int rc;

    *v = (struct store_view){.queue = queue};
    if (queue->capacity == CONF_CAPACITY_NONE)
        return 0;
    st = db_use(s->db, SQL_READING_GET, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, queue->type);
    rc = db_step(s->db, st, e);
    if (rc == 1) {
        v->digest = db_i64(st, 0);
        v->error = db_str(st, 1);
        v->about = db_str(st, 2);
        v->read_at = db_i64(st, 3);
    }
    return rc;
}

static void mix_hold(void *ctx, struct str host, struct str resource, int64_t amount)
{
    uint64_t *h = ctx;

    *h = store_mix_i64(store_mix(store_mix(*h, host), resource), amount);
}

/* What is used is another one with each reading. */
int store_view_mark(struct store *s, const struct store_view *v, int64_t *mark, struct err *e)
{
    uint64_t h = store_mix_i64(store_mix_i64(STORE_MIX_START, v->digest), v->read_at);

    if (store_holds(s, v->queue->account, v->read_at, mix_hold, &h, e) != 0)
        return -1;
    *mark = (int64_t)h;
    return 0;
}

int store_view_pools(struct store *s, const struct store_view *v, store_view_pool_fn *fn, void *ctx,
                     struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_VIEW_POOLS, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, v->queue->type);
    while ((rc = db_step(s->db, st, e)) == 1) {
        struct store_view_pool p = {db_str(st, 0), db_i64(st, 1) != 0, db_i64(st, 3),
                                    db_i64(st, 2)};

        rc = fn(ctx, &p, e);
        if (rc != 0)
            break;
    }
    db_done(st);
    return rc;
}

static const enum store_sql_name names_sql[] = {
    [STORE_VIEW_HOSTS] = SQL_VIEW_HOSTS,
    [STORE_VIEW_PROJECTS] = SQL_VIEW_PROJECTS,
    [STORE_VIEW_POOLS_OF_HOST] = SQL_VIEW_POOLS_OF_HOST,
};

int store_view_names(struct store *s, const struct store_view *v, enum store_view_names which,
                     struct str of, store_view_name_fn *fn, void *ctx, struct err *e)
{
    struct db_stmt *st = db_use(s->db, names_sql[which], e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, v->queue->type);
    if (which != STORE_VIEW_HOSTS)
        db_bind_str(st, 2, of);
    while ((rc = db_step(s->db, st, e)) == 1) {
        rc = fn(ctx, db_str(st, 0), e);
        if (rc != 0)
            break;
    }
    db_done(st);
    return rc;
}

/* ---- amounts ---- */

/* Sums by resource, sorted by name. Lives in its arena, with the names. */
struct sums {
    struct arena *arena;
    size_t n;
    struct store_view_amount sum[STORE_VIEW_RESOURCES_MAX];
};

/* Where a resource stands, or is to stand. */
static size_t place_of(const struct sums *t, struct str resource)
{
    size_t low = 0, high = t->n, middle;

    while (low < high) {
        middle = low + (high - low) / 2;
        if (str_cmp(t->sum[middle].resource, resource) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "no memory to add up a pool");
}

/* A resource that is new, at its place. */
static int insert(struct sums *t, size_t at, struct str resource, struct err *e)
{
    struct str name;

    if (t->n == STORE_VIEW_RESOURCES_MAX)
        return err_set(e, ERR_INTERNAL, "a pool has more than %d different resources",
                       STORE_VIEW_RESOURCES_MAX);
    if (arena_copy(t->arena, resource, &name) != 0)
        return no_memory(e);
    memmove(&t->sum[at + 1], &t->sum[at], (t->n - at) * sizeof t->sum[0]);
    t->sum[at] = (struct store_view_amount){.resource = name};
    t->n++;
    return 0;
}

static int add_up(void *ctx, const struct store_view_amount *a, struct err *e)
{
    struct sums *t = ctx;
    size_t at = place_of(t, a->resource);
    struct store_view_amount *sum = &t->sum[at];

    if ((at == t->n || !str_eq(sum->resource, a->resource)) && insert(t, at, a->resource, e) != 0)
        return -1;
    sum->total = num_plus(sum->total, a->total);
    sum->used = num_plus(sum->used, a->used);
    sum->held = num_plus(sum->held, a->held);
    sum->free = num_plus(sum->free, a->free);
    return 0;
}

/* The resources of each host by themselves. */
static int each_amount(struct store *s, const struct store_view *v, enum store_sql_name name,
                       struct str of, store_view_amount_fn *fn, void *ctx, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, v->queue->type);
    db_bind_str(st, 2, of);
    db_bind_i64(st, 3, v->read_at);
    db_bind_str(st, 4, v->queue->account);
    while ((rc = db_step(s->db, st, e)) == 1) {
        struct store_view_amount a = {db_str(st, 0), db_i64(st, 1), db_i64(st, 2), db_i64(st, 3),
                                      0};
        int64_t left = a.total - a.used;

        a.free = left > a.held ? left - a.held : 0;
        rc = fn(ctx, &a, e);
        if (rc != 0)
            break;
    }
    db_done(st);
    return rc;
}

/* The resources of all hosts of a pool together. */
static int pool_amounts(struct store *s, const struct store_view *v, struct str pool,
                        store_view_amount_fn *fn, void *ctx, struct err *e)
{
    struct arena *arena = arena_new(SUMS_MEMORY_MAX);
    struct sums *t = arena ? arena_array(arena, 1, sizeof *t) : NULL;
    size_t i;
    int rc;

    if (!t) {
        arena_free(arena);
        return no_memory(e);
    }
    t->arena = arena;
    rc = each_amount(s, v, SQL_VIEW_OF_POOL, pool, add_up, t, e);
    for (i = 0; rc == 0 && i < t->n; i++)
        rc = fn(ctx, &t->sum[i], e);
    arena_free(arena);
    return rc;
}

int store_view_amounts(struct store *s, const struct store_view *v, enum store_view_amounts which,
                       struct str of, store_view_amount_fn *fn, void *ctx, struct err *e)
{
    return which == STORE_VIEW_OF_POOL ? pool_amounts(s, v, of, fn, ctx, e)
                                       : each_amount(s, v, SQL_VIEW_OF_HOST, of, fn, ctx, e);
}
