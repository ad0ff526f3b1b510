/* SPDX-License-Identifier: MIT */
/* What the files of the store share among themselves. Nobody else includes this. */
#ifndef AR_STORE_INNER_H
#define AR_STORE_INNER_H

#include "arena.h"
#include "clock.h"
#include "conf.h"
#include "estimate.h"
#include "num.h"
#include "stats.h"
#include "store.h"
#include "store_sql.h"

enum {
    STORE_EMPTY_MAX = 512,
    STORE_PAUSES_MAX = 10 /* the longest pause of a receiver, in first pauses */
};

/* store_clock.c's. */
struct store_clock {
    struct clock_mark mark;      /* of the write transaction under way */
    char boot[CLOCK_BOOT_MAX];   /* "": not asked yet, or not known */
    bool known;                  /* the next three are the database's, as far as is known */
    int64_t ahead;               /* clock_mark's */
    int64_t stepped_at, stepped; /* the row's */
    bool fresh;                  /* the transaction under way has written them */
    bool based;                  /* known once */
    int64_t base, shifted;       /* `ahead` as it was last; store_clock_shifted */
};

struct store {
    const struct conf *conf;
    struct db *db;
    const struct who *who;     /* store_as; never NULL */
    struct stats *stats;       /* what is counted; NULL: no memory for it */
    struct buf counts;         /* what is to be counted of the transaction under way */
    size_t counts_point;       /* how much of it there was at the savepoint */
    size_t counts_last;        /* where its last entry begins */
    struct store_later *later; /* NULL: never */
    int64_t put_off;           /* store_written, as far as db_written does not say it */
    char *path, *lock_path, *wake_path, *dispatch_path, *stats_path;
    bool outgrown;    /* store_outgrown */
    int64_t judged;   /* rows that store_verdict has looked at in the transaction under way */
    struct buf text;  /* what spans of a job point to when they are not a statement's */
    struct buf data;  /* the same for its data */
    struct buf asker; /* whose first answer is kept or looked for */
    /* the list under way */
    struct db_stmt *list;
    struct store_filter filter;
    struct store_merge *merge; /* of several owners: instead of `list` */
    /* free space on the disk, asked now and then */
    int64_t space_asked; /* clock_mono */
    bool space_low;
    struct store_clock clock;
    struct arena *wait; /* what the last store_wait gave out; NULL: nothing yet */
    /* groups that the last store_groups found without a waiting job */
    size_t empty_groups;
    int64_t empty_group[STORE_EMPTY_MAX];
};

/* ---- store_clock.c: when the clock was set (store_clock.h) ---- */

/* First in each write transaction. */
int store_clock_follow(struct store *s, struct err *e) AR_MUST_CHECK;
/* The transaction was not committed. */
void store_clock_undo(struct store *s);
/* The time that the clock said `kept` ago, for what keeps the time of its day: what is older than
 * that is older than `kept`, or a step of the clock has made it so, which only makes it be kept
 * for longer. In any transaction, or in none. */
int store_clock_ago(struct store *s, int64_t now, int64_t kept, int64_t *then,
                    struct err *e) AR_MUST_CHECK;

/* ---- store_name.c: the database's own name ---- */

/* In a store that is being opened for writing: a copy that was put back gets a name of its own. */
int store_name_own(struct store *s, int64_t wait, struct err *e) AR_MUST_CHECK;

/* ---- store_count.c: what is counted when the transaction is committed ---- */

enum store_counted { STORE_CREATED, STORE_ADMITTED };
/* A job of the type; `waited` is that of one that is admitted. In a write transaction. */
void store_count(struct store *s, enum store_counted what, struct str type, int64_t waited);
/* The transaction's turns: a savepoint, back to it, rolled back, committed. */
void store_count_point(struct store *s);
void store_count_undo(struct store *s);
void store_count_drop(struct store *s);
void store_count_all(struct store *s);

/* ---- store_row.c: rows and what is written with every change ---- */

