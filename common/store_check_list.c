/* SPDX-License-Identifier: MIT */
/*
 * What Anteroom relies on in its database, question by question. Each is a walk or two over what it
 * is about; test_store_check holds that, and breaks each of them once.
 */
#include "store_check.h"

/* How a job is named. */
#define JOB "'job ' || j.id || ' (' || j.type || '/' || j.request_id || ') '"

/* The latest that anything can be said to have been: a clock that was ahead and has been set back
 * has said later times than now (store_clock.h). */
#define NOW "max(?1, (SELECT COALESCE(max(c.latest), 0) + 86400000000000 FROM clock c))"

const struct store_question store_questions[] = {
    {"instance", "the database has one name of its own",
     "SELECT 'it has ' || n || ' names, the longest of ' || length || ' characters, and needs one"
     " of 16' FROM (SELECT count(*) n, COALESCE(max(length(name)), 0) length FROM instance)"
     " WHERE n <> 1 OR length <> 16"},

    /* jobs */
    {"job-id", "no ID is given twice",
     "SELECT 'the last job is ' || m.id || ', and the next one would be '"
     " || (COALESCE(s.seq, 0) + 1) FROM (SELECT max(id) id FROM jobs) m"
     " LEFT JOIN sqlite_sequence s ON s.name = 'jobs' WHERE m.id > COALESCE(s.seq, 0)"},
    {"job-request", "a request_id is unique within its type",
     "SELECT n || ' jobs of the type ' || type || ' have the request_id ' || request_id"
     " || ': ' || ids FROM (SELECT type, request_id, count(*) n, group_concat(id, ', ') ids"
     " FROM jobs NOT INDEXED WHERE deleted_at IS NULL GROUP BY type, request_id) WHERE n > 1"},
    {"job-callback", "a callback is unique",
     "SELECT n || ' jobs have the callback ' || callback || ': ' || ids FROM (SELECT callback,"
     " count(*) n, group_concat(id, ', ') ids FROM jobs NOT INDEXED WHERE deleted_at IS NULL"
     " GROUP BY callback) WHERE n > 1"},
    {"job-data", "data and hosts are JSON",
     "SELECT " JOB "|| 'has ' || CASE WHEN json_valid(data) THEN 'hosts' ELSE 'data' END"
     " || ' that is no JSON' FROM jobs j WHERE NOT json_valid(data)"
     " OR (hosts IS NOT NULL AND NOT json_valid(hosts))"},
    {"job-admitted", "an admitted job has hosts, a next try of its callback, an end of its hold",
     "SELECT " JOB "|| 'is admitted without hosts, next_try, hold_until or admitted_at'"
     " FROM jobs j WHERE status = 'admitted' AND (hosts IS NULL OR next_try IS NULL"
     " OR hold_until IS NULL OR admitted_at IS NULL)"},
    {"job-running", "a running job has begun",
     "SELECT " JOB "|| 'is running without started_at' FROM jobs j"
     " WHERE status = 'running' AND started_at IS NULL"},
    {"job-over", "a job has ended exactly when it is over",
     "SELECT " JOB "|| 'is ' || status || CASE WHEN finished_at IS NULL THEN ' without'"
     " ELSE ' with' END || ' finished_at' FROM jobs j WHERE (finished_at IS NULL) ="
     " (status IN ('finished', 'failed', 'cancelled', 'expired'))"},
    {"job-deleted", "a deleted job is over",
     "SELECT " JOB "|| 'is deleted and ' || status FROM jobs j WHERE deleted_at IS NOT NULL"
     " AND status NOT IN ('finished', 'failed', 'cancelled', 'expired')"},
    {"job-due", "callbacks are due of admitted and running jobs only, and of known receivers",
     "SELECT " JOB "|| CASE WHEN status IN ('admitted', 'running') THEN 'has no receiver'"
     " ELSE 'is ' || status || ', and its callback is due' END FROM jobs j"
     " WHERE next_try IS NOT NULL AND (status NOT IN ('admitted', 'running') OR receiver = '')"},
    {"job-group", "a job that waits is in its own group, or asleep",
     "SELECT " JOB "|| CASE WHEN j.group_id IS NULL THEN 'waits in no group, and is not asleep'"
     " WHEN g.id IS NULL THEN 'is in group ' || j.group_id || ', which is not there'"
     " ELSE 'is in group ' || g.id || ', which is of another type, owner or scope' END"
     " FROM jobs j LEFT JOIN groups g ON g.id = j.group_id WHERE j.status = 'queued'"
     " AND (CASE WHEN j.group_id IS NULL THEN j.not_before IS NULL ELSE g.id IS NULL"
     " OR g.type <> j.type OR g.owner_id <> j.owner_id OR g.scope <> j.scope END)"},
    {"job-awake", "nobody else is in a group",
     "SELECT " JOB "|| 'is ' || status || ', and in group ' || group_id FROM jobs j"
     " WHERE group_id IS NOT NULL AND (status <> 'queued' OR deleted_at IS NOT NULL)"},
    {"job-time", "what a job has behind it is not to come",
     "SELECT " JOB "|| 'has a time in the future: '"
     " || strftime('%Y-%m-%dT%H:%M:%SZ', latest / 1000000000, 'unixepoch')"
     " FROM (SELECT id, type, request_id, max(created_at, updated_at, queued_at,"
     " COALESCE(admitted_at, 0), COALESCE(started_at, 0), COALESCE(confirmed_at, 0),"
     " COALESCE(finished_at, 0), COALESCE(deleted_at, 0)) latest FROM jobs) j WHERE latest > " NOW},

    {"group-head", "the first job of a group is the one that its row has, if any",
     "SELECT 'group ' || g.id || ' has job ' || g.head_id || ' as its first, and it is '"
     " || COALESCE(h.id, 'empty') FROM groups g LEFT JOIN jobs h ON h.id = (SELECT j.id"
     " FROM jobs j WHERE j.group_id = g.id ORDER BY j.priority, j.id LIMIT 1)"
     " WHERE g.head_id IS NOT NULL AND (h.id IS NOT g.head_id OR h.priority <> g.head_priority"
     " OR h.queued_at <> g.head_queued_at)"},

    /* counts */
    {"queue-row", "every type with a job has a queue",
     "SELECT 'the type ' || type || ' has jobs, and no queue' FROM (SELECT DISTINCT type FROM jobs"
     " WHERE deleted_at IS NULL) t WHERE NOT EXISTS (SELECT 1 FROM queues q"
     " WHERE q.type = t.type)"},
    {"queue-waiting", "a queue knows how many of its jobs wait",
     "SELECT 'queue ' || q.type || ' has ' || q.waiting || ' waiting jobs on its books, and '"
     " || COALESCE(c.n, 0) || ' wait' FROM queues q LEFT JOIN (SELECT type, count(*) n FROM jobs"
     " WHERE deleted_at IS NULL AND status IN ('queued', 'held') GROUP BY type) c"
     " ON c.type = q.type WHERE q.waiting <> COALESCE(c.n, 0)"},
    {"queue-jobs", "a queue knows how many of its jobs are in each state",
     "SELECT 'queue ' || type || ' has ' || sum(booked) || ' ' || status || ' jobs on its books,"
     " and there are ' || sum(n) FROM (SELECT type, 'queued' status, queued booked, 0 n FROM queues"
     " UNION ALL SELECT type, 'held', held, 0 FROM queues"
     " UNION ALL SELECT type, 'admitted', admitted, 0 FROM queues"
     " UNION ALL SELECT type, 'running', running, 0 FROM queues"
     " UNION ALL SELECT type, 'finished', finished, 0 FROM queues"
     " UNION ALL SELECT type, 'failed', failed, 0 FROM queues"
     " UNION ALL SELECT type, 'cancelled', cancelled, 0 FROM queues"
     " UNION ALL SELECT type, 'expired', expired, 0 FROM queues"
     " UNION ALL SELECT type, status, 0, count(*) FROM jobs WHERE deleted_at IS NULL"
     " GROUP BY type, status) GROUP BY type, status HAVING sum(booked) <> sum(n)"},
    {"owner-waiting", "the books have how many jobs of an owner wait",
     "SELECT 'owner ' || owner_id || ' has ' || sum(booked) || ' waiting jobs on the books, and '"
     " || sum(n) || ' wait' FROM (SELECT owner_id, waiting booked, 0 n FROM owners UNION ALL"
     " SELECT owner_id, 0, count(*) FROM jobs WHERE status IN ('queued', 'held')"
     " GROUP BY owner_id) GROUP BY owner_id HAVING sum(booked) <> sum(n) OR sum(n) = 0"},

    /* what is held, readings */
    {"hold-end", "only admitted and running jobs hold anything without an end",
     "SELECT " JOB "|| 'is ' || j.status || ', and holds ' || h.amount || ' ' || h.resource"
     " || ' on ' || h.host FROM holds h JOIN jobs j ON j.id = h.job_id"
     " WHERE h.until IS NULL AND j.status NOT IN ('admitted', 'running')"},
    {"reading-pool", "hosts and projects of a reading are in pools that it has",
     "SELECT 'the reading of ' || queue || ' has ' || what || ' ' || name || ' in the pool '"
     " || pool || ', which is not there' FROM (SELECT queue, pool, 'host' what, host name"
     " FROM reading_hosts UNION ALL SELECT queue, pool, 'project', project FROM reading_projects) r"
     " WHERE NOT EXISTS (SELECT 1 FROM reading_pools p WHERE p.queue = r.queue"
     " AND p.pool = r.pool)"},
    {"reading-row", "pools and amounts belong to a reading",
     "SELECT 'there is no reading of ' || queue || ', and ' || what || ' of it' FROM"
     " (SELECT DISTINCT queue, 'pools' what FROM reading_pools UNION ALL"
     " SELECT DISTINCT queue, 'amounts' FROM reading_totals) t"
     " WHERE NOT EXISTS (SELECT 1 FROM readings r WHERE r.queue = t.queue)"},
    {"reading-size", "a reading knows how many pools and hosts it has",
     "SELECT 'the reading of ' || r.queue || ' has ' || r.pools || ' pools and ' || r.hosts"
     " || ' hosts on its books, and there are ' || COALESCE(p.n, 0) || ' and ' || COALESCE(h.n, 0)"
     " FROM readings r LEFT JOIN (SELECT queue, count(*) n FROM reading_pools GROUP BY queue) p"
     " ON p.queue = r.queue LEFT JOIN (SELECT queue, count(DISTINCT host) n FROM reading_totals"
     " GROUP BY queue) h ON h.queue = r.queue"
     " WHERE r.pools <> COALESCE(p.n, 0) OR r.hosts <> COALESCE(h.n, 0)"},

    /* history */
    {"event-number", "events are numbered from 1 on, and deliveries are",
     "SELECT 'job ' || job_id || ' has ' || what || ' number ' || n FROM (SELECT job_id, n,"
     " 'an event' what FROM events UNION ALL SELECT job_id, n, 'a delivery' FROM deliveries)"
     " WHERE n < 1"},
    {"event-word", "events and deliveries are of the kinds that there are",
     "SELECT 'job ' || job_id || ' has ' || what || ' ' || word FROM (SELECT job_id,"
     " 'the event' what, event word FROM events WHERE event NOT IN ('status', 'order', 'changed',"
     " 'deleted', 'resend') UNION ALL SELECT job_id, 'the delivery', outcome FROM deliveries"
     " WHERE outcome NOT IN ('accepted', 'again', 'failed', 'requeued', 'void'))"},
    {"event-time", "what is noted has been",
     "SELECT what || ' has a time in the future: '"
     " || strftime('%Y-%m-%dT%H:%M:%SZ', at / 1000000000, 'unixepoch') FROM"
     " (SELECT 'event ' || n || ' of job ' || job_id what, at FROM events UNION ALL"
     " SELECT 'delivery ' || n || ' of job ' || job_id, at FROM deliveries UNION ALL"
     " SELECT 'the reading of ' || queue, tried_at FROM readings UNION ALL"
     " SELECT 'the first answer to ' || type || '/' || key, created_at FROM answers UNION ALL"
     " SELECT 'the receiver ' || origin, failed_at FROM receivers UNION ALL"
     " SELECT 'the token ' || name, created_at FROM tokens) WHERE at > " NOW},

    /* the door */
    {"token", "a token has its digest, and one of an owner has owners",
     "SELECT 'the token ' || name || CASE WHEN length(digest) <> 32 OR digest = zeroblob(32)"
     " THEN ' has no digest' ELSE ' has no list of owners' END FROM tokens"
     " WHERE length(digest) <> 32 OR digest = zeroblob(32) OR NOT json_valid(owners)"
     " OR (role = 'owner' AND CASE WHEN json_valid(owners) THEN json_array_length(owners) = 0"
     " END)"},
    {"answer", "a first answer has the digest of its request",
     "SELECT 'the first answer to ' || type || '/' || key || ' has a digest of '"
     " || length(digest) || ' bytes' FROM answers WHERE length(digest) <> 32"},
};
const size_t store_questions_count = ARRAY_LEN(store_questions);
