/* SPDX-License-Identifier: MIT */
/*
 * From what Placement says of the pools to a reading.
 *
 * - A host in the answers of several pools is one host; where the answers differ, since they are
 *   not of the same moment, the larger use counts. What only one of them lends it, it has: in the
 *   other pool Placement refuses it.
 * - A host of a closed pool is in closed pools only, where the pools are isolated.
 * - A host is in a pool with what is free on it only if this reading's answer for that pool has it.
 * - A pool's member (as last listed) that is in no answer has no memory free, so that no instance
 *   goes on it whatever else it has: it is full, and is in the reading with all of what it has
 *   used, if that was ever seen. Else, or when another pool's answer has it (so that it may have
 *   left this pool), it counts as unread.
 * - A host that is down is there, with all of what it has used.
 * - What is shared is a share of each pool whose answer has it, and counts as the own of each host
 *   that has none of that class and was offered with it, so that single instances can be judged;
 *   such a host is exact.
 */
#include "openstack_reading.h"

#include <assert.h>

#include "openstack_shares.h"

struct maker {
    const struct openstack_pools *pools;
    struct openstack_answer *answer;
    const struct openstack_known *known;
    struct arena *arena;
    struct intern kept;          /* the hosts of closed pools, which no other has; or none */
    struct intern uuid;          /* of the hosts of the reading */
    struct openstack_host *host; /* [room] in the order of uuid */
    size_t room;
    struct openstack_shares shares;
    const struct openstack_known_pool **before; /* [pools.n] NULL: it was not known */
    size_t *place;                              /* [uuid.n] where a host stands in the reading */
    struct err *e;
};

static int no_memory(const struct maker *m)
{
    (void)err_set(m->e, ERR_INTERNAL, "out of memory while making a reading");
    return -1;
}

/* ---- hosts ---- */

/* The index of the host, which is a copy of `from` if it is new. */
static int add_host(struct maker *m, const struct openstack_host *from, size_t *index, bool *is_new)
{
    *index = intern_add(&m->uuid, from->uuid);
    if (*index == INTERN_NONE)
        return no_memory(m);
    assert(*index < m->room); /* it is in an answer, or it was known */
    *is_new = !m->host[*index].uuid.p;
    if (*is_new)
        m->host[*index] = *from;
    return 0;
}

/* Is the class one that those share who are in the answer? */
static bool is_shared(const struct openstack_answer *a, struct str resource)
{
    const struct openstack_candidates *c = &a->with_disk;
    size_t i;

    for (i = 0; i < c->sharings; i++) {
        if (openstack_amount(&c->sharing[i], resource))
            return true;
    }
    return false;
}

/* Puts what another answer says of a host to what is there. */
static int merge(const struct maker *m, struct openstack_host *h,
                 const struct openstack_answer *answer, const struct openstack_host *other)
{
    const struct source_amount *a;
    struct source_amount *mine;

    h->exact = h->exact || other->exact;
    h->down = h->down || other->down;
    for (a = other->amount; a < other->amount + other->amounts; a++) {
        mine = openstack_amount(h, a->resource);
        if (mine && a->total - a->used < mine->total - mine->used)
            *mine = *a;
        if (!mine && is_shared(answer, a->resource) && openstack_amount_add(m->arena, h, a) != 0)
            return no_memory(m);
    }
    return 0;
}

/* How many hosts the pool may have: those in its answer, and its members. */
static size_t most_hosts(const struct maker *m, size_t which)
{
    const struct openstack_answer *a = &m->answer[which];

    return a->found.hosts + a->members + (m->before[which] ? m->before[which]->members : 0);
}

/* The i-th member of a pool: as it was listed now, or else before. false: there are no more. */
static bool member_at(const struct maker *m, size_t pool, size_t i, struct openstack_member *member)
{
    const struct openstack_answer *a = &m->answer[pool];
    const struct openstack_known_pool *p = m->before[pool];
    const struct openstack_host *h;

    if (a->listed) {
        if (i < a->members)
            *member = a->member[i];
        return i < a->members;
    }
    if (!p || i >= p->members)
        return false;
    h = &m->known->host[p->member[i]];
    *member = (struct openstack_member){h->uuid, h->name};
    return true;
}

static int keep_pool(struct maker *m, size_t which)
{
    const struct openstack_candidates *found = &m->answer[which].found;
    struct openstack_member member;
    size_t i;

    for (i = 0; i < found->hosts; i++) {
        if (intern_add(&m->kept, found->host[i].uuid) == INTERN_NONE)
            return no_memory(m);
    }
    for (i = 0; member_at(m, which, i, &member); i++) {
        if (intern_add(&m->kept, member.uuid) == INTERN_NONE)
            return no_memory(m);
    }
    return 0;
}

static int keep_closed(struct maker *m)
{
    size_t i;

    for (i = 0; i < m->pools->n && m->pools->isolated; i++) {
        if (m->pools->pool[i].closed && keep_pool(m, i) != 0)
            return -1;
    }
    return 0;
}

