/* SPDX-License-Identifier: MIT */
/* Databases of earlier versions: opening one brings it up to this one's, with all that is in it. */
#include "rig_sql.h"

#include <sys/statvfs.h>

#include "migrate.h"
#include "url.h"

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

/* A database of an earlier version in place of the rig's, which is closed: made as that version
 * made it, which could not give space back. */
static void begin(struct rig *r, int version, const char *content_of_it)
{
    char pragma[96];
    int i;

    rig_make(r, queues);
    store_close(r->s);
    r->s = NULL;
    assert_int_equal(truncate(r->path, 0), 0);
    rig_sql(r, "PRAGMA journal_mode=WAL");
    for (i = 0; i < version; i++)
        rig_sql(r, migrate_steps[i]);
    rig_sql(r, content_of_it);
    (void)snprintf(pragma, sizeof pragma, "PRAGMA user_version=%d; PRAGMA application_id=%d",
                   version, MIGRATE_APPLICATION_ID);
    rig_sql(r, pragma);
}

/* Bytes at the end of each page that SQLite leaves alone: there are the checksums. */
static int rig_reserved(struct rig *r)
{
    unsigned char head[21];
    FILE *f = fopen(r->path, "rb");

    assert_non_null(f);
    assert_int_equal(fread(head, 1, sizeof head, f), sizeof head);
    (void)fclose(f);
    return head[20];
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
    begin(&r, 1, content);
    assert_int_equal(rig_ask(&r, "PRAGMA user_version"), 1);
    rig_open(&r);
    assert_int_equal(rig_ask(&r, "PRAGMA user_version"), migrate_count);
    assert_string_equal(rig_list(&r, &(struct store_filter){.type = STR_LIT("vm")}),
                        "runs,over,waits");
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("waits"), &j, &e), &e);
    assert_true(j.id == 1 && str_is(j.reason, "WaitingForCapacity"));
    assert_int_equal(held(&r), 3);
    assert_int_equal(rig_ask(&r, "SELECT since FROM holds WHERE until IS NULL"), 92);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM answers"), 1);
    assert_int_equal(rig_ask(&r, "SELECT read_at FROM readings WHERE queue = 'vm'"), 96);
    assert_int_equal(rig_ask(&r, "SELECT pools = 1 AND hosts = 2 FROM readings WHERE queue = 'vm'"),
                     1);
    assert_int_equal(
        rig_ask(&r, "SELECT tried_at FROM readings WHERE error IS NOT NULL AND read_at IS NULL"),
        97);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM pragma_foreign_key_check"), 0);
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
    begin(&r, 1, content);
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
    begin(&r, 1, content);
    assert_int_equal(store_open(r.conf, STORE_READ, &s, &e), -1);
    assert_non_null(strstr(e.text, "has version 1 and this program needs"));
    assert_int_equal(rig_ask(&r, "PRAGMA user_version"), 1);
    rig_free(&r);
}

/* A migration that fails half-way leaves the database as it was. */
static void a_migration_that_fails_changes_nothing(void **state)
{
    struct store *s;
    struct rig r;
    struct err e;

    (void)state;
    begin(&r, 1, content);
    rig_sql(&r, "CREATE TABLE reading_projects (x)"); /* in its way, near its end */
    assert_int_equal(store_open(r.conf, STORE_WRITE, &s, &e), -1);
    assert_non_null(strstr(e.text, "migration 2"));
    assert_int_equal(rig_ask(&r, "PRAGMA user_version"), 1);
    assert_int_equal(rig_ask(&r, "SELECT count(*) FROM holds WHERE job_id = 2 AND amount = 3"), 1);
    rig_free(&r);
}

/* ---- from version 2 ---- */

/* Two owners in one group, one of them in another, and a group that nobody is in; jobs of all
 * states; what they hold; a first answer. */