/* Reads a job from a statement that begins with the job's columns, so many.
 * The spans are the statement's. */
enum { STORE_JOB_COLUMNS = 24 };
int store_row_job(struct db_stmt *st, struct job *j, struct err *e) AR_MUST_CHECK;
/* Reads what is shown of a job, as who asks sees it, from a statement of a list, and when its wait
 * began; nothing else is set. Why a source fails is for who sees everything. */
int store_row_listed(const struct store *s, struct db_stmt *st, struct job *j,
                     struct err *e) AR_MUST_CHECK;

/* What a waiting job shows while its queue is paused, in place of its group's reason: its tag is
 * another one then. */
void store_row_paused(bool paused, struct job *j);

/* The job of that name as a client sees it, whoever may see it. 1, 0, -1. */
int store_row_find(struct store *s, struct str type, struct str request_id, struct job *j,
                   struct err *e) AR_MUST_CHECK;

/* Binds the statuses of a list to ?4 and the following. All eight are always bound: those that are
 * not asked for repeat one that is. */
void store_row_bind_statuses(struct db_stmt *st, unsigned statuses);

/* The state that a job leaves and the one that it comes to; STORE_NOWHERE in place of one: it is
 * new, or gone. */
enum { STORE_NOWHERE = JOB_STATUSES };
struct store_way {
    int from, to;
};
#define STORE_STAYS ((struct store_way){STORE_NOWHERE, STORE_NOWHERE})

/* The type's lists have changed: raises its version, counts the job where it is now and no longer
 * where it was, and remembers a priority that the server gave (INT64_MIN: none). After the job's
 * own row has changed. In a write transaction. */
int store_touch_queue(struct store *s, struct str type, struct store_way job, int64_t given,
                      struct err *e) AR_MUST_CHECK;

/* The same for so many jobs that came new. */
int store_touch_created(struct store *s, struct str type, int64_t jobs, int64_t given,
                        struct err *e) AR_MUST_CHECK;

/* The job has changed: updated_at and version. */
int store_touch_job(struct store *s, int64_t id, int64_t now, struct err *e) AR_MUST_CHECK;

/* ---- store_merge.c: the list of several owners ---- */

/* Begins the list of s->filter for the first `owners` of who asks (0: an empty list); then as
 * store_list_next and store_list_end. */
int store_merge_begin(struct store *s, size_t owners, struct err *e) AR_MUST_CHECK;
int store_merge_next(struct store *s, struct job *j, struct err *e) AR_MUST_CHECK;
void store_merge_end(struct store *s);

/* ---- store_owner.c: how many jobs of an owner wait ---- */

/* Counts `waiting` more. In the same transaction as store_touch_queue's. */
int store_owner_touch(struct store *s, struct str owner_id, int64_t waiting,
                      struct err *e) AR_MUST_CHECK;

/* ERR_TOO_MANY when one more would be over the configuration's owner.queued. */
int store_owner_check(struct store *s, struct str owner_id, struct err *e) AR_MUST_CHECK;

/* ---- store_create.c ---- */

/* ERR_TOO_MANY when one more that waits would be over the owner's limit or the queue's. */
int store_room_check(struct store *s, struct str type, struct str owner_id,
                     struct err *e) AR_MUST_CHECK;

/* A queue's row: how many wait, the last priority that the server gave out, and does it admit? */
struct store_queue_row {
    int64_t last_priority, waiting;
    bool paused;
};

/* A new job's row. */
struct store_new_row {
    struct job j;
    int64_t group; /* 0: it sleeps, and says why itself */
    struct str receiver, by, request;
};
/* Binds it as the n-th (from 0) row of a statement that adds jobs. */
void store_create_bind(struct db_stmt *st, size_t n, const struct store_new_row *r);

/* ---- store_event.c ---- */

struct store_event;
/* Notes what happened to a job, by whom (store_as). `n`, `at` and `who` of *ev are not looked at.
 * In a write transaction. */
int store_note(struct store *s, int64_t job_id, const struct store_event *ev, int64_t now,
               struct err *e) AR_MUST_CHECK;

