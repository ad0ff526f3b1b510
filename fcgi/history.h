/* SPDX-License-Identifier: MIT */
/* A job's history as pages of rows: what events.c and deliveries.c share. */
#ifndef AR_HISTORY_H
#define AR_HISTORY_H

#include "route.h"
#include "store_history.h"

/* A page that is being written. */
struct history_page {
    struct store *store;
    struct http *x;
    struct json_out o;
    int64_t job_id;
    char instance[17]; /* store_instance */
    int64_t limit;     /* rows of it */
    int64_t shown, last;
    bool more; /* there is at least one more row */
};

/* One kind of history. */
struct history {
    enum page_kind kind;
    int64_t start; /* the `after` that leaves nothing out */
    int (*numbers)(struct store *s, int64_t job_id, struct store_numbers *n, struct err *e);
    /* Asks for the rows after a number; for each of them history_row, and
     * then its object. */
    int (*rows)(struct history_page *p, const struct job *j, int64_t after, int64_t most,
                struct err *e);
};

/* Answers a GET with `limit` and `after`. As route_run_fn. */
int history_answer(const struct history *h, const struct route_env *env, struct http *x,
                   struct err *e) AR_MUST_CHECK;

/* The next row: false when it is beyond the page, and not to be written. */
bool history_row(struct history_page *p, int64_t n);
/* It is written. 0, or -1 and *e when the client is gone. */
int history_row_end(struct history_page *p, struct err *e) AR_MUST_CHECK;

/* The ETag of all rows, as a GET without a query gives it; for preconditions. */
enum { HISTORY_ETAG_MAX = 48 };
int history_etag(const struct history *h, struct store *s, const struct job *j,
                 char etag[HISTORY_ETAG_MAX], struct err *e) AR_MUST_CHECK;

#endif
