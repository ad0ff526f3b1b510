/* SPDX-License-Identifier: MIT */
/* The mark of how far the log is committed, after a process that was killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_sum_vfs.h"
#include "torture.h"

static sqlite3 *open_it(const char *path)
{
    sqlite3 *handle;

    assert_int_equal(sqlite3_open_v2(path, &handle, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE,
                                     db_sum_vfs(DB_SUM_DEFAULT)),
                     SQLITE_OK);
    (void)sqlite3_db_config(handle, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
    return handle;
}

enum { PART = 100 }; /* bytes of a frame: its head, and some of its page */

/* From now on no file of this process gets longer than the log is, and so many bytes. It ends when
 * that fails. */
static void limit(const char *path, rlim_t more)
{
    struct rlimit room;
    struct stat log;
    char name[80];

    (void)snprintf(name, sizeof name, "%s-wal", path);
    if (stat(name, &log) != 0 || getrlimit(RLIMIT_FSIZE, &room) != 0)
        _exit(1);
    room.rlim_cur = more == RLIM_INFINITY ? room.rlim_max : (rlim_t)log.st_size + more;
    if (setrlimit(RLIMIT_FSIZE, &room) != 0 || signal(SIGXFSZ, SIG_IGN) == SIG_ERR)
        _exit(1);
}

/* What a step may be besides SQL. */
#define PART_OF_A_FRAME "(the log takes a part of one frame more)"
#define ROOM_AGAIN      "(there is room again)"

