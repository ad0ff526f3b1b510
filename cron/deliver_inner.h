/* SPDX-License-Identifier: MIT */
/*
 * What the files of delivery share. A slot is free, or its try is under way, or the try has ended
 * and its outcome is to be written. A job that has a slot is not started again, whatever the
 * database says: so there are never two tries for one job, and an outcome that could not be written
 * yet is not overtaken.
 */
#ifndef AR_DELIVER_INNER_H
#define AR_DELIVER_INNER_H

#include "backoff.h"
#include "caller.h"
#include "deliver.h"
#include "lanes.h"
#include "store_history.h"
#include "webhook.h"

enum slot_state { SLOT_FREE, SLOT_UNDER_WAY, SLOT_ENDED };

enum { SLOT_ADDRESS_MAX = 64, SLOT_ERROR_MAX = 256, SLOT_REQUEST_MAX = 65, LOCK_SECONDS = 5 };

struct slot {
    enum slot_state state;
    size_t next; /* in its chain of the hash, or of the free ones: index + 1 */
    int64_t id, admissions, number, hold_until, asked;
    bool again; /* the job runs: it is called once more */
    struct lane *lane;
    int64_t at, ns; /* when the try began, how long it took */
    int64_t mono;   /* when it began, clock_mono */
    struct url url;
    bool called; /* false: there was nothing that could be called */
    /* of SLOT_ENDED */
    int refusals; /* how many times the outcome could not be written, though others could */
    bool aside;   /* it is not written before `aside_until` */
    int status;
    struct backoff_next then;
    char address[SLOT_ADDRESS_MAX];
    char error[SLOT_ERROR_MAX];
    char answer[STORE_ANSWER_KEPT];
    size_t answer_n;
    struct store_tried tried;       /* once it is written */
    char request[SLOT_REQUEST_MAX]; /* the id of the request that created the job; "": none */
};

struct deliver {
    const struct conf *conf;
    struct store *store;
    struct secrets *secrets;
    struct caller *caller;
    struct lanes *lanes;
    struct clock_zone zone;
    int64_t shifted; /* store_clock_shifted, as the times that follow go by it */
    int64_t started; /* clock_mono, when deliver_start was called last */
    struct deliver_counts counts;
    char instance[17];
    /* which lanes there are */
    bool changed;       /* others may have come */
    bool unseen;        /* deliver_unseen */
    bool news;          /* deliver_changed since a scan began at the first lane */
    int64_t scan_from;  /* clock_mono: not before */
    struct buf scanned; /* receiver and owner of the last lane that was put, when there were more */
    size_t scanned_at;  /* where the owner begins */
    bool more;          /* there were */
    bool to_say;        /* jobs of some lane may be to say that their receiver is paused, or not */
    int64_t lapse;      /* clock_now: when the hold of one of those ends */
    /* slots */
    size_t ended, busy;  /* ended: and to be written; busy: not free */
    size_t aside;        /* ended, and left for a while */
    int64_t aside_until; /* clock_mono */
    size_t unused;       /* the first free slot that was used before, index + 1 */
    size_t used;         /* slots that were ever used; memory behind them is not touched */
    size_t chains;       /* a power of two */
    size_t *chain;       /* by job: index + 1 of the first slot */
    size_t slots;
    struct slot slot[];
};

/* ---- deliver_slots.c ---- */

/* How many tries may be under way at once: callback.concurrency, or less, which is logged, where
 * this process may not have as many sockets. Raises its limit as far as it may. */
size_t deliver_window(const struct conf *conf);
int deliver_slots_init(struct deliver *d, struct err *e) AR_MUST_CHECK;
/* A free slot for a job, or NULL. It is busy from then on. */
struct slot *deliver_slot_take(struct deliver *d, int64_t id);
void deliver_slot_free(struct deliver *d, struct slot *s);
/* Has the job a slot? *ctx is the struct deliver. */
store_busy_fn deliver_is_busy;

/* ---- deliver_lanes.c ---- */

/* Finds the lanes anew when something has changed. */
int deliver_scan(struct deliver *d, struct err *e) AR_MUST_CHECK;
/* The lane is looked through from its beginning again. */
void deliver_rewind(struct lane *lane);
/* Has the lane's host just been paused, or come back? Its jobs are to say so. */
void deliver_host(struct deliver *d, struct lane *lane, int64_t paused_until);
/* Writes some of what jobs of paused receivers are to say, and lets those lapse whose hold is over.
 */
int deliver_say(struct deliver *d, int64_t now, struct err *e) AR_MUST_CHECK;
/* When that is to be done again, clock_now; INT64_MAX: never. */
int64_t deliver_say_next(const struct deliver *d, int64_t now);

/* ---- deliver_clock.c ---- */

/* All times that are remembered here follow the clock as far as the store has. Before they are
 * compared with what a transaction reads or writes. */
void deliver_follow(struct deliver *d);

/* ---- deliver_outcome.c ---- */

/* The end of a try, before it is written. */
httpc_done_fn deliver_on_answer;
/* What can't be sent at all is given up without a try. */
void deliver_refuse(struct deliver *d, struct slot *s, const struct err *e);
/* Writes what has ended, in one transaction, and frees its slots. Where something cannot be
 * written, the others are, one by one. -1 and *e: not all of it was. */
int deliver_write(struct deliver *d, struct err *e) AR_MUST_CHECK;

#endif
