/* SPDX-License-Identifier: MIT */
/* The store, as the dispatcher sees it: what a pass reads and writes. Same rules as store.h. */
#ifndef AR_STORE_PASS_H
#define AR_STORE_PASS_H

#include "store.h"

/* In a write transaction, at the start of a pass. What went by while nobody looked: jobs whose
 * not_before has come wake, waiting jobs whose valid_until has gone become expired, and admitted
 * ones whose hold has run out (hold_until <= now and no try is due before it) wait again or have
 * failed, as store_delivery.h has it of STORE_GIVE_UP. */
struct store_tidied {
    int64_t woken, expired, lapsed;
    bool more; /* only so much is done at a time: there is more of it */
};
int store_tidy(struct store *s, int64_t now, struct store_tidied *t, struct err *e) AR_MUST_CHECK;

/* Has store_tidy anything to do at `now`? 1 yes, 0 no, -1 fault. Only reads. */
int store_untidy(struct store *s, int64_t now, struct err *e) AR_MUST_CHECK;

/* In a write transaction: takes away what is kept no longer, a few hundred rows or a few
 * milliseconds of it: jobs that have been over for retention.jobs, with their events and
 * deliveries, unless they have holds; events and deliveries older than theirs; answers kept for
 * Idempotency-Key longer than a day; holds that have ended an hour before the oldest reading that a
 * plan may use (max_age); receivers that have failed for a day while nobody calls them. When there
 * is none of it, pages of the file that are to spare (db_space.h). */
struct store_purged {
    int64_t jobs, rows, pages; /* rows: jobs too */
    bool more;                 /* there may be more of it */
};
int store_purge(struct store *s, int64_t now, struct store_purged *done,
                struct err *e) AR_MUST_CHECK;
/* How much of it there is; events and deliveries are also those of jobs that go. Only reads. */
struct store_litter {
    int64_t jobs, events, deliveries, answers, holds, receivers;
};
int store_purge_count(struct store *s, int64_t now, struct store_litter *n,
                      struct err *e) AR_MUST_CHECK;
/* Has it anything to do? 1, 0, -1. Only reads. */
int store_purgeable(struct store *s, int64_t now, struct err *e) AR_MUST_CHECK;

/* For who goes through all that waits, and comes back to little of it: less of the database is kept
 * in memory from now on. */
int store_keep_little(struct store *s, struct err *e) AR_MUST_CHECK;

/* A group with its first waiting job. */
struct store_group {
    int64_t id;
    struct str type, scope, owner_id, shape;
    bool paused;                /* its queue is: nobody of it is admitted */
    struct str reason, message; /* as last written */
    int64_t head_id, head_priority, head_queued_at;
    bool head_kept; /* it stood in the group's row: store_keep_head need not write it there */
};
/* Calls fn for every group that has a waiting (queued, awake) job, by their ids from `from` on (0:
 * from the first), and then those before it; fn returns false to stop (-1 without *e filled is then
 * not an error: returns 0). The spans hold during the call only. */
typedef bool store_group_fn(void *ctx, const struct store_group *g);
int store_groups(struct store *s, int64_t from, store_group_fn *fn, void *ctx,
                 struct err *e) AR_MUST_CHECK;

/* Writes a group's first job into its row, where it is not known yet (in a write transaction). What
 * makes another one the first lets it be forgotten (schema/0007_heads.sql). */
int store_keep_head(struct store *s, int64_t group, struct err *e) AR_MUST_CHECK;

/* How many jobs are admitted or running: a call for each owner and type that has some. Spans hold
 * during the call. */
typedef void store_holding_fn(void *ctx, struct str owner_id, struct str type, int64_t jobs);
int store_holding(struct store *s, store_holding_fn *fn, void *ctx, struct err *e) AR_MUST_CHECK;

/* Groups whose last job has left stay for a while, since the next one often comes soon. When
 * store_groups has met many of them, store_forget_due says so, and store_forget (in a write
 * transaction) takes them away. */
bool store_forget_due(const struct store *s);
int store_forget(struct store *s, struct err *e) AR_MUST_CHECK;

/* The next waiting job of a group after (priority, id), in serving order; the first at or after
 * (priority, id) that has queued_at <= cutoff. 1 and the out values, 0 none, -1 fault. */
struct store_waiting {
    int64_t id, priority, queued_at;
};
int store_group_next(struct store *s, int64_t group, struct page_place after,
                     struct store_waiting *w, struct err *e) AR_MUST_CHECK;
int store_group_guarded(struct store *s, int64_t group, struct page_place from, int64_t cutoff,
                        struct store_waiting *w, struct err *e) AR_MUST_CHECK;

/* The least queued_at of all waiting jobs; 1, 0 when none waits, -1 fault. */
int store_oldest_waiting(struct store *s, int64_t *queued_at, struct err *e) AR_MUST_CHECK;

/* What jobs hold of an account (conf_queue.account), added up by host and resource, as it counts
 * for a reading that was begun at read_at. What a job holds of a ledger counts while it is admitted
 * or running. Of an observed source it counts for all readings while the job is admitted; once it
 * runs, for those that were begun before the source must see its use: before `settle` has gone by,
 * the client has confirmed, or the job has ended. Spans hold during the call. */
