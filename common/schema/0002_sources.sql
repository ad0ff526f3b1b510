-- SPDX-License-Identifier: MIT
-- Version 2: sources that ask somebody else what there is and what is used of it. Holds that end with what a reading shows, readings
-- with the time they took, pools with their projects, what is used.

-- What admitted and running jobs hold, a row for each admission: the use of the one before may not be seen yet when the next begins.
-- `queue` is the account: the type of the first of the configuration's entries that have the same source.
ALTER TABLE holds RENAME TO holds_1;
CREATE TABLE holds (
    queue    TEXT    NOT NULL,
    host     TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    job_id   INTEGER NOT NULL REFERENCES jobs (id),
    since    INTEGER NOT NULL, -- when the job was admitted, or placed
    amount   INTEGER NOT NULL CHECK (amount > 0),
    until    INTEGER, -- counts for readings that were begun before this moment; NULL: for all, as long as the row is there
    PRIMARY KEY (queue, host, resource, job_id, since)
) STRICT, WITHOUT ROWID;
INSERT INTO holds (queue, host, resource, job_id, since, amount)
    SELECT h.queue, h.host, h.resource, h.job_id, COALESCE(j.admitted_at, j.updated_at), h.amount
    FROM holds_1 h JOIN jobs j ON j.id = h.job_id;
DROP TABLE holds_1;
CREATE INDEX holds_job ON holds (job_id);
CREATE INDEX holds_until ON holds (until) WHERE until IS NOT NULL;

-- The last reading of each source; the rows of the tables below are those of the last good one.
ALTER TABLE readings RENAME TO readings_1;
CREATE TABLE readings (
    queue    TEXT PRIMARY KEY,
    digest   INTEGER,          -- of pools, projects, hosts and totals, not of what is used; NULL: not known
    tried_at INTEGER NOT NULL, -- when the last try began
    ns       INTEGER NOT NULL, -- how long it took
    read_at  INTEGER,          -- what the last good one says was true at this moment or later; NULL: there was none
    error    TEXT,             -- why the last try failed; NULL: it was good
    about    TEXT              -- of the last good one: versions, as whom
) STRICT, WITHOUT ROWID;
INSERT INTO readings (queue, tried_at, ns, read_at, error)
    SELECT queue, read_at, 0, CASE WHEN error IS NULL THEN read_at END, error FROM readings_1;
DROP TABLE readings_1;

ALTER TABLE reading_totals ADD COLUMN used INTEGER NOT NULL DEFAULT 0 CHECK (used >= 0);
-- The pools of a host, for people.
CREATE INDEX reading_hosts_host ON reading_hosts (queue, host, pool);

-- The pools, also those without a host.
CREATE TABLE reading_pools (
    queue  TEXT    NOT NULL,
    pool   TEXT    NOT NULL,
    open   INTEGER NOT NULL CHECK (open = 0 OR open = 1),     -- serves the projects that no pool names
    closed INTEGER NOT NULL CHECK (closed = 0 OR closed = 1), -- serves nobody but its projects
    unread INTEGER NOT NULL CHECK (unread >= 0), -- hosts of which only that nothing is free on them is known
    exact  INTEGER NOT NULL CHECK (exact >= 0),  -- hosts whose amounts alone do not tell what goes on them
    PRIMARY KEY (queue, pool)
) STRICT, WITHOUT ROWID;
CREATE INDEX reading_pools_open ON reading_pools (queue, pool) WHERE open = 1;
INSERT INTO reading_pools (queue, pool, open, closed, unread, exact)
    SELECT DISTINCT queue, pool, 0, 0, 0, 0 FROM reading_hosts;

-- Which pools serve a project.
CREATE TABLE reading_projects (
    queue   TEXT NOT NULL,
    project TEXT NOT NULL,
    pool    TEXT NOT NULL,
    PRIMARY KEY (queue, project, pool)
) STRICT, WITHOUT ROWID;
CREATE INDEX reading_projects_pool ON reading_projects (queue, pool, project);
