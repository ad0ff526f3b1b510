/* SPDX-License-Identifier: MIT */
/* What the files of the store share among themselves. Nobody else includes this. */
#ifndef AR_STORE_INNER_H
#define AR_STORE_INNER_H

#include "conf.h"
#include "store.h"
#include "store_sql.h"

enum { STORE_EMPTY_MAX = 512 };

struct store {
    const struct conf *conf;
    struct db *db;
    const struct who *who; /* store_as; never NULL */
    char *path, *lock_path, *wake_path, *dispatch_path;
    struct buf text;  /* what spans of a job point to when they are not a statement's */
    struct buf data;  /* the same for its data */
    struct buf asker; /* whose first answer is kept or looked for */
    /* the list under way */
    struct db_stmt *list;
    struct store_filter filter;
    struct store_merge *merge; /* of several owners: instead of `list` */
    /* free space on the disk, asked at most once a second */
    int64_t space_asked; /* clock_mono */
    bool space_low;
    /* groups that the last store_groups found without a waiting job */
    size_t empty_groups;
    int64_t empty_group[STORE_EMPTY_MAX];
};

/* ---- store_row.c: rows and what is written with every change ---- */

/* Reads a job from a statement that begins with the job's columns.
 * The spans are the statement's. */
int store_row_job(struct db_stmt *st, struct job *j, struct err *e) AR_MUST_CHECK;
/* The same of a statement that also has what only clients are shown: the job as they see it. */
int store_row_shown(struct db_stmt *st, struct job *j, struct err *e) AR_MUST_CHECK;

/* What a waiting job shows while its queue is paused, in place of its group's reason: its tag is
 * another one then. */
void store_row_paused(bool paused, struct job *j);

/* The job of that name as a client sees it, whoever may see it. 1, 0, -1. */
int store_row_find(struct store *s, struct str type, struct str request_id, struct job *j,
                   struct err *e) AR_MUST_CHECK;

/* Binds the statuses of a list to ?4 and the following. All eight are always bound: those that are
 * not asked for repeat one that is. */
void store_row_bind_statuses(struct db_stmt *st, unsigned statuses);

/* The type's lists have changed: raises its version, counts `waiting` more, and remembers a
 * priority that the server gave (INT64_MIN: none). */
int store_touch_queue(struct store *s, struct str type, int64_t waiting, int64_t given,
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
};
/* What jobs of one group have in common. */
struct store_key {
    struct str type, scope, owner_id, shape;
};
/* The group with that key, made when it is new; a new one's reason says at once NoSource,
 * NoPool or NeverFits where that is known. In a write transaction. */
int store_group_join(struct store *s, const struct store_key *k, struct store_membership *m,
                     struct err *e) AR_MUST_CHECK;
/* Puts a queued job into its group, or, when not_before is still to come, to sleep. In a write
 * transaction. */
int store_enqueue(struct store *s, int64_t id, const struct store_key *k, int64_t not_before,
                  int64_t now, struct err *e) AR_MUST_CHECK;
/* The same, with the shape taken from the job's data. Uses id, type, scope, owner_id, data and
 * not_before of *j. -1: ERR_INVALID too, this version does not read the data. */
int store_enqueue_data(struct store *s, const struct job *j, int64_t now,
                       struct err *e) AR_MUST_CHECK;
/* "not before <time>", in the store's text. */
struct str store_asleep_message(struct store *s, int64_t not_before);

/* ---- store_verdict.c ---- */

/* The message of a job that no pass has looked at. */
#define STORE_NOT_LOOKED_YET "waits for the next look at the capacity"

struct demand;
/* Reason and message for a job in whose group nobody waits yet: NoSource, NoPool or NeverFits where
 * that is known, else WaitingForCapacity. */
int store_verdict(struct store *s, const struct conf_queue *queue, struct str scope,
                  const struct demand *demand, struct store_membership *m,
                  struct err *e) AR_MUST_CHECK;

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

/* ---- store_order.c: priorities ---- */

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

/* What a job holds, after its row went from the state in *j to another. In a write transaction. */
int store_hold_follow(struct store *s, const struct job *j, enum job_status to, int64_t now,
                      struct err *e) AR_MUST_CHECK;

/* ---- store_delivery.c ---- */

/* What becomes of an admitted job whose callback was not accepted in time: it goes back to its
 * place, callback.requeue times, and says so, or it has failed. Its row's version is raised. 1: it
 * waits again, 0: it failed, -1. In a write transaction. */
int store_unaccepted(struct store *s, const struct job *j, struct str message, int64_t now,
                     struct err *e) AR_MUST_CHECK;

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
};
int store_become(struct store *s, const struct job *j, const struct store_step *step, int64_t now,
                 struct err *e) AR_MUST_CHECK;

#endif