static void step(const char *path, sqlite3 *handle, const char *what)
{
    if (strcmp(what, PART_OF_A_FRAME) == 0)
        limit(path, PART);
    else if (strcmp(what, ROOM_AGAIN) == 0)
        limit(path, RLIM_INFINITY);
    else
        (void)sqlite3_exec(handle, what, NULL, NULL, NULL); /* some of them are to fail */
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
            step(path, handle, sql[i]);
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
#define UP_TO(n)                                                                                   \
    "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < " n ")"             \
    " INSERT INTO t SELECT i, randomblob(3900) FROM n"

struct place {
    char dir[40], path[64];
};

static void place_make(struct place *p)
{
    (void)snprintf(p->dir, sizeof p->dir, "/tmp/anteroom-mark-XXXXXX");
    assert_non_null(mkdtemp(p->dir));
    (void)snprintf(p->path, sizeof p->path, "%s/a.db", p->dir);
}

static void place_clear(const struct place *p)
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
static int64_t rows_of(const struct place *p)
{
    assert_int_equal(ask(p->path, "SELECT integrity_check = 'ok' FROM pragma_integrity_check"), 1);
    return ask(p->path, "SELECT count(*) FROM t");
}

enum { STEPS = 6 };

/* Each of the runs leaves so many rows. */
static void each_leaves(const char *const (*run)[STEPS], size_t runs, int64_t rows)
{
    struct place place;
    size_t i;

    for (i = 0; i < runs; i++) {
        place_make(&place);
        killed_after(place.path, run[i], STEPS);
        assert_int_equal(rows_of(&place), rows);
        place_clear(&place);
    }
}

/* Found by review: SQLite uses the places of such pages again, so that the commit ends before them.
 * What lay behind it was marked as committed, and the next start refused a sound database. */
static void what_was_taken_back_is_not_marked(void **state)
{
    static const char *const runs[][STEPS] = {
        {MAKE, "BEGIN IMMEDIATE; INSERT INTO t VALUES (2, 'kept'); SAVEPOINT s",
         "INSERT INTO t VALUES (901, 'gone')", MANY, "ROLLBACK TO s; RELEASE s", "COMMIT"},
        {MAKE, "BEGIN IMMEDIATE", "INSERT INTO t VALUES (2, 'kept')", MANY, "COMMIT", ""},
    };

    (void)state;
    each_leaves(runs, ARRAY_LEN(runs), 2);
}

/* Found while frames were gathered: the commit's frame had begun, its page met a full disk, and the
 * next flush of the log, a checkpoint's, marked what had been taken back. */
static void a_commit_that_was_cut_off_is_not_marked(void **state)
{
    static const char *const runs[][STEPS] = {
        {MAKE, PART_OF_A_FRAME, "INSERT INTO t VALUES (2, 'cut off')", ROOM_AGAIN,
         "PRAGMA wal_checkpoint", ""},
    };

    (void)state;
    each_leaves(runs, ARRAY_LEN(runs), 1);
}

/* Pages that go to the log before the commit meet a full disk, which SQLite may learn from a read
 * of them; then there is room again. All of the transaction is there, or nothing. */
static void a_transaction_whose_pages_met_a_full_disk_is_whole_or_gone(void **state)
{
    char many[200];
    const char *run[] = {MAKE,
                         PART_OF_A_FRAME,
                         many,
                         "SELECT sum(length(b)) FROM t",
                         ROOM_AGAIN,
                         "COMMIT",
                         "INSERT INTO t VALUES (901, 'kept')"};
    struct place place = {0};
    int rows, gone = 0, whole = 0;

    (void)state;
    for (rows = 200; rows < 300; rows += 2) {
        int64_t there;

        place_make(&place);
        (void)snprintf(many, sizeof many, "BEGIN IMMEDIATE; " UP_TO("%d"), rows);
        killed_after(place.path, run, ARRAY_LEN(run));
        there = rows_of(&place);
        assert_true(there == 2 || there == 2 + rows);
        gone += there == 2;
        whole += there > 2;
        place_clear(&place);
    }
    assert_true(gone > 10 && whole > 10);
}

/* What is still to be written of its own, too. */
static void a_transaction_reads_what_it_has_written(void **state)
{
    static const char *const run[] = {
        MAKE, "BEGIN IMMEDIATE; " UP_TO("800"),
        "INSERT INTO t SELECT 901, NULL WHERE (SELECT sum(length(b)) FROM t) = 800 * 3900 + 5",
        "COMMIT"};
    struct place place = {0};

    (void)state;
    place_make(&place);
    killed_after(place.path, run, ARRAY_LEN(run));
    assert_int_equal(rows_of(&place), 802);
    place_clear(&place);
}

/* Nor does it matter to a commit that nothing is flushed. */
static void what_was_taken_back_is_not_written_and_what_is_committed_is(void **state)
{
    static const char *const runs[][STEPS] = {
        {MAKE, "BEGIN IMMEDIATE; " UP_TO("300"), "ROLLBACK", "INSERT INTO t VALUES (2, 'kept')", "",
         ""},
        {MAKE, "PRAGMA synchronous=OFF", "INSERT INTO t VALUES (2, 'kept')", "", "", ""},
    };

    (void)state;
    each_leaves(runs, ARRAY_LEN(runs), 2);
}

enum { PAGE = 4096, FAR = 1 << 20 };

/* SQLite does not take the read of a page for what ends the transaction that wrote it. */
static void what_could_not_be_written_is_an_error_until_the_transaction_ends(void **state)
{
    static unsigned char page[PAGE];
    struct place place;
    sqlite3 *handle;
    sqlite3_file *log;
    sqlite3_int64 size = 0;
    int turn;

    (void)state;
    place_make(&place);
    handle = open_it(place.path);
    step(place.path, handle, MAKE);
    assert_int_equal(sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log),
                     SQLITE_OK);
    for (turn = 0; turn < 2; turn++) {
        step(place.path, handle, "BEGIN IMMEDIATE");
        assert_int_equal(log->pMethods->xWrite(log, page, PAGE, FAR), SQLITE_OK);
        step(place.path, handle, turn == 0 ? PART_OF_A_FRAME : "");
        assert_int_equal(log->pMethods->xRead(log, page, PAGE, FAR) == SQLITE_OK, turn == 1);
        step(place.path, handle, ROOM_AGAIN);
        assert_int_equal(log->pMethods->xRead(log, page, PAGE, FAR) == SQLITE_OK, turn == 1);
        assert_int_equal(log->pMethods->xWrite(log, page, PAGE, FAR + PAGE) == SQLITE_OK,
                         turn == 1);
        assert_int_equal(log->pMethods->xFileSize(log, &size) == SQLITE_OK, turn == 1);
        assert_true(turn == 0 || size == FAR + 2 * PAGE);
        assert_int_equal(log->pMethods->xWrite(log, page, PAGE, FAR) == SQLITE_OK, turn == 1);
        assert_int_equal(log->pMethods->xWrite(log, page, PAGE, FAR + 2 * PAGE) == SQLITE_OK,
                         turn == 1);
        assert_int_equal(log->pMethods->xTruncate(log, FAR) == SQLITE_OK, turn == 1);
        assert_int_equal(log->pMethods->xSync(log, SQLITE_SYNC_NORMAL) == SQLITE_OK, turn == 1);
        assert_int_equal(log->pMethods->xFileSize(log, &size) == SQLITE_OK, turn == 1);
        assert_true(turn == 0 || size == FAR);
        step(place.path, handle, "ROLLBACK");
    }
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_int_equal(rows_of(&place), 1);
    place_clear(&place);
}

/* ---- the mark is taken back ---- */

static void run_it(sqlite3 *handle, const char *sql)
{
    assert_int_equal(sqlite3_exec(handle, sql, NULL, NULL, NULL), SQLITE_OK);
}

/* What a process leaves that was killed between the flush of a commit and the index: the log has
 * it, the mark says so, and nobody has heard of it. */
