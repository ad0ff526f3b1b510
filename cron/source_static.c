/* SPDX-License-Identifier: MIT */
/* Static capacity: hosts, amounts and pools as the configuration has them. A ledger: only our own
 * jobs use them. */
#include "source.h"

static int read_host(const struct conf_host *from, struct arena *a, struct source_host *to)
{
    struct source_amount *amount = arena_array(a, from->amounts, sizeof *amount);
    size_t i;

    if (!amount)
        return -1;
    for (i = 0; i < from->amounts; i++)
        amount[i] = (struct source_amount){.resource = from->amount[i].resource,
                                           .total = from->amount[i].amount};
    *to = (struct source_host){.name = from->name, .amounts = from->amounts, .amount = amount};
    return 0;
}

static int static_open(const struct conf *conf, const struct conf_queue *queue, void **ctx,
                       struct err *e)
{
    (void)conf;
    (void)queue;
    (void)e;
    *ctx = NULL;
    return 0;
}

static int static_read(void *ctx, struct str waiting, const struct until *until,
                       struct source_reading *r, struct err *e)
{
    const struct conf_queue *queue = r->queue;
    struct source_host *host = arena_array(r->arena, queue->hosts, sizeof *host);
    size_t i;
    int bad = !host;

    (void)ctx;
    (void)waiting;
    (void)until; /* nobody is asked */
    for (i = 0; !bad && i < queue->hosts; i++)
        bad = read_host(&queue->host[i], r->arena, &host[i]);
    if (bad)
        return err_set(e, ERR_INTERNAL, "out of memory while reading the capacity of a queue");
    r->hosts = queue->hosts;
    r->host = host;
    r->pools = queue->pools;
    r->pool = queue->pool;
    return 0;
}

const struct source_kind source_static = {
    .word = "static", .open = static_open, .read = static_read};
