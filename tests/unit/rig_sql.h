/* SPDX-License-Identifier: MIT */
/* The rig's database from behind: SQL of a test's own, and a look at every statement that the store
 * runs. */
#ifndef AR_RIG_SQL_H
#define AR_RIG_SQL_H

#include "rig.h"

#include <signal.h>
#include <sqlite3.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "db_sum_vfs.h"

/* By the layer of checksums, since a program without it leaves them as they were; but of a file
 * that is empty or not there, which is to become one of an earlier version. */
static inline sqlite3 *rig_sqlite(struct rig *r)
{
    struct stat st;
    bool new = stat(r->path, &st) != 0 || st.st_size == 0;
    sqlite3 *db;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     new ? NULL : db_sum_vfs(DB_SUM_DEFAULT)),
                     SQLITE_OK);
    return db;
}

static inline void rig_sql(struct rig *r, const char *text)
{
    sqlite3 *db = rig_sqlite(r);
    char *said = NULL;

    if (sqlite3_exec(db, text, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %.60s", said, text);
    sqlite3_close(db);
}

/* The number that the query gives; -1: it gives none. */
static inline int64_t rig_ask(struct rig *r, const char *text)
{
    sqlite3 *db = rig_sqlite(r);
    sqlite3_stmt *st;
    int64_t v;

    if (sqlite3_prepare_v2(db, text, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %.60s", sqlite3_errmsg(db), text);
    v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

static inline void rig_sound(struct rig *r)
{
    assert_int_equal(rig_ask(r, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    assert_int_equal(
        rig_ask(r, "SELECT count(*) FROM pragma_integrity_check WHERE integrity_check <> 'ok'"), 0);
}

/* ---- statements ---- */

typedef void rig_statement_fn(const char *sql);
static rig_statement_fn *rig_on_statement;

static inline int rig_trace(unsigned what, void *ctx, void *st, void *text)
{
    (void)what;
    (void)ctx;
    (void)st;
    if (rig_on_statement)
        rig_on_statement(text);
    return 0;
}

static inline int rig_trace_open(sqlite3 *db, const char **said,
                                 const struct sqlite3_api_routines *api)
{
    (void)said;
    (void)api;
    return sqlite3_trace_v2(db, SQLITE_TRACE_STMT, rig_trace, NULL);
}

/* fn is called before each statement of every connection that is opened from now on, with its text
 * (a comment's for what SQLite runs by itself). NULL: nobody is any more. */
static inline void rig_watch(rig_statement_fn *fn)
{
    union {
        int (*hook)(sqlite3 *, const char **, const struct sqlite3_api_routines *);
        void (*plain)(void);
    } u = {.hook = rig_trace_open};

    sqlite3_reset_auto_extension();
    rig_on_statement = fn;
    if (fn)
        assert_int_equal(sqlite3_auto_extension(u.plain), SQLITE_OK);
}

/* ---- kill -9 ---- */

static int rig_die_at;

static inline void rig_count_down(const char *sql)
{
    (void)sql;
    if (--rig_die_at == 0)
        (void)kill(getpid(), SIGKILL);
}

/* Does `work` on the rig's database, which is not open, in a process of its own that is killed
 * before its statement number n. True: it was; false: it had ended before. */
typedef void rig_work_fn(struct rig *r);
static inline bool rig_killed_at(struct rig *r, int n, rig_work_fn *work)
{
    int status;
    pid_t pid = fork();

    assert_true(pid >= 0);
    if (pid == 0) {
        (void)setenv("CMOCKA_TEST_ABORT", "1", 1); /* a failure here is not to run on */
        rig_die_at = n;
        rig_watch(rig_count_down);
        rig_open(r);
        work(r);
        store_close(r->s);
        _exit(0);
    }
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFSIGNALED(status))
        assert_int_equal(WTERMSIG(status), SIGKILL);
    else
        assert_int_equal(status, 0);
    return WIFSIGNALED(status);
}

#endif
