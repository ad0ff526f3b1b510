/* SPDX-License-Identifier: MIT */
/* The plan of every statement of the store: no scan, no sort, that does not say so itself. */
#include "rig.h"

#include <sqlite3.h>

#include "store_sql_inner.h"

/* Does the statement mark this scan as meant ("scan: <table>")? */
static bool meant(const char *sql, const char *detail)
{
    const char *mark = strstr(sql, "scan: ");
    size_t n;

    if (!mark || strncmp(detail, "SCAN ", 5) != 0)
        return false;
    mark += 6;
    n = strcspn(mark, ", *");
    return strncmp(detail + 5, mark, n) == 0;
}

/* SQLite's words for what costs more than the rows that come out. */
static bool is_costly(const char *detail)
{
    return strstr(detail, "SCAN ") || strstr(detail, "TEMP B-TREE") || strstr(detail, "AUTOMATIC");
}

static void check_plan(sqlite3 *db, size_t number, int *bad)
{
    const char *sql = store_sql(number);
    char explain[4096];
    sqlite3_stmt *st;

    assert_non_null(sql);
    (void)snprintf(explain, sizeof explain, "EXPLAIN QUERY PLAN %s", sql);
    if (sqlite3_prepare_v2(db, explain, -1, &st, NULL) != SQLITE_OK)
        fail_msg("statement %zu: %s: %s", number, sql, sqlite3_errmsg(db));
    while (sqlite3_step(st) == SQLITE_ROW) {
        const char *detail = (const char *)sqlite3_column_text(st, 3);

        if (is_costly(detail) && !meant(sql, detail)) {
            print_message("statement %zu: %s\n    %s\n", number, detail, sql);
            ++*bad;
        }
    }
    sqlite3_finalize(st);
}

static void every_statement_has_a_good_plan(void **state)
{
    struct rig r;
    sqlite3 *db;
    size_t i;
    int bad = 0;

    (void)state;
    rig_make(&r, "");
    assert_int_equal(sqlite3_open_v2(r.path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    for (i = 0; i < SQL_NAMES; i++)
        check_plan(db, i, &bad);
    assert_int_equal(bad, 0);
    sqlite3_close(db);
    rig_free(&r);
}

/* The check itself: it sees a scan, a sort, and a mark that names another table. */
static void the_check_can_fail(void **state)
{
    (void)state;
    assert_true(is_costly("SCAN jobs"));
    assert_true(is_costly("USE TEMP B-TREE FOR ORDER BY"));
    assert_false(is_costly("SEARCH jobs USING INDEX jobs_order (type=?)"));
    assert_true(meant("SELECT 1 /* scan: jobs, why */", "SCAN jobs USING COVERING INDEX x"));
    assert_false(meant("SELECT 1 /* scan: groups, why */", "SCAN jobs"));
    assert_false(meant("SELECT 1 /* scan: jobs, why */", "USE TEMP B-TREE FOR ORDER BY"));
    assert_false(meant("SELECT 1", "SCAN jobs"));
}

/* A name whose text two areas have would be answered with either. */
static void no_statement_stands_in_two_areas(void **state)
{
    static const char *const *const areas[] = {store_sql_queue,    store_sql_job,
                                               store_sql_delivery, store_sql_reading,
                                               store_sql_keep,     store_sql_clock};
    size_t i, n, found;

    (void)state;
    for (n = 0; n < SQL_NAMES; n++) {
        for (i = found = 0; i < ARRAY_LEN(areas); i++)
            found += areas[i][n] != NULL;
        assert_in_range(found, n <= SQL_INSTANCE ? 0 : 1, n <= SQL_INSTANCE ? 0 : 1);
    }
}

/* The steps of SQLite's machine that a statement takes when it finds nothing, its parameters being
 * a late time and texts. */
static int steps_of(sqlite3 *db, enum store_sql_name name)
{
    sqlite3_stmt *st;
    int i, rc, steps;

    assert_int_equal(sqlite3_prepare_v2(db, store_sql(name), -1, &st, NULL), SQLITE_OK);
    for (i = 1; i <= sqlite3_bind_parameter_count(st); i++)
        assert_int_equal(sqlite3_bind_int64(st, i, 1000), SQLITE_OK);
    if (name == SQL_LANE_PAUSE || name == SQL_LANE_RESUME || name == SQL_OWNER_NEXT_TYPE) {
        assert_int_equal(sqlite3_bind_text(st, 1, "r", -1, SQLITE_STATIC), SQLITE_OK);
        assert_int_equal(sqlite3_bind_text(st, 2, "o", -1, SQLITE_STATIC), SQLITE_OK);
    }
    rc = sqlite3_step(st);
    if (rc != SQLITE_DONE)
        fail_msg("statement %d: %d, %s", (int)name, rc, sqlite3_errmsg(db));
    steps = sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0);
    sqlite3_finalize(st);
    return steps;
}

/* A receiver that is slow, or dead: 3,000 jobs wait for it, and their holds are over. They say that
 * it is paused, or not. */
static void what_is_asked_again_and_again_does_not_look_at_all_who_wait(void **state)
{
    static const char *const reasons[] = {"NULL", "'ReceiverPaused'"};
    static const enum store_sql_name names[2][3] = {{SQL_LAPSED, SQL_ASLEEP, SQL_LANE_RESUME},
                                                    {SQL_LAPSED, SQL_ASLEEP, SQL_LANE_PAUSE}};
    char sql[1024];
    struct rig r;
    sqlite3 *db;
    size_t i, n;

    (void)state;
    for (i = 0; i < 2; i++) {
        rig_make(&r, "");
        assert_int_equal(sqlite3_open_v2(r.path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
        (void)snprintf(
            sql, sizeof sql,
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
            " INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status,"
            " created_at, updated_at, queued_at, scope, next_try, hold_until, receiver, reason)"
            " SELECT 'vm', i, 'o', '{}', i, i, 'admitted', 1, 1, 1, '', 2, 3, 'r', %s FROM n",
            reasons[i]);
        assert_int_equal(sqlite3_exec(db, sql, NULL, NULL, NULL), SQLITE_OK);
        for (n = 0; n < ARRAY_LEN(names[i]); n++)
            assert_in_range(steps_of(db, names[i][n]), 1, 500);
        sqlite3_close(db);
        rig_free(&r);
    }
}

/* 3,000 types in which others have jobs. */
static void an_owners_types_are_found_without_those_of_others(void **state)
{
    struct rig r;
    sqlite3 *db;

    (void)state;
    rig_make(&r, "");
    assert_int_equal(sqlite3_open_v2(r.path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    assert_int_equal(
        sqlite3_exec(
            db,
            "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)"
            " INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status,"
            " created_at, updated_at, queued_at, scope)"
            " SELECT 'type' || i, i, 'other', '{}', i, i, 'held', 1, 1, 1, '' FROM n",
            NULL, NULL, NULL),
        SQLITE_OK);
    assert_in_range(steps_of(db, SQL_OWNER_NEXT_TYPE), 1, 100);
    sqlite3_close(db);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_statement_has_a_good_plan),
        cmocka_unit_test(the_check_can_fail),
        cmocka_unit_test(no_statement_stands_in_two_areas),
        cmocka_unit_test(what_is_asked_again_and_again_does_not_look_at_all_who_wait),
        cmocka_unit_test(an_owners_types_are_found_without_those_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
