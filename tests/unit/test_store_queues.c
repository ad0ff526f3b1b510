/* SPDX-License-Identifier: MIT */
/* Queues as people see them: which there are for whom, and what is told of each. */
#include "queues_case.h"

static void is_seen(struct rig *r, size_t looker, const char *after, size_t stop_at,
                    const char *want)
{
    struct seen s = {.looker = looker, .stop_at = stop_at};
    char text[128] = "";
    size_t i, n = 0;

    s.db = rig_sqlite(r);
    look(r, &s, after);
    for (i = 0; i < s.n; i++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s ", s.type[i]);
    assert_string_equal(text, want);
    sqlite3_close(s.db);
}

static void add(struct rig *r, const char *type, const char *owner)
{
    char json[256];
    struct err e;
    struct job j;

    (void)snprintf(json, sizeof json,
                   "{\"request_id\":\"r\",\"owner_id\":\"%s\",\"callback\":\"http://c.example/%s\","
                   "\"data\":{}}",
                   owner, type);
    OK(rig_post(r, type, json, &j, &e), &e);
}

static void set_paused(struct rig *r, const char *type, bool paused)
{
    struct err e;

    rig_begin(r);
    assert_int_equal(store_pause(r->s, str_of(type), paused, &e), 1);
    rig_commit(r);
}

static void types_that_are_configured_used_or_paused_are_there(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, conf);
    is_seen(&r, 0, NULL, 0, "seen strict vm ");
    add(&r, "a", "o1");
    add(&r, "z", "o2");
    add(&r, "strict", "o2");
    set_paused(&r, "t", true);
    is_seen(&r, 0, NULL, 0, "a seen strict t vm z ");
    is_seen(&r, 1, NULL, 0, "a seen strict vm ");
    is_seen(&r, 2, NULL, 0, "a seen strict vm z ");
    is_seen(&r, 0, "a", 2, "seen strict ");
    is_seen(&r, 0, "sf", 0, "strict t vm z ");
    is_seen(&r, 0, "z", 0, "");
    is_seen(&r, 0, "~", 0, "");
    set_paused(&r, "t", false);
    rig_begin(&r);
    OK(store_delete(r.s, STR_LIT("z"), STR_LIT("r"), &(struct store_match){0}, r.now, &e), &e);
    rig_commit(&r);
    is_seen(&r, 0, NULL, 0, "a seen strict vm ");
    rig_free(&r);
}

static int statements;

static void count_statement(const char *sql)
{
    (void)sql;
    statements++;
}

static void what_others_have_costs_an_owner_nothing(void **state)
{
    static const char others[] =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " INSERT INTO queues (type, version, last_priority, waiting, queued)"
        " SELECT 'n' || i, 1, 1, 1, 1 FROM n;"
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)"
        " INSERT INTO jobs (type, request_id, owner_id, data, callback, priority, status,"
        " created_at, updated_at, queued_at, scope)"
        " SELECT 'n' || i, i, 'x', '{}', i, i, 'queued', 1, 1, 1, '' FROM n";
    struct rig r;
    int before;

    (void)state;
    rig_watch(count_statement);
    rig_make(&r, conf);
    add(&r, "a", "o1");
    add(&r, "m", "o1");
    add(&r, "u", "o2");
    add(&r, "z", "o1");
    statements = 0;
    is_seen(&r, 2, NULL, 0, "a m seen strict u vm z ");
    before = statements;
    rig_sql(&r, others);
    statements = 0;
    is_seen(&r, 2, NULL, 0, "a m seen strict u vm z ");
    assert_int_equal(statements, before);
    rig_watch(NULL);
    rig_free(&r);
}

static int stop(void *ctx, const struct store_queue *q, struct err *e)
{
    (void)ctx;
    (void)q;
    return err_set(e, ERR_UNAVAILABLE, "enough");
}

static void a_failure_of_who_looks_is_handed_on(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, conf);
    assert_int_equal(store_queues(r.s, r.now, stop, NULL, &e), -1);
    assert_string_equal(e.text, "enough");
    rig_free(&r);
}

/* ---- as JSON ---- */

static void is_written(struct rig *r, const struct who *who, const char *type, const char *want)
{
    struct buf b = BUF_INIT(4096);
    struct json_out o = JSON_OUT(&b);
    struct clock_zone zone = {0};
    struct store_queue q;
    struct err e;

    store_as(r->s, who);
    OK(store_queue(r->s, str_of(type), r->now, &q, &e), &e);
    store_queue_write(&o, &q, &zone);
    store_as(r->s, NULL);
    assert_string_equal(b.data, want);
    buf_free(&b);
}

