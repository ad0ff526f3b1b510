/* SPDX-License-Identifier: MIT */
/*
 * A layer between SQLite and the files (a VFS of SQLite's) that gives every page of a database its
 * sum when it is written to the file, and holds it against its sum when it is read (db_sum.h); the
 * pages in the log are held against the log's own checksums, which SQLite itself looks at only
 * after a crash. What is wrong is never given to SQLite: the read fails with SQLITE_IOERR_DATA, and
 * a line of the log names file and page.
 *
 * A file has sums from its first page on, or has none: SQLite must be asked to keep their place
 * (db_sum_ask) before it writes the first page, or before a VACUUM.
 *
 * Programs that know nothing of sums may read and write the database, but must not write its pages
 * from the log into the file (checkpoint): they do not renew the sums. As long as a connection of
 * ours has the file open, they cannot.
 */
#ifndef AR_DB_SUM_VFS_H
#define AR_DB_SUM_VFS_H

#include "err.h"

struct sqlite3;
struct db_sum_file; /* a database file that a connection has open */

/* The name of the layer for sqlite3_open_v2: over what is SQLite's default when it is first asked
 * for, or over "unix-none", which locks nothing. Any thread. NULL: no memory. The first call has
 * SQLite configured and started: nothing else of it is used before. */
enum db_sum_under { DB_SUM_DEFAULT, DB_SUM_UNLOCKED };
const char *db_sum_vfs(enum db_sum_under under);

/* New files of this connection, and what it makes by VACUUM, will have sums. */
void db_sum_ask(struct sqlite3 *handle);

/* The main database of a connection that was opened through the layer; NULL: of another. It lives
 * as long as the connection. */
struct db_sum_file *db_sum_file(struct sqlite3 *handle);

/* Does the file have sums, as far as it has been read? */
bool db_sum_on(const struct db_sum_file *f);

/* Pages of the file, not of the log, are read as they are, right or wrong. */
void db_sum_lenient(struct db_sum_file *f, bool lenient);

/* Calls fn for each page that the file has otherwise than it was written and that is not in the log
 * in a newer form, and for each such frame of the log, of those that are committed. In a read
 * transaction of the connection, while others may write. fn returns false to end it. 0, or -1 and
 * *e: the file could not be read. */
struct db_sum_fault {
    bool in_log;
    uint32_t page;  /* 0: the log's header */
    uint32_t frame; /* in the log, from 1 on */
};
typedef bool db_sum_fault_fn(void *ctx, const struct db_sum_fault *fault);
int db_sum_scan(struct sqlite3 *handle, db_sum_fault_fn *fn, void *ctx,
                struct err *e) AR_MUST_CHECK;

#endif
