/* SPDX-License-Identifier: MIT */
/* Callbacks: the forms that are taken and those that are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "job.h"
#include "prop.h"

static const struct conf_queue queue = {.callback_base = {"http://127.0.0.1/demo/", 22}};
static const struct conf_queue bare = {.pools = 0};

static int check(const struct conf_queue *q, const char *text, struct job_target *target,
                 struct err *e)
{
    return job_check_callback(q, STR_LIT("vm"), str_of(text), target, e);
}

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
    struct job_target target;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(good); i++) {
        if (check(&queue, good[i], &target, &e) != 0)
            fail_msg("%s: %s", good[i], e.text);
    }
    assert_int_equal(check(&bare, "http://a/b", &target, &e), 0);
    assert_int_equal(check(&bare, "abc", &target, &e), -1);
    assert_non_null(strstr(e.text, "no callback_base"));
    assert_int_equal(check(&bare, "//a/b", &target, &e), -1);
}

static const struct refused refusals[] = {
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
    {"http://u@a/", "user name or a password"},
    {"http://u:p@a/", "user name or a password"},
    {"//u@a/", "user name or a password"},
    {"http://a:0/", "port from 1"},
    {"http://a:65536/", "port from 1"},
    {"http://a:/", "port from 1"},
    {"http://a:b/", "port from 1"},
    {"http://a%41/", "must name a host"},
    {"http://%6cocalhost/", "percent-encoding"},
    {"http://127%2e0.0.1/", "percent-encoding"},
    {"http://a%00b/", "percent-encoding"},
    {"http://a%2fb/", "percent-encoding"},
    {"http://@a/", "user name or a password"},
    {"http://a@/", "user name or a password"},
    {"http://a'b/", "no URL"},
    {"http://./", "must name a host"},
    {"http://[]/", "no URL"},
    {"http://[::1/", "no URL"},
    {"http://[fe80::1%25eth0]/", "must name a host"},
    {"http://[::1]x/", "port from 1"},
};

static void test_callbacks_refused(void **state)
{
    struct job_target target;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(refusals); i++) {
        if (check(&queue, refusals[i].text, &target, &e) == 0)
            fail_msg("taken: %s", refusals[i].text);
        assert_int_equal(e.code, ERR_INVALID);
        assert_string_equal(e.pointer, "/callback");
        if (!strstr(e.text, refusals[i].words))
            fail_msg("%s: %s", refusals[i].text, e.text);
    }
    assert_int_equal(
        job_check_callback(&queue, STR_LIT("vm"), STR_LIT("http://a\0b/"), &target, &e), -1);
    assert_int_equal(job_check_callback(&queue, STR_LIT("vm"), STR_LIT("a\0b"), &target, &e), -1);
}

static void calls(const char *text, const char *receiver, const char *host, int port)
{
    struct job_target target;
    struct err e;

    if (check(&queue, text, &target, &e) != 0)
        fail_msg("%s: %s", text, e.text);
    assert_string_equal(target.receiver, receiver);
    assert_string_equal(target.host, host);
    assert_int_equal(target.port, port);
}

/* Whoever takes the host from the base shares a receiver with all that do. */
static void test_receivers(void **state)
{
    (void)state;
    calls("abc", "/vm", "127.0.0.1", 80);
    calls("/abc?x=http://y", "/vm", "127.0.0.1", 80);
    calls("?q", "/vm", "127.0.0.1", 80);
    calls("//Other.example/x", "http://other.example", "other.example", 80);
    calls("HTTPS://Other.example:443/x", "https://other.example", "other.example", 443);
    calls("http://other.example.:8080/x", "http://other.example:8080", "other.example", 8080);
    calls("http://0x7f.1/", "http://127.0.0.1", "127.0.0.1", 80);
    calls("http://[0:0::1]/", "http://[::1]", "::1", 80);
}

/* What is plain is not read by libcurl again; that it would say the same is tried here, with bases
 * and references of all kinds. */
static void test_plain_is_as_libcurl_has_it(void **state)
{
    static const char *const bases[] = {
        "http://127.0.0.1/demo/",         "https://a.example:8443", "http://a.example/x?y=z",
        "HTTPS://[::1]:8443/a%20b?c=d#e", "http://A.example./b",    "http://0x7f.1:81/../c",
    };
    static const char *const starts[] = {"http://h", "HTTPS://h.example:1/", "//h",
                                         "http://0x7f.1"};
    static const char letters[] = "ab09ZZ//?=&-__.:#@%~";
    struct prop r = prop_begin(__func__, 7);
    size_t round, b, i, n;

    (void)state;
    for (round = 0; round < 20000; round++) {
        struct job_target plain = {.port = 0}, full = {.port = 0};
        struct conf_queue q = {.type = STR_LIT("vm")};
        char text[32] = "";
        struct url url;
        struct err e, f;
        int rc;

        b = prop_below(&r, ARRAY_LEN(bases));
        n = prop_below(&r, 12);
        if (prop_below(&r, 3) == 0)
            (void)snprintf(text, sizeof text, "%s", starts[prop_below(&r, ARRAY_LEN(starts))]);
        for (i = strlen(text), n += i; i < n; i++)
            text[i] = letters[prop_below(&r, sizeof letters - 1)];
        q.callback_base = str_of(bases[b]);
        rc = check(&q, text, &full, &f);
        assert_int_equal(url_resolve((struct str){0}, q.callback_base, "it", &url, &e), 0);
        memcpy(q.base.host, url.host, sizeof q.base.host);
        q.base.port = url.port;
        url_free(&url);
        if (check(&q, text, &plain, &e) != rc)
            fail_msg("%s with %s: %s", bases[b], text, rc == 0 ? e.text : f.text);
        assert_string_equal(plain.host, full.host);
        assert_string_equal(plain.receiver, full.receiver);
        assert_int_equal(plain.port, full.port);
    }
}

static void test_verdict(void **state)
{
    struct netguard_net net;
    struct netguard_rules rules = {.allows = 1, .allow = &net};
    struct job_target target = {.host = "10.1.2.3", .port = 80};
    struct err e;

    (void)state;
    assert_int_equal(netguard_net_parse(STR_LIT("127.0.0.0/8"), &net), 0);
    assert_int_equal(job_judge_callback(&rules, &target, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.pointer, "/callback");
    assert_string_equal(e.text, "callback cannot be called: 10.1.2.3 is in 10.0.0.0/8 (private), "
                                "which callbacks must not reach");
    assert_int_equal(check(&queue, "abc", &target, &e), 0);
    assert_int_equal(job_judge_callback(&rules, &target, &e), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_callbacks_taken), cmocka_unit_test(test_callbacks_refused),
        cmocka_unit_test(test_receivers),       cmocka_unit_test(test_plain_is_as_libcurl_has_it),
        cmocka_unit_test(test_verdict),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
