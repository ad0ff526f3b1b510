/* SPDX-License-Identifier: MIT */
/* Statements: queues, groups of jobs that wait alike, and owners. */
#include "store_sql_inner.h"

/* The columns of a queue in the order in which store_queues.c reads them: the statuses in that of
 * enum job_status. */
#define QUEUE_COLUMNS                                                                              \
    " version, paused, queued, held, admitted, running, finished, failed, cancelled, expired"

const char *const store_sql_queue[SQL_NAMES] = {
    [SQL_QUEUE_GET] = "SELECT version, last_priority, waiting, paused FROM queues WHERE type = ?1",
    [SQL_QUEUE_TOUCH] = "UPDATE queues SET version = version + 1,"
                        " last_priority = max(last_priority, ?2) WHERE type = ?1",
    [SQL_QUEUE_CREATED] = "UPDATE queues SET version = version + ?3, queued = queued + ?3,"
                          " waiting = waiting + ?3, last_priority = max(last_priority, ?2)"
                          " WHERE type = ?1",
    /* From ?2 on in the order of enum job_status. */
    [SQL_QUEUE_COUNT] =
        "UPDATE queues SET version = version + 1, queued = queued + ?2, held = held + ?3,"
        " waiting = waiting + ?2 + ?3, admitted = admitted + ?4, running = running + ?5,"
        " finished = finished + ?6, failed = failed + ?7, cancelled = cancelled + ?8,"
        " expired = expired + ?9 WHERE type = ?1",
    [SQL_QUEUE_ADD] =
        "INSERT INTO queues (type, version, last_priority, waiting, queued, held, admitted,"
        " running, finished, failed, cancelled, expired)"
        " SELECT ?1, ?2, ?3, count(*) FILTER (WHERE status = 'queued' OR status = "
        "'held')," STATUS_COUNTS " FROM jobs WHERE type = ?1 AND deleted_at IS NULL",
    [SQL_QUEUE_TOUCH_OF_GROUP] = "UPDATE queues SET version = version + 1"
                                 " WHERE type = (SELECT type FROM groups WHERE id = ?1)",
    /* Queues as people see them. */
    [SQL_QUEUE_VIEW] = "SELECT" QUEUE_COLUMNS " FROM queues WHERE type = ?1",
    [SQL_QUEUE_NEXT] = "SELECT type FROM queues WHERE type > ?1 AND (paused = 1"
                       " OR queued + held + admitted + running + finished + failed + cancelled"
                       " + expired > 0) ORDER BY type LIMIT 1",
    [SQL_QUEUE_SOURCE] = "SELECT tried_at, ns, read_at, error, about, pools, hosts FROM readings"
                         " WHERE queue = ?1",
    [SQL_QUEUE_SUMS] =
        "SELECT sum(paused = 1 OR queued + held + admitted + running + finished + failed"
        " + cancelled + expired > 0), sum(queued), sum(held), sum(admitted), sum(running),"
        " sum(finished), sum(failed), sum(cancelled), sum(expired) FROM queues /* scan: queues */",
    [SQL_RECEIVER_SUMS] =
        "SELECT count(*), sum(paused_until <> 0) FROM receivers /* scan: receivers */",
    [SQL_GROUP_FIND] = "SELECT id, reason, message, seq, CASE WHEN head_id IS NULL THEN "
                       "-9223372036854775808 ELSE head_priority END FROM groups WHERE type = ?1"
                       " AND scope = ?2 AND owner_id = ?3 AND shape = ?4",
    [SQL_GROUP_ADD] = "INSERT INTO groups (type, scope, owner_id, shape, reason, message,"
                      " reason_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    [SQL_GROUP_ALL] =
        "SELECT id, type, scope, shape, reason, message, owner_id, type IN (SELECT q.type"
        " FROM queues q INDEXED BY queues_paused WHERE q.paused = 1 AND q.type > ''), head_id,"
        " head_priority, head_queued_at FROM groups WHERE id >= ?1 AND id < ?2",
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
    /* Numbers in the message change often; since when is about the word. */
    [SQL_GROUP_REASON] =
        "UPDATE groups SET reason = ?2, message = ?3, seq = seq + 1, reason_at = CASE reason"
        " WHEN ?2 THEN reason_at ELSE ?4 END WHERE id = ?1 AND (reason <> ?2 OR message <> ?3)",
    [SQL_GROUP_FORGET] =
        "DELETE FROM groups WHERE id = ?1 AND NOT EXISTS (SELECT 1 FROM jobs WHERE group_id = ?1)",
    /* The heads that are known: ?1's is not, if a job of the priority ?2 comes before it. */
    [SQL_GROUP_PASSED] = "UPDATE groups SET head_id = NULL"
                         " WHERE id = ?1 AND head_id IS NOT NULL AND head_priority > ?2",
    [SQL_GROUP_KEEP_HEAD] =
        "UPDATE groups SET (head_id, head_priority, head_queued_at) = (SELECT id, priority,"
        " queued_at FROM jobs WHERE group_id = ?1 ORDER BY priority, id LIMIT 1)"
        " WHERE id = ?1 AND head_id IS NULL",
    [SQL_OLDEST_WAITING] =
        "SELECT min((SELECT j.queued_at FROM jobs j WHERE j.type = q.type AND j.group_id IS NOT"
        " NULL ORDER BY j.queued_at LIMIT 1)) FROM queues q WHERE q.waiting > 0"
        " /* scan: q, the types: a pass looks at each that has somebody who waits */",
    [SQL_OLDEST_OF_TYPE] = "SELECT queued_at FROM jobs WHERE type = ?1 AND group_id IS NOT NULL"
                           " ORDER BY queued_at LIMIT 1",

    /* Paused queues, and how many jobs hold something. */
    [SQL_QUEUE_PAUSE] =
        "UPDATE queues SET paused = ?2, version = version + 1 WHERE type = ?1 AND paused <> ?2",
    [SQL_QUEUE_ADD_PAUSED] =
        "INSERT INTO queues (type, version, waiting, last_priority, paused)"
        " VALUES (?1, ?2, 0, -9223372036854775808, 1) ON CONFLICT (type) DO NOTHING",
    [SQL_HOLDING] = "SELECT owner_id, type, count(*) FROM jobs WHERE status = 'admitted'"
                    " OR status = 'running' GROUP BY owner_id, type"
                    " /* scan: jobs, those that hold something, in their own index */",

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
    [SQL_OWNER_COUNTS] = "SELECT" STATUS_COUNTS
                         " FROM jobs WHERE type = ?1 AND owner_id = ?2 AND deleted_at IS NULL",
    [SQL_OWNER_NEXT_TYPE] = "SELECT type FROM jobs WHERE type > ?1 AND owner_id = ?2"
                            " AND deleted_at IS NULL ORDER BY type LIMIT 1",
    [SQL_OWNER_OLDEST] = "SELECT min((SELECT min(j.queued_at) FROM jobs j WHERE j.group_id = g.id))"
                         " FROM groups g WHERE g.type = ?1 AND g.owner_id = ?2",
};
