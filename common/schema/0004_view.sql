-- SPDX-License-Identifier: MIT
-- Version 4: what operators and tenants look at: how many jobs are in which state, since when a group waits for its reason, what the
-- queues were served in the past, and the request that a job came with.

-- How many jobs of the type are in each state; deleted ones are not counted. queued + held = waiting.
ALTER TABLE queues ADD COLUMN queued    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN held      INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN admitted  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN running   INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN finished  INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN failed    INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN cancelled INTEGER NOT NULL DEFAULT 0;
ALTER TABLE queues ADD COLUMN expired   INTEGER NOT NULL DEFAULT 0;
UPDATE queues SET queued = n.queued, held = n.held, admitted = n.admitted, running = n.running, finished = n.finished,
    failed = n.failed, cancelled = n.cancelled, expired = n.expired
    FROM (SELECT type,
            count(*) FILTER (WHERE status = 'queued')    AS queued,
            count(*) FILTER (WHERE status = 'held')      AS held,
            count(*) FILTER (WHERE status = 'admitted')  AS admitted,
            count(*) FILTER (WHERE status = 'running')   AS running,
            count(*) FILTER (WHERE status = 'finished')  AS finished,
            count(*) FILTER (WHERE status = 'failed')    AS failed,
            count(*) FILTER (WHERE status = 'cancelled') AS cancelled,
            count(*) FILTER (WHERE status = 'expired')   AS expired
          FROM jobs WHERE deleted_at IS NULL GROUP BY type) n
    WHERE n.type = queues.type;

-- Who waits longest, by type.
DROP INDEX jobs_waiting;
CREATE INDEX jobs_waiting ON jobs (type, queued_at) WHERE group_id IS NOT NULL;

-- How many pools and hosts the last good reading of a source had.
ALTER TABLE readings ADD COLUMN pools INTEGER NOT NULL DEFAULT 0;
ALTER TABLE readings ADD COLUMN hosts INTEGER NOT NULL DEFAULT 0;
UPDATE readings SET
    pools = (SELECT count(*) FROM reading_pools p WHERE p.queue = readings.queue),
    hosts = (SELECT count(DISTINCT t.host) FROM reading_totals t WHERE t.queue = readings.queue);

-- Since when a group waits for the reason that it has; 0: since before this was kept.
ALTER TABLE groups ADD COLUMN reason_at INTEGER NOT NULL DEFAULT 0;

-- The newest starts, which estimates are made of: a row for each pass that admitted somebody, apart by the set of pools that serve him.
CREATE TABLE starts (
    queue  TEXT    NOT NULL, -- the configuration's entry
    lane   INTEGER NOT NULL, -- a number made of the names of the pools (pool.h)
    n      INTEGER NOT NULL, -- 1, 2, … of this lane
    at     INTEGER NOT NULL,
    totals TEXT    NOT NULL, -- what the pools have when empty, a line each: "<amount> <resource>"
    starts TEXT    NOT NULL, -- a line each, or for several alike: "<queued_at> <priority> <share> <jobs>" (estimate.h)
    PRIMARY KEY (queue, lane, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX starts_age ON starts (at);

-- Who is held says so himself.
UPDATE jobs SET reason = 'Held', message = 'it is held, and keeps its place until it is resumed'
    WHERE status = 'held' AND reason IS NULL;

-- X-Request-Id of the request that created the job: what the dispatcher logs of it, and what its callback carries.
ALTER TABLE jobs ADD COLUMN request TEXT;
