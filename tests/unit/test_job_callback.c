/* SPDX-License-Identifier: MIT */
/* Callbacks: the forms that are taken and those that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "job.h"

static const struct conf_queue queue = {.callback_base = {"http://127.0.0.1/demo/", 22}};
static const struct conf_queue bare = {.pools = 0};

struct refused {
    const char *text, *words;
};

static void test_callbacks_taken(void **state)
{
    static const char *const good[] = {
        "abc",
        "/abc?x=1#y",
        "../a",
        "?q",
        "//other.example/x",
        "http://a",
        "HTTPS://A.example:443/b?c@d#e",
        "http://127.0.0.1:1/",
        "http://[::1]/",
        "http://[::ffff:1.2.3.4]:8080",
        "http://a_b-c.d?e",
        "a/b:c",
    };
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(good); i++) {
        if (job_check_callback(&queue, str_of(good[i]), &e) != 0)
            fail_msg("%s: %s", good[i], e.text);
    }
    assert_int_equal(job_check_callback(&bare, STR_LIT("http://a/b"), &e), 0);
    assert_int_equal(job_check_callback(&bare, STR_LIT("abc"), &e), -1);
    assert_non_null(strstr(e.text, "no callback_base"));
    assert_int_equal(job_check_callback(&bare, STR_LIT("//a/b"), &e), -1);
}

static void test_callbacks_refused(void **state)
{
    static const struct refused cases[] = {
        {"", "1 to 2048 bytes"},
        {"a b", "spaces or control"},
        {" abc", "spaces or control"},
        {"a\tb", "spaces or control"},
        {"a\x7F", "spaces or control"},
        {"http://a\r\nHost:b/", "spaces or control"},
        {"http://\xC3\xA9/", "percent-encode"},
        {"http:\\\\a", "backslash"},
        {"http://a\\@b", "backslash"},
        {"ftp://a/b", "must be an http or https URL"},
        {"javascript:alert(1)", "must be an http or https URL"},
        {"file:///etc/passwd", "must be an http or https URL"},
        {"httpx://a", "must be an http or https URL"},
        {"1a:b", "must be an http or https URL"},
        {":b", "must be an http or https URL"},
        {"//", "must name a host"},
        {"http:", "must name a host"},
        {"http:/a", "must name a host"},
        {"http:a", "must name a host"},
        {"http://", "must name a host"},
        {"http:///a", "must name a host"},
        {"http://?a", "must name a host"},
        {"http://:80/", "must name a host"},
        {"///a", "must name a host"},
        {"http://u@a/", "user name or password"},
        {"http://u:p@a/", "user name or password"},
        {"//u@a/", "user name or password"},
        {"http://a:0/", "port from 1"},
        {"http://a:65536/", "port from 1"},
        {"http://a:/", "port from 1"},
        {"http://a:b/", "port from 1"},
        {"http://a%41/", "must name a host"},
        {"http://[]/", "must name a host"},
        {"http://[::1/", "must name a host"},
        {"http://[fe80::1%25eth0]/", "must name a host"},
        {"http://[::1]x/", "must name a host"},
    };
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        if (job_check_callback(&queue, str_of(cases[i].text), &e) == 0)
            fail_msg("taken: %s", cases[i].text);
        assert_int_equal(e.code, ERR_INVALID);
        assert_string_equal(e.pointer, "/callback");
        if (!strstr(e.text, cases[i].words))
            fail_msg("%s: %s", cases[i].text, e.text);
    }
    assert_int_equal(job_check_callback(&queue, STR_LIT("http://a\0b/"), &e), -1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callbacks_taken),
        cmocka_unit_test(test_callbacks_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
