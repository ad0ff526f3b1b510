/* SPDX-License-Identifier: MIT */
/*
 * A copy of the whole database. VACUUM INTO reads one snapshot, writers go on meanwhile; SQLite
 * does not flush what it writes, so that part_keep does. The copy is read before it gets its name.
 *
 * Nobody opens the database's own files here but SQLite: a close would take away the locks that
 * SQLite has on them in this process.
 */
#include "store_backup.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db_look.h"
#include "migrate.h"
#include "part.h"

/* Free space beyond the copy's own size that must be there to begin. */
#define ROOM_LEFT (INT64_C(1) << 20)

struct work {
    const struct store_backup *b;
    struct part part;
    enum store_backup_step step;
    int64_t all; /* bytes that are in use in the database */
    int64_t version, jobs;
};

static bool on_tick(void *ctx)
{
    struct work *w = ctx;

    return !w->b->watch || w->b->watch(w->b->ctx, w->step, part_size(&w->part), w->all);
}

static bool same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Two names of one file, or of one that is to be: the same directory, and the same last part. */
static bool same_name(const char *a, const char *b)
{
    const char *last_a = strrchr(a, '/'), *last_b = strrchr(b, '/');
    char dir_a[PATH_MAX], dir_b[PATH_MAX];

    (void)snprintf(dir_a, sizeof dir_a, "%.*s/.", last_a ? (int)(last_a - a) : 1, last_a ? a : ".");
    (void)snprintf(dir_b, sizeof dir_b, "%.*s/.", last_b ? (int)(last_b - b) : 1, last_b ? b : ".");
    return strcmp(last_a ? last_a + 1 : a, last_b ? last_b + 1 : b) == 0 && same_file(dir_a, dir_b);
}

/* Neither the database nor what the programs and SQLite have beside it. */
static int check_own(const char *database, const char *file, struct err *e)
{
    static const char *const beside[] = {"",      "-wal",      "-shm",   "-journal", ".lock",
                                         ".wake", ".dispatch", ".stats", ".mark",    ".room"};
    char path[PATH_MAX + 16];
    size_t i;

    for (i = 0; i < ARRAY_LEN(beside); i++) {
        (void)snprintf(path, sizeof path, "%s%s", database, beside[i]);
        if (same_file(path, file) || same_name(path, file))
            return err_set(e, ERR_FORBIDDEN, "%s belongs to the database that is in use", file);
    }
    return 0;
}

/* A WAL or a journal beside a file that is replaced would be taken for the copy's. */
static int check_other(const char *file, struct err *e)
{
    static const char *const beside[] = {"-wal", "-journal"};
    char path[PATH_MAX + 16];
    size_t i;

    for (i = 0; i < ARRAY_LEN(beside); i++) {
        (void)snprintf(path, sizeof path, "%s%s", file, beside[i]);
        if (access(path, F_OK) == 0)
            return err_set(e, ERR_FORBIDDEN, "%s is a database that is or was in use: %s is there",
                           file, path);
    }
    return 0;
}

static int check_name(const char *database, const struct store_backup *b, struct err *e)
{
    struct stat st;

    if (check_own(database, b->file, e) != 0 || check_other(b->file, e) != 0)
        return -1;
    if (lstat(b->file, &st) != 0)
        return 0;
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_FORBIDDEN, "%s exists, and is no ordinary file", b->file);
    if (!b->replace)
        return err_set(e, ERR_PRECONDITION_FAILED, "%s exists", b->file);
    return 0;
}

static int check_ours(struct db_look *l, const char *path, int64_t *version, struct err *e)
{
    int64_t id = 0;

    if (db_look_number(l, "PRAGMA application_id", &id, e) != 0 ||
        db_look_number(l, "PRAGMA user_version", version, e) != 0)
        return err_wrap(e, "%s", path);
    if (id != MIGRATE_APPLICATION_ID)
        return err_set(e, ERR_UNAVAILABLE, "%s is no database of Anteroom's", path);
    return 0;
}

