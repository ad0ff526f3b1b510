-- SPDX-License-Identifier: MIT
-- Anteroom's database, version 1. Times are nanoseconds since 1970 (UTC). Migrations are append-only: this file never changes once released.

-- One row: what this database is called in webhook-id, so that two Anterooms never send the same one.
CREATE TABLE instance (
    name TEXT NOT NULL
) STRICT;
INSERT INTO instance (name) VALUES (lower(hex(randomblob(8))));

-- The jobs. AUTOINCREMENT: an id is never given twice, also after the newest job was purged.
CREATE TABLE jobs (
    id           INTEGER PRIMARY KEY AUTOINCREMENT,
    type         TEXT    NOT NULL,
    request_id   TEXT    NOT NULL,
    owner_id     TEXT    NOT NULL,
    data         TEXT    NOT NULL, -- compact JSON, sorted keys
    callback     TEXT    NOT NULL,
    priority     INTEGER NOT NULL CHECK (priority BETWEEN -9007199254740991 AND 9007199254740991),
    -- Not IN (...): SQLite would build a table of the eight words for every row that is written.
    status       TEXT    NOT NULL CHECK (status = 'queued' OR status = 'held' OR status = 'admitted'
                     OR status = 'running' OR status = 'finished' OR status = 'failed'
                     OR status = 'cancelled' OR status = 'expired'),
    version      INTEGER NOT NULL DEFAULT 1, -- one more with every change: the ETag
    created_at   INTEGER NOT NULL,
    updated_at   INTEGER NOT NULL,
    deleted_at   INTEGER,
    queued_at    INTEGER NOT NULL, -- its wait counts from here
    scope        TEXT    NOT NULL, -- '', 'pool:<name>' or 'project:<id>'
    group_id     INTEGER,          -- while it waits and is awake: the jobs that it is interchangeable with
    reason       TEXT,             -- its own; a waiting job's is otherwise its group's
    message      TEXT,
    not_before   INTEGER,
    valid_until  INTEGER,
    admitted_at  INTEGER,
    started_at   INTEGER,
    confirmed_at INTEGER, -- the client has said that it uses the resources
    finished_at  INTEGER,
    hosts        TEXT,    -- JSON: host -> number of instances
    admissions   INTEGER NOT NULL DEFAULT 0, -- how many times it was admitted; part of webhook-id
    attempts     INTEGER NOT NULL DEFAULT 0, -- tries of this admission's callback
    next_try     INTEGER,
    hold_until   INTEGER,
    CHECK (group_id IS NULL OR (status = 'queued' AND deleted_at IS NULL)),
    CHECK (status <> 'admitted' OR (next_try IS NOT NULL AND hold_until IS NOT NULL)),
    CHECK (deleted_at IS NULL OR status = 'finished' OR status = 'failed' OR status = 'cancelled'
        OR status = 'expired')
) STRICT;

-- What a client names must be unique among the jobs that are there.
CREATE UNIQUE INDEX jobs_request ON jobs (type, request_id) WHERE deleted_at IS NULL;
CREATE UNIQUE INDEX jobs_callback ON jobs (callback) WHERE deleted_at IS NULL;
-- Lists in serving order; the filters are answered from the index alone.
CREATE INDEX jobs_order ON jobs (type, priority, id, status, owner_id) WHERE deleted_at IS NULL;
CREATE INDEX jobs_owner ON jobs (type, owner_id, priority, id, status) WHERE deleted_at IS NULL;
-- The heads of the pass.
CREATE INDEX jobs_head ON jobs (group_id, priority, id, queued_at) WHERE group_id IS NOT NULL;
-- Who waits longest: when nobody is past the guard, the plan need not ask.
CREATE INDEX jobs_waiting ON jobs (queued_at) WHERE group_id IS NOT NULL;
-- What the clock brings up: sleepers, waits that end, callbacks, holds.
CREATE INDEX jobs_asleep ON jobs (not_before) WHERE status = 'queued' AND group_id IS NULL;
CREATE INDEX jobs_ending ON jobs (valid_until) WHERE valid_until IS NOT NULL AND status IN ('queued', 'held');
CREATE INDEX jobs_due ON jobs (next_try) WHERE status = 'admitted';
CREATE INDEX jobs_hold ON jobs (hold_until) WHERE status = 'admitted';
-- Set running by an operator: to be counted somewhere.
CREATE INDEX jobs_unplaced ON jobs (id) WHERE status = 'running' AND hosts IS NULL;

-- Jobs that ask for the same thing in the same place are interchangeable. Rows come with the first job and go some time after the last.
CREATE TABLE groups (
    id      INTEGER PRIMARY KEY AUTOINCREMENT,
    type    TEXT    NOT NULL,
    scope   TEXT    NOT NULL,
    shape   TEXT    NOT NULL, -- the normal form of the demand
    reason  TEXT    NOT NULL, -- why the group's jobs wait, as of the last pass that found something new
    message TEXT    NOT NULL,
    seq     INTEGER NOT NULL DEFAULT 0, -- one more with every change of the reason
    UNIQUE (type, scope, shape)
) STRICT;

-- A row a type: what its lists' ETag is made of, the last priority that the server gave, and how many wait.
CREATE TABLE queues (
    type          TEXT    PRIMARY KEY,
    version       INTEGER NOT NULL,
    last_priority INTEGER NOT NULL,
    waiting       INTEGER NOT NULL CHECK (waiting >= 0)
) STRICT, WITHOUT ROWID;

-- What admitted and running jobs hold. `queue` is the configuration's entry, whose hosts these are.
CREATE TABLE holds (
    queue    TEXT    NOT NULL,
    host     TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    job_id   INTEGER NOT NULL REFERENCES jobs (id),
    amount   INTEGER NOT NULL CHECK (amount > 0),
    PRIMARY KEY (queue, host, resource, job_id)
) STRICT, WITHOUT ROWID;
CREATE INDEX holds_job ON holds (job_id);

-- The last reading of each queue's source: its hosts when they are empty, and which pool has which.
CREATE TABLE readings (
    queue   TEXT PRIMARY KEY,
    digest  INTEGER NOT NULL, -- of the rows below and the error: is it news?
    read_at INTEGER NOT NULL,
    error   TEXT
) STRICT, WITHOUT ROWID;
CREATE TABLE reading_hosts (
    queue TEXT NOT NULL,
    pool  TEXT NOT NULL,
    host  TEXT NOT NULL,
    PRIMARY KEY (queue, pool, host)
) STRICT, WITHOUT ROWID;
CREATE TABLE reading_totals (
    queue    TEXT    NOT NULL,
    host     TEXT    NOT NULL,
    resource TEXT    NOT NULL,
    amount   INTEGER NOT NULL CHECK (amount >= 0),
    PRIMARY KEY (queue, host, resource)
) STRICT, WITHOUT ROWID;

-- First answers, for Idempotency-Key; kept for a day.
CREATE TABLE answers (
    type       TEXT    NOT NULL,
    key        TEXT    NOT NULL,
    digest     BLOB    NOT NULL, -- SHA-256 of the request's body
    status     INTEGER NOT NULL,
    location   TEXT,
    etag       TEXT,
    body       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (type, key)
) STRICT;
CREATE INDEX answers_age ON answers (created_at);
