/* SPDX-License-Identifier: MIT */
/* Lists of jobs as they are asked for: the words of their statuses, and that no two lists have the
 * same name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "listing.h"

#define BIT(status) (1U << (status))

static void words_become_bits(void **state)
{
    static const struct {
        const char *words;
        unsigned bits;
    } cases[] = {
        {"queued", BIT(JOB_QUEUED)},
        {"expired", BIT(JOB_EXPIRED)},
        {"held,running", BIT(JOB_HELD) | BIT(JOB_RUNNING)},
        {"running,held,running", BIT(JOB_HELD) | BIT(JOB_RUNNING)},
        {"queued,held,admitted,running,finished,failed,cancelled,expired", BIT(JOB_STATUSES) - 1},
    };
    unsigned bits;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        bits = 0;
        assert_int_equal(listing_statuses(str_of(cases[i].words), &bits, &e), 0);
        assert_int_equal(bits, cases[i].bits);
    }
    bits = BIT(JOB_FAILED);
    assert_int_equal(listing_statuses(STR_LIT("held"), &bits, &e), 0);
    assert_int_equal(bits, BIT(JOB_FAILED) | BIT(JOB_HELD)); /* added to what is there */
}

static void a_span_ends_where_it_ends(void **state)
{
    unsigned bits = 0;
    struct err e;

    (void)state;
    assert_int_equal(listing_statuses((struct str){"held,running", 4}, &bits, &e), 0);
    assert_int_equal(bits, BIT(JOB_HELD));
    assert_int_equal(listing_statuses((struct str){"held,running", 5}, &bits, &e), -1);
}

static void what_is_no_status_is_refused(void **state)
{
    static const struct {
        const char *words, *named;
    } cases[] = {
        {"", ""},
        {",", ""},
        {"queued,", ""},
        {",queued", ""},
        {"held,,", ""},
        {"Queued", "Queued"},
        {"queued ", "queued "},
        {"held, running", " running"},
        {"hel", "hel"},
        {"heldd", "heldd"},
        {"held,all,x", "all"},
    };
    char want[100];
    unsigned bits;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        bits = 0;
        assert_int_equal(listing_statuses(str_of(cases[i].words), &bits, &e), -1);
        assert_int_equal(e.code, ERR_BAD_REQUEST);
        (void)snprintf(want, sizeof want, "status: \"%s\" is no status of a job", cases[i].named);
        assert_string_equal(e.text, want);
    }
}

static const struct str a = {"a", 1}, a_and_b[] = {{"a", 1}, {"b", 1}}, quoted = {"a\",\"b", 5};

static const struct {
    struct store_filter filter;
    struct who who;
} lists[] = {
    {{.type = {"vm", 2}}, {.everything = true}},
    {{.type = {"v", 1}}, {.everything = true}},
    {{.type = {"vm", 2}, .statuses = 1}, {.everything = true}},
    {{.type = {"vm", 2}, .owner_id = {"", 0}}, {.everything = true}},
    {{.type = {"vm", 2}, .owner_id = {"a", 1}}, {.everything = true}},
    {{.type = {"vm", 2}, .owner_id = {"b", 1}}, {.everything = true}},
    {{.type = {"vm", 2}, .owner_id = {"a[]", 3}}, {.everything = true}},
    {{.type = {"v", 1}, .owner_id = {"ma", 2}}, {.everything = true}},
    {{.type = {"vm", 2}, .owner_id = {"[]", 2}}, {.everything = true}},
    {{.type = {"vm[]", 4}}, {.everything = true}},
    {{.type = {"vm", 2}}, {.owners = 0}},
    {{.type = {"vm", 2}, .owner_id = {"a", 1}}, {.owners = 0}},
    {{.type = {"vm", 2}}, {.owners = 1, .owner = &a}},
    {{.type = {"vm", 2}}, {.owners = 2, .owner = a_and_b}},
    {{.type = {"vm", 2}}, {.owners = 1, .owner = &quoted}},
};

static void name_of(size_t i, struct buf *b)
{
    struct err e;

    *b = BUF_INIT(LISTING_NAME_MAX);
    assert_int_equal(listing_name(&lists[i].filter, &lists[i].who, b, &e), 0);
}

static void no_two_lists_have_the_same_name(void **state)
{
    struct buf x, y;
    size_t i, j;

    (void)state;
    for (i = 0; i < ARRAY_LEN(lists); i++) {
        name_of(i, &x);
        for (j = 0; j < ARRAY_LEN(lists); j++) {
            name_of(j, &y);
            if (str_eq(buf_span(&x), buf_span(&y)) != (i == j))
                fail_msg("%zu is %s, %zu is %s", i, x.data, j, y.data);
            buf_free(&y);
        }
        buf_free(&x);
    }
}

/* Where in the list a page begins, and what he is called who asks, are no other list. */
static void pages_of_a_list_have_its_name(void **state)
{
    struct store_filter filter = lists[0].filter;
    struct who who = lists[0].who;
    struct buf x, y = BUF_INIT(LISTING_NAME_MAX);
    struct err e;

    (void)state;
    filter.has_after = true;
    filter.after.id = 7;
    who.name = STR_LIT("token:ci");
    name_of(0, &x);
    assert_int_equal(listing_name(&filter, &who, &y, &e), 0);
    assert_string_equal(x.data, y.data);
    buf_free(&x);
    buf_free(&y);
}

static void a_name_is_whole_or_none(void **state)
{
    enum { ONE = ARRAY_LEN(lists) - 1 };
    struct buf whole, b;
    struct err e;
    size_t most;

    (void)state;
    name_of(ONE, &whole);
    for (most = 0; most <= whole.len; most++) {
        b = BUF_INIT(most);
        if (listing_name(&lists[ONE].filter, &lists[ONE].who, &b, &e) == 0)
            assert_string_equal(b.data, whole.data);
        else
            assert_int_equal(e.code, ERR_TOO_LARGE);
        assert_int_equal(b.failed, most < whole.len);
        buf_free(&b);
    }
    buf_free(&whole);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(words_become_bits),
        cmocka_unit_test(a_span_ends_where_it_ends),
        cmocka_unit_test(what_is_no_status_is_refused),
        cmocka_unit_test(no_two_lists_have_the_same_name),
        cmocka_unit_test(pages_of_a_list_have_its_name),
        cmocka_unit_test(a_name_is_whole_or_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
