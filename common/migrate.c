/* SPDX-License-Identifier: MIT */
/* Schema versions. */
#include "migrate.h"

#include <stdio.h>

#include "db_space.h"
#include "log.h"

static int newer(int64_t version, struct err *e)
{
    return err_set(
        e, ERR_UNAVAILABLE,
        "the database has version %lld and this program knows %d: it was made by a newer Anteroom",
        (long long)version, migrate_count);
}

/* Version 0 is an empty file, or somebody else's database. */
static int check_ours(struct db *db, int64_t version, struct err *e)
{
    int64_t id, tables;

    if (db_ask_i64(db, "PRAGMA application_id", &id, e) != 0 ||
        db_ask_i64(db, "SELECT count(*) FROM sqlite_schema", &tables, e) != 0)
        return -1;
    if ((id == MIGRATE_APPLICATION_ID && version >= 0) || (version == 0 && tables == 0 && id == 0))
        return 0;
    return err_set(e, ERR_UNAVAILABLE, "the file is an SQLite database, but none of Anteroom's");
}

static int take_steps(struct db *db, struct err *e)
{
    int64_t version;
    char pragma[96];
    int i;

    if (migrate_known(db, &version, e) != 0)
        return -1;
    for (i = (int)version; i < migrate_count; i++) {
        if (db_exec(db, migrate_steps[i], e) != 0)
            return err_wrap(e, "migration %d", i + 1);
    }
    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d; PRAGMA application_id=%d",
                   migrate_count, MIGRATE_APPLICATION_ID);
    return db_exec(db, pragma, e);
}

/* Files of earlier versions cannot get shorter, and have no checksums. Before the steps, so that
 * one that is killed in between tries again; a file that cannot be made so is as good for all else.
 */
static void renew(struct db *db)
{
    char room[LOG_QUOTE_MAX];
    int64_t version;
    struct err e;

    if (db_ask_i64(db, "PRAGMA user_version", &version, &e) != 0 || version == 0 ||
        version > migrate_count || check_ours(db, version, &e) != 0)
        return;
    if (db_renew(db, &e) != 0)
        log_warn("database",
                 "error=%s note=\"the file goes on as it is: it may have no checksums, or not get "
                 "shorter\"",
                 log_quote(room, e.text));
}

int migrate_outgrown(int64_t version, struct err *e)
{
    return err_set(e, ERR_UNAVAILABLE,
                   "the database was brought to version %lld by another Anteroom: restart this "
                   "program, which is of version %d",
                   (long long)version, migrate_count);
}

int migrate_run(struct db *db, int64_t wait, struct err *e)
{
    struct err ignored;
    bool current = migrate_check(db, &ignored) == 0;

    if (!current || !db_has_sums(db))
        renew(db);
    if (current)
        return 0;
    if (db_begin(db, wait, e) != 0)
        return -1;
    if (take_steps(db, e) != 0) {
        db_rollback(db);
        return -1;
    }
    return db_commit(db, e);
}

int migrate_known(struct db *db, int64_t *version, struct err *e)
{
    if (db_ask_i64(db, "PRAGMA user_version", version, e) != 0 || check_ours(db, *version, e) != 0)
        return -1;
    return *version > migrate_count ? newer(*version, e) : 0;
}

int migrate_check(struct db *db, struct err *e)
{
    int64_t version;

    if (migrate_known(db, &version, e) != 0)
        return -1;
    if (version < migrate_count)
        return err_set(e, ERR_UNAVAILABLE,
                       "the database has version %lld and this program needs %d: start "
                       "anteroom.fcgi or anteroom-dispatch once to bring it up",
                       (long long)version, migrate_count);
    return 0;
}
