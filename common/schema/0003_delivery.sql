-- SPDX-License-Identifier: MIT
-- Version 3: every try of a callback and every change of state and order is kept; receivers that are paused; tokens; who created a job;
-- groups that know their owner; queues that are paused.

ALTER TABLE jobs ADD COLUMN created_by TEXT;                    -- who's name (who.h); NULL: not known
ALTER TABLE jobs ADD COLUMN requeues INTEGER NOT NULL DEFAULT 0; -- times it went back to the queue since its callback was not accepted
-- Whom its callback calls: a URL's origin (url.h); "/<type>" where it is relative to the queue's callback_base.
ALTER TABLE jobs ADD COLUMN receiver TEXT NOT NULL DEFAULT '';
UPDATE jobs SET receiver = CASE
    WHEN callback LIKE 'http://%' OR callback LIKE 'https://%' THEN
        lower(substr(callback, 1, instr(callback, '://') + 2
            + instr(replace(replace(substr(callback, instr(callback, '://') + 3), '?', '/'), '#', '/') || '/', '/') - 1))
    ELSE '/' || type END;
UPDATE jobs SET receiver = substr(receiver, 1, length(receiver) - 3) WHERE receiver LIKE 'http://%:80';
UPDATE jobs SET receiver = substr(receiver, 1, length(receiver) - 4) WHERE receiver LIKE 'https://%:443';

-- Callbacks that are due, receiver by receiver and owner by owner. A running job has a next_try when its callback is to be sent again.
-- One below 0 was asked for by somebody at the moment of its negative: it is made at once, also where the receiver is paused.
DROP INDEX jobs_due;
CREATE INDEX jobs_due ON jobs (receiver, owner_id, next_try) WHERE next_try IS NOT NULL;
CREATE INDEX jobs_next_try ON jobs (next_try) WHERE next_try IS NOT NULL;
-- Holds that run out before a try is due: hardly any, while many may wait for a try that is late.
DROP INDEX jobs_hold;
CREATE INDEX jobs_hold ON jobs (hold_until) WHERE status = 'admitted' AND next_try > hold_until;
-- Who is to say that his receiver is paused, and who says it: to take it back, and when their holds end.
CREATE INDEX jobs_to_pause ON jobs (receiver, owner_id) WHERE status = 'admitted' AND reason IS NOT 'ReceiverPaused';
CREATE INDEX jobs_paused ON jobs (receiver, owner_id) WHERE reason = 'ReceiverPaused';
CREATE INDEX jobs_paused_hold ON jobs (hold_until) WHERE reason = 'ReceiverPaused';
-- Who holds what is limited, counted by owner and type.
CREATE INDEX jobs_holding ON jobs (owner_id, type, status) WHERE status = 'admitted' OR status = 'running';
-- What can be forgotten.
CREATE INDEX jobs_over ON jobs (finished_at) WHERE finished_at IS NOT NULL;

-- A group's jobs are of one owner: a limit of his concerns all of them or none.
ALTER TABLE groups RENAME TO groups_2;
CREATE TABLE groups (
    id       INTEGER PRIMARY KEY AUTOINCREMENT,
    type     TEXT    NOT NULL,
    scope    TEXT    NOT NULL,
    owner_id TEXT    NOT NULL,
    shape    TEXT    NOT NULL, -- the normal form of the demand
    reason   TEXT    NOT NULL, -- why the group's jobs wait, as of the last pass that found something new
    message  TEXT    NOT NULL,
    seq      INTEGER NOT NULL DEFAULT 0, -- one more with every change of the reason
    UNIQUE (type, scope, owner_id, shape)
) STRICT;
INSERT INTO groups (id, type, scope, owner_id, shape, reason, message, seq)
    SELECT g.id, g.type, g.scope, min(j.owner_id), g.shape, g.reason, g.message, g.seq
    FROM groups_2 g JOIN jobs j ON j.group_id = g.id GROUP BY g.id;
INSERT OR IGNORE INTO groups (type, scope, owner_id, shape, reason, message, seq)
    SELECT g.type, g.scope, j.owner_id, g.shape, g.reason, g.message, g.seq FROM groups_2 g JOIN jobs j ON j.group_id = g.id;
UPDATE jobs SET group_id = (SELECT n.id FROM groups_2 g JOIN groups n ON n.type = g.type AND n.scope = g.scope AND n.shape = g.shape
    AND n.owner_id = jobs.owner_id WHERE g.id = jobs.group_id) WHERE group_id IS NOT NULL;
