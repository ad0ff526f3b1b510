/* SPDX-License-Identifier: MIT */
/* Percent-encoding, there and back, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "prop.h"
#include "uri.h"
#include "utf8.h"

enum { ROUNDS = 20000, CHARS = 24, TEXT = 512 };

/* 0 and the result in room, which is NUL-terminated, or the error's code. */
static enum err_code decode(const char *text, bool plus, char room[TEXT])
{
    struct err e;
    struct str out;
    size_t n = strlen(text);

    memcpy(room, text, n);
    if (uri_decode(room, n, plus, "the path", &out, &e) != 0)
        return e.code;
    assert_ptr_equal(out.p, room);
    room[out.n] = '\0';
    return ERR_NONE;
}

static void escapes_become_bytes(void **state)
{
    static const struct {
        const char *in;
        bool plus;
        const char *out;
    } cases[] = {
        {"", false, ""},
        {"abc", false, "abc"},
        {"a%2Fb", false, "a/b"},
        {"a%2fb%3F", false, "a/b?"},
        {"a+b", false, "a+b"},
        {"a+b%2B", true, "a b+"},
        {"%E4%BD%A0", false, "\xE4\xBD\xA0"},
        {"%25", false, "%"},
        {"%2525", false, "%25"},
    };
    char room[TEXT];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(decode(cases[i].in, cases[i].plus, room), ERR_NONE);
        assert_string_equal(room, cases[i].out);
    }
}

static void broken_text_is_refused(void **state)
{
    static const char *const cases[] = {
        "%",   "a%2",    "%zz",       "%0g",      "%00",          "a%00b",
        "%FF", "%C0%AF", "%ED%A0%80", "\xE4\xBD", "%F4%90%80%80", "%-1",
    };
    char room[TEXT];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(decode(cases[i], false, room), ERR_BAD_REQUEST);
}

/* Any Unicode but NUL. */
static void add_random_char(struct prop *r, struct buf *b)
{
    static const uint32_t below[] = {0x80, 0x800, 0xD800, 0x110000};
    char c[UTF8_CHAR_MAX];
    uint32_t code = (uint32_t)prop_below(r, below[prop_below(r, 4)]);

    if (code == 0 || (code >= 0xD800 && code < 0xE000))
        code = '/';
    buf_add(b, c, utf8_encode(code, c));
}

static void what_is_encoded_comes_back(void **state)
{
    struct prop r = prop_begin("encoded", 71);
    struct buf in = BUF_INIT(TEXT), out = BUF_INIT(TEXT);
    char room[TEXT];
    size_t i, n;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        buf_reset(&in);
        buf_reset(&out);
        for (n = prop_below(&r, CHARS); n > 0; n--)
            add_random_char(&r, &in);
        uri_encode(buf_span(&in), &out);
        assert_int_equal(strspn(buf_span(&out).p,
                                "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-._~%"),
                         out.len);
        assert_int_equal(decode(buf_span(&out).p, prop_one_in(&r, 2), room), ERR_NONE);
        assert_string_equal(room, buf_span(&in).p);
    }
    buf_free(&in);
    buf_free(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_become_bytes),
        cmocka_unit_test(broken_text_is_refused),
        cmocka_unit_test(what_is_encoded_comes_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
