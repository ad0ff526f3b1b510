/* SPDX-License-Identifier: MIT */
/* The mark of how far the log is committed, after a process that was killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_sum_vfs.h"

static sqlite3 *open_it(const char *path)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     db_sum_vfs(DB_SUM_DEFAULT)),
                     SQLITE_OK);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return handle;
}

/* In a process that ends without closing anything. */
static void killed_after(const char *path, const char *const *sql, size_t n)
{
    pid_t pid = fork();
    sqlite3 *handle;
    size_t i;
    int status;

    assert_true(pid >= 0);
    if (pid == 0) {
        handle = open_it(path);
        db_sum_ask(handle);
        for (i = 0; i < n; i++)
            (void)sqlite3_exec(handle, sql[i], NULL, NULL, NULL); /* one of them is to fail */
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_int_equal(status, 0);
}

static int64_t ask(const char *path, const char *sql)
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

#define MAKE                                                                                       \
    "PRAGMA journal_mode=WAL; PRAGMA wal_autocheckpoint=0; PRAGMA cache_size=-1000;"               \
    " PRAGMA synchronous=FULL; CREATE TABLE t (a INTEGER PRIMARY KEY, b);"                         \
    " INSERT INTO t VALUES (900, 'first')"
/* More than the cache holds: pages go to the log before the commit. */
#define MANY                                                                                       \
    "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"              \
    " INSERT INTO t SELECT i, randomblob(3900) FROM n"

/* Found by review: SQLite uses the places of such pages again, so that the commit ends before them.
 * What lay behind it was marked as committed, and the next start refused a sound database. */
static void what_was_taken_back_is_not_marked(void **state)
{
    static const char *const runs[][6] = {
        {MAKE, "BEGIN IMMEDIATE; INSERT INTO t VALUES (2, 'kept'); SAVEPOINT s",
         "INSERT INTO t VALUES (901, 'gone')", MANY, "ROLLBACK TO s; RELEASE s", "COMMIT"},
        {MAKE, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (2, 'kept')", MANY, "COMMIT", ""},
    };
    char dir[] = "/tmp/anteroom-mark-XXXXXX", path[64], other[80];
    static const char *const beside[] = {"", "-wal", "-shm", ".mark"};
    size_t i, k;

    (void)state;
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/a.db", dir);
    for (i = 0; i < ARRAY_LEN(runs); i++) {
        killed_after(path, runs[i], ARRAY_LEN(runs[i]));
        assert_int_equal(ask(path, "SELECT count(*) FROM t"), 2);
        for (k = 0; k < ARRAY_LEN(beside); k++) {
            (void)snprintf(other, sizeof other, "%s%s", path, beside[k]);
            (void)unlink(other);
        }
    }
    assert_int_equal(rmdir(dir), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_was_taken_back_is_not_marked)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
