/* SPDX-License-Identifier: MIT */
/* A sound database is found sound; each thing that Anteroom relies on is broken once, and found; a
 * file with any byte flipped is told of or sound, and never more than that. */
#include "rig_sql.h"

#include "db_look.h"
#include "prop.h"
#include "store_check.h"
#include "store_token.h"

#define ONE "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"

/* ---- a database with something of everything ---- */

static void change(struct rig *r, const char *id, const char *status)
{
    char json[64];
    struct err e;

    (void)snprintf(json, sizeof json, "{\"status\":\"%s\"}", status);
    OK(rig_change(r, "vm", id, json, &e), &e);
}

static void admit(struct rig *r, int64_t id)
{
    static const struct store_hold hold = {STR_LIT("n1"), STR_LIT("VCPU"), 1};
    struct store_admission a = {.id = id,
                                .queue = STR_LIT("vm"),
                                .hosts = STR_LIT("{\"n1\":1}"),
                                .first_try = r->now,
                                .hold_until = r->now + 600 * NS_PER_S,
                                .holds = 1,
                                .hold = &hold};
    struct err e;

    a.group = rig_ask(r, "SELECT group_id FROM jobs WHERE request_id = 'admitted'");
    rig_begin(r);
    assert_int_equal(store_admit(r->s, &a, r->now, &e), 1);
    rig_commit(r);
}

static void read_source(struct rig *r)
{
    static const struct store_amount amount = {STR_LIT("VCPU"), 8, 0};
    static const struct store_host host = {.name = STR_LIT("n1"), .amounts = 1, .amount = &amount};
    static size_t member = 0;
    static struct str project = STR_LIT("p");
    struct pool pool = {
        .name = STR_LIT("one"), .hosts = 1, .host = &member, .projects = 1, .project = &project};
    struct store_reading reading = {.queue = STR_LIT("vm"),
                                    .live = true,
                                    .read_at = r->now,
                                    .hosts = 1,
                                    .host = &host,
                                    .pools = 1,
                                    .pool = &pool};
    struct err e;

    rig_begin(r);
    OK(store_reading_save(r->s, &reading, &e), &e);
    rig_commit(r);
}

static void add_token(struct rig *r)
{
    struct store_token t = {.name = STR_LIT("portal"),
                            .role = STR_LIT("owner"),
                            .owners = STR_LIT("[\"o\"]"),
                            .created_at = r->now};
    char token[STORE_TOKEN_MAX];
    struct err e;

    rig_begin(r);
    OK(store_token_add(r->s, &t, token, &e), &e);
    rig_commit(r);
}

static void fill(struct rig *r)
{
    struct err e;

    rig_make(r, "queues:\n  vm: {capacity: exec, program: [/bin/true], accounting: ledger}\n");
    read_source(r);
    (void)rig_add(r, "vm", "waits", ONE);
    (void)rig_add(r, "vm", "held", ONE);
    (void)rig_add(r, "vm", "runs", ONE);
    (void)rig_add(r, "vm", "over", ONE);
    (void)rig_add(r, "vm", "gone", ONE);
    (void)rig_add(r, "other", "elsewhere", "{}");
    change(r, "held", "held");
    change(r, "runs", "running");
    change(r, "over", "cancelled");
    admit(r, rig_add(r, "vm", "admitted", ONE));
    rig_begin(r);
    OK(store_delete(r->s, STR_LIT("vm"), STR_LIT("gone"), &(struct store_match){0}, r->now, &e),
       &e);
    rig_commit(r);
    add_token(r);
}

/* ---- what the check says ---- */

struct said {
    size_t faults;
    char text[4096]; /* "question: text" each */
};

static void hear(void *ctx, const struct store_fault *f)
{
    struct said *s = ctx;
    size_t n = strlen(s->text);

    s->faults++;
    (void)snprintf(s->text + n, sizeof s->text - n, "%s: %.*s\n", f->question, (int)f->text.n,
                   f->text.p);
}

static struct store_checked check(struct rig *r, struct said *said)
{
    struct store_checker c = {.now = r->now, .fault = hear, .ctx = said};
    struct store_checked done;
    struct err e;

    *said = (struct said){0};
    OK(store_check(r->path, &c, &done, &e), &e);
    return done;
}

static void a_database_that_is_used_as_meant_is_sound(void **state)
{
    struct store_checked done;
    struct said said;
    struct rig r;

    (void)state;
    rig_make(&r, "");
    done = check(&r, &said);
    assert_string_equal(said.text, "");
    rig_free(&r);
    fill(&r);
    done = check(&r, &said);
    assert_string_equal(said.text, "");
    assert_int_equal(done.faults, 0);
    assert_int_equal(done.questions, store_questions_count + 4);
    assert_false(done.skipped);
    rig_free(&r);
}

