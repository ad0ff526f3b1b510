/* SPDX-License-Identifier: MIT */
/* Jobs in the store: what is unique, what changes with what, what a list shows. */
#include "rig_sql.h"

#include "migrate.h"
#include "num.h"

#define ONE "{\"project\":\"p\",\"instances\":[{\"VCPU\":1}]}"

static const char queues[] = "max_queued: 5\n"
                             "queues:\n"
                             "  vm:\n"
                             "    capacity: static\n"
                             "    pools: {host1: {projects: [p], hosts: {n1: {VCPU: 4}}}}\n"
                             "  other: {capacity: none}\n";

static struct job shown; /* its spans are not to be used: only numbers and states */
static char reason[64];

static const struct job *show(struct rig *r, const char *type, const char *id)
{
    struct err e;

    OK(store_show(r->s, str_of(type), str_of(id), &shown, &e), &e);
    (void)snprintf(reason, sizeof reason, "%.*s", (int)shown.reason.n,
                   shown.reason.p ? shown.reason.p : "");
    return &shown;
}

static int64_t version_of(struct rig *r, const char *type)
{
    int64_t v;
    struct err e;

    OK(store_queue_version(r->s, str_of(type), &v, &e), &e);
    return v;
}

static void ids_rise_and_are_never_given_twice(void **state)
{
    struct store_match any = {0};
    struct rig r;
    struct err e;
    int64_t first, second;

    (void)state;
    rig_make(&r, queues);
    first = rig_add(&r, "vm", "a", ONE);
    rig_begin(&r);
    OK(store_delete(r.s, STR_LIT("vm"), STR_LIT("a"), &any, r.now, &e), &e);
    rig_commit(&r);
    second = rig_add(&r, "vm", "a", ONE);
    assert_true(second > first);
    rig_free(&r);
}

static void request_id_is_unique_in_its_type_and_callback_everywhere(void **state)
{
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    assert_int_equal(
        rig_post(
            &r, "vm",
            "{\"request_id\":\"a\",\"owner_id\":\"o\",\"data\":{},\"callback\":\"http://x/1\"}", &j,
            &e),
        -1);
    assert_int_equal(e.code, ERR_DUPLICATE_REQUEST_ID);
    assert_string_equal(e.pointer, "/request_id");
    assert_int_equal(rig_post(&r, "other",
                              "{\"request_id\":\"a\",\"owner_id\":\"o\",\"data\":{},\"callback\":"
                              "\"http://c.example/vm/a\"}",
                              &j, &e),
                     -1);
    assert_int_equal(e.code, ERR_DUPLICATE_CALLBACK);
    rig_add(&r, "other", "a", "{}");
    assert_int_equal(rig_change(&r, "other", "a", "{\"callback\":\"http://c.example/vm/a\"}", &e),
                     -1);
    assert_int_equal(e.code, ERR_DUPLICATE_CALLBACK);
    rig_free(&r);
}

/* Of the job "0", whatever the limit: one that is there is said to be. */
static void expect_taken(struct rig *r)
{
    static const struct {
        const char *request_id, *callback, *pointer;
        enum err_code code;
    } wish[] = {
        {"0", "http://x/1", "/request_id", ERR_DUPLICATE_REQUEST_ID},
        {"0", "http://c.example/vm/0", "/request_id", ERR_DUPLICATE_REQUEST_ID},
        {"x", "http://c.example/vm/0", "/callback", ERR_DUPLICATE_CALLBACK},
    };
    char json[256];
    struct job j;
    struct err e;
    size_t i;

    for (i = 0; i < ARRAY_LEN(wish); i++) {
        (void)snprintf(json, sizeof json,
                       "{\"request_id\":\"%s\",\"owner_id\":\"o\",\"data\":{},\"callback\":\"%s\"}",
                       wish[i].request_id, wish[i].callback);
        assert_int_equal(rig_post(r, "vm", json, &j, &e), -1);
        assert_int_equal(e.code, wish[i].code);
        assert_string_equal(e.pointer, wish[i].pointer);
    }
}

