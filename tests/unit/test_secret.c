/* SPDX-License-Identifier: MIT */
/* Secrets are hidden, however a stranger writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "cron/secret.h"
#include "json_out.h"
#include "prop.h"

enum { ROUNDS = 20000, SECRET_MAX = 12 };

static void masked(struct str text, const struct str *secret, size_t n, const char *want)
{
    struct buf b = BUF_INIT(4096);

    secret_mask(text, secret, n, &b);
    assert_false(b.failed);
    assert_string_equal(b.len ? b.data : "", want);
    buf_free(&b);
}

static void what_is_none_stays(void **state)
{
    const struct str secrets[] = {{0}, STR_LIT(""), STR_LIT("s3cret")};

    (void)state;
    masked((struct str){0}, secrets, 3, "");
    masked(STR_LIT("100 % \\of &amp; &#x; \\ s3cre s3cret"), secrets, 2,
           "100 % \\of &amp; &#x; \\ s3cre s3cret");
    masked(STR_LIT("s3cre it, %&\\"), secrets, 3, "s3cre it, %&\\");
    masked(STR_LIT("s3cret"), NULL, 0, "s3cret");
}

/* Nearly escapes: digits with a sign, a character that there is not, one of more bytes than the
 * secret has left. */
static void what_is_no_escape_stays(void **state)
{
    static const struct {
        const char *text;
        struct str secret;
    } cases[] = {
        {"50%-1", STR_LIT("\xff")},
        {"\\x-1", STR_LIT("\xff")},
        {"%1g", STR_LIT("\x01")},
        {"&#1114112;", STR_LIT("\xf4\x90\x80\x80")},
        {"&#x110000;", STR_LIT("\xf4\x90\x80\x80")},
        {"&#-1;", STR_LIT("\xff")},
        {"secre&#233;", {"secre\xc3\xa9", 6}},
        {"secre\\u00e9", {"secre\xc3\xa9", 6}},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        masked(str_of(cases[i].text), &cases[i].secret, 1, cases[i].text);
    masked(STR_LIT("&#1114111;"), &(const struct str){"\xf4\x8f\xbf\xbf", 4}, 1, "***");
}

static void several_and_the_longest(void **state)
{
    const struct str secrets[] = {STR_LIT("ab"), STR_LIT("abc"), STR_LIT("x")};

    (void)state;
    masked(STR_LIT("abc ab xx aab"), secrets, 3, "*** *** ****** a***");
}

static void escapes(void **state)
{
    static const char *const written[] = {
        "p\"a'/<\xc3\xa9&\\%\xf0\x9f\x98\x80",
        "p\\\"a'\\/<\\u00e9&\\\\%\\uD83D\\uDE00",
        "p\\\"a\\'/<\\xc3\\xa9&\\\\%\\xf0\\x9f\\x98\\x80",
        "p&quot;a&apos;/&lt;&#233;&amp;\\%&#128512;",
        "p&#34;a&#x27;/&#x3C;&#xE9;&amp;\\%&#x1f600;",
        "p%22a%27%2F%3C%c3%A9%26%5C%25%F0%9F%98%80",
    };
    const struct str secret = str_of(written[0]);
    char text[200], want[200];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(written); i++) {
        (void)snprintf(text, sizeof text, "you sent p%s.", written[i]);
        masked(str_of(text), &secret, 1, "you sent p***.");
        (void)snprintf(want, sizeof want, "%s", written[i]);
        masked(str_of(want), &secret, 1, "***");
    }
}

static void a_beginning_at_the_end(void **state)
{
    const struct str secret = STR_LIT("s3cret/token");

    (void)state;
    masked(STR_LIT("it was s3cret\\/t"), &secret, 1, "it was ***");
    masked(STR_LIT("it was s3cre"), &secret, 1, "it was s3cre");
}

/* Of any bytes, as they are and as our own writer of JSON has them, nothing is left. */
static void no_secret_is_left(void **state)
{
    static const char alphabet[] = "ab\\\"/%&;#x\n1<u0";
    struct prop p = prop_begin("secrets", 47);
    char secret[SECRET_MAX];
    size_t i, n, round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        struct buf text = BUF_INIT(4096), out = BUF_INIT(4096);
        struct json_out o = JSON_OUT(&text);
        struct str s = {secret, 0};

        n = 1 + prop_below(&p, SECRET_MAX);
        for (i = 0; i < n; i++)
            secret[i] = alphabet[prop_below(&p, sizeof alphabet - 1)];
        s.n = n;
        if (prop_below(&p, 2))
            json_put_str(&o, s);
        else
            buf_add(&text, secret, n);
        secret_mask(buf_span(&text), &s, 1, &out);
        assert_true(strstr(out.data, "***"));
        if (n > 3)
            assert_null(memmem(out.data, out.len, secret, n));
        buf_free(&text);
        buf_free(&out);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_none_stays),      cmocka_unit_test(what_is_no_escape_stays),
        cmocka_unit_test(several_and_the_longest), cmocka_unit_test(escapes),
        cmocka_unit_test(a_beginning_at_the_end),  cmocka_unit_test(no_secret_is_left),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
