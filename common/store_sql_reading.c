/* SPDX-License-Identifier: MIT */
/* Statements: readings of the capacity, why jobs wait, and the history of starts. */
#include "store_sql_inner.h"

/* What is held of a host's resource, t's, of the account ?4 as it counts for a reading of
   the time ?3. */
#define HELD_OF_TOTAL                                                                              \
    " (SELECT COALESCE(sum(x.amount), 0) FROM holds x WHERE x.queue = ?4 AND x.host = t.host"      \
    " AND x.resource = t.resource AND (x.until IS NULL OR x.until > ?3))"

/* A group, and how many of its jobs come before the priority ?2 and id ?3. */
#define AHEAD_OF_GROUP                                                                             \
    "SELECT g.type, g.scope, g.shape,"                                                             \
    " (SELECT count(*) FROM jobs j WHERE j.group_id = g.id AND j.priority < ?2)"                   \
    " + (SELECT count(*) FROM jobs j WHERE j.group_id = g.id AND j.priority = ?2 AND j.id < ?3)"   \
    " FROM groups g "

const char *const store_sql_reading[SQL_NAMES] = {
    [SQL_READING_GET] = "SELECT digest, error, about, read_at FROM readings WHERE queue = ?1",
    /* What a queue without a source is said to have took no time to read. */
    [SQL_READING_OF_SOURCE] = "SELECT 1 FROM readings WHERE queue = ?1 AND read_at IS NOT NULL"
                              " AND (ns > 0 OR pools > 0 OR hosts > 0)",
    [SQL_READING_SET] =
        "INSERT INTO readings (queue, digest, tried_at, ns, read_at, about, pools, hosts)"
        " VALUES (?1, ?2, ?3, ?4, ?3, ?5, ?6, ?7) ON CONFLICT (queue) DO UPDATE SET digest = ?2,"
        " tried_at = ?3, ns = ?4, read_at = ?3, error = NULL, about = ?5, pools = ?6, hosts = ?7",
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

    /* Who stands before a job (?2, ?3: its priority and id), group by group. */
    [SQL_WAIT_JOB] = "SELECT j.group_id, g.reason_at FROM jobs j LEFT JOIN groups g"
                     " ON g.id = j.group_id WHERE j.id = ?1",
    [SQL_WAIT_HELD] = "SELECT at FROM events WHERE job_id = ?1 AND to_status = 'held'"
                      " ORDER BY n DESC LIMIT 1",
    [SQL_WAIT_GROUPS] = AHEAD_OF_GROUP "WHERE g.type = ?1 ORDER BY g.scope",
    [SQL_WAIT_GROUPS_ALL] = AHEAD_OF_GROUP
    "ORDER BY g.type, g.scope /* scan: g, all types that share one entry of the configuration */",

    /* The history of starts. */
    [SQL_STARTS_SINCE] = "SELECT max(queued_at, COALESCE(not_before, 0)) FROM jobs"
                         " WHERE id = ?1 AND admissions = 1",
    [SQL_STARTS_LAST] = "SELECT n, totals FROM starts WHERE queue = ?1 AND lane = ?2"
                        " ORDER BY n DESC LIMIT 1",
    [SQL_STARTS_ADD] = "INSERT INTO starts (queue, lane, n, at, totals, starts)"
                       " VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
    [SQL_STARTS_TRIM] = "DELETE FROM starts WHERE queue = ?1 AND lane = ?2 AND n <= ?3",
    [SQL_STARTS_LIST] = "SELECT n, at, starts FROM starts WHERE queue = ?1 AND lane = ?2"
                        " ORDER BY n DESC",
    [SQL_STARTS_OLD] = "SELECT 1 FROM starts WHERE at <= ?1 LIMIT 1",
    [SQL_STARTS_DROP_OLD] =
        "DELETE FROM starts WHERE (queue, lane, n) IN"
        " (SELECT queue, lane, n FROM starts WHERE at <= ?1 ORDER BY at LIMIT ?2)",
};