static int measure(struct db_look *l, struct work *w, struct err *e)
{
    int64_t pages, unused, size;
    struct statvfs fs;

    if (db_look_number(l, "PRAGMA page_count", &pages, e) != 0 ||
        db_look_number(l, "PRAGMA freelist_count", &unused, e) != 0 ||
        db_look_number(l, "PRAGMA page_size", &size, e) != 0)
        return -1;
    w->all = (pages - unused) * size;
    if (statvfs(w->part.path, &fs) != 0)
        return err_errno(e, ERR_UNAVAILABLE, "the disk of %s", w->b->file);
    if ((double)fs.f_bavail * (double)fs.f_frsize < (double)(w->all + ROOM_LEFT))
        return err_set(e, ERR_STORAGE_FULL, "the disk of %s has no room for a copy of %lld MiB",
                       w->b->file, (long long)(w->all >> 20) + 1);
    return 0;
}

static int copy(const char *database, struct work *w, struct err *e)
{
    struct db_look *l;
    int rc = -1;

    if (db_look_open(database, &l, e) != 0)
        return -1;
    if (check_ours(l, database, &w->version, e) == 0 && measure(l, w, e) == 0) {
        db_look_watch(l, on_tick, w);
        rc = db_look_copy(l, w->part.path, e);
        if (rc != 0)
            (void)err_wrap(e, "the copy in %s", w->part.path);
    }
    db_look_close(l);
    return rc;
}

/* It has no name of a file yet: who loses it half changed has lost nothing. */
static int mark_copy(struct work *w, struct err *e)
{
    struct db_look *l;
    int rc;

    if (db_look_open(w->part.path, &l, e) != 0)
        return -1;
    rc = db_look_change(l, store_name_copy, e);
    db_look_close(l);
    return rc == 0 ? 0 : err_wrap(e, "the copy in %s", w->part.path);
}

static int take_verdict(void *ctx, const struct str column[DB_LOOK_COLUMNS], struct err *e)
{
    (void)ctx;
    if (column[0].p && str_is(column[0], "ok"))
        return 0;
    return err_set(e, ERR_UNAVAILABLE, "%.*s", (int)column[0].n, column[0].p ? column[0].p : "");
}

static int check_content(struct db_look *l, struct work *w, struct err *e)
{
    int64_t version = 0;

    if (check_ours(l, w->part.path, &version, e) != 0)
        return -1;
    if (version != w->version)
        return err_set(e, ERR_INTERNAL, "its version is %lld and not %lld", (long long)version,
                       (long long)w->version);
    if (db_look_rows(l, "PRAGMA integrity_check(1)", 0, take_verdict, NULL, e) != 0)
        return -1;
    return db_look_number(l, "SELECT count(*) FROM jobs", &w->jobs, e);
}

/* Read again, as whoever is to restore it will. */
static int check_copy(struct work *w, struct err *e)
{
    struct db_look *l;
    int rc;

    w->step = STORE_BACKUP_CHECKS;
    if (db_look_open(w->part.path, &l, e) != 0)
        return -1;
    db_look_watch(l, on_tick, w);
    rc = check_content(l, w, e);
    db_look_close(l);
    return rc == 0 ? 0 : err_wrap(e, "the copy is not as it should be");
}

int store_backup(const struct conf *conf, const struct store_backup *b,
                 struct store_backed_up *done, struct err *e)
{
    struct work w = {.b = b};
    int rc;

    if (check_name(conf->database.p, b, e) != 0 || part_open(b->file, &w.part, e) != 0)
        return -1;
    *done = (struct store_backed_up){.taken = w.part.taken};
    rc = copy(conf->database.p, &w, e);
    if (rc == 0)
        rc = mark_copy(&w, e);
    if (rc == 0)
        rc = check_copy(&w, e);
    if (rc == 0) {
        done->bytes = part_size(&w.part);
        done->version = w.version;
        done->jobs = w.jobs;
        rc = part_keep(&w.part, b->replace, e);
    }
    part_drop(&w.part);
    return rc;
}
