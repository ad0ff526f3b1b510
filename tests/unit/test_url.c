/* SPDX-License-Identifier: MIT */
/* URLs: references resolved as they are at delivery, and what cannot be called at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "torture.h"
#include "url.h"

/* want NULL: refused */
static void resolves(const char *base, const char *reference, const char *want)
{
    struct url u = {0};
    struct err e = {0};
    int rc = url_resolve(str_of(base), str_of(reference), "the callback", &u, &e);

    if (rc != (want ? 0 : -1) || (want && !str_is(buf_span(&u.text), want)))
        fail_msg("%s against %s: %s", reference, base ? base : "nothing",
                 rc == 0 ? u.text.data : e.text);
    if (!want)
        assert_int_equal(e.code, ERR_INVALID);
    url_free(&u);
}

static void test_references(void **state)
{
    static const char base[] = "http://a/b/c/d?q";

    (void)state;
    resolves("http://127.0.0.1:8080/demo/callback/", "abc",
             "http://127.0.0.1:8080/demo/callback/abc");
    resolves(base, "g", "http://a/b/c/g");
    resolves(base, "./g", "http://a/b/c/g");
    resolves(base, "g/", "http://a/b/c/g/");
    resolves(base, "/g", "http://a/g");
    resolves(base, "//g", "http://g/");
    resolves(base, "?y", "http://a/b/c/d?y");
    resolves(base, "g?y", "http://a/b/c/g?y");
    resolves(base, "..", "http://a/b/");
    resolves(base, "../g", "http://a/b/g");
    resolves(base, "../../../g", "http://a/g");
    resolves(base, "https://other.example:8443/x?y=1", "https://other.example:8443/x?y=1");
}

static void test_absolute_without_a_base(void **state)
{
    (void)state;
    resolves(NULL, "http://h.example/x", "http://h.example/x");
    resolves(NULL, "abc", NULL);
    resolves(NULL, "//h.example/x", NULL);
    resolves(NULL, "", NULL);
}

static void is(const char *text, const char *host, int port, const char *origin)
{
    struct url u = {0};
    struct err e;

    assert_int_equal(url_resolve((struct str){0}, str_of(text), "it", &u, &e), 0);
    assert_string_equal(u.host, host);
    assert_string_equal(u.origin, origin);
    assert_int_equal(u.port, port);
    url_free(&u);
}

static void test_parts(void **state)
{
    (void)state;
    is("http://H.example/x", "h.example", 80, "http://h.example");
    is("https://h.example:443/x", "h.example", 443, "https://h.example");
    is("https://h.example:80/", "h.example", 80, "https://h.example:80");
    is("http://[2001:DB8::1]:8080/", "2001:db8::1", 8080, "http://[2001:db8::1]:8080");
    is("http://%6cocalhost/", "localhost", 80, "http://localhost");
    is("http://h.example./", "h.example", 80, "http://h.example");
    is("http://h.example...:81/", "h.example", 81, "http://h.example:81");
    is("http://[0:0::0001]/", "::1", 80, "http://[::1]");
}

/* One form for an address, whatever it is written as: so one receiver is one origin. */
static void test_addresses_have_one_form(void **state)
{
    static const char *const loopback[] = {
        "127.0.0.1",     "127.1",        "127.0.1",     "0x7f.1",     "0X7F000001",
        "0177.0.0.1",    "017700000001", "2130706433",  "127.0.0.1.", "%31%32%37.0.0.1",
        "127%2e0.0.%31", "%30x7f.%31",   "%32130706433"};
    char text[64];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(loopback); i++) {
        (void)snprintf(text, sizeof text, "http://%s/x", loopback[i]);
        is(text, "127.0.0.1", 80, "http://127.0.0.1");
        resolves(NULL, text, "http://127.0.0.1/x");
    }
}

/* What fuzzing found: with two dots behind it an address kept the form that it was written in. */
static void test_addresses_with_dots_behind_have_one_form_too(void **state)
{
    (void)state;
    is("http://1../x", "0.0.0.1", 80, "http://0.0.0.1");
    is("http://2130706433../", "127.0.0.1", 80, "http://127.0.0.1");
    is("http://127.0.0.1...:81/", "127.0.0.1", 81, "http://127.0.0.1:81");
    is("http://0x7F.1%2e%2e/", "127.0.0.1", 80, "http://127.0.0.1");
    resolves(NULL, "http://0X7F000001../x", "http://127.0.0.1/x");
}

