/* SPDX-License-Identifier: MIT */
/* Strict JSON in: what is taken and what is refused,
 * against a set and against a slow reference. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json/gen.h"
#include "json/must.h"
#include "json/set.h"
#include "json/slow.h"
#include "json_in.h"

enum { DOCUMENTS = 3000, MUTATIONS = 12, SMALL_TEXTS = 150000, TEXT_MAX = 4 << 20 };

static void assert_same(const struct buf *a, const struct buf *b, struct str text)
{
    size_t i = 0;

    if (str_eq(buf_span(a), buf_span(b)))
        return;
    while (i < a->len && i < b->len && a->data[i] == b->data[i])
        i++;
    fail_msg("they differ from byte %zu: %s ... and %s ... of %.*s", i, a->data + i, b->data + i,
             (int)text.n, text.p);
}

/* Reader and reference agree: both refuse the text, or both see the same document. True when it is
 * taken. */
static bool agree(struct str text)
{
    /* A copy of exactly its size: a sanitizer sees a read beyond the end. */
    char *exact = malloc(text.n ? text.n : 1);
    struct buf fast = BUF_INIT(TEXT_MAX), slow = BUF_INIT(TEXT_MAX), again = BUF_INIT(TEXT_MAX);
    struct json_doc *doc = NULL;
    struct err e = {0};
    void *arena;
    const struct slow_value *v;
    int rc;

    assert_non_null(exact);
    memcpy(exact, text.p, text.n);
    rc = json_in_parse((struct str){exact, text.n}, &doc, &e);
    free(exact);
    v = slow_parse(text, &arena);
    if ((rc == 0) != (v != NULL))
        fail_msg("reader: %s, reference: %s: %.*s", rc == 0 ? "taken" : e.text,
                 v ? "taken" : "refused", (int)text.n, text.p);
    if (v) {
        json_write_sorted(json_in_root(doc), &fast);
        slow_write(&slow, v);
        assert_same(&fast, &slow, text);
        json_in_free(doc);
        doc = must_parse(buf_span(&fast));
        json_write_sorted(json_in_root(doc), &again);
        assert_same(&again, &fast, text);
    }
    json_in_free(doc);
    free(arena);
    buf_free(&fast);
    buf_free(&slow);
    buf_free(&again);
    return rc == 0;
}

static void check_case(void *ctx, const char *name, bool taken, struct str text)
{
    (void)ctx;
    if (agree(text) != taken)
        fail_msg("%s: %s", name, taken ? "refused" : "taken");
    if (taken)
        json_in_free(must_parse(text));
    else
        must_refuse(text, NULL);
}

static void takes_and_refuses_what_it_must(void **state)
{
    (void)state;
    json_set(check_case, NULL);
}

/* Every byte alone, after a backslash, and every two bytes in a string and between values. */
static void agrees_on_every_short_text(void **state)
{
    char text[] = "[\"..\",..]";
    int a, b;

    (void)state;
    for (a = 0; a < 256; a++) {
        text[0] = (char)a;
        (void)agree((struct str){text, 1});
        for (b = 0; b < 256; b++) {
            char string[] = {'"', (char)a, (char)b, '"'}, list[] = {'[', (char)a, (char)b, ']'};

            (void)agree((struct str){string, sizeof string});
            if (a < 128 && b < 128)
                (void)agree((struct str){list, sizeof list});
        }
    }
}

static void agrees_on_random_small_texts(void **state)
{
    static const char *const pieces[] = {"{",  "}",     "[",    "]", ",",     ":",    "\"",
                                         "\\", "\"a\"", "0",    "-", ".",     "e",    "+",
                                         "1",  "null",  "true", " ", "\\u00", "\\ud8"};
    struct prop r = prop_begin("small texts", 11);
    char text[128];
    size_t i, n, taken = 0;

    (void)state;
    for (i = 0; i < SMALL_TEXTS; i++) {
        for (n = 0; n < 60 && !prop_one_in(&r, 7);) {
            const char *piece = pieces[prop_below(&r, ARRAY_LEN(pieces))];

            memcpy(text + n, piece, strlen(piece));
            n += strlen(piece);
        }
        taken += agree((struct str){text, n});
    }
    assert_true(taken > 100);
}

