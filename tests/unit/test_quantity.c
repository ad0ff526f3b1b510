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

enum { SEED = 20260301, ROUNDS = 40000, TEXT_MAX = 64, EXPONENT_MAX = 9999, DIGITS_MAX = 10200 };

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

/* ---- the reference: decimal digits, most significant first ---- */

struct digits {
    char d[DIGITS_MAX]; /* values, not characters */
    size_t n;
};

static void append(struct digits *x, int digit)
{
    assert_true(x->n < DIGITS_MAX);
    x->d[x->n++] = (char)digit;
}

static void twice(struct digits *x)
{
    int carry = 0;
    size_t i;

    for (i = x->n; i-- > 0;) {
        int v = x->d[i] * 2 + carry;

        x->d[i] = (char)(v % 10);
        carry = v / 10;
    }
    if (carry == 0)
        return;
    append(x, 0);
    memmove(x->d + 1, x->d, x->n - 1);
    x->d[0] = (char)carry;
}

static void add_one(struct digits *x)
{
    size_t i = x->n;

    while (i > 0 && x->d[i - 1] == 9)
        x->d[--i] = 0;
    if (i > 0) {
        x->d[i - 1]++;
        return;
    }
    append(x, 0);
    memmove(x->d + 1, x->d, x->n - 1);
    x->d[0] = 1;
}

/* Drops the last n digits, rounding up. */
static void drop(struct digits *x, int64_t n)
{
    bool rest = false;

    for (; n > 0; n--)
        rest = (x->n > 0 && x->d[--x->n] != 0) || rest;
    if (rest)
        add_one(x);
}

/* -1 when it is above INT64_MAX, by comparing texts. */
static int as_i64(const struct digits *x, int64_t *v)
{
    char text[DIGITS_MAX + 1], largest[24];
    size_t i, zeros = 0;

    while (zeros < x->n && x->d[zeros] == 0)
        zeros++;
    for (i = zeros; i < x->n; i++)
        text[i - zeros] = (char)('0' + x->d[i]);
    text[x->n - zeros] = '\0';
    (void)snprintf(largest, sizeof largest, "%" PRId64, INT64_MAX);
    if (strlen(text) > strlen(largest) ||
        (strlen(text) == strlen(largest) && strcmp(text, largest) > 0))
        return -1;
    *v = (int64_t)strtoull(text, NULL, 10);
    return 0;
}

struct unit {
    const char *word;
    int64_t ten;
    int two;
};
static const struct unit units[] = {
    {"", 0, 0},    {"n", -9, 0},  {"u", -6, 0},  {"m", -3, 0},  {"k", 3, 0},   {"M", 6, 0},
    {"G", 9, 0},   {"T", 12, 0},  {"P", 15, 0},  {"E", 18, 0},  {"Ki", 0, 10}, {"Mi", 0, 20},
    {"Gi", 0, 30}, {"Ti", 0, 40}, {"Pi", 0, 50}, {"Ei", 0, 60},
};

/* What the text, which is a quantity, comes to. */
static int slow_value(const char *text, int64_t scale, int64_t *amount)
{
    struct digits x = {.n = 0};
    bool minus = *text == '-', point = false;
    int64_t ten = scale == 1000 ? 3 : 0;
    size_t u = 0;

    text += strspn(text, "+-");
    for (; *text == '.' || (*text >= '0' && *text <= '9'); text++) {
        point = point || *text == '.';
        if (*text == '.')
            continue;
        append(&x, *text - '0');
        ten -= point;
    }
    while (u < ARRAY_LEN(units) && strcmp(units[u].word, text) != 0)
        u++;
    if (u == ARRAY_LEN(units)) {
        long long exponent = strtoll(text + 1, NULL, 10);

        if (exponent < -EXPONENT_MAX || exponent > EXPONENT_MAX)
            return -1;
        ten += exponent;
    } else {
        int i;

        ten += units[u].ten;
        for (i = 0; i < units[u].two; i++)
            twice(&x);
    }
    for (; ten > 0; ten--)
        append(&x, 0);
    drop(&x, -ten);
    if (as_i64(&x, amount) != 0)
        return -1;
    return minus && *amount > 0 ? -1 : 0;
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
        p += snprintf(p, 3, "%s", units[prop_below(r, ARRAY_LEN(units))].word);
    *p = '\0';
    if (p > text && prop_one_in(r, 8)) /* a typing error */
        text[prop_below(r, (size_t)(p - text))] = "+-.eEmiKk0 "[prop_below(r, 11)];
}

static void test_against_reference(void **state)
{
    static const char grammar[] = "^[+-]?([0-9]+\\.?[0-9]*|\\.[0-9]+)"
                                  "(n|u|m|k|M|G|T|P|E|[KMGTPE]i|[eE][+-]?[0-9]+)?$";
    struct prop r = prop_begin("quantity", SEED);
    regex_t re;
    size_t i, taken = 0;

    (void)state;
    assert_int_equal(regcomp(&re, grammar, REG_EXTENDED | REG_NOSUB), 0);
    for (i = 0; i < ROUNDS; i++) {
        int64_t scale = prop_one_in(&r, 2) ? 1 : 1000, want = -1, got = -1;
        char text[TEXT_MAX];
        int known, rc;

        random_text(&r, text);
        known = regexec(&re, text, 0, NULL, 0) == 0 ? slow_value(text, scale, &want) : -1;
        rc = quantity_parse(str_of(text), scale, &got);
        if (rc != known || (rc == 0 && got != want))
            fail_msg("%s times %" PRId64 ": %d %" PRId64 ", but %d %" PRId64, text, scale, rc, got,
                     known, want);
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
        cmocka_unit_test(test_against_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
