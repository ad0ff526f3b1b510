/* SPDX-License-Identifier: MIT */
/* The pure parts of the door: requests a minute, what is remembered of tokens. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "auth_cache.h"
#include "auth_rate.h"
#include "base64.h"
#include "prop.h"
#include "who.h"

static const struct str one[] = {{"a", 1}}, two[] = {{"a", 1}, {"b", 1}};
static const struct who admin = {.name = STR_LIT("x"), .everything = true, .changes = true},
                        owner = {.name = STR_LIT("x"), .changes = true, .owners = 1, .owner = one},
                        both = {.name = STR_LIT("y"), .changes = true, .owners = 2, .owner = two};

/* ---- requests a minute ---- */

static int take(struct auth_rate *r, const struct who *w, int64_t seconds, int64_t *wait)
{
    struct err e;
    int rc;

    *wait = 0;
    rc = auth_rate_take(r, w, 1000 * NS_PER_S + seconds * NS_PER_S, wait, &e);
    if (rc != 0)
        assert_int_equal(e.code, ERR_TOO_MANY);
    return rc;
}

static void a_bucket_holds_a_minutes_worth(void **state)
{
    struct auth_rate *r;
    int64_t wait;
    struct err e;
    int i;

    (void)state;
    assert_int_equal(auth_rate_open(6, &r, &e), 0);
    for (i = 0; i < 6; i++)
        assert_int_equal(take(r, &owner, 0, &wait), 0);
    assert_int_equal(take(r, &owner, 0, &wait), -1);
    assert_int_equal(wait, 10);
    assert_int_equal(take(r, &owner, 3, &wait), -1);
    assert_int_equal(wait, 7);
    assert_int_equal(take(r, &owner, 10, &wait), 0); /* it said the truth */
    assert_int_equal(take(r, &owner, 10, &wait), -1);
    assert_int_equal(take(r, &admin, 10, &wait), 0);
    for (i = 0; i < 6; i++)
        assert_int_equal(take(r, &owner, 500, &wait), 0); /* it fills, but does not run over */
    assert_int_equal(take(r, &owner, 500, &wait), -1);
    auth_rate_close(r);
}

static void a_request_counts_for_each_of_his_owners_or_for_none(void **state)
{
    static const struct str only_b[] = {{"b", 1}};
    const struct who b = {.owners = 1, .owner = only_b};
    struct auth_rate *r;
    int64_t wait;
    struct err e;

    (void)state;
    assert_int_equal(auth_rate_open(2, &r, &e), 0);
    assert_int_equal(take(r, &owner, 0, &wait), 0);
    assert_int_equal(take(r, &both, 0, &wait), 0);
    assert_int_equal(take(r, &both, 0, &wait), -1); /* a has none left */
    assert_int_equal(take(r, &b, 0, &wait), 0);
    assert_int_equal(take(r, &b, 0, &wait), -1);
    auth_rate_close(r);
}

/* However many owners there are, who is over his limit now is not forgotten for one who is not. */
static void many_owners_push_out_no_empty_bucket(void **state)
{
    enum { MANY = 20000 };
    struct auth_rate *r;
    int64_t wait;
    struct err e;
    int i;

    (void)state;
    assert_int_equal(auth_rate_open(2, &r, &e), 0);
    assert_int_equal(take(r, &owner, 0, &wait), 0);
    assert_int_equal(take(r, &owner, 0, &wait), 0);
    for (i = 0; i < MANY; i++) {
        char name[16];
        struct str id = {name, (size_t)snprintf(name, sizeof name, "o%d", i)};
        const struct who w = {.owners = 1, .owner = &id};

        assert_int_equal(take(r, &w, 0, &wait), 0);
    }
    assert_int_equal(take(r, &owner, 0, &wait), -1);
    auth_rate_close(r);
}

/* ---- what is remembered ---- */

static void digest_of(unsigned i, unsigned char digest[DIGEST_SHA256])
{
    struct err e;

    assert_int_equal(digest_sha256((struct str){(const char *)&i, sizeof i}, digest, &e), 0);
}

