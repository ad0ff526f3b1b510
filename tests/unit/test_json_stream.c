/* SPDX-License-Identifier: MIT */
/* The JSON reader that is fed: whatever the pieces and whatever is skipped, it takes and refuses
 * what the reader of whole texts does, and hears of the same values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "json/gen.h"
#include "json/must.h"
#include "json/set.h"
#include "json_out.h"
#include "json_stream.h"
#include "torture.h"

enum { DOCUMENTS = 2000, MUTATIONS = 8, CUTS = 3, TEXT_MAX = 4 << 20 };

/* Writes what it hears as JSON. */
struct writer {
    struct buf out;
    struct json_out json; /* into out */
    char open[JSON_STREAM_DEPTH_MAX];
    size_t depth, heard;
    struct prop *skips; /* some things are skipped, at random; NULL: nothing */
};

static bool skips(struct writer *w)
{
    w->heard++;
    return w->skips && prop_one_in(w->skips, 3);
}

static int on_name(void *ctx, struct str name, struct err *e)
{
    struct writer *w = ctx;

    (void)e;
    if (skips(w))
        return JSON_STREAM_SKIP;
    json_key_str(&w->json, name);
    return JSON_STREAM_GO;
}

static int on_begin(void *ctx, enum json_kind kind, struct err *e)
{
    struct writer *w = ctx;
    char last = kind == JSON_OBJECT ? '}' : ']';

    (void)e;
    json_open(&w->json, kind == JSON_OBJECT ? '{' : '[');
    if (skips(w)) {
        json_close(&w->json, last);
        return JSON_STREAM_SKIP;
    }
    w->open[w->depth++] = last;
    return JSON_STREAM_GO;
}

static int on_end(void *ctx, struct err *e)
{
    struct writer *w = ctx;

    (void)e;
    w->heard++;
    json_close(&w->json, w->open[--w->depth]);
    return JSON_STREAM_GO;
}

static int on_scalar(void *ctx, enum json_kind kind, struct str text, struct err *e)
{
    struct writer *w = ctx;

    (void)e;
    w->heard++;
    if (kind == JSON_STRING)
        json_put_str(&w->json, text);
    else
        json_put_raw(&w->json, text);
    return JSON_STREAM_GO;
}

static const struct json_stream_reader writes = {on_name, on_begin, on_end, on_scalar};

/* Feeds a text in pieces of random lengths, each a copy of exactly its size, so that a sanitizer
 * sees a read beyond its end. `longest` 0: all at once. */
static int stream(struct str text, size_t longest, struct prop *r, struct writer *w, struct err *e)
{
    struct json_stream *s = json_stream_new(&writes, w);
    size_t at = 0, n;
    char *copy;
    int rc = 0;

    w->json = JSON_OUT(&w->out);
    assert_non_null(s);
    while (rc == 0 && at < text.n) {
        n = longest ? 1 + prop_below(r, longest) : text.n;
        n = n < text.n - at ? n : text.n - at;
        copy = malloc(n);
        assert_non_null(copy);
        memcpy(copy, text.p + at, n);
        rc = json_stream_feed(s, (struct str){copy, n}, e);
        free(copy);
        at += n;
    }
    if (rc == 0)
        rc = json_stream_finish(s, e);
    json_stream_free(s);
    return rc;
}

