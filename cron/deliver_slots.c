/* SPDX-License-Identifier: MIT */
/* The slots of delivery: how many, and which job has one. */
#include <sys/resource.h>

#include "deliver_inner.h"

/* Descriptors for all else: database, locks, log, readings, name servers. */
enum { OTHER_DESCRIPTORS = 256 };

size_t deliver_window(const struct conf *conf)
{
    size_t want = (size_t)conf->callback.concurrency, may;
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0)
        return want;
    if (limit.rlim_cur < limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        if (setrlimit(RLIMIT_NOFILE, &limit) != 0 && getrlimit(RLIMIT_NOFILE, &limit) != 0)
            return want;
    }
    if (limit.rlim_cur >= want + OTHER_DESCRIPTORS)
        return want;
    may = limit.rlim_cur > 2 * OTHER_DESCRIPTORS ? limit.rlim_cur - OTHER_DESCRIPTORS
                                                 : limit.rlim_cur / 2;
    may = may > 0 ? may : 1;
    log_warn("callbacks", "concurrency=%zu configured=%zu open_files=%llu", may, want,
             (unsigned long long)limit.rlim_cur);
    return may;
}

int deliver_slots_init(struct deliver *d, struct err *e)
{
    for (d->chains = 1; d->chains < 2 * d->slots;)
        d->chains *= 2;
    d->chain = calloc(d->chains, sizeof *d->chain);
    if (!d->chain)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    return 0;
}

/* IDs are ours, and follow each other. */
static size_t *chain_of(const struct deliver *d, int64_t id)
{
    return &d->chain[(size_t)id & (d->chains - 1)];
}

bool deliver_is_busy(void *ctx, int64_t id)
{
    const struct deliver *d = ctx;
    size_t i;

    for (i = *chain_of(d, id); i; i = d->slot[i - 1].next) {
        if (d->slot[i - 1].id == id)
            return true;
    }
    return false;
}

struct slot *deliver_slot_take(struct deliver *d, int64_t id)
{
    size_t i = d->unused ? d->unused : d->used + 1, *chain = chain_of(d, id);
    struct slot *s;

    if (i > d->slots)
        return NULL;
    s = &d->slot[i - 1];
    if (d->unused)
        d->unused = s->next;
    else
        d->used = i;
    *s = (struct slot){.state = SLOT_UNDER_WAY, .id = id, .next = *chain};
    *chain = i;
    d->busy++;
    return s;
}

void deliver_slot_free(struct deliver *d, struct slot *s)
{
    size_t i = (size_t)(s - d->slot) + 1, *link = chain_of(d, s->id);

    while (*link != i)
        link = &d->slot[*link - 1].next;
    *link = s->next;
    url_free(&s->url);
    s->state = SLOT_FREE;
    s->next = d->unused;
    d->unused = i;
    d->busy--;
}
