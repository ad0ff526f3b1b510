/* SPDX-License-Identifier: MIT */
/* Static capacity: hosts and amounts as the configuration has them. A ledger: only our own jobs use
 * them. */
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
    *to = (struct source_host){from->name, from->amounts, amount};
    return 0;
}

static int compare_indices(const void *a, const void *b)
{
    size_t x = *(const size_t *)a, y = *(const size_t *)b;

    return (x > y) - (x < y);
}

static int read_pool(const struct conf_pool *from, struct arena *a, struct source_pool *to)
{
    size_t *host = arena_array(a, from->hosts, sizeof *host);

    if (!host)
        return -1;
    if (from->hosts) {
        memcpy(host, from->host, from->hosts * sizeof *host);
        qsort(host, from->hosts, sizeof *host, compare_indices);
    }
    *to = (struct source_pool){from->hosts, host};
    return 0;
}

int source_static_read(const struct conf_queue *queue, int64_t deadline, struct arena *a,
                       struct source_reading *r, struct err *e)
{
    struct source_host *host = arena_array(a, queue->hosts, sizeof *host);
    struct source_pool *pool = arena_array(a, queue->pools, sizeof *pool);
    size_t i;
    int bad = !host || !pool;

    (void)deadline; /* nobody is asked */
    for (i = 0; !bad && i < queue->hosts; i++)
        bad = read_host(&queue->host[i], a, &host[i]);
    for (i = 0; !bad && i < queue->pools; i++)
        bad = read_pool(&queue->pool[i], a, &pool[i]);
    if (bad)
        return err_set(e, ERR_INTERNAL, "out of memory while reading the capacity of a queue");
    r->hosts = queue->hosts;
    r->host = host;
    r->pools = queue->pools;
    r->pool = pool;
    return 0;
}