static void test_refused(void **state)
{
    static const char base[] = "http://a/b/";
    static const char *const hosts[] = {
        "a%00b",      "a%00",     "%00",           "a%2fb",      "a%2Fb",     "a%40b",
        "a%3a80",     "a%20b",    "a%0ab",         "a%0d%0ab",   "a%ffb",     "\xC3\xA9",
        "%C3%A9",     "a%25b",    "a%2500b",       "127.0.0.1%", "a|b",       "a~b",
        "a%5cb",      "a%23b",    "a%3fb",         ".",          "..",        "%2e",
        "[::1%25lo]", "[::1%lo]", "[fe80::1%251]", "[::1]%41",   "[1.2.3.4]", "[::g]",
        "[v1.a]",     "[]",       "%5b::1%5d",     "*"};
    char longer[9000];
    size_t i;

    (void)state;
    resolves(base, "ftp://h/x", NULL);
    resolves(base, "file:///etc/passwd", NULL);
    resolves(base, "gopher://h/", NULL);
    resolves(base, "http://user@h/", NULL);
    resolves(base, "http://user:secret@h/", NULL);
    resolves(base, "http://:secret@h/", NULL);
    resolves(base, "//user@h/", NULL);
    resolves(base, "http://h:99999/", NULL);
    resolves(base, "http://h:65536/", NULL);
    resolves(base, "http://h:0/", NULL);
    resolves(base, "http://h:-1/", NULL);
    resolves(base, "http://[::1/", NULL);
    resolves(base, "http://h\x01/", NULL);
    for (i = 0; i < ARRAY_LEN(hosts); i++) {
        (void)snprintf(longer, sizeof longer, "http://%s/x", hosts[i]);
        resolves(base, longer, NULL);
    }
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    resolves(base, longer, NULL);
}

/* Whatever becomes of the path, which is not the same in all versions of libcurl. */
static void test_nothing_is_of_the_base(void **state)
{
    static const struct str nothing[] = {{NULL, 0}, {"", 0}};
    struct url u;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(nothing); i++) {
        assert_int_equal(url_resolve(STR_LIT("http://a:81/b/c"), nothing[i], "it", &u, &e), 0);
        assert_string_equal(u.origin, "http://a:81");
        url_free(&u);
    }
}

static void test_a_host_has_a_longest_name(void **state)
{
    char host[URL_HOST_MAX + 1], text[URL_HOST_MAX + 16], origin[URL_ORIGIN_MAX];

    (void)state;
    memset(host, 'a', sizeof host);
    host[URL_HOST_MAX] = '\0';
    (void)snprintf(text, sizeof text, "http://%s/", host);
    resolves(NULL, text, NULL);
    host[URL_HOST_MAX - 1] = '\0';
    (void)snprintf(text, sizeof text, "http://%s/", host);
    (void)snprintf(origin, sizeof origin, "http://%s", host);
    is(text, host, 80, origin);
}

static void test_nul_is_refused(void **state)
{
    struct url u;
    struct err e;

    (void)state;
    assert_int_equal(
        url_resolve((struct str){0}, (struct str){"http://h/\0@evil/", 16}, "it", &u, &e), -1);
}

#if TORTURE
/* A good URL is never called a bad one, whether memory is short for good or for a moment. */
static void resolves_without_memory(const char *reference, const char *want, bool once)
{
    int64_t good = 0, left;
    struct url u;
    struct err e;
    int rc;

    do {
        torture_arm_as(once, good++);
        rc = url_resolve(STR_LIT("http://h.example/a/"), str_of(reference), "it", &u, &e);
        torture.armed = false;
        if (rc == 0) {
            assert_string_equal(u.text.data, want);
            url_free(&u);
            continue;
        }
        left = torture_end();
        if (e.code != ERR_INTERNAL || left != 0)
            fail_msg("%s, %lld: %s", reference, (long long)good, e.text);
    } while (torture_fired());
    assert_int_equal(rc, 0);
    assert_true(good > 7);
}

/* … and a bad one is never taken. */
static void refuses_without_memory(const char *reference)
{
    int64_t good = 0;
    struct url u;
    struct err e;
    int rc;

    do {
        torture_arm_as(true, good++);
        rc = url_resolve(STR_LIT("http://h.example/a/"), str_of(reference), "it", &u, &e);
        (void)torture_end();
        if (rc == 0)
            fail_msg("%s was taken", reference);
    } while (torture_fired());
    assert_int_equal(e.code, ERR_INVALID);
}

static void test_without_memory(void **state)
{
    (void)state;
    refuses_without_memory("http://user@h/");
    refuses_without_memory("http://user@h./"); /* whose host is put in once more */
    refuses_without_memory("http://user:secret@h/");
    refuses_without_memory("http://[fe80::1%251]/");
    for (int once = 0; once < 2; once++) {
        resolves_without_memory("//%31.2.3.4./b", "http://1.2.3.4/b", once);
        resolves_without_memory("b", "http://h.example/a/b", once);
        resolves_without_memory("//i.example./%61?b#c", "http://i.example/%61?b#c", once);
        resolves_without_memory("https://[::1]:8443/", "https://[::1]:8443/", once);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_absolute_without_a_base),
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nothing_is_of_the_base),
        cmocka_unit_test(test_a_host_has_a_longest_name),
        cmocka_unit_test(test_nul_is_refused),
        cmocka_unit_test(test_addresses_have_one_form),
        cmocka_unit_test(test_addresses_with_dots_behind_have_one_form_too),
#if TORTURE
        cmocka_unit_test(test_without_memory),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
