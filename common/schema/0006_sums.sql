-- SPDX-License-Identifier: MIT
-- From this version on pages may have checksums (db_sum_vfs.h), which an earlier version would not
-- renew: it is to refuse the file. Nothing else is changed.
SELECT 1;
