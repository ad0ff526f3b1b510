/* SPDX-License-Identifier: MIT */
/*
 * Routes: which handler answers which method and path. A request is served in steps. route_meet
 * reads its head and finds its route, which says what is needed for it; the door (auth.h) finds out
 * who asks, and whether he has that. route_take reads the rest and lets the handler check it; no
 * database is touched. route_run lets the handler answer as who asks: one that writes, inside a
 * write transaction, on whatever thread commits; one that only reads, at once.
 */
#ifndef AR_ROUTE_H
#define AR_ROUTE_H

#include "http.h"
#include "ownaddr.h"
#include "store.h"

/* What handlers work with. */
struct route_env {
    const struct conf *conf;
    struct store *store; /* the thread's own; in a write transaction for routes that write */
    struct ownaddr *own; /* this machine's addresses */
    bool writer_failed;  /* no change can be committed any more */
    int64_t started;     /* when the service began, ns since 1970; 0: it ends with this request */
};

/* 0, or -1 and *e, which becomes the answer. Of *env conf and own can be used. */
typedef int route_prepare_fn(const struct route_env *env, struct http *x, struct err *e);
typedef int route_run_fn(const struct route_env *env, struct http *x, struct err *e);
/* Of a route that writes: what `run` wrote is on disk, and may be told. */
typedef void route_done_fn(const struct http *x);

enum { ROUTE_PARAMS_MAX = 4 };

struct route {
    enum http_method method;
    const char *pattern;                  /* "/v1/{}/{}": {} is any segment that is not empty */
    enum who_need needs;                  /* WHO_ADMIN where nothing is said */
    bool writes;                          /* `run` needs a write transaction */
    bool body;                            /* the request has one; otherwise it is not looked at */
    const char *params[ROUTE_PARAMS_MAX]; /* of the query; no others are taken */
    route_prepare_fn *prepare;            /* NULL: nothing to check */
    route_run_fn *run;
    route_done_fn *done; /* NULL: there is nothing to tell */
};

/* The route of a request whose head has been read. NULL and *e: ERR_NOT_FOUND, or
 * ERR_METHOD_NOT_ALLOWED with the Allow header added to the answer. */
const struct route *route_find(struct http *x, struct err *e);

/* Reads the head and finds the route. 0 and *route, or -1 and *e. */
int route_meet(struct http *x, const struct route **route, struct err *e) AR_MUST_CHECK;

/* Reads the rest of the request and prepares it; of *env conf and own are used. 0, or -1 and *e. */
int route_take(const struct route_env *env, const struct route *route, struct http *x,
               struct err *e) AR_MUST_CHECK;

/* Answers x->who; may be called again, and then answers anew. On -1 nothing of the answer counts,
 * and *e is to be answered instead (http_fail). */
int route_run(const struct route *route, const struct route_env *env, struct http *x,
              struct err *e) AR_MUST_CHECK;

/* The routes by number, from 0, and how many there are; the name of a route's method. */
size_t route_count(void);
const struct route *route_at(size_t number);
size_t route_number(const struct route *route);
const char *route_method(const struct route *route);

/* A number that differs where the table does: counters of routes (stats.h) hold for one table. */
uint64_t route_table(void);

/* Of a route that writes: call once its change is committed. */
void route_done(const struct route *route, const struct http *x);

/* Writes the table, a line each, with what is needed and the parameters of the query:
 * "GET /v1/{}/{}/events read limit after". */
void route_write(struct buf *b);

#endif
