/* SPDX-License-Identifier: MIT */
/* Who waits: groups collected in arrays, their scopes and shapes looked at once each. */
#include "waiting.h"

#include "log.h"
#include "pool.h"

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading who waits");
}

void waiting_init(struct waiting *w, const struct capacity *capacity, struct arena *a)
{
    *w = (struct waiting){.capacity = capacity,
                          .arena = a,
                          .scope_text.arena = a,
                          .shape_text.arena = a,
                          .pools.arena = a};
}

void waiting_free(struct waiting *w)
{
    intern_free(&w->scope_text);
    intern_free(&w->shape_text);
    intern_free(&w->pools);
    free(w->scope_of);
    free(w->scope);
    free(w->shape);
    free(w->demand);
    free(w->empty);
    free(w->unsure);
    free(w->group);
    free(w->info);
}

uint64_t waiting_digest(struct str reason, struct str message)
{
    return intern_hash(intern_hash(0, reason), message);
}

/* Room for element n of an array that doubles. NULL without memory; the old array is then
 * untouched. */
static void *grow(void *array, size_t n, size_t *cap, size_t size)
{
    size_t more = *cap ? *cap * 2 : 64;
    void *p;

    if (n < *cap)
        return array;
    p = reallocarray(array, more, size);
    if (p)
        *cap = more;
    return p;
}

/* The hosts of a set of pools, ascending and each once. */
static int subset_of(const struct waiting *w, const size_t *pool, size_t pools,
                     struct fit_subset *s)
{
    const struct source_reading *r = w->capacity->reading;
    bool *in = calloc(r->hosts + 1, sizeof *in);
    size_t i, j, n = 0, *host;

    if (!in)
        return -1;
    for (i = 0; i < pools; i++) {
        for (j = 0; j < r->pool[pool[i]].hosts; j++) {
            n += !in[r->pool[pool[i]].host[j]];
            in[r->pool[pool[i]].host[j]] = true;
        }
    }
    host = arena_array(w->arena, n, sizeof *host);
    *s = (struct fit_subset){0, host};
    for (i = 0; i < r->hosts && host; i++) {
        if (in[i])
            host[s->n++] = i;
    }
    free(in);
    return host ? 0 : -1;
}

/* What adding came to: the arena's limit is no fault, it only ends the adding. */
enum added { ADDED, ADD_FULL, ADD_NO_MEMORY };

static bool has_unread(const struct waiting *w, const size_t *pool, size_t pools)
{
    size_t i;

    for (i = 0; i < pools; i++) {
        if (w->capacity->reading->pool[pool[i]].unread > 0)
            return true;
    }
    return false;
}

static int grow_scopes(struct waiting *w)
{
    size_t n = w->pools.n, cap = w->scope_cap;
    struct fit_subset *scope = grow(w->scope, n, &cap, sizeof *scope);
    bool *unsure;

    if (!scope)
        return -1;
    w->scope = scope;
    unsure = grow(w->unsure, n, &w->scope_cap, sizeof *unsure);
    if (!unsure)
        return -1;
    w->unsure = unsure;
    scope[n] = (struct fit_subset){0};
    unsure[n] = false;
    return 0;
}

/* The scope of the plan for a set of pools: the one that has it already, or a new one. */
static enum added scope_of_pools(struct waiting *w, const size_t *pool, size_t pools, size_t *index)
{
    size_t before = w->pools.n;

    if (grow_scopes(w) != 0)
        return ADD_NO_MEMORY;
    *index = intern_add(&w->pools, (struct str){(const char *)pool, pools * sizeof *pool});
    if (*index == INTERN_NONE)
        return ADD_FULL;
    if (w->pools.n == before)
        return ADDED;
    w->unsure[before] = has_unread(w, pool, pools);
    return subset_of(w, pool, pools, &w->scope[before]) == 0 ? ADDED : ADD_FULL;
}

static enum added find_scope(struct waiting *w, struct str scope, size_t *index)
{
    const struct source_reading *r = w->capacity->reading;
    size_t *pool = calloc(r->pools + 1, sizeof *pool), n;
    enum added added = ADD_NO_MEMORY;

    if (pool) {
        n = pool_of_scope((struct pools){r->pools, r->pool}, scope, pool);
        added = scope_of_pools(w, pool, n, index);
    }
    free(pool);
    return added;
}

int waiting_scope(struct waiting *w, struct str scope, size_t *index, struct err *e)
{
    return find_scope(w, scope, index) == ADDED ? 0 : no_memory(e);
}

