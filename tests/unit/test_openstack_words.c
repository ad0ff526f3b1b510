/* SPDX-License-Identifier: MIT */
/* What any of OpenStack's services says when it refuses: its words out of the shapes in which they
 * come, the line that is made of them, and what is looked for in them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "buf.h"
#include "cron/openstack_words.h"

/* As much of a body as is looked at. */
enum { SEEN = 65536 };

static void test_words(void **state)
{
    static const struct {
        const char *body, *words;
    } cases[] = {
        {"", ""},
        {"{\"errors\":[{\"detail\":\"Access was denied to this resource.\\n\\n Policy does not "
         "allow x.  \"}]}",
         "Policy does not allow x."},
        {"{\"errors\":[{\"detail\":\"The resource could not be found.\\n\\n   \"}]}",
         "The resource could not be found."},
        {"{\"error\":{\"code\":401,\"message\":\"It requires\\nauthentication.\\n\\nOn "
         "instance: {}\"}}",
         "It requires authentication."},
        {"{\"forbidden\":{\"message\":\"Policy doesn't allow y.\"}}", "Policy doesn't allow y."},
        {"{\"message\":\"m\"}", "m"},
        {"<html><head><title>503 Oh</title></head>\n<body>No server &amp; so on</body></html>",
         "503 Oh No server &amp; so on"},
        {"plain text", "plain text"},
        {"{\"errors\":[]}", "{\"errors\":[]}"},
        {"{\"errors\":{\"detail\":\"d\"}}", "{\"errors\":{\"detail\":\"d\"}}"},
        {"{\"errors\":[{\"detail\":\"d, without a sentence before it\"}]}",
         "d, without a sentence before it"},
        {"{}", "{}"},
        {"null", "null"},
        {"[{\"message\":\"m\"}]", "[{\"message\":\"m\"}]"},
        {"{\"errors\":[7],\"message\":\"m\"}", "m"},
        {"{\"error\":{\"message\":\"no s3cret here, s3cret\"}}", "no *** here, ***"},
        {"<b>s3cret</b>", "***"},
        {"< never closed", ""},
    };
    const struct str secrets[] = {{0}, STR_LIT("s3cret")};
    char words[OPENSTACK_WORDS_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        openstack_words(str_of(cases[i].body), secrets, ARRAY_LEN(secrets), words);
        assert_string_equal(words, cases[i].words);
    }
}

static void test_long_words_are_cut(void **state)
{
    struct buf b = BUF_INIT(200000);
    char words[OPENSTACK_WORDS_MAX];

    (void)state;
    while (b.len < 100000)
        buf_str(&b, "\xc3\xa4");
    openstack_words(buf_span(&b), NULL, 0, words);
    assert_int_equal(strlen(words), OPENSTACK_WORDS_MAX - 2); /* no half character */
    buf_free(&b);
}

/* ---- the line ---- */

static void refused_is(const char *body, const char *retry_after, const char *line)
{
    const struct str secrets[] = {STR_LIT("s3cret")};
    struct openstack_refusal r = {"Nova", 503, str_of(body), str_of(retry_after), secrets, 1};
    struct err e;

    assert_int_equal(openstack_refused(&r, &e), -1);
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_string_equal(e.text, line);
}

static void test_the_line_says_what_was_said(void **state)
{
    (void)state;
    refused_is("", NULL, "Nova answered 503");
    refused_is("busy", NULL, "Nova answered 503: busy");
    refused_is("", "30", "Nova answered 503 (it says to wait: 30)");
    refused_is("busy with s3cret", "\ns3cret  days",
               "Nova answered 503: busy with *** (it says to wait: *** days)");
}

/* ---- what is looked for ---- */

/* {"x":{"message":"<lead><words>"}}, the lead such that the whole has `size` bytes. */
static struct str long_body(struct buf *b, const char *words, size_t size)
{
    static const char head[] = "{\"x\":{\"message\":\"", tail[] = "\"}}";
    size_t rest = strlen(words) + strlen(tail);

    buf_reset(b);
    buf_str(b, head);
    while (b->len + rest < size)
        buf_char(b, '.');
    buf_str(b, words);
    buf_str(b, tail);
    assert_false(b->failed);
    assert_int_equal(b->len, size);
    return buf_span(b);
}

static void test_phrases(void **state)
{
    static const struct {
        const char *body;
        bool held;
    } cases[] = {
        {"{\"x\":{\"message\":\"it is not a valid project.\"}}", true},
        {"{\"errors\":[{\"detail\":\"Malformed.\\n\\n not a valid project\"}]}", true},
        {"{\"x\":{\"message\":\"it is a valid project\"}}", false},
        {"{\"x\":{\"message\":\"no\",\"more\":\"not a valid project\"}}", false},
        {"{\"x\":{\"message\":\"\"}}", false},
        {"{\"x\":7}", false},
        {"not a valid project", false},
        {"", false},
    };
    struct buf b = BUF_INIT(4 * SEEN);
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(openstack_words_hold(str_of(cases[i].body), "not a valid project"),
                         cases[i].held);
    assert_true(openstack_words_hold(long_body(&b, "P", SEEN), "P")); /* no line is that long */
    assert_false(openstack_words_hold(long_body(&b, "P", SEEN + 1), "P"));
    buf_free(&b);
}

static void test_newest_version(void **state)
{
    static const struct {
        const char *body;
        int64_t minor; /* -1: it does not say */
    } cases[] = {
        {"{\"errors\":[{\"max_version\":\"1.39\",\"min_version\":\"1.0\"}]}", 39},
        {"{\"errors\":[{\"max_version\":\"2.39\"}]}", -1},
        {"{\"errors\":[{\"max_version\":\"1.\"}]}", -1},
        {"{\"errors\":[{\"max_version\":7}]}", -1},
        {"{\"computeFault\":{\"message\":\"Version 2.999 is not supported by the API. Minimum is "
         "2.1 and maximum is 2.38.\"}}",
         38},
        {"{\"computeFault\":{\"message\":\"the maximum is 2.38: no more\"}}", 38},
        {"{\"computeFault\":{\"message\":\"the maximum is 2.38\"}}", 38},
        {"{\"computeFault\":{\"message\":\"the maximum is 2.x\"}}", -1},
        {"{\"computeFault\":{\"message\":\"no\"}}", -1},
        {"[]", -1},
        {"<html>", -1},
        {"", -1},
    };
    struct buf b = BUF_INIT(4 * SEEN);
    int64_t minor;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        minor = -1;
        if (openstack_words_newest(str_of(cases[i].body), &minor) != 0)
            assert_int_equal(minor, -1);
        assert_int_equal(minor, cases[i].minor);
    }
    assert_int_equal(openstack_words_newest(long_body(&b, "maximum is 2.7", SEEN), &minor), 0);
    assert_int_equal(minor, 7);
    assert_int_equal(openstack_words_newest(long_body(&b, "maximum is 2.8", SEEN + 1), &minor), -1);
    assert_int_equal(minor, 7);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),
        cmocka_unit_test(test_long_words_are_cut),
        cmocka_unit_test(test_the_line_says_what_was_said),
        cmocka_unit_test(test_phrases),
        cmocka_unit_test(test_newest_version),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