static bool is_kept_from(const struct maker *m, const struct pool *pool, struct str uuid)
{
    return !pool->closed && intern_find(&m->kept, uuid) != INTERN_NONE;
}

static bool in_answer(const struct openstack_candidates *c, struct str uuid)
{
    size_t low = 0, high = c->hosts, middle;
    int order;

    while (low < high) {
        middle = low + (high - low) / 2;
        order = str_cmp(c->host[middle].uuid, uuid);
        if (order == 0)
            return true;
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return false;
}

static int take_found(struct maker *m, struct pool *pool, size_t which)
{
    const struct openstack_answer *a = &m->answer[which];
    size_t i, at;
    bool is_new;

    pool->host = arena_array(m->arena, most_hosts(m, which), sizeof *pool->host);
    if (!pool->host)
        return no_memory(m);
    for (i = 0; i < a->found.hosts; i++) {
        if (is_kept_from(m, pool, a->found.host[i].uuid))
            continue;
        if (add_host(m, &a->found.host[i], &at, &is_new) != 0)
            return -1;
        if (!is_new && merge(m, &m->host[at], a, &a->found.host[i]) != 0)
            return -1;
        pool->host[pool->hosts++] = at;
    }
    return 0;
}

/* A host as it was known, with nothing free. */
static int fill_up(const struct maker *m, const struct openstack_host *from,
                   struct openstack_host *h)
{
    size_t i;

    *h = *from;
    h->amount = arena_array(m->arena, from->amounts, sizeof *h->amount);
    h->label = arena_array(m->arena, from->labels, sizeof *h->label);
    if (!h->amount || !h->label)
        return no_memory(m);
    for (i = 0; i < h->amounts; i++) {
        h->amount[i] = from->amount[i];
        h->amount[i].used = from->amount[i].total;
        if (arena_copy(m->arena, from->amount[i].resource, &h->amount[i].resource) != 0)
            return no_memory(m);
    }
    for (i = 0; i < h->labels; i++) {
        h->label[i] = (struct source_label){
            .value = STR_LIT(""),
            .perhaps = from->label[i].perhaps,
        };
        if (arena_copy(m->arena, from->label[i].key, &h->label[i].key) != 0)
            return no_memory(m);
    }
    return 0;
}

/* `free` hosts of the reading have been found in an answer; those after them are full. */
static int take_absent(struct maker *m, struct pool *pool, size_t which, size_t free_ones)
{
    struct openstack_member member;
    const struct openstack_host *before;
    struct openstack_host full;
    size_t i, at;
    bool is_new;

    for (i = 0; member_at(m, which, i, &member); i++) {
        if (is_kept_from(m, pool, member.uuid) || in_answer(&m->answer[which].found, member.uuid))
            continue;
        at = intern_find(&m->uuid, member.uuid);
        before = openstack_known_host(m->known, member.uuid);
        if ((at != INTERN_NONE && at < free_ones) || !before || !before->amounts) {
            pool->unread++;
            continue;
        }
        if (fill_up(m, before, &full) != 0 || add_host(m, &full, &at, &is_new) != 0)
            return -1;
        pool->host[pool->hosts++] = at;
    }
    return 0;
}

static void use_up_down(const struct maker *m)
{
    const struct openstack_host *h;
    size_t i;

    for (h = m->host; h < m->host + m->uuid.n; h++) {
        for (i = 0; h->down && i < h->amounts; i++)
            h->amount[i].used = h->amount[i].total;
    }
}

/* ---- names ---- */

/* The listings of now count more than what was known. */
static int take_names(struct maker *m)
{
    const struct openstack_host *before;
    struct openstack_member *member;
    size_t i, p, at;

    for (i = 0; i < m->uuid.n; i++) {
        before = openstack_known_host(m->known, m->uuid.text[i]);
        m->host[i].name = (struct str){0};
        if (before && before->name.p && arena_copy(m->arena, before->name, &m->host[i].name) != 0)
            return no_memory(m);
    }
    for (p = 0; p < m->pools->n; p++) {
        for (i = 0; i < m->answer[p].members; i++) {
            member = &m->answer[p].member[i];
            at = intern_find(&m->uuid, member->uuid);
            if (at != INTERN_NONE && member->name.p)
                m->host[at].name = member->name;
        }
    }
    return 0;
}

struct named {
    struct str name;
    size_t host;
};

static int compare_named(const void *a, const void *b)
{
    return str_cmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* The hosts in the order of their names; one whose name nobody said goes by its uuid. */
static int sort_hosts(struct maker *m, struct source_reading *r)
{
    struct named *order = arena_array(m->arena, m->uuid.n, sizeof *order);
    struct source_host *host = arena_array(m->arena, m->uuid.n, sizeof *host);
    const struct openstack_host *h;
    size_t i;

    m->place = arena_array(m->arena, m->uuid.n, sizeof *m->place);
    if (!order || !host || !m->place)
        return no_memory(m);
    for (i = 0; i < m->uuid.n; i++) {
        h = &m->host[i];
        order[i] = (struct named){h->name.p ? h->name : m->uuid.text[i], i};
    }
    qsort(order, m->uuid.n, sizeof *order, compare_named);
    for (i = 0; i < m->uuid.n; i++) {
        h = &m->host[order[i].host];
        m->place[order[i].host] = i;
        host[i] = (struct source_host){.name = order[i].name,
                                       .amounts = h->amounts,
                                       .amount = h->amount,
                                       .labels = h->labels,
                                       .label = h->label,
                                       .exact = h->exact};
    }
    r->hosts = m->uuid.n;
    r->host = host;
    return 0;
}

static void place_pools(const struct maker *m)
{
    struct pool *pool;
    size_t i;

    for (pool = m->pools->pool; pool < m->pools->pool + m->pools->n; pool++) {
        for (i = 0; i < pool->hosts; i++)
            pool->host[i] = m->place[pool->host[i]];
        pool->hosts = openstack_sort_indices(pool->host, pool->hosts);
    }
}

/* ---- what is known from now on ---- */

static int learn_pool(const struct maker *m, struct openstack_known *k, size_t which, int64_t now)
{
    const struct openstack_known_pool *before = m->before[which];
    struct openstack_known_pool *p;
    struct openstack_member member;
    const struct openstack_host *h;
    struct str key = openstack_pool_key(&m->pools->pool[which]);
    size_t i, at, n = 0;

    while (member_at(m, which, n, &member))
        n++;
    p = openstack_known_add_pool(k, key, n);
    if (!p)
        return no_memory(m);
    p->listed = m->answer[which].listed || !before ? now : before->listed;
    p->there = (int64_t)m->answer[which].found.hosts;
    for (i = 0; member_at(m, which, i, &member); i++) {
        struct openstack_host named = {.uuid = member.uuid, .name = member.name};

        at = openstack_known_add(k, member.uuid);
        h = openstack_known_host(m->known, member.uuid);
        if (at == INTERN_NONE || openstack_known_fill(k, at, &named) != 0 ||
            (h && openstack_known_fill(k, at, h) != 0))
            return no_memory(m);
        p->member[p->members++] = at;
    }
    return 0;
}

static int learn(const struct maker *m, int64_t now, struct openstack_known *k)
{
    size_t i, at;

    for (i = 0; i < m->uuid.n; i++) {
        at = openstack_known_add(k, m->uuid.text[i]);
        if (at == INTERN_NONE || openstack_known_fill(k, at, &m->host[i]) != 0)
            return no_memory(m);
    }
    for (i = 0; i < m->pools->n; i++) {
        if (learn_pool(m, k, i, now) != 0)
            return -1;
    }
    return 0;
}

/* ---- all of it ---- */

static int prepare(struct maker *m)
{
    size_t i;

    m->before = arena_array(m->arena, m->pools->n, sizeof(const struct openstack_known_pool *));
    if (!m->before || openstack_shares_begin(&m->shares, m->answer, m->pools->n) != 0)
        return no_memory(m);
    m->room = m->known->uuid.n;
    for (i = 0; i < m->pools->n; i++) {
        m->before[i] = openstack_known_pool(m->known, openstack_pool_key(&m->pools->pool[i]));
        m->room += m->answer[i].found.hosts;
    }
    m->host = arena_array(m->arena, m->room, sizeof *m->host);
    return m->host ? 0 : no_memory(m);
}

static int make(struct maker *m, struct source_reading *r)
{
    size_t i, free_ones;

    if (prepare(m) != 0 || keep_closed(m) != 0)
        return -1;
    for (i = 0; i < m->pools->n; i++) {
        if (openstack_shares_take(&m->shares, &m->answer[i], &m->pools->pool[i]) != 0)
            return no_memory(m);
        if (take_found(m, &m->pools->pool[i], i) != 0)
            return -1;
    }
    free_ones = m->uuid.n;
    for (i = 0; i < m->pools->n; i++) {
        if (take_absent(m, &m->pools->pool[i], i, free_ones) != 0)
            return -1;
    }
    use_up_down(m);
    if (take_names(m) != 0 || sort_hosts(m, r) != 0)
        return -1;
    place_pools(m);
    r->pools = m->pools->n;
    r->pool = m->pools->pool;
    r->shared = m->shares.name.n;
    r->share = m->shares.line;
    return 0;
}

int openstack_reading_make(const struct openstack_pools *pools, struct openstack_answer *answer,
                           const struct openstack_known *known, int64_t now,
                           struct source_reading *r, struct openstack_known **next, struct err *e)
{
    struct maker m = {.pools = pools, .answer = answer, .known = known, .arena = r->arena, .e = e};
    struct openstack_known *k = openstack_known_new();
    int failed;

    m.kept = m.uuid = m.shares.name = (struct intern){.arena = r->arena};
    m.shares.arena = r->arena;
    failed = k ? make(&m, r) : no_memory(&m);
    if (!failed)
        failed = learn(&m, now, k);
    intern_free(&m.kept);
    intern_free(&m.uuid);
    intern_free(&m.shares.name);
    if (failed)
        openstack_known_free(k);
    else
        *next = k;
    return failed;
}
