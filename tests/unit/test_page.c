/* SPDX-License-Identifier: MIT */
/* Cursors: every place comes back, and what was not given out is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "page.h"
#include "prop.h"

#define LIST STR_LIT("vm of somebody")

enum { PLACES = 20000, CHANGED_PLACES = 100, JUNK = 200000 };

static struct page_place random_place(struct prop *r)
{
    return (struct page_place){prop_i64(r), prop_i64(r)};
}

static bool decodes(struct str cursor, struct page_place *place)
{
    struct err e = {0};

    if (page_decode(cursor, LIST, place, &e) == 0)
        return true;
    assert_int_equal(e.code, ERR_INVALID_CURSOR);
    return false;
}

static void every_place_comes_back(void **state)
{
    struct prop r = prop_begin("places", 31);
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);
    size_t i;

    (void)state;
    for (i = 0; i < PLACES; i++) {
        struct page_place in = random_place(&r), out = {0};

        buf_reset(&b);
        page_encode(in, LIST, &b);
        assert_false(b.failed);
        assert_int_equal(strspn(b.data, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
                                        "0123456789-_"),
                         b.len);
        assert_true(decodes(buf_span(&b), &out));
        assert_int_equal(out.priority, in.priority);
        assert_int_equal(out.id, in.id);
    }
    buf_free(&b);
}

/* Clients keep cursors while the server is upgraded. */
static void the_spelling_stays(void **state)
{
    static const struct {
        struct page_place place;
        const char *cursor;
    } cases[] = {
        {{0, 0}, "AQAAAAAAAAAAAAAAAAAAAAD5_NNI"},
        {{83334, 17}, "AQAAAAAAAUWGAAAAAAAAABGJT0Y2"},
        {{-1, INT64_MAX}, "Af__________f__________Wy2yt"},
    };
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        buf_reset(&b);
        page_encode(cases[i].place, LIST, &b);
        assert_string_equal(b.data, cases[i].cursor);
    }
    buf_free(&b);
}

/* Every byte in the place of every character. */
static void every_changed_character_is_caught(void **state)
{
    struct prop r = prop_begin("changes", 32);
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);
    struct page_place place;
    size_t i, at;
    int c;

    (void)state;
    for (i = 0; i < CHANGED_PLACES; i++) {
        buf_reset(&b);
        page_encode(random_place(&r), LIST, &b);
        for (at = 0; at < b.len; at++) {
            char old = b.data[at];

            for (c = 0; c < 256; c++) {
                b.data[at] = (char)c;
                assert_int_equal(decodes(buf_span(&b), &place), (char)c == old);
            }
            b.data[at] = old;
        }
    }
    buf_free(&b);
}

static void every_other_length_is_refused(void **state)
{
    struct prop r = prop_begin("lengths", 33);
    struct buf b = BUF_INIT(1000);
    struct page_place place = {7, 8};
    size_t whole, n;

    (void)state;
    page_encode(random_place(&r), LIST, &b);
    whole = b.len;
    page_encode(random_place(&r), LIST, &b);
    buf_str(&b, "====");
    for (n = 0; n <= b.len; n++) {
        /* A copy of exactly its size: a sanitizer sees a read beyond the end. */
        char *exact = malloc(n ? n : 1);

        assert_non_null(exact);
        memcpy(exact, b.data, n);
        assert_int_equal(decodes((struct str){exact, n}, &place), n == whole);
        free(exact);
    }
    assert_false(decodes((struct str){NULL, 0}, &place));
    buf_free(&b);
}

static void neighbours_that_change_places_are_caught(void **state)
{
    struct prop r = prop_begin("swaps", 34);
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);
    struct page_place place;
    size_t i, at;

    (void)state;
    for (i = 0; i < 1000; i++) {
        buf_reset(&b);
        page_encode(random_place(&r), LIST, &b);
        for (at = 1; at < b.len; at++) {
            char a = b.data[at - 1], c = b.data[at];

            b.data[at - 1] = c;
            b.data[at] = a;
            assert_int_equal(decodes(buf_span(&b), &place), a == c);
            b.data[at - 1] = a;
            b.data[at] = c;
        }
    }
    buf_free(&b);
}

/* The check sum is right, but what it says is for a later version to know. */
static void another_version_is_refused(void **state)
{
    struct page_place place;

    (void)state;
    assert_false(decodes(STR_LIT("AwAAAAAAAUWGAAAAAAAAABGUgJeU"), &place));
}