/* ---- each broken once ---- */

#define JOB(id) " WHERE request_id = '" id "'"

static const struct {
    const char *question, *sql, *text; /* what is done, and a part of what is said */
} broken[] = {
    {"references", "DELETE FROM jobs" JOB("over"), "refers to a row of jobs"},
    {"schema", "DROP INDEX jobs_due", "the index jobs_due is missing"},
    {"schema", "CREATE TABLE mine (x)", "the table mine is not Anteroom's"},
    {"integrity", "UPDATE jobs SET status = 'lost'" JOB("over"), "CHECK"},
    {"instance", "DELETE FROM instance", "it has 0 names"},
    {"instance", "UPDATE instance SET name = 'x'", "of 1 characters"},
    {"job-id", "UPDATE sqlite_sequence SET seq = 2 WHERE name = 'jobs'",
     "the last job is 7, and the next one would be 3"},
    {"job-request", "DROP INDEX jobs_request; UPDATE jobs SET request_id = 'waits'" JOB("held"),
     "2 jobs of the type vm have the request_id waits: 1, 2"},
    {"job-callback",
     "DROP INDEX jobs_callback; UPDATE jobs SET callback = 'http://c.example/vm/waits'" JOB("held"),
     "2 jobs have the callback http://c.example/vm/waits: 1, 2"},
    {"job-data", "UPDATE jobs SET data = '{'" JOB("held"), "job 2 (vm/held) has data that is no"},
    {"job-data", "UPDATE jobs SET hosts = '{'" JOB("admitted"), "has hosts that is no JSON"},
    {"job-admitted", "UPDATE jobs SET hosts = NULL" JOB("admitted"),
     "job 7 (vm/admitted) is admitted without"},
    {"job-running", "UPDATE jobs SET started_at = NULL" JOB("runs"), "job 3 (vm/runs) is running"},
    {"job-over", "UPDATE jobs SET finished_at = NULL" JOB("over"), "cancelled without finished_at"},
    {"job-over", "UPDATE jobs SET finished_at = 1" JOB("waits"), "queued with finished_at"},
    {"job-deleted", "UPDATE jobs SET deleted_at = 1" JOB("runs"), "is deleted and running"},
    {"job-due", "UPDATE jobs SET next_try = 1" JOB("waits"), "queued, and its callback is due"},
    {"job-due", "UPDATE jobs SET receiver = ''" JOB("admitted"), "has no receiver"},
    {"job-group", "UPDATE jobs SET group_id = NULL" JOB("waits"), "waits in no group"},
    {"job-group", "UPDATE jobs SET group_id = 999" JOB("waits"), "in group 999, which is not"},
    {"job-group", "UPDATE groups SET owner_id = 'x'", "which is of another type, owner or scope"},
    {"group-head",
     "UPDATE groups SET head_id = 99, head_priority = 1, head_queued_at = 1"
     " WHERE id = (SELECT group_id FROM jobs WHERE request_id = 'waits')",
     "has job 99 as its first, and it is 1"},
    {"job-awake", "UPDATE jobs SET group_id = 1" JOB("held"), "is held, and in group 1"},
    {"job-time", "UPDATE jobs SET updated_at = 4000000000000000000" JOB("over"),
     "job 4 (vm/over) has a time in the future: 2096-10-02T07:06:40Z"},
    {"queue-row", "DELETE FROM queues WHERE type = 'other'", "the type other has jobs"},
    {"queue-waiting", "UPDATE queues SET waiting = 5 WHERE type = 'vm'",
     "queue vm has 5 waiting jobs on its books, and 2 wait"},
    {"queue-jobs", "UPDATE queues SET running = 5 WHERE type = 'vm'",
     "queue vm has 5 running jobs on its books, and there are 1"},
    {"queue-jobs", "UPDATE queues SET expired = 1 WHERE type = 'vm'",
     "queue vm has 1 expired jobs on its books, and there are 0"},
    {"reading-size", "UPDATE readings SET hosts = 4",
     "the reading of vm has 1 pools and 4 hosts on its books, and there are 1 and 1"},
    {"owner-waiting", "UPDATE owners SET waiting = 9", "owner o has 9 waiting jobs on the books"},
    {"owner-waiting", "DELETE FROM owners", "owner o has 0 waiting jobs on the books, and 3 wait"},
    {"owner-waiting", "INSERT INTO owners VALUES ('nobody', 0)", "owner nobody has 0"},
    {"hold-end", "UPDATE holds SET job_id = 1", "job 1 (vm/waits) is queued, and holds 1 VCPU on"},
    {"reading-pool", "UPDATE reading_hosts SET pool = 'x'", "has host n1 in the pool x"},
    {"reading-pool", "UPDATE reading_projects SET pool = 'x'", "has project p in the pool x"},
    {"reading-row", "UPDATE reading_totals SET queue = 'x'", "no reading of x, and amounts of it"},
    {"event-number", "UPDATE events SET n = 0 WHERE job_id = 4", "job 4 has an event number 0"},
    {"event-word", "UPDATE events SET event = 'odd' WHERE job_id = 4", "job 4 has the event odd"},
    {"event-time", "UPDATE events SET at = 4000000000000000000 WHERE job_id = 4",
     "event 1 of job 4 has a time in the future"},
    {"token", "UPDATE tokens SET digest = zeroblob(32)", "the token portal has no digest"},
    {"token", "UPDATE tokens SET owners = '[]'", "the token portal has no list of owners"},
    {"answer",
     "INSERT INTO answers (type, asker, key, digest, status, body, created_at)"
     " VALUES ('vm', '', 'k', x'00', 200, '', 1)",
     "the first answer to vm/k has a digest of 1 bytes"},
};

