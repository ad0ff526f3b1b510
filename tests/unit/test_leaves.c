/* SPDX-License-Identifier: MIT */
/* The leaves that hold no state: spans, numbers from text, and errors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "buf.h"
#include "prop.h"

enum { NUMBERS = 200000 };

static void spans_compare_by_bytes(void **state)
{
    const struct str absent = {NULL, 0}, empty = STR_LIT(""), ab = STR_LIT("ab");

    (void)state;
    assert_true(str_eq(absent, str_of(NULL)));
    assert_false(str_eq(absent, empty));
    assert_false(str_eq(empty, absent));
    assert_true(str_eq(empty, str_of("")));
    assert_true(str_is(ab, "ab"));
    assert_false(str_is(ab, "a"));
    assert_false(str_is(ab, "ac"));
    assert_true(str_cmp(ab, STR_LIT("abc")) < 0);
    assert_true(str_cmp(STR_LIT("b"), ab) > 0);
    assert_true(str_cmp(STR_LIT("\xFF"), ab) > 0);
    assert_true(str_cmp(empty, ab) < 0);
    assert_int_equal(str_cmp(empty, absent), 0);
    assert_int_equal(str_cmp(ab, STR_LIT("ab")), 0);
}

static void every_int64_comes_back(void **state)
{
    struct prop r = prop_begin("i64", 41);
    struct buf b = BUF_INIT(64);
    char text[32];
    size_t i;

    (void)state;
    for (i = 0; i < NUMBERS; i++) {
        int64_t in = prop_i64(&r), out = 0;

        buf_reset(&b);
        buf_i64(&b, in);
        (void)snprintf(text, sizeof text, "%lld", (long long)in);
        assert_string_equal(b.data, text);
        assert_int_equal(num_i64(buf_span(&b), INT64_MIN, INT64_MAX, &out), 0);
        assert_int_equal(out, in);
        assert_int_equal(num_i64(buf_span(&b), in, in, &out), 0);
        if (in < INT64_MAX)
            assert_int_equal(num_i64(buf_span(&b), in + 1, INT64_MAX, &out), -1);
        if (in > INT64_MIN)
            assert_int_equal(num_i64(buf_span(&b), INT64_MIN, in - 1, &out), -1);
        assert_int_equal(out, in);
    }
    buf_free(&b);
}

static void whole_numbers_are_nothing_else(void **state)
{
    static const char *const bad[] = {"",
                                      "-",
                                      "+1",
                                      " 1",
                                      "1 ",
                                      "1.0",
                                      "0x1",
                                      "1e1",
                                      "--1",
                                      "1-",
                                      "9223372036854775808",
                                      "-9223372036854775809",
                                      "99999999999999999999999"};
    int64_t v = 7;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(bad); i++)
        assert_int_equal(num_i64(str_of(bad[i]), INT64_MIN, INT64_MAX, &v), -1);
    assert_int_equal(num_i64((struct str){NULL, 0}, INT64_MIN, INT64_MAX, &v), -1);
    assert_int_equal(num_i64((struct str){"1\0", 2}, INT64_MIN, INT64_MAX, &v), -1);
    assert_int_equal(v, 7);
}

/* The point is moved by hand through a long row of digits, and the floor is taken from what stands
 * before it. */
static int slow_decimal(bool minus, const char *digits, size_t n, int64_t point, __int128 *whole,
                        bool *between)
{
    int64_t i;

    *whole = 0;
    *between = false;
    for (i = 0; i < point; i++) {
        *whole = *whole * 10 + (i < (int64_t)n ? digits[i] - '0' : 0);
        if (*whole > INT64_MAX + (__int128)10)
            return -1;
    }
    for (i = point < 0 ? 0 : point; i < (int64_t)n; i++)
        *between = *between || digits[i] != '0';
    if (minus)
        *whole = -*whole - (*between ? 1 : 0);
    return 0;
}

struct written {
    char text[200], digits[64];
    bool minus;
    size_t n;
    int64_t point;
};

