/* SPDX-License-Identifier: MIT */
/* Statements: what goes after a while, first answers that are kept for their repetition, and
 * tokens. */
#include "store_sql_inner.h"

/* Jobs that can go, and what hangs on them. */
#define OLD_JOBS                                                                                   \
    " FROM jobs WHERE finished_at <= ?1 AND NOT EXISTS"                                            \
    " (SELECT 1 FROM holds h WHERE h.job_id = jobs.id)"

#define OF_THEM " OR job_id IN (SELECT id" OLD_JOBS ")"

const char *const store_sql_keep[SQL_NAMES] = {
    /* What goes, counted: ?1 to ?6 say how old it must be. What hangs on jobs goes with them. */
    [SQL_OLD_COUNT] =
        "SELECT (SELECT count(*)" OLD_JOBS "), (SELECT count(*) FROM events WHERE at <= ?2" OF_THEM
        "), (SELECT count(*) FROM deliveries WHERE at <= ?3" OF_THEM "), (SELECT count(*) FROM"
        " answers WHERE created_at <= ?4), (SELECT count(*) FROM holds WHERE until <= ?5), (SELECT"
        " count(*) FROM receivers WHERE failed_at <= ?6) /* scan: CONSTANT ROW, no table */",
    /* What goes: ?1 says how old it must be, ?2 how much of it. */
    [SQL_JOB_OLD] = "SELECT id, type, status, deleted_at" OLD_JOBS " ORDER BY finished_at LIMIT 1",
    [SQL_JOB_DELIVERIES_DROP] = "DELETE FROM deliveries WHERE job_id = ?1 AND n IN"
                                " (SELECT n FROM deliveries WHERE job_id = ?1 ORDER BY n LIMIT ?2)",
    [SQL_JOB_EVENTS_DROP] = "DELETE FROM events WHERE job_id = ?1 AND n IN"
                            " (SELECT n FROM events WHERE job_id = ?1 ORDER BY n LIMIT ?2)",
    [SQL_JOB_PURGE] = "DELETE FROM jobs WHERE id = ?1 AND ?2 > 0",
    [SQL_QUEUE_DROP_IDLE] =
        "DELETE FROM queues WHERE type = ?1 AND waiting = 0 AND paused = 0 AND NOT EXISTS"
        " (SELECT 1 FROM jobs j WHERE j.type = ?1 AND j.deleted_at IS NULL)",
    [SQL_DELIVERY_OLD] = "SELECT 1 FROM deliveries WHERE at <= ?1 LIMIT 1",
    [SQL_DELIVERY_DROP_OLD] =
        "DELETE FROM deliveries WHERE (job_id, n) IN"
        " (SELECT job_id, n FROM deliveries WHERE at <= ?1 ORDER BY at LIMIT ?2)",
    [SQL_EVENT_OLD] = "SELECT 1 FROM events WHERE at <= ?1 LIMIT 1",
    [SQL_EVENT_DROP_OLD] = "DELETE FROM events WHERE (job_id, n) IN"
                           " (SELECT job_id, n FROM events WHERE at <= ?1 ORDER BY at LIMIT ?2)",
    [SQL_RECEIVER_OLD] = "SELECT 1 FROM receivers WHERE failed_at <= ?1 LIMIT 1",
    [SQL_RECEIVER_DROP_OLD] =
        "DELETE FROM receivers WHERE origin IN"
        " (SELECT origin FROM receivers WHERE failed_at <= ?1 ORDER BY failed_at LIMIT ?2)",

    [SQL_ANSWER_FIND] =
        "SELECT digest, status, location, etag, body FROM answers WHERE type = ?1 AND asker = ?3"
        " AND key = ?2",
    [SQL_ANSWER_ADD] =
        "INSERT INTO answers (type, asker, key, digest, status, location, etag, body, created_at)"
        " VALUES (?1, ?9, ?2, ?3, ?4, ?5, ?6, ?7, ?8)",
    [SQL_ANSWER_OLD] = "SELECT 1 FROM answers WHERE created_at <= ?1 LIMIT 1",
    [SQL_ANSWER_DROP_OLD] =
        "DELETE FROM answers WHERE rowid IN"
        " (SELECT rowid FROM answers WHERE created_at <= ?1 ORDER BY created_at LIMIT ?2)",

    /* Tokens. */
    [SQL_TOKEN_GET] =
        "SELECT id, name, digest, role, owners, created_at, expires_at FROM tokens WHERE id = ?1",
    [SQL_TOKEN_ALL] = "SELECT id, name, digest, role, owners, created_at, expires_at FROM tokens"
                      " ORDER BY name /* scan: tokens, all are asked for */",
    [SQL_TOKEN_ADD] = "INSERT INTO tokens (name, digest, role, owners, created_at, expires_at)"
                      " VALUES (?1, zeroblob(32), ?2, ?3, ?4, ?5)",
    [SQL_TOKEN_DIGEST] = "UPDATE tokens SET digest = ?2 WHERE id = ?1",
    [SQL_TOKEN_DROP] = "DELETE FROM tokens WHERE name = ?1",
};
