/* SPDX-License-Identifier: MIT */
/* What the tests of the OpenStack source share: bodies that real services sent, and readings as
 * text. */
#ifndef AR_OPENSTACK_CASE_H
#define AR_OPENSTACK_CASE_H

#include "cron/files.h"
#include "cron/source.h"
#include "json_in.h"

/* A body recorded from a real service, or text that begins with '{'. */
static inline struct json_doc *body_of(const char *name)
{
    struct buf text = BUF_INIT(1 << 20), path = BUF_INIT(256);
    struct json_doc *doc = NULL;
    struct err e;

    buf_printf(&path, "tests/unit/openstack/%s.json", name);
    if (*name == '{')
        buf_str(&text, name);
    else if (files_read(path.data, &text, &e) != 0)
        fail_msg("%s", e.text);
    if (json_in_parse(buf_span(&text), &doc, &e) != 0)
        fail_msg("%s", e.text);
    buf_free(&text);
    buf_free(&path);
    return doc;
}

/* "node01: VCPU 4/248, Memory 0/10; TRAIT; exact" */
static inline void write_host(struct buf *b, struct str name, const struct source_amount *amount,
                              size_t amounts, const struct source_label *label, size_t labels,
                              bool exact)
{
    size_t i;

    buf_printf(b, "%.*s:", (int)name.n, name.p);
    for (i = 0; i < amounts; i++)
        buf_printf(b, "%s %.*s %lld/%lld", i ? "," : "", (int)amount[i].resource.n,
                   amount[i].resource.p, (long long)amount[i].used, (long long)amount[i].total);
    for (i = 0; i < labels; i++)
        buf_printf(b, "; %s%.*s", label[i].perhaps ? "?" : "", (int)label[i].key.n, label[i].key.p);
    buf_printf(b, "%s\n", exact ? "; exact" : "");
}

static inline void write_pool(struct buf *b, const struct source_reading *r, const struct pool *p)
{
    size_t i;

    buf_printf(b, "pool %.*s%s%s:", (int)p->name.n, p->name.p, p->open ? " open" : "",
               p->closed ? " closed" : "");
    for (i = 0; i < p->projects; i++)
        buf_printf(b, " for %.*s", (int)p->project[i].n, p->project[i].p);
    for (i = 0; i < p->hosts; i++)
        buf_printf(b, " %.*s", (int)r->host[p->host[i]].name.n, r->host[p->host[i]].name.p);
    if (p->unread)
        buf_printf(b, " unread %zu", p->unread);
    for (i = 0; i < p->shares; i++)
        buf_printf(b, " share %zu", p->share[i]);
    buf_char(b, '\n');
}

static inline void write_limit(struct buf *b, const struct source_limit *l)
{
    size_t i;

    buf_printf(b, "%.*s", (int)l->name.n, l->name.p);
    for (i = 0; i < ARRAY_LEN(l->resource) && l->resource[i].p; i++)
        buf_printf(b, " %.*s", (int)l->resource[i].n, l->resource[i].p);
    buf_printf(b, " %lld/%lld\n", (long long)l->used, (long long)l->limit);
}

/* The whole of it, which the caller's buffer holds. */
static inline const char *reading_text(struct buf *b, const struct source_reading *r)
{
    const struct source_host *h;
    size_t i, j;

    buf_reset(b);
    for (h = r->host; h < r->host + r->hosts; h++)
        write_host(b, h->name, h->amount, h->amounts, h->label, h->labels, h->exact);
    for (i = 0; i < r->pools; i++)
        write_pool(b, r, &r->pool[i]);
    for (i = 0; i < r->shared; i++)
        write_limit(b, &r->share[i]);
    for (i = 0; i < r->quotas; i++) {
        buf_printf(b, "quota of %.*s\n", (int)r->quota[i].project.n, r->quota[i].project.p);
        for (j = 0; j < r->quota[i].limits; j++)
            write_limit(b, &r->quota[i].limit[j]);
    }
    assert_false(b->failed);
    return b->len ? b->data : "";
}

#endif
