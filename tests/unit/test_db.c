/* SPDX-License-Identifier: MIT */
/* Opening databases that are missing, somebody else's, newer, locked or not to be written; the lock
 * that writers share; and a flush that fails. */
#include "rig_sql.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sqlite3.h>
#include <stdatomic.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "lock.h"
#include "migrate.h"
#include "store_inner.h"

/* The flushes of SQLite, which this program's own functions stand in for. */
static atomic_int flushes;
static atomic_bool flush_fails;

static int flush(long call, int fd)
{
    atomic_fetch_add(&flushes, 1);
    if (!atomic_load(&flush_fails))
        return (int)syscall(call, fd);
    errno = EIO;
    return -1;
}

int fsync(int fd)
{
    return flush(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return flush(SYS_fdatasync, fd);
}

/* Closes the store, spoils the file, and returns the sentence with which it does not open again. */
static const char *refusal(struct rig *r, const char *text, enum store_mode mode, struct err *e)
{
    struct store *s;

    store_close(r->s);
    r->s = NULL;
    if (text)
        rig_sql(r, text);
    assert_int_equal(store_open(r->conf, mode, &s, e), -1);
    return e->text;
}

static void a_new_file_is_made_for_owner_and_group_only(void **state)
{
    struct rig r;
    struct stat st;

    (void)state;
    rig_make(&r, "");
    assert_int_equal(stat(r.path, &st), 0);
    assert_int_equal(st.st_mode & 0007, 0);
    rig_free(&r);
}

static void a_reader_does_not_make_the_file(void **state)
{
    struct rig r;
    struct store *s;
    struct err e;

    (void)state;
    rig_make(&r, "");
    store_close(r.s);
    r.s = NULL;
    assert_int_equal(unlink(r.path), 0);
    assert_int_equal(store_open(r.conf, STORE_READ, &s, &e), -1);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_int_equal(access(r.path, F_OK), -1);
    rig_free(&r);
}

static void a_newer_database_is_refused_and_left_alone(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    assert_non_null(
        strstr(refusal(&r, "PRAGMA user_version=1000", STORE_WRITE, &e), "newer Anteroom"));
    assert_int_equal(err_status(e.code), 503);
    assert_non_null(strstr(refusal(&r, NULL, STORE_READ, &e), "newer Anteroom"));
    rig_free(&r);
}

static void an_older_database_is_migrated_by_a_writer_only(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    store_close(r.s);
    assert_int_equal(unlink(r.path), 0);
    rig_sql(&r, "PRAGMA application_id=0x416e7465; PRAGMA user_version=0");
    r.s = NULL;
    assert_non_null(strstr(refusal(&r, NULL, STORE_READ, &e), "needs"));
    rig_open(&r);
    rig_free(&r);
}

static void somebody_elses_file_is_refused(void **state)
{
    struct rig r;
    struct err e;
    int fd;

    (void)state;
    rig_make(&r, "");
    store_close(r.s);
    r.s = NULL;
    assert_int_equal(unlink(r.path), 0);
    assert_non_null(
        strstr(refusal(&r, "CREATE TABLE theirs (x)", STORE_WRITE, &e), "none of Anteroom's"));
    fd = open(r.path, O_WRONLY | O_TRUNC);
    assert_int_equal(
        write(fd, "this is a letter and no database, but long enough to be looked at", 65), 65);
    close(fd);
    (void)refusal(&r, NULL, STORE_WRITE, &e);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    rig_free(&r);
}

static void a_missing_folder_is_named(void **state)
{
    struct rig r;
    struct conf *conf;
    struct store *s;
    struct err e;

    (void)state;
    rig_make(&r, "");
    OK(conf_parse(str_of("database: /nonexistent/deep/a.db\n"), "t", &conf, &e), &e);
    assert_int_equal(store_open(conf, STORE_WRITE, &s, &e), -1);
    assert_non_null(strstr(e.text, "/nonexistent/deep"));
    conf_free(conf);
    rig_free(&r);
}

static void a_lock_held_elsewhere_is_an_error_at_the_deadline(void **state)
{
    struct rig r;
    struct err e;
    char path[128];
    int fd;

    (void)state;
    rig_make(&r, "");
    (void)snprintf(path, sizeof path, "%s.lock", r.path);
    OK(lock_open(path, &fd, &e), &e);
    assert_int_equal(lock_take(fd, 0, &e), 1);
    assert_int_equal(store_begin(r.s, NS_PER_MS, &e), -1);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    lock_release(fd);
    rig_begin(&r);
    assert_int_equal(lock_take(fd, 0, &e), 0);
    rig_commit(&r);
    assert_int_equal(lock_take(fd, 0, &e), 1);
    close(fd);
    rig_free(&r);
}

static void a_program_that_does_not_know_our_lock_is_waited_for_and_then_named(void **state)
{
    struct rig r;
    struct err e;
    sqlite3 *db;

    (void)state;
    rig_make(&r, "");
    assert_int_equal(sqlite3_open(r.path, &db), SQLITE_OK);
    assert_int_equal(sqlite3_exec(db, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    assert_int_equal(store_begin(r.s, NS_PER_MS, &e), -1);
    assert_non_null(strstr(e.text, "locked by another program"));
    assert_int_equal(sqlite3_exec(db, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
    sqlite3_close(db);
    rig_begin(&r);
    rig_commit(&r);
    rig_free(&r);
}

/* A reader that stays on a row must not keep a writer's connection in the past: it would get
 * SQLITE_BUSY_SNAPSHOT. */
static void a_row_left_standing_does_not_hold_a_snapshot(void **state)
{
    struct rig r;
    struct store *other;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, "");
    rig_add(&r, "q", "a", "{}");
    OK(store_open(r.conf, STORE_WRITE, &other, &e), &e);
    rig_begin(&r);
    OK(store_show(r.s, STR_LIT("q"), STR_LIT("a"), &j, &e), &e);
    rig_commit(&r);
    OK(store_begin(other, NS_PER_S, &e), &e);
    OK(store_delete(other, STR_LIT("q"), STR_LIT("a"), &(struct store_match){0}, r.now, &e), &e);
    OK(store_commit(other, &e), &e);
    rig_add(&r, "q", "a", "{}");
    store_close(other);
    rig_free(&r);
}

enum { OPENERS = 4, OPEN_ROUNDS = 25 };

static void *open_and_close(void *arg)
{
    struct store *s;
    struct err *e = calloc(1, sizeof *e);

    if (store_open(arg, STORE_WRITE, &s, e) == 0) {
        store_close(s);
        free(e);
        return NULL;
    }
    return e;
}

/* As `make run` does: the service and the dispatcher start at the same moment. */
static void many_may_open_a_new_file_at_once(void **state)
{
    pthread_t thread[OPENERS];
    struct rig r;
    int round, i;

    (void)state;
    rig_make(&r, "");
    for (round = 0; round < OPEN_ROUNDS; round++) {
        store_close(r.s);
        assert_int_equal(unlink(r.path), 0);
        for (i = 0; i < OPENERS; i++)
            assert_int_equal(pthread_create(&thread[i], NULL, open_and_close, r.conf), 0);
        for (i = 0; i < OPENERS; i++) {
            void *e;

            assert_int_equal(pthread_join(thread[i], &e), 0);
            if (e)
                fail_msg("%s", ((struct err *)e)->text);
        }
        rig_open(&r);
    }
    rig_free(&r);
}

static void nothing_is_written_to_a_file_that_was_removed(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    rig_add(&r, "q", "a", "{}");
    assert_int_equal(unlink(r.path), 0);
    assert_int_equal(store_begin(r.s, NS_PER_S, &e), -1);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.text, "removed"));
    rig_free(&r);
}

struct waiter {
    int fd;
    atomic_bool had; /* the lock */
};

static void *wait_for_lock(void *arg)
{
    struct waiter *w = arg;
    struct err e;

    if (lock_take(w->fd, clock_mono() + 60 * NS_PER_S, &e) == 1) {
        atomic_store(&w->had, true);
        lock_release(w->fd);
    }
    return NULL;
}

/* Does anybody stand in line for the lock? */
static bool somebody_waits(int fd)
{
    struct flock head = {.l_type = F_WRLCK, .l_whence = SEEK_SET, .l_len = 1};

    assert_int_equal(fcntl(fd, F_OFD_GETLK, &head), 0);
    return head.l_type != F_UNLCK;
}

/* A service under load gives the lock back and takes it anew at once, for ever. */
static void whoever_waits_for_the_lock_has_it_before_its_owner_again(void **state)
{
    int64_t deadline = clock_mono() + 60 * NS_PER_S;
    struct waiter w = {0};
    pthread_t thread;
    struct rig r;
    struct err e;
    char path[128];
    int fd;

    (void)state;
    rig_make(&r, "");
    (void)snprintf(path, sizeof path, "%s/lock", r.dir);
    OK(lock_open(path, &fd, &e), &e);
    OK(lock_open(path, &w.fd, &e), &e);
    assert_int_equal(lock_take(fd, deadline, &e), 1);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_lock, &w), 0);
    while (!somebody_waits(fd) && clock_mono() < deadline)
        sched_yield();
    lock_release(fd);
    assert_int_equal(lock_take(fd, deadline, &e), 1);
    assert_true(atomic_load(&w.had));
    assert_int_equal(pthread_join(thread, NULL), 0);
    close(fd);
    close(w.fd);
    rig_free(&r);
}

