-- SPDX-License-Identifier: MIT
-- pgbench: a new job, a transaction of its own. The variable `data` is the job's; `n` is each client's own, and no run has another's.
\set n :n + 1
INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status, created_at, updated_at)
    VALUES ('vm', 'run-' || :client_id || '-' || :n, 'y', :data, 'run-' || :client_id || '-' || :n, :n, 'queued', now(), now());