/* The scope as the group names it, looked up when it is new. */
static enum added add_scope(struct waiting *w, struct str text, size_t *index)
{
    size_t before = w->scope_text.n, *scope_of;

    scope_of = grow(w->scope_of, before, &w->scope_of_cap, sizeof *scope_of);
    if (!scope_of)
        return ADD_NO_MEMORY;
    w->scope_of = scope_of;
    *index = intern_add(&w->scope_text, text);
    if (*index == INTERN_NONE)
        return ADD_FULL;
    if (w->scope_text.n == before)
        return ADDED;
    scope_of[before] = 0;
    return w->capacity ? find_scope(w, text, &scope_of[before]) : ADDED;
}

/* A demand that no host can meet, in place of one that can't be read: its job waits, and says so. A
 * selector that names no label that a host could have is such a demand. */
static struct demand *unreadable(struct demand *d, struct demand_kind *kind)
{
    *kind = (struct demand_kind){.count = 1,
                                 .constraint = STR_LIT("{\"nodeSelector\":{\"\":\"unreadable\"}}")};
    *d = (struct demand){.kinds = 1, .kind = kind};
    return d;
}

static enum added parse_shape(struct waiting *w, struct str text, size_t i)
{
    struct demand *d = NULL, nothing;
    struct demand_kind kind;
    struct err e;
    bool good = demand_from_shape(text, &d, &e) == 0;
    enum added added = ADD_FULL;

    if (!good && e.code == ERR_UNAVAILABLE)
        return ADD_NO_MEMORY;
    if (!good)
        log_error("shape", "error=\"a shape in the database cannot be read\"");
    if (capacity_shape(w->capacity, good ? d : unreadable(&nothing, &kind), w->arena,
                       &w->shape[i]) == 0) {
        w->demand[i] = w->shape[i].demand;
        w->empty[i] = w->shape[i].empty;
        added = ADDED;
    }
    if (good)
        demand_free(d);
    return added;
}

static int grow_shapes(struct waiting *w)
{
    size_t n = w->shape_text.n, cap = w->shape_cap;
    struct capacity_shape *shape = grow(w->shape, n, &cap, sizeof *shape);
    struct fit_demand *demand;

    if (!shape)
        return -1;
    w->shape = shape;
    cap = w->shape_cap;
    demand = grow(w->demand, n, &cap, sizeof *demand);
    if (!demand)
        return -1;
    w->demand = demand;
    demand = grow(w->empty, n, &w->shape_cap, sizeof *demand);
    if (!demand)
        return -1;
    w->empty = demand;
    shape[n] = (struct capacity_shape){0};
    w->demand[n] = w->empty[n] = (struct fit_demand){0};
    return 0;
}

static enum added add_shape(struct waiting *w, struct str text, size_t *index)
{
    size_t before = w->shape_text.n;

    if (grow_shapes(w) != 0)
        return ADD_NO_MEMORY;
    *index = intern_add(&w->shape_text, text);
    if (*index == INTERN_NONE)
        return ADD_FULL;
    return w->shape_text.n > before && w->capacity ? parse_shape(w, text, before) : ADDED;
}

static int grow_groups(struct waiting *w)
{
    size_t cap = w->groups_cap;
    struct plan_group *group = grow(w->group, w->groups, &cap, sizeof *group);
    struct waiting_group *info;

    if (!group)
        return -1;
    w->group = group;
    info = grow(w->info, w->groups, &w->groups_cap, sizeof *info);
    if (!info)
        return -1;
    w->info = info;
    return 0;
}

static void append_group(struct waiting *w, const struct store_group *g, size_t scope, size_t shape)
{
    w->group[w->groups] = (struct plan_group){
        .id = g->id,
        .scope = w->scope_of[scope],
        .shape = shape,
        .head = {g->head_id, g->head_priority, g->head_queued_at},
    };
    w->info[w->groups++] =
        (struct waiting_group){.told = waiting_digest(g->reason, g->message), .scope_text = scope};
}

int waiting_add(struct waiting *w, const struct store_group *g, struct err *e)
{
    size_t scope = 0, shape = 0;
    enum added added = w->full ? ADD_FULL : ADDED;

    if (grow_groups(w) != 0)
        return no_memory(e);
    if (added == ADDED)
        added = add_scope(w, g->scope, &scope);
    if (added == ADDED)
        added = add_shape(w, g->shape, &shape);
    if (added == ADD_NO_MEMORY)
        return no_memory(e);
    if (added == ADD_FULL) {
        w->full = true;
        w->left_out++;
        return 0;
    }
    append_group(w, g, scope, shape);
    return 0;
}
