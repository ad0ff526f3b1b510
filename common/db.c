/* SPDX-License-Identifier: MIT */
/*
 * SQLite's mechanics.
 *
 * Every writer of every process holds one lock file (flock) from before BEGIN IMMEDIATE to after
 * COMMIT, and so does whoever checkpoints. This makes writers fair (SQLite's own busy handler lets
 * one wait for seconds while others make thousands of commits) and keeps us clear of the WAL-reset
 * bug of SQLite before 3.51.3, in which a checkpoint that races a commit loses it: automatic
 * checkpoints are off, also the one at close, and ours is made under the lock.
 *
 * Invariants: db->writing is true exactly while this connection holds the lock and is inside BEGIN
 * IMMEDIATE. A COMMIT that failed and may nonetheless be on disk is ERR_COMMIT_UNKNOWN; the fsync
 * is never tried again.
 */
#include "db.h"

#include <assert.h>
#include <pthread.h>
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "db_file.h"
#include "lock.h"

#define OPEN_WAIT (5 * NS_PER_S) /* for the lock */

enum {
    BUSY_MS =
        2000, /* second defence: programs that do not know the lock file, as the sqlite3 shell */
    CHECKPOINT_PAGES = 8000, /* measured: 4,000 to 10,000 are 10-17 % quicker than SQLite's 1,000 */
    CHECKPOINT_AGAIN = 2000, /* after a checkpoint that readers kept from ending */
    CHECKPOINT_BUSY_MS = 20
};

struct db {
    sqlite3 *handle;
    int lock; /* descriptor of the lock file; -1 for readers */
    bool writing;
    bool unknown;       /* a commit's fate: no flush of this file may be tried again */
    int wal_pages;      /* in the WAL after our last commit */
    int checkpoint_due; /* at this many of them */
    struct db_sql sql;
    sqlite3_stmt **stmt; /* [sql.count], NULL: not prepared yet */
};

static enum err_code code_of(int rc)
{
    switch (rc & 0xff) {
    case SQLITE_FULL:
        return ERR_STORAGE_FULL;
    case SQLITE_BUSY:
    case SQLITE_LOCKED:
    case SQLITE_READONLY:
    case SQLITE_CANTOPEN:
    case SQLITE_IOERR:
    case SQLITE_NOTADB:
    case SQLITE_PERM:
        return ERR_UNAVAILABLE;
    default:
        return ERR_INTERNAL;
    }
}

/* The error of the last call on this connection, in words. */
static int fail(struct db *db, const char *what, struct err *e)
{
    int rc = sqlite3_extended_errcode(db->handle);

    if ((rc & 0xff) == SQLITE_FULL)
        return err_set(e, ERR_STORAGE_FULL, "the disk of the database is full");
    if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
        return err_set(e, ERR_UNAVAILABLE, "the database is locked by another program");
    return err_set(e, code_of(rc), "%s: %s (SQLite %d)", what, sqlite3_errmsg(db->handle), rc);
}

static int on_commit(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = ctx;

    (void)handle;
    (void)name;
    db->wal_pages = pages;
    return SQLITE_OK;
}

static int open_handle(struct db *db, const struct db_options *o, struct err *e)
{
    int rc =
        sqlite3_open_v2(o->path, &db->handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL);

    if (!db->handle)
        return err_set(e, ERR_INTERNAL, "no memory to open the database");
    if (rc != SQLITE_OK)
        return err_set(e, ERR_UNAVAILABLE, "cannot open the database %s: %s", o->path,
                       sqlite3_errmsg(db->handle));
    if (sqlite3_db_readonly(db->handle, "main") == 1)
        return err_set(e, ERR_UNAVAILABLE, "the database %s is read-only for this user", o->path);
    (void)sqlite3_extended_result_codes(db->handle, 1);
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DDL, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_DQS_DML, 0, NULL);
    (void)sqlite3_db_config(db->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    (void)sqlite3_wal_hook(db->handle, on_commit, db);
    return 0;
}

