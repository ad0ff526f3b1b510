/* SPDX-License-Identifier: MIT */
/* Which URLs may be called: the parts, and whole references resolved as they are at delivery. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/httpc.h"

static void test_parts(void **state)
{
    static const struct {
        struct netguard_url url;
        int rc;
    } cases[] = {
        {{{"http", 4}, {0}, {0}, {"h", 1}}, 0},
        {{{"https", 5}, {0}, {0}, {"h", 1}}, 0},
        {{{"ftp", 3}, {0}, {0}, {"h", 1}}, -1},
        {{{"file", 4}, {0}, {0}, {"h", 1}}, -1},
        {{{0}, {0}, {0}, {"h", 1}}, -1},
        {{{"http", 4}, {"u", 1}, {0}, {"h", 1}}, -1},
        {{{"http", 4}, {"", 0}, {0}, {"h", 1}}, -1},
        {{{"http", 4}, {0}, {"p", 1}, {"h", 1}}, -1},
        {{{"http", 4}, {0}, {0}, {"", 0}}, -1},
        {{{"http", 4}, {0}, {0}, {0}}, -1},
    };
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(netguard_check(&cases[i].url, &e), cases[i].rc);
}

/* want NULL: refused */
static void resolves(const char *base, const char *reference, const char *want)
{
    struct buf b = BUF_INIT(8192);
    struct err e = {0};
    int rc = httpc_resolve(str_of(base), str_of(reference), &b, &e);

    if (rc != (want ? 0 : -1) || (want && !str_is(buf_span(&b), want)))
        fail_msg("%s against %s: %s", reference, base ? base : "nothing",
                 rc == 0 ? b.data : e.text);
    if (!want)
        assert_int_equal(e.code, ERR_INVALID);
    buf_free(&b);
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

static void test_refused(void **state)
{
    static const char base[] = "http://a/b/";
    char longer[9000];

    (void)state;
    resolves(base, "ftp://h/x", NULL);
    resolves(base, "file:///etc/passwd", NULL);
    resolves(base, "gopher://h/", NULL);
    resolves(base, "http://user@h/", NULL);
    resolves(base, "http://user:secret@h/", NULL);
    resolves(base, "http://:secret@h/", NULL);
    resolves(base, "//user@h/", NULL);
    resolves(base, "http://h:99999/", NULL);
    resolves(base, "http://[::1/", NULL);
    resolves(base, "http://h\x01/", NULL);
    memset(longer, 'a', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    resolves(base, longer, NULL);
}

static void test_nul_is_refused(void **state)
{
    struct buf b = BUF_INIT(8192);
    struct err e;

    (void)state;
    assert_int_equal(httpc_resolve((struct str){0}, (struct str){"http://h/\0@evil/", 16}, &b, &e),
                     -1);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_parts),
        cmocka_unit_test(test_references),
        cmocka_unit_test(test_absolute_without_a_base),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_nul_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
