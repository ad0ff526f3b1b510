-- SPDX-License-Identifier: MIT
-- Version 7: the first of those who wait in a group, where it is known. A pass then reads a row a group, and no page of the index of
-- the jobs that wait, of which there may be a million.

-- NULL: not known; a pass looks for it, and writes it down.
ALTER TABLE groups ADD COLUMN head_id        INTEGER;
ALTER TABLE groups ADD COLUMN head_priority  INTEGER;
ALTER TABLE groups ADD COLUMN head_queued_at INTEGER;

-- Who leaves a group or is moved may have been its first, who comes may be it now. A new job that does not come last says so itself
-- (store_create.c): the many that do are not to pay for it.
CREATE TRIGGER groups_head AFTER UPDATE OF group_id, priority, queued_at ON jobs
WHEN old.group_id IS NOT NULL OR new.group_id IS NOT NULL
BEGIN
    UPDATE groups SET head_id = NULL WHERE id = old.group_id AND head_id = old.id;
    UPDATE groups SET head_id = NULL WHERE id = new.group_id AND head_id IS NOT NULL AND head_priority >= new.priority;
END;