static int take_lock(struct db *db, int64_t wait, struct err *e)
{
    int got = lock_take(db->lock, clock_mono() + wait, e);

    if (got == 0)
        return err_set(e, ERR_UNAVAILABLE,
                       "the database is busy: another writer has held its lock for too long");
    return got < 0 ? -1 : 0;
}

/* journal_mode writes to a file that is not in WAL yet; under the lock, since of several that do so
 * at once SQLite tells all but one that it is locked, without waiting. A file that is not empty and
 * not ours is left as it is: whoever asks for its version says what it is (migrate.h). */
static int set_wal(struct db *db, int application_id, struct err *e)
{
    int64_t pages = 0, id = 0;
    int rc;

    if (take_lock(db, OPEN_WAIT, e) != 0)
        return -1;
    rc = db_ask_i64(db, "PRAGMA page_count", &pages, e);
    if (rc == 0)
        rc = db_ask_i64(db, "PRAGMA application_id", &id, e);
    if (rc == 0 && pages == 0)
        rc = db_exec(db, "PRAGMA auto_vacuum=INCREMENTAL", e); /* later it takes a VACUUM */
    if (rc == 0 && (pages == 0 || id == application_id))
        rc = db_exec(db, "PRAGMA journal_mode=WAL", e);
    lock_release(db->lock);
    return rc;
}

static int set_pragmas(struct db *db, const struct db_options *o, struct err *e)
{
    if (o->write && set_wal(db, o->application_id, e) != 0)
        return err_wrap(e, "%s", o->path);
    return db_exec(
        db,
        o->write ? "PRAGMA synchronous=FULL; PRAGMA journal_size_limit=67108864; PRAGMA "
                   "foreign_keys=ON; PRAGMA secure_delete=OFF;"
                   "PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON; PRAGMA mmap_size=0;"
                   "PRAGMA temp_store=MEMORY; PRAGMA cache_size=-16384"
                 : "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
                   "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY",
        e);
}

/* SQLite would count every allocation of all threads under one lock. */
static void set_up_sqlite(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
}

int db_open(const struct db_options *o, struct db **out, struct err *e)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    struct db *db = calloc(1, sizeof *db);

    if (!db)
        return err_set(e, ERR_INTERNAL, "no memory to open the database");
    (void)pthread_once(&once, set_up_sqlite);
    db->lock = -1;
    db->checkpoint_due = CHECKPOINT_PAGES;
    db->sql = o->sql;
    db->stmt = calloc(o->sql.count ? o->sql.count : 1, sizeof(sqlite3_stmt *));
    if (!db->stmt) {
        (void)err_set(e, ERR_INTERNAL, "no memory to open the database");
        goto failed;
    }
    if (db_file_check(o->path, e) != 0 || (o->create && db_file_make(o->path, e) != 0))
        goto failed;
    if (o->write && lock_open(o->lock_path, &db->lock, e) != 0)
        goto failed;
    if (open_handle(db, o, e) != 0 || set_pragmas(db, o, e) != 0)
        goto failed;
    *out = db;
    return 0;

failed:
    db_close(db);
    return -1;
}

/* Under the lock, as the one at close, which SQLite would make by itself but without our lock.
 * While there is work the WAL is begun again from its start and keeps its size: a flush then has no
 * new length of the file to write, which is a third quicker than after TRUNCATE. */
static bool checkpoint(struct db *db, int mode)
{
    struct err ignored;
    bool done;

    if (db->unknown || lock_take(db->lock, clock_mono() + NS_PER_S, &ignored) != 1)
        return false;
    (void)sqlite3_busy_timeout(db->handle, CHECKPOINT_BUSY_MS);
    done = sqlite3_wal_checkpoint_v2(db->handle, "main", mode, NULL, NULL) == SQLITE_OK;
    if (done) {
        db->wal_pages = 0;
        db->checkpoint_due = CHECKPOINT_PAGES;
    } else {
        db->checkpoint_due = db->wal_pages + CHECKPOINT_AGAIN;
    }
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    lock_release(db->lock);
    return done;
}

