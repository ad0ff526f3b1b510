/* SPDX-License-Identifier: MIT */
/* JSON out: every sequence of bytes becomes valid JSON, valid UTF-8 comes back as it was, and
 * commas stand where they must. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json/slow.h"
#include "json_in.h"
#include "json_out.h"
#include "prop.h"
#include "utf8.h"

enum { STRINGS = 60000, TEXT_MAX = 1 << 20 };

/* What json_escape must write: byte by byte, a broken byte as U+FFFD. */
static void slow_escape_any(struct buf *b, struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;
    struct buf valid = BUF_INIT(TEXT_MAX);

    while (p < end) {
        int n = slow_utf8(p, end);

        if (n == 0)
            buf_str(&valid, "\xEF\xBF\xBD");
        else
            buf_add(&valid, p, (size_t)n);
        p += n ? n : 1;
    }
    slow_quote(b, buf_span(&valid));
    buf_free(&valid);
}

static bool is_utf8(struct str text)
{
    const unsigned char *p = (const unsigned char *)text.p, *end = p + text.n;
    int n = 1;

    for (; p < end && n > 0; p += n)
        n = slow_utf8(p, end);
    return n > 0;
}

/* As the reference writes it; it is JSON; and what was UTF-8 comes back. */
static void check_escape(struct str text)
{
    char *exact = malloc(text.n ? text.n : 1);
    struct buf fast = BUF_INIT(TEXT_MAX), slow = BUF_INIT(TEXT_MAX);
    struct json_doc *doc = NULL;
    struct err e = {0};

    assert_non_null(exact);
    memcpy(exact, text.p, text.n);
    json_escape(&fast, (struct str){exact, text.n});
    free(exact);
    slow_escape_any(&slow, text);
    assert_true(str_eq(buf_span(&fast), buf_span(&slow)));
    assert_int_equal(strlen(fast.data), fast.len);
    if (!memchr(text.p, 0, text.n)) { /* our reader takes no U+0000 */
        assert_int_equal(json_in_parse(buf_span(&fast), &doc, &e), 0);
        assert_int_equal(str_eq(json_string(json_in_root(doc)), text), is_utf8(text));
        json_in_free(doc);
    }
    buf_free(&fast);
    buf_free(&slow);
}

static void escapes_every_two_bytes(void **state)
{
    int a, b;

    (void)state;
    check_escape(STR_LIT(""));
    for (a = 0; a < 256; a++) {
        for (b = 0; b < 256; b++) {
            char text[] = {(char)a, (char)b};

            check_escape((struct str){text, 2});
        }
    }
}

/* Bytes from a few classes, so that whole, cut and broken characters meet everything else. */
static void escapes_random_bytes(void **state)
{
    static const struct {
        unsigned char low, high;
    } classes[] = {
        {0x00, 0x1F}, {0x20, 0x7F}, {0x20, 0x7F}, {0x22, 0x22}, {0x5C, 0x5C}, {0x80, 0xBF},
        {0x80, 0xBF}, {0xC0, 0xDF}, {0xE0, 0xEF}, {0xED, 0xED}, {0xF0, 0xF4}, {0x00, 0xFF},
    };
    struct prop r = prop_begin("escape", 21);
    char text[300];
    size_t i, j, n;

    (void)state;
    for (i = 0; i < STRINGS; i++) {
        n = prop_one_in(&r, 20) ? prop_below(&r, sizeof text) : prop_below(&r, 12);
        for (j = 0; j < n; j++) {
            size_t c = prop_below(&r, ARRAY_LEN(classes));

            text[j] = (char)prop_between(&r, classes[c].low, classes[c].high);
        }
        check_escape((struct str){text, n});
    }
}

static void escapes_every_character(void **state)
{
    struct buf text = BUF_INIT(8 << 20), out = BUF_INIT(8 << 20);
    uint32_t c;
    char room[UTF8_CHAR_MAX];
    unsigned char slow[4];

    (void)state;
    for (c = 0x80; c < 0x110000; c++) {
        if (c >= 0xD800 && c <= 0xDFFF)
            continue;
        assert_int_equal(utf8_encode(c, room), slow_encode(c, slow));
        buf_add(&text, slow, utf8_encode(c, room));
        assert_memory_equal(room, slow, utf8_encode(c, room));
        assert_int_equal(utf8_length(room, room + utf8_encode(c, room)), utf8_encode(c, room));
    }
    assert_int_equal(utf8_length(room, room), 0);
    json_escape(&out, buf_span(&text));
    assert_false(out.failed);
    assert_int_equal(out.len, text.len + 2);
    assert_memory_equal(out.data + 1, text.data, text.len);
    buf_free(&text);
    buf_free(&out);
}