static void whatever_is_broken_is_found_and_named(void **state)
{
    struct said said;
    char line[512];
    struct rig r;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(broken); i++) {
        fill(&r);
        (void)snprintf(line, sizeof line, "PRAGMA ignore_check_constraints = ON; %s",
                       broken[i].sql);
        rig_sql(&r, line);
        assert_true(check(&r, &said).faults > 0);
        (void)snprintf(line, sizeof line, "%s: ", broken[i].question);
        if (!strstr(said.text, line) || !strstr(said.text, broken[i].text))
            fail_msg("%s\nwas to be said after: %s\nand this was: %s", broken[i].text,
                     broken[i].sql, said.text);
        rig_free(&r);
    }
}

static void every_question_was_broken_above(void **state)
{
    size_t i, n;

    (void)state;
    for (i = 0; i < store_questions_count; i++) {
        for (n = 0; n < ARRAY_LEN(broken); n++) {
            if (strcmp(broken[n].question, store_questions[i].name) == 0)
                break;
        }
        if (n == ARRAY_LEN(broken))
            fail_msg("nothing breaks %s", store_questions[i].name);
    }
}

static void of_many_faults_some_are_told_and_all_are_counted(void **state)
{
    struct said said;
    struct rig r;

    (void)state;
    rig_make(&r, "");
    rig_sql(&r, "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 50)"
                " INSERT INTO owners SELECT 'o' || n, 3 FROM c");
    assert_int_equal(check(&r, &said).faults, 50);
    assert_int_equal(said.faults, STORE_FAULTS_MAX + 1);
    assert_non_null(strstr(said.text, "owner-waiting: and 30 more\n"));
    rig_free(&r);
}

static void of_another_version_only_what_sqlite_knows_is_looked_at(void **state)
{
    struct store_checked done;
    struct said said;
    struct rig r;

    (void)state;
    fill(&r);
    rig_sql(&r, "DELETE FROM instance; PRAGMA user_version = 77");
    done = check(&r, &said);
    assert_int_equal(done.faults, 0);
    assert_true(done.skipped);
    assert_int_equal(done.version, 77);
    assert_int_equal(done.questions, 3);
    rig_free(&r);
}

/* ---- damage ---- */