/* ---- store_group.c ---- */

/* A group as a new job of it shows it. The spans are valid until the store is used for another
 * group. */
struct store_membership {
    int64_t id;
    struct str reason, message;
    int64_t seq;
    int64_t head_priority; /* of its first, where that is known; else INT64_MIN */
};
/* What jobs of one group have in common. */
struct store_key {
    struct str type, scope, owner_id, shape;
};
/* The group with that key, made when it is new; a new one's reason says at once NoSource,
 * NoPool or NeverFits where that is known. In a write transaction. */
int store_group_join(struct store *s, const struct store_key *k, int64_t now,
                     struct store_membership *m, struct err *e) AR_MUST_CHECK;
/* Puts a queued job into its group, or, when not_before is still to come, to sleep. The wait of one
 * that was in none counts from its not_before, if it did from before that. In a write transaction.
 */
int store_enqueue(struct store *s, int64_t id, const struct store_key *k, int64_t not_before,
                  int64_t now, struct err *e) AR_MUST_CHECK;
/* The same, with the shape taken from the job's data. Uses id, type, scope, owner_id, data and
 * not_before of *j. -1: ERR_INVALID too, this version does not read the data. */
int store_enqueue_data(struct store *s, const struct job *j, int64_t now,
                       struct err *e) AR_MUST_CHECK;
/* "not before <time>", in the store's text. */
int store_asleep_message(struct store *s, int64_t not_before, struct str *message,
                         struct err *e) AR_MUST_CHECK;

/* ---- store_later.c: what a transaction that creates jobs puts off ---- */

/* May the job be put off? 1; 0: it is to be written at once; -1. Makes room for it, so that the
 * next of each of the following find it. */
int store_later_ready(struct store *s, const struct job_new *n, struct err *e) AR_MUST_CHECK;
/* The queue's row as it is with what was put off; false: it is not known, or nothing was. */
bool store_later_queue(const struct store *s, struct str type, struct store_queue_row *row);
/* How many of the owner's new jobs his row does not have yet. */
int64_t store_later_owner(const struct store *s, struct str id);
/* store_group_join for a job that is ready: the group may be known. */
int store_later_join(struct store *s, const struct store_key *k, int64_t now,
                     struct store_membership *m, struct err *e) AR_MUST_CHECK;
/* Puts a job that is ready off, and gives it its id: the row, and what it changes in its owner's
 * and its queue's, which was as *was says; `given` as for store_touch_queue. */
int store_later_add(struct store *s, struct store_new_row *row, const struct store_queue_row *was,
                    int64_t given, struct err *e) AR_MUST_CHECK;
/* The transaction is over. */
void store_later_drop(struct store *s);

/* ---- store_verdict.c ---- */

/* The message of a job that no pass has looked at. */
#define STORE_NOT_LOOKED_YET "no pass has looked at it yet"

/* Rows of the last reading that one transaction looks at. */
enum { STORE_JUDGE_MAX = 100000 };

struct demand;
/* Reason and message for a job in whose group nobody waits yet: NoSource, NoPool or NeverFits where
 * that is known, else WaitingForCapacity: also once the transaction has looked at STORE_JUDGE_MAX
 * rows. In a write transaction. */
int store_verdict(struct store *s, const struct conf_queue *queue, struct str scope,
                  const struct demand *demand, struct store_membership *m,
                  struct err *e) AR_MUST_CHECK;

/* ---- store_reading.c ---- */

/* FNV-1a: tells whether a reading is news; nobody attacks it, since it comes from the operator's
 * own source. */
#define STORE_MIX_START UINT64_C(14695981039346656037)
uint64_t store_mix(uint64_t h, struct str text);
uint64_t store_mix_i64(uint64_t h, int64_t v);

/* ---- store_pools.c ---- */

/* Was there a good reading of a queue's source (by its entry's type)? 1, 0, -1. */
int store_was_read(struct store *s, struct str queue, struct err *e) AR_MUST_CHECK;

