/* SPDX-License-Identifier: MIT */
/* Base64: what RFC 4648 has as examples, every byte, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base64.h"
#include "prop.h"

static void decodes(void **state)
{
    static const struct {
        const char *text, *bytes;
    } cases[] = {
        {"", ""},
        {"Zg==", "f"},
        {"Zm8=", "fo"},
        {"Zm9v", "foo"},
        {"Zm9vYg==", "foob"},
        {"Zm9vYmE=", "fooba"},
        {"Zm9vYmFy", "foobar"},
        {"+/+/", "\xFB\xFF\xBF"},
    };
    char out[16];
    size_t i, n;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(base64_decode(str_of(cases[i].text), out, &n), 0);
        assert_true(str_is((struct str){out, n}, cases[i].bytes));
    }
}

static void refuses(void **state)
{
    static const char *const cases[] = {
        "Z",    "Zg",   "Zg=",  "Zh==", "Zm9=",     "Zg==Zg==",   "Zg==\n", "Zm 9",
        "Z===", "====", "=Zg=", "Zm-_", "Zm9v\nYg", "Zm\xC3\xA9", "Z=g="};
    char out[16];
    size_t i, n;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        if (base64_decode(str_of(cases[i]), out, &n) == 0)
            fail_msg("taken: %s", cases[i]);
    }
    assert_int_equal(base64_decode((struct str){"Zm\0v", 4}, out, &n), -1);
}

static void encode(const unsigned char *p, size_t n, char *out)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t bit, i;

    for (bit = 0; bit < 8 * n; bit += 6) {
        unsigned six = 0;

        for (i = bit; i < bit + 6; i++)
            six = six << 1 | (i < 8 * n ? p[i / 8] >> (7 - i % 8) & 1U : 0);
        *out++ = alphabet[six];
    }
    for (; bit % 8 != 0; bit += 6)
        *out++ = '=';
    *out = '\0';
}

static void random_bytes_come_back(void **state)
{
    struct prop r = prop_begin("base64", 31);
    unsigned char bytes[60];
    char text[100], out[100];
    size_t i, n, back;
    int round;

    (void)state;
    for (round = 0; round < 5000; round++) {
        n = prop_below(&r, sizeof bytes);
        for (i = 0; i < n; i++)
            bytes[i] = (unsigned char)prop_below(&r, 256);
        encode(bytes, n, text);
        assert_int_equal(base64_encode((struct str){(const char *)bytes, n}, out), strlen(text));
        assert_memory_equal(out, text, strlen(text));
        assert_int_equal(base64_decode(str_of(text), out, &back), 0);
        assert_int_equal(back, n);
        assert_memory_equal(out, bytes, n);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(decodes),
        cmocka_unit_test(refuses),
        cmocka_unit_test(random_bytes_come_back),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
