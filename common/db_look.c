/* SPDX-License-Identifier: MIT */
/* A database file that is looked at as it is, and copied. */
#include "db_look.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <unistd.h>

#include "clock.h"
#include "db_file.h"
#include "db_sum_vfs.h"

#define WATCH_EACH (20 * NS_PER_MS)

/* TICK: instructions of SQLite's machine between two looks at the clock: a few rows, which may be
 * large. */
enum { BUSY_MS = 5000, TICK = 200 };

struct db_look {
    sqlite3 *handle;
    bool broken, unfit;
    db_look_fn *watch;
    void *ctx;
    int64_t watched; /* the last time (clock_mono) */
};

/* The error of the last call, in words. */
static int fail(struct db_look *l, struct err *e)
{
    int rc = sqlite3_extended_errcode(l->handle), kind = rc & 0xff;

    l->broken = kind == SQLITE_CORRUPT || kind == SQLITE_NOTADB || kind == SQLITE_FORMAT ||
                rc == SQLITE_IOERR_DATA;
    l->unfit = kind == SQLITE_ERROR;
    if (kind == SQLITE_FULL)
        return err_set(e, ERR_STORAGE_FULL, "the disk is full");
    if (kind == SQLITE_NOMEM || rc == SQLITE_IOERR_NOMEM)
        return err_set(e, ERR_INTERNAL, "no memory to read the file");
    if (kind == SQLITE_INTERRUPT)
        return err_set(e, ERR_UNAVAILABLE, "it was stopped");
    if (kind == SQLITE_BUSY || kind == SQLITE_LOCKED)
        return err_set(e, ERR_UNAVAILABLE, "another program has the file locked");
    if (rc == SQLITE_IOERR_DATA)
        return err_set(e, ERR_UNAVAILABLE, "a page is not as it was written");
    return err_set(e, ERR_UNAVAILABLE, "%s (SQLite %d)", sqlite3_errmsg(l->handle), rc);
}