static void who_runs_a_statement_for_its_effect_leaves_no_row_standing(void **state)
{
    struct db_stmt *st;
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    OK(store_read_begin(r.s, &e), &e);
    st = db_use(r.s->db, SQL_INSTANCE, &e);
    assert_non_null(st);
    OK(db_run(r.s->db, st, &e), &e);
    assert_int_equal(db_step(r.s->db, st, &e), 1); /* from its beginning */
    db_done(st);
    store_read_end(r.s);
    rig_free(&r);
}

/* Whoever closes in the middle of a change has not made it. */
static void what_was_not_committed_is_not_there(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    rig_begin(&r);
    OK(db_exec(r.s->db, "INSERT INTO owners VALUES ('o', 1)", &e), &e);
    store_close(r.s);
    r.s = NULL;
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM owners"), 0);
    rig_free(&r);
}

/* What was not flushed once may be gone from memory, and a second flush would say that all is well.
 */
static void after_a_flush_that_failed_nothing_is_flushed_again(void **state)
{
    struct store_match any = {0};
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    rig_add(&r, "q", "a", "{}");
    rig_begin(&r);
    OK(store_delete(r.s, STR_LIT("q"), STR_LIT("a"), &any, r.now, &e), &e);
    flush_fails = true;
    assert_int_equal(store_commit(r.s, &e), -1);
    flush_fails = false;
    assert_int_equal(e.code, ERR_COMMIT_UNKNOWN);
    assert_true(flushes > 0);
    flushes = 0;
    store_close(r.s);
    r.s = NULL;
    assert_int_equal(flushes, 0);
    rig_free(&r);
}

