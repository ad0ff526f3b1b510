/* SPDX-License-Identifier: MIT */
/* The store: queues as people see them. Same rules as store.h. Between store_read_begin and _end,
 * or in a write transaction. */
#ifndef AR_STORE_QUEUES_H
#define AR_STORE_QUEUES_H

#include "stats.h"
#include "store.h"

/* A queue at a glance. Whoever does not see everything gets the numbers of his own jobs only, and
 * nothing of the source but when it was read, and whether it could be. */
struct store_queue {
    struct str type;
    const struct conf_queue *conf; /* its policy and its source's kind */
    bool whole;                    /* who asks sees everything */
    bool paused;
    int64_t version;            /* store_queue_version */
    int64_t jobs[JOB_STATUSES]; /* that are not deleted */
    int64_t oldest;             /* the least queued_at of its waiting, awake jobs; 0: none waits */
    struct stats_queue stats;   /* all 0 for who does not see everything, but for .last's times */
    /* its source's last reading */
    bool tried;                /* else nothing of what follows is set */
    int64_t tried_at, read_ns; /* the last try */
    int64_t read_at;           /* the last good one; 0: there was none */
    struct str error, about;   /* absent: none */
    int64_t pools, hosts;      /* of the last good one */
};

/* The types in order: those of the configuration (but "*"), and those that have a job (of his, for
 * who does not see everything) or are paused. fn returns 0 to go on, 1 to stop, -1 and *e to stop
 * with a failure. Spans hold during the call. */
typedef int store_queue_fn(void *ctx, const struct store_queue *q, struct err *e);
int store_queues(struct store *s, int64_t now, store_queue_fn *fn, void *ctx,
                 struct err *e) AR_MUST_CHECK;
/* The same, of the types behind `after` in the order; absent: of all. */
int store_queues_after(struct store *s, struct str after, int64_t now, store_queue_fn *fn,
                       void *ctx, struct err *e) AR_MUST_CHECK;
/* One, also of a type that nobody ever used: every type has a queue. Spans hold until the next call
 * on the store. */
int store_queue(struct store *s, struct str type, int64_t now, struct store_queue *q,
                struct err *e) AR_MUST_CHECK;

/* As JSON, for the API and for the operator's command: see anteroom.fcgi(8). */
void store_queue_write(struct json_out *o, const struct store_queue *q, struct clock_zone *zone);

/* The numbers that the programs count. NULL: there are none. */
struct stats *store_stats(struct store *s);

#endif
