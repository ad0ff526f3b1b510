/* SPDX-License-Identifier: MIT */
/* Which web pages may change something. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "origin.h"

struct question {
    const char *origin, *site, *host;
    bool locked, open; /* may it, with authentication and without */
};

static bool may(const struct question *q, bool open)
{
    struct origin o = {str_of(q->origin), str_of(q->site), str_of(q->host)};
    struct err e = {0};
    int rc = origin_check(&o, open, &e);

    assert_int_equal(e.code, rc == 0 ? ERR_NONE : ERR_FORBIDDEN);
    return rc == 0;
}

static void all_of(const struct question *q, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        if (may(&q[i], false) != q[i].locked || may(&q[i], true) != q[i].open)
            fail_msg("case %zu: Origin %s, Sec-Fetch-Site %s, Host %s", i,
                     q[i].origin ? q[i].origin : "-", q[i].site ? q[i].site : "-",
                     q[i].host ? q[i].host : "-");
    }
}

static void programs_say_nothing_and_may(void **state)
{
    static const struct question q[] = {
        {NULL, NULL, "127.0.0.1:8080", true, true},
        {NULL, NULL, "anteroom.example.org", true, true},
        {NULL, NULL, NULL, true, true},
    };

    (void)state;
    all_of(q, ARRAY_LEN(q));
}

static void an_origin_must_be_the_host(void **state)
{
    static const struct question q[] = {
        {"http://127.0.0.1:8080", NULL, "127.0.0.1:8080", true, true},
        {"http://127.0.0.1", NULL, "127.0.0.1", true, true},
        {"http://127.0.0.1:80", NULL, "127.0.0.1", true, true},
        {"http://127.0.0.1", NULL, "127.0.0.1:80", true, true},
        {"http://[::1]:8080", NULL, "[::1]:8080", true, true},
        {"HTTPS://Anteroom.Example.org", NULL, "anteroom.example.org:443", true, true},
        {"https://h.example:8443", NULL, "h.example:8443", true, true},
        {"http://127.0.0.1:3000", NULL, "127.0.0.1:8080", false, false},
        {"http://127.0.0.1", NULL, "127.0.0.1:8080", false, false},
        {"https://127.0.0.1:80", NULL, "127.0.0.1", false, false},
        {"http://127.0.0.1:443", NULL, "127.0.0.1", false, false},
        {"http://evil.example", NULL, "127.0.0.1:8080", false, false},
        {"http://127.0.0.1.evil.example", NULL, "127.0.0.1", false, false},
        {"http://evil.example/127.0.0.1", NULL, "127.0.0.1", false, false},
        {"http://evil.example 127.0.0.1", NULL, "127.0.0.1", false, false},
        {"http://127.0.0.1:8080/", NULL, "127.0.0.1:8080", false, false},
        {"http://127.0.0.1:8080", NULL, NULL, false, false},
        {"http://127.0.0.1:8080", NULL, "", false, false},
        {"null", NULL, "127.0.0.1:8080", false, false},
        {"null", NULL, "null", false, false},
        {"", NULL, "", false, false},
        {"", NULL, "127.0.0.1", false, false},
        {"http://", NULL, "", true, false}, /* nobody's, but the same */
        {"chrome-extension://abc", NULL, "abc", false, false},
        {"ftp://127.0.0.1", NULL, "127.0.0.1", false, false},
    };

    (void)state;
    all_of(q, ARRAY_LEN(q));
}

/* A proxy in front may have changed Host; what the browser says of the site it knows better. */
static void the_browsers_own_word_comes_first(void **state)
{
    static const struct question q[] = {
        {"https://anteroom.example.org", "same-origin", "10.0.0.7:8080", true, true},
        {"https://anteroom.example.org", "none", "10.0.0.7:8080", true, true},
        {NULL, "same-origin", "127.0.0.1", true, true},
        {NULL, "none", "127.0.0.1", true, true},
        {"http://127.0.0.1:8080", "cross-site", "127.0.0.1:8080", false, false},
        {"http://127.0.0.1:3000", "same-site", "127.0.0.1:8080", false, false},
        {"http://127.0.0.1:8080", "", "127.0.0.1:8080", false, false},
        {"http://127.0.0.1:8080", "Same-Origin", "127.0.0.1:8080", false, false},
        {NULL, "cross-site", "127.0.0.1", false, false},
        {NULL, "same-site", "127.0.0.1", false, false},
        {NULL, "nonsense", "127.0.0.1", false, false},
    };

    (void)state;
    all_of(q, ARRAY_LEN(q));
}

