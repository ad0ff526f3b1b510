/* SPDX-License-Identifier: MIT */
/* The last reading of a source as people see it: pools and hosts with what is used, held and free.
 * Same rules as store.h. Call between store_read_begin and store_read_end, so that all of it is of
 * one moment. Callbacks return 0 to go on, or -1 and *e; spans hold during the call. */
#ifndef AR_STORE_VIEW_H
#define AR_STORE_VIEW_H

#include "store.h"

struct store_view {
    const struct conf_queue *queue; /* the caller's */
    int64_t read_at;                /* of the last good reading; 0: there was none */
    struct str error;               /* why the last try failed; absent: it was good */
    struct str about;               /* absent: nothing to say */
    int64_t digest;                 /* of pools, hosts and totals */
};
/* 1 and *v, whose spans hold until the next call; 0: the source was never read, or there is none;
 * -1 and *e. */
int store_view(struct store *s, const struct conf_queue *queue, struct store_view *v,
               struct err *e) AR_MUST_CHECK;

/* A number that is another one when anything else than *v that can be asked about it has changed.
 * Costs less than to ask. */
int store_view_mark(struct store *s, const struct store_view *v, int64_t *mark,
                    struct err *e) AR_MUST_CHECK;

struct store_view_pool {
    struct str name;
    bool open;
    int64_t hosts;  /* whose amounts are known */
    int64_t unread; /* others, on which nothing is free */
};
typedef int store_view_pool_fn(void *ctx, const struct store_view_pool *p, struct err *e);
int store_view_pools(struct store *s, const struct store_view *v, store_view_pool_fn *fn, void *ctx,
                     struct err *e) AR_MUST_CHECK;

/* Names, sorted: all hosts (`of` is not looked at), the projects of a pool, the pools of a host. */
enum store_view_names { STORE_VIEW_HOSTS, STORE_VIEW_PROJECTS, STORE_VIEW_POOLS_OF_HOST };
typedef int store_view_name_fn(void *ctx, struct str name, struct err *e);
int store_view_names(struct store *s, const struct store_view *v, enum store_view_names which,
                     struct str of, store_view_name_fn *fn, void *ctx, struct err *e) AR_MUST_CHECK;

/* The resources of a host, or of all hosts of a pool together, sorted by name. What is held is what
 * store_holds counts for this reading; what is free is total - used - held, never below 0, host by
 * host. A sum beyond INT64_MAX is INT64_MAX. */
enum { STORE_VIEW_RESOURCES_MAX = 1000 }; /* in one pool; -1 and ERR_INTERNAL when it has more */
struct store_view_amount {
    struct str resource;
    int64_t total, used, held, free;
};
enum store_view_amounts { STORE_VIEW_OF_HOST, STORE_VIEW_OF_POOL };
typedef int store_view_amount_fn(void *ctx, const struct store_view_amount *a, struct err *e);
int store_view_amounts(struct store *s, const struct store_view *v, enum store_view_amounts which,
                       struct str of, store_view_amount_fn *fn, void *ctx,
                       struct err *e) AR_MUST_CHECK;

/* Writes the whole as GET /queues/{type}/capacity answers it, for this type. `known`: what
 * store_view returned was 1. row (may be NULL) is called after each pool, host and name, as the
 * output may be long: 0 to go on, -1 and *e. */
typedef int store_view_row_fn(void *ctx, struct err *e);
int store_view_write(struct store *s, const struct store_view *v, bool known, struct str type,
                     struct json_out *o, store_view_row_fn *row, void *ctx,
                     struct err *e) AR_MUST_CHECK;

#endif
