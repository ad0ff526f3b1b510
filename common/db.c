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
#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "db_file.h"
#include "db_room.h"
#include "db_stmt.h"
#include "db_turn.h"
#include "db_sum_vfs.h"
#include "lock.h"

#define OPEN_WAIT (5 * NS_PER_S) /* for the lock */

enum {
    BUSY_MS = 2000,          /* for programs that do not know the lock file, as the sqlite3 shell */
    CHECKPOINT_PAGES = 1500, /* of more, those who wait for it wait longer (tests/bench/NOTES.md) */
    CHECKPOINT_AGAIN = 2000, /* after a checkpoint that readers kept from ending */
    CHECKPOINT_TIGHT = 500,  /* when the disk has little room */
    CHECKPOINT_BUSY_MS = 20,
    CHECKPOINT_URGENT = 16000, /* then it waits for readers (db.h) */
    CHECKPOINT_URGENT_MS = 150,
    CHECKPOINT_TRIES = 6
};

struct db {
    sqlite3 *handle;
    int lock;             /* descriptor of the lock file; -1 for readers */
    bool locked, writing; /* it has the lock; and is in a transaction */
    bool lost;            /* a text could not be read for want of memory, and looked like NULL */
    bool unknown;         /* a commit's fate: no flush of this file may be tried again */
    struct db_sum_file *sums;
    int wal_pages, checkpoint_due; /* in the WAL after our last commit; at how many of them */
    struct db_sql sql;
    struct db_stmt *stmt;  /* [sql.count] */
    struct db_first first; /* what is to be done before one of them is used */
    struct db_turn turn;   /* of writers */
    struct db_room *room;  /* of writers */
    bool in_way;           /* readers or a writer kept the last checkpoint from ending */
    bool full, low;        /* the last failure was a full disk; the transaction has what was kept */
};

/* The error of the last call on this connection, in words. */
static int fail(struct db *db, const char *what, struct err *e)
{
    int rc = sqlite3_extended_errcode(db->handle);
    bool full = db_turn_found_no_room(db->handle);

    db->full = full && db->writing; /* a VACUUM's copy is on the disk of temporary files */
    if (full)
        return err_set(e, ERR_STORAGE_FULL, "the disk of the database is full");
    if ((rc & 0xff) == SQLITE_BUSY || (rc & 0xff) == SQLITE_LOCKED)
        return err_set(e, ERR_UNAVAILABLE, "the database is locked by another program");
    if (rc == SQLITE_IOERR_DATA)
        return err_set(e, ERR_UNAVAILABLE,
                       "the database is damaged: what was read is not what was written");
    return err_set(e, db_turn_code(rc), "%s: %s (SQLite %d)", what, sqlite3_errmsg(db->handle), rc);
}

static int on_commit(void *ctx, sqlite3 *handle, const char *name, int pages)
{
    struct db *db = ctx;

    (void)handle, (void)name;
    db->wal_pages = pages;
    return SQLITE_OK;
}

static int open_handle(struct db *db, const struct db_options *o, struct err *e)
{
    const char *vfs = db_sum_vfs(DB_SUM_DEFAULT);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int rc = vfs ? sqlite3_open_v2(o->path, &db->handle, flags, vfs) : SQLITE_NOMEM;

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
    db->sums = db_sum_file(db->handle);
    return 0;
}

static int take_lock(struct db *db, int64_t wait, struct err *e)
{
    int got = db->locked ? 1 : lock_take(db->lock, clock_mono() + wait, e);

    if (got == 0)
        return err_set(e, ERR_UNAVAILABLE,
                       "the database is busy: another writer has held its lock for too long");
    db->locked = got == 1;
    return got < 0 ? -1 : 0;
}

static void give_lock_back(struct db *db)
{
    db->locked = false;
    lock_release(db->lock);
}

/* journal_mode writes to a file that is not in WAL yet; under the lock, since of several that do so
 * at once SQLite tells all but one that it is locked, without waiting. A file that is not empty and
 * not ours or is newer is left as it is: who asks for its version says what it is (migrate.h). */