/* What json_in refuses and json_stream takes. */
static bool is_looser_there(const struct err *e)
{
    static const char *const beginnings[] = {"duplicate member", "U+0000", "nested deeper"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(beginnings); i++) {
        if (strncmp(e->text, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    }
    return false;
}

/* The same document? */
static void assert_same(struct str text, struct str rewritten)
{
    struct buf a = BUF_INIT(TEXT_MAX), b = BUF_INIT(TEXT_MAX);
    struct json_doc *x = must_parse(text), *y = must_parse(rewritten);

    json_write_sorted(json_in_root(x), &a);
    json_write_sorted(json_in_root(y), &b);
    if (!str_eq(buf_span(&a), buf_span(&b)))
        fail_msg("%.*s was read as %.*s", (int)text.n, text.p, (int)rewritten.n, rewritten.p);
    json_in_free(x);
    json_in_free(y);
    buf_free(&a);
    buf_free(&b);
}

/* Cut anywhere, all heard or some skipped, it agrees with the reader of whole texts. */
static void agree(struct str text, struct prop *r)
{
    struct json_doc *doc = NULL;
    struct err whole = {0}, e = {0};
    int expected = json_in_parse(text, &doc, &whole), i, rc;

    for (i = 0; i < 2 * CUTS; i++) {
        struct writer w = {.out = BUF_INIT(TEXT_MAX), .skips = i % 2 ? r : NULL};

        rc = stream(text, i < 2 ? 0 : (size_t)i, r, &w, &e);
        if (rc != expected && !(rc == 0 && is_looser_there(&whole)))
            fail_msg("whole: %s, in pieces: %s: %.*s", expected ? whole.text : "taken",
                     rc ? e.text : "taken", (int)text.n, text.p);
        if (rc == 0 && expected == 0 && !w.skips)
            assert_same(text, buf_span(&w.out));
        buf_free(&w.out);
    }
    json_in_free(doc);
}

/* Beside that it agrees with the reader of whole texts: what it takes that the other refuses is of
 * the three kinds that its header tells, and of these it takes all. */
static void check_case(void *ctx, const char *name, bool taken, struct str text)
{
    static const char *const looser[] = {"in_twice_", "in_nul_", "in_deep_17_a", "in_deep_17_o",
                                         "in_deep_18_"};
    struct writer w = {.out = BUF_INIT(TEXT_MAX)};
    struct err e;
    size_t i;

    for (i = 0; i < ARRAY_LEN(looser); i++)
        taken = taken || strncmp(name, looser[i], strlen(looser[i])) == 0;
    if ((stream(text, 3, ctx, &w, &e) == 0) != taken)
        fail_msg("%s: %s", name, taken ? "refused" : "taken");
    buf_free(&w.out);
    agree(text, ctx);
}

static void takes_and_refuses_what_it_must(void **state)
{
    struct prop r = prop_begin("set", 21);

    (void)state;
    json_set(check_case, &r);
}

static void agrees_on_random_documents_and_on_damaged_ones(void **state)
{
    struct prop r = prop_begin("documents", 22);
    struct buf b = BUF_INIT(TEXT_MAX);
    int i, m;

    (void)state;
    for (i = 0; i < DOCUMENTS; i++) {
        buf_reset(&b);
        gen_value(&r, &b, 0);
        agree(buf_span(&b), &r);
        for (m = 0; m < MUTATIONS && b.len > 0; m++) {
            b.data[prop_below(&r, b.len)] = "\"\\{}[],:01e.-u \xC3\xA9\xFF"[prop_below(&r, 19)];
            agree(buf_span(&b), &r);
        }
    }
    buf_free(&b);
}

/* Every byte in every place of a text that is skipped: in strings, names, escapes, between. */
static void skipping_is_no_less_strict(void **state)
{
    static const char *const texts[] = {
        "{\"a\":{\"b\":[{},[],\"c\",\"\\\"\\u0041\",1.5e3,true],\"d\":{\"e\":null}},\"f\":\"g\"}",
        "[[\"abcdefgh\\\\\",\"\xC3\xA9\xF0\x9F\x98\x80\",\"\\uD83D\\uDE00\"],{\"\":\"\"}]",
    };
    struct prop r = prop_begin("skipping", 23);
    char text[128];
    size_t t, i;
    int c;

    (void)state;
    for (t = 0; t < ARRAY_LEN(texts); t++) {
        size_t n = strlen(texts[t]);

        assert_true(n < sizeof text);
        for (i = 0; i < n; i++) {
            for (c = 0; c < 256; c++) {
                memcpy(text, texts[t], n);
                text[i] = (char)c;
                agree((struct str){text, n}, &r);
            }
        }
    }
}

static void one_byte_less_is_cut_off(void **state)
{
    struct str text = STR_LIT("{\"items\":[{\"a\":\"\\u00e9\",\"b\":12}],\"c\":{}}");
    struct prop r = prop_begin("cuts", 24);
    struct err e;
    size_t n;

    (void)state;
    for (n = 0; n < text.n; n++) {
        struct writer w = {.out = BUF_INIT(TEXT_MAX)};

        assert_int_equal(stream((struct str){text.p, n}, 0, &r, &w, &e), -1);
        assert_int_equal(e.code, ERR_MALFORMED_JSON);
        assert_non_null(strstr(e.text, n ? "is cut off after" : "is empty"));
        buf_free(&w.out);
    }
}

static void kubernetes_writes_nul_as_an_escape(void **state)
{
    struct prop r = prop_begin("nul", 25);
    struct writer w = {.out = BUF_INIT(TEXT_MAX)};
    struct err e;

    (void)state;
    assert_int_equal(stream(STR_LIT("[\"a\\u0000b\"]"), 3, &r, &w, &e), 0);
    assert_int_equal(w.heard, 3);
    buf_free(&w.out);
}

static void nest(struct buf *b, size_t depth)
{
    size_t i;

    buf_reset(b);
    for (i = 0; i < depth; i++)
        buf_char(b, '[');
    for (i = 0; i < depth; i++)
        buf_char(b, ']');
}

static void depth_has_a_limit(void **state)
{
    struct prop r = prop_begin("depth", 26);
    struct writer w = {.out = BUF_INIT(TEXT_MAX)};
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e;

    (void)state;
    nest(&b, JSON_STREAM_DEPTH_MAX);
    assert_int_equal(stream(buf_span(&b), 0, &r, &w, &e), 0);
    nest(&b, JSON_STREAM_DEPTH_MAX + 1);
    assert_int_equal(stream(buf_span(&b), 0, &r, &w, &e), -1);
    assert_string_equal(e.text, "nested deeper than 64 levels at byte 65");
    buf_free(&b);
    buf_free(&w.out);
}

static int wants_a(void *ctx, struct str name, struct err *e)
{
    (void)ctx;
    (void)e;
    return str_is(name, "a") ? JSON_STREAM_GO : JSON_STREAM_SKIP;
}

/* The member's text is n bytes long, and is skipped or not. */
static int long_text(const char *name, size_t n, struct err *e)
{
    static const struct json_stream_reader reader = {wants_a, on_begin, on_end, on_scalar};
    struct writer w = {.out = BUF_INIT(TEXT_MAX)};
    struct json_stream *s = json_stream_new(&reader, &w);
    struct buf b = BUF_INIT(TEXT_MAX);
    size_t i, half;
    int rc;

    w.json = JSON_OUT(&w.out);
    buf_printf(&b, "{\"%s\":\"", name);
    for (i = 0; i < n; i++)
        buf_char(&b, 'x');
    buf_str(&b, "\"}");
    half = b.len / 2;
    assert_non_null(s);
    rc = json_stream_feed(s, (struct str){b.data, half}, e);
    if (rc == 0)
        rc = json_stream_feed(s, (struct str){b.data + half, b.len - half}, e);
    if (rc == 0)
        rc = json_stream_finish(s, e);
    json_stream_free(s);
    buf_free(&b);
    buf_free(&w.out);
    return rc;
}

static void a_text_that_is_wanted_has_a_limit_and_others_have_none(void **state)
{
    struct err e;

    (void)state;
    assert_int_equal(long_text("a", JSON_STREAM_TEXT_MAX, &e), 0);
    assert_int_equal(long_text("a", JSON_STREAM_TEXT_MAX + 1, &e), -1);
    assert_non_null(strstr(e.text, "a text of more than 64 KiB at byte"));
    assert_int_equal(long_text("b", 3 << 20, &e), 0);
}

static int says_no(void *ctx, struct str name, struct err *e)
{
    (void)ctx;
    return str_is(name, "bad") ? err_set(e, ERR_INVALID, "no") : JSON_STREAM_GO;
}

static void what_the_reader_refuses_ends_the_reading(void **state)
{
    static const struct json_stream_reader reader = {says_no, on_begin, on_end, on_scalar};
    struct writer w = {.out = BUF_INIT(TEXT_MAX)};
    struct json_stream *s = json_stream_new(&reader, &w);
    struct err e;

    (void)state;
    w.json = JSON_OUT(&w.out);
    assert_non_null(s);
    assert_int_equal(json_stream_feed(s, STR_LIT("{\"good\":1,\"bad\":2,\"good\":3}"), &e), -1);
    assert_string_equal(e.text, "no");
    assert_string_equal(w.out.data, "{1"); /* says_no writes no names */
    assert_int_equal(json_stream_feed(s, STR_LIT("{}"), &e), -1);
    assert_int_equal(json_stream_finish(s, &e), -1);
    json_stream_free(s);
    buf_free(&w.out);
}

#if TORTURE
static void without_memory_it_says_so(void **state)
{
    static const struct str pieces[] = {{"{\"a\":\"\\u00", 10}, {"41\",\"b\":1", 9}, {"2}", 2}};
    int64_t good;
    size_t i;
    int rc = -1;

    (void)state;
    for (good = 0; rc != 0; good++) {
        struct writer w = {.out = BUF_INIT(TEXT_MAX)};
        struct json_stream *s;
        struct err e = {.code = ERR_INTERNAL};

        w.json = JSON_OUT(&w.out);
        torture_arm(good);
        s = json_stream_new(&writes, &w);
        rc = s ? 0 : -1;
        for (i = 0; rc == 0 && i < ARRAY_LEN(pieces); i++)
            rc = json_stream_feed(s, pieces[i], &e);
        if (rc == 0)
            rc = json_stream_finish(s, &e);
        rc = w.out.failed ? -1 : rc;
        json_stream_free(s);
        buf_free(&w.out);
        assert_int_equal(torture_end(), 0);
        assert_int_equal(e.code, ERR_INTERNAL);
        assert_true(good < 20);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(takes_and_refuses_what_it_must),
        cmocka_unit_test(agrees_on_random_documents_and_on_damaged_ones),
        cmocka_unit_test(skipping_is_no_less_strict),
        cmocka_unit_test(one_byte_less_is_cut_off),
        cmocka_unit_test(kubernetes_writes_nul_as_an_escape),
        cmocka_unit_test(depth_has_a_limit),
        cmocka_unit_test(a_text_that_is_wanted_has_a_limit_and_others_have_none),
        cmocka_unit_test(what_the_reader_refuses_ends_the_reading),
#if TORTURE
        cmocka_unit_test(without_memory_it_says_so),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
