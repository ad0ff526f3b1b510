/* SPDX-License-Identifier: MIT */
/* A database's own name: it stays, and a copy that is put back gets another one. */
#include "rig_sql.h"

#include "store_backup.h"

enum { NAME = 17 };

static void open_again(struct rig *r, enum store_mode mode)
{
    struct err e;

    store_close(r->s);
    OK(store_open(r->conf, mode, &r->s, &e), &e);
}

static void take_name(struct rig *r, char name[NAME])
{
    struct err e;

    OK(store_instance(r->s, name, &e), &e);
    assert_int_equal(strspn(name, "0123456789abcdef"), 16);
}

static void it_stays(void **state)
{
    char first[NAME], later[NAME];
    struct rig r;

    (void)state;
    rig_make(&r, "");
    take_name(&r, first);
    open_again(&r, STORE_READ);
    take_name(&r, later);
    assert_string_equal(first, later);
    open_again(&r, STORE_WRITE);
    take_name(&r, later);
    assert_string_equal(first, later);
    rig_free(&r);
}

/* Found by review: callbacks of other jobs had ids that had been used. The same copy twice: each
 * goes its own way. */
static void a_copy_that_is_put_back_gets_one_of_its_own_each_time(void **state)
{
    char name[3][NAME], later[NAME];
    struct rig r;
    size_t i;

    (void)state;
    rig_make(&r, "");
    take_name(&r, name[0]);
    for (i = 1; i < ARRAY_LEN(name); i++) {
        rig_sql(&r, store_name_copy);
        open_again(&r, STORE_READ); /* who only looks changes nothing */
        take_name(&r, later);
        assert_memory_equal(later, "c0b1edc0", 8);
        open_again(&r, STORE_WRITE);
        take_name(&r, name[i]);
        assert_string_not_equal(name[i], later);
        assert_string_not_equal(name[i], name[i - 1]);
        open_again(&r, STORE_WRITE);
        take_name(&r, later);
        assert_string_equal(name[i], later);
        assert_int_equal(rig_add(&r, "vm", i == 1 ? "a" : "b", "{}"), (int)i); /* unlocked */
    }
    assert_string_not_equal(name[0], name[2]);
    rig_free(&r);
}

/* What keeps it from that is an error, and not a name that was used. */
static void a_copy_that_cannot_get_one_is_not_opened(void **state)
{
    struct rig r;
    struct err e;

    (void)state;
    rig_make(&r, "");
    rig_sql(&r, store_name_copy);
    rig_sql(&r, "CREATE TRIGGER no BEFORE UPDATE ON instance BEGIN SELECT RAISE(ABORT, 'no'); END");
    store_close(r.s);
    r.s = NULL;
    assert_int_equal(store_open(r.conf, STORE_WRITE, &r.s, &e), -1);
    assert_null(r.s);
    rig_sql(&r, "DROP TRIGGER no");
    rig_open(&r);
    rig_free(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stays),
        cmocka_unit_test(a_copy_that_is_put_back_gets_one_of_its_own_each_time),
        cmocka_unit_test(a_copy_that_cannot_get_one_is_not_opened),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
