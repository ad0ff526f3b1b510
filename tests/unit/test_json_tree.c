/* SPDX-License-Identifier: MIT */
/* What the tree of a JSON document says: kinds, numbers as they were written, members in their
 * order, and how it is written. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "json/must.h"
#include "torture.h"

static void numbers_keep_their_text(void **state)
{
    static const char *const numbers[] = {
        "0",
        "-0",
        "1.10",
        "1e400",
        "-1E+0005",
        "0.0",
        "9007199254740993",
        "9223372036854775808",
        "-9223372036854775809",
        "18446744073709551616",
        "83334.50",
        "1e-400",
        "0e0",
        "1234567890123456789012345678901234567890123456789012345678901234567890",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(numbers); i++) {
        struct buf text = BUF_INIT(1000);
        struct json_doc *doc;
        json_value *v;

        buf_printf(&text, "{\"x\":[null,{\"n\":%s}],\"y\":1}", numbers[i]);
        doc = must_parse(buf_span(&text));
        assert_true(json_member(json_in_root(doc), "x", &v));
        assert_true(json_member(json_at(v, 1), "n", &v));
        assert_int_equal(json_kind(v), JSON_NUMBER);
        assert_true(str_is(json_number(v), numbers[i]));
        json_in_free(doc);
        doc = must_parse(str_of(numbers[i]));
        assert_true(str_is(json_number(json_in_root(doc)), numbers[i]));
        json_in_free(doc);
        buf_free(&text);
    }
}

static void a_number_has_a_longest_text(void **state)
{
    char digits[4097];
    struct json_doc *doc;

    (void)state;
    memset(digits, '7', sizeof digits);
    doc = must_parse((struct str){digits, 4096});
    assert_int_equal(json_number(json_in_root(doc)).n, 4096);
    json_in_free(doc);
    must_refuse((struct str){digits, 4097}, "a number longer than 4096 bytes at byte 1");
}

static void says_kinds_and_values(void **state)
{
    static const char *const words[] = {"null",     "a boolean", "a number",
                                        "a string", "an array",  "an object"};
    struct json_doc *doc = must_parse(STR_LIT("[null,true,1.5,\"\\u00e9\",[],{}]"));
    const json_value *root = json_in_root(doc);
    size_t i;

    (void)state;
    assert_int_equal(json_kind(root), JSON_ARRAY);
    assert_int_equal(json_length(root), 6);
    for (i = 0; i < ARRAY_LEN(words); i++) {
        assert_int_equal(json_kind(json_at(root, i)), i);
        assert_string_equal(json_kind_word(json_kind(json_at(root, i))), words[i]);
    }
    assert_null(json_at(root, 0));
    assert_true(json_bool(json_at(root, 1)));
    assert_true(str_is(json_number(json_at(root, 2)), "1.5"));
    assert_true(str_is(json_string(json_at(root, 3)), "\xC3\xA9"));
    assert_int_equal(json_length(json_at(root, 4)), 0);
    json_in_free(doc);

    doc = must_parse(STR_LIT(" null "));
    assert_null(json_in_root(doc));
    json_in_free(doc);
    json_in_free(NULL);
}

static void members_come_in_their_order(void **state)
{
    static const char *const names[] = {"z", "a", "", "m\"", "b"};
    struct json_doc *doc = must_parse(STR_LIT("{\"z\":0,\"a\":1,\"\":2,\"m\\\"\":null,\"b\":4}"));
    struct json_iter it = {0};
    json_value *v = NULL;
    size_t n = 0;

    (void)state;
    while (json_next(json_in_root(doc), &it))
        assert_true(str_is(it.name, names[n++]));
    assert_int_equal(n, ARRAY_LEN(names));
    assert_false(json_next(json_in_root(doc), &it) && n == 0);
    assert_true(json_member(json_in_root(doc), "b", &v));
    assert_true(str_is(json_number(v), "4"));
    assert_true(json_member(json_in_root(doc), "m\"", &v));
    assert_null(v);
    assert_false(json_member(json_in_root(doc), "c", &v));
    json_in_free(doc);
}

static void names_the_member_that_it_does_not_know(void **state)
{
    static const char *const known[] = {"a", "b"};
    struct json_doc *doc = must_parse(STR_LIT("{\"b\":0,\"x~/y\":1,\"a\":2,\"z\":3}"));
    struct err e = {0};

    (void)state;
    assert_int_equal(json_only_members(json_in_root(doc), known, 2, &e), -1);
    assert_int_equal(e.code, ERR_UNKNOWN_MEMBER);
    assert_string_equal(e.text, "unknown member \"x~/y\"");
    assert_string_equal(e.pointer, "/x~0~1y");
    json_in_free(doc);

    e = (struct err){0};
    doc = must_parse(STR_LIT("{\"b\":0}"));
    assert_int_equal(json_only_members(json_in_root(doc), known, 2, &e), 0);
    assert_int_equal(e.code, ERR_NONE);
    assert_int_equal(json_only_members(json_in_root(doc), known, 1, &e), -1);
    json_in_free(doc);
}

/* What is cut off is more than an error's pointer has room for, so that this one cuts it. */
static void a_pointer_that_is_too_long_names_a_parent(void **state)
{
    char room[JSON_POINTER_ROOM] = "", name[ERR_POINTER_MAX], most[ERR_POINTER_MAX];
    struct err e;
    size_t i;

    (void)state;
    json_pointer_add(room, STR_LIT("data"));
    json_pointer_add(room, STR_LIT(""));
    json_pointer_add(room, STR_LIT("a/~b"));
    assert_string_equal(room, "/data//a~1~0b");
    for (i = 0; i < sizeof name; i += 2)
        memcpy(name + i, "\xC3\xA9", 2);
    json_pointer_add(room, (struct str){name, sizeof name});
    for (i = 0; i < 3; i++) {
        assert_in_range(strlen(room), ERR_POINTER_MAX, JSON_POINTER_ROOM - 1);
        (void)err_at(&e, ERR_INVALID, room, "x");
        assert_string_equal(e.pointer, "/data//a~1~0b");
        json_pointer_add(room, i ? STR_LIT("~x") : STR_LIT("x"));
    }
    /* One that just fits, and one that does not for a tilde. */
    for (i = 0; i < 2; i++) {
        room[0] = '\0';
        json_pointer_add(room, STR_LIT("data"));
        memset(name, 'n', sizeof name);
        name[0] = i ? '~' : 'n';
        json_pointer_add(room, (struct str){name, ERR_POINTER_MAX - 1 - strlen("/data/")});
        (void)err_at(&e, ERR_INVALID, room, "x");
        (void)snprintf(most, sizeof most, "/data/%.*s", (int)(sizeof most - 1 - strlen("/data/")),
                       name);
        assert_string_equal(e.pointer, i ? "/data" : most);
    }
}