static void commit_unheard(sqlite3 *handle, const char *sql)
{
    enum { INDEX = 32768, HEAD = 96 };
    unsigned char was[HEAD];
    void volatile *mapped = NULL;
    unsigned char volatile *p;
    sqlite3_file *file;
    size_t i;

    assert_int_equal(sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file),
                     SQLITE_OK);
    assert_int_equal(file->pMethods->xShmMap(file, 0, INDEX, 0, &mapped), SQLITE_OK);
    p = mapped;
    for (i = 0; i < HEAD; i++)
        was[i] = p[i];
    run_it(handle, sql);
    for (i = 0; i < HEAD; i++)
        p[i] = was[i];
}

/* What comes of it while this process opens so many files more, and no other one. */
static int run_with_files(rlim_t more, sqlite3 *handle, const char *sql)
{
    int rc, next = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct rlimit room;

    assert_true(next >= 0 && close(next) == 0);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &room), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &(struct rlimit){(rlim_t)next + more, room.rlim_max}),
                     0);
    rc = sqlite3_exec(handle, sql, NULL, NULL, NULL);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &room), 0);
    return rc;
}

/* Two connections as those of two processes, of which one has committed what the other one has not
 * heard of. */
struct pair {
    struct place place;
    sqlite3 *killed, *other;
};

static void pair_make(struct pair *p)
{
    place_make(&p->place);
    p->killed = open_it(p->place.path);
    db_sum_ask(p->killed);
    run_it(p->killed, MAKE);
    p->other = open_it(p->place.path);
    run_it(p->other, "SELECT count(*) FROM t");
}

static void pair_end(struct pair *p, int64_t rows)
{
    assert_int_equal(sqlite3_close(p->killed), SQLITE_OK);
    assert_int_equal(sqlite3_close(p->other), SQLITE_OK);
    assert_int_equal(rows_of(&p->place), rows);
    place_clear(&p->place);
}

/* Found by review: where a process had no descriptor left the mark was taken for none, and not
 * taken back. It went on saying that what the next commit overwrote was committed, and a sound
 * database was refused. */
static void a_mark_that_cannot_be_opened_is_not_taken_for_none(void **state)
{
    struct pair p = {0};

    (void)state;
    pair_make(&p);
    commit_unheard(p.killed, UP_TO("20"));
    assert_int_equal(run_with_files(0, p.other, "INSERT INTO t VALUES (2, 'x')"), SQLITE_CANTOPEN);
    run_it(p.other, "INSERT INTO t VALUES (2, 'kept')");
    pair_end(&p, 2);
}

/* The log and its index are opened, the mark is not: nobody knows what must be in the log. */
static void an_index_is_not_made_without_the_mark(void **state)
{
    struct place place = {0};
    sqlite3 *handle;

    (void)state;
    place_make(&place);
    killed_after(place.path, (const char *const[]){MAKE}, 1);
    handle = open_it(place.path);
    assert_int_equal(run_with_files(2, handle, "SELECT count(*) FROM t"), SQLITE_CANTOPEN);
    run_it(handle, "SELECT count(*) FROM t");
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_int_equal(rows_of(&place), 1);
    place_clear(&place);
}

#if TORTURE
static void without_memory_it_is_written_as_it_comes(void **state)
{
    static unsigned char page[PAGE];
    struct place place;
    struct stat written;
    sqlite3 *handle;
    sqlite3_file *log;
    char name[80];

    (void)state;
    place_make(&place);
    (void)snprintf(name, sizeof name, "%s-wal", place.path);
    killed_after(place.path, (const char *const[]){MAKE}, 1);
    handle = open_it(place.path);
    step(place.path, handle, "BEGIN IMMEDIATE");
    assert_int_equal(sqlite3_file_control(handle, "main", SQLITE_FCNTL_JOURNAL_POINTER, &log),
                     SQLITE_OK);
    torture_arm(0);
    assert_int_equal(log->pMethods->xWrite(log, page, PAGE, FAR), SQLITE_OK);
    (void)torture_end();
    assert_true(torture_fired());
    assert_int_equal(stat(name, &written), 0);
    assert_int_equal(written.st_size, FAR + PAGE);
    step(place.path, handle, "ROLLBACK");
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_int_equal(rows_of(&place), 1);
    place_clear(&place);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_taken_back_is_not_marked),
        cmocka_unit_test(a_commit_that_was_cut_off_is_not_marked),
        cmocka_unit_test(a_transaction_whose_pages_met_a_full_disk_is_whole_or_gone),
        cmocka_unit_test(a_transaction_reads_what_it_has_written),
        cmocka_unit_test(what_was_taken_back_is_not_written_and_what_is_committed_is),
        cmocka_unit_test(what_could_not_be_written_is_an_error_until_the_transaction_ends),
        cmocka_unit_test(a_mark_that_cannot_be_opened_is_not_taken_for_none),
        cmocka_unit_test(an_index_is_not_made_without_the_mark),
#if TORTURE
        cmocka_unit_test(without_memory_it_is_written_as_it_comes),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
