-- SPDX-License-Identifier: MIT
-- Version 8: an owner's types are found by himself, however many types others have.

DROP INDEX jobs_owner;
CREATE INDEX jobs_owner ON jobs (owner_id, type, priority, id, status) WHERE deleted_at IS NULL;
