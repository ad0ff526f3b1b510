/* SPDX-License-Identifier: MIT */
/*
 * Sources of capacity: what a queue's hosts have. A source is a row of a table (source.c) with one
 * function that reads; a source that must ask somebody else blocks in it until the deadline at the
 * latest.
 */
#ifndef AR_SOURCE_H
#define AR_SOURCE_H

#include "arena.h"
#include "conf.h"

struct source_amount {
    struct str resource;
    int64_t total; /* of the empty host, what the cloud keeps for itself taken off */
    int64_t used; /* by whoever, as an observed source sees it; 0 from a ledger source, which counts
                     only our own jobs */
};

struct source_host {
    struct str name;
    size_t amounts;
    const struct source_amount *amount; /* sorted by name, no doubles */
};

/* Which hosts a pool has: indices into source_reading.host, ascending. In the order of
 * conf_queue.pool. */
struct source_pool {
    size_t hosts;
    const size_t *host;
};

enum source_state {
    SOURCE_NONE, /* the queue has no source */
    SOURCE_GOOD,
    SOURCE_FAILED /* `error` says why; nobody is admitted */
};

/* One reading. What it points to lives in the arena that it was read into,
 * or in the configuration. */
struct source_reading {
    const struct conf_queue *queue;
    enum source_state state;
    int64_t read_at; /* ns since 1970: what it says was true at this moment or later */
    size_t hosts;
    const struct source_host *host; /* sorted by name, no doubles */
    size_t pools;                   /* as many as the queue's */
    const struct source_pool *pool;
    char error[ERR_TEXT_MAX];
};

/* Reads a queue's source. Never fails: what goes wrong is the reading's state and error. `deadline`
 * is clock_mono's. */
void source_read(const struct conf_queue *queue, int64_t deadline, struct arena *a,
                 struct source_reading *r);

/* "none", "static": the word of the configuration. */
const char *source_word(const struct conf_queue *queue);

/* A kind of source. `read` fills hosts and pools: 0, or -1 and *e. */
typedef int source_read_fn(const struct conf_queue *queue, int64_t deadline, struct arena *a,
                           struct source_reading *r, struct err *e);
source_read_fn source_static_read;

#endif
