/* SPDX-License-Identifier: MIT */
/*
 * Every statement, in one table. A statement that is meant to scan a table or to sort says so in a
 * comment of its own ("scan: <table>, <why>"); test_store_sql fails on any other one that does.
 */
#include "store_sql.h"

/* The columns of a job in the order in which store_row.c reads them. A job that waits in a group
 * shows the group's reason, and behind what there is to say of itself the group's message. */
#define JOB_COLUMNS                                                                                \
    " j.id, j.created_at, j.updated_at, j.deleted_at, j.request_id, j.type, j.owner_id, j.data, "  \
    "j.callback,"                                                                                  \
    " j.priority, j.status, COALESCE(j.reason, g.reason),"                                         \
    " COALESCE(j.message || '; ' || g.message, j.message, g.message), "                            \
    "j.not_before,"                                                                                \
    " j.valid_until, j.admitted_at, j.started_at, j.finished_at, j.hosts, j.version, g.seq, "      \
    "j.queued_at, j.scope"
/* Behind them: is the queue of the type ?1 paused? */
#define JOB_SHOWN_COLUMNS JOB_COLUMNS ", (SELECT q.paused FROM queues q WHERE q.type = ?1)"
#define JOB_FROM          " FROM jobs j LEFT JOIN groups g ON g.id = j.group_id "

/* What is held of a host's resource, t's, of the account ?4 as it counts for a reading of
   the time ?3. */
#define HELD_OF_TOTAL                                                                              \
    " (SELECT COALESCE(sum(x.amount), 0) FROM holds x WHERE x.queue = ?4 AND x.host = t.host"      \
    " AND x.resource = t.resource AND (x.until IS NULL OR x.until > ?3))"

#define STATUS_FILTER " AND j.status IN (?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11)"