typedef void store_hold_fn(void *ctx, struct str host, struct str resource, int64_t amount);
int store_holds(struct store *s, struct str account, int64_t read_at, store_hold_fn *fn, void *ctx,
                struct err *e) AR_MUST_CHECK;

/* In a write transaction: what is held follows the configuration, which may have changed since.
 *
 * Each hold is booked under the account that its job's type has now: a type may have got an entry
 * of its own, a queue may share a source now. Where the source is observed now, the holds of
 * running jobs get their end; in a ledger, those of the present admission lose it. Running jobs
 * that nobody counts are placed anew (store_unplaced): those whose holds have gone when they had
 * ended, in a ledger, and those that were set running while their queue had no source. */
int store_rebook(struct store *s, struct err *e) AR_MUST_CHECK;
/* Has it anything to do? 1, 0, -1. Only reads. */
int store_misbooked(struct store *s, struct err *e) AR_MUST_CHECK;

/* The jobs that hold something of an account, as it counts for a reading that was begun at read_at:
 * once for each of their admissions that still counts. fn returns false to stop. */
typedef bool store_job_fn(void *ctx, const struct job *j);
int store_holders(struct store *s, struct str account, int64_t read_at, store_job_fn *fn, void *ctx,
                  struct err *e) AR_MUST_CHECK;

/* In a write transaction: queued → admitted with what it holds. 1 done, 0 the job is no longer as
 * the plan saw it (changed, cancelled, gone), its queue is paused, or its valid_until has gone by:
 * nothing was done; -1 fault. */
struct store_hold {
    struct str host, resource;
    int64_t amount;
};
struct store_admission {
    int64_t id, group;
    struct str queue; /* the account (conf_queue.account) */
    struct str hosts; /* JSON for `Hosts` */
    int64_t first_try, hold_until;
    size_t holds;
    const struct store_hold *hold; /* one a host and resource: already added up */
};
int store_admit(struct store *s, const struct store_admission *a, int64_t now,
                struct err *e) AR_MUST_CHECK;

/* Running jobs that an operator set running past the dispatcher: no placement yet. For each, fn
 * gets the job; store_place then writes where they are counted. */
int store_unplaced(struct store *s, store_job_fn *fn, void *ctx, struct err *e) AR_MUST_CHECK;
/* In a write transaction; 1 done, 0 no longer running and unplaced, -1 fault. Uses id, queue,
 * hosts, holds of *a. */
int store_place(struct store *s, const struct store_admission *a, int64_t now,
                struct err *e) AR_MUST_CHECK;

/* In a write transaction: why the jobs of a group wait. Writes only what differs, and since when
 * where it is another reason. */
int store_group_reason(struct store *s, int64_t group, struct str reason, struct str message,
                       int64_t now, struct err *e) AR_MUST_CHECK;

struct store_amount {
    struct str resource;
    int64_t total, used;
};

/* Those of one pass that were admitted of one lane: an entry of the configuration and a set of
 * pools. */
enum { STORE_STARTS_A_PASS = 32, STORE_STARTS_KEPT = 512 /* rows of a lane: of passes */ };
struct store_start {
    int64_t queued_at, priority;
    int64_t share; /* estimate.h */
    int64_t jobs;  /* that are alike; >= 1 */
};
struct store_starts {
    struct str queue; /* the entry's type */
    int64_t lane;     /* pool_mix of its pools */
    size_t totals;    /* what the pools have when empty */
    const struct store_amount *total;
    size_t n;
    const struct store_start *start;
};
/* Since when a job that was just admitted has stood in line. 1; 0: it was admitted before, and has
 * not only waited since it came; -1. */
int store_stood_since(struct store *s, int64_t id, int64_t *since, struct err *e) AR_MUST_CHECK;
/* In a write transaction: keeps them for the estimates of those who wait. */
int store_starts_add(struct store *s, const struct store_starts *starts, int64_t now,
                     struct err *e) AR_MUST_CHECK;

/* The earliest moment at which a pass or a callback has something to do by the clock alone
 * (next_try, hold_until, not_before, valid_until); INT64_MAX: none. */
int store_next_moment(struct store *s, int64_t *when, struct err *e) AR_MUST_CHECK;

/* The last reading of a queue's source. Hosts and amounts are sorted by name, without doubles;
 * pools are the source's. */
struct store_host {
    struct str name;
    size_t amounts;
    const struct store_amount *amount;
    bool
        exact; /* its amounts alone do not tell what goes on it: nobody is told NeverFits by them */
};
struct store_reading {
    struct str queue; /* the configuration's entry */
    bool live;        /* somebody was asked: it is news each time, be it only for its time */
    int64_t read_at;  /* when it was begun */
    int64_t ns;       /* how long it took */
    struct str error; /* present: it failed, and only error and time are kept with the rows of the
                         last good one */
    struct str about;
    size_t hosts;
    const struct store_host *host;
    size_t pools;
    const struct pool *pool; /* with indices into `host` */
};
/* In a write transaction: keeps a reading, for what is known at create and for people. Pools,
 * hosts and totals are written only when they differ from those that are kept, what is used only
 * where it differs. */
int store_reading_save(struct store *s, const struct store_reading *r, struct err *e) AR_MUST_CHECK;
/* Would store_reading_save write anything? 1, 0, -1. Only reads. */
int store_reading_differs(struct store *s, const struct store_reading *r,
                          struct err *e) AR_MUST_CHECK;

#endif
