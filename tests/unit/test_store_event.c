/* SPDX-License-Identifier: MIT */
/* What is noted of a job, by whom and in which order; what is kept of it; and its callback sent
 * again. */
#include "rig.h"

#include <sqlite3.h>

#include "store_history.h"

#define ONE "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"

static const char queues[] = "queues:\n"
                             "  vm:\n"
                             "    capacity: static\n"
                             "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n";

static const struct who alice = {
    .name = STR_LIT("token:alice"), .everything = true, .changes = true};
static const struct who bob = {.name = STR_LIT("token:bob"), .everything = true, .changes = true};

/* ---- telling ---- */

struct told {
    char text[8192];
    size_t len;
    int64_t calls, stop_at, first, last, last_at;
};

static void put(struct told *t, const char *name, struct str v)
{
    if (v.p)
        t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "%s%.*s", name,
                                   (int)v.n, v.p);
}

/* "1 token:alice status queued>held 'why'" a line. */
static int take(void *ctx, const struct store_event *ev, struct err *e)
{
    struct told *t = ctx;

    if (t->calls++ == 0)
        t->first = ev->n;
    t->last = ev->n;
    t->last_at = ev->at;
    if (t->stop_at && t->calls == t->stop_at)
        return err_set(e, ERR_UNAVAILABLE, "enough");
    if (t->len > sizeof t->text - 256)
        return 0;
    t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "%lld", (long long)ev->n);
    put(t, " ", ev->who);
    put(t, " ", ev->event);
    put(t, " ", ev->from_status);
    put(t, ">", ev->to_status);
    if (ev->has_priority)
        t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, " %lld>%lld",
                                   (long long)ev->from_priority, (long long)ev->to_priority);
    put(t, " '", ev->message);
    t->len += (size_t)snprintf(t->text + t->len, sizeof t->text - t->len, "%s\n",
                               ev->message.p ? "'" : "");
    return 0;
}

static void tell(struct rig *r, const char *id, int64_t after, int64_t most, struct told *t)
{
    struct err e;
    struct job j;

    *t = (struct told){0};
    OK(store_show(r->s, STR_LIT("vm"), str_of(id), &j, &e), &e);
    OK(store_events(r->s, &j, after, most, take, t, &e), &e);
}

static void is_told(struct rig *r, const char *id, const char *want)
{
    struct told t;

    tell(r, id, 0, INT64_MAX, &t);
    assert_string_equal(t.text, want);
}

/* ---- changing ---- */

static void change(struct rig *r, const char *id, const char *json)
{
    struct err e;

    OK(rig_change(r, "vm", id, json, &e), &e);
}

static void remove_it(struct rig *r, const char *id)
{
    struct err e;

    rig_begin(r);
    OK(store_delete(r->s, STR_LIT("vm"), str_of(id), &(struct store_match){0}, ++r->now, &e), &e);
    rig_commit(r);
}

static bool take_group(void *ctx, const struct store_group *g)
{
    *(int64_t *)ctx = g->id;
    return false;
}

static void admit(struct rig *r, int64_t id)
{
    struct store_admission a = {.id = id,
                                .queue = STR_LIT("vm"),
                                .hosts = STR_LIT("{\"n1\":1}"),
                                .first_try = r->now + 5 * NS_PER_S,
                                .hold_until = r->now + 60 * NS_PER_S};
    struct err e;

    OK(store_groups(r->s, take_group, &a.group, &e), &e);
    rig_begin(r);
    assert_int_equal(store_admit(r->s, &a, ++r->now, &e), 1);
    rig_commit(r);
}

static void tried(struct rig *r, struct store_try t)
{
    struct err e;

    rig_begin(r);
    assert_int_equal(store_tried(r->s, &t, ++r->now, &e), 1);
    rig_commit(r);
}

static void tidy(struct rig *r, int64_t now)
{
    struct store_tidied t;
    struct err e;

    rig_begin(r);
    OK(store_tidy(r->s, now, &t, &e), &e);
    rig_commit(r);
}

static void sql(struct rig *r, const char *text)
{
    char *said = NULL;
    sqlite3 *db;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READWRITE, NULL), SQLITE_OK);
    if (sqlite3_exec(db, text, NULL, NULL, &said) != SQLITE_OK)
        fail_msg("%s: %.60s", said, text);
    sqlite3_close(db);
}