DROP TABLE groups_2;

-- A paused queue admits nobody.
ALTER TABLE queues ADD COLUMN paused INTEGER NOT NULL DEFAULT 0 CHECK (paused = 0 OR paused = 1);
CREATE INDEX queues_paused ON queues (type) WHERE paused = 1;

-- How many jobs of an owner wait, of all types; no row: none.
CREATE TABLE owners (
    owner_id TEXT    PRIMARY KEY,
    waiting  INTEGER NOT NULL CHECK (waiting >= 0)
) STRICT, WITHOUT ROWID;
INSERT INTO owners (owner_id, waiting)
    SELECT owner_id, count(*) FROM jobs WHERE status = 'queued' OR status = 'held' GROUP BY owner_id;

-- What became of a job, and by whom. Its creation is in its own row.
CREATE TABLE events (
    job_id        INTEGER NOT NULL REFERENCES jobs (id),
    n             INTEGER NOT NULL, -- 1, 2, … of this job
    at            INTEGER NOT NULL,
    who           TEXT    NOT NULL,
    event         TEXT    NOT NULL, -- 'status', 'order', 'changed', 'deleted', 'resend'
    from_status   TEXT,
    to_status     TEXT,
    from_priority INTEGER,
    to_priority   INTEGER,
    message       TEXT, -- for a person
    PRIMARY KEY (job_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX events_age ON events (at);

-- The tries of callbacks.
CREATE TABLE deliveries (
    job_id    INTEGER NOT NULL REFERENCES jobs (id),
    n         INTEGER NOT NULL, -- 1, 2, … of this job
    admission INTEGER NOT NULL, -- which of its admissions it belongs to: with job_id the webhook-id
    at        INTEGER NOT NULL, -- when it began
    ns        INTEGER NOT NULL, -- how long it took
    url       TEXT    NOT NULL,
    address   TEXT,             -- that was connected to; NULL: none was
    status    INTEGER,          -- of the answer; NULL: there was no whole one
    error     TEXT,
    answer    TEXT,             -- its first bytes, made UTF-8
    outcome   TEXT    NOT NULL, -- 'accepted', 'again', 'failed', 'requeued', 'void'
    next_try  INTEGER,          -- of 'again'
    PRIMARY KEY (job_id, n)
) STRICT, WITHOUT ROWID;
CREATE INDEX deliveries_age ON deliveries (at);

-- Receivers whose last try failed. The row goes with the first answer.
CREATE TABLE receivers (
    origin       TEXT    PRIMARY KEY, -- url.h
    failures     INTEGER NOT NULL CHECK (failures > 0), -- in a row
    since        INTEGER NOT NULL, -- the first of them
    failed_at    INTEGER NOT NULL, -- the last of them
    paused_until INTEGER,          -- then one try is made; NULL: not paused
    pause        INTEGER NOT NULL, -- ns of the last pause; 0: none yet
    error        TEXT    NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX receivers_age ON receivers (failed_at);

-- Bearer tokens: "ant_<id>_<secret>".
CREATE TABLE tokens (
    id         INTEGER PRIMARY KEY AUTOINCREMENT,
    name       TEXT    NOT NULL UNIQUE,
    digest     BLOB    NOT NULL, -- SHA-256 of the whole token
    role       TEXT    NOT NULL CHECK (role = 'admin' OR role = 'reader' OR role = 'owner'),
    owners     TEXT    NOT NULL, -- of 'owner': JSON array of owner_ids, sorted
    created_at INTEGER NOT NULL,
    expires_at INTEGER           -- NULL: never
) STRICT;

-- First answers are kept apart by who asked: a key of one owner says nothing to another.
ALTER TABLE answers RENAME TO answers_2;
DROP INDEX answers_age;
CREATE TABLE answers (
    type       TEXT    NOT NULL,
    asker      TEXT    NOT NULL, -- '' for who may see everything
    key        TEXT    NOT NULL,
    digest     BLOB    NOT NULL, -- SHA-256 of the request's body
    status     INTEGER NOT NULL,
    location   TEXT,
    etag       TEXT,
    body       TEXT    NOT NULL,
    created_at INTEGER NOT NULL,
    PRIMARY KEY (type, asker, key)
) STRICT;
INSERT INTO answers SELECT type, '', key, digest, status, location, etag, body, created_at FROM answers_2;
DROP TABLE answers_2;
CREATE INDEX answers_age ON answers (created_at);