void db_close(struct db *db)
{
    size_t i;

    if (!db)
        return;
    if (db->writing)
        db_rollback(db);
    for (i = 0; db->stmt && i < db->sql.count; i++)
        (void)sqlite3_finalize(db->stmt[i]);
    if (db->handle && db->wal_pages > 0)
        (void)checkpoint(db, SQLITE_CHECKPOINT_TRUNCATE);
    (void)sqlite3_close(db->handle);
    if (db->lock >= 0)
        (void)close(db->lock);
    free(db->stmt);
    free(db);
}

int db_exec(struct db *db, const char *sql, struct err *e)
{
    if (sqlite3_exec(db->handle, sql, NULL, NULL, NULL) != SQLITE_OK)
        return fail(db, "the database refused a command", e);
    return 0;
}

int db_ask_i64(struct db *db, const char *sql, int64_t *v, struct err *e)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(db->handle, sql, -1, &st, NULL);

    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *v = sqlite3_column_int64(st, 0);
    else
        (void)fail(db, "the database could not be read", e);
    (void)sqlite3_finalize(st);
    return rc == SQLITE_ROW ? 0 : -1;
}

static sqlite3_stmt *inner(struct db_stmt *st)
{
    return (sqlite3_stmt *)st;
}

struct db_stmt *db_use(struct db *db, size_t number, struct err *e)
{
    assert(number < db->sql.count);
    if (!db->stmt[number] &&
        sqlite3_prepare_v3(db->handle, db->sql.text[number], -1, SQLITE_PREPARE_PERSISTENT,
                           &db->stmt[number], NULL) != SQLITE_OK) {
        (void)fail(db, "a statement could not be prepared", e);
        return NULL;
    }
    db_done((struct db_stmt *)db->stmt[number]);
    return (struct db_stmt *)db->stmt[number];
}

void db_bind_i64(struct db_stmt *st, int index, int64_t v)
{
    int rc = sqlite3_bind_int64(inner(st), index, v);

    assert(rc == SQLITE_OK);
    (void)rc;
}

void db_bind_time(struct db_stmt *st, int index, int64_t ns)
{
    if (ns != 0)
        db_bind_i64(st, index, ns);
}

/* Only NOMEM and TOOBIG can fail here; the parameter then stays NULL, and NOT NULL or the missing
 * row tells. */
