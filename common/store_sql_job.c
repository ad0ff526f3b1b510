/* SPDX-License-Identifier: MIT */
/* Statements: jobs one by one, in serving order, and what the clock brings up. */
#include "store_sql_inner.h"

/* Is the queue of the type ?1 paused? A list shows members only: what else there is to a job is not
 * looked for in each row. */
#define PAUSED             "(SELECT q.paused FROM queues q WHERE q.type = ?1)"
#define JOB_LISTED_COLUMNS JOB_MEMBER_COLUMNS PAUSED
#define JOB_SHOWN_COLUMNS  JOB_LISTED_COLUMNS JOB_HIDDEN_COLUMNS

/* A new job's parameters, in the order in which store_create.c binds them. */
#define NEW_JOB_ROW "(?, ?, ?, ?, ?, ?, 'queued', ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
#define NEW_JOB                                                                                    \
    " (type, request_id, owner_id, data, callback, priority, status, created_at, updated_at,"      \
    " queued_at, scope, group_id, reason, message, not_before, valid_until, receiver, created_by," \
    " request) VALUES " NEW_JOB_ROW
#define NEW_JOBS_3 ", " NEW_JOB_ROW ", " NEW_JOB_ROW ", " NEW_JOB_ROW
#define NEW_JOBS_4 NEW_JOBS_3 ", " NEW_JOB_ROW

