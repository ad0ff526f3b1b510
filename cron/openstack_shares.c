/* SPDX-License-Identifier: MIT */
/* What several hosts share: each of them has it, and together they have it once. */
#include "openstack_shares.h"

struct source_amount *openstack_amount(const struct openstack_host *h, struct str resource)
{
    size_t i;

    for (i = 0; i < h->amounts; i++) {
        if (str_eq(h->amount[i].resource, resource))
            return &h->amount[i];
    }
    return NULL;
}

int openstack_amount_add(struct arena *arena, struct openstack_host *h,
                         const struct source_amount *a)
{
    struct source_amount *more = arena_array(arena, h->amounts + 1, sizeof *more);
    size_t i = h->amounts;

    if (!more)
        return -1;
    if (i)
        memcpy(more, h->amount, i * sizeof *more);
    for (; i > 0 && str_cmp(a->resource, more[i - 1].resource) < 0; i--)
        more[i] = more[i - 1];
    more[i] = *a;
    h->amount = more;
    h->amounts++;
    return 0;
}

static int64_t left(const struct source_amount *a)
{
    return a->total - a->used;
}

/* To a host that was `offered` with sharers: of each class that it has not itself, what the sharer
 * has that has most of it left. */
static int lend(struct arena *arena, const struct openstack_candidates *c,
                const struct openstack_host *offered, struct openstack_host *h)
{
    const struct openstack_host *s;
    const struct source_amount *a;
    struct source_amount *lent;

    for (s = c->sharing; s < c->sharing + c->sharings; s++) {
        for (a = s->amount; a < s->amount + s->amounts; a++) {
            if (openstack_amount(offered, a->resource))
                continue;
            h->exact = true;
            lent = openstack_amount(h, a->resource);
            if (!lent && openstack_amount_add(arena, h, a) != 0)
                return -1;
            if (lent && left(lent) < left(a))
                *lent = *a;
        }
    }
    return 0;
}

/* Both lists are sorted by uuid. */
static int lend_all(struct arena *arena, struct openstack_answer *a)
{
    const struct openstack_candidates *c = &a->with_disk;
    struct openstack_host *h = a->found.host;
    size_t i, j = 0;

    for (i = 0; i < c->hosts; i++) {
        while (j < a->found.hosts && str_cmp(h[j].uuid, c->host[i].uuid) < 0)
            j++;
        if (j < a->found.hosts && str_eq(h[j].uuid, c->host[i].uuid) &&
            lend(arena, c, &c->host[i], &h[j]) != 0)
            return -1;
    }
    return 0;
}

static size_t count(const struct openstack_answer *a)
{
    const struct openstack_candidates *c = &a->with_disk;
    size_t i, n = 0;

    for (i = 0; i < c->sharings; i++)
        n += c->sharing[i].amounts;
    return n;
}

int openstack_shares_begin(struct openstack_shares *s, const struct openstack_answer *answer,
                           size_t n)
{
    size_t i;

    s->room = 0;
    for (i = 0; i < n; i++)
        s->room += count(&answer[i]);
    s->line = arena_array(s->arena, s->room, sizeof *s->line);
    return s->line ? 0 : -1;
}

/* *index = the line of a sharer's class. */
static int add_line(struct openstack_shares *s, const struct openstack_host *sharer,
                    const struct source_amount *a, size_t *index)
{
    struct buf name = BUF_INIT(512);
    struct str class = openstack_class(a->resource);
    size_t before = s->name.n;
    struct source_limit *l;

    buf_printf(&name, "%.*s of %.*s", (int)class.n, class.p, (int)sharer->uuid.n, sharer->uuid.p);
    *index = name.failed ? INTERN_NONE : intern_add(&s->name, buf_span(&name));
    buf_free(&name);
    if (*index == INTERN_NONE)
        return -1;
    l = &s->line[*index];
    if (*index == before)
        *l = (struct source_limit){.name = s->name.text[*index],
                                   .resource = {a->resource},
                                   .limit = a->total,
                                   .used = a->used};
    else
        l->used = l->used > a->used ? l->used : a->used;
    return 0;
}

int openstack_shares_take(struct openstack_shares *s, struct openstack_answer *answer,
                          struct pool *pool)
{
    const struct openstack_candidates *c = &answer->with_disk;
    const struct openstack_host *sharer;
    size_t i;

    pool->share = arena_array(s->arena, count(answer), sizeof *pool->share);
    if (!pool->share || lend_all(s->arena, answer) != 0)
        return -1;
    for (sharer = c->sharing; sharer < c->sharing + c->sharings; sharer++) {
        for (i = 0; i < sharer->amounts; i++) {
            if (add_line(s, sharer, &sharer->amount[i], &pool->share[pool->shares++]) != 0)
                return -1;
        }
    }
    pool->shares = openstack_sort_indices(pool->share, pool->shares);
    return 0;
}

static int compare_indices(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return (x > y) - (x < y);
}

size_t openstack_sort_indices(size_t *index, size_t n)
{
    size_t i, unique = 0;

    if (n)
        qsort(index, n, sizeof *index, compare_indices);
    for (i = 0; i < n; i++) {
        if (i == 0 || index[i] != index[unique - 1])
            index[unique++] = index[i];
    }
    return unique;
}
