/* SPDX-License-Identifier: MIT */
/* Giving space of the database's file back. */
#include "db_space.h"

#include <assert.h>
#include <sys/statvfs.h>

#include "clock.h"

enum {
    INCREMENTAL = 2, /* of PRAGMA auto_vacuum */
    KEPT_PART = 10,  /* free pages that stay: this part of the file … */
    KEPT_LEAST = 256,
    PAGES_AT_ONCE = 16, /* between two looks at the clock */
};

#define ROOM_LEFT (INT64_C(64) << 20) /* on the disk, beside the copy of a whole file */

int db_spare(struct db *db, int64_t *pages, struct err *e)
{
    int64_t kind, all, unused, kept;

    *pages = 0;
    if (db_ask_i64(db, "PRAGMA auto_vacuum", &kind, e) != 0 ||
        db_ask_i64(db, "PRAGMA page_count", &all, e) != 0 ||
        db_ask_i64(db, "PRAGMA freelist_count", &unused, e) != 0)
        return -1;
    kept = all / KEPT_PART > KEPT_LEAST ? all / KEPT_PART : KEPT_LEAST;
    if (kind == INCREMENTAL && unused > kept)
        *pages = unused - kept;
    return 0;
}

int db_give_back(struct db *db, int64_t stop, int64_t *pages, struct err *e)
{
    char pragma[48];
    int64_t spare;

    assert(db_writing(db));
    for (*pages = 0; *pages == 0 || clock_mono() < stop; *pages += spare) {
        if (db_spare(db, &spare, e) != 0)
            return -1;
        if (spare == 0)
            break;
        spare = spare < PAGES_AT_ONCE ? spare : PAGES_AT_ONCE;
        (void)snprintf(pragma, sizeof pragma, "PRAGMA incremental_vacuum(%d)", (int)spare);
        if (db_exec(db, pragma, e) != 0)
            return -1;
    }
    return 0;
}

/* The copy goes through a temporary file and the WAL, both as long as what is in use. */
static int check_room(struct db *db, struct err *e)
{
    int64_t all, unused, size, wanted;
    struct statvfs fs;

    if (db_ask_i64(db, "PRAGMA page_count", &all, e) != 0 ||
        db_ask_i64(db, "PRAGMA freelist_count", &unused, e) != 0 ||
        db_ask_i64(db, "PRAGMA page_size", &size, e) != 0)
        return -1;
    wanted = 2 * (all - unused) * size + ROOM_LEFT;
    if (statvfs(db_path(db), &fs) != 0)
        return err_errno(e, ERR_UNAVAILABLE, "the disk of the database");
    if ((double)fs.f_bavail * (double)fs.f_frsize < (double)wanted)
        return err_set(e, ERR_STORAGE_FULL,
                       "the disk of the database has no room for a copy of it: %lld MiB are needed",
                       (long long)(wanted >> 20));
    return 0;
}

/* SQLite lets the last connection of all leave WAL, and no other. */
static int check_alone(struct db *db, struct err *e)
{
    struct err ignored;
    int64_t left = 0;
    int rc = db_exec(db, "PRAGMA journal_mode=DELETE", &ignored);

    if (rc == 0)
        rc = db_ask_i64(db, "SELECT journal_mode = 'delete' FROM pragma_journal_mode", &left, e);
    if (db_exec(db, "PRAGMA journal_mode=WAL", e) != 0)
        return -1;
    return rc == 0 && left ? 0
                           : err_set(e, ERR_UNAVAILABLE, "another program has the database open");
}

/* Temporary files belong on the disk, not in memory, for this one. The checkpoint brings the pages
 * with their checksums into the file. */
static int copy(struct db *db, struct err *e)
{
    struct err ignored;
    int rc = db_exec(db, "PRAGMA auto_vacuum=INCREMENTAL; PRAGMA temp_store=FILE; VACUUM", e);

    if (rc == 0)
        (void)db_checkpoint(db);
    (void)!db_exec(db, "PRAGMA temp_store=MEMORY", &ignored);
    return rc;
}

int db_renew(struct db *db, struct err *e)
{
    struct err ignored;
    int64_t kind;
    int rc = 0;

    if (db_ask_i64(db, "PRAGMA auto_vacuum", &kind, e) != 0)
        return -1;
    if (kind == INCREMENTAL && db_has_sums(db))
        return 0;
    if (check_room(db, e) != 0)
        return -1;
    if (!db_has_sums(db))
        rc = check_alone(db, e);
    if (rc == 0)
        db_ask_sums(db);
    else if (kind == INCREMENTAL)
        return -1;
    if (copy(db, rc == 0 ? e : &ignored) == 0)
        return rc;
    if (kind != INCREMENTAL)
        (void)!db_exec(db, "PRAGMA auto_vacuum=NONE", &ignored);
    return -1;
}