static void overwrite(const char *path, long at, unsigned char with)
{
    FILE *f = fopen(path, "r+b");
    int c;

    assert_non_null(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    c = fgetc(f);
    assert_int_equal(fseek(f, at, SEEK_SET), 0);
    assert_true(fputc(c ^ with, f) != EOF);
    assert_int_equal(fclose(f), 0);
}

/* Somewhere in the pages that are in use; the file is a copy, so that no WAL hides it. */
static void a_flipped_byte_never_ends_it(void **state)
{
    char copy[128];
    struct store_checked done;
    struct said said = {0};
    struct store_checker c = {.fault = hear, .ctx = &said};
    struct db_look *l;
    struct prop p = prop_begin("test_store_check", 1);
    struct rig r;
    struct err e;
    int64_t size;
    long at;
    int i, found = 0;

    (void)state;
    fill(&r);
    (void)snprintf(copy, sizeof copy, "%s/copy", r.dir);
    for (i = 0; i < 150; i++) {
        (void)unlink(copy);
        OK(db_look_open(r.path, &l, &e), &e);
        OK(db_look_copy(l, copy, &e), &e);
        OK(db_look_number(l,
                          "SELECT page_count * page_size FROM pragma_page_count,"
                          " pragma_page_size",
                          &size, &e),
           &e);
        db_look_close(l);
        at = (long)prop_below(&p, (size_t)size);
        at = i % 2 ? at : at / 4096 * 4096 + at % 16; /* anywhere, or where a page begins */
        overwrite(copy, at, (unsigned char)(1 << (i % 8)));
        said = (struct said){0};
        c.now = r.now;
        if (store_check(copy, &c, &done, &e) != 0 || done.faults > 0)
            found++;
    }
    assert_true(found > 10); /* most of a small file is empty room */
    (void)unlink(copy);
    rig_free(&r);
}

static void what_is_no_database_is_told_of(void **state)
{
    struct said said = {0};
    struct store_checker c = {.fault = hear, .ctx = &said};
    struct store_checked done;
    char path[128];
    struct rig r;
    struct err e;
    FILE *f;

    (void)state;
    rig_make(&r, "");
    (void)snprintf(path, sizeof path, "%s/text", r.dir);
    assert_int_equal(store_check(path, &c, &done, &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fprintf(f, "%s", "This is a text and no database at all.\n") > 0);
    assert_int_equal(fclose(f), 0);
    OK(store_check(path, &c, &done, &e), &e);
    assert_string_equal(said.text, "integrity: file is not a database (SQLite 26)\n");
    assert_int_equal(truncate(path, 0), 0);
    said = (struct said){0};
    OK(store_check(path, &c, &done, &e), &e);
    assert_string_equal(said.text,
                        "integrity: the file is an SQLite database, but none of Anteroom's\n");
    rig_free(&r);
}

/* ---- cost ---- */

static int steps_of(sqlite3 *db, const char *sql)
{
    sqlite3_stmt *st;
    int steps;

    if (sqlite3_prepare_v2(db, sql, -1, &st, NULL) != SQLITE_OK)
        fail_msg("%s: %s", sqlite3_errmsg(db), sql);
    while (sqlite3_step(st) == SQLITE_ROW)
        ;
    steps = sqlite3_stmt_status(st, SQLITE_STMTSTATUS_VM_STEP, 0);
    sqlite3_finalize(st);
    return steps;
}

/* 4,000 of everything, of 2,000 types: no question looks at each pair. */
static void no_question_costs_more_than_walks_over_the_tables(void **state)
{
    static const char many[] =
        "WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 4000)"
        " INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status,"
        " created_at, updated_at, queued_at, scope, group_id) SELECT 't' || n % 2000, n,"
        " 'o' || n % 2000, '{}', n, n, 'queued', 1, 1, 1, '', n FROM c;"
        "INSERT INTO groups (id, type, scope, owner_id, shape, reason, message)"
        " SELECT id, type, '', owner_id, id, '', '' FROM jobs;"
        "INSERT INTO queues (type, version, last_priority, waiting, queued)"
        " SELECT type, 1, 1, count(*), count(*) FROM jobs GROUP BY type;"
        "INSERT INTO owners SELECT owner_id, count(*) FROM jobs GROUP BY owner_id;"
        "INSERT INTO holds (queue, host, resource, job_id, since, amount)"
        " SELECT type, id, 'r', id, 1, 1 FROM jobs;"
        "INSERT INTO readings (queue, tried_at, ns, pools, hosts)"
        " SELECT type, 1, 1, 1, count(*) FROM jobs GROUP BY type;"
        "INSERT INTO reading_pools SELECT DISTINCT type, 'p', 0, 0, 0, 0 FROM jobs;"
        "INSERT INTO reading_hosts SELECT type, 'p', id FROM jobs;"
        "INSERT INTO reading_totals SELECT type, id, 'r', 1, 0 FROM jobs;"
        "INSERT INTO events (job_id, n, at, who, event) SELECT id, 1, 1, 'w', 'status' FROM jobs;";
    struct rig r;
    sqlite3 *db;
    size_t i;
    int steps;

    (void)state;
    rig_make(&r, "");
    rig_sql(&r, many);
    db = rig_sqlite(&r);
    for (i = 0; i < store_questions_count; i++) {
        steps = steps_of(db, store_questions[i].sql);
        if (steps > 4000 * 150)
            fail_msg("%s takes %d steps", store_questions[i].name, steps);
    }
    sqlite3_close(db);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_database_that_is_used_as_meant_is_sound),
        cmocka_unit_test(whatever_is_broken_is_found_and_named),
        cmocka_unit_test(every_question_was_broken_above),
        cmocka_unit_test(of_many_faults_some_are_told_and_all_are_counted),
        cmocka_unit_test(of_another_version_only_what_sqlite_knows_is_looked_at),
        cmocka_unit_test(a_flipped_byte_never_ends_it),
        cmocka_unit_test(what_is_no_database_is_told_of),
        cmocka_unit_test(no_question_costs_more_than_walks_over_the_tables),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