static const char content_2[] =
    "INSERT INTO groups (id, type, scope, shape, reason, message, seq) VALUES"
    "  (7, 'vm', 'project:p', '[{\"n\":1,\"r\":{\"VCPU\":1}}]', 'WaitingForCapacity', 'm', 3),"
    "  (8, 'vm', 'project:p', '[{\"n\":1,\"r\":{\"VCPU\":9}}]', 'NeverFits', 'n', 1),"
    "  (9, 'vm', 'project:q', '[{\"n\":1,\"r\":{\"VCPU\":9}}]', 'NoPool', 'o', 0);"
    "INSERT INTO jobs (id, type, request_id, owner_id, data, callback, priority, status,"
    "  created_at, updated_at, queued_at, scope, group_id, admitted_at, hosts, admissions,"
    "  next_try, hold_until, finished_at, deleted_at, not_before, reason) VALUES"
    "  (1, 'vm', 'a1', 'a', '{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}',"
    "   'http://A.example:80/x', 1, 'queued', 1, 1, 1, 'project:p', 7, NULL, NULL, 0, NULL, NULL,"
    "   NULL, NULL, NULL, NULL),"
    "  (2, 'vm', 'b2', 'b', '{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}',"
    "   'https://b.example:443?q', 2, 'queued', 1, 1, 1, 'project:p', 7, NULL, NULL, 0, NULL, NULL,"
    "   NULL, NULL, NULL, NULL),"
    "  (3, 'vm', 'b3', 'b', '{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}',"
    "   'https://b.example:8443/y/z', 3, 'queued', 1, 1, 1, 'project:p', 7, NULL, NULL, 0, NULL,"
    "   NULL, NULL, NULL, NULL, NULL),"
    "  (4, 'vm', 'a4', 'a', '{\"project\":\"p\",\"instances\":[{\"VCPU\":9}]}', 'relative/4', 4,"
    "   'queued', 1, 1, 1, 'project:p', 8, NULL, NULL, 0, NULL, NULL, NULL, NULL, NULL, NULL),"
    "  (5, 'vm', 'c5', 'c', '{}', 'HTTP://[::1]:80', 5, 'queued', 1, 1, 1, '', NULL, NULL, NULL, 0,"
    "   NULL, NULL, NULL, NULL, 9000000000000000000, 'NotBefore'),"
    "  (6, 'vm', 'c6', 'c', '{}', 'http://c.example#6', 6, 'held', 1, 1, 1, '', NULL, NULL, NULL,"
    "   0, NULL, NULL, NULL, NULL, NULL, NULL),"
    "  (7, 'vm', 'd7', 'd', '{}', 'http://d.example/7', 7, 'admitted', 1, 1, 1, '', NULL, 50,"
    "   '{\"n1\":1}', 1, 60, 70, NULL, NULL, NULL, NULL),"
    "  (8, 'vm', 'd8', 'd', '{}', 'http://d.example/8', 8, 'running', 1, 1, 1, '', NULL, 50,"
    "   '{\"n2\":1}', 2, NULL, NULL, NULL, NULL, NULL, NULL),"
    "  (9, 'vm', 'd9', 'd', '{}', 'http://d.example/9', 9, 'finished', 1, 1, 1, '', NULL, 50, '{}',"
    "   1, NULL, NULL, 80, NULL, NULL, NULL),"
    "  (10, 'vm', 'd9', 'd', '{}', 'http://d.example/9', 9, 'cancelled', 1, 1, 1, '', NULL, NULL,"
    "   NULL, 0, NULL, NULL, 80, 81, NULL, NULL);"
    "INSERT INTO queues (type, version, last_priority, waiting) VALUES ('vm', 12, 10, 6);"
    "INSERT INTO holds VALUES ('vm', 'n1', 'VCPU', 7, 50, 1, NULL), ('vm', 'n2', 'VCPU', 8, 40, 2, "
    "55),"
    "  ('vm', 'n2', 'VCPU', 8, 50, 2, NULL);"
    "INSERT INTO answers VALUES ('vm', 'key', x'00', 201, '/l', '\"e\"', '{}', 100);";

/* All that a version has in common with the one before: does it say the same in both? */
static const char kept[] =
    "SELECT (SELECT total(id * priority * length(callback) * length(data) * created_at"
    " + coalesce(hold_until, 0) + coalesce(deleted_at, 0)) FROM jobs)"
    " + (SELECT total(amount * since * job_id + coalesce(until, 0)) FROM holds)"
    " + (SELECT total(version * last_priority * waiting) FROM queues)"
    " + (SELECT total(status * created_at * length(etag)) FROM answers)"
    " + (SELECT total(length(g.reason) * length(g.message) * g.seq) FROM jobs j JOIN groups g"
    "    ON g.id = j.group_id)";

static void check_groups(struct rig *r)
{
    assert_int_equal(rig_ask(r, "SELECT count(*) FROM groups"),
                     3); /* a and b; a; nobody's is gone */
    assert_int_equal(rig_ask(r, "SELECT count(*) FROM jobs j JOIN groups g ON g.id = j.group_id"
                                " AND g.owner_id = j.owner_id AND g.type = j.type"
                                " AND g.scope = j.scope"),
                     4);
    assert_int_equal(rig_ask(r, "SELECT count(DISTINCT group_id) FROM jobs WHERE owner_id = 'b'"),
                     1);
    assert_int_equal(
        rig_ask(r, "SELECT count(*) FROM groups WHERE shape LIKE '%:1}%' AND message = 'm'"), 2);
    assert_int_equal(rig_ask(r, "SELECT count(*) FROM jobs WHERE group_id IS NULL"), 6);
    assert_int_equal(rig_ask(r, "SELECT sum(reason_at) FROM groups"), 0);
    assert_int_equal(rig_ask(r, "SELECT id FROM jobs WHERE reason = 'Held'"), 6);
}

