/* SPDX-License-Identifier: MIT */
/* Databases of earlier versions: opening one brings it up to this one's, with all that is in it. */
#include "rig.h"

#include <sqlite3.h>

#include "migrate.h"

static const char queues[] =
    "queues:\n"
    "  vm:\n"
    "    capacity: static\n"
    "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}, n2: {VCPU: 4}}}}\n";

/* A waiting job, a running one with what it holds, one that is over, and a reading. */
static const char content[] =
    "INSERT INTO groups (id, type, scope, shape, reason, message) VALUES"
    "  (7, 'vm', 'project:p', '[{\"n\":1,\"r\":{\"VCPU\":1}}]', 'WaitingForCapacity', 'm');"
    "INSERT INTO jobs (id, type, request_id, owner_id, data, callback, priority, status,"
    "  created_at, updated_at, queued_at, scope, group_id, admitted_at, started_at, hosts,"
    "  admissions, finished_at) VALUES"
    "  (1, 'vm', 'waits', 'o', '{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}', 'c1', 10,"
    "   'queued', 100, 100, 100, 'project:p', 7, NULL, NULL, NULL, 0, NULL),"
    "  (2, 'vm', 'runs', 'o', '{\"project\":\"p\",\"instances\":[{\"VCPU\":3}]}', 'c2', 5,"
    "   'running', 90, 95, 90, 'project:p', NULL, 92, 95, '{\"n1\":1}', 1, NULL),"
    "  (3, 'vm', 'over', 'o', '{}', 'c3', 6, 'finished', 80, 85, 80, '', NULL, 81, 82, '{}', 1,"
    "   85);"
    "INSERT INTO queues VALUES ('vm', 12, 10, 1);"
    "INSERT INTO holds VALUES ('vm', 'n1', 'VCPU', 2, 3);"
    "INSERT INTO readings VALUES ('vm', 4711, 96, NULL), ('lab', 4712, 97, 'it answered 503');"
    "INSERT INTO reading_hosts VALUES ('vm', 'host1', 'n1'), ('vm', 'host1', 'n2');"
    "INSERT INTO reading_totals VALUES ('vm', 'n1', 'VCPU', 4), ('vm', 'n2', 'VCPU', 4);"
    "INSERT INTO answers VALUES ('vm', 'key', x'00', 201, NULL, NULL, '{}', 100);";

static void sql(sqlite3 *db, const char *text)
{
    char *said = NULL;

    if (sqlite3_exec(db, text, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %.60s", said, text);
}

/* A database of version 1 in place of the rig's. */
static void begin(struct rig *r)
{
    char pragma[96];
    sqlite3 *db;

    rig_make(r, queues);
    store_close(r->s);
    assert_int_equal(unlink(r->path), 0);
    assert_int_equal(sqlite3_open(r->path, &db), SQLITE_OK);
    sql(db, "PRAGMA journal_mode=WAL; PRAGMA foreign_keys=ON");
    sql(db, migrate_steps[0]);
    sql(db, content);
    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=1; PRAGMA application_id=%d",
                   MIGRATE_APPLICATION_ID);
    sql(db, pragma);
    sqlite3_close(db);
}

static int64_t ask(struct rig *r, const char *text)
{
    sqlite3_stmt *st;
    sqlite3 *db;
    int64_t v;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

static void add_up(void *ctx, struct str host, struct str resource, int64_t amount)
{
    assert_true(str_is(host, "n1") && str_is(resource, "VCPU"));
    *(int64_t *)ctx += amount;
}

static int64_t held(struct rig *r)
{
    int64_t sum = 0;
    struct err e;

    OK(store_holds(r->s, STR_LIT("vm"), INT64_MAX, add_up, &sum, &e), &e);
    return sum;
}

static void version_1_is_brought_up_with_all_that_is_in_it(void **state)
{
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    begin(&r);
    assert_int_equal(ask(&r, "PRAGMA user_version"), 1);
    rig_open(&r);
    assert_int_equal(ask(&r, "PRAGMA user_version"), migrate_count);
    assert_string_equal(rig_list(&r, &(struct store_filter){.type = STR_LIT("vm")}),
                        "runs,over,waits");
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("waits"), &j, &e), &e);
    assert_true(j.id == 1 && str_is(j.reason, "WaitingForCapacity"));
    assert_int_equal(held(&r), 3);
    assert_int_equal(ask(&r, "SELECT since FROM holds WHERE until IS NULL"), 92);
    assert_int_equal(ask(&r, "SELECT count(*) FROM answers"), 1);
    assert_int_equal(ask(&r, "SELECT read_at FROM readings WHERE queue = 'vm'"), 96);
    assert_int_equal(
        ask(&r, "SELECT tried_at FROM readings WHERE error IS NOT NULL AND read_at IS NULL"), 97);
    assert_int_equal(ask(&r, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
    OK(rig_change(&r, "vm", "runs", "{\"status\":\"finished\"}", &e), &e);
    assert_int_equal(held(&r), 0);
    rig_free(&r);
}

/* What was read before is known until the next reading. */
static void what_never_fits_is_known_as_before(void **state)
{
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    begin(&r);
    rig_open(&r);
    (void)rig_add(&r, "vm", "big", "{\"project\":\"p\",\"instances\":[{\"VCPU\":5}]}");
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("big"), &j, &e), &e);
    assert_true(str_is(j.reason, "NeverFits"));
    rig_free(&r);
}

static void a_reader_waits_for_a_writer_to_bring_it_up(void **state)
{
    struct store *s;
    struct rig r;
    struct err e;

    (void)state;
    begin(&r);
    assert_int_equal(store_open(r.conf, STORE_READ, &s, &e), -1);
    assert_non_null(strstr(e.text, "has version 1 and this program needs"));
    assert_int_equal(ask(&r, "PRAGMA user_version"), 1);
    r.s = NULL;
    rig_free(&r);
}

/* A migration that fails half-way leaves the database as it was. */
static void a_migration_that_fails_changes_nothing(void **state)
{
    struct store *s;
    struct rig r;
    struct err e;

    (void)state;
    begin(&r);
    assert_int_equal(ask(&r, "CREATE TABLE reading_projects (x)"),
                     -1); /* in its way, near its end */
    assert_int_equal(store_open(r.conf, STORE_WRITE, &s, &e), -1);
    assert_non_null(strstr(e.text, "migration 2"));
    assert_int_equal(ask(&r, "PRAGMA user_version"), 1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM holds WHERE job_id = 2 AND amount = 3"), 1);
    r.s = NULL;
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_is_brought_up_with_all_that_is_in_it),
        cmocka_unit_test(what_never_fits_is_known_as_before),
        cmocka_unit_test(a_reader_waits_for_a_writer_to_bring_it_up),
        cmocka_unit_test(a_migration_that_fails_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
