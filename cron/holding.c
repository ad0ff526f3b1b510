/* SPDX-License-Identifier: MIT */
/* How many jobs are admitted or running, and how many may be. */
#include "holding.h"

#include <assert.h>
#include <stdlib.h>

enum { MEMORY_MAX = 256 << 20 };

static bool has_limit(const struct conf *conf)
{
    size_t i;

    for (i = 0; i < conf->queues; i++) {
        if (conf->queue[i].run_limit > 0)
            return true;
    }
    return conf->owner.holding > 0;
}

int holding_make(struct holding *h, const struct conf *conf)
{
    *h = (struct holding){.conf = conf, .limited = has_limit(conf)};
    h->arena = arena_new(MEMORY_MAX);
    h->type.arena = h->owner.arena = h->arena;
    return h->arena ? 0 : -1;
}

void holding_free(struct holding *h)
{
    intern_free(&h->type);
    intern_free(&h->owner);
    free(h->of_type);
    free(h->of_owner);
    arena_free(h->arena);
}

int holding_add(struct holding *h, struct str type, struct str owner, struct holding_who *who)
{
    *who = (struct holding_who){0};
    if (!h->limited)
        return 0;
    assert(!h->of_type);
    who->type = intern_add(&h->type, type);
    if (who->type != INTERN_NONE)
        who->owner = intern_add(&h->owner, owner);
    return who->type == INTERN_NONE || who->owner == INTERN_NONE ? -1 : 0;
}

static void add_up(void *ctx, struct str owner, struct str type, int64_t jobs)
{
    struct holding *h = ctx;
    size_t t = intern_find(&h->type, type), o = intern_find(&h->owner, owner);

    if (t != INTERN_NONE)
        h->of_type[t] += jobs;
    if (o != INTERN_NONE)
        h->of_owner[o] += jobs;
}

int holding_count(struct holding *h, struct store *s, struct err *e)
{
    if (!h->limited || h->type.n == 0)
        return 0;
    free(h->of_type);
    free(h->of_owner);
    h->of_type = calloc(h->type.n, sizeof *h->of_type);
    h->of_owner = calloc(h->owner.n, sizeof *h->of_owner);
    if (!h->of_type || !h->of_owner)
        return err_set(e, ERR_INTERNAL, "out of memory while counting jobs");
    return store_holding(s, add_up, h, e);
}

int64_t holding_run_limit(const struct holding *h, struct holding_who who)
{
    return h->limited ? conf_queue(h->conf, h->type.text[who.type])->run_limit : 0;
}

int64_t holding_owner_limit(const struct holding *h)
{
    return h->conf->owner.holding;
}

static bool has_place(int64_t limit, int64_t jobs)
{
    return limit == 0 || jobs < limit;
}

bool holding_allows(const struct holding *h, struct holding_who who)
{
    return !h->limited || (has_place(holding_run_limit(h, who), h->of_type[who.type]) &&
                           has_place(holding_owner_limit(h), h->of_owner[who.owner]));
}

void holding_note(struct holding *h, struct holding_who who)
{
    if (!h->limited)
        return;
    h->of_type[who.type]++;
    h->of_owner[who.owner]++;
}