static int64_t ask(struct rig *r, const char *text)
{
    sqlite3_stmt *st;
    sqlite3 *db;
    int64_t v;

    assert_int_equal(sqlite3_open_v2(r->path, &db, SQLITE_OPEN_READONLY, NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, text, -1, &st, NULL), SQLITE_OK);
    v = sqlite3_step(st) == SQLITE_ROW ? sqlite3_column_int64(st, 0) : -1;
    sqlite3_finalize(st);
    sqlite3_close(db);
    return v;
}

/* ---- what is noted ---- */

static void the_creation_comes_first_with_its_maker_where_he_is_known(void **state)
{
    struct told t;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    tell(&r, "a", -1, INT64_MAX, &t);
    assert_string_equal(t.text, "0 created\n");
    assert_int_equal(t.last_at, r.now);
    sql(&r, "UPDATE jobs SET created_by = 'token:carol'");
    tell(&r, "a", -1, 1, &t);
    assert_string_equal(t.text, "0 token:carol created\n");
    tell(&r, "a", -1, 0, &t);
    assert_string_equal(t.text, "");
    tell(&r, "a", 0, INT64_MAX, &t);
    assert_string_equal(t.text, "");
    rig_free(&r);
}

static void every_change_of_state_is_noted_with_its_maker(void **state)
{
    struct rig r;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = rig_add(&r, "vm", "a", ONE);
    store_as(r.s, &alice);
    change(&r, "a", "{\"status\":\"held\"}");
    store_as(r.s, &bob);
    change(&r, "a", "{\"status\":\"queued\"}");
    store_as(r.s, NULL);
    admit(&r, id);
    tried(&r,
          (struct store_try){.id = id, .admissions = 1, .outcome = STORE_TRY_AGAIN, .next_try = 7});
    tried(&r, (struct store_try){.id = id, .admissions = 1, .outcome = STORE_ACCEPTED});
    store_as(r.s, &alice);
    change(&r, "a", "{\"status\":\"running\"}");
    change(&r, "a", "{\"status\":\"queued\"}");
    change(&r, "a", "{\"status\":\"cancelled\"}");
    is_told(&r, "a",
            "1 token:alice status queued>held\n"
            "2 token:bob status held>queued\n"
            "3 anteroom status queued>admitted\n"
            "4 anteroom status admitted>running\n"
            "5 token:alice status running>running\n"
            "6 token:alice status running>queued\n"
            "7 token:alice status queued>cancelled\n");
    rig_free(&r);
}

static void an_end_says_why(void **state)
{
    struct rig r;
    int64_t id;

    (void)state;
    rig_make(&r, queues);
    id = rig_add(&r, "vm", "a", ONE);
    admit(&r, id);
    tried(&r, (struct store_try){.id = id,
                                 .admissions = 1,
                                 .outcome = STORE_GIVE_UP,
                                 .reason = STR_LIT(JOB_REASON_GONE),
                                 .message = STR_LIT("the receiver answered 410")});
    change(&r, "a", "{\"status\":\"queued\"}");
    admit(&r, id);
    tidy(&r, r.now + 61 * NS_PER_S); /* next_try comes before the end of the hold */
    tried(&r, (struct store_try){
                  .id = id, .admissions = 2, .outcome = STORE_TRY_AGAIN, .next_try = INT64_MAX});
    tidy(&r, r.now + 61 * NS_PER_S);
    is_told(
        &r, "a",
        "1 anteroom status queued>admitted\n"
        "2 anteroom status admitted>failed 'the receiver answered 410'\n"
        "3 anteroom status failed>queued\n"
        "4 anteroom status queued>admitted\n"
        "5 anteroom status admitted>failed 'its hold ran out before the callback was accepted'\n");
    (void)rig_add(&r, "vm", "b", ONE);
    change(&r, "b", "{\"valid_until\":\"2024-01-02T00:00:00Z\"}");
    tidy(&r, INT64_C(1710000000) * NS_PER_S);
    is_told(&r, "b",
            "1 anteroom changed 'valid_until'\n"
            "2 anteroom status queued>expired 'its valid_until went by while it waited'\n");
    rig_free(&r);
}

static void a_job_that_cannot_be_read_any_more_says_so(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"not_before\":\"2024-01-02T00:00:00Z\"}");
    sql(&r, "UPDATE jobs SET data = '{\"instances\":7}'");
    tidy(&r, INT64_C(1710000000) * NS_PER_S);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events e JOIN jobs j ON j.id = e.job_id"
                             " WHERE e.n = 2 AND e.to_status = 'held' AND e.message = j.message"
                             " AND j.message <> ''"),
                     1);
    rig_free(&r);
}