static void a_full_queue_refuses_and_takes_again_when_one_leaves(void **state)
{
    struct rig r;
    struct err e;
    struct job j;
    char id[16];
    int i;

    (void)state;
    rig_make(&r, queues);
    for (i = 0; i < 5; i++) {
        (void)snprintf(id, sizeof id, "%d", i);
        rig_add(&r, "vm", id, ONE);
    }
    assert_int_equal(
        rig_post(
            &r, "vm",
            "{\"request_id\":\"x\",\"owner_id\":\"o\",\"data\":{},\"callback\":\"http://x/1\"}", &j,
            &e),
        -1);
    assert_int_equal(e.code, ERR_TOO_MANY);
    expect_taken(&r);
    OK(rig_change(&r, "vm", "3", "{\"status\":\"cancelled\"}", &e), &e);
    rig_add(&r, "vm", "y", ONE);
    rig_free(&r);
}

static void a_nearly_full_disk_takes_no_new_jobs_but_changes(void **state)
{
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "0", ONE);
    rig_add(&r, "vm", "a", ONE);
    r.conf->low_water = NUM_SAFE_MAX;
    store_close(r.s);
    rig_open(&r);
    assert_int_equal(
        rig_post(
            &r, "vm",
            "{\"request_id\":\"x\",\"owner_id\":\"o\",\"data\":{},\"callback\":\"http://x/1\"}", &j,
            &e),
        -1);
    assert_int_equal(e.code, ERR_STORAGE_FULL);
    expect_taken(&r);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"held\"}", &e), &e);
    rig_free(&r);
}

static void a_change_raises_version_and_queue(void **state)
{
    struct store_match stale = {.given = true, .n = 1}, never = {.given = true},
                       star = {.given = true, .any = true};
    struct rig r;
    struct err e;
    int64_t v;

    (void)state;
    rig_make(&r, queues);
    stale.tag[0].id = rig_add(&r, "vm", "a", ONE);
    stale.tag[0].version = 1;
    v = version_of(&r, "vm");
    assert_int_equal(show(&r, "vm", "a")->version, 1);
    OK(rig_change_if(&r, "vm", "a", "{\"priority\":5}", &stale, &e), &e);
    assert_int_equal(show(&r, "vm", "a")->version, 2);
    assert_int_equal(shown.priority, 5);
    assert_int_equal(shown.updated_at, r.now);
    assert_true(version_of(&r, "vm") > v);
    assert_int_equal(rig_change_if(&r, "vm", "a", "{\"priority\":6}", &stale, &e), -1);
    assert_int_equal(e.code, ERR_PRECONDITION_FAILED);
    assert_int_equal(rig_change_if(&r, "vm", "a", "{\"priority\":6}", &never, &e), -1);
    assert_int_equal(e.code, ERR_PRECONDITION_FAILED);
    OK(rig_change_if(&r, "vm", "a", "{\"priority\":6}", &star, &e), &e);
    assert_int_equal(version_of(&r, "nobody"), 0);
    rig_free(&r);
}

static void a_change_is_all_or_nothing(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    assert_int_equal(rig_change(&r, "vm", "a", "{\"priority\":1,\"status\":\"finished\"}", &e), -1);
    assert_int_equal(e.code, ERR_INVALID_TRANSITION);
    assert_non_null(strstr(e.text, "queued"));
    assert_non_null(strstr(e.text, "finished"));
    assert_int_not_equal(show(&r, "vm", "a")->priority, 1);
    assert_int_equal(rig_change(&r, "vm", "nobody", "{\"priority\":1}", &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    rig_free(&r);
}

static void what_belongs_to_waiting_changes_only_then(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    OK(rig_change(&r, "vm", "a",
                  "{\"data\":{\"project\":\"q\",\"instances\":[{\"VCPU\":1}]},\"callback\":\"http:/"
                  "/n/1\"}",
                  &e),
       &e);
    show(&r, "vm", "a");
    assert_string_equal(reason, "NoPool");
    OK(rig_change(&r, "vm", "a", "{\"status\":\"running\"}", &e), &e);
    assert_int_equal(show(&r, "vm", "a")->status, JOB_RUNNING);
    assert_int_equal(shown.started_at, r.now);
    assert_string_equal(reason, "");
    assert_int_equal(rig_change(&r, "vm", "a", "{\"data\":{}}", &e), -1);
    assert_int_equal(e.code, ERR_NOT_WAITING);
    rig_free(&r);
}

static void a_returned_job_keeps_its_wait_and_a_resumed_one_begins_anew(void **state)
{
    struct rig r;
    struct err e;
    int64_t queued;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    queued = show(&r, "vm", "a")->queued_at;
    OK(rig_change(&r, "vm", "a", "{\"status\":\"running\"}", &e), &e);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"queued\"}", &e), &e);
    assert_int_equal(show(&r, "vm", "a")->queued_at, queued);
    assert_int_equal(shown.started_at, 0);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"held\"}", &e), &e);
    OK(rig_change(&r, "vm", "a", "{\"status\":\"queued\"}", &e), &e);
    assert_int_equal(show(&r, "vm", "a")->queued_at, r.now);
    rig_free(&r);
}