static void check_owners(struct rig *r)
{
    static const struct {
        const char *owner;
        int waiting;
    } owners[] = {{"a", 2}, {"b", 2}, {"c", 2}, {"d", -1}};
    char text[96];
    size_t i;

    for (i = 0; i < ARRAY_LEN(owners); i++) {
        (void)snprintf(text, sizeof text, "SELECT waiting FROM owners WHERE owner_id = '%s'",
                       owners[i].owner);
        assert_int_equal(rig_ask(r, text), owners[i].waiting);
    }
}

/* As url.h names the origin, or the type where the callback is relative. */
static void check_receivers(struct rig *r)
{
    sqlite3 *db = rig_sqlite(r);
    sqlite3_stmt *st;
    struct url u;
    struct err e;
    int n = 0;

    assert_int_equal(sqlite3_prepare_v2(db, "SELECT callback, receiver FROM jobs", -1, &st, NULL),
                     SQLITE_OK);
    for (; sqlite3_step(st) == SQLITE_ROW; n++) {
        const char *callback = (const char *)sqlite3_column_text(st, 0);
        const char *receiver = (const char *)sqlite3_column_text(st, 1);

        if (!strstr(callback, "://")) {
            assert_string_equal(receiver, "/vm");
            continue;
        }
        OK(url_resolve((struct str){0}, str_of(callback), "it", &u, &e), &e);
        assert_string_equal(receiver, u.origin);
        url_free(&u);
    }
    assert_int_equal(n, 10);
    sqlite3_finalize(st);
    sqlite3_close(db);
}

static void check_3(struct rig *r)
{
    assert_int_equal(rig_ask(r, "PRAGMA user_version"), migrate_count);
    assert_int_equal(rig_ask(r, "PRAGMA auto_vacuum"), 2);
    check_groups(r);
    check_owners(r);
    check_receivers(r);
    assert_int_equal(rig_ask(r, "SELECT count(*) FROM answers WHERE asker = '' AND key = 'key'"),
                     1);
    assert_int_equal(rig_ask(r, "SELECT paused FROM queues"), 0);
    assert_int_equal(rig_ask(r, "SELECT queued = 5 AND held = 1 AND admitted = 1 AND running = 1"
                                " AND finished = 1 AND failed + cancelled + expired = 0"
                                " AND waiting = queued + held FROM queues"),
                     1);
    rig_sound(r);
}

static bool count_group(void *ctx, const struct store_group *g)
{
    *(int *)ctx += g->owner_id.n == 1 && !g->paused;
    return true;
}

static void version_2_is_brought_up_with_all_that_is_in_it(void **state)
{
    int64_t before;
    struct rig r;
    struct err e;
    struct job j;
    int groups = 0;

    (void)state;
    begin(&r, 2, content_2);
    before = rig_ask(&r, kept);
    rig_open(&r);
    check_3(&r);
    assert_int_equal(rig_ask(&r, kept), before);
    assert_string_equal(rig_list(&r, &(struct store_filter){.type = STR_LIT("vm")}),
                        "a1,b2,b3,a4,c5,c6,d7,d8,d9");
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("b3"), &j, &e), &e);
    assert_true(str_is(j.reason, "WaitingForCapacity") && str_is(j.message, "m"));
    OK(store_groups(r.s, 0, count_group, &groups, &e), &e);
    assert_int_equal(groups, 3);
    OK(rig_change(&r, "vm", "c6", "{\"status\":\"queued\"}", &e), &e);
    OK(rig_change(&r, "vm", "d8", "{\"status\":\"finished\"}", &e), &e);
    rig_sound(&r);
    rig_free(&r);
}

static void nothing(struct rig *r)
{
    (void)r;
}

/* There is the old one or the new one, and what it has been brought up to stays. */
static void killed_at_any_statement_it_is_there_or_not(void **state)
{
    int64_t before, version = 2, is;
    struct rig r;
    int n = 0;

    (void)state;
    begin(&r, 2, content_2);
    before = rig_ask(&r, kept);
    while (rig_killed_at(&r, ++n, nothing)) {
        is = rig_ask(&r, "PRAGMA user_version");
        assert_true(is == version || (version == 2 && is == migrate_count));
        version = is;
        assert_int_equal(rig_ask(&r, kept), before);
        rig_sound(&r);
        if (version == migrate_count)
            check_3(&r);
    }
    assert_true(n > 60);
    assert_int_equal(rig_ask(&r, kept), before);
    check_3(&r);
    rig_free(&r);
}

/* ---- space ---- */