static void changes_of_order_say_from_where_to_where(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    change(&r, "a", "{\"priority\":10}");
    change(&r, "b", "{\"priority\":11}");
    change(&r, "a", "{\"priority\":10}"); /* where it stood */
    change(&r, "b", "{\"move\":\"front\"}");
    change(&r, "b", "{\"move\":\"front\"}");
    change(&r, "b", "{\"priority\":-5}");
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 1"), 1);
    assert_int_equal(ask(&r, "SELECT to_priority FROM events WHERE job_id = 1"), 10);
    assert_int_equal(
        ask(&r, "SELECT from_priority - (SELECT from_priority FROM events WHERE job_id = 1)"
                " FROM events WHERE job_id = 2 AND n = 1") > 0,
        1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 2 AND n > 1"), 2);
    assert_int_equal(
        ask(&r, "SELECT count(*) FROM events WHERE job_id = 2 AND n = 2 AND event = 'order'"
                " AND from_priority = 11 AND to_priority = 9"),
        1);
    assert_int_equal(
        ask(&r, "SELECT count(*) FROM events WHERE job_id = 2 AND n = 3 AND event = 'order'"
                " AND from_priority = 9 AND to_priority = -5"),
        1);
    rig_free(&r);
}

static void who_only_makes_room_is_not_noted(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    (void)rig_add(&r, "vm", "c", ONE);
    change(&r, "a", "{\"priority\":1}");
    change(&r, "b", "{\"priority\":2}");
    change(&r, "c", "{\"move\":{\"after\":\"a\"}}");
    assert_int_equal(ask(&r, "SELECT priority FROM jobs WHERE request_id = 'b'"), 3);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 2"), 1);
    assert_int_equal(ask(&r, "SELECT to_priority FROM events WHERE job_id = 3"), 2);
    rig_free(&r);
}

static void one_change_of_everything_is_noted_part_by_part(void **state)
{
    struct told t;
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"priority\":3}");
    store_as(r.s, &bob);
    change(&r, "a",
           "{\"priority\":4,\"status\":\"held\",\"callback\":\"http://c.example/x\",\"data\":{},"
           "\"valid_until\":\"2040-01-02T00:00:00Z\",\"not_before\":null}");
    tell(&r, "a", 1, INT64_MAX, &t);
    assert_string_equal(t.text, "2 token:bob order 3>4\n"
                                "3 token:bob changed 'data, callback, not_before, valid_until'\n"
                                "4 token:bob status queued>held\n");
    assert_int_equal(t.last_at, r.now);
    rig_free(&r);
}

static void a_refused_change_is_not_noted(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    assert_int_equal(
        rig_change(&r, "vm", "a", "{\"priority\":1,\"callback\":\"http://c.example/vm/b\"}", &e),
        -1);
    assert_int_equal(rig_change(&r, "vm", "a", "{\"priority\":1,\"status\":\"finished\"}", &e), -1);
    is_told(&r, "a", "");
    rig_free(&r);
}

static void a_deleted_job_is_cancelled_and_deleted(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    change(&r, "b", "{\"status\":\"cancelled\"}");
    store_as(r.s, &alice);
    remove_it(&r, "a");
    remove_it(&r, "b");
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 1"), 2);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE job_id = 1 AND n = 1"
                             " AND to_status = 'cancelled' AND who = 'token:alice'"),
                     1);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE n = 2 AND event = 'deleted'"
                             " AND who = 'token:alice'"),
                     2);
    rig_free(&r);
}

static void a_placement_is_noted(void **state)
{
    struct store_admission a = {.id = 1, .queue = STR_LIT("vm"), .hosts = STR_LIT("{\"n1\":1}")};
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"status\":\"running\"}");
    rig_begin(&r);
    assert_int_equal(store_place(r.s, &a, ++r.now, &e), 1);
    assert_int_equal(store_place(r.s, &a, ++r.now, &e), 0);
    rig_commit(&r);
    is_told(&r, "a", "1 anteroom status queued>running\n2 anteroom changed 'hosts'\n");
    rig_free(&r);
}

/* ---- what is kept, and told ---- */

static void are_kept(struct rig *r, int64_t id, int64_t first, int64_t last)
{
    struct store_numbers n;
    struct err e;

    OK(store_event_numbers(r->s, id, &n, &e), &e);
    assert_int_equal(n.first, first);
    assert_int_equal(n.last, last);
}