/* Calls fn for each pool of the last reading that serves a scope, by the rules of pool_of_scope, in
 * no promised order; `unsure` is the number of its hosts of which it is not known what they have.
 * fn returns 0 to go on, 1 to stop, -1 and *e. The span holds during the call. */
typedef int store_pool_fn(void *ctx, struct str pool, int64_t unsure, struct err *e);
int store_pools_of_scope(struct store *s, struct str queue, struct str scope, store_pool_fn *fn,
                         void *ctx, struct err *e) AR_MUST_CHECK;

/* Writes host_aggregate into the data of a virtual machine that names only its project: the one
 * pool of the last reading that serves it (pool_aggregate), unless that is called "*". Queues whose
 * pools stand in the configuration have it written by job_parse. *data is then in the store, until
 * the next call; else it stays as it is. */
int store_aggregate(struct store *s, const struct conf_queue *queue, struct str scope,
                    struct str *data, struct err *e) AR_MUST_CHECK;

/* The same by the configuration's pools, or by those of the last reading, as the queue has them. 1:
 * they are known, fn was called for each; 0: there is no source, or it was never read; -1. */
int store_pools_serving(struct store *s, const struct conf_queue *queue, struct str scope,
                        store_pool_fn *fn, void *ctx, struct err *e) AR_MUST_CHECK;

/* ---- store_ahead.c: who stands before a job ---- */

struct demand;
struct store_wait;
/* The job among those of its lane: of the same pools exactly. */
struct store_standing {
    int64_t lane;
    bool known;           /* the lane has a history; else nothing of what follows is set */
    int64_t share, ahead; /* shares (estimate.h): its own, and of those before it */
};
/* Fills in position, pools, pool_position, need, ahead and pool_ahead of *w for w->job, which asks
 * for *demand; `placed`: it has a place in line. What it gives out lives in s->wait. */
int store_ahead_count(struct store *s, const struct demand *demand, bool placed,
                      struct store_wait *w, struct store_standing *place,
                      struct err *e) AR_MUST_CHECK;

/* ---- store_starts.c: the history of starts ---- */

struct store_ahead;
/* What the lane's pools have when empty, as of its newest start. 1; 0: there was none; -1. */
int store_starts_totals(struct store *s, struct str queue, int64_t lane, struct store_ahead *total,
                        struct err *e) AR_MUST_CHECK;

/* The newest starts, the newest first. */
struct store_history {
    size_t n;
    bool all; /* there were no others ever */
    struct estimate_start start[ESTIMATE_STARTS_MAX];
};
int store_starts_read(struct store *s, struct str queue, int64_t lane, struct store_history *h,
                      struct err *e) AR_MUST_CHECK;

/* ---- store_order.c: priorities ---- */

/* What is moved behind more than this is not remembered as given: new jobs come before it, rather
 * than that each of them looks for room at the end of the numbers. What the clock gives is less for
 * as long as clock_now counts (until 2262). */
#define STORE_GIVEN_MAX (NUM_SAFE_MAX - (INT64_C(1) << 50))

/* The priority for a new job that names none; it is the server's gift (store_touch_queue). */
int store_order_new(struct store *s, struct str type, int64_t last_given, int64_t now,
                    int64_t *priority, struct err *e) AR_MUST_CHECK;
/* The whole number for a priority as a client writes it, making room among the others when no
 * number is free. `self` (0: none) does not count. */
int store_order_at(struct store *s, struct str type, int64_t self, struct job_priority want,
                   int64_t now, int64_t *priority, struct err *e) AR_MUST_CHECK;
/* The same for a move. Returns ERR_INVALID when the other job is not there. */
int store_order_move(struct store *s, const struct job *self, const struct job_change *c,
                     int64_t now, int64_t *priority, struct err *e) AR_MUST_CHECK;

/* The end of the line: the largest priority that the server would give now, or that stands right
 * behind the last job. */