static void escapes_as_little_as_it_may(void **state)
{
    static const struct {
        struct str text;
        const char *json;
    } cases[] = {
        {{NULL, 0}, "\"\""},
        {{"", 0}, "\"\""},
        {{"a\"b\\c/d", 7}, "\"a\\\"b\\\\c/d\""},
        {{"\b\t\n\f\r", 5}, "\"\\b\\t\\n\\f\\r\""},
        {{"\0\x01\x0B\x1F\x7F", 5}, "\"\\u0000\\u0001\\u000b\\u001f\x7F\""},
        {{"\xC3\xA9\xE2\x80\xA8", 5}, "\"\xC3\xA9\xE2\x80\xA8\""},
        {{"\xFF", 1}, "\"\xEF\xBF\xBD\""},
        {{"a\xE2\x82", 3}, "\"a\xEF\xBF\xBD\xEF\xBF\xBD\""},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT(100);

        json_escape(&b, cases[i].text);
        assert_string_equal(b.data, cases[i].json);
        buf_free(&b);
    }
}

static void writes_commas_where_they_are_due(void **state)
{
    struct buf b = BUF_INIT(1000);
    struct json_out o = JSON_OUT(&b);

    (void)state;
    json_open(&o, '{');
    json_key(&o, "a");
    json_open(&o, '[');
    json_put_i64(&o, INT64_MIN);
    json_put_bool(&o, true);
    json_put_bool(&o, false);
    json_put_null(&o);
    json_open(&o, '[');
    json_close(&o, ']');
    json_open(&o, '{');
    json_close(&o, '}');
    json_put_str(&o, STR_LIT("x\n"));
    json_put_str(&o, (struct str){NULL, 0});
    json_put_raw(&o, STR_LIT("1.50"));
    json_put_raw(&o, (struct str){NULL, 0});
    json_close(&o, ']');
    json_key_str(&o, STR_LIT("q\"\xFF"));
    json_put_str(&o, STR_LIT(""));
    json_key(&o, "");
    json_open(&o, '{');
    json_key(&o, "ok");
    json_put_bool(&o, true);
    json_close(&o, '}');
    json_close(&o, '}');
    assert_string_equal(
        b.data, "{\"a\":[-9223372036854775808,true,false,null,[],{},\"x\\n\",null,1.50,null],"
                "\"q\\\"\xEF\xBF\xBD\":\"\",\"\":{\"ok\":true}}");
    buf_free(&b);
}

static void writes_a_short_list(void **state)
{
    struct buf b = BUF_INIT(100);
    struct json_out o = JSON_OUT(&b);

    (void)state;
    json_open(&o, '[');
    json_put_i64(&o, 1);
    json_put_null(&o);
    json_close(&o, ']');
    assert_string_equal(b.data, "[1,null]");
    buf_free(&b);
}

static void a_full_buffer_shows_and_stays_as_it_was(void **state)
{
    size_t max;

    (void)state;
    for (max = 0; max < 12; max++) {
        struct buf b = BUF_INIT(max);
        struct json_out o = JSON_OUT(&b);

        json_put_str(&o, STR_LIT("a\x01")); /* 9 bytes */
        assert_int_equal(b.failed, max < 9);
        assert_int_equal(b.len, max < 9 ? 0 : 9);
        json_open(&o, '{');
        json_key(&o, "longer than this buffer");
        assert_true(b.failed);
        assert_true(b.len <= max);
        buf_free(&b);
    }
}

static void cuts_between_characters(void **state)
{
    static const size_t want[] = {0, 1, 1, 3, 3, 3, 6, 6, 6, 6, 10, 10};
    const struct str text = STR_LIT("a\xC3\xA9\xE2\x82\xAC\xF0\x9F\x98\x80");
    size_t max;

    (void)state;
    for (max = 0; max < ARRAY_LEN(want); max++) {
        assert_int_equal(utf8_cut(text, max).n, want[max]);
        assert_ptr_equal(utf8_cut(text, max).p, text.p);
    }
}

static void writes_pairs_and_what_was_made_before(void **state)
{
    struct buf b = BUF_INIT(100), text = BUF_INIT(1);
    struct json_out o = JSON_OUT(&b);

    (void)state;
    buf_str(&text, "x");
    json_open(&o, '{');
    json_pair_str(&o, "a", STR_LIT("\""));
    json_pair_i64(&o, "b", -7);
    json_pair_null(&o, "c");
    json_key(&o, "d");
    json_put_buf(&o, &text);
    json_close(&o, '}');
    assert_false(b.failed);
    assert_string_equal(b.data, "{\"a\":\"\\\"\",\"b\":-7,\"c\":null,\"d\":\"x\"}");
    buf_str(&text, "too much");
    json_put_buf(&o, &text);
    assert_true(b.failed); /* what is cut is not passed on in silence */
    buf_free(&text);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_every_two_bytes),
        cmocka_unit_test(escapes_random_bytes),
        cmocka_unit_test(escapes_every_character),
        cmocka_unit_test(escapes_as_little_as_it_may),
        cmocka_unit_test(writes_commas_where_they_are_due),
        cmocka_unit_test(writes_a_short_list),
        cmocka_unit_test(a_full_buffer_shows_and_stays_as_it_was),
        cmocka_unit_test(cuts_between_characters),
        cmocka_unit_test(writes_pairs_and_what_was_made_before),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