static void the_newest_thousand_are_kept(void **state)
{
    struct told t;
    struct rig r;
    int64_t a, b;

    (void)state;
    rig_make(&r, queues);
    a = rig_add(&r, "vm", "a", ONE);
    b = rig_add(&r, "vm", "b", ONE);
    are_kept(&r, a, 0, 0);
    sql(&r, "WITH RECURSIVE c (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 999)"
            " INSERT INTO events (job_id, n, at, who, event) SELECT 1, n, n, 'w', 'resend' FROM c");
    change(&r, "b", "{\"data\":{}}");
    change(&r, "a", "{\"data\":{}}");
    are_kept(&r, a, 1, STORE_EVENTS_MAX);
    change(&r, "a", "{\"data\":{}}");
    are_kept(&r, a, 2, STORE_EVENTS_MAX + 1);
    tell(&r, "a", -1, INT64_MAX, &t);
    assert_int_equal(t.calls, STORE_EVENTS_MAX + 1); /* the creation stays */
    assert_true(t.first == 0 && t.last == STORE_EVENTS_MAX + 1 && t.last_at == r.now);
    are_kept(&r, b, 1, 1);
    rig_free(&r);
}

static void events_are_told_from_a_number_on_and_up_to_a_number(void **state)
{
    struct told t;
    struct rig r;
    int i;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    for (i = 1; i <= 9; i++)
        change(&r, "a", i % 2 ? "{\"status\":\"held\"}" : "{\"status\":\"queued\"}");
    tell(&r, "a", -1, 4, &t);
    assert_true(t.calls == 4 && t.first == 0 && t.last == 3);
    tell(&r, "a", 3, 4, &t);
    assert_true(t.calls == 4 && t.first == 4 && t.last == 7);
    tell(&r, "a", 7, 4, &t);
    assert_true(t.calls == 2 && t.first == 8 && t.last == 9);
    tell(&r, "a", 9, 4, &t);
    assert_int_equal(t.calls, 0);
    rig_free(&r);
}

static void a_listener_can_stop(void **state)
{
    struct told t;
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    change(&r, "a", "{\"status\":\"held\"}");
    change(&r, "a", "{\"status\":\"queued\"}");
    OK(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), &e);
    for (t = (struct told){.stop_at = 1}; t.stop_at <= 3; t.stop_at++) {
        t.calls = 0;
        assert_int_equal(store_events(r.s, &j, -1, 9, take, &t, &e), -1);
        assert_int_equal(e.code, ERR_UNAVAILABLE);
        assert_int_equal(t.calls, t.stop_at);
    }
    rig_free(&r);
}

/* ---- tries of the callback ---- */

struct tries {
    int64_t n[8];
    size_t count;
    struct store_delivery last; /* its texts are copied */
    char text[256];
};

static int take_try(void *ctx, const struct store_delivery *d, struct err *e)
{
    struct tries *t = ctx;

    (void)e;
    t->n[t->count++] = d->n;
    t->last = *d;
    (void)snprintf(t->text, sizeof t->text, "%.*s|%.*s|%.*s|%.*s|%.*s", (int)d->url.n, d->url.p,
                   (int)d->address.n, d->address.p ? d->address.p : "", (int)d->error.n,
                   d->error.p ? d->error.p : "", (int)d->answer.n, d->answer.p ? d->answer.p : "",
                   (int)d->outcome.n, d->outcome.p);
    return 0;
}

static void tries_are_told_as_they_were_written(void **state)
{
    struct store_numbers n;
    struct tries t = {0};
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    (void)rig_add(&r, "vm", "b", ONE);
    OK(store_deliveries(r.s, 1, 0, 9, take_try, &t, &e), &e);
    assert_int_equal(t.count, 0);
    OK(store_delivery_numbers(r.s, 1, &n, &e), &e);
    assert_true(n.first == 0 && n.last == 0);
    sql(&r, "INSERT INTO deliveries VALUES"
            " (1, 5, 2, 1000, 20, 'http://x/1', '192.0.2.1', 503, 'status 503', 'no', 'again', 77),"
            " (1, 6, 2, 2000, 30, 'http://x/1', NULL, NULL, 'refused', NULL, 'again', 88),"
            " (1, 7, 3, 3000, 40, 'http://x/1', '192.0.2.1', 204, NULL, '', 'accepted', NULL),"
            " (2, 1, 1, 3000, 40, 'http://x/2', NULL, NULL, NULL, NULL, 'void', NULL)");
    OK(store_deliveries(r.s, 1, 0, 1, take_try, &t, &e), &e);
    assert_true(t.count == 1 && t.last.n == 5 && t.last.admission == 2 && t.last.at == 1000 &&
                t.last.ns == 20 && t.last.status == 503 && t.last.next_try == 77);
    assert_string_equal(t.text, "http://x/1|192.0.2.1|status 503|no|again");
    OK(store_deliveries(r.s, 1, 5, 9, take_try, &t, &e), &e);
    assert_true(t.count == 3 && t.n[1] == 6 && t.n[2] == 7);
    assert_true(t.last.answer.p && t.last.answer.n == 0 && !t.last.error.p && t.last.next_try == 0);
    OK(store_delivery_numbers(r.s, 1, &n, &e), &e);
    assert_true(n.first == 5 && n.last == 7);
    rig_free(&r);
}