static void mutate(struct prop *r, struct buf *b)
{
    size_t at = prop_below(r, b->len), other = prop_below(r, b->len);

    switch (prop_below(r, 5)) {
    case 0:
        b->data[at] = (char)prop_bits(r);
        break;
    case 1:
        b->data[at] ^= (char)(1 << prop_below(r, 8));
        break;
    case 2:
        b->data[at] = b->data[other];
        break;
    case 3:
        memmove(b->data + at, b->data + at + 1, b->len - at);
        b->len--;
        break;
    default:
        b->len = at;
        b->data[at] = '\0';
        break;
    }
}

static void agrees_on_random_documents_and_their_mutations(void **state)
{
    struct prop r = prop_begin("documents", 12);
    struct buf text = BUF_INIT(TEXT_MAX);
    size_t i, j, taken = 0;

    (void)state;
    for (i = 0; i < DOCUMENTS; i++) {
        buf_reset(&text);
        gen_value(&r, &text, 0);
        assert_false(text.failed);
        taken += agree(buf_span(&text));
        for (j = 0; j < MUTATIONS && text.len > 0; j++) {
            mutate(&r, &text);
            (void)agree(buf_span(&text));
        }
    }
    assert_true(taken > DOCUMENTS * 9 / 10);
    buf_free(&text);
}