static int set_wal(struct db *db, const struct db_options *o, struct err *e)
{
    int64_t pages = 0, id = 0, version = 0;
    int rc;

    if (take_lock(db, OPEN_WAIT, e) != 0)
        return -1;
    rc = db_ask_i64(db, "PRAGMA page_count", &pages, e);
    if (rc == 0 && pages == 0)
        db_ask_sums(db);
    if (rc == 0)
        rc = db_ask_i64(db, "PRAGMA application_id", &id, e);
    if (rc == 0)
        rc = db_ask_i64(db, "PRAGMA user_version", &version, e);
    if (rc == 0 && pages == 0)
        rc = db_exec(db, "PRAGMA auto_vacuum=INCREMENTAL", e); /* later it takes a VACUUM */
    return rc == 0 && (pages == 0 || (id == o->application_id && version <= o->version))
               ? db_exec(db, "PRAGMA journal_mode=WAL", e)
               : rc;
}

static int set_pragmas(struct db *db, const struct db_options *o, struct err *e)
{
    if (o->write && set_wal(db, o, e) != 0)
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

int db_open(const struct db_options *o, struct db **out, struct err *e)
{
    struct db *db = calloc(1, sizeof *db);

    if (!db)
        return err_set(e, ERR_INTERNAL, "no memory to open the database");
    db->lock = -1;
    db->checkpoint_due = CHECKPOINT_PAGES;
    db->sql = o->sql;
    db->stmt = calloc(o->sql.count ? o->sql.count : 1, sizeof *db->stmt);
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
    db->room = o->write ? db_room_new(o->path) : NULL;
    if (o->write && db_turn_open(db->handle, &db->turn) != SQLITE_OK) {
        (void)fail(db, "a statement could not be prepared", e);
        goto failed;
    }
    *out = db;
    return 0;

failed:
    db_close(db);
    return -1;
}

/* Under the lock, as the one at close. While there is work the WAL is begun again and keeps its
 * size: a flush then has no new length to write, which is a third quicker than after TRUNCATE. */
static bool checkpoint(struct db *db, int mode)
{
    struct err ignored;
    bool held = db->locked;
    /* A full disk makes it be tried before each transaction: not so long. */
    bool urgent = db->wal_pages >= CHECKPOINT_URGENT && !db->low;
    int rc = SQLITE_BUSY, tries = urgent ? CHECKPOINT_TRIES : 1;

    db->in_way = true;
    if (db->unknown || take_lock(db, NS_PER_S, &ignored) != 0)
        return false;
    (void)sqlite3_busy_timeout(db->handle, urgent ? CHECKPOINT_URGENT_MS : CHECKPOINT_BUSY_MS);
    while (rc == SQLITE_BUSY && tries-- > 0) /* anew, since SQLite waits for who came later, too */
        rc = sqlite3_wal_checkpoint_v2(db->handle, "main", mode, NULL, NULL);
    db->in_way = rc == SQLITE_BUSY;
    db->wal_pages = rc == SQLITE_OK ? 0 : db->wal_pages;
    db->checkpoint_due = rc == SQLITE_OK ? CHECKPOINT_PAGES : db->wal_pages + CHECKPOINT_AGAIN;
    (void)sqlite3_busy_timeout(db->handle, BUSY_MS);
    if (!held)
        give_lock_back(db);
    return rc == SQLITE_OK;
}

/* On a full disk the WAL's own space is used again and again. */
static void make_room(struct db *db)
{
    const enum db_room_state state = db_room_look(db->room, db->full);

    db->low = state == DB_ROOM_LOW;
    db->full = false;
    if (state != DB_ROOM_PLENTY && db->checkpoint_due == CHECKPOINT_PAGES)
        db->checkpoint_due = CHECKPOINT_TIGHT;
    /* New pages find no place in the file before there is room for all of them. */
    while (db->low && db->wal_pages > 0 && !checkpoint(db, SQLITE_CHECKPOINT_RESTART) &&
           !db->in_way && db_room_give(db->room))
        continue;
}

void db_close(struct db *db)
{
    size_t i;

    if (!db)
        return;
    if (db->writing)
        db_rollback(db);
    for (i = 0; db->stmt && i < db->sql.count; i++)
        (void)sqlite3_finalize(db->stmt[i].st);
    db_turn_close(&db->turn);
    db_room_free(db->room);
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

void db_first(struct db *db, struct db_first first)
{
    db->first = first;
}

struct db_stmt *db_use(struct db *db, size_t number, struct err *e)
{
    return db->first.fn && db->first.fn(db->first.ctx, e) != 0 ? NULL : db_use_apart(db, number, e);
}

struct db_stmt *db_use_apart(struct db *db, size_t number, struct err *e)
{
    struct db_stmt *st = &db->stmt[number];

    assert(number < db->sql.count);
    if (!st->st && sqlite3_prepare_v3(db->handle, db->sql.text(number), -1,
                                      SQLITE_PREPARE_PERSISTENT, &st->st, NULL) != SQLITE_OK) {
        (void)fail(db, "a statement could not be prepared", e);
        return NULL;
    }
    st->lost = &db->lost;
    db_done(st);
    return st;
}

int db_step(struct db *db, struct db_stmt *st, struct err *e)
{
    int rc = sqlite3_step(st->st);

    if (rc == SQLITE_ROW)
        return 1;
    if (rc != SQLITE_DONE)
        (void)fail(db, "the database could not carry out a statement", e);
    (void)sqlite3_reset(st->st);
    return rc == SQLITE_DONE ? 0 : -1;
}

int db_run(struct db *db, struct db_stmt *st, struct err *e)
{
    int rc = db_step(db, st, e);

    if (rc == 1)
        (void)sqlite3_reset(st->st);
    return rc < 0 ? -1 : 0;
}

void db_done(struct db_stmt *st)
{
    if (!st)
        return;
    (void)sqlite3_reset(st->st);
    (void)sqlite3_clear_bindings(st->st);
}

void db_done_all(struct db *db)
{
    size_t i;

    for (i = 0; i < db->sql.count; i++) {
        if (db->stmt[i].st && sqlite3_stmt_busy(db->stmt[i].st))
            (void)sqlite3_reset(db->stmt[i].st);
    }
}

int db_check(struct db *db, struct err *e)
{
    bool lost = db->lost;

    db->lost = false;
    return lost ? err_set(e, ERR_INTERNAL, "no memory to read the database") : 0;
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
    give_lock_back(db);
}

int db_begin(struct db *db, int64_t wait, struct err *e)
{
    if (db_lock(db, wait, e) != 0)
        return -1;
    if (check_place(db, e) == 0 && db_check(db, e) == 0) {
        make_room(db);
        if (db_turn_begin(db->handle, &db->turn) == SQLITE_OK) {
            db->writing = true;
            return 0;
        }
        (void)fail(db, "the database refused a transaction", e);
    }
    give_lock_back(db);
    return -1;
}

static void end_writing(struct db *db)
{
    db->writing = false;
    give_lock_back(db);
}

int db_commit(struct db *db, struct err *e)
{
    int rc;

    assert(db->writing);
    if (db_check(db, e) != 0)
        return db_rollback(db), -1;
    db_done_all(db);
    rc = db_turn_commit(&db->turn);
    if (rc == SQLITE_OK) {
        end_writing(db);
        return 0;
    }
    (void)fail(db, "the commit failed", e);
    /* A frame that found no room was not written, so nothing is committed. Of any other failure (a
     * flush!) nothing is known. */
    db->unknown = e->code != ERR_STORAGE_FULL;
    if (db->unknown)
        (void)err_set(e, ERR_COMMIT_UNKNOWN,
                      "the commit failed and it is not known whether it is on disk: %s",
                      sqlite3_errmsg(db->handle));
    db_turn_rollback(db->handle, &db->turn);
    end_writing(db);
    return -1;
}

void db_rollback(struct db *db)
{
    assert(db->writing);
    db_done_all(db);
    db_turn_rollback(db->handle, &db->turn);
    end_writing(db);
}

bool db_low(const struct db *db)
{
    return db->low;
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

bool db_has_sums(const struct db *db)
{
    return db_sum_on(db->sums);
}

void db_ask_sums(struct db *db)
{
    db_sum_ask(db->handle);
}

const char *db_path(const struct db *db)
{
    return sqlite3_db_filename(db->handle, "main");
}