/* A number after JSON's grammar, and what it is made of. */
static void write_number(struct prop *r, struct written *w)
{
    size_t before = 1 + prop_below(r, prop_one_in(r, 4) ? 25 : 4), after = prop_below(r, 6), i;
    int64_t e = prop_between(r, -30, 30);
    struct buf b = BUF_INIT(sizeof w->text);

    w->minus = prop_one_in(r, 2);
    w->n = before + after;
    w->point = (int64_t)before;
    for (i = 0; i < w->n; i++)
        w->digits[i] = "0000123456789999"[prop_below(r, 16)];
    if (before > 1 && w->digits[0] == '0')
        w->digits[0] = '9';
    if (w->minus)
        buf_char(&b, '-');
    buf_add(&b, w->digits, before);
    if (after)
        buf_char(&b, '.');
    buf_add(&b, w->digits + before, after);
    if (prop_one_in(r, 2)) {
        buf_printf(&b, prop_one_in(r, 2) ? "e%s%03lld" : "E%s%lld",
                   e >= 0 && prop_one_in(r, 2) ? "+" : "", (long long)e);
        w->point += e;
    }
    (void)snprintf(w->text, sizeof w->text, "%s", b.data);
    buf_free(&b);
}

static void decimals_agree_with_the_slow_reference(void **state)
{
    struct prop r = prop_begin("decimals", 42);
    struct written w;
    size_t i, taken = 0;

    (void)state;
    for (i = 0; i < NUMBERS; i++) {
        int64_t low = INT64_MIN, high = INT64_MAX, whole = 0;
        __int128 want;
        bool between = false, want_between;
        int rc;

        write_number(&r, &w);
        if (prop_one_in(&r, 2)) {
            low = prop_i64(&r);
            high = prop_i64(&r);
        }
        rc = slow_decimal(w.minus, w.digits, w.n, w.point, &want, &want_between);
        if (want < low || want > high)
            rc = -1;
        if (num_decimal(str_of(w.text), low, high, &whole, &between) != rc)
            fail_msg("%s in %lld..%lld", w.text, (long long)low, (long long)high);
        if (rc != 0)
            continue;
        taken++;
        if (whole != want || between != want_between)
            fail_msg("%s: %lld %d", w.text, (long long)whole, between);
    }
    assert_true(taken > NUMBERS / 10);
}

static void decimals_at_the_edges(void **state)
{
    static const struct {
        const char *text;
        int rc;
        int64_t whole;
        bool between;
    } cases[] = {
        {"0", 0, 0, false},
        {"-0", 0, 0, false},
        {"-0.0", 0, 0, false},
        {"83334.0", 0, 83334, false},
        {"83334.5", 0, 83334, true},
        {"-83334.5", 0, -83335, true},
        {"8.33345e4", 0, 83334, true},
        {"8.3334e+4", 0, 83334, false},
        {"1E2", 0, 100, false},
        {"100e-2", 0, 1, false},
        {"9223372036854775807", 0, INT64_MAX, false},
        {"9223372036854775807.9", 0, INT64_MAX, true},
        {"9223372036854775808", -1, 0, false},
        {"9223372036854775809", -1, 0, false},
        {"-9223372036854775809", -1, 0, false},
        {"-9223372036854775808", 0, INT64_MIN, false},
        {"-9223372036854775808.1", -1, 0, false},
        {"-9223372036854775807.1", 0, INT64_MIN, true},
        {"0e99999999999999999999", 0, 0, false},
        {"1e-99999999999999999999", 0, 0, true},
        {"-1e-99999999999999999999", 0, -1, true},
        {"1e99999999999999999999", -1, 0, false},
        {"1e0000000000000000000001", 0, 10, false},
        {"", -1, 0, false},
        {"-", -1, 0, false},
        {"+1", -1, 0, false},
        {"01", -1, 0, false},
        {"-01", -1, 0, false},
        {"1.", -1, 0, false},
        {".5", -1, 0, false},
        {"1e", -1, 0, false},
        {"1e+", -1, 0, false},
        {"1e+-1", -1, 0, false},
        {"1e1.5", -1, 0, false},
        {" 1", -1, 0, false},
        {"1 ", -1, 0, false},
        {"NaN", -1, 0, false},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t whole = 7;
        bool between = true;
        int rc = num_decimal(str_of(cases[i].text), INT64_MIN, INT64_MAX, &whole, &between);

        if (rc != cases[i].rc || whole != (rc == 0 ? cases[i].whole : 7) ||
            between != (rc == 0 ? cases[i].between : true))
            fail_msg("%s: %d %lld %d", cases[i].text, rc, (long long)whole, between);
    }
}

