/* SPDX-License-Identifier: MIT */
/* Statements: admissions and holds, callbacks, and the history of both. */
#include "store_sql_inner.h"

/* The hold h is of the admission that the job j has now. */
#define PRESENT " j.status IN ('admitted', 'running') AND j.admitted_at = h.since"

const char *const store_sql_delivery[SQL_NAMES] = {
    [SQL_ADMIT] =
        "UPDATE OR FAIL jobs SET status = 'admitted', group_id = NULL, reason = NULL, message = "
        "NULL, admitted_at = ?3,"
        " updated_at = ?3, hosts = ?4, attempts = 0, next_try = ?6, hold_until = ?5, "
        "version = version + 1,"
        " admissions = admissions + 1 WHERE id = ?1 AND group_id = ?2"
        " AND (valid_until IS NULL OR valid_until > ?3) AND NOT EXISTS"
        " (SELECT 1 FROM queues q WHERE q.type = jobs.type AND q.paused = 1)",
    [SQL_PLACE] = "UPDATE jobs SET hosts = ?2, updated_at = ?3, version = version + 1"
                  " WHERE id = ?1 AND status = 'running' AND hosts IS NULL",
    [SQL_JOB_HOLDER] = "SELECT type, owner_id, queued_at FROM jobs WHERE id = ?1",
    /* A second hold of the same moment is added, and counts for as long as the newer one. */
    [SQL_HOLD_ADD] =
        "INSERT INTO holds (queue, host, resource, job_id, since, amount)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (queue, host, resource, job_id, since)"
        " DO UPDATE SET amount = amount + excluded.amount, until = NULL",
    [SQL_HOLD_DROP] = "DELETE FROM holds WHERE job_id = ?1 AND until IS NULL",
    /* ?3 is now, ?4 when the clock was set last: a moment of before was not later by today's clock,
     * and none was later than now. */
    [SQL_HOLD_SETTLE] =
        "UPDATE holds SET until = (SELECT min(COALESCE(holds.until, 9223372036854775807),"
        " min(max(j.started_at, ?4), ?3) + ?2,"
        " COALESCE(min(max(j.confirmed_at, ?4), ?3), 9223372036854775807))"
        " FROM jobs j WHERE j.id = ?1) WHERE job_id = ?1",
    [SQL_HOLD_END] = "UPDATE holds SET until = min(COALESCE(until, ?2), ?2) WHERE job_id = ?1",
    [SQL_HOLD_SUM] = "SELECT host, resource, sum(amount) FROM holds WHERE queue = ?1"
                     " AND (until IS NULL OR until > ?2) GROUP BY host, resource",
    /* Of each admission the first row: what a job used in the one before may not be seen yet. */
    [SQL_HOLDERS] = "SELECT" JOB_COLUMNS " FROM holds h JOIN jobs j ON j.id = h.job_id"
                    " LEFT JOIN groups g ON g.id = j.group_id"
                    " WHERE h.queue = ?1 AND (h.until IS NULL OR h.until > ?2) AND NOT EXISTS"
                    " (SELECT 1 FROM holds o WHERE o.job_id = h.job_id AND o.since = h.since"
                    " AND o.queue = h.queue AND (o.host, o.resource) < (h.host, h.resource))",
    [SQL_HOLD_BOOKS] = "SELECT h.queue, j.type FROM holds h JOIN jobs j ON j.id = h.job_id"
                       " /* scan: h, once, when the dispatcher starts */",
    [SQL_HOLD_REBOOK] =
        "UPDATE holds SET queue = ?3 WHERE queue = ?2"
        " AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = holds.job_id AND jobs.type = ?1)",
    [SQL_HOLD_ENDED] = "SELECT h.queue, j.type FROM holds h INDEXED BY holds_until JOIN jobs j"
                       " ON j.id = h.job_id AND" PRESENT " WHERE h.until IS NOT NULL"
                       " /* scan: h, those that have an end, when the dispatcher starts */",
    [SQL_HOLD_KEEP] = "UPDATE holds AS h INDEXED BY holds_until SET until = NULL"
                      " WHERE until IS NOT NULL AND EXISTS (SELECT 1 FROM jobs j"
                      " WHERE j.id = h.job_id AND j.type = ?1 AND" PRESENT ")"
                      " /* scan: h, those that have an end, when the accounting has changed */",
    [SQL_HOLD_OLD] = "SELECT 1 FROM holds WHERE until <= ?1 LIMIT 1",
    [SQL_HOLD_DROP_OLD] =
        "DELETE FROM holds WHERE (queue, host, resource, job_id, since) IN"
        " (SELECT queue, host, resource, job_id, since FROM holds WHERE until <= ?1"
        " ORDER BY until LIMIT ?2)",
    [SQL_UNPLACED] =
        "SELECT" JOB_COLUMNS JOB_FROM "WHERE j.status = 'running' AND j.hosts IS NULL AND j.id > ?1"
        " ORDER BY j.id",
    [SQL_UNPLACE] = "UPDATE jobs SET hosts = NULL, version = version + 1"
                    " WHERE id = ?1 AND status = 'running'",
    [SQL_HOLD_FORGET] = "DELETE FROM holds WHERE job_id = ?1",
    [SQL_RUNNING_HOLDS] =
        "SELECT id, type, data, hosts = '{}', EXISTS (SELECT 1 FROM holds WHERE job_id = jobs.id"
        " AND until IS NULL) FROM jobs INDEXED BY jobs_holding WHERE (status = 'admitted'"
        " OR status = 'running') AND status = 'running' AND hosts IS NOT NULL"
        " /* scan: jobs, those that hold something, when the dispatcher starts */",

    /* Delivery. The first statement stays with a receiver, the second goes on to the next. */
    [SQL_LANE_SAME_RECEIVER] =
        "SELECT receiver, owner_id, next_try FROM jobs WHERE next_try IS NOT NULL"
        " AND receiver = ?1 AND owner_id > ?2 ORDER BY owner_id, next_try LIMIT 1",
    [SQL_LANE_NEXT_RECEIVER] =
        "SELECT receiver, owner_id, next_try FROM jobs WHERE next_try IS NOT NULL"
        " AND receiver > ?1 ORDER BY receiver, owner_id, next_try LIMIT 1",
    [SQL_LANE_DUE_SAME] =
        "SELECT next_try, id FROM jobs WHERE receiver = ?1 AND owner_id = ?2 AND next_try = ?3"
        " AND id > ?4 ORDER BY id",
    [SQL_LANE_DUE] =
        "SELECT next_try, id FROM jobs WHERE receiver = ?1 AND owner_id = ?2 AND next_try > ?3"
        " ORDER BY next_try, id",
    [SQL_LANE_PAUSE] =
        "UPDATE jobs SET reason = 'ReceiverPaused', message = ?3, updated_at = ?4,"
        " version = version + 1 WHERE id IN (SELECT id FROM jobs WHERE receiver = ?1"
        " AND owner_id = ?2 AND status = 'admitted' AND reason IS NOT 'ReceiverPaused' LIMIT ?5)"
        " RETURNING type",
    [SQL_LANE_RESUME] =
        "UPDATE jobs SET reason = CASE attempts WHEN 0 THEN NULL ELSE 'CallbackFailed' END,"
        " message = CASE attempts WHEN 0 THEN NULL ELSE 'try ' || attempts || ' of ' || ?3"
        " || ': ' || COALESCE((SELECT COALESCE(d.error, 'the receiver answered ' || d.status)"
        " FROM deliveries d WHERE d.job_id = jobs.id ORDER BY d.n DESC LIMIT 1), 'it failed') END,"
        " updated_at = ?4, version = version + 1 WHERE id IN (SELECT id FROM jobs"
        " WHERE receiver = ?1 AND owner_id = ?2 AND reason = 'ReceiverPaused' LIMIT ?5)"
        " RETURNING type",
    [SQL_LANE_PAUSED_ENDS] =
        "SELECT hold_until, id FROM jobs WHERE reason = 'ReceiverPaused' ORDER BY hold_until"
        " /* scan: jobs, its first entries in the index */",
    [SQL_DUE] = "SELECT" JOB_COLUMNS ", j.attempts, j.next_try, j.hold_until, j.admissions,"
                " j.request" JOB_FROM "WHERE j.id = ?1 AND j.next_try IS NOT NULL",
    [SQL_TRY_AGAIN] =
        "UPDATE jobs SET attempts = attempts + 1, next_try = CASE WHEN next_try < 0"
        " AND next_try <> ?6 THEN next_try ELSE ?2 END, reason = ?3, message = ?4, updated_at = ?5,"
        " version = version + 1 WHERE id = ?1 RETURNING next_try <> ?2",
    [SQL_SENT_AGAIN] = "UPDATE jobs SET next_try = NULL WHERE id = ?1 AND next_try = ?2",
    /* The plus: else the statement is prepared anew for each job, since there are indices of some
     * states, and what is bound would say whether they can be used. */
    [SQL_JOB_CALLED] =
        "SELECT" JOB_COLUMNS ", j.next_try < 0 AND j.next_try <> ?4 AND j.hold_until > ?5" JOB_FROM
        "WHERE j.id = ?1 AND j.admissions = ?2 AND +j.status = ?3",
    [SQL_JOB_REQUEUES] = "SELECT requeues FROM jobs WHERE id = ?1",
    [SQL_JOB_REQUEUED] = "UPDATE jobs SET requeues = requeues + 1, message = ?2 WHERE id = ?1",
    [SQL_DELIVERY_LAST] = "SELECT n FROM deliveries WHERE job_id = ?1 ORDER BY n DESC LIMIT 1",
    [SQL_DELIVERY_UNHEARD] = "SELECT 1 FROM deliveries WHERE job_id = ?1 AND admission = ?2 AND "
                             "status IS NULL AND address IS NOT NULL AND at + ns > ?3 LIMIT 1",
    [SQL_DELIVERY_ADD] =
        "INSERT INTO deliveries (job_id, n, admission, at, ns, url, address, status, error, answer,"
        " outcome, next_try) SELECT ?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12"
        " FROM jobs WHERE id = ?1",
    [SQL_DELIVERY_TRIM] = "DELETE FROM deliveries WHERE job_id = ?1 AND n <= ?2",
    [SQL_RECEIVER_GET] = "SELECT failures, since, failed_at, paused_until, pause, error"
                         " FROM receivers WHERE origin = ?1",
    [SQL_RECEIVER_SET] =
        "INSERT INTO receivers (origin, failures, since, failed_at, paused_until, pause, error)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7) ON CONFLICT (origin) DO UPDATE SET failures = ?2,"
        " since = ?3, failed_at = ?4, paused_until = ?5, pause = ?6, error = ?7",
    [SQL_RECEIVER_DROP] = "DELETE FROM receivers WHERE origin = ?1",

    /* History: events and tries. */
    [SQL_EVENT_LAST] = "SELECT max(n) FROM events WHERE job_id = ?1",
    [SQL_EVENT_ADD] =
        "INSERT INTO events (job_id, n, at, who, event, from_status, to_status, from_priority,"
        " to_priority, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)",
    [SQL_EVENT_TRIM] = "DELETE FROM events WHERE job_id = ?1 AND n <= ?2",
    [SQL_EVENT_CREATOR] = "SELECT created_by FROM jobs WHERE id = ?1",
    [SQL_EVENT_LIST] = "SELECT n, at, who, event, from_status, to_status, from_priority,"
                       " to_priority, message FROM events WHERE job_id = ?1 AND n > ?2"
                       " ORDER BY n LIMIT ?3",
    [SQL_EVENT_NUMBERS] = "SELECT (SELECT min(n) FROM events WHERE job_id = ?1),"
                          " (SELECT max(n) FROM events WHERE job_id = ?1)"
                          " /* scan: CONSTANT ROW, no table */",
    [SQL_DELIVERY_LIST] = "SELECT n, admission, at, ns, url, address, status, error, answer,"
                          " outcome, next_try FROM deliveries WHERE job_id = ?1 AND n > ?2"
                          " ORDER BY n LIMIT ?3",
    [SQL_DELIVERY_NUMBERS] = "SELECT (SELECT min(n) FROM deliveries WHERE job_id = ?1),"
                             " (SELECT max(n) FROM deliveries WHERE job_id = ?1)"
                             " /* scan: CONSTANT ROW, no table */",
    /* another number than that of a request of before, also where the clock stands still */
    [SQL_RESEND] = "UPDATE jobs SET next_try = min(?2, coalesce(min(next_try, 0), 0) - 1)"
                   " WHERE id = ?1",
};
