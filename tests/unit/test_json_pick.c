/* SPDX-License-Identifier: MIT */
/* Picking by table: who is told what, in what order, and how an error says where it is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "buf.h"
#include "json_pick.h"

enum {
    A_TEXT = 1,
    A_BOOL,
    SOME_TEXTS,
    AN_OBJECT,
    ITEMS,
    ITEM_NAME,
    A_MAP,
    AMOUNTS,
    LOG_MAX = 4096
};

static int take(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    buf_printf(ctx, "%d:%.*s=%.*s ", which, (int)name.n, name.p ? name.p : "", (int)text.n, text.p);
    return str_is(text, "bad") ? err_set(e, ERR_INVALID, "is bad") : 0;
}

static int begin(void *ctx, int which, struct err *e)
{
    (void)e;
    buf_printf(ctx, "<%d ", which);
    return 0;
}

static int end(void *ctx, int which, struct err *e)
{
    (void)e;
    buf_printf(ctx, "%d> ", which);
    return 0;
}

static const struct json_pick item[] = {
    {.name = STR_LIT("name"), .kind = PICK_TEXT, .which = ITEM_NAME, .take = take},
    {.name = STR_LIT("amounts"), .kind = PICK_AMOUNTS, .which = AMOUNTS, .take = take},
    {.name = STR_LIT("inner"), .kind = PICK_OBJECT, .which = AN_OBJECT, .inside = item},
    {.which = 0},
};

static const struct json_pick table[] = {
    {.name = STR_LIT("text"), .kind = PICK_TEXT, .which = A_TEXT, .take = take},
    {.name = STR_LIT("bool"), .kind = PICK_BOOL, .which = A_BOOL, .take = take},
    {.name = STR_LIT("texts"), .kind = PICK_TEXTS, .which = SOME_TEXTS, .take = take},
    {.name = STR_LIT("map"), .kind = PICK_MAP, .which = A_MAP, .take = take},
    {.name = STR_LIT("items"),
     .kind = PICK_OBJECTS,
     .which = ITEMS,
     .inside = item,
     .begin = begin,
     .end = end},
    {.which = 0},
};

static int pick(const char *text, size_t piece, struct buf *log, struct err *e)
{
    struct json_picker *p = json_picker_new(table, log);
    struct str rest = str_of(text);
    int rc = 0;

    assert_non_null(p);
    while (rc == 0 && rest.n) {
        size_t n = piece < rest.n ? piece : rest.n;

        rc = json_picker_feed(p, (struct str){rest.p, n}, e);
        rest = (struct str){rest.p + n, rest.n - n};
    }
    if (rc == 0)
        rc = json_picker_finish(p, e);
    json_picker_free(p);
    return rc;
}

static const struct {
    const char *text, *log;
} picked[] = {
    {"{}", ""},
    {"{\"text\":\"a\\u0062\",\"bool\":true}", "1:=ab 2:=true "},
    {"{\"other\":[1,{\"text\":\"no\"}],\"text\":\"a\",\"Text\":\"no\"}", "1:=a "},
    {"{\"texts\":[\"a\",\"b\"]}", "3:=a 3:=b "},
    {"{\"texts\":[]}", ""},
    {"{\"map\":{\"a/b\":\"x\",\"\":\"y\",\"n\":null}}", "7:a/b=x 7:=y "},
    {"{\"text\":null,\"bool\":null,\"texts\":null,\"map\":null,\"items\":null}", ""},
    {"{\"items\":[]}", ""},
    {"{\"items\":[{},{\"name\":\"a\"}]}", "<5 5> <5 6:=a 5> "},
    {"{\"items\":[{\"amounts\":{\"cpu\":\"1\",\"n\":1e3},\"x\":{\"name\":\"no\"}}]}",
     "<5 8:cpu=1 8:n=1e3 5> "},
    {"{\"items\":[{\"inner\":{\"name\":\"in\",\"y\":[]},\"name\":\"out\"}],\"text\":\"z\"}",
     "<5 6:=in 6:=out 5> 1:=z "},
};

static void what_the_table_names_is_taken_and_nothing_else(void **state)
{
    struct err e;
    size_t i, piece;

    (void)state;
    for (i = 0; i < ARRAY_LEN(picked); i++) {
        for (piece = 1; piece < 100; piece += 7) {
            struct buf log = BUF_INIT(LOG_MAX);

            assert_int_equal(pick(picked[i].text, piece, &log, &e), 0);
            assert_string_equal(log.data ? log.data : "", picked[i].log);
            buf_free(&log);
        }
    }
}

static const struct {
    const char *text, *pointer, *says;
} refused[] = {
    {"[]", "", "must be an object, not an array"},
    {"1", "", "must be an object, not a number"},
    {"null", "", "must be an object, not null"},
    {"{\"text\":1}", "/text", "must be a string, not a number"},
    {"{\"text\":{}}", "/text", "must be a string, not an object"},
    {"{\"bool\":\"true\"}", "/bool", "must be a boolean, not a string"},
    {"{\"texts\":\"a\"}", "/texts", "must be an array, not a string"},
    {"{\"texts\":[\"a\",2]}", "/texts/1", "must be a string, not a number"},
    {"{\"texts\":[null]}", "/texts/0", "must be a string, not null"},
    {"{\"texts\":[\"a\",\"bad\"]}", "/texts/1", "is bad"},
    {"{\"map\":[]}", "/map", "must be an object, not an array"},
    {"{\"map\":{\"a/b\":1}}", "/map/a~1b", "must be a string, not a number"},
    {"{\"map\":{\"a\":{}}}", "/map/a", "must be a string, not an object"},
    {"{\"items\":{}}", "/items", "must be an array, not an object"},
    {"{\"items\":[{},null]}", "/items/1", "must be an object, not null"},
    {"{\"items\":[{},{},[]]}", "/items/2", "must be an object, not an array"},
    {"{\"items\":[{},{\"name\":\"bad\"}]}", "/items/1/name", "is bad"},
    {"{\"items\":[{\"amounts\":{\"cpu\":true}}]}", "/items/0/amounts/cpu",
     "must be a string, not a boolean"},
    {"{\"items\":[{\"inner\":{\"inner\":{\"name\":\"bad\"}}}]}", "/items/0/inner/inner/name",
     "is bad"},
};

static void what_is_wrong_says_where(void **state)
{
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(refused); i++) {
        struct buf log = BUF_INIT(LOG_MAX);

        assert_int_equal(pick(refused[i].text, 5, &log, &e), -1);
        assert_int_equal(e.code, ERR_INVALID);
        assert_string_equal(e.text, refused[i].says);
        assert_string_equal(e.pointer, refused[i].pointer);
        buf_free(&log);
    }
}

static void names_in_a_map_have_a_limit(void **state)
{
    struct buf text = BUF_INIT(LOG_MAX), log = BUF_INIT(LOG_MAX);
    struct err e;
    int i, n;

    (void)state;
    for (n = 319; n <= 320; n++) {
        buf_reset(&text);
        buf_str(&text, "{\"map\":{\"");
        for (i = 0; i < n; i++)
            buf_char(&text, 'k');
        buf_str(&text, "\":\"v\"}}");
        assert_int_equal(pick(text.data, 1000, &log, &e), n < 320 ? 0 : -1);
    }
    assert_string_equal(e.text, "a name in it is longer than 319 bytes");
    assert_string_equal(e.pointer, "/map");
    buf_free(&text);
    buf_free(&log);
}

static void a_text_that_is_cut_off_is_an_error_here_too(void **state)
{
    struct buf log = BUF_INIT(LOG_MAX);
    struct err e;

    (void)state;
    assert_int_equal(pick("{\"items\":[{\"name\":\"a\"}]", 1000, &log, &e), -1);
    assert_int_equal(e.code, ERR_MALFORMED_JSON);
    buf_free(&log);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_the_table_names_is_taken_and_nothing_else),
        cmocka_unit_test(what_is_wrong_says_where),
        cmocka_unit_test(names_in_a_map_have_a_limit),
        cmocka_unit_test(a_text_that_is_cut_off_is_an_error_here_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
