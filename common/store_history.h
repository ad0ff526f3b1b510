/* SPDX-License-Identifier: MIT */
/* The store: what became of a job, and the tries of its callback. Same rules as store.h. */
#ifndef AR_STORE_HISTORY_H
#define AR_STORE_HISTORY_H

#include "store.h"

enum {
    STORE_EVENTS_MAX = 1000,    /* of one job that are kept: the newest */
    STORE_DELIVERIES_MAX = 500, /* the same */
    STORE_ANSWER_KEPT = 1024    /* bytes of a receiver's answer */
};

/* Something that happened to a job. What is not set: 0, or absent. */
struct store_event {
    int64_t n; /* 0: its creation; then 1, 2, … of this job */
    int64_t at;
    struct str who;   /* absent: not known */
    struct str event; /* "created", "status", "order", "changed", "deleted", "resend" */
    struct str from_status, to_status; /* of "status" */
    bool has_priority;
    int64_t from_priority, to_priority; /* of "order" */
    struct str message;                 /* for a person */
};

/* A job's events after number `after` (-1: from its creation on), oldest first, at most `most`. fn
 * returns 0 to go on, -1 and *e to stop. Spans hold during the call. */
typedef int store_event_fn(void *ctx, const struct store_event *ev, struct err *e);
int store_events(struct store *s, const struct job *j, int64_t after, int64_t most,
                 store_event_fn *fn, void *ctx, struct err *e) AR_MUST_CHECK;

/* As JSON, for the API and for the operator's command. */
void store_event_write(struct json_out *o, const struct store_event *ev, struct clock_zone *zone);

/* One try of a callback. */
struct store_delivery {
    int64_t n; /* 1, 2, … of this job */
    int64_t admission;
    int64_t at, ns;
    struct str url;
    struct str address; /* that was connected to; absent: none was */
    int status;         /* of the answer; 0: there was no whole one */
    struct str error;   /* absent: none */
    struct str answer;  /* its first STORE_ANSWER_KEPT bytes, as UTF-8; absent: none */
    struct str outcome; /* "accepted", "again", "failed", "requeued", "void" */
    int64_t next_try;   /* of "again" */
};

/* A job's tries after number `after` (0: all), oldest first, at most `most`. */
typedef int store_delivery_fn(void *ctx, const struct store_delivery *d, struct err *e);
int store_deliveries(struct store *s, int64_t job_id, int64_t after, int64_t most,
                     store_delivery_fn *fn, void *ctx, struct err *e) AR_MUST_CHECK;

/* As JSON; `instance` is store_instance's. */
void store_delivery_write(struct json_out *o, const struct store_delivery *d, const char *instance,
                          int64_t job_id, struct clock_zone *zone);

/* Which numbers of a job's events, or of its tries, are kept; 0 and 0: none. With the job's version
 * they tell whether there is anything new. */
struct store_numbers {
    int64_t first, last;
};
int store_event_numbers(struct store *s, int64_t job_id, struct store_numbers *n,
                        struct err *e) AR_MUST_CHECK;
int store_delivery_numbers(struct store *s, int64_t job_id, struct store_numbers *n,
                           struct err *e) AR_MUST_CHECK;

/* In a write transaction: the callback of an admitted job is due now, that of a running one once
 * more. -1: ERR_NOT_FOUND, ERR_PRECONDITION_FAILED, ERR_INVALID_TRANSITION (it is neither; names
 * the state). */
int store_resend(struct store *s, struct str type, struct str request_id,
                 const struct store_match *match, int64_t now, struct err *e) AR_MUST_CHECK;

#endif
