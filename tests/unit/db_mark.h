/* SPDX-License-Identifier: MIT */
/* For tests of the mark of how far the log is committed: databases in a place of their own. */
#ifndef AR_DB_MARK_H
#define AR_DB_MARK_H

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base.h"
#include "db_sum_vfs.h"

enum { PAGE = 4096 };

#define MAKE                                                                                       \
    "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-1000;"               \
    " PRAGMA synchronous=FULL; CREATE TABLE t (a INTEGER PRIMARY KEY, b);"                         \
    " INSERT INTO t VALUES (900, 'first')"
#define UP_TO(n)                                                                                   \
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " n ")"             \
    " INSERT INTO t SELECT i, randomblob(3900) FROM n"

/* Nothing is brought into the file when it is closed: what opens it next finds the log, as after a
 * crash. */
static inline sqlite3 *open_it(const char *path)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     db_sum_vfs(DB_SUM_DEFAULT)),
                     SQLITE_OK);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return handle;
}

static inline int64_t ask(const char *path, const char *sql)
{
    sqlite3 *handle = open_it(path);
    sqlite3_stmt *st;
    int64_t v;

    assert_int_equal(sqlite3_prepare_v2(handle, sql, -1, &st, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_step(st), SQLITE_ROW);
    v = sqlite3_column_int64(st, 0);
    assert_int_equal(sqlite3_finalize(st), SQLITE_OK);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    return v;
}

struct place {
    char dir[40], path[64];
};

static inline void place_make(struct place *p)
{
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/anteroom-mark-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->path, sizeof p->path, "%s/a.db", p->dir);
}

static inline void place_clear(const struct place *p)
{
    static const char *const beside[] = {"", "-wal", "-shm", ".mark"};
    char other[80];
    size_t i;

    for (i = 0; i < ARRAY_LEN(beside); i++) {
        (void)snprintf(other, sizeof other, "%s%s", p->path, beside[i]);
        (void)unlink(other);
    }
    assert_int_equal(rmdir(p->dir), 0);
}

/* How many the next process finds, and nothing damaged. */
static inline int64_t rows_of(const struct place *p)
{
    assert_int_equal(ask(p->path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    return ask(p->path, "SELECT count(*) FROM t");
}

#endif
