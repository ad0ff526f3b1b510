/* SPDX-License-Identifier: MIT */
/* A reading as text, for comparing two; every byte that it points to is looked at. */
#ifndef AR_READING_TEXT_H
#define AR_READING_TEXT_H

#include "buf.h"
#include "cron/source.h"

static inline void reading_text(struct buf *b, struct str text)
{
    buf_printf(b, " %zu:", text.n);
    buf_add(b, text.p, text.n);
}

static inline void reading_write_host(struct buf *b, const struct source_host *h)
{
    size_t i;

    buf_str(b, "host");
    reading_text(b, h->name);
    for (i = 0; i < h->amounts; i++) {
        reading_text(b, h->amount[i].resource);
        buf_printf(b, " %lld/%lld", (long long)h->amount[i].used, (long long)h->amount[i].total);
    }
    for (i = 0; i < h->labels; i++) {
        reading_text(b, h->label[i].key);
        reading_text(b, h->label[i].value);
    }
    for (i = 0; i < h->taints; i++) {
        reading_text(b, h->taint[i].key);
        reading_text(b, h->taint[i].value);
        reading_text(b, h->taint[i].effect);
    }
    buf_printf(b, " %d\n", h->exact);
}

static inline void reading_write_limit(struct buf *b, const struct source_limit *l)
{
    reading_text(b, l->name);
    reading_text(b, l->resource[0]);
    reading_text(b, l->resource[1]);
    buf_printf(b, " %lld/%lld\n", (long long)l->used, (long long)l->limit);
}

static inline void reading_write_pool(struct buf *b, const struct pool *p)
{
    size_t i;

    buf_printf(b, "pool %d%d", p->open, p->closed);
    reading_text(b, p->name);
    for (i = 0; i < p->projects; i++)
        reading_text(b, p->project[i]);
    for (i = 0; i < p->hosts; i++)
        buf_printf(b, " %zu", p->host[i]);
    for (i = 0; i < p->shares; i++)
        buf_printf(b, " share %zu", p->share[i]);
    buf_char(b, '\n');
}

static inline void reading_write(struct buf *b, const struct source_reading *r)
{
    size_t i, l;

    buf_printf(b, "%lld %d\n", (long long)r->read_at, (int)r->gate);
    for (i = 0; i < r->hosts; i++)
        reading_write_host(b, &r->host[i]);
    for (i = 0; i < r->pools; i++)
        reading_write_pool(b, &r->pool[i]);
    for (i = 0; i < r->quotas; i++) {
        buf_str(b, "quota");
        reading_text(b, r->quota[i].project);
        for (l = 0; l < r->quota[i].limits; l++)
            reading_write_limit(b, &r->quota[i].limit[l]);
    }
    for (i = 0; i < r->shared; i++)
        reading_write_limit(b, &r->share[i]);
}

#endif
