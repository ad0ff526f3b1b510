-- SPDX-License-Identifier: MIT
-- Version 5: the clock that the times of this database go by, so that it is noticed when somebody sets it (store_clock.h).

-- One row, or none before the first change.
CREATE TABLE clock (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    boot       TEXT    NOT NULL, -- which start of the machine `ahead` is of; '': not known
    ahead      INTEGER NOT NULL, -- how far the wall clock is ahead of the time since that start
    seen       INTEGER NOT NULL, -- when this was written
    stepped_at INTEGER NOT NULL, -- when the clock was set last, by the new time; 0: never
    stepped    INTEGER NOT NULL, -- how far it was set forward until then, all times together
    latest     INTEGER NOT NULL  -- the latest time that it has said before it was set back; 0: it never was
) STRICT;
