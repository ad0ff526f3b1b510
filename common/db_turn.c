/* SPDX-License-Identifier: MIT */
/* The statements that begin and end a write transaction. */
#include "db_turn.h"

#include <errno.h>
#include <sqlite3.h>

#include "db_stmt.h"

int db_turn_open(struct sqlite3 *handle, struct db_turn *t)
{
    const struct {
        const char *sql;
        sqlite3_stmt **st;
    } all[] = {{"BEGIN IMMEDIATE", &t->begin}, {"COMMIT", &t->commit}, {"ROLLBACK", &t->rollback}};
    int rc = SQLITE_OK;
    size_t i;

    for (i = 0; i < ARRAY_LEN(all) && rc == SQLITE_OK; i++)
        rc = sqlite3_prepare_v3(handle, all[i].sql, -1, SQLITE_PREPARE_PERSISTENT, all[i].st, NULL);
    return rc;
}

void db_turn_close(struct db_turn *t)
{
    (void)sqlite3_finalize(t->begin);
    (void)sqlite3_finalize(t->commit);
    (void)sqlite3_finalize(t->rollback);
}

/* The reset gives the error of the step, in full. */
static int run(sqlite3_stmt *st)
{
    (void)sqlite3_step(st);
    return sqlite3_reset(st);
}

/* How many pages had to go to the log before their time; with `anew` it counts from nothing. */
static int spilled(struct sqlite3 *handle, bool anew)
{
    int n = 0, most = 0;

    (void)sqlite3_db_status(handle, SQLITE_DBSTATUS_CACHE_SPILL, &n, &most, anew);
    return n;
}

bool db_spilled(const struct db_stmt *st)
{
    return spilled(sqlite3_db_handle(st->st), false) > 0;
}

int db_turn_begin(struct sqlite3 *handle, struct db_turn *t)
{
    db_turn_rollback(handle, t);
    (void)spilled(handle, true);
    return run(t->begin);
}

int db_turn_commit(struct db_turn *t)
{
    return run(t->commit);
}

void db_turn_rollback(struct sqlite3 *handle, struct db_turn *t)
{
    if (!sqlite3_get_autocommit(handle))
        (void)run(t->rollback);
}

/* SQLite takes a quota that is used up for any other error of the disk, and keeps what the system
 * said with the file. */
static bool is_over_limit(struct sqlite3 *handle, int op)
{
    sqlite3_file *file = NULL;
    int why = 0;

    if (sqlite3_file_control(handle, "main", op, &file) != SQLITE_OK || !file || !file->pMethods)
        return false;
    (void)file->pMethods->xFileControl(file, SQLITE_FCNTL_LAST_ERRNO, &why);
    return why == EDQUOT || why == EFBIG;
}

bool db_turn_found_no_room(struct sqlite3 *handle)
{
    int rc = sqlite3_extended_errcode(handle);

    if ((rc & 0xff) == SQLITE_FULL)
        return true;
    return rc == SQLITE_IOERR_WRITE && (is_over_limit(handle, SQLITE_FCNTL_JOURNAL_POINTER) ||
                                        is_over_limit(handle, SQLITE_FCNTL_FILE_POINTER));
}

enum err_code db_turn_code(int rc)
{
    int kind = rc & 0xff;

    return kind == SQLITE_READONLY || kind == SQLITE_CANTOPEN || kind == SQLITE_IOERR ||
                   kind == SQLITE_NOTADB || kind == SQLITE_PERM
               ? ERR_UNAVAILABLE
               : ERR_INTERNAL;
}