static void a_decimal_has_a_longest_text(void **state)
{
    char text[4097];
    int64_t whole = 0;
    bool between = false;

    (void)state;
    memset(text, '0', sizeof text);
    memcpy(text, "5.", 2);
    text[4095] = '1';
    assert_int_equal(num_decimal((struct str){text, 4096}, 0, 9, &whole, &between), 0);
    assert_int_equal(whole, 5);
    assert_true(between);
    assert_int_equal(num_decimal((struct str){text, 4097}, 0, 9, &whole, &between), -1);
    assert_int_equal(num_decimal((struct str){NULL, 0}, 0, 9, &whole, &between), -1);
}

static void durations_and_sizes_have_units(void **state)
{
    static const struct {
        const char *text;
        int (*read)(struct str, int64_t *);
        int64_t want; /* -1: refused */
    } cases[] = {
        {"90", num_duration, INT64_C(90000000000)},
        {"0", num_duration, 0},
        {"500ms", num_duration, 500000000},
        {"5m", num_duration, INT64_C(300000000000)},
        {"1h", num_duration, INT64_C(3600000000000)},
        {"2d", num_duration, INT64_C(172800000000000)},
        {"9223372036s", num_duration, INT64_C(9223372036000000000)},
        {"9223372037s", num_duration, -1},
        {"106752d", num_duration, -1},
        {"-1s", num_duration, -1},
        {"", num_duration, -1},
        {"s", num_duration, -1},
        {"1 s", num_duration, -1},
        {"1S", num_duration, -1},
        {"1.5h", num_duration, -1},
        {"1h30m", num_duration, -1},
        {"65536", num_size, 65536},
        {"64K", num_size, 65536},
        {"16M", num_size, 16777216},
        {"2G", num_size, INT64_C(2147483648)},
        {"9007199254740991", num_size, NUM_SAFE_MAX},
        {"9007199254740992", num_size, -1},
        {"8796093022208K", num_size, -1},
        {"1k", num_size, -1},
        {"1KiB", num_size, -1},
        {"K", num_size, -1},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        int64_t v = -1;

        assert_int_equal(cases[i].read(str_of(cases[i].text), &v), cases[i].want < 0 ? -1 : 0);
        if (v != cases[i].want)
            fail_msg("%s: %lld", cases[i].text, (long long)v);
    }
}

static void sums_and_products_do_not_wrap(void **state)
{
    struct prop r = prop_begin("sums", 43);
    size_t i;

    (void)state;
    for (i = 0; i < NUMBERS; i++) {
        int64_t a = prop_i64(&r), b = prop_i64(&r), sum = -7, product = -7;
        __int128 s = (__int128)a + b, p = (__int128)a * b;
        bool fits = a >= 0 && b >= 0;

        assert_int_equal(num_add(a, b, &sum), fits && s <= INT64_MAX ? 0 : -1);
        assert_true(sum == (fits && s <= INT64_MAX ? s : -7));
        assert_int_equal(num_mul(a, b, &product), fits && p <= INT64_MAX ? 0 : -1);
        assert_true(product == (fits && p <= INT64_MAX ? p : -7));
        assert_true(num_plus(a, b) == (fits && s <= INT64_MAX ? s : INT64_MAX));
        assert_true(num_times(a, b) == (fits && p <= INT64_MAX ? p : INT64_MAX));
    }
}

static void errors_are_cut_not_overrun(void **state)
{
    struct {
        struct err e;
        char guard[16];
    } g;
    char longer[3 * ERR_POINTER_MAX], want[ERR_POINTER_MAX];

    (void)state;
    memset(&g, '#', sizeof g);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    assert_int_equal(err_at(&g.e, ERR_INVALID, longer, "%s", longer), -1);
    assert_int_equal(strlen(g.e.text), ERR_TEXT_MAX - 1);
    assert_string_equal(g.e.pointer, ""); /* the whole is all that can be named */
    assert_int_equal(err_wrap(&g.e, "job %d", 5), -1);
    (void)snprintf(want, sizeof want, "job 5: %.504s", longer);
    assert_string_equal(g.e.text, want);
    assert_int_equal(err_under(&g.e, "/%d%s", 17, longer), -1);
    assert_string_equal(g.e.pointer, "");
    assert_int_equal(err_wrap(&g.e, "%s", longer), -1);
    assert_int_equal(strlen(g.e.text), ERR_TEXT_MAX - 1);
    assert_null(strchr(g.e.text, ':'));
    assert_int_equal(g.e.code, ERR_INVALID);
    assert_memory_equal(g.guard, "################", sizeof g.guard);
}

