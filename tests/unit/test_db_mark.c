/* SPDX-License-Identifier: MIT */
/* The mark of how far the log is committed, after a process that was killed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "db_mark.h"
#include "torture.h"

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

/* More than the cache holds: pages go to the log before the commit. */
#define MANY                                                                                       \
    "WITH RECURSIVE n (i) AS (SELECT 10 UNION ALL SELECT i + 1 FROM n WHERE i < 900)"              \
    " INSERT INTO t SELECT i, randomblob(3900) FROM n"
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

/* A byte of the mark becomes its opposite; the last one is cut off. How long it was. */
static off_t spoil(const struct place *place, off_t at)
{
    char name[80];
    struct stat mark;
    unsigned char byte;
    FILE *f;

    (void)snprintf(name, sizeof name, "%s.mark", place->path);
    assert_int_equal(stat(name, &mark), 0);
    if (at == mark.st_size - 1) {
        assert_int_equal(truncate(name, at), 0);
        return mark.st_size;
    }
    f = fopen(name, "r+");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fread(&byte, 1, 1, f), 1);
    byte = (unsigned char)~byte;
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_int_equal(fwrite(&byte, 1, 1, f), 1);
    assert_int_equal(fclose(f), 0);
    return mark.st_size;
}

/* As after a power failure while it was written: the log then holds what SQLite finds in it. */
static void a_mark_that_is_torn_is_none(void **state)
{
    static const char *const run[] = {MAKE, "INSERT INTO t VALUES (2, 'kept')"};
    struct place place;
    off_t at = 0, size;

    (void)state;
    do {
        place_make(&place);
        killed_after(place.path, run, ARRAY_LEN(run));
        size = spoil(&place, at++);
        assert_int_equal(rows_of(&place), 2);
        place_clear(&place);
    } while (at < size);
    assert_true(size > 16);
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

enum { FAR = 1 << 20 };

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
        cmocka_unit_test(a_mark_that_is_torn_is_none),
        cmocka_unit_test(a_transaction_whose_pages_met_a_full_disk_is_whole_or_gone),
        cmocka_unit_test(a_transaction_reads_what_it_has_written),
        cmocka_unit_test(what_was_taken_back_is_not_written_and_what_is_committed_is),
        cmocka_unit_test(what_could_not_be_written_is_an_error_until_the_transaction_ends),
#if TORTURE
        cmocka_unit_test(without_memory_it_is_written_as_it_comes),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
