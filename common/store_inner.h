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
    char *path, *lock_path, *wake_path, *dispatch_path;
    struct buf text; /* what spans of a job point to when they are not a statement's */
    /* the list under way */
    struct db_stmt *list;
    struct store_filter filter;
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

/* The type's lists have changed: raises its version, counts `waiting` more, and remembers a
 * priority that the server gave (INT64_MIN: none). */
int store_touch_queue(struct store *s, struct str type, int64_t waiting, int64_t given,
                      struct err *e) AR_MUST_CHECK;

/* The job has changed: updated_at and version. */
int store_touch_job(struct store *s, int64_t id, int64_t now, struct err *e) AR_MUST_CHECK;

/* ---- store_group.c ---- */

/* A group as a new job of it shows it. The spans are valid until the store is used for another
 * group. */
struct store_membership {
    int64_t id;
    struct str reason, message;
    int64_t seq;
};
/* The group of (type, scope, shape), made when it is new; a new one's reason says at once NoSource,
 * NoPool or NeverFits where that is known. In a write transaction. */
int store_group_join(struct store *s, struct str type, struct str scope, struct str shape,
                     struct store_membership *m, struct err *e) AR_MUST_CHECK;
/* Puts a queued job into its group, or, when not_before is still to come, to sleep. In a write
 * transaction. */
int store_enqueue(struct store *s, int64_t id, struct str type, struct str scope, struct str shape,
                  int64_t not_before, int64_t now, struct err *e) AR_MUST_CHECK;
/* The same, with the shape taken from the job's data. */
int store_enqueue_data(struct store *s, int64_t id, struct str type, struct str scope,
                       struct str data, int64_t not_before, int64_t now,
                       struct err *e) AR_MUST_CHECK;
/* "not before <time>", in the store's text. */
struct str store_asleep_message(struct store *s, int64_t not_before);

/* ---- store_order.c: priorities ---- */

/* The priority for a new job that names none; it is the server's gift (store_touch_queue). */
int store_order_new(struct store *s, struct str type, int64_t last_given, int64_t now,
                    int64_t *priority, struct err *e) AR_MUST_CHECK;
/* The whole number for a priority as a client writes it, making room among the others when no
 * number is free. `self` (0: none) does not count. */
int store_order_at(struct store *s, struct str type, int64_t self, struct job_priority want,
                   int64_t now, int64_t *priority, struct err *e) AR_MUST_CHECK;
/* The same for a move. *given: the server chose it for the end of the line. Returns ERR_INVALID
 * when the other job is not there. */
int store_order_move(struct store *s, const struct job *self, const struct job_change *c,
                     int64_t now, int64_t *priority, struct err *e) AR_MUST_CHECK;

/* ---- store_change.c ---- */

/* Changes the state, with everything that hangs on it: times, holds, the count of those who wait,
 * the group. *j is the job as it was. In a write transaction. */
struct store_step {
    enum job_status to;
    struct str reason, message; /* of a job that is over */
};
int store_become(struct store *s, const struct job *j, const struct store_step *step, int64_t now,
                 struct err *e) AR_MUST_CHECK;

#endif
