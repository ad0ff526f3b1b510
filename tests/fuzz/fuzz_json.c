/* SPDX-License-Identifier: MIT */
/*
 * JSON texts. Four readers agree: the reader of whole texts, the reader that is fed (whole, in
 * pieces, and with everything skipped), the slow reference of the unit tests, and json-c's own
 * parser, which takes what we take and reads it the same, but for what PITFALLS of 0.16 are known:
 * pairs of surrogates, and numbers, of which only the kind is compared.
 */
/* json-c has a type of this name, which would stand in the way of our function. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool

#include "fuzz.h"
#include "json/slow.h"
#include "json_in.h"
#include "json_scan.h"
#include "json_stream.h"

/* ---- what a document is, as a line for each of its parts ---- */

static void note(struct buf *log, enum json_kind kind, struct str text)
{
    buf_printf(log, "%d %zu ", (int)kind, text.n);
    buf_add(log, text.p, text.n);
    buf_char(log, '\n');
}

static void walk(const json_value *v, struct buf *log)
{
    enum json_kind kind = json_kind(v);
    struct json_iter it = {0};
    size_t i;

    if (kind == JSON_STRING) {
        note(log, kind, json_string(v));
    } else if (kind == JSON_NUMBER) {
        note(log, kind, json_number(v));
    } else if (kind == JSON_OBJECT || kind == JSON_ARRAY) {
        buf_printf(log, "begin %d\n", (int)kind);
        while (kind == JSON_OBJECT && json_next(v, &it)) {
            buf_str(log, "name ");
            note(log, JSON_STRING, it.name);
            walk(it.value, log);
        }
        for (i = 0; kind == JSON_ARRAY && i < json_length(v); i++)
            walk(json_at(v, i), log);
        buf_str(log, "end\n");
    } else {
        note(log, kind,
             kind == JSON_NULL ? STR_LIT("null") : str_of(json_bool(v) ? "true" : "false"));
    }
}

static int on_name(void *ctx, struct str name, struct err *e)
{
    (void)e;
    buf_str(ctx, "name ");
    note(ctx, JSON_STRING, name);
    return JSON_STREAM_GO;
}

static int on_begin(void *ctx, enum json_kind kind, struct err *e)
{
    (void)e;
    buf_printf(ctx, "begin %d\n", (int)kind);
    return JSON_STREAM_GO;
}

static int on_end(void *ctx, struct err *e)
{
    (void)e;
    buf_str(ctx, "end\n");
    return JSON_STREAM_GO;
}

static int on_scalar(void *ctx, enum json_kind kind, struct str text, struct err *e)
{
    (void)e;
    note(ctx, kind, text);
    return JSON_STREAM_GO;
}

static int skip_name(void *ctx, struct str name, struct err *e)
{
    (void)ctx;
    (void)name;
    (void)e;
    return JSON_STREAM_SKIP;
}

static int skip_begin(void *ctx, enum json_kind kind, struct err *e)
{
    (void)ctx;
    (void)e;
    return kind == JSON_ARRAY ? JSON_STREAM_SKIP : JSON_STREAM_GO;
}

static const struct json_stream_reader hears = {on_name, on_begin, on_end, on_scalar};
static const struct json_stream_reader skips = {skip_name, skip_begin, on_end, on_scalar};

/* ---- the reader that is fed ---- */

static int stream(struct str text, bool whole, const struct json_stream_reader *reader,
                  struct buf *log, struct err *e)
{
    struct json_stream *s = json_stream_new(reader, log);
    struct fuzz_pieces pieces = fuzz_pieces(text);
    struct str piece;
    int rc = 0;

    MUST(s);
    if (whole)
        rc = json_stream_feed(s, text, e);
    while (!whole && rc == 0 && (piece = fuzz_piece(&pieces)).p) {
        rc = json_stream_feed(s, piece, e);
        fuzz_piece_free(piece);
    }
    if (rc == 0)
        rc = json_stream_finish(s, e);
    json_stream_free(s);
    return rc;
}

/* What the reader of whole texts refuses and the one that is fed takes. */
static bool may_differ(const struct err *e)
{
    return strncmp(e->text, "duplicate member", 16) == 0 || strncmp(e->text, "U+0000", 6) == 0 ||
           strncmp(e->text, "nested deeper", 13) == 0;
}

static void check_stream(struct str text, const json_value *root, int rc, const struct err *why)
{
    struct buf whole = BUF_INIT(FUZZ_TEXT_MAX), pieces = BUF_INIT(FUZZ_TEXT_MAX),
               tree = BUF_INIT(FUZZ_TEXT_MAX), other = BUF_INIT(FUZZ_TEXT_MAX);
    struct err e = {0}, again = {0};
    int fed = stream(text, true, &hears, &whole, &e);

    MUST(stream(text, false, &hears, &pieces, &again) == fed);
    if (fed == 0)
        MUST(fuzz_same(&whole, &pieces));
    MUST(stream(text, false, &skips, &other, &again) == fed);
    MUST(stream(text, true, &skips, &other, &again) == fed);
    MUST(rc == 0 ? fed == 0 : fed != 0 || may_differ(why));
    if (rc == 0) {
        walk(root, &tree);
        MUST(fuzz_same(&tree, &whole));
    }
    buf_free(&whole);
    buf_free(&pieces);
    buf_free(&tree);
    buf_free(&other);
}