static void what_is_known_holds_until_its_time(void **state)
{
    const struct auth_known good = {.who = &owner, .until = 100, .expires = 1000},
                            wrong = {.code = ERR_UNAUTHORIZED, .until = 100, .expires = INT64_MAX};
    unsigned char a[DIGEST_SHA256], b[DIGEST_SHA256];
    struct auth_cache *c;
    struct err e;

    (void)state;
    digest_of(1, a);
    digest_of(2, b);
    assert_int_equal(auth_cache_open(1, &c, &e), 0);
    assert_null(auth_cache_find(c, a, 0, 0));
    auth_cache_put(c, a, &good);
    auth_cache_put(c, b, &wrong);
    assert_true(str_is(auth_cache_find(c, a, 99, 999)->who->name, "x"));
    assert_ptr_not_equal(auth_cache_find(c, a, 99, 999)->who, &owner);
    assert_int_equal(auth_cache_find(c, b, 99, 999)->code, ERR_UNAUTHORIZED);
    assert_null(auth_cache_find(c, a, 100, 999));
    assert_null(auth_cache_find(c, a, 99, 1000));
    auth_cache_put(c, a, &wrong); /* what is newer counts */
    assert_int_equal(auth_cache_find(c, a, 99, 999)->code, ERR_UNAUTHORIZED);
    auth_cache_close(c);
    auth_cache_close(NULL);
}

static void the_table_is_bounded_and_keeps_the_newest(void **state)
{
    enum { MOST = 64, MANY = 5000 };
    unsigned char digest[DIGEST_SHA256];
    struct auth_cache *c;
    struct err e;
    unsigned i, kept = 0;

    (void)state;
    assert_int_equal(auth_cache_open(MOST, &c, &e), 0);
    for (i = 1; i <= MANY; i++) {
        const struct auth_known known = {.who = &both, .until = i, .expires = INT64_MAX};

        digest_of(i, digest);
        auth_cache_put(c, digest, &known);
        assert_non_null(auth_cache_find(c, digest, 0, 0));
    }
    for (i = 1; i <= MANY; i++) {
        digest_of(i, digest);
        kept += auth_cache_find(c, digest, 0, 0) != NULL;
    }
    assert_int_equal(kept, MOST);
    auth_cache_close(c);
}

/* ---- leaves ---- */

static void url_safe_base64(void **state)
{
    static const struct {
        struct str bytes;
        const char *text;
    } cases[] = {
        {STR_LIT(""), ""},
        {STR_LIT("f"), "Zg"},
        {STR_LIT("fo"), "Zm8"},
        {STR_LIT("foo"), "Zm9v"},
        {STR_LIT("foob"), "Zm9vYg"},
        {STR_LIT("fooba"), "Zm9vYmE"},
        {STR_LIT("foobar"), "Zm9vYmFy"},
        {STR_LIT("\xff\xfe\xfb"), "__77"},
        {STR_LIT("\0\0"), "AAA"},
        {STR_LIT("\xfb\xef"), "--8"},
    };
    struct buf b = BUF_INIT(64);
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&b);
        buf_str(&b, "");
        base64_url_write(cases[i].bytes.p, cases[i].bytes.n, &b);
        assert_string_equal(b.data, cases[i].text);
    }
    buf_free(&b);
}

static void digests_are_equal_in_every_byte(void **state)
{
    unsigned char a[DIGEST_SHA256], b[DIGEST_SHA256];
    size_t i;

    (void)state;
    digest_of(1, a);
    memcpy(b, a, sizeof b);
    assert_true(digest_equal(a, b));
    for (i = 0; i < sizeof b; i++) {
        b[i] ^= 1;
        assert_false(digest_equal(a, b));
        b[i] ^= 1;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_bucket_holds_a_minutes_worth),
        cmocka_unit_test(a_request_counts_for_each_of_his_owners_or_for_none),
        cmocka_unit_test(many_owners_push_out_no_empty_bucket),
        cmocka_unit_test(what_is_known_holds_until_its_time),
        cmocka_unit_test(the_table_is_bounded_and_keeps_the_newest),
        cmocka_unit_test(url_safe_base64),
        cmocka_unit_test(digests_are_equal_in_every_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