/* evil.example, which points to 127.0.0.1 by now, is of the same origin as what it calls. */
static void without_authentication_a_public_name_over_http_is_nobodys(void **state)
{
    static const struct question q[] = {
        {"http://evil.example:8080", NULL, "evil.example:8080", true, false},
        {"http://evil.example:8080", "same-origin", "evil.example:8080", true, false},
        {"http://evil.example.", NULL, "evil.example.", true, false},
        {"http://localhost.evil.example", NULL, "localhost.evil.example", true, false},
        {"http://evillocalhost.example", NULL, "evillocalhost.example", true, false},
        {"http://notlocal.evil", NULL, "notlocal.evil", true, false},
        {"http://127.0.0.1.nip.example", NULL, "127.0.0.1.nip.example", true, false},
        {"http://[evil.example", NULL, "[evil.example", true, false},
        {"https://portal.example.org", NULL, "portal.example.org", true, true},
        {"http://localhost:8080", NULL, "localhost:8080", true, true},
        {"http://LocalHost", NULL, "localhost", true, true},
        {"http://a.localhost", NULL, "a.localhost", true, true},
        {"http://cloud1:8080", NULL, "cloud1:8080", true, true},
        {"http://cloud1.local", NULL, "cloud1.local", true, true},
        {"http://cloud1.lab.internal", NULL, "cloud1.lab.internal", true, true},
        {"http://cloud1.home.arpa", NULL, "cloud1.home.arpa", true, true},
        {"http://192.0.2.7", NULL, "192.0.2.7", true, true},
        {"http://[2001:db8::7]", NULL, "[2001:db8::7]", true, true},
    };

    (void)state;
    all_of(q, ARRAY_LEN(q));
}

/* A page that hides whence it is, and one that is of no web server: the browser's word is enough
 * where somebody is asked who he is, and nowhere else. */
static void without_authentication_a_page_of_no_web_server_is_nobodys(void **state)
{
    static const struct question q[] = {
        {"null", "same-origin", "127.0.0.1", true, false},
        {"null", "none", "127.0.0.1", true, false},
        {"", "same-origin", "127.0.0.1", true, false},
        {"chrome-extension://abc", "none", "127.0.0.1", true, false},
        {"ftp://127.0.0.1", "same-origin", "127.0.0.1", true, false},
    };

    (void)state;
    all_of(q, ARRAY_LEN(q));
}

static void the_sentence_names_the_page_in_one_plain_line(void **state)
{
    struct origin o = {str_of("http://e\xff\n\x01vil.example"), {0}, str_of("127.0.0.1")};
    struct err e;

    (void)state;
    assert_int_equal(origin_check(&o, true, &e), -1);
    assert_string_equal(e.text, "a web page from http://e? vil.example changes nothing here");
    o = (struct origin){.site = str_of("cross-site")};
    assert_int_equal(origin_check(&o, true, &e), -1);
    assert_string_equal(e.text, "a web page from elsewhere changes nothing here");
    o = (struct origin){str_of("http://evil.example"), {0}, str_of("evil.example")};
    assert_int_equal(origin_check(&o, true, &e), -1);
    assert_non_null(strstr(e.text, "auth: none"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_say_nothing_and_may),
        cmocka_unit_test(an_origin_must_be_the_host),
        cmocka_unit_test(the_browsers_own_word_comes_first),
        cmocka_unit_test(without_authentication_a_public_name_over_http_is_nobodys),
        cmocka_unit_test(without_authentication_a_page_of_no_web_server_is_nobodys),
        cmocka_unit_test(the_sentence_names_the_page_in_one_plain_line),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