/* ---- json-c ---- */

static bool is_surrogate(struct str text)
{
    size_t i;

    for (i = 0; i + 2 < text.n; i++) {
        if (text.p[i] == '\\' && text.p[i + 1] == 'u' && (text.p[i + 2] | 0x20) == 'd')
            return true;
    }
    return false;
}

static bool is_same(const json_value *v, struct json_object *theirs)
{
    static const enum json_type types[] = {
        [JSON_NULL] = json_type_null,     [JSON_BOOL] = json_type_boolean,
        [JSON_STRING] = json_type_string, [JSON_ARRAY] = json_type_array,
        [JSON_OBJECT] = json_type_object, [JSON_NUMBER] = json_type_int,
    };
    enum json_type type = json_object_get_type(theirs);
    struct json_object *member;
    struct json_iter it = {0};
    size_t i;

    if (type == json_type_double)
        type = json_type_int;
    if (type != types[json_kind(v)])
        return false;
    if (type == json_type_string)
        return str_eq(json_string(v), (struct str){json_object_get_string(theirs),
                                                   (size_t)json_object_get_string_len(theirs)});
    if (type == json_type_boolean)
        return json_bool(v) == (json_object_get_boolean(theirs) != 0);
    for (i = 0; type == json_type_array && i < json_length(v); i++) {
        if (!is_same(json_at(v, i), json_object_array_get_idx(theirs, i)))
            return false;
    }
    if (type == json_type_array)
        return json_object_array_length(theirs) == json_length(v);
    for (i = 0; type == json_type_object && json_next(v, &it); i++) {
        char *name = fuzz_copy(it.name);
        bool there = json_object_object_get_ex(theirs, name, &member);

        free(name);
        if (!there || !is_same(it.value, member))
            return false;
    }
    return type != json_type_object || (size_t)json_object_object_length(theirs) == i;
}

static void check_json_c(struct str text, const json_value *root)
{
    struct json_tokener *t = json_tokener_new_ex(32);
    struct json_object *theirs;

    MUST(t);
    json_tokener_set_flags(t, JSON_TOKENER_STRICT | JSON_TOKENER_VALIDATE_UTF8);
    theirs = json_tokener_parse_ex(t, text.p, (int)text.n);
    if (json_tokener_get_error(t) == json_tokener_continue) /* a number at the very end */
        theirs = json_tokener_parse_ex(t, "", 1);
    MUST(json_tokener_get_error(t) == json_tokener_success);
    MUST(is_same(root, theirs));
    (void)json_object_put(theirs);
    json_tokener_free(t);
}

/* ---- the reference, and writing ---- */

static void check_written(struct str text, const json_value *root, const struct slow_value *slow)
{
    struct buf sorted = BUF_INIT(FUZZ_TEXT_MAX), other = BUF_INIT(FUZZ_TEXT_MAX);
    struct json_doc *doc;
    struct err e;

    (void)text;
    json_write_sorted(root, &sorted);
    slow_write(&other, slow);
    MUST(fuzz_same(&sorted, &other));
    MUST(json_in_parse(buf_span(&sorted), &doc, &e) == 0);
    buf_reset(&other);
    json_write_sorted(json_in_root(doc), &other);
    MUST(fuzz_same(&sorted, &other));
    json_in_free(doc);
    buf_free(&sorted);
    buf_free(&other);
}

/* The scanner by itself, on the input as it is: the reader's own copy has a NUL behind it. */
static void check_scan(struct str text, int rc, const struct err *why)
{
    struct json_scan scan;
    struct err e;
    int scanned = json_scan(text, JSON_DEPTH_MAX, &scan, &e);

    MUST(rc == 0 ? scanned == 0 : scanned != 0 || strncmp(why->text, "duplicate member", 16) == 0);
    if (scanned == 0)
        json_scan_free(&scan);
    if (json_is_number(text))
        MUST(rc == 0 || text.n > JSON_NUMBER_MAX);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size);
    const struct slow_value *slow;
    struct json_doc *doc = NULL;
    struct err e = {0};
    void *arena;
    int rc = json_in_parse(text, &doc, &e);

    slow = slow_parse(text, &arena);
    MUST((rc == 0) == (slow != NULL));
    MUST(rc == 0 || (e.code == ERR_MALFORMED_JSON && e.text[0] && !doc));
    check_scan(text, rc, &e);
    check_stream(text, doc ? json_in_root(doc) : NULL, rc, &e);
    if (rc == 0) {
        check_written(text, json_in_root(doc), slow);
        if (!is_surrogate(text))
            check_json_c(text, json_in_root(doc));
    }
    json_in_free(doc);
    free(arena);
    return 0;
}
