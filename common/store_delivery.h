/* SPDX-License-Identifier: MIT */
/*
 * The store, as delivery sees it: who is to be called, what came of it, and which receivers are
 * paused. Same rules as store.h.
 *
 * A lane is what one owner's jobs have to say to one receiver (jobs.receiver): the callbacks of the
 * jobs that have a next_try, the oldest next_try first. A next_try below 0 was asked for by
 * somebody
 * ("send again now"): it comes before the others, and is made also when the receiver is paused. The
 * job is admitted; or it is running, and is called once more, which changes nothing else.
 */
#ifndef AR_STORE_DELIVERY_H
#define AR_STORE_DELIVERY_H

#include "store.h"
#include "url.h"

/* ---- lanes ---- */

struct store_lane {
    struct str receiver, owner_id;
};

/* Calls fn for each lane behind *after ({0}: for all), in order; next_try is its earliest. fn
 * returns false to stop. Spans hold during the call. */
typedef bool store_lane_fn(void *ctx, const struct store_lane *lane, int64_t next_try);
int store_lanes(struct store *s, const struct store_lane *after, store_lane_fn *fn, void *ctx,
                struct err *e) AR_MUST_CHECK;

/* A place in a lane: behind everything at an earlier next_try, and at the same one behind smaller
 * IDs. */
struct store_place {
    int64_t next_try, id;
};
#define STORE_PLACE_FIRST ((struct store_place){INT64_MIN, 0})

/* Is this job being called? */
typedef bool store_busy_fn(void *ctx, int64_t id);

/* The next callback of a lane behind *at whose job is not busy: 1 and *at, 0 none, -1. */
int store_lane_next(struct store *s, const struct store_lane *lane, store_busy_fn *busy, void *ctx,
                    struct store_place *at, struct err *e) AR_MUST_CHECK;

/* What is needed for a try. */
struct store_due {
    struct job job;
    int64_t attempts; /* tries made so far */
    int64_t next_try, hold_until;
    int64_t admissions; /* how many times the job was admitted so far, this one included: part of
                           webhook-id */
    struct str request; /* X-Request-Id of the request that created the job; absent: none */
};
/* 1 and *d, 0: the job is not to be called (any more), -1. Spans hold until the next call. */
int store_due(struct store *s, int64_t id, struct store_due *d, struct err *e) AR_MUST_CHECK;

/* The origin that a lane's receiver stands for; the receiver itself where there is none. */
int store_receiver_origin(const struct conf *conf, struct str receiver, char origin[URL_ORIGIN_MAX],
                          struct err *e) AR_MUST_CHECK;

/* ---- receivers ---- */

/* One whose last try failed. {0}: one that answered, or was never called. */
struct store_receiver {
    int64_t failures;         /* in a row */
    int64_t since, failed_at; /* the first and the last of them */
    int64_t paused_until;     /* then one try is made; 0: not paused */
    int64_t pause;            /* ns of the last pause */
};
int store_receiver(struct store *s, struct str origin, struct store_receiver *r,
                   struct err *e) AR_MUST_CHECK;

/* In a write transaction: up to `most` more of a lane's admitted jobs say that their receiver,
 * which is paused, is so. Returns how many were changed, or -1: fewer than `most` means that all
 * say it. */
int store_lane_pause(struct store *s, const struct store_lane *lane, struct str origin,
                     int64_t most, int64_t now, struct err *e) AR_MUST_CHECK;
/* Takes it back. */
int store_lane_resume(struct store *s, const struct store_lane *lane, int64_t most, int64_t now,
                      struct err *e) AR_MUST_CHECK;

/* In a write transaction: what becomes of up to `most` jobs whose hold ended by `now` while their
 * receiver was paused: as store_tried has it of STORE_GIVE_UP. Busy ones are left. Returns how many
 * there were, of whom *requeued wait again, or -1. */
int store_paused_lapse(struct store *s, store_busy_fn *busy, void *ctx, int64_t most, int64_t now,
                       int *requeued, struct err *e) AR_MUST_CHECK;
/* When the next hold ends of a job that is not busy and says that its receiver is paused;
 * INT64_MAX: there is none. */
int store_paused_ends(struct store *s, store_busy_fn *busy, void *ctx, int64_t *when,
                      struct err *e) AR_MUST_CHECK;

/* ---- tries ---- */

enum store_outcome {
    STORE_ACCEPTED,  /* → running */
    STORE_TRY_AGAIN, /* attempts + 1, and next_try */
    STORE_GIVE_UP, /* → queued, callback.requeue times; then → failed; nothing is held. While the
                      hold lasts and somebody has asked for another try meanwhile: TRY_AGAIN */
    STORE_REFUSED  /* → failed at once */
};

struct store_try {
    int64_t id, admissions;
    bool again;    /* of a running job: it is only written down */
    int64_t asked; /* the next_try that it was made for */
    enum store_outcome outcome;
    int64_t next_try;           /* of STORE_TRY_AGAIN */
    struct str reason, message; /* message of TRY_AGAIN: the last error, shown on the job */
    int64_t at, ns;             /* when it began, and how long it took */
    struct str url;
    struct str origin;  /* of the URL; absent: nobody was called, and no receiver is to blame */
    struct str address; /* that was connected to; absent: none was */
    int status;         /* of the answer; 0: there was no whole one */
    struct str error;   /* absent: none */
    struct str answer;  /* its first bytes, as they came; what is kept of them is UTF-8 */
};

/* What a try has led to. */
struct store_tried {
    bool written; /* false: the job is no longer admitted in that admission, or not running any
                     more: only the try itself was written down, as "void" */
    enum store_outcome outcome; /* as it was, or what became of STORE_GIVE_UP */
    bool requeued;              /* of STORE_GIVE_UP */
    bool asked; /* of STORE_TRY_AGAIN, and of a running job: somebody asked for another try while
                   this one was under way; the job is due for it */
    struct store_receiver receiver, before; /* of the origin: after and before the try */
};

/* In a write transaction: writes down a try, with its outcome, and whether its receiver works: an
 * answer below 500 shows that it does; after callback.pause_after failures in a row it is paused. A
 * job whose receiver is paused says so. */
int store_tried(struct store *s, const struct store_try *t, int64_t now, struct store_tried *out,
                struct err *e) AR_MUST_CHECK;

#endif