/* Cut before a "/": it names what the member at fault is in, never another member. */
static void a_pointer_that_is_too_long_names_a_parent(void **state)
{
    enum { ROOM = ERR_POINTER_MAX - 1 };
    char name[ROOM + 1], want[ERR_POINTER_MAX];
    struct err e;

    (void)state;
    memset(name, 'n', ROOM);
    name[ROOM] = '\0';
    (void)snprintf(want, sizeof want, "/a/%.*s", ROOM - 3, name);
    (void)err_at(&e, ERR_INVALID, want, "x");
    assert_string_equal(e.pointer, want); /* it just fits */
    (void)err_under(&e, "/%d", 7);
    assert_string_equal(e.pointer, "/7/a");
    (void)err_at(&e, ERR_INVALID, want, "x");
    (void)err_under(&e, "b");
    assert_string_equal(e.pointer, "b/a"); /* one byte too long */
    (void)snprintf(want, sizeof want, "/a/%.*s", ROOM - 5, name);
    (void)err_at(&e, ERR_INVALID, "/c~1/0", "x");
    (void)err_under(&e, "%s", want);
    (void)snprintf(want, sizeof want, "/a/%.*s", ROOM - 5, name);
    assert_string_equal(e.pointer, want); /* "/c~1" would go over the end */
    (void)snprintf(want, sizeof want, "/a/%.*s", ROOM - 3, name);
    (void)err_at(&e, ERR_INVALID, "/0", "x");
    (void)err_under(&e, "%s", want);
    assert_string_equal(e.pointer, want); /* cut where the next one begins */
    (void)err_under(&e, "/%s%s", name, name);
    assert_string_equal(e.pointer, "");
}

static void errors_are_wrapped_in_context(void **state)
{
    struct err e;

    (void)state;
    (void)err_at(&e, ERR_INVALID, "/VCPU", "it is %d", -1);
    (void)err_under(&e, "/instances/%d", 0);
    (void)err_under(&e, "/data");
    (void)err_wrap(&e, "job %s", "a");
    (void)err_wrap(&e, "queue %s", "vm");
    assert_string_equal(e.text, "queue vm: job a: it is -1");
    assert_string_equal(e.pointer, "/data/instances/0/VCPU");
    (void)err_set(&e, ERR_NOT_FOUND, "gone");
    assert_string_equal(e.pointer, "");
    errno = EACCES;
    (void)err_errno(&e, ERR_UNAVAILABLE, "open %s", "x");
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_string_equal(e.text, "open x: Permission denied");
    errno = ENOSPC;
    (void)err_errno(&e, ERR_UNAVAILABLE, "write");
    assert_int_equal(e.code, ERR_STORAGE_FULL);
}

static void every_error_has_a_status_and_its_own_word(void **state)
{
    enum err_code a, b;

    (void)state;
    for (a = ERR_NONE; a < ERR_CODES; a++) {
        assert_in_range(err_status(a), a == ERR_NONE ? 200 : 400, 599);
        assert_non_null(err_word(a));
        for (b = ERR_NONE; b < a; b++)
            assert_string_not_equal(err_word(a), err_word(b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_compare_by_bytes),
        cmocka_unit_test(every_int64_comes_back),
        cmocka_unit_test(whole_numbers_are_nothing_else),
        cmocka_unit_test(decimals_agree_with_the_slow_reference),
        cmocka_unit_test(decimals_at_the_edges),
        cmocka_unit_test(a_decimal_has_a_longest_text),
        cmocka_unit_test(durations_and_sizes_have_units),
        cmocka_unit_test(sums_and_products_do_not_wrap),
        cmocka_unit_test(errors_are_cut_not_overrun),
        cmocka_unit_test(a_pointer_that_is_too_long_names_a_parent),
        cmocka_unit_test(errors_are_wrapped_in_context),
        cmocka_unit_test(every_error_has_a_status_and_its_own_word),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