static int resend(struct rig *r, const char *id, struct err *e)
{
    int rc;

    rig_begin(r);
    r->now += NS_PER_US;
    rc = store_resend(r->s, STR_LIT("vm"), str_of(id), &(struct store_match){0}, r->now, e);
    if (rc == 0)
        rig_commit(r);
    else
        store_rollback(r->s);
    return rc;
}

static void the_callback_of_an_admitted_or_running_job_is_due_again(void **state)
{
    static const char due[] = "SELECT next_try FROM jobs WHERE id = 1";
    struct rig r;
    struct err e;
    int64_t id, version;

    (void)state;
    rig_make(&r, queues);
    id = rig_add(&r, "vm", "a", ONE);
    admit(&r, id);
    version = ask(&r, "SELECT version FROM queues");
    assert_true(ask(&r, due) > r.now + NS_PER_S);
    store_as(r.s, &alice);
    OK(resend(&r, "a", &e), &e);
    assert_int_equal(ask(&r, due), r.now);
    assert_int_equal(ask(&r, "SELECT updated_at FROM jobs WHERE id = 1"), r.now);
    assert_int_equal(ask(&r, "SELECT version FROM queues"), version + 1);
    store_as(r.s, NULL);
    tried(&r, (struct store_try){.id = id, .admissions = 1, .outcome = STORE_ACCEPTED});
    assert_int_equal(ask(&r, due), 0);
    store_as(r.s, &bob);
    OK(resend(&r, "a", &e), &e);
    assert_int_equal(ask(&r, due), r.now);
    assert_int_equal(ask(&r, "SELECT count(*) FROM jobs WHERE status = 'running'"), 1);
    is_told(&r, "a",
            "1 anteroom status queued>admitted\n"
            "2 token:alice resend\n"
            "3 anteroom status admitted>running\n"
            "4 token:bob resend\n");
    rig_free(&r);
}

static void no_other_callback_is_sent_again(void **state)
{
    static const char *const ways[] = {"held", "queued", "cancelled"};
    struct rig r;
    struct err e;
    size_t i;

    (void)state;
    rig_make(&r, queues);
    (void)rig_add(&r, "vm", "a", ONE);
    for (i = 0; i < ARRAY_LEN(ways); i++) {
        char json[64];

        (void)snprintf(json, sizeof json, "{\"status\":\"%s\"}", ways[i]);
        change(&r, "a", json);
        assert_int_equal(resend(&r, "a", &e), -1);
        assert_int_equal(e.code, ERR_INVALID_TRANSITION);
        assert_non_null(strstr(e.text, ways[i]));
    }
    assert_int_equal(resend(&r, "nobody", &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    remove_it(&r, "a");
    assert_int_equal(resend(&r, "a", &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    assert_int_equal(ask(&r, "SELECT count(*) FROM events WHERE event = 'resend'"), 0);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_creation_comes_first_with_its_maker_where_he_is_known),
        cmocka_unit_test(every_change_of_state_is_noted_with_its_maker),
        cmocka_unit_test(an_end_says_why),
        cmocka_unit_test(a_job_that_cannot_be_read_any_more_says_so),
        cmocka_unit_test(changes_of_order_say_from_where_to_where),
        cmocka_unit_test(who_only_makes_room_is_not_noted),
        cmocka_unit_test(one_change_of_everything_is_noted_part_by_part),
        cmocka_unit_test(a_refused_change_is_not_noted),
        cmocka_unit_test(a_deleted_job_is_cancelled_and_deleted),
        cmocka_unit_test(a_placement_is_noted),
        cmocka_unit_test(the_newest_thousand_are_kept),
        cmocka_unit_test(events_are_told_from_a_number_on_and_up_to_a_number),
        cmocka_unit_test(a_listener_can_stop),
        cmocka_unit_test(tries_are_told_as_they_were_written),
        cmocka_unit_test(the_callback_of_an_admitted_or_running_job_is_due_again),
        cmocka_unit_test(no_other_callback_is_sent_again),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
