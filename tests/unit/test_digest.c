/* SPDX-License-Identifier: MIT */
/* HMAC-SHA256, by the cases of RFC 4231, in one part and in several. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "digest.h"

static void hex(const unsigned char *p, char out[2 * DIGEST_SHA256 + 1])
{
    size_t i;

    for (i = 0; i < DIGEST_SHA256; i++)
        (void)snprintf(out + 2 * i, 3, "%02x", p[i]);
}

static void mac_is(struct str key, const struct str *part, size_t parts, const char *want)
{
    unsigned char mac[DIGEST_SHA256];
    char text[2 * DIGEST_SHA256 + 1];
    struct err e;

    assert_int_equal(digest_hmac_sha256(key, part, parts, mac, &e), 0);
    hex(mac, text);
    assert_string_equal(text, want);
}

static void the_cases_of_the_standard(void **state)
{
    static const struct {
        const char *key, *text, *mac;
    } cases[] = {
        {"\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b\x0b",
         "Hi There", "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"},
        {"Jefe", "what do ya want for nothing?",
         "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"},
    };
    size_t i, cut;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct str text = str_of(cases[i].text);

        mac_is(str_of(cases[i].key), &text, 1, cases[i].mac);
        for (cut = 0; cut <= text.n; cut++) {
            struct str part[] = {{text.p, cut}, {text.p + cut, text.n - cut}};

            mac_is(str_of(cases[i].key), part, 2, cases[i].mac);
        }
    }
}

static void a_long_key(void **state)
{
    struct str text = STR_LIT("Test Using Larger Than Block-Size Key - Hash Key First");
    char key[131];

    (void)state;
    memset(key, 0xaa, sizeof key);
    mac_is((struct str){key, sizeof key}, &text, 1,
           "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_cases_of_the_standard),
        cmocka_unit_test(a_long_key),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