static void a_new_job_says_at_once_why_it_cannot_run(void **state)
{
    const struct store_amount amount = {STR_LIT("VCPU"), 4, 0};
    const struct store_host host = {STR_LIT("n1"), 1, &amount, false};
    const struct pool pool = {.name = STR_LIT("host1"), .hosts = 1, .host = (size_t[]){0}};
    struct store_reading reading = {
        .queue = STR_LIT("vm"), .read_at = 1, .hosts = 1, .host = &host, .pools = 1, .pool = &pool};
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "early", "{\"project\":\"p\",\"instances\":[{\"VCPU\":6}]}");
    show(&r, "vm", "early");
    assert_string_equal(reason, "WaitingForCapacity"); /* nothing is known yet */
    assert_int_equal(store_reading_differs(r.s, &reading, &e), 1);
    rig_begin(&r);
    OK(store_reading_save(r.s, &reading, &e), &e);
    rig_commit(&r);
    assert_int_equal(store_reading_differs(r.s, &reading, &e), 0);
    rig_add(&r, "vm", "big", "{\"project\":\"p\",\"instances\":[{\"VCPU\":5}]}");
    show(&r, "vm", "big");
    assert_string_equal(reason, "NeverFits");
    rig_add(&r, "vm", "fits", "{\"project\":\"p\",\"instances\":[{\"VCPU\":4}]}");
    show(&r, "vm", "fits");
    assert_string_equal(reason, "WaitingForCapacity");
    rig_add(&r, "vm", "stranger", "{\"project\":\"z\",\"instances\":[{\"VCPU\":1}]}");
    show(&r, "vm", "stranger");
    assert_string_equal(reason, "NoPool");
    rig_add(&r, "other", "x", "{}");
    show(&r, "other", "x");
    assert_string_equal(reason, "NoSource");
    rig_free(&r);
}

static void a_deleted_job_is_gone_and_frees_its_names(void **state)
{
    struct store_match any = {0}, stale = {.given = true};
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    rig_begin(&r);
    assert_int_equal(store_delete(r.s, STR_LIT("vm"), STR_LIT("a"), &stale, r.now, &e), -1);
    assert_int_equal(e.code, ERR_PRECONDITION_FAILED);
    OK(store_delete(r.s, STR_LIT("vm"), STR_LIT("a"), &any, r.now, &e), &e);
    assert_int_equal(store_delete(r.s, STR_LIT("vm"), STR_LIT("a"), &any, r.now, &e), -1);
    assert_int_equal(e.code, ERR_NOT_FOUND);
    rig_commit(&r);
    assert_int_equal(store_show(r.s, STR_LIT("vm"), STR_LIT("a"), &j, &e), -1);
    rig_add(&r, "vm", "a", ONE);
    rig_free(&r);
}

static void lists_filter_and_page_also_among_equal_priorities(void **state)
{
    struct store_filter f = {.type = STR_LIT("vm")};
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    rig_add(&r, "vm", "b", ONE);
    rig_add(&r, "vm", "c", ONE);
    rig_add(&r, "vm", "d", ONE);
    rig_add(&r, "other", "x", "{}");
    OK(rig_change(&r, "vm", "a", "{\"priority\":7}", &e), &e);
    OK(rig_change(&r, "vm", "c", "{\"priority\":7}", &e), &e);
    OK(rig_change(&r, "vm", "b", "{\"priority\":7,\"status\":\"held\"}", &e), &e);
    assert_string_equal(rig_list(&r, &f), "a,b,c,d");
    f.statuses = 1U << JOB_HELD;
    assert_string_equal(rig_list(&r, &f), "b");
    f.statuses |= 1U << JOB_QUEUED;
    assert_string_equal(rig_list(&r, &f), "a,b,c,d");
    f.statuses = 1U << JOB_QUEUED;
    f.owner_id = STR_LIT("o");
    assert_string_equal(rig_list(&r, &f), "a,c,d");
    f.has_after = true;
    f.after = (struct page_place){7, show(&r, "vm", "a")->id};
    assert_string_equal(rig_list(&r, &f), "c,d");
    f.owner_id = (struct str){0};
    f.statuses = 0;
    assert_string_equal(rig_list(&r, &f), "b,c,d");
    f.owner_id = STR_LIT("nobody");
    assert_string_equal(rig_list(&r, &f), "");
    rig_free(&r);
}

