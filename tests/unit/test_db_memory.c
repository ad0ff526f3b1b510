/* SPDX-License-Identifier: MIT */
/* Memory that runs out in the middle of transactions and reads: none of them stays open, and what
 * could not be read is not taken for what is not there. Room that is kept for a full disk. */
#include "rig_sql.h"

#include "db.h"
#include "db_room.h"
#include "torture.h"

enum { BEFORE = 400, TRIES_MAX = 5000 };

/* Every allocation of a transaction fails from the nth on, that of its rollback too. */
static void a_transaction_that_ends_without_memory_leaves_none_open(void **state)
{
#if TORTURE
    struct rig r;
    struct err e;
    int n, rc;

    (void)state;
    rig_make(&r, "");
    for (n = 0; n < BEFORE; n++) {
        torture_arm(n);
        rc = store_begin(r.s, NS_PER_S, &e);
        if (rc == 0) {
            (void)!store_pause(r.s, STR_LIT("lab"), true, &e);
            store_rollback(r.s);
        }
        torture_end();
        assert_int_equal(store_begin(r.s, NS_PER_S, &e), 0);
        assert_int_equal(store_pause(r.s, STR_LIT("lab"), true, &e), 1);
        store_rollback(r.s);
    }
    rig_free(&r);
#else
    (void)state;
#endif
}

static void a_snapshot_that_ends_without_memory_does_not_stay_open(void **state)
{
#if TORTURE
    struct rig r;
    struct store *s;
    struct err e;
    int n;

    (void)state;
    rig_make(&r, "");
    for (n = 0; n < BEFORE / 4; n++) {
        assert_int_equal(store_open(r.conf, STORE_READ, &s, &e), 0);
        torture_arm(n);
        if (store_read_begin(s, &e) == 0) {
            torture_arm(0);
            store_read_end(s);
        }
        torture_end();
        assert_int_equal(store_read_begin(s, &e), 0);
        store_read_end(s);
        store_close(s);
    }
    rig_free(&r);
#else
    (void)state;
#endif
}

/* Whatever is found in time is right; whatever is not there for want of memory is an error. */
static void a_text_without_memory_is_not_taken_for_one_that_is_not_there(void **state)
{
#if TORTURE
    struct store_answer a = {
        .status = 201, .location = STR_LIT("/v1/lab/j"), .body = STR_LIT("{}")};
    static const unsigned char digest[STORE_DIGEST];
    struct rig r;
    struct err e;
    int n, rc = -1, lost = 0;
    bool good;

    (void)state;
    rig_make(&r, "");
    assert_int_equal(store_begin(r.s, NS_PER_S, &e), 0);
    assert_int_equal(store_answer_save(r.s, STR_LIT("lab"), STR_LIT("key"), digest, &a, r.now, &e),
                     0);
    assert_int_equal(store_commit(r.s, &e), 0);
    for (n = 0; n < BEFORE / 4; n++) {
        a = (struct store_answer){0};
        torture_arm(n);
        rc = store_answer_find(r.s, STR_LIT("lab"), STR_LIT("key"), digest, &a, &e);
        torture_end();
        good = a.location.p && a.body.p;
        lost += store_check_reads(r.s, &e) != 0;
        if (rc == 1 && lost == 0)
            assert_true(good);
        if (rc == 1 && good)
            break;
    }
    assert_int_equal(rc, 1);
    assert_true(good);
    rig_free(&r);
#else
    (void)state;
#endif
}

static int64_t size_of(const char *path)
{
    struct stat st;

    return stat(path, &st) == 0 ? st.st_size : -1;
}

static void room_is_given_step_by_step_and_taken_back(void **state)
{
    char path[200];
    struct db_room *room;
    struct rig r;
    int i;

    (void)state;
    rig_make(&r, "");
    (void)snprintf(path, sizeof path, "%s.room", r.path);
    (void)unlink(path);
    room = db_room_new(r.path);
    assert_non_null(room);
    assert_int_not_equal(db_room_look(room, false), DB_ROOM_LOW);
    assert_int_equal(size_of(path), DB_ROOM_BYTES);
    for (i = 1; i <= DB_ROOM_BYTES / DB_ROOM_STEP; i++) {
        assert_int_equal(db_room_look(room, true), DB_ROOM_LOW);
        assert_int_equal(size_of(path), DB_ROOM_BYTES - i * DB_ROOM_STEP);
    }
    assert_false(db_room_give(room));
    assert_int_not_equal(db_room_look(room, false), DB_ROOM_LOW);
    assert_int_equal(size_of(path), DB_ROOM_BYTES);
    assert_int_equal(db_room_look(NULL, true), DB_ROOM_LOW);
    db_room_free(room);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_transaction_that_ends_without_memory_leaves_none_open),
        cmocka_unit_test(a_snapshot_that_ends_without_memory_does_not_stay_open),
        cmocka_unit_test(a_text_without_memory_is_not_taken_for_one_that_is_not_there),
        cmocka_unit_test(room_is_given_step_by_step_and_taken_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
