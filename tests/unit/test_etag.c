/* SPDX-License-Identifier: MIT */
/* The lists of If-Match and If-None-Match. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "etag.h"
#include "torture.h"

static void lists_name_their_tags(void **state)
{
    static const struct {
        const char *header, *tag;
        bool weak, strong; /* by each comparison */
    } cases[] = {
        {"\"a\"", "\"a\"", true, true},
        {"\"b\"", "\"a\"", false, false},
        {"W/\"a\"", "\"a\"", true, false},
        {"\"b\", \"a\"", "\"a\"", true, true},
        {"\"b\",\"a\",\"c\"", "\"a\"", true, true},
        {" ,, \"b\" ,W/\"a\" ,", "\"a\"", true, false},
        {"*", "\"a\"", true, true},
        {" *\t", "\"a\"", true, true},
        {"\"*\"", "\"a\"", false, false},
        {"*, \"b\"", "\"a\"", false, false},
        {"\"x,y\"", "\"x,y\"", true, true},
        {"\"x,\"a\",y\"", "\"a\"", false, false},
        {"a", "\"a\"", false, false},
        {"\"a", "\"a\"", false, false},
        {"\"a\"b", "\"a\"", false, false},
        {"\"a\" b, \"a\"", "\"a\"", true, true},
        {"w/\"a\"", "\"a\"", false, false},
        {"", "\"a\"", false, false},
        {",", "\"a\"", false, false},
        {"\"\"", "\"\"", true, true},
        {"\t\"b\"\t,\t\"a\"\t", "\"a\"", true, true},
        {"\t*", "\"a\"", true, true},
        {"\t* \t", "\"a\"", true, true},
        {"**", "\"a\"", false, false},
        {" ", "\"a\"", false, false},
        {"\t", "\"a\"", false, false},
        {"W/", "\"a\"", false, false},
        {"W", "\"a\"", false, false},
        {"W/,\"a\"", "\"a\"", true, true},
        {"\"a\x7f\"", "\"a\x7f\"", false, false},
        {"\"a\x80\"", "\"a\x80\"", true, true},
        {"\"a b\"", "\"a b\"", false, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct str header = str_of(cases[i].header), tag = str_of(cases[i].tag);

        if (etag_named(header, tag, ETAG_WEAK) != cases[i].weak ||
            etag_named(header, tag, ETAG_STRONG) != cases[i].strong)
            fail_msg("%s against %s", cases[i].header, cases[i].tag);
    }
}

static struct store_match match(const char *header)
{
    struct store_match m;
    struct err e;

    assert_int_equal(etag_match(str_of(header), &m, &e), 0);
    return m;
}

static void a_jobs_tags_are_read(void **state)
{
    struct store_match m;

    (void)state;
    assert_false(match(NULL).given);
    m = match("*");
    assert_true(m.given && m.any);
    m = match("\"12.3.4\", \"9223372036854775807.1.0\"");
    assert_true(m.given && !m.any);
    assert_int_equal(m.n, 2);
    assert_int_equal(m.tag[0].id, 12);
    assert_int_equal(m.tag[0].version, 3);
    assert_int_equal(m.tag[1].id, INT64_MAX);
    assert_int_equal(m.tag[1].version, 1);
}

static void what_is_no_tag_of_ours_matches_nothing(void **state)
{
    static const char *const cases[] = {
        "",
        "\"\"",
        "\"a\"",
        "\"1\"",
        "\"1.2\"",
        "\"1.2.3.4\"",
        "\"1..3\"",
        "\".2.3\"",
        "\"1.2.\"",
        "\"-1.2.3\"",
        "\"1.+2.3\"",
        "1.2.3",
        "W/\"1.2.3\"",
        "\"1.2.3",
        "\"9223372036854775808.1.0\"",
        "\"0.1.0\"",
        "\"1.0.1\"",
        "\" 1.2.3\"",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct store_match m = match(cases[i]);

        if (!m.given || m.any || m.n != 0)
            fail_msg("%s", cases[i]);
    }
}

static void too_many_tags_are_refused(void **state)
{
    char header[256] = "";
    struct store_match m;
    struct err e;
    size_t i, n = 0;

    (void)state;
    for (i = 0; i < STORE_TAGS_MAX; i++)
        n += (size_t)snprintf(header + n, sizeof header - n, "\"1.%zu.0\",", i + 1);
    assert_int_equal(match(header).n, STORE_TAGS_MAX);
    (void)snprintf(header + n, sizeof header - n, "\"1.99.0\"");
    assert_int_equal(etag_match(str_of(header), &m, &e), -1);
    assert_int_equal(e.code, ERR_BAD_REQUEST);
}

static const char *tag_of(const char *a, const char *b, char etag[ETAG_MAX])
{
    const struct str part[] = {str_of(a), str_of(b)};
    struct err e;

    assert_int_equal(etag_of(part, 2, etag, &e), 0);
    return etag;
}

static void a_tag_is_that_of_the_content(void **state)
{
    char a[ETAG_MAX], b[ETAG_MAX];

    (void)state;
    assert_string_equal(tag_of("one", "two", a), tag_of("one", "two", b));
    assert_string_equal(tag_of("onetwo", "", a), tag_of("one", "two", b));
    assert_string_not_equal(tag_of("one", "two", a), tag_of("one", "tw", b));
    assert_int_equal(strlen(a), 34);
    assert_int_equal(strspn(a + 1, "0123456789abcdef"), 32);
    assert_true(a[0] == '"' && a[33] == '"');
    assert_true(etag_named(str_of(a), str_of(a), ETAG_STRONG));
}

#if TORTURE /* a sanitizer's allocator cannot be failed */
static void without_memory_there_is_no_tag(void **state)
{
    const struct str part[] = {STR_LIT("one")};
    char a[ETAG_MAX] = "", b[ETAG_MAX];
    struct err e;
    int rc;

    (void)state;
    assert_int_equal(etag_of(part, 1, b, &e), 0);
    torture_arm(0);
    rc = etag_of(part, 1, a, &e);
    (void)torture_end();
    assert_int_equal(rc, -1);
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_string_equal(a, "");
    assert_int_equal(etag_of(part, 1, a, &e), 0);
    assert_string_equal(a, b);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_name_their_tags),
        cmocka_unit_test(a_jobs_tags_are_read),
        cmocka_unit_test(what_is_no_tag_of_ours_matches_nothing),
        cmocka_unit_test(too_many_tags_are_refused),
        cmocka_unit_test(a_tag_is_that_of_the_content),
#if TORTURE
        cmocka_unit_test(without_memory_there_is_no_tag),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
