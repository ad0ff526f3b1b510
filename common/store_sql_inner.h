/* SPDX-License-Identifier: MIT */
/* The statements of each area, and what several of them have in common. */
#ifndef AR_STORE_SQL_INNER_H
#define AR_STORE_SQL_INNER_H

#include "store_sql.h"

/* Each has a place for every statement, and is empty but for those of its area. */
extern const char *const store_sql_queue[SQL_NAMES];
extern const char *const store_sql_job[SQL_NAMES];
extern const char *const store_sql_delivery[SQL_NAMES];
extern const char *const store_sql_reading[SQL_NAMES];
extern const char *const store_sql_keep[SQL_NAMES];
extern const char *const store_sql_clock[SQL_NAMES];

/* The columns of a job in the order in which store_row.c reads them: its members, and since when it
 * waits; whether its queue is paused (where nobody is shown that, 0); and what no list needs. A job
 * that waits in a group shows the group's reason, and behind what there is to say of itself the
 * group's message. */
#define JOB_MEMBER_COLUMNS                                                                         \
    " j.id, j.created_at, j.updated_at, j.deleted_at, j.request_id, j.type, j.owner_id, j.data,"   \
    " j.callback, j.priority, j.status, COALESCE(j.reason, g.reason),"                             \
    " COALESCE(j.message || '; ' || g.message, j.message, g.message), j.not_before,"               \
    " j.valid_until, j.admitted_at, j.started_at, j.finished_at, j.hosts, j.queued_at, "
#define JOB_HIDDEN_COLUMNS ", j.version, g.seq, j.scope"
#define JOB_COLUMNS        JOB_MEMBER_COLUMNS "0" JOB_HIDDEN_COLUMNS
#define JOB_FROM           " FROM jobs j LEFT JOIN groups g ON g.id = j.group_id "

/* How many there are of each status, in the order of enum job_status. */
#define STATUS_COUNTS                                                                              \
    " count(*) FILTER (WHERE status = 'queued'), count(*) FILTER (WHERE status = 'held'),"         \
    " count(*) FILTER (WHERE status = 'admitted'), count(*) FILTER (WHERE status = 'running'),"    \
    " count(*) FILTER (WHERE status = 'finished'), count(*) FILTER (WHERE status = 'failed'),"     \
    " count(*) FILTER (WHERE status = 'cancelled'), count(*) FILTER (WHERE status = 'expired')"

/* ?4 is NULL where all are asked for: SQLite makes a table of the eight words, and searches it for
 * every row. */
#define STATUS_FILTER " AND (?4 IS NULL OR j.status IN (?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11))"

#endif
