/* SPDX-License-Identifier: MIT */
/* Statements: the clock that the times go by, and what moves with it (store_clock.h). */
#include "store_sql_inner.h"

/* Those that are called, or may come back to the queue with the wait that they had. */
#define HOLDING " WHERE (status = 'admitted' OR status = 'running')"

const char *const store_sql_clock[SQL_NAMES] = {
    [SQL_CLOCK_GET] = "SELECT boot, ahead, seen, stepped_at, stepped, latest FROM clock"
                      " /* scan: clock, it has one row */",
    [SQL_CLOCK_LATEST] = "SELECT max(COALESCE((SELECT max(at) FROM events), 0),"
                         " COALESCE((SELECT max(at) FROM deliveries), 0))"
                         " /* scan: CONSTANT ROW, no table */",
    [SQL_CLOCK_SET] =
        "INSERT INTO clock (one, boot, ahead, seen, stepped_at, stepped, latest)"
        " VALUES (1, ?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (one) DO UPDATE SET boot = ?1, ahead = ?2,"
        " seen = ?3, stepped_at = ?4, stepped = ?5, latest = ?6",

    /* All that ends or is due moves on by ?1. A try below 0 was asked for, and is due anyhow. */
    [SQL_CLOCK_MOVE_CALLED] =
        "UPDATE jobs SET queued_at = queued_at + ?1, hold_until = max(1, hold_until + ?1),"
        " next_try = CASE WHEN next_try > 0 THEN max(1, next_try + ?1) ELSE next_try END" HOLDING
        " /* scan: jobs, those that hold something, when the clock was set */",
    [SQL_CLOCK_MOVE_WAITING] = "UPDATE jobs SET queued_at = queued_at + ?1"
                               " WHERE group_id IS NOT NULL"
                               " /* scan: jobs, those that wait, when the clock was set */",
    [SQL_CLOCK_MOVE_ASLEEP] =
        "UPDATE jobs SET queued_at = queued_at + ?1 WHERE status = 'queued' AND group_id IS NULL"
        " /* scan: jobs, those that sleep, when the clock was set */",
    [SQL_CLOCK_MOVE_HOLDS] = "UPDATE holds SET until = max(1, until + ?1) WHERE until IS NOT NULL"
                             " /* scan: holds, those that have an end, when the clock was set */",
    [SQL_CLOCK_MOVE_RECEIVERS] =
        "UPDATE receivers SET since = since + ?1, failed_at = failed_at + ?1,"
        " paused_until = max(1, paused_until + ?1) /* scan: receivers, when the clock was set */",
    [SQL_CLOCK_MOVE_READINGS] =
        "UPDATE readings SET tried_at = tried_at + ?1, read_at = read_at + ?1"
        " /* scan: readings, when the clock was set */",
    [SQL_CLOCK_MOVE_GROUPS] = "UPDATE groups SET reason_at = reason_at + ?1 WHERE reason_at <> 0"
                              " /* scan: groups, when the clock was set */",
    [SQL_CLOCK_TOUCH] = "UPDATE queues SET version = version + 1 /* scan: queues */",

    /* Nothing is further away from ?1, now, than the longest that it can be, ?2. */
    [SQL_CLOCK_NEAR_CALLED] =
        "UPDATE jobs SET queued_at = min(queued_at, ?1), hold_until = min(hold_until, ?1 + ?2),"
        " next_try = min(next_try, ?1 + ?2)" HOLDING
        " AND (queued_at > ?1 OR hold_until > ?1 + ?2 OR next_try > ?1 + ?2)"
        " /* scan: jobs, those that hold something, once after the machine's start */",
    [SQL_CLOCK_NEAR_WAITING] =
        "UPDATE jobs SET queued_at = ?1 + ?2 WHERE group_id IS NOT NULL AND queued_at > ?1 + ?2"
        " /* scan: jobs, those that wait, once after the machine's start */",
    [SQL_CLOCK_NEAR_ASLEEP] =
        "UPDATE jobs SET queued_at = ?1 + ?2 WHERE status = 'queued' AND group_id IS NULL"
        " AND queued_at > ?1 + ?2 /* scan: jobs, those that sleep, once after the machine's start "
        "*/",
    [SQL_CLOCK_NEAR_HOLDS] = "UPDATE holds SET until = ?1 + ?2 WHERE until > ?1 + ?2",
    [SQL_CLOCK_NEAR_RECEIVERS] =
        "UPDATE receivers SET since = min(since, ?1), failed_at = min(failed_at, ?1),"
        " paused_until = min(paused_until, ?1 + ?2) WHERE failed_at > ?1 OR paused_until > ?1 + ?2"
        " /* scan: receivers, once after the machine's start */",
};
