/* SPDX-License-Identifier: MIT */
/*
 * Giving space back. SQLite keeps pages that nobody needs any more in a list of its own, to fill
 * them again. A file with auto_vacuum=INCREMENTAL can also be made shorter by them, a few at a
 * time; db_open makes new files so. The file on disk gets shorter with the next checkpoint.
 */
#ifndef AR_DB_SPACE_H
#define AR_DB_SPACE_H

#include "db.h"

/* How many pages there are to give back: free ones, beyond those that a file of its size is left
 * for what comes next; none when it is of the kind that cannot get shorter. 0, or -1 and *e. */
int db_spare(struct db *db, int64_t *pages, struct err *e) AR_MUST_CHECK;

/* In a write transaction: gives spare pages back, some at least, until none is left or until `stop`
 * (clock_mono).
 * *pages: how many. 0, or -1 and *e. */
int db_give_back(struct db *db, int64_t stop, int64_t *pages, struct err *e) AR_MUST_CHECK;

/* Makes a file of an earlier version one that can get shorter and whose pages have checksums
 * (db_sum_vfs.h). It takes a whole copy. The caller has the writers' lock. 0: it is so; -1 and *e:
 * it is as it was, since the disk has no room for the copy, the copy failed, or (of the checksums)
 * another program has the file open: it may be an earlier version that knows nothing of them. */
int db_renew(struct db *db, struct err *e) AR_MUST_CHECK;

#endif