int store_order_end(struct store *s, struct str type, int64_t last_given, int64_t now, int64_t *end,
                    struct err *e) AR_MUST_CHECK;

/* Gives a job this priority, and marks it as changed. */
int store_order_set(struct store *s, int64_t id, int64_t priority, int64_t now,
                    struct err *e) AR_MUST_CHECK;
/* Do several jobs have this priority? 1, 0, -1. */
int store_order_shared(struct store *s, struct str type, int64_t priority,
                       struct err *e) AR_MUST_CHECK;
/* Gives all jobs but the first of those that have this priority one of their own, keeping the order
 * of all. May move others with them. */
int store_order_part(struct store *s, struct str type, int64_t priority, int64_t now,
                     struct err *e) AR_MUST_CHECK;

/* ---- store_order_own.c: what an owner may do with the order ---- */

/* Where a move may not pass strangers: puts *self, which stands behind *other, before or behind it
 * by passing its place and those of the owner's waiting jobs between them on among these.
 * ERR_FORBIDDEN before one that does not wait. */
int store_order_own_move(struct store *s, const struct job *self, const struct job *other,
                         bool behind, int64_t now, int64_t *priority, struct err *e) AR_MUST_CHECK;
/* ERR_FORBIDDEN when a job with this priority would stand far behind the end of the line: what
 * comes after it there has no place. */
int store_order_own_far(struct store *s, struct str type, struct job_priority want, int64_t now,
                        struct err *e) AR_MUST_CHECK;
/* The same, and when a new job with this priority would stand before a job that who asks does not
 * see. */
int store_order_own_new(struct store *s, struct str type, struct job_priority want, int64_t now,
                        struct err *e) AR_MUST_CHECK;

/* ---- store_hold.c ---- */

struct store_step;
/* What a job holds, after its row went from the state in *j to another. In a write transaction. */
int store_hold_follow(struct store *s, const struct job *j, const struct store_step *step,
                      int64_t now, struct err *e) AR_MUST_CHECK;
/* What a running job holds ends `settle` after its start, or when it was confirmed; not later than
 * it ends already. Where the clock was set since, from then on at the earliest. In a write
 * transaction. */
int store_hold_settle(struct store *s, int64_t id, int64_t settle, int64_t now,
                      struct err *e) AR_MUST_CHECK;

/* ---- store_delivery.c ---- */

/* What becomes of an admitted job whose callback was not accepted in time: it goes back to its
 * place, callback.requeue times, and says so, or it has failed. Its row's version is raised. Of why
 * `message` and `unsure` are looked at. 1: it waits again, 0: it failed, -1. In a write
 * transaction.
 */
int store_unaccepted(struct store *s, const struct job *j, const struct store_step *why,
                     int64_t now, struct err *e) AR_MUST_CHECK;

/* ---- store_receiver.c ---- */

struct store_try;
struct store_tried;
/* Writes whether the receiver of a try works: sets `receiver` and `before` of *out. In a write
 * transaction. */
int store_receiver_tried(struct store *s, const struct store_try *t, int64_t now,
                         struct store_tried *out, struct err *e) AR_MUST_CHECK;
/* What the jobs of a paused receiver say. */
int store_receiver_text(struct store *s, struct str origin, struct buf *b,
                        struct err *e) AR_MUST_CHECK;

/* ---- store_change.c ---- */

/* 0, or -1 and ERR_PRECONDITION_FAILED: the job is not as If-Match says. */
int store_check_match(const struct job *j, const struct store_match *m,
                      struct err *e) AR_MUST_CHECK;

/* Changes the state, with everything that hangs on it: times, holds, the count of those who wait,
 * the group. *j is the job as it was. In a write transaction. */
struct store_step {
    enum job_status to;
    struct str reason, message; /* of a job that is over */
    bool unsure; /* an admission ends, and its client may have taken a call that nobody heard of */
};
int store_become(struct store *s, const struct job *j, const struct store_step *step, int64_t now,
                 struct err *e) AR_MUST_CHECK;

#endif