const char *const store_sql[SQL_NAMES] = {
    [SQL_SAVEPOINT] = "SAVEPOINT request",
    [SQL_RELEASE] = "RELEASE request",
    [SQL_UNDO] = "ROLLBACK TO request",
    [SQL_READ_BEGIN] = "BEGIN",
    [SQL_READ_END] = "COMMIT",
    [SQL_INSTANCE] = "SELECT name FROM instance /* scan: instance, it has one row */",

    [SQL_QUEUE_GET] = "SELECT version, last_priority, waiting, paused FROM queues WHERE type = ?1",
    [SQL_QUEUE_TOUCH] = "UPDATE queues SET version = version + 1, waiting = waiting + ?2,"
                        " last_priority = max(last_priority, ?3) WHERE type = ?1",
    [SQL_QUEUE_ADD] =
        "INSERT INTO queues (type, version, waiting, last_priority) VALUES (?1, ?4, ?2, ?3)",
    [SQL_QUEUE_TOUCH_OF_GROUP] = "UPDATE queues SET version = version + 1"
                                 " WHERE type = (SELECT type FROM groups WHERE id = ?1)",

    [SQL_GROUP_FIND] = "SELECT id, reason, message, seq FROM groups WHERE type = ?1 AND scope = ?2"
                       " AND owner_id = ?3 AND shape = ?4",
    [SQL_GROUP_ADD] = "INSERT INTO groups (type, scope, owner_id, shape, reason, message)"
                      " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_GROUP_ALL] =
        "SELECT id, type, scope, shape, reason, message, owner_id, EXISTS (SELECT 1 FROM queues q"
        " INDEXED BY queues_paused WHERE q.type = groups.type AND q.paused = 1) FROM groups"
        " /* scan: groups, the pass looks at each of them */",
    [SQL_GROUP_HEAD] = "SELECT id, priority, queued_at FROM jobs WHERE group_id = ?1 ORDER BY "
                       "priority, id LIMIT 1",
    [SQL_GROUP_NEXT_SAME] =
        "SELECT id, priority, queued_at FROM jobs WHERE group_id = ?1 AND priority = ?2 AND id > ?3"
        " ORDER BY id LIMIT 1",
    [SQL_GROUP_NEXT] =
        "SELECT id, priority, queued_at FROM jobs WHERE group_id = ?1 AND priority > ?2"
        " ORDER BY priority, id LIMIT 1",
    [SQL_GROUP_GUARDED_SAME] =
        "SELECT id, priority, queued_at FROM jobs WHERE group_id = ?1 AND priority = ?2"
        " AND id >= ?3 AND queued_at <= ?4 ORDER BY id LIMIT 1",
    [SQL_GROUP_GUARDED] =
        "SELECT id, priority, queued_at FROM jobs WHERE group_id = ?1 AND priority > ?2"
        " AND queued_at <= ?4 ORDER BY priority, id LIMIT 1",
    [SQL_GROUP_REASON] = "UPDATE groups SET reason = ?2, message = ?3, seq = seq + 1"
                         " WHERE id = ?1 AND (reason <> ?2 OR message <> ?3)",
    [SQL_GROUP_FORGET] =
        "DELETE FROM groups WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE group_id = ?1)",
    [SQL_OLDEST_WAITING] =
        "SELECT queued_at FROM jobs WHERE group_id IS NOT NULL ORDER BY queued_at LIMIT 1"
        " /* scan: jobs, its first entry in the index */",

    [SQL_JOB_ADD] =
        "INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status, "
        "created_at,"
        " updated_at, queued_at, scope, group_id, reason, message, not_before, valid_until, "
        "receiver, created_by)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'queued', ?7, ?7, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, "
        "?15)",
    [SQL_JOB_SHOW] = "SELECT" JOB_SHOWN_COLUMNS JOB_FROM
                     "WHERE j.type = ?1 AND j.request_id = ?2 AND j.deleted_at IS NULL",
    [SQL_JOB_BY_ID] = "SELECT" JOB_COLUMNS JOB_FROM "WHERE j.id = ?1",
    [SQL_JOB_SHOWN_BY_ID] = "SELECT" JOB_SHOWN_COLUMNS JOB_FROM "WHERE j.type = ?1 AND j.id = ?2",
    [SQL_JOB_TOUCH] = "UPDATE jobs SET updated_at = ?2, version = version + 1 WHERE id = ?1",
    [SQL_JOB_PRIORITY] = "UPDATE jobs SET priority = ?2 WHERE id = ?1",
    [SQL_JOB_MAKE_WAY] = "UPDATE jobs SET priority = ?2, updated_at = ?3, version = version + 1"
                         " WHERE id = ?1",
    [SQL_JOB_CALLBACK] = "UPDATE jobs SET callback = ?2, receiver = ?3 WHERE id = ?1",
    [SQL_JOB_DATA] = "UPDATE jobs SET data = ?2, scope = ?3 WHERE id = ?1",
    [SQL_JOB_NOT_BEFORE] = "UPDATE jobs SET not_before = ?2 WHERE id = ?1",
    [SQL_JOB_VALID_UNTIL] = "UPDATE jobs SET valid_until = ?2 WHERE id = ?1",
    [SQL_JOB_GROUP] = "UPDATE jobs SET group_id = ?2, reason = ?3, message = ?4 WHERE id = ?1",
    [SQL_JOB_QUEUED] =
        "UPDATE jobs SET status = 'queued', queued_at = COALESCE(?2, queued_at), reason = NULL,"
        " message = NULL, admitted_at = NULL, started_at = NULL, confirmed_at = NULL, finished_at "
        "= NULL,"
        " hosts = NULL, attempts = 0, next_try = NULL, hold_until = NULL,"
        " requeues = CASE WHEN ?2 IS NULL THEN requeues ELSE 0 END WHERE id = ?1",
    [SQL_JOB_HELD] = "UPDATE jobs SET status = 'held', group_id = NULL, reason = NULL, message = "
                     "NULL WHERE id = ?1",
    [SQL_JOB_RUNNING] = "UPDATE jobs SET confirmed_at = CASE status WHEN 'running' THEN ?2 END,"
                        " started_at = COALESCE(started_at, ?2), status = 'running', group_id = "
                        "NULL, reason = NULL,"
                        " message = NULL, next_try = CASE status WHEN 'running' THEN next_try END,"
                        " hold_until = NULL, requeues = 0 WHERE id = ?1",
    [SQL_JOB_OVER] =
        "UPDATE jobs SET status = ?2, group_id = NULL, reason = ?3, message = ?4, finished_at = ?5,"
        " next_try = NULL, hold_until = NULL WHERE id = ?1",
    [SQL_JOB_DELETE] = "UPDATE jobs SET deleted_at = ?2 WHERE id = ?1",

    /* Two ranges rather than (priority, id) > (?, ?): the rowid part of an index is not used for
       the latter. */
    [SQL_LIST_SAME] =
        "SELECT" JOB_SHOWN_COLUMNS JOB_FROM
        "WHERE j.type = ?1 AND j.deleted_at IS NULL AND j.priority = ?2 AND j.id > ?3" STATUS_FILTER
        " ORDER BY j.id",
    [SQL_LIST] = "SELECT" JOB_SHOWN_COLUMNS JOB_FROM
                 "WHERE j.type = ?1 AND j.deleted_at IS NULL AND j.priority > ?2" STATUS_FILTER
                 " ORDER BY j.priority, j.id",
    [SQL_LIST_OWNER_SAME] =
        "SELECT" JOB_SHOWN_COLUMNS JOB_FROM
        "WHERE j.type = ?1 AND j.owner_id = ?12 AND j.deleted_at IS NULL AND j.priority = ?2"
        " AND j.id > ?3" STATUS_FILTER " ORDER BY j.id",
    [SQL_LIST_OWNER] = "SELECT" JOB_SHOWN_COLUMNS JOB_FROM
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

    [SQL_ADMIT] = "UPDATE jobs SET status = 'admitted', group_id = NULL, reason = NULL, message = "
                  "NULL, admitted_at = ?3,"
                  " updated_at = ?3, hosts = ?4, attempts = 0, next_try = ?6, hold_until = ?5, "
                  "version = version + 1,"
                  " admissions = admissions + 1 WHERE id = ?1 AND group_id = ?2"
                  " AND (valid_until IS NULL OR valid_until > ?3) AND NOT EXISTS"
                  " (SELECT 1 FROM queues q WHERE q.type = jobs.type AND q.paused = 1)",
    [SQL_PLACE] = "UPDATE jobs SET hosts = ?2, updated_at = ?3, version = version + 1"
                  " WHERE id = ?1 AND status = 'running' AND hosts IS NULL",
    /* A second hold of the same moment is added, and counts for as long as the newer one. */
    [SQL_HOLD_ADD] =
        "INSERT INTO holds (queue, host, resource, job_id, since, amount)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (queue, host, resource, job_id, since)"
        " DO UPDATE SET amount = amount + excluded.amount, until = NULL",
    [SQL_HOLD_DROP] = "DELETE FROM holds WHERE job_id = ?1 AND until IS NULL",
    [SQL_HOLD_SETTLE] =
        "UPDATE holds SET until = (SELECT min(COALESCE(holds.until, 9223372036854775807),"
        " j.started_at + ?2, COALESCE(j.confirmed_at, 9223372036854775807))"
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
        "UPDATE holds SET queue = ?3 WHERE queue = ?1"
        " AND EXISTS (SELECT 1 FROM jobs WHERE jobs.id = holds.job_id AND jobs.type = ?2)",
    [SQL_HOLD_OLD] = "SELECT 1 FROM holds WHERE until <= ?1 LIMIT 1",
    [SQL_HOLD_DROP_OLD] =
        "DELETE FROM holds WHERE (queue, host, resource, job_id, since) IN"
        " (SELECT queue, host, resource, job_id, since FROM holds WHERE until <= ?1"
        " ORDER BY until LIMIT ?2)",
    [SQL_UNPLACED] =
        "SELECT" JOB_COLUMNS JOB_FROM "WHERE j.status = 'running' AND j.hosts IS NULL AND j.id > ?1"
        " ORDER BY j.id",

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
    [SQL_DUE] = "SELECT" JOB_COLUMNS ", j.attempts, j.next_try, j.hold_until, j.admissions" JOB_FROM
                "WHERE j.id = ?1 AND j.next_try IS NOT NULL",
    [SQL_TRY_AGAIN] =
        "UPDATE jobs SET attempts = attempts + 1, next_try = CASE WHEN next_try < 0"
        " AND next_try <> ?6 THEN next_try ELSE ?2 END, reason = ?3, message = ?4, updated_at = ?5,"
        " version = version + 1 WHERE id = ?1 RETURNING next_try <> ?2",
    [SQL_SENT_AGAIN] = "UPDATE jobs SET next_try = NULL WHERE id = ?1 AND next_try = ?2",
    [SQL_JOB_CALLED] =
        "SELECT" JOB_COLUMNS JOB_FROM "WHERE j.id = ?1 AND j.admissions = ?2 AND j.status = ?3",
    [SQL_JOB_REQUEUES] = "SELECT requeues FROM jobs WHERE id = ?1",
    [SQL_JOB_REQUEUED] = "UPDATE jobs SET requeues = requeues + 1, message = ?2 WHERE id = ?1",
    [SQL_DELIVERY_LAST] = "SELECT n FROM deliveries WHERE job_id = ?1 ORDER BY n DESC LIMIT 1",
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
    [SQL_RESEND] = "UPDATE jobs SET next_try = ?2 WHERE id = ?1",

    [SQL_READING_GET] = "SELECT digest, error, about, read_at FROM readings WHERE queue = ?1",
    [SQL_READING_SET] =
        "INSERT INTO readings (queue, digest, tried_at, ns, read_at, about)"
        " VALUES (?1, ?2, ?3, ?4, ?3, ?5) ON CONFLICT (queue) DO UPDATE SET digest = ?2,"
        " tried_at = ?3, ns = ?4, read_at = ?3, error = NULL, about = ?5",
    [SQL_READING_FAILED] =
        "INSERT INTO readings (queue, tried_at, ns, error) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (queue) DO UPDATE SET tried_at = ?2, ns = ?3, error = ?4",
    [SQL_READING_POOLS_DROP] = "DELETE FROM reading_pools WHERE queue = ?1",
    [SQL_READING_POOL_ADD] = "INSERT INTO reading_pools (queue, pool, open, closed, unread, exact)"
                             " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_READING_PROJECTS_DROP] = "DELETE FROM reading_projects WHERE queue = ?1",
    [SQL_READING_PROJECT_ADD] =
        "INSERT OR IGNORE INTO reading_projects (queue, pool, project) VALUES (?1, ?2, ?3)",
    [SQL_READING_HOSTS_DROP] = "DELETE FROM reading_hosts WHERE queue = ?1",
    [SQL_READING_HOST_ADD] =
        "INSERT OR IGNORE INTO reading_hosts (queue, pool, host) VALUES (?1, ?2, ?3)",
    [SQL_READING_TOTALS_DROP] = "DELETE FROM reading_totals WHERE queue = ?1",
    [SQL_READING_TOTAL_ADD] = "INSERT INTO reading_totals (queue, host, resource, amount, used)"
                              " VALUES (?1, ?2, ?3, ?4, ?5)",
    [SQL_READING_USED] = "SELECT host, resource, used FROM reading_totals WHERE queue = ?1"
                         " ORDER BY host, resource",
    [SQL_READING_USED_SET] =
        "UPDATE reading_totals SET used = ?4 WHERE queue = ?1 AND host = ?2 AND resource = ?3",
    [SQL_READING_OF_POOL] = "SELECT t.host, t.resource, t.amount FROM reading_hosts h"
                            " JOIN reading_totals t ON t.queue = h.queue AND t.host = h.host"
                            " WHERE h.queue = ?1 AND h.pool = ?2 ORDER BY h.host",
    /* Which pools serve a scope: ?2 is what it names. */
    [SQL_POOLS_ALL] = "SELECT pool, unread + exact FROM reading_pools WHERE queue = ?1",
    [SQL_POOLS_CALLED] =
        "SELECT pool, unread + exact FROM reading_pools p WHERE queue = ?1 AND pool = ?2"
        " AND (NOT closed OR ?3 IS NULL OR EXISTS (SELECT 1 FROM reading_projects r"
        " WHERE r.queue = ?1 AND r.project = ?3 AND r.pool = ?2))",
    [SQL_POOLS_OF_PROJECT] =
        "SELECT p.pool, p.unread + p.exact FROM reading_projects r JOIN reading_pools p"
        " ON p.queue = r.queue AND p.pool = r.pool WHERE r.queue = ?1 AND r.project = ?2",
    [SQL_POOLS_OPEN] =
        "SELECT pool, unread + exact FROM reading_pools WHERE queue = ?1 AND open = 1",

    /* Readings as people see them. */
    [SQL_VIEW_POOLS] = "SELECT pool, open, unread, (SELECT count(*) FROM reading_hosts h"
                       " WHERE h.queue = p.queue AND h.pool = p.pool)"
                       " FROM reading_pools p WHERE queue = ?1 ORDER BY pool",
    [SQL_VIEW_PROJECTS] =
        "SELECT project FROM reading_projects WHERE queue = ?1 AND pool = ?2 ORDER BY project",
    [SQL_VIEW_HOSTS] = "SELECT host FROM reading_hosts WHERE queue = ?1"
                       " UNION SELECT host FROM reading_totals WHERE queue = ?1 ORDER BY host",
    [SQL_VIEW_POOLS_OF_HOST] =
        "SELECT pool FROM reading_hosts WHERE queue = ?1 AND host = ?2 ORDER BY pool",
    [SQL_VIEW_OF_HOST] = "SELECT resource, amount, used," HELD_OF_TOTAL " FROM reading_totals t"
                         " WHERE queue = ?1 AND host = ?2 ORDER BY resource",
    [SQL_VIEW_OF_POOL] = "SELECT t.resource, t.amount, t.used," HELD_OF_TOTAL
                         " FROM reading_hosts h JOIN reading_totals t"
                         " ON t.queue = h.queue AND t.host = h.host"
                         " WHERE h.queue = ?1 AND h.pool = ?2",

    /* Paused queues, and how many jobs hold something. */
    [SQL_QUEUE_PAUSE] =
        "UPDATE queues SET paused = ?2, version = version + 1 WHERE type = ?1 AND paused <> ?2",
    [SQL_QUEUE_ADD_PAUSED] =
        "INSERT INTO queues (type, version, waiting, last_priority, paused)"
        " VALUES (?1, ?2, 0, -9223372036854775808, 1) ON CONFLICT (type) DO NOTHING",
    [SQL_HOLDING] = "SELECT owner_id, type, count(*) FROM jobs WHERE status = 'admitted'"
                    " OR status = 'running' GROUP BY owner_id, type"
                    " /* scan: jobs, those that hold something, in their own index */",

    /* What goes: ?1 says how old it must be, ?2 how much of it. */
    [SQL_JOB_OLD] = "SELECT id, type FROM jobs WHERE finished_at <= ?1 AND NOT EXISTS"
                    " (SELECT 1 FROM holds h WHERE h.job_id = jobs.id)"
                    " ORDER BY finished_at LIMIT 1",
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

    /* Owners: what each has that waits, his jobs one by one, and whom he would pass. */
    [SQL_OWNER_GET] = "SELECT waiting FROM owners WHERE owner_id = ?1",
    [SQL_OWNER_TOUCH] = "UPDATE owners SET waiting = waiting + ?2 WHERE owner_id = ?1",
    [SQL_OWNER_ADD] = "INSERT INTO owners (owner_id, waiting) VALUES (?1, ?2)",
    [SQL_OWNER_DROP] = "DELETE FROM owners WHERE owner_id = ?1 AND waiting = 0",
    [SQL_OWNER_NEXT_SAME] =
        "SELECT priority, id FROM jobs j WHERE type = ?1 AND owner_id = ?12 AND deleted_at IS NULL"
        " AND priority = ?2 AND id > ?3" STATUS_FILTER " ORDER BY id LIMIT 1",
    [SQL_OWNER_NEXT] =
        "SELECT priority, id FROM jobs j WHERE type = ?1 AND owner_id = ?12 AND deleted_at IS NULL"
        " AND priority > ?2" STATUS_FILTER " ORDER BY priority, id LIMIT 1",
    [SQL_OWNER_BETWEEN] =
        "SELECT priority, id FROM jobs WHERE type = ?1 AND owner_id = ?2 AND deleted_at IS NULL"
        " AND priority BETWEEN ?3 AND ?4 AND (status IN ('queued', 'held') OR id = ?5)"
        " ORDER BY priority, id",
    [SQL_OWNERS_BEHIND] = "SELECT owner_id FROM jobs WHERE type = ?1 AND deleted_at IS NULL"
                          " AND priority > ?2 ORDER BY priority, id",
    [SQL_PRIORITY_GET] = "SELECT priority FROM jobs WHERE id = ?1",

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