#define NONE                                                                                       \
    "\"Jobs\":{\"queued\":0,\"held\":0,\"admitted\":0,\"running\":0,\"finished\":0,\"failed\":0,"  \
    "\"cancelled\":0,\"expired\":0},\"OldestWait\":null,"
#define SERVED(minute)                                                                             \
    "\"Throughput\":{\"LastMinute\":" #minute ",\"LastHour\":" #minute ",\"LastDay\":" #minute "}" \
    ","

static void what_has_no_value_is_null(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, conf);
    is_written(&r, &lookers[0], "strict",
               "{\"Type\":\"strict\",\"Paused\":false," NONE SERVED(0) //
               "\"Policy\":{\"Capacity\":\"none\",\"Fit\":\"pack\",\"Overtake\":\"0s\","
               "\"RunLimit\":null},\"LastPass\":null,\"Source\":null}");
    is_written(&r, &lookers[0], "seen",
               "{\"Type\":\"seen\",\"Paused\":false," NONE SERVED(0) //
               "\"Policy\":{\"Capacity\":\"exec\",\"Fit\":\"spread\",\"Overtake\":\"forever\","
               "\"RunLimit\":3},\"LastPass\":null,\"Source\":{\"Kind\":\"exec\",\"TriedAt\":null,"
               "\"ReadAt\":null,\"Ms\":null,\"Error\":null,\"About\":null,\"Pools\":null,"
               "\"Hosts\":null}}");
    rig_free(&r);
}

/* A source that was read once and then failed; a pass; an admission. */
static void give_it_a_past(struct rig *r)
{
    static const struct store_host hosts[] = {{.name = STR_LIT("n1")}, {.name = STR_LIT("n2")}};
    struct store_reading reading = {.queue = STR_LIT("seen"),
                                    .live = true,
                                    .read_at = INT64_C(1700000000) * NS_PER_S,
                                    .ns = 1203456,
                                    .about = STR_LIT("v1"),
                                    .hosts = 2,
                                    .host = hosts};
    const struct stats_last_pass last = {INT64_C(1700000001) * NS_PER_S, 2000999, 1, 2, 3};
    struct err e;

    rig_begin(r);
    OK(store_reading_save(r->s, &reading, &e), &e);
    reading.read_at += 5 * NS_PER_S;
    reading.error = STR_LIT("it answered 503 at 10.0.0.7");
    OK(store_reading_save(r->s, &reading, &e), &e);
    rig_commit(r);
    stats_admitted(store_stats(r->s), STR_LIT("seen"), NS_PER_S, r->now);
    stats_queue_pass(store_stats(r->s), STR_LIT("seen"), &last);
}

static void an_owner_is_told_of_his_jobs_and_whether_the_source_can_be_read(void **state)
{
    static const char policy[] = "\"Policy\":{\"Capacity\":\"exec\",\"Fit\":\"spread\","
                                 "\"Overtake\":\"forever\",\"RunLimit\":3},";
    static const char pass[] =
        "\"LastPass\":{\"At\":\"2023-11-14T22:13:21.000000000+00:00\",\"Ms\":2.000,\"Admitted\":";
    static const char source[] =
        "\"Source\":{\"Kind\":\"exec\",\"TriedAt\":\"2023-11-14T22:13:25.000000000+00:00\","
        "\"ReadAt\":\"2023-11-14T22:13:20.000000000+00:00\",\"Ms\":";
    char want[1024];
    struct rig r;

    (void)state;
    rig_make(&r, conf);
    give_it_a_past(&r);
    (void)snprintf(want, sizeof want,
                   "{\"Type\":\"seen\",\"Paused\":false," NONE SERVED(1) //
                   "%s%s1,\"Groups\":2,\"Reasons\":3},%s1.203,\"Error\":\"it answered 503 at"
                   " 10.0.0.7\",\"About\":\"v1\",\"Pools\":0,\"Hosts\":2}}",
                   policy, pass, source);
    is_written(&r, &lookers[0], "seen", want);
    (void)snprintf(want, sizeof want,
                   "{\"Type\":\"seen\",\"Paused\":false," NONE "\"Throughput\":null,%s%snull,"
                   "\"Groups\":null,\"Reasons\":null},%snull,\"Error\":\"the last try to read it"
                   " failed\",\"About\":null,\"Pools\":null,\"Hosts\":null}}",
                   policy, pass, source);
    is_written(&r, &lookers[1], "seen", want);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(types_that_are_configured_used_or_paused_are_there),
        cmocka_unit_test(what_others_have_costs_an_owner_nothing),
        cmocka_unit_test(a_failure_of_who_looks_is_handed_on),
        cmocka_unit_test(what_has_no_value_is_null),
        cmocka_unit_test(an_owner_is_told_of_his_jobs_and_whether_the_source_can_be_read),
    };

    (void)setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
