/* SPDX-License-Identifier: MIT */
/* Quantities: known ones, then random ones against arithmetic on decimal digits written out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <inttypes.h>
#include <regex.h>
#include <string.h>

#include "prop.h"
#include "quantity.h"
#include "quantity_slow.h"

enum { SEED = 20260301, ROUNDS = 40000, TEXT_MAX = 64 };

struct known {
    const char *text;
    int64_t scale, amount;
};

static void test_known(void **state)
{
    static const struct known known[] = {
        {"0", 1, 0},
        {"-0", 1, 0},
        {"-0.00Ki", 1, 0},
        {"+4", 1, 4},
        {"0110", 1, 110},
        {"1.", 1, 1},
        {".5", 1000, 500},
        {"1.5", 1000, 1500},
        {"500m", 1000, 500},
        {"500m", 1, 1},
        {"1500m", 1, 2},
        {"1181116006400m", 1, 1181116007},
        {"1181116006000m", 1, 1181116006},
        {"100e-3", 1000, 100},
        {"500e-3", 1, 1},
        {"1e3", 1, 1000},
        {"1E3", 1, 1000},
        {"1e+3", 1, 1000},
        {"1E", 1, INT64_C(1000000000000000000)},
        {"9E", 1, INT64_C(9000000000000000000)},
        {"1k", 1, 1000},
        {"1Ki", 1, 1024},
        {"1.5Gi", 1, INT64_C(1610612736)},
        {"1.1Gi", 1, INT64_C(1181116007)},
        {"7Ei", 1, INT64_C(8070450532247928832)},
        {"1n", 1000, 1},
        {"0.0001m", 1000, 1},
        {"1u", 1, 1},
        {"1e-9999", 1, 1},
        {"0e9999", 1, 0},
        {"9223372036854775807", 1, INT64_MAX},
        {"9223372036854775.807", 1000, INT64_MAX},
        {"0.00000000000000000000000000000000000000000001Ei", 1, 1},
        {"00000000000000000000000000000000000000000007", 1, 7},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(known); i++) {
        int64_t amount = -1;

        if (quantity_parse(str_of(known[i].text), known[i].scale, &amount) != 0 ||
            amount != known[i].amount)
            fail_msg("%s gives %" PRId64, known[i].text, amount);
    }
}

static void test_refused(void **state)
{
    static const char *const texts[] = {
        "",
        ".",
        "+",
        "-",
        "m",
        "Ki",
        "-1",
        "-1n",
        "--1",
        "+-1",
        " 1",
        "1 ",
        "1,5",
        "1.1.1",
        "1e",
        "1e3m",
        "1e+-3",
        "1e 3",
        "1e1.5",
        "1i",
        "1mi",
        "1K",
        "1KI",
        "1ki",
        "1GiB",
        "1EE",
        "0x10",
        "NaN",
        "inf",
        "1e10000",
        "1e-10000",
        "1e99999999999999999999",
        "8Ei",
        "10E",
        "9223372036854775808",
        "9223372036854775807.1",
        "9223372036854775807m1",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(texts); i++) {
        int64_t amount = 42;

        if (quantity_parse(str_of(texts[i]), 1, &amount) == 0)
            fail_msg("\"%s\" is taken as %" PRId64, texts[i], amount);
        assert_int_equal(amount, 42);
    }
    assert_int_equal(quantity_parse((struct str){0}, 1, &(int64_t){0}), -1);
    assert_int_equal(quantity_parse(STR_LIT("1\0"), 1, &(int64_t){0}), -1);
    assert_int_equal(quantity_parse(STR_LIT("9223372036854776"), 1000, &(int64_t){0}), -1);
}

static void test_scale(void **state)
{
    (void)state;
    assert_int_equal(quantity_scale(STR_LIT("cpu")), 1000);
    assert_int_equal(quantity_scale(STR_LIT("memory")), 1);
    assert_int_equal(quantity_scale(STR_LIT("example.com/cpu")), 1);
}

static void test_written(void **state)
{
    static const struct known written[] = {
        {"0", 1000, 0},
        {"1m", 1000, 1},
        {"1", 1000, 1000},
        {"1500m", 1000, 1500},
        {"-500m", 1000, -500},
        {"-2", 1000, -2000},
        {"9223372036854775807m", 1000, INT64_MAX},
        {"-9223372036854775808m", 1000, INT64_MIN},
        {"-9223372036854775808", 1, INT64_MIN},
        {"1500", 1, 1500},
    };
    char text[QUANTITY_TEXT_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(written); i++)
        assert_string_equal(quantity_write(text, written[i].amount, written[i].scale),
                            written[i].text);
}

/* ---- the property ---- */

static size_t random_digits(struct prop *r, char *out)
{
    static const char alphabet[] = "00112345678999";
    size_t n = prop_below(r, prop_one_in(r, 3) ? 22 : 5), i;

    for (i = 0; i < n; i++)
        out[i] = alphabet[prop_below(r, sizeof alphabet - 1)];
    return n;
}

static void random_text(struct prop *r, char text[TEXT_MAX])
{
    static const char *const signs[] = {"", "", "", "", "+", "-"};
    char *p = text;

    p += snprintf(p, 2, "%s", signs[prop_below(r, ARRAY_LEN(signs))]);
    p += random_digits(r, p);
    if (prop_one_in(r, 2)) {
        *p++ = '.';
        p += random_digits(r, p);
    }
    if (prop_one_in(r, 4))
        p += snprintf(p, 8, "%c%s%d", prop_one_in(r, 2) ? 'e' : 'E',
                      signs[prop_below(r, ARRAY_LEN(signs))], (int)prop_below(r, 40));
    else
        p += snprintf(p, 3, "%s", slow_units[prop_below(r, ARRAY_LEN(slow_units))].word);
    *p = '\0';
    if (p > text && prop_one_in(r, 8)) /* a typing error */
        text[prop_below(r, (size_t)(p - text))] = "+-.eEmiKk0 "[prop_below(r, 11)];
}

static void comes_back(int64_t amount, int64_t scale)
{
    char text[QUANTITY_TEXT_MAX];
    int64_t again = -1;

    assert_int_equal(quantity_parse(str_of(quantity_write(text, amount, scale)), scale, &again), 0);
    assert_int_equal(again, amount);
}

static void test_against_reference(void **state)
{
    struct prop r = prop_begin("quantity", SEED);
    regex_t re;
    size_t i, taken = 0;

    (void)state;
    assert_int_equal(regcomp(&re, slow_grammar, REG_EXTENDED | REG_NOSUB), 0);
    for (i = 0; i < ROUNDS; i++) {
        int64_t scale = prop_one_in(&r, 2) ? 1 : 1000, want = -1, got = -1;
        char text[TEXT_MAX];
        int known, rc;

        random_text(&r, text);
        known = regexec(&re, text, 0, NULL, 0) == 0 ? slow_quantity(text, scale, &want) : -1;
        rc = quantity_parse(str_of(text), scale, &got);
        if (rc != known || (rc == 0 && got != want))
            fail_msg("%s times %" PRId64 ": %d %" PRId64 ", but %d %" PRId64, text, scale, rc, got,
                     known, want);
        if (rc == 0)
            comes_back(got, scale);
        taken += rc == 0;
    }
    regfree(&re);
    assert_true(taken > ROUNDS / 4);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known),
        cmocka_unit_test(test_refused),
        cmocka_unit_test(test_scale),
        cmocka_unit_test(test_written),
        cmocka_unit_test(test_against_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