static int run(struct db_look *l, const char *sql, struct err *e)
{
    return sqlite3_exec(l->handle, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : fail(l, e);
}

/* "unix-none" locks nothing, and so does not read a file in WAL mode. Of a file that is opened
 * read-only SQLite does not read the CHECKs, and integrity_check passes them by; one that cannot be
 * written it opens so by itself. */
static int open_handle(struct db_look *l, const char *path, struct err *e)
{
    struct err ignored;
    const char *vfs =
        db_sum_vfs(db_file_check(path, &ignored) == 0 ? DB_SUM_DEFAULT : DB_SUM_UNLOCKED);
    const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX;
    int rc = vfs ? sqlite3_open_v2(path, &l->handle, flags, vfs) : SQLITE_NOMEM;

    if (!l->handle)
        return err_set(e, ERR_INTERNAL, "no memory to open %s", path);
    if (rc != SQLITE_OK)
        return err_set(e, ERR_UNAVAILABLE, "cannot open %s: %s", path, sqlite3_errmsg(l->handle));
    (void)sqlite3_extended_result_codes(l->handle, 1);
    (void)sqlite3_busy_timeout(l->handle, BUSY_MS);
    (void)sqlite3_db_config(l->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
    /* Checkpoints are made by the programs, under their lock (db.c). */
    (void)sqlite3_db_config(l->handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    if (run(l,
            "PRAGMA query_only=ON; PRAGMA trusted_schema=OFF; PRAGMA cell_size_check=ON;"
            "PRAGMA mmap_size=0; PRAGMA temp_store=MEMORY",
            e) != 0)
        return -1;
    /* This one reads the file, which may be damaged. */
    (void)!run(l, "PRAGMA cache_size=-16384", &ignored);
    l->broken = false;
    return 0;
}

int db_look_open(const char *path, struct db_look **out, struct err *e)
{
    struct db_look *l;

    if (access(path, F_OK) != 0)
        return err_errno(e, ERR_NOT_FOUND, "%s", path);
    l = calloc(1, sizeof *l);
    if (!l)
        return err_set(e, ERR_INTERNAL, "no memory to open %s", path);
    if (open_handle(l, path, e) != 0) {
        db_look_close(l);
        return -1;
    }
    *out = l;
    return 0;
}

void db_look_close(struct db_look *l)
{
    if (l)
        (void)sqlite3_close(l->handle);
    free(l);
}

static int on_tick(void *ctx)
{
    struct db_look *l = ctx;
    int64_t now = clock_mono();

    if (now - l->watched < WATCH_EACH)
        return 0;
    l->watched = now;
    return !l->watch(l->ctx);
}

void db_look_watch(struct db_look *l, db_look_fn *fn, void *ctx)
{
    l->watch = fn;
    l->ctx = ctx;
    sqlite3_progress_handler(l->handle, TICK, fn ? on_tick : NULL, l);
}

int db_look_begin(struct db_look *l, struct err *e)
{
    return run(l, "BEGIN", e);
}

void db_look_end(struct db_look *l)
{
    struct err ignored; /* one that can't end is gone already */

    (void)!run(l, "COMMIT", &ignored);
}

static sqlite3_stmt *prepare(struct db_look *l, const char *sql, struct err *e)
{
    sqlite3_stmt *st = NULL;

    if (sqlite3_prepare_v2(l->handle, sql, -1, &st, NULL) != SQLITE_OK)
        (void)fail(l, e);
    return st;
}

int db_look_number(struct db_look *l, const char *sql, int64_t *v, struct err *e)
{
    sqlite3_stmt *st = prepare(l, sql, e);
    int rc;

    if (!st)
        return -1;
    rc = sqlite3_step(st);
    if (rc == SQLITE_ROW)
        *v = sqlite3_column_int64(st, 0);
    else
        (void)fail(l, e);
    (void)sqlite3_finalize(st);
    return rc == SQLITE_ROW ? 0 : -1;
}

static int give(sqlite3_stmt *st, db_look_row_fn *fn, void *ctx, struct err *e)
{
    struct str column[DB_LOOK_COLUMNS] = {{0}};
    int i, n = sqlite3_column_count(st);

    for (i = 0; i < n && i < DB_LOOK_COLUMNS; i++) {
        column[i].p = (const char *)sqlite3_column_text(st, i);
        column[i].n = column[i].p ? (size_t)sqlite3_column_bytes(st, i) : 0;
    }
    return fn(ctx, column, e);
}

int db_look_rows(struct db_look *l, const char *sql, int64_t arg, db_look_row_fn *fn, void *ctx,
                 struct err *e)
{
    sqlite3_stmt *st = prepare(l, sql, e);
    int step, rc = 0;

    if (!st)
        return -1;
    l->broken = false;
    (void)sqlite3_bind_int64(st, 1, arg); /* a query without ?1 does not want it */
    while (rc == 0 && (step = sqlite3_step(st)) != SQLITE_DONE)
        rc = step == SQLITE_ROW ? give(st, fn, ctx, e) : fail(l, e);
    (void)sqlite3_finalize(st);
    return rc;
}

bool db_look_unfit(const struct db_look *l)
{
    return l->unfit;
}

bool db_look_broken(const struct db_look *l)
{
    return l->broken;
}

/* query_only would keep it from writing the copy, too. */
int db_look_copy(struct db_look *l, const char *to, struct err *e)
{
    sqlite3_stmt *st;
    int rc;

    if (run(l, "PRAGMA query_only=OFF", e) != 0)
        return -1;
    db_sum_ask(l->handle);
    st = prepare(l, "VACUUM INTO ?1", e);
    if (!st)
        return -1;
    (void)sqlite3_bind_text(st, 1, to, -1, SQLITE_STATIC);
    rc = sqlite3_step(st) == SQLITE_DONE ? 0 : fail(l, e);
    (void)sqlite3_finalize(st);
    return rc == 0 ? run(l, "PRAGMA query_only=ON", e) : -1;
}

int db_look_change(struct db_look *l, const char *sql, struct err *e)
{
    return run(l, "PRAGMA journal_mode=MEMORY; PRAGMA synchronous=OFF; PRAGMA query_only=OFF", e) ==
                       0 &&
                   run(l, sql, e) == 0
               ? run(l, "PRAGMA query_only=ON", e)
               : -1;
}

bool db_look_has_sums(const struct db_look *l)
{
    return db_sum_on(db_sum_file(l->handle));
}

int db_look_scan(struct db_look *l, db_sum_fault_fn *fn, void *ctx, struct err *e)
{
    return db_sum_scan(l->handle, fn, ctx, e);
}

void db_look_lenient(struct db_look *l, bool lenient)
{
    struct db_sum_file *f = db_sum_file(l->handle);

    if (f)
        db_sum_lenient(f, lenient);
}

/* In WAL, since page 1, which says that there are sums, is then the first that is written into the
 * file. Leaving WAL shows that nobody else has it open. */
static int renew(struct db_look *l, bool wal, struct err *e)
{
    struct err ignored;
    int64_t left = 1;
    int rc = 0;

    if (!db_look_has_sums(l) &&
        (run(l, "PRAGMA journal_mode=DELETE", e) != 0 ||
         db_look_number(l, "SELECT journal_mode = 'delete' FROM pragma_journal_mode", &left, e) !=
             0))
        return -1;
    if (!left)
        return err_set(e, ERR_UNAVAILABLE, "another program has the file open");
    db_sum_ask(l->handle);
    rc = run(l,
             "PRAGMA wal_autocheckpoint=0; PRAGMA journal_mode=WAL; PRAGMA auto_vacuum=INCREMENTAL;"
             "PRAGMA temp_store=FILE; VACUUM; PRAGMA wal_checkpoint(TRUNCATE)",
             e);
    if (!wal)
        (void)!run(l, "PRAGMA journal_mode=DELETE", rc == 0 ? e : &ignored);
    return rc;
}

int db_look_renew(struct db_look *l, struct err *e)
{
    struct err ignored;
    int64_t wal;
    int rc;

    if (run(l, "PRAGMA query_only=OFF", e) != 0 ||
        db_look_number(l, "SELECT journal_mode = 'wal' FROM pragma_journal_mode", &wal, e) != 0)
        return -1;
    rc = renew(l, wal, e);
    (void)!run(l, "PRAGMA query_only=ON", &ignored);
    return rc;
}
