/* SPDX-License-Identifier: MIT */
/* What the files of GET /metrics share. */
#ifndef AR_METRICS_INNER_H
#define AR_METRICS_INNER_H

#include "arena.h"
#include "http.h"
#include "metrics_out.h"
#include "store_metrics.h"
#include "store_queues.h"

/* So much is shown at most; what is left out is counted. */
enum { METRICS_QUEUES_MAX = 1000, METRICS_POOLS_MAX = 5000 };

/* A resource of a pool of a queue. */
struct metrics_pool {
    struct str type, pool, resource;
    int64_t total, used, held, free;
};

/* All that is read of the database, of one moment. Lives in its arena. */
struct metrics {
    const struct conf *conf;
    struct store *store;
    struct arena *arena;
    int64_t now;
    struct store_sums sums;
    size_t queues, pools;
    int64_t pools_left_out;
    struct store_queue *queue; /* [queues]; those of the configuration first */
    struct metrics_pool *pool; /* [pools] */
};

/* metrics_queues.c */

/* Reads them. Within a snapshot. */
int metrics_read_queues(struct metrics *m, struct err *e) AR_MUST_CHECK;
/* Writes their families; what is long goes out in pieces. 0, or -1: the client is gone. */
int metrics_write_queues(const struct metrics *m, struct http *x, struct err *e) AR_MUST_CHECK;

#endif