static void says_what_is_wrong_and_where(void **state)
{
    static const struct {
        const char *text, *sentence;
    } cases[] = {
        {"", "there is no JSON: the text is empty"},
        {" \n", "there is no JSON: the text is empty"},
        {"{\"a\": 1, \"b\":2, \"a\": 3}", "duplicate member \"a\" at byte 17"},
        {"{\"a\":1,\"\\u0061\":3}", "duplicate member \"a\" at byte 8"},
        {"{\"a\":1", "a comma or } is expected, but the text ends after 6 bytes"},
        {"[1 2]", "a comma or ] is expected at byte 4"},
        {"[1,]", "a value is expected at byte 4"},
        {"[NaN]", "a value is expected at byte 2"},
        {"{'a':1}", "a member's name in quotes is expected at byte 2"},
        {"{\"a\" 1}", "a colon is expected at byte 6"},
        {"{} {}", "more text after the value at byte 4"},
        {"[01]", "a digit after a leading zero at byte 3"},
        {"[1.]", "a digit is expected at byte 4"},
        {"-", "a digit is expected, but the text ends after 1 bytes"},
        {"\"a", "a closing quote is expected, but the text ends after 2 bytes"},
        {"\"a\nb\"", "a control character in a string at byte 3"},
        {"\"\\x\"", "an escape that JSON does not have at byte 2"},
        {"\"\\u12\"", "\\u without four hexadecimal digits at byte 2"},
        {"\"\\u0000\"", "U+0000, which is not taken, at byte 2"},
        {"\"\\udc00\"", "a lone low surrogate at byte 2"},
        {"\"ab\\ud800\"", "a lone high surrogate at byte 4"},
        {"\"\xC3(\"", "not valid UTF-8 at byte 2"},
        {"[[[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]]]", "nested deeper than 16 levels at byte 17"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        must_refuse(str_of(cases[i].text), cases[i].sentence);
}

static void refuses_a_depth_bomb(void **state)
{
    char text[20000];

    (void)state;
    memset(text, '[', sizeof text);
    must_refuse((struct str){text, sizeof text}, "nested deeper than 16 levels at byte 17");
}

/* What is taken alone is taken as one of many, and the other way round. */
static void an_array_round_many_is_no_level_of_theirs(void **state)
{
    static const struct {
        const char *before;
        size_t levels;
        const char *after, *sentence; /* NULL: it is taken */
    } cases[] = {
        {"", 17, "", NULL},
        {" [0,", 16, "]", NULL},
        {"\t\n[", 17, "]", "nested deeper than 17 levels at byte 20"},
        {"{\"a\":", 15, "}", NULL},
        {"{\"a\":", 16, "}", "nested deeper than 16 levels at byte 21"},
        {"[{\"a\":", 15, "}]", NULL},
        {"[{\"a\":", 16, "}]", "nested deeper than 17 levels at byte 22"},
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf b = BUF_INIT(128);
        struct json_doc *doc = NULL;
        struct err e = {0};
        int rc;

        buf_printf(&b, "%s%.*s%.*s%s", cases[i].before, (int)cases[i].levels, "[[[[[[[[[[[[[[[[[",
                   (int)cases[i].levels, "]]]]]]]]]]]]]]]]]", cases[i].after);
        rc = json_in_parse_many(buf_span(&b), &doc, &e);
        assert_int_equal(rc, cases[i].sentence ? -1 : 0);
        if (cases[i].sentence)
            assert_string_equal(e.text, cases[i].sentence);
        json_in_free(doc);
        buf_free(&b);
    }
}

static void refuses_a_text_beyond_its_limit(void **state)
{
    struct json_doc *doc = NULL;
    struct err e = {0};

    (void)state;
    assert_int_equal(json_in_parse((struct str){"1", JSON_TEXT_MAX + 1}, &doc, &e), -1);
    assert_int_equal(e.code, ERR_TOO_LARGE);
    assert_null(doc);
}

/* A hundred thousand members: read in no time; one that comes twice is found wherever it stands. */
static void finds_a_double_among_many_members(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct json_doc *doc;
    size_t i;

    (void)state;
    buf_char(&text, '{');
    for (i = 0; i < 100000; i++)
        buf_printf(&text, "\"m%zu\":%zu,", i * 7919 % 100000, i);
    buf_str(&text, "\"last\":null}");
    doc = must_parse(buf_span(&text));
    assert_true(json_member(json_in_root(doc), "m99999", NULL));
    json_in_free(doc);

    text.len -= strlen("\"last\":null}");
    i = text.len + 1;
    buf_str(&text, "\"\\u006d50000\":1,\"m1\":2}");
    {
        char sentence[64];

        (void)snprintf(sentence, sizeof sentence, "duplicate member \"m50000\" at byte %zu", i);
        must_refuse(buf_span(&text), sentence);
    }
    buf_free(&text);
}

static void cuts_a_long_name_in_the_sentence(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX), want = BUF_INIT(1000);
    size_t i, k;

    (void)state;
    buf_char(&text, '{');
    for (k = 0; k < 2; k++) {
        buf_str(&text, k ? ",\"a" : "\"a");
        for (i = 0; i < 100; i++)
            buf_str(&text, "\xC3\xA9");
        buf_str(&text, "\":1");
    }
    buf_char(&text, '}');
    buf_str(&want, "duplicate member \"a");
    for (i = 0; i < 31; i++) /* 1 + 62 bytes: one more would be half a character */
        buf_str(&want, "\xC3\xA9");
    buf_str(&want, "\" at byte 208");
    must_refuse(buf_span(&text), want.data);
    buf_free(&text);
    buf_free(&want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_and_refuses_what_it_must),
        cmocka_unit_test(agrees_on_every_short_text),
        cmocka_unit_test(agrees_on_random_small_texts),
        cmocka_unit_test(agrees_on_random_documents_and_their_mutations),
        cmocka_unit_test(says_what_is_wrong_and_where),
        cmocka_unit_test(refuses_a_depth_bomb),
        cmocka_unit_test(an_array_round_many_is_no_level_of_theirs),
        cmocka_unit_test(refuses_a_text_beyond_its_limit),
        cmocka_unit_test(finds_a_double_among_many_members),
        cmocka_unit_test(cuts_a_long_name_in_the_sentence),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