/* One of another list is as good as none. */
static void another_lists_cursor_is_refused(void **state)
{
    static const char *const others[] = {"", "vm of somebod", "vm of somebody ", "vm of somebodx",
                                         "um of somebody"};
    struct prop r = prop_begin("lists", 36);
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);
    struct page_place place = {7, 8};
    struct err e;
    size_t i, n;

    (void)state;
    for (n = 0; n < CHANGED_PLACES; n++) {
        buf_reset(&b);
        page_encode(random_place(&r), LIST, &b);
        for (i = 0; i < ARRAY_LEN(others); i++) {
            assert_int_equal(page_decode(buf_span(&b), str_of(others[i]), &place, &e), -1);
            assert_int_equal(e.code, ERR_INVALID_CURSOR);
        }
    }
    assert_int_equal(place.priority, 7);
    buf_free(&b);
}

/* Text of the right characters and length is refused too, and leaves the place alone. */
static void junk_is_refused(void **state)
{
    static const char alphabet[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    struct prop r = prop_begin("junk", 35);
    struct page_place place = {7, 8};
    char text[28] = "AQ";
    size_t i, j;

    (void)state;
    for (i = 0; i < JUNK; i++) {
        for (j = prop_one_in(&r, 2) ? 0 : 2; j < sizeof text; j++)
            text[j] = alphabet[prop_below(&r, sizeof alphabet - 1)];
        assert_false(decodes((struct str){text, sizeof text}, &place));
    }
    assert_int_equal(place.priority, 7);
    assert_int_equal(place.id, 8);
}

/* A cursor of a job's history is good for that kind and that job alone. */
static void the_rows_of_a_job_have_cursors_of_their_own(void **state)
{
    static const enum page_kind kinds[] = {PAGE_EVENTS, PAGE_DELIVERIES};
    struct prop r = prop_begin("rows", 36);
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);
    struct page_place place;
    struct err e;
    size_t i, k;

    (void)state;
    for (i = 0; i < PLACES; i++) {
        enum page_kind kind = kinds[i % 2], other = kinds[(i + 1) % 2];
        int64_t id = prop_i64(&r), n = prop_i64(&r), got = ~n;

        buf_reset(&b);
        page_encode_row(kind, id, n, &b);
        for (k = 0; k < 3; k++) {
            int rc = k == 0   ? page_decode_row(other, buf_span(&b), id, &got, &e)
                     : k == 1 ? page_decode_row(kind, buf_span(&b), id ^ 1, &got, &e)
                              : page_decode(buf_span(&b), (struct str){0}, &place, &e);

            assert_int_equal(rc, -1);
            assert_int_equal(e.code, ERR_INVALID_CURSOR);
        }
        assert_int_equal(page_decode_row(kind, buf_span(&b), id, &got, &e), 0);
        assert_int_equal(got, n);
        buf_reset(&b);
        page_encode((struct page_place){id, n}, (struct str){0}, &b);
        assert_int_equal(page_decode_row(kind, buf_span(&b), id, &got, &e), -1);
    }
    buf_free(&b);
}

static void the_spelling_of_rows_stays(void **state)
{
    struct buf b = BUF_INIT(PAGE_CURSOR_MAX);

    (void)state;
    page_encode_row(PAGE_EVENTS, 7, 12, &b);
    assert_string_equal(b.data, "AgAAAAAAAAAHAAAAAAAAAAxwBECY");
    buf_reset(&b);
    page_encode_row(PAGE_DELIVERIES, 7, 12, &b);
    assert_string_equal(b.data, "AwAAAAAAAAAHAAAAAAAAAAz3oovb");
    buf_free(&b);
}

static void a_limit_is_a_whole_number_of_a_range(void **state)
{
    static const char *const wrong[] = {"",    "0",   "-1", "10001",
                                        "1.0", "1e3", " 1", "99999999999999999999"};
    struct err e;
    int64_t limit;
    size_t i;

    (void)state;
    assert_int_equal(page_limit(STR_LIT("1"), &limit, &e), 0);
    assert_int_equal(limit, 1);
    assert_int_equal(page_limit(STR_LIT("10000"), &limit, &e), 0);
    assert_int_equal(limit, PAGE_LIMIT_MAX);
    for (i = 0; i < ARRAY_LEN(wrong); i++) {
        assert_int_equal(page_limit(str_of(wrong[i]), &limit, &e), -1);
        assert_int_equal(e.code, ERR_BAD_REQUEST);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_place_comes_back),
        cmocka_unit_test(the_spelling_stays),
        cmocka_unit_test(every_changed_character_is_caught),
        cmocka_unit_test(every_other_length_is_refused),
        cmocka_unit_test(neighbours_that_change_places_are_caught),
        cmocka_unit_test(another_version_is_refused),
        cmocka_unit_test(another_lists_cursor_is_refused),
        cmocka_unit_test(junk_is_refused),
        cmocka_unit_test(the_rows_of_a_job_have_cursors_of_their_own),
        cmocka_unit_test(the_spelling_of_rows_stays),
        cmocka_unit_test(a_limit_is_a_whole_number_of_a_range),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
