/* SPDX-License-Identifier: MIT */
/* What is remembered of a cloud between readings. */
#include "openstack_known.h"

enum { MEMORY_MAX = 512 << 20, ROOM_FIRST = 64 };

struct openstack_known *openstack_known_new(void)
{
    struct openstack_known *k = calloc(1, sizeof *k);

    if (!k)
        return NULL;
    k->arena = arena_new(MEMORY_MAX);
    if (!k->arena) {
        free(k);
        return NULL;
    }
    k->texts = k->uuid = (struct intern){.arena = k->arena};
    return k;
}

void openstack_known_free(struct openstack_known *k)
{
    if (!k)
        return;
    intern_free(&k->texts);
    intern_free(&k->uuid);
    arena_free(k->arena);
    free(k->host);
    free(k->pool);
    free(k);
}

static int make_room(struct openstack_known *k)
{
    size_t room = k->room ? 2 * k->room : ROOM_FIRST;
    struct openstack_host *host = reallocarray(k->host, room, sizeof *host);

    if (!host)
        return -1;
    k->host = host;
    k->room = room;
    return 0;
}

size_t openstack_known_add(struct openstack_known *k, struct str uuid)
{
    size_t before = k->uuid.n, i;

    if (before == k->room && make_room(k) != 0)
        return INTERN_NONE;
    i = intern_add(&k->uuid, uuid);
    if (i != INTERN_NONE && i == before)
        k->host[i] = (struct openstack_host){.uuid = k->uuid.text[i]};
    return i;
}

static int keep(struct openstack_known *k, struct str text, struct str *kept)
{
    size_t i = intern_add(&k->texts, text);

    if (i == INTERN_NONE)
        return -1;
    *kept = k->texts.text[i];
    return 0;
}

static int fill_amounts(struct openstack_known *k, struct openstack_host *h,
                        const struct openstack_host *from)
{
    size_t i;

    h->amount = arena_array(k->arena, from->amounts, sizeof *h->amount);
    h->label = arena_array(k->arena, from->labels, sizeof *h->label);
    if (!h->amount || !h->label)
        return -1;
    h->exact = from->exact;
    for (i = 0; i < from->amounts; i++) {
        h->amount[i] = from->amount[i];
        if (keep(k, from->amount[i].resource, &h->amount[i].resource) != 0)
            return -1;
    }
    for (i = 0; i < from->labels; i++) {
        h->label[i] = (struct source_label){
            .value = STR_LIT(""),
            .perhaps = from->label[i].perhaps,
        };
        if (keep(k, from->label[i].key, &h->label[i].key) != 0)
            return -1;
    }
    h->amounts = from->amounts;
    h->labels = from->labels;
    return 0;
}

int openstack_known_fill(struct openstack_known *k, size_t i, const struct openstack_host *from)
{
    struct openstack_host *h = &k->host[i];

    if (!h->name.p && from->name.p && keep(k, from->name, &h->name) != 0)
        return -1;
    return h->amounts || !from->amounts ? 0 : fill_amounts(k, h, from);
}

const struct openstack_known_pool *openstack_known_pool(const struct openstack_known *k,
                                                        struct str key)
{
    size_t i;

    for (i = 0; i < k->pools; i++) {
        if (str_eq(k->pool[i].key, key))
            return &k->pool[i];
    }
    return NULL;
}

struct openstack_known_pool *openstack_known_add_pool(struct openstack_known *k, struct str key,
                                                      size_t members)
{
    struct openstack_known_pool *pool = reallocarray(k->pool, k->pools + 1, sizeof *pool), *added;

    if (!pool)
        return NULL;
    k->pool = pool;
    added = &pool[k->pools];
    *added =
        (struct openstack_known_pool){.member = arena_array(k->arena, members, sizeof(size_t))};
    if (!added->member || keep(k, key, &added->key) != 0)
        return NULL;
    k->pools++;
    return added;
}

const struct openstack_host *openstack_known_host(const struct openstack_known *k, struct str uuid)
{
    size_t i = intern_find(&k->uuid, uuid);

    return i == INTERN_NONE ? NULL : &k->host[i];
}