static void sets_a_string_member(void **state)
{
    struct json_doc *doc = must_parse(STR_LIT("{\"z\":1.0,\"host\":[1,2.50],\"a\":3}"));
    struct buf out = BUF_INIT(1000);
    struct err e;

    (void)state;
    assert_int_equal(json_set_string(json_in_root(doc), "host", STR_LIT("h\"1\n"), &e), 0);
    assert_int_equal(json_set_string(json_in_root(doc), "b", STR_LIT(""), &e), 0);
    json_write_sorted(json_in_root(doc), &out);
    assert_string_equal(out.data, "{\"a\":3,\"b\":\"\",\"host\":\"h\\\"1\\n\",\"z\":1.0}");
    buf_free(&out);
    json_in_free(doc);
}

static void a_full_buffer_shows_when_writing(void **state)
{
    struct json_doc *doc = must_parse(STR_LIT("{\"b\":[1,2,3],\"a\":\"text\"}"));
    const char *whole = "{\"a\":\"text\",\"b\":[1,2,3]}";
    size_t max;

    (void)state;
    for (max = 0; max <= strlen(whole); max++) {
        struct buf out = BUF_INIT(max);

        json_write_sorted(json_in_root(doc), &out);
        assert_int_equal(out.failed, max < strlen(whole));
        assert_true(out.len <= max);
        buf_free(&out);
    }
    json_in_free(doc);
}

#if TORTURE
/* Parses, changes and writes while the allocations after the first `good` ones fail. True when all
 * went well. */
static bool parse_and_write(struct str text, int64_t good)
{
    struct json_doc *doc = NULL;
    struct buf out = BUF_INIT(10000);
    struct err e = {0};
    int rc;

    torture_arm(good);
    rc = json_in_parse(text, &doc, &e);
    if (rc == 0)
        rc = json_set_string(json_in_root(doc), "new", STR_LIT("text"), &e);
    if (rc == 0) {
        json_write_sorted(json_in_root(doc), &out);
        rc = buf_check(&out, "the text", &e);
    }
    json_in_free(doc);
    buf_free(&out);
    assert_int_equal(torture_end(), 0);
    assert_int_equal(e.code, rc == 0 ? ERR_NONE : ERR_INTERNAL);
    return rc == 0;
}

/* Names enough for json-c's table to grow, elements enough for its arrays to. */
static void memory_may_run_out_anywhere(void **state)
{
    struct buf text = BUF_INIT(10000);
    int64_t good = 0;
    size_t i;

    (void)state;
    buf_str(&text, "{\"a\":[null,true,1.5,\"\\u00e9\",[],{},false,0]");
    for (i = 0; i < 30; i++)
        buf_printf(&text, ",\"m%zu\":[%zu,\"x\",{\"\\u0061\":null}]", i, i);
    buf_char(&text, '}');
    while (!parse_and_write(buf_span(&text), good))
        good++;
    assert_true(good > 200);
    buf_free(&text);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers_keep_their_text),
        cmocka_unit_test(a_number_has_a_longest_text),
        cmocka_unit_test(says_kinds_and_values),
        cmocka_unit_test(members_come_in_their_order),
        cmocka_unit_test(names_the_member_that_it_does_not_know),
        cmocka_unit_test(a_pointer_that_is_too_long_names_a_parent),
        cmocka_unit_test(sets_a_string_member),
        cmocka_unit_test(a_full_buffer_shows_when_writing),
#if TORTURE
        cmocka_unit_test(memory_may_run_out_anywhere),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
