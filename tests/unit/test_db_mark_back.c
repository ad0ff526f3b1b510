/* SPDX-License-Identifier: MIT */
/* The mark of how far the log is committed is taken back before the log is overwritten, or nothing
 * is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "db_mark.h"

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
    handle = open_it(place.path);
    db_sum_ask(handle);
    run_it(handle, MAKE);
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    handle = open_it(place.path);
    assert_int_equal(run_with_files(2, handle, "SELECT count(*) FROM t"), SQLITE_CANTOPEN);
    run_it(handle, "SELECT count(*) FROM t");
    assert_int_equal(sqlite3_close(handle), SQLITE_OK);
    assert_int_equal(rows_of(&place), 1);
    place_clear(&place);
}

enum { FRAME = 24 + PAGE, SEEN = 24, END_AT = 16 /* in a mark */ };

/* What the flush of a mark finds: this program's own function stands in for libc's. */
static struct {
    char path[64]; /* of the database; "": nobody looks */
    bool fails;    /* the next one */
    int n;
    uint64_t end;              /* of the mark that was flushed last, */
    unsigned char frame[SEEN]; /* and how the log goes on there, at that time */
} flushed;

/* Whether all of it is there. */
static bool read_beside(const char *path, const char *end, void *to, size_t n, int64_t at)
{
    char name[80];
    ssize_t got;
    int fd;

    (void)snprintf(name, sizeof name, "%s%s", path, end);
    fd = open(name, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    got = pread(fd, to, n, at);
    assert_int_equal(close(fd), 0);
    return got == (ssize_t)n;
}

static uint64_t end_of_mark(const char *path)
{
    uint64_t end;

    assert_true(read_beside(path, ".mark", &end, sizeof end, END_AT));
    return end;
}

static bool is_mark(int fd)
{
    struct stat a, b;
    char name[80];

    (void)snprintf(name, sizeof name, "%s.mark", flushed.path);
    return flushed.path[0] && fstat(fd, &a) == 0 && stat(name, &b) == 0 && a.st_ino == b.st_ino;
}

int fdatasync(int fd)
{
    if (!is_mark(fd))
        return (int)syscall(SYS_fdatasync, fd);
    flushed.n++;
    flushed.end = end_of_mark(flushed.path);
    assert_true(read_beside(flushed.path, "-wal", flushed.frame, SEEN, (int64_t)flushed.end));
    if (!flushed.fails)
        return (int)syscall(SYS_fdatasync, fd);
    flushed.fails = false;
    errno = EIO;
    return -1;
}

static void look_at_flushes(const struct pair *p)
{
    memset(&flushed, 0, sizeof flushed);
    memcpy(flushed.path, p->place.path, sizeof flushed.path);
}

/* By the next commit, which overwrites it: the mark is on the disk before anything of that is in
 * the log. Else a power cut in between might leave the old mark, and the log without what it says.
 */
static void the_mark_of_a_commit_that_nobody_has_heard_of_is_taken_back(void **state)
{
    unsigned char before[SEEN], after[SEEN];
    struct pair p = {0};
    uint64_t heard, unheard;

    (void)state;
    pair_make(&p);
    heard = end_of_mark(p.place.path);
    commit_unheard(p.killed, UP_TO("20"));
    unheard = end_of_mark(p.place.path);
    assert_true(unheard >= heard + 20 * (uint64_t)FRAME);
    assert_true(read_beside(p.place.path, "-wal", before, SEEN, (int64_t)heard));
    look_at_flushes(&p);
    run_it(p.other, "INSERT INTO t VALUES (2, 'kept')");
    flushed.path[0] = '\0';
    assert_true(read_beside(p.place.path, "-wal", after, SEEN, (int64_t)heard));
    assert_true(flushed.n == 1 && flushed.end == heard);
    assert_memory_equal(flushed.frame, before, SEEN);
    assert_memory_not_equal(after, before, SEEN);
    assert_int_equal(end_of_mark(p.place.path), heard + FRAME);
    pair_end(&p, 2);
}

/* The log is begun anew, in the place of the old one: the same. */
static void the_mark_is_taken_back_before_the_log_is_begun_anew(void **state)
{
    unsigned char before[SEEN], after[SEEN];
    struct pair p = {0};

    (void)state;
    pair_make(&p);
    run_it(p.other, "PRAGMA wal_checkpoint");
    assert_true(read_beside(p.place.path, "-wal", before, SEEN, 0));
    look_at_flushes(&p);
    run_it(p.other, "INSERT INTO t VALUES (2, 'kept')");
    flushed.path[0] = '\0';
    assert_true(read_beside(p.place.path, "-wal", after, SEEN, 0));
    assert_true(flushed.n == 1 && flushed.end == 0);
    assert_memory_equal(flushed.frame, before, SEEN);
    assert_memory_not_equal(after, before, SEEN);
    pair_end(&p, 2);
}

/* Regression: what could not be flushed was in the file all the same, the next commit found nothing
 * to take back, and the disk may have kept the old mark. */
static void a_mark_whose_flush_failed_is_flushed_by_the_next(void **state)
{
    struct pair p = {0};
    uint64_t heard;

    (void)state;
    pair_make(&p);
    heard = end_of_mark(p.place.path);
    commit_unheard(p.killed, UP_TO("20"));
    look_at_flushes(&p);
    flushed.fails = true;
    assert_int_equal(sqlite3_exec(p.other, "INSERT INTO t VALUES (2, 'x')", NULL, NULL, NULL),
                     SQLITE_IOERR);
    assert_true(flushed.n == 1 && end_of_mark(p.place.path) > heard);
    run_it(p.other, "INSERT INTO t VALUES (2, 'kept')");
    flushed.path[0] = '\0';
    assert_true(flushed.n == 2 && flushed.end == heard);
    pair_end(&p, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_mark_that_cannot_be_opened_is_not_taken_for_none),
        cmocka_unit_test(an_index_is_not_made_without_the_mark),
        cmocka_unit_test(the_mark_of_a_commit_that_nobody_has_heard_of_is_taken_back),
        cmocka_unit_test(the_mark_is_taken_back_before_the_log_is_begun_anew),
        cmocka_unit_test(a_mark_whose_flush_failed_is_flushed_by_the_next),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
