/* SPDX-License-Identifier: MIT */
/* The buffer: it holds what fits, and says why when something did not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>
#include <wchar.h>

#include <cmocka.h>

#include "buf.h"
#include "prop.h"

enum { BUFFERS = 2000 };

/* Appends of every kind against a plain array; what does not fit changes nothing but `failed`. */
static void a_buffer_holds_what_fits(void **state)
{
    struct prop r = prop_begin("buffers", 44);
    char plain[1200], piece[400];
    size_t i, j, n, len;

    (void)state;
    for (i = 0; i < BUFFERS; i++) {
        struct buf b = BUF_INIT(prop_below(&r, 1000));
        bool failed = false;

        for (j = 0, len = 0; j < 12; j++) {
            n = prop_below(&r, prop_one_in(&r, 3) ? sizeof piece - 1 : 20);
            memset(piece, 'a' + (int)j, n);
            piece[n] = '\0';
            if (prop_one_in(&r, 2))
                buf_add(&b, piece, n);
            else
                buf_printf(&b, "%s", piece);
            if (len + n <= b.max) {
                memcpy(plain + len, piece, n);
                len += n;
            } else {
                failed = true;
            }
            assert_int_equal(b.failed, failed);
            assert_int_equal(b.len, len);
            assert_true(str_eq(buf_span(&b), (struct str){plain, len}));
            assert_true(!b.data || b.data[len] == '\0');
        }
        buf_free(&b);
        assert_int_equal(b.len + b.cap + b.failed, 0);
    }
}

/* The sanitizers end a program that asks for too much unless they are told that it means it. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
    return "allocator_may_return_null=1";
}

const char *__tsan_default_options(void);
const char *__tsan_default_options(void)
{
    return "allocator_may_return_null=1";
}

static void a_buffer_says_why_it_failed(void **state)
{
    struct buf b = BUF_INIT(1000);
    struct err e = {0};

    (void)state;
    buf_str(&b, "some");
    assert_int_equal(buf_check(&b, "the answer", &e), 0);
    assert_int_equal(e.code, ERR_NONE);
    assert_null(buf_room(&b, 997)); /* far from full, and yet too much */
    assert_int_equal(buf_check(&b, "the answer", &e), -1);
    assert_int_equal(e.code, ERR_TOO_LARGE);
    assert_string_equal(e.text, "the answer is larger than 1000 bytes");
    assert_null(buf_take(&b));
    buf_free(&b);

    b = BUF_INIT(SIZE_MAX / 2);
    assert_null(buf_room(&b, SIZE_MAX / 2 - 100));
    assert_int_equal(buf_check(&b, "the answer", &e), -1);
    assert_int_equal(e.code, ERR_INTERNAL);
    assert_string_equal(e.text, "no memory for the answer");
    buf_reset(&b);
    assert_int_equal(buf_check(&b, "the answer", &e), 0);
    buf_free(&b);
}

static void a_buffer_is_taken_and_used_again(void **state)
{
    struct buf b = BUF_INIT(10);
    char *text;

    (void)state;
    assert_true(str_is(buf_span(&b), ""));
    text = buf_take(&b);
    assert_string_equal(text, "");
    free(text);
    buf_str(&b, "0123456789");
    buf_char(&b, 'x');
    assert_true(b.failed);
    buf_reset(&b);
    assert_true(str_is(buf_span(&b), ""));
    buf_i64(&b, INT64_C(-123456789));
    text = buf_take(&b);
    assert_string_equal(text, "-123456789");
    free(text);
    assert_null(b.data);
    assert_int_equal(b.max, 10);
}

/* What printf cannot write is not left out in silence. */
static void a_buffer_in_an_array_stays_there(void **state)
{
    struct {
        char room[8], behind;
    } a = {"", 'b'};
    struct buf b = BUF_IN(a.room);

    (void)state;
    buf_str(&b, "0123");
    buf_printf(&b, "%d", 4567); /* one too many: all or nothing */
    assert_true(b.failed && !b.no_memory && str_is(buf_span(&b), "0123"));
    buf_reset(&b);
    buf_printf(&b, "%s", "0123456");
    assert_false(b.failed);
    assert_ptr_equal(b.data, a.room);
    assert_string_equal(a.room, "0123456");
    buf_char(&b, 'x');
    assert_true(b.failed && b.data == a.room && a.behind == 'b');
}

static void what_cannot_be_written_fails(void **state)
{
    struct buf b = BUF_INIT(10);

    (void)state;
    buf_str(&b, "a");
    buf_printf(&b, "%lc", (wint_t)0x20AC); /* no character of the locale "C" */
    assert_true(b.failed);
    assert_string_equal(b.data, "a");
    buf_free(&b);
}

static void a_buffer_fails_with_its_parts(void **state)
{
    struct buf whole = BUF_INIT(10), good = BUF_INIT(10), cut = BUF_INIT(1);
    struct buf lost = {.failed = true, .no_memory = true};

    (void)state;
    buf_str(&cut, "ab");
    buf_follow(&whole, &good);
    assert_false(whole.failed || whole.no_memory);
    buf_follow(&whole, &cut);
    assert_true(whole.failed && !whole.no_memory);
    buf_follow(&whole, &lost);
    assert_true(whole.failed && whole.no_memory);
    buf_follow(&whole, &good);
    assert_true(whole.failed && whole.no_memory);
    buf_free(&cut);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_buffer_holds_what_fits),
        cmocka_unit_test(a_buffer_says_why_it_failed),
        cmocka_unit_test(a_buffer_is_taken_and_used_again),
        cmocka_unit_test(a_buffer_in_an_array_stays_there),
        cmocka_unit_test(what_cannot_be_written_fails),
        cmocka_unit_test(a_buffer_fails_with_its_parts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
