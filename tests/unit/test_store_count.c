/* SPDX-License-Identifier: MIT */
/* What is counted is what was committed: neither what was rolled back nor what was undone. */
#include "rig.h"

#include "stats.h"
#include "store_inner.h"
#include "store_queues.h"

static const char yaml[] = "queues:\n"
                           "  t: {capacity: static, pools: {p: {hosts: {n: {gpu: 4}}}}}\n";

static int64_t created(struct rig *r, const char *type)
{
    struct stats_queue q;

    stats_queue(store_stats(r->s), str_of(type), r->now, &q);
    return q.created;
}

/* In the transaction under way. */
static int create(struct rig *r, const char *type, const char *id)
{
    struct json_doc *doc;
    struct job_new n;
    struct job j;
    char json[256];
    struct err e;
    int rc;

    (void)snprintf(json, sizeof json,
                   "{\"request_id\":\"%s\",\"owner_id\":\"o\",\"callback\":\"http://c.example/%s\","
                   "\"data\":{}}",
                   id, id);
    OK(json_in_parse(str_of(json), &doc, &e), &e);
    OK(job_parse_new(conf_queue(r->conf, str_of(type)), str_of(type), json_in_root(doc), &n, &e),
       &e);
    rc = store_create(r->s, &n, ++r->now, &j, &e);
    job_new_free(&n);
    json_in_free(doc);
    return rc;
}

/* Found by review: the next of the type was compared with a name that was not behind it. */
static void an_entry_without_its_name_is_not_added_to(void **state)
{
    enum { LONG = 240 };
    char name[LONG];
    struct rig r;
    size_t last;

    (void)state;
    memset(name, 'n', sizeof name);
    rig_make(&r, yaml);
    rig_begin(&r);
    while (r.s->counts.len + LONG < r.s->counts.max)
        store_count(r.s, STORE_ADMITTED, STR_LIT("t"), 0);
    assert_false(r.s->counts.failed);
    last = r.s->counts_last;
    store_count(r.s, STORE_CREATED, (struct str){name, LONG}, 0);
    assert_true(r.s->counts.failed);
    assert_int_equal(r.s->counts_last, last);
    store_count(r.s, STORE_CREATED, (struct str){name, LONG}, 0);
    store_rollback(r.s);
    rig_free(&r);
}

static void nothing_is_counted_before_the_commit(void **state)
{
    struct rig r;

    (void)state;
    rig_make(&r, yaml);
    rig_begin(&r);
    assert_int_equal(create(&r, "t", "a"), 0);
    assert_int_equal(created(&r, "t"), 0);
    rig_commit(&r);
    assert_int_equal(created(&r, "t"), 1);
    rig_begin(&r);
    assert_int_equal(create(&r, "t", "b"), 0);
    store_rollback(r.s);
    rig_begin(&r);
    assert_int_equal(create(&r, "u", "b"), 0);
    rig_commit(&r);
    assert_int_equal(created(&r, "t"), 1);
    assert_int_equal(created(&r, "u"), 1);
    rig_free(&r);
}

static void what_was_undone_is_not_counted(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, yaml);
    rig_begin(&r);
    OK(store_point(r.s, &e), &e);
    assert_int_equal(create(&r, "t", "a"), 0);
    assert_int_equal(create(&r, "t", "b"), 0);
    OK(store_point_keep(r.s, &e), &e);
    OK(store_point(r.s, &e), &e);
    assert_int_equal(create(&r, "t", "c"), 0); /* of the same type as what is kept */
    assert_int_equal(create(&r, "u", "d"), 0);
    assert_int_equal(create(&r, "t", "a"), -1);
    OK(store_point_undo(r.s, &e), &e);
    OK(store_point(r.s, &e), &e);
    assert_int_equal(create(&r, "t", "e"), 0);
    OK(store_point_keep(r.s, &e), &e);
    rig_commit(&r);
    assert_int_equal(created(&r, "t"), 3);
    assert_int_equal(created(&r, "u"), 0);
    rig_free(&r);
}

static void as_many_as_a_batch_can_have_are_counted(void **state)
{
    enum { TYPES = 600 };
    struct rig r;
    char text[300], id[32];
    int64_t sum = 0;
    int i;

    (void)state;
    rig_make(&r, yaml);
    rig_begin(&r);
    for (i = 0; i < 2 * TYPES; i++) {
        (void)snprintf(text, sizeof text, "%0255d", i % TYPES);
        (void)snprintf(id, sizeof id, "j%d", i);
        assert_int_equal(create(&r, text, id), 0);
    }
    rig_commit(&r);
    for (i = 0; i < TYPES; i++) {
        (void)snprintf(text, sizeof text, "%0255d", i);
        sum += created(&r, text);
    }
    assert_int_equal(sum, 2 * TYPES);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_entry_without_its_name_is_not_added_to),
        cmocka_unit_test(nothing_is_counted_before_the_commit),
        cmocka_unit_test(what_was_undone_is_not_counted),
        cmocka_unit_test(as_many_as_a_batch_can_have_are_counted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
