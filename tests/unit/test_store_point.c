/* SPDX-License-Identifier: MIT */
/* Points within a transaction, to which it can be taken back. */
#include "rig.h"

static void an_undone_point_leaves_the_others(void **state)
{
    struct store_filter f = {.type = STR_LIT("vm")};
    struct job_new n = {.type = STR_LIT("vm"),
                        .owner_id = STR_LIT("o"),
                        .data = STR_LIT("{}"),
                        .scope = STR_LIT(""),
                        .shape = STR_LIT("[]")};
    struct rig r;
    struct err e;
    struct job j;

    (void)state;
    rig_make(&r, "");
    rig_begin(&r);
    OK(store_point(r.s, &e), &e);
    n.request_id = n.callback = STR_LIT("a");
    OK(store_create(r.s, &n, r.now, &j, &e), &e);
    OK(store_point_keep(r.s, &e), &e);
    OK(store_point(r.s, &e), &e);
    n.request_id = n.callback = STR_LIT("b");
    OK(store_create(r.s, &n, r.now, &j, &e), &e);
    OK(store_point_undo(r.s, &e), &e);
    OK(store_point(r.s, &e), &e);
    n.request_id = n.callback = STR_LIT("c");
    OK(store_create(r.s, &n, r.now, &j, &e), &e);
    OK(store_point_keep(r.s, &e), &e);
    rig_commit(&r);
    assert_string_equal(rig_list(&r, &f), "a,c");
    rig_free(&r);
}

/* In the transaction that is open. */
static void add_large(struct rig *r, int number, int size)
{
    char *json = malloc((size_t)size + 200);
    struct json_doc *doc;
    struct job_new n;
    struct err e;
    struct job j;

    assert_non_null(json);
    (void)snprintf(json, (size_t)size + 200,
                   "{\"request_id\":\"%d\",\"owner_id\":\"o\",\"callback\":"
                   "\"http://c.example/%d\",\"data\":{\"note\":\"%0*d\"}}",
                   number, number, size, 0);
    OK(json_in_parse(str_of(json), &doc, &e), &e);
    OK(job_parse_new(conf_queue(r->conf, STR_LIT("vm")), STR_LIT("vm"), json_in_root(doc), &n, &e),
       &e);
    OK(store_create(r->s, &n, r->now, &j, &e), &e);
    job_new_free(&n);
    json_in_free(doc);
    free(json);
}

/* More than the cache holds has gone to the log already, and SQLite would spoil it (db_spilled). */
static void a_part_of_very_much_is_not_taken_back(void **state)
{
    struct rig r;
    struct err e;
    int i;

    (void)state;
    rig_make(&r, "max_queued: 1000\n");
    rig_begin(&r);
    for (i = 0; i < 400; i++)
        add_large(&r, i, 60000); /* 24 MB; the cache has 16 */
    OK(store_point(r.s, &e), &e);
    assert_int_equal(store_point_undo(r.s, &e), -1);
    assert_non_null(strstr(e.text, "cannot be taken back"));
    store_rollback(r.s);
    rig_begin(&r);
    add_large(&r, 1, 10);
    OK(store_point(r.s, &e), &e);
    add_large(&r, 2, 10);
    OK(store_point_undo(r.s, &e), &e);
    rig_commit(&r);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_undone_point_leaves_the_others),
        cmocka_unit_test(a_part_of_very_much_is_not_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