const char *const store_sql_job[SQL_NAMES] = {
    [SQL_JOB_ADD] = "INSERT INTO jobs" NEW_JOB,
    /* Several at once share what a statement costs that writes to so many indices. OR FAIL: what
       comes before one that fails is undone by the caller, with the transaction; SQLite would keep
       a copy of each page for that. */
    [SQL_JOB_ADD_4] =
        "INSERT OR FAIL INTO jobs" NEW_JOB NEW_JOBS_3 " /* scan: 4 CONSTANT ROWS, no table */",
    [SQL_JOB_ADD_16] =
        "INSERT OR FAIL INTO jobs" NEW_JOB NEW_JOBS_3 NEW_JOBS_4 NEW_JOBS_4 NEW_JOBS_4
        " /* scan: 16 CONSTANT ROWS, no table */",
    [SQL_JOB_LAST_ID] = "SELECT seq FROM sqlite_sequence WHERE name = 'jobs'"
                        " /* scan: sqlite_sequence, it has a row for each of three tables */",
    [SQL_JOB_SHOW] = "SELECT" JOB_SHOWN_COLUMNS JOB_FROM
                     "WHERE j.type = ?1 AND j.request_id = ?2 AND j.deleted_at IS NULL",
    [SQL_JOB_CALLBACK_TAKEN] = "SELECT 1 FROM jobs WHERE callback = ?1 AND deleted_at IS NULL",
    [SQL_JOB_BY_ID] = "SELECT" JOB_COLUMNS JOB_FROM "WHERE j.id = ?1",
    [SQL_JOB_LISTED_BY_ID] = "SELECT" JOB_LISTED_COLUMNS JOB_FROM "WHERE j.type = ?1 AND j.id = ?2",
    [SQL_JOB_TOUCH] = "UPDATE jobs SET updated_at = ?2, version = version + 1 WHERE id = ?1",
    [SQL_JOB_PRIORITY] = "UPDATE OR FAIL jobs SET priority = ?2 WHERE id = ?1",
    [SQL_JOB_MAKE_WAY] =
        "UPDATE OR FAIL jobs SET priority = ?2, updated_at = ?3, version = version + 1"
        " WHERE id = ?1",
    [SQL_JOB_CALLBACK] = "UPDATE jobs SET callback = ?2, receiver = ?3 WHERE id = ?1",
    [SQL_JOB_DATA] = "UPDATE jobs SET data = ?2, scope = ?3 WHERE id = ?1",
    /* Who is woken by it begins to wait now, ?3, or began when the clock was to wake it. */
    [SQL_JOB_NOT_BEFORE] =
        "UPDATE jobs SET not_before = ?2, queued_at = CASE WHEN status = 'queued' AND group_id IS "
        "NULL AND COALESCE(?2, 0) <= ?3 THEN max(queued_at, min(COALESCE(not_before, 0), ?3))"
        " ELSE queued_at END WHERE id = ?1",
    [SQL_JOB_VALID_UNTIL] = "UPDATE jobs SET valid_until = ?2 WHERE id = ?1",
    /* Who comes into a group, and was in none, has not waited before its not_before, which is over.
     */
    [SQL_JOB_GROUP] =
        "UPDATE OR FAIL jobs SET group_id = ?2, reason = ?3, message = ?4, queued_at = CASE WHEN ?2"
        " IS NULL OR group_id IS NOT NULL THEN queued_at ELSE max(queued_at, COALESCE(not_before,"
        " 0)) END WHERE id = ?1",
    [SQL_JOB_QUEUED] =
        "UPDATE OR FAIL jobs SET status = 'queued', queued_at = COALESCE(?2, queued_at), reason = "
        "NULL,"
        " message = NULL, admitted_at = NULL, started_at = NULL, confirmed_at = NULL, finished_at "
        "= NULL,"
        " hosts = NULL, attempts = 0, next_try = NULL, hold_until = NULL,"
        " requeues = CASE WHEN ?2 IS NULL THEN requeues ELSE 0 END WHERE id = ?1",
    [SQL_JOB_HELD] =
        "UPDATE OR FAIL jobs SET status = 'held', group_id = NULL, reason = 'Held', message ="
        " 'it is held, and keeps its place until it is resumed' WHERE id = ?1",
    [SQL_JOB_RUNNING] =
        "UPDATE OR FAIL jobs SET confirmed_at = CASE status WHEN 'running' THEN ?2 END,"
        " started_at = COALESCE(started_at, ?2), status = 'running', group_id = "
        "NULL, reason = NULL,"
        " message = NULL, next_try = CASE status WHEN 'running' THEN next_try END,"
        " hold_until = NULL, requeues = 0 WHERE id = ?1",
    [SQL_JOB_OVER] = "UPDATE OR FAIL jobs SET status = ?2, group_id = NULL, reason = ?3, message = "
                     "?4, finished_at = ?5,"
                     " next_try = NULL, hold_until = NULL WHERE id = ?1",
    [SQL_JOB_DELETE] = "UPDATE jobs SET deleted_at = ?2 WHERE id = ?1",

    /* Two ranges rather than (priority, id) > (?, ?): the rowid part of an index is not used for
       the latter. */
    [SQL_LIST_SAME] =
        "SELECT" JOB_LISTED_COLUMNS JOB_FROM
        "WHERE j.type = ?1 AND j.deleted_at IS NULL AND j.priority = ?2 AND j.id > ?3" STATUS_FILTER
        " ORDER BY j.id",
    [SQL_LIST] = "SELECT" JOB_LISTED_COLUMNS JOB_FROM
                 "WHERE j.type = ?1 AND j.deleted_at IS NULL AND j.priority > ?2" STATUS_FILTER
                 " ORDER BY j.priority, j.id",
    [SQL_LIST_OWNER_SAME] =
        "SELECT" JOB_LISTED_COLUMNS JOB_FROM
        "WHERE j.type = ?1 AND j.owner_id = ?12 AND j.deleted_at IS NULL AND j.priority = ?2"
        " AND j.id > ?3" STATUS_FILTER " ORDER BY j.id",
    [SQL_LIST_OWNER] = "SELECT" JOB_LISTED_COLUMNS JOB_FROM
                       "WHERE j.type = ?1 AND j.owner_id = ?12 AND j.deleted_at IS NULL AND "
                       "j.priority > ?2" STATUS_FILTER " ORDER BY j.priority, j.id",
    [SQL_AT_PRIORITY] = "SELECT id FROM jobs WHERE type = ?1 AND deleted_at IS NULL AND priority = "
                        "?2 AND id <> ?3 LIMIT 1",
    [SQL_NEXT_SAME] = "SELECT priority, id FROM jobs WHERE type = ?1 AND deleted_at IS NULL AND "
                      "priority = ?2 AND id > ?3"
                      " AND id <> ?4 ORDER BY id LIMIT 1",
    [SQL_NEXT] =
        "SELECT priority, id FROM jobs WHERE type = ?1 AND deleted_at IS NULL AND priority > ?2"
        " AND id <> ?4 ORDER BY priority, id LIMIT 1",
    [SQL_PREVIOUS_SAME] =
        "SELECT priority, id FROM jobs WHERE type = ?1 AND deleted_at IS NULL AND priority = ?2"
        " AND id < ?3 AND id <> ?4 ORDER BY id DESC LIMIT 1",
    [SQL_PREVIOUS] =
        "SELECT priority, id FROM jobs WHERE type = ?1 AND deleted_at IS NULL AND priority < ?2"
        " AND id <> ?4 ORDER BY priority DESC, id DESC LIMIT 1",

    [SQL_ASLEEP] = "SELECT id, type, scope, data FROM jobs WHERE status = 'queued' AND group_id IS "
                   "NULL AND not_before <= ?1"
                   " ORDER BY not_before LIMIT 1",
    [SQL_ENDING] =
        "SELECT id, type FROM jobs WHERE valid_until IS NOT NULL AND status IN ('queued', 'held')"
        " AND valid_until <= ?1 ORDER BY valid_until LIMIT 1",
    [SQL_LAPSED] = "SELECT id, type FROM jobs WHERE status = 'admitted' AND hold_until <= ?1 AND "
                   "next_try > hold_until"
                   " ORDER BY hold_until LIMIT 1",
    [SQL_NEXT_ASLEEP] =
        "SELECT not_before FROM jobs WHERE status = 'queued' AND group_id IS NULL"
        " ORDER BY not_before LIMIT 1 /* scan: jobs, its first entry in the index */",
    [SQL_NEXT_ENDING] =
        "SELECT valid_until FROM jobs WHERE valid_until IS NOT NULL AND status IN ('queued', "
        "'held')"
        " ORDER BY valid_until LIMIT 1 /* scan: jobs, its first entry in the index */",
    [SQL_NEXT_DUE] =
        "SELECT next_try FROM jobs WHERE next_try IS NOT NULL ORDER BY next_try LIMIT 1"
        " /* scan: jobs, its first entry in the index */",
};
