/* SPDX-License-Identifier: MIT */
/* Members of what a service answered: each that is not as it must be is named, with what is wrong.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/answer.h"

enum reading { MEMBER, TEXT, COUNT, PERHAPS };

/* What the member "m" reads as, or the error. MEMBER wants an array, COUNT 5 or more. */
static void reads(enum reading how, const char *json, const char *want)
{
    struct buf b = BUF_INIT(1024);
    struct json_doc *doc = NULL;
    struct str text = {0};
    json_value *v = NULL;
    struct err e = {0};
    int64_t n = 0;
    int rc;

    assert_int_equal(json_in_parse(str_of(json), &doc, &e), 0);
    v = json_in_root(doc);
    rc = how == MEMBER  ? answer_member(v, "m", JSON_ARRAY, &v, &e)
         : how == TEXT  ? answer_text(v, "m", &text, &e)
         : how == COUNT ? answer_count(v, "m", 5, &n, &e)
                        : answer_perhaps(v, "m", &text, &e);
    assert_int_equal(e.code, rc == 0 ? ERR_NONE : ERR_UNAVAILABLE);
    if (rc != 0)
        buf_str(&b, e.text);
    else if (how == MEMBER)
        buf_printf(&b, "%zu", json_length(v));
    else if (how == COUNT)
        buf_printf(&b, "%lld", (long long)n);
    else
        buf_printf(&b, "%s", text.p ? text.p : "absent");
    assert_string_equal(b.data, want);
    json_in_free(doc);
    buf_free(&b);
}

static void a_member_is_there_and_of_its_kind(void **state)
{
    (void)state;
    reads(MEMBER, "{\"m\":[1,2]}", "2");
    reads(MEMBER, "{\"M\":[]}", "there is no m");
    reads(MEMBER, "{\"m\":{}}", "m is an object, not an array");
    reads(MEMBER, "{\"m\":null}", "m is null, not an array");
    reads(MEMBER, "[]", "it is an array, not an object");
    reads(MEMBER, "null", "it is null, not an object");
}

static void a_text_is_not_empty(void **state)
{
    (void)state;
    reads(TEXT, "{\"m\":\"x\"}", "x");
    reads(TEXT, "{\"m\":\"\"}", "m is empty");
    reads(TEXT, "{\"m\":7}", "m is a number, not a string");
    reads(TEXT, "{}", "there is no m");
}

static void a_text_that_may_be_missing_is_absent_then(void **state)
{
    (void)state;
    reads(PERHAPS, "{\"m\":\"x\"}", "x");
    reads(PERHAPS, "{}", "absent");
    reads(PERHAPS, "{\"m\":null}", "absent");
    reads(PERHAPS, "{\"m\":\"\"}", "m is empty");
    reads(PERHAPS, "{\"m\":false}", "m is a boolean, not a string");
    reads(PERHAPS, "\"m\"", "it is a string, not an object");
}

/* A number of any length is shown by its first 40 digits. */
static void a_count_is_whole_and_in_its_range(void **state)
{
#define TEN "1234567890"
    (void)state;
    reads(COUNT, "{\"m\":5}", "5");
    reads(COUNT, "{\"m\":9007199254740991}", "9007199254740991");
    reads(COUNT, "{\"m\":4}", "m is 4, not a whole number from 5 to 2^53-1");
    reads(COUNT, "{\"m\":9007199254740992}",
          "m is 9007199254740992, not a whole number from 5 to 2^53-1");
    reads(COUNT, "{\"m\":7.5}", "m is 7.5, not a whole number from 5 to 2^53-1");
    reads(COUNT, "{\"m\":" TEN TEN TEN TEN "}",
          "m is " TEN TEN TEN TEN ", not a whole number from 5 to 2^53-1");
    reads(COUNT, "{\"m\":" TEN TEN TEN TEN "99}",
          "m is " TEN TEN TEN TEN ", not a whole number from 5 to 2^53-1");
    reads(COUNT, "{\"m\":\"7\"}", "m is a string, not a number");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_member_is_there_and_of_its_kind),
        cmocka_unit_test(a_text_is_not_empty),
        cmocka_unit_test(a_text_that_may_be_missing_is_absent_then),
        cmocka_unit_test(a_count_is_whole_and_in_its_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