static void the_first_answer_is_kept_for_its_key(void **state)
{
    const unsigned char digest[STORE_DIGEST] = {1}, other[STORE_DIGEST] = {2};
    struct store_answer a = {201, STR_LIT("/v1/vm/a"), {0}, STR_LIT("{}")}, b;
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    assert_int_equal(store_answer_find(r.s, STR_LIT("vm"), STR_LIT("k"), digest, &b, &e), 0);
    rig_begin(&r);
    OK(store_answer_save(r.s, STR_LIT("vm"), STR_LIT("k"), digest, &a, r.now, &e), &e);
    rig_commit(&r);
    assert_int_equal(store_answer_find(r.s, STR_LIT("vm"), STR_LIT("k"), digest, &b, &e), 1);
    assert_int_equal(b.status, 201);
    assert_true(str_is(b.location, "/v1/vm/a"));
    assert_null(b.etag.p);
    assert_int_equal(store_answer_find(r.s, STR_LIT("vm"), STR_LIT("k"), other, &b, &e), -1);
    assert_int_equal(e.code, ERR_IDEMPOTENCY_MISMATCH);
    assert_int_equal(store_answer_find(r.s, STR_LIT("other"), STR_LIT("k"), other, &b, &e), 0);
    rig_free(&r);
}

/* Also against the time that the job has already. */
static void valid_until_stays_behind_not_before(void **state)
{
    static const char two[] = "{\"not_before\":\"2100-01-02T00:00:00Z\"}",
                      one[] = "{\"valid_until\":\"2100-01-01T00:00:00Z\"}",
                      three[] = "{\"valid_until\":\"2100-01-03T00:00:00Z\"}",
                      four[] = "{\"not_before\":\"2100-01-04T00:00:00Z\"}";
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, queues);
    rig_add(&r, "vm", "a", ONE);
    OK(rig_change(&r, "vm", "a", two, &e), &e);
    assert_int_equal(rig_change(&r, "vm", "a", one, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.pointer, "/valid_until");
    OK(rig_change(&r, "vm", "a", three, &e), &e);
    assert_int_equal(rig_change(&r, "vm", "a", four, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.pointer, "/not_before");
    rig_free(&r);
}

/* By a newer program, while this one has it open. */
static void nothing_is_written_once_the_database_has_another_version(void **state)
{
    static const char raise[] = "PRAGMA user_version = 1000", back[] = "PRAGMA user_version = %d";
    char text[64];
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    assert_int_equal(rig_add(&r, "vm", "a", "{}"), 1);
    assert_false(store_outgrown(r.s));
    rig_sql(&r, raise);
    assert_int_equal(store_begin(r.s, NS_PER_S, &e), -1);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.text, "brought to version 1000"));
    assert_true(store_outgrown(r.s));
    (void)snprintf(text, sizeof text, back, migrate_count); /* the lock was given back */
    rig_sql(&r, text);
    assert_int_equal(rig_add(&r, "vm", "b", "{}"), 2);
    assert_false(store_outgrown(r.s));
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ids_rise_and_are_never_given_twice),
        cmocka_unit_test(request_id_is_unique_in_its_type_and_callback_everywhere),
        cmocka_unit_test(a_full_queue_refuses_and_takes_again_when_one_leaves),
        cmocka_unit_test(a_nearly_full_disk_takes_no_new_jobs_but_changes),
        cmocka_unit_test(a_change_raises_version_and_queue),
        cmocka_unit_test(a_change_is_all_or_nothing),
        cmocka_unit_test(what_belongs_to_waiting_changes_only_then),
        cmocka_unit_test(a_returned_job_keeps_its_wait_and_a_resumed_one_begins_anew),
        cmocka_unit_test(a_new_job_says_at_once_why_it_cannot_run),
        cmocka_unit_test(a_deleted_job_is_gone_and_frees_its_names),
        cmocka_unit_test(valid_until_stays_behind_not_before),
        cmocka_unit_test(lists_filter_and_page_also_among_equal_priorities),
        cmocka_unit_test(the_first_answer_is_kept_for_its_key),
        cmocka_unit_test(nothing_is_written_once_the_database_has_another_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