void db_bind_str(struct db_stmt *st, int index, struct str v)
{
    if (v.p)
        (void)sqlite3_bind_text64(inner(st), index, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(struct db_stmt *st, int index, const void *p, size_t n)
{
    (void)sqlite3_bind_blob64(inner(st), index, p, n, SQLITE_STATIC);
}

int db_step(struct db *db, struct db_stmt *st, struct err *e)
{
    int rc = sqlite3_step(inner(st));

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        (void)fail(db, "the database could not carry out a statement", e);
    (void)sqlite3_reset(inner(st));
    return rc == SQLITE_DONE ? 0 : -1;
}

int db_run(struct db *db, struct db_stmt *st, struct err *e)
{
    int rc = db_step(db, st, e);

    if (rc == 1)
        (void)sqlite3_reset(inner(st));
    return rc < 0 ? -1 : 0;
}

void db_done(struct db_stmt *st)
{
    if (!st)
        return;
    (void)sqlite3_reset(inner(st));
    (void)sqlite3_clear_bindings(inner(st));
}

void db_done_all(struct db *db)
{
    size_t i;

    for (i = 0; i < db->sql.count; i++) {
        if (db->stmt[i] && sqlite3_stmt_busy(db->stmt[i]))
            (void)sqlite3_reset(db->stmt[i]);
    }
}

int64_t db_i64(struct db_stmt *st, int column)
{
    return sqlite3_column_int64(inner(st), column);
}

struct str db_str(struct db_stmt *st, int column)
{
    const char *p = (const char *)sqlite3_column_text(inner(st), column);

    return (struct str){p, p ? (size_t)sqlite3_column_bytes(inner(st), column) : 0};
}

int64_t db_changes(struct db *db)
{
    return sqlite3_changes64(db->handle);
}

int64_t db_written(struct db *db)
{
    return sqlite3_total_changes64(db->handle);
}

int64_t db_last_id(struct db *db)
{
    return sqlite3_last_insert_rowid(db->handle);
}

bool db_broke_unique(struct db *db, const char *column)
{
    return sqlite3_extended_errcode(db->handle) == SQLITE_CONSTRAINT_UNIQUE &&
           strstr(sqlite3_errmsg(db->handle), column) != NULL;
}

/* In WAL mode SQLite goes on writing to a file that nobody can open any more. */
static int check_place(struct db *db, struct err *e)
{
    int moved = 0;

    (void)sqlite3_file_control(db->handle, "main", SQLITE_FCNTL_HAS_MOVED, &moved);
    return moved == 0 ? 0
                      : err_set(e, ERR_UNAVAILABLE,
                                "the database was moved or removed while it was in use");
}

int db_lock(struct db *db, int64_t wait, struct err *e)
{
    assert(!db->writing && db->lock >= 0);
    return take_lock(db, wait, e);
}

void db_unlock(struct db *db)
{
    lock_release(db->lock);
}

int db_begin(struct db *db, int64_t wait, struct err *e)
{
    if (db_lock(db, wait, e) != 0)
        return -1;
    if (check_place(db, e) != 0 || db_exec(db, "BEGIN IMMEDIATE", e) != 0) {
        lock_release(db->lock);
        return -1;
    }
    db->writing = true;
    return 0;
}

static void end_writing(struct db *db)
{
    db->writing = false;
    lock_release(db->lock);
}

int db_commit(struct db *db, struct err *e)
{
    int rc;

    assert(db->writing);
    db_done_all(db);
    rc = sqlite3_exec(db->handle, "COMMIT", NULL, NULL, NULL);
    if (rc == SQLITE_OK) {
        end_writing(db);
        return 0;
    }
    (void)fail(db, "the commit failed", e);
    /* A frame that found no room was not written, so nothing is committed. Of any other failure (a
     * flush!) nothing is known. */
    db->unknown = (rc & 0xff) != SQLITE_FULL;
    if (db->unknown)
        (void)err_set(e, ERR_COMMIT_UNKNOWN,
                      "the commit failed and it is not known whether it is on disk: %s",
                      sqlite3_errmsg(db->handle));
    (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    end_writing(db);
    return -1;
}

void db_rollback(struct db *db)
{
    assert(db->writing);
    db_done_all(db);
    /* SQLite may have done so itself already. */
    (void)sqlite3_exec(db->handle, "ROLLBACK", NULL, NULL, NULL);
    end_writing(db);
}

bool db_writing(const struct db *db)
{
    return db->writing;
}

void db_checkpoint_if_due(struct db *db)
{
    assert(!db->writing);
    if (db->wal_pages >= db->checkpoint_due)
        (void)checkpoint(db, SQLITE_CHECKPOINT_RESTART);
}

bool db_checkpoint(struct db *db)
{
    assert(!db->writing);
    return checkpoint(db, SQLITE_CHECKPOINT_RESTART);
}

const char *db_path(const struct db *db)
{
    return sqlite3_db_filename(db->handle, "main");
}

const char *db_sqlite_version(void)
{
    return sqlite3_libversion();
}

bool db_sqlite_has_wal_bug(void)
{
    int v = sqlite3_libversion_number();
    bool fixed = v >= 3051003 || (v >= 3050007 && v < 3051000) || (v >= 3044006 && v < 3045000);

    return v >= 3007000 && !fixed;
}
