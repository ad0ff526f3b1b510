/* SPDX-License-Identifier: MIT */
/*
 * SQLite's mechanics: connections with the pragmas that we rely on, prepared statements by number,
 * the write lock, commit, checkpoint. It knows no table of ours. One thread at a time uses a
 * connection. Values bound as text are not copied: they must live until db_done.
 */
#ifndef AR_DB_H
#define AR_DB_H

#include "err.h"

struct db;
struct db_stmt; /* a prepared statement, owned by its connection */

/* The statements of a connection: every SQL text that it can run, prepared when first used and
 * kept. Constant after start. */
struct db_sql {
    size_t count;
    const char *(*text)(size_t number);
};

struct db_options {
    const char *path;
    const char *lock_path; /* the lock file of all writers */
    bool write;            /* else the connection is query_only */
    bool create;           /* make the file when it is missing */
    int application_id;    /* PRAGMA application_id of a file of ours */
    int version;           /* the newest PRAGMA user_version that is known */
    struct db_sql sql;
};

/* 0 and *db (db_close), or -1: ERR_UNAVAILABLE with a sentence. Refuses network file systems. One
 * for writing has the writers' lock, so that who opens it can bring the file up alone: db_unlock,
 * or the end of a transaction, gives it back. A new file's pages have checksums (db_sum_vfs.h). */
int db_open(const struct db_options *o, struct db **db, struct err *e) AR_MUST_CHECK;
void db_close(struct db *db);

/* Runs statements that return no rows. */
int db_exec(struct db *db, const char *sql, struct err *e) AR_MUST_CHECK;

/* The one number that a query gives; for pragmas and questions that are asked once. */
int db_ask_i64(struct db *db, const char *sql, int64_t *v, struct err *e) AR_MUST_CHECK;

/* The statement with that number, ready for binding (reset, nothing bound). NULL and *e when it
 * can't be prepared. */
struct db_stmt *db_use(struct db *db, size_t number, struct err *e) AR_MUST_CHECK;
/* The same for one that has no part in what db_first would do. */
struct db_stmt *db_use_apart(struct db *db, size_t number, struct err *e) AR_MUST_CHECK;
/* What was put off, and is to be done before a statement is used that may look at it: db_use calls
 * fn first, and fails with it. It stays until the next db_first; fn NULL: nothing. */
struct db_first {
    int (*fn)(void *ctx, struct err *e);
    void *ctx;
};
void db_first(struct db *db, struct db_first first);
void db_bind_i64(struct db_stmt *st, int index, int64_t v);
/* 0 is bound as NULL: our times that are not set. */
void db_bind_time(struct db_stmt *st, int index, int64_t ns);
/* The absent span is bound as NULL. */
void db_bind_str(struct db_stmt *st, int index, struct str v);
void db_bind_blob(struct db_stmt *st, int index, const void *p, size_t n);
/* 1: a row; 0: no more rows (the statement is reset); -1 and *e (reset). */
int db_step(struct db *db, struct db_stmt *st, struct err *e) AR_MUST_CHECK;
/* Steps a statement that returns no row, and resets it. */
int db_run(struct db *db, struct db_stmt *st, struct err *e) AR_MUST_CHECK;
void db_done(struct db_stmt *st);
int64_t db_i64(struct db_stmt *st, int column); /* NULL is 0 */
struct str db_str(struct db_stmt *st,
                  int column); /* NULL is the absent span; valid until the next step or db_done */

/* -1 and ERR_INTERNAL: since the last time a text looked like NULL only because there was no memory
 * for it. db_begin and db_commit ask too. */
int db_check(struct db *db, struct err *e) AR_MUST_CHECK;

/* Resets every statement of the connection: one that still stands on a row would keep its snapshot
 * open. db_commit and db_rollback do it too. */
void db_done_all(struct db *db);

int64_t db_changes(struct db *db);
/* Rows written since the connection was opened, those that were rolled back included. */
int64_t db_written(struct db *db);
int64_t db_last_id(struct db *db);

/* Was the last failure a UNIQUE constraint on this "table.column"? */
bool db_broke_unique(struct db *db, const char *column);

/* Takes the writers' lock (waiting at most `wait` ns), then BEGIN IMMEDIATE. ERR_UNAVAILABLE when
 * either is not to be had. */
int db_begin(struct db *db, int64_t wait, struct err *e) AR_MUST_CHECK;
/* COMMIT, then gives the lock back. ERR_STORAGE_FULL: rolled back. ERR_COMMIT_UNKNOWN: nobody
 * knows; leave the process. */
int db_commit(struct db *db, struct err *e) AR_MUST_CHECK;
void db_rollback(struct db *db);
bool db_writing(const struct db *db);
/* Has this statement's connection written pages to the log since its transaction began, for want of
 * room in its cache? SQLite 3.40.1 then spoils the log where a savepoint takes back some of them,
 * and all is committed. */
bool db_spilled(const struct db_stmt *st);
/* In a write transaction: the disk is full, and there is room only for what must be written. */
bool db_low(const struct db *db);

/* The writers' lock alone, for what cannot stand in a transaction; one that has it keeps it. 0, or
 * -1: ERR_UNAVAILABLE. */
int db_lock(struct db *db, int64_t wait, struct err *e) AR_MUST_CHECK;
void db_unlock(struct db *db);

/* Folds the WAL into the file, under the lock, when it has grown past its mark since the last time
 * (1,500 pages). Who is reading keeps it from that; where there is always somebody it would grow
 * for ever. So from 16,000 pages on it waits nearly a second for those who read, and all writers
 * wait with it; who comes meanwhile does not need the WAL. */
void db_checkpoint_if_due(struct db *db);
/* The same at once. False: it could not be done, readers or writers are in its way. */
bool db_checkpoint(struct db *db);

/* Do the file's pages have checksums, as far as it has been read? */
bool db_has_sums(const struct db *db);
/* What is made by VACUUM from now on has them. */
void db_ask_sums(struct db *db);

/* The file's path, as long as the connection lives. */
const char *db_path(const struct db *db);

#endif