static void a_new_database_can_give_space_back(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    assert_int_equal(rig_ask(&r, "PRAGMA auto_vacuum"), 2);
    assert_int_equal(rig_ask(&r, "SELECT journal_mode = 'wal' FROM pragma_journal_mode"), 1);
    rig_free(&r);
}

/* ---- checksums ---- */

static void pages_have_checksums_from_then_on(void **state)
{
    struct rig r;

    (void)state;
    begin(&r, 2, content_2);
    assert_int_equal(rig_reserved(&r), 0);
    rig_open(&r);
    store_close(r.s);
    r.s = NULL;
    assert_int_equal(rig_reserved(&r), 8);
    rig_open(&r);
    check_groups(&r);
    rig_sound(&r);
    rig_free(&r);
}

/* A program of an earlier version may have it open, and would not renew them: it is brought up
 * without, and has them when one opens it alone. */
static void a_file_that_others_have_open_gets_checksums_later(void **state)
{
    sqlite3 *other;
    struct rig r;

    (void)state;
    begin(&r, 2, content_2);
    assert_int_equal(sqlite3_open(r.path, &other), SQLITE_OK);
    assert_int_equal(sqlite3_exec(other, "SELECT * FROM jobs", NULL, NULL, NULL), SQLITE_OK);
    rig_open(&r);
    assert_int_equal(rig_ask(&r, "PRAGMA user_version"), migrate_count);
    store_close(r.s);
    assert_int_equal(rig_reserved(&r), 0);
    assert_int_equal(sqlite3_close(other), SQLITE_OK);
    rig_open(&r);
    assert_int_equal(rig_reserved(&r), 8);
    check_groups(&r);
    rig_sound(&r);
    rig_free(&r);
}

static bool disk_is_full;

/* In place of the system's. */
int statvfs(const char *path, struct statvfs *fs)
{
    (void)path;
    *fs = (struct statvfs){.f_frsize = 4096, .f_bavail = disk_is_full ? 1000 : 1 << 30};
    return 0;
}

static void a_disk_without_room_for_a_copy_is_no_reason_to_stop(void **state)
{
    struct rig r;
    struct err e;
    int64_t pages;

    (void)state;
    begin(&r, 2, content_2);
    disk_is_full = true;
    rig_open(&r);
    disk_is_full = false;
    assert_int_equal(rig_ask(&r, "PRAGMA user_version"), migrate_count);
    assert_int_equal(rig_ask(&r, "PRAGMA auto_vacuum"), 0);
    rig_sql(&r, "CREATE TABLE t (x); INSERT INTO t VALUES (zeroblob(9000000)); DROP TABLE t");
    pages = rig_ask(&r, "PRAGMA freelist_count");
    assert_true(pages > 1000);
    assert_int_equal(store_purgeable(r.s, 1, &e), 0);
    assert_int_equal(rig_purge(&r, 1).pages, 0);
    rig_free(&r);
}

static sqlite3 *stranger; /* who knows nothing of our lock */

static void disturb(const char *statement)
{
    if (strcmp(statement, "VACUUM") == 0)
        assert_int_equal(sqlite3_exec(stranger, "BEGIN IMMEDIATE", NULL, NULL, NULL), SQLITE_OK);
    else if (strcmp(statement, "BEGIN IMMEDIATE") == 0 && !sqlite3_get_autocommit(stranger))
        assert_int_equal(sqlite3_exec(stranger, "ROLLBACK", NULL, NULL, NULL), SQLITE_OK);
}

static void nor_is_a_copy_that_fails(void **state)
{
    struct rig r;

    (void)state;
    begin(&r, 2, content_2);
    stranger = rig_sqlite(&r);
    rig_watch(disturb);
    rig_open(&r);
    rig_watch(NULL);
    sqlite3_close(stranger);
    assert_int_equal(rig_ask(&r, "PRAGMA user_version"), migrate_count);
    assert_int_equal(rig_ask(&r, "PRAGMA auto_vacuum"), 0);
    check_groups(&r);
    rig_sound(&r);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(version_1_is_brought_up_with_all_that_is_in_it),
        cmocka_unit_test(what_never_fits_is_known_as_before),
        cmocka_unit_test(a_reader_waits_for_a_writer_to_bring_it_up),
        cmocka_unit_test(a_migration_that_fails_changes_nothing),
        cmocka_unit_test(version_2_is_brought_up_with_all_that_is_in_it),
        cmocka_unit_test(killed_at_any_statement_it_is_there_or_not),
        cmocka_unit_test(a_new_database_can_give_space_back),
        cmocka_unit_test(pages_have_checksums_from_then_on),
        cmocka_unit_test(a_file_that_others_have_open_gets_checksums_later),
        cmocka_unit_test(a_disk_without_room_for_a_copy_is_no_reason_to_stop),
        cmocka_unit_test(nor_is_a_copy_that_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