static void every_step_of_the_schema_is_applied_once(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, "");
    store_close(r.s);
    rig_open(&r);
    store_close(r.s);
    rig_open(&r);
    assert_true(migrate_count >= 1);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_file_is_made_for_owner_and_group_only),
        cmocka_unit_test(a_reader_does_not_make_the_file),
        cmocka_unit_test(a_newer_database_is_refused_and_left_alone),
        cmocka_unit_test(an_older_database_is_migrated_by_a_writer_only),
        cmocka_unit_test(somebody_elses_file_is_refused),
        cmocka_unit_test(a_missing_folder_is_named),
        cmocka_unit_test(a_lock_held_elsewhere_is_an_error_at_the_deadline),
        cmocka_unit_test(a_program_that_does_not_know_our_lock_is_waited_for_and_then_named),
        cmocka_unit_test(a_row_left_standing_does_not_hold_a_snapshot),
        cmocka_unit_test(many_may_open_a_new_file_at_once),
        cmocka_unit_test(nothing_is_written_to_a_file_that_was_removed),
        cmocka_unit_test(whoever_waits_for_the_lock_has_it_before_its_owner_again),
        cmocka_unit_test(who_runs_a_statement_for_its_effect_leaves_no_row_standing),
        cmocka_unit_test(what_was_not_committed_is_not_there),
        cmocka_unit_test(after_a_flush_that_failed_nothing_is_flushed_again),
        cmocka_unit_test(every_step_of_the_schema_is_applied_once),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
