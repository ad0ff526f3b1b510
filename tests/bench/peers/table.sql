-- SPDX-License-Identifier: MIT
-- A queue of jobs in PostgreSQL: what a job's answer shows of Anteroom's columns, and what must be unique among its jobs.
DROP TABLE IF EXISTS jobs;
CREATE TABLE jobs (
    id         bigint      GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    type       text        NOT NULL,
    request_id text        NOT NULL,
    owner_id   text        NOT NULL,
    data       text        NOT NULL,
    callback   text        NOT NULL UNIQUE,
    priority   bigint      NOT NULL,
    status     text        NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    UNIQUE (type, request_id)
);
CREATE INDEX jobs_order ON jobs (type, priority, id);
CHECKPOINT;
