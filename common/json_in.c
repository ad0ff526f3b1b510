/* SPDX-License-Identifier: MIT */
/*
 * Strict JSON in, on json-c.
 *
 * A document holds its own copy of the text. The scanner decides whether it is JSON and notes where
 * strings, names and numbers stand; the tree is then built with json-c's constructors in a second
 * walk, which may trust the text. json-c's own parser is not used: 0.16 turns valid surrogate pairs
 * (\ud836\udc00) into U+FFFD, clamps numbers, and takes four times as long.
 */
/* json-c has a type of this name, which would stand in the way of our function. */
#define json_bool json_c_bool
#include <json-c/json.h>
#undef json_bool

#include "json_in.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "json_out.h"
#include "json_scan.h"
#include "utf8.h"

enum { NAME_SHOWN_MAX = 64, ARRAY_FIRST = 4 };

struct json_doc {
    json_value *root;
    struct json_scan scan; /* its spans point into text; those of the numbers hang on their nodes */
    char text[];           /* strings and names are unescaped in place; json-c borrows the names */
};

/* Some functions of json-c that only read ask for a pointer that may write. */
static json_value *writable(const json_value *v)
{
    return (json_value *)(uintptr_t)v;
}

/* The second walk: where it stands in the text, and which of the noted texts comes next. */
struct build {
    struct json_doc *doc;
    const char *p;
    size_t next;
    struct err *e;
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "no memory to read JSON");
}

static int build_value(struct build *b, json_value **v);

static void skip_to_token(struct build *b)
{
    while (*b->p == ' ' || *b->p == '\n' || *b->p == '\r' || *b->p == '\t')
        b->p++;
}

/* The next string or name, unescaped; *n its length. */
static char *take_string(struct build *b, size_t *n)
{
    const struct str *noted = &b->doc->scan.text[b->next++];
    char *text = b->doc->text + (noted->p - b->doc->text);

    b->p = noted->p + noted->n + 1;
    *n = json_unescape(text, noted->n);
    return text;
}

static int build_string(struct build *b, json_value **v)
{
    size_t n;
    const char *text = take_string(b, &n);

    *v = json_object_new_string_len(text, (int)n);
    return *v ? 0 : no_memory(b->e);
}

/* What type json-c has for it does not matter: only its text is ever asked for. */
static int build_number(struct build *b, json_value **v)
{
    struct str *noted = &b->doc->scan.text[b->next++];

    b->p = noted->p + noted->n;
    *v = json_object_new_int(0);
    if (!*v)
        return no_memory(b->e);
    json_object_set_userdata(*v, noted, NULL);
    return 0;
}

static int build_word(struct build *b, json_value **v)
{
    char first = *b->p;

    b->p += first == 'f' ? strlen("false") : strlen("true");
    *v = NULL;
    if (first == 'n')
        return 0;
    *v = json_object_new_boolean(first == 't');
    return *v ? 0 : no_memory(b->e);
}

static int build_element(struct build *b, json_value *array)
{
    json_value *v;

    if (build_value(b, &v) != 0)
        return -1;
    if (json_object_array_add(array, v) == 0)
        return 0;
    (void)json_object_put(v);
    return no_memory(b->e);
}

static int duplicate(const struct build *b, const char *name, size_t n)
{
    struct str shown = utf8_cut((struct str){name, n}, NAME_SHOWN_MAX);

    return err_set(b->e, ERR_MALFORMED_JSON, "duplicate member \"%.*s\" at byte %zu", (int)shown.n,
                   shown.p, (size_t)(name - b->doc->text)); /* the quote before it, from 1 */
}

static int build_member(struct build *b, json_value *object)
{
    const unsigned flags = JSON_C_OBJECT_ADD_KEY_IS_NEW | JSON_C_OBJECT_KEY_IS_CONSTANT;
    json_value *v;
    size_t n;
    char *name = take_string(b, &n);

    name[n] = '\0'; /* no further than where the closing quote stood */
    if (json_object_object_get_ex(object, name, NULL))
        return duplicate(b, name, n);
    skip_to_token(b);
    b->p++; /* the colon */
    if (build_value(b, &v) != 0)
        return -1;
    if (json_object_object_add_ex(object, name, v, flags) == 0)
        return 0;
    (void)json_object_put(v);
    return no_memory(b->e);
}

/* From the opening bracket to the closing one. */
static int build_container(struct build *b, json_value **v, json_value *container,
                           int (*build_part)(struct build *, json_value *))
{
    if (!container)
        return no_memory(b->e);
    b->p++;
    for (skip_to_token(b); *b->p != ']' && *b->p != '}'; skip_to_token(b)) {
        if (*b->p == ',') {
            b->p++;
            skip_to_token(b);
        }
        if (build_part(b, container) != 0) {
            (void)json_object_put(container);
            return -1;
        }
    }
    b->p++;
    *v = container;
    return 0;
}

static int build_array(struct build *b, json_value **v)
{
    return build_container(b, v, json_object_new_array_ext(ARRAY_FIRST), build_element);
}

static int build_object(struct build *b, json_value **v)
{
    return build_container(b, v, json_object_new_object(), build_member);
}

static int build_value(struct build *b, json_value **v)
{
    static int (*const by_first[256])(struct build *, json_value **) = {
        ['{'] = build_object, ['['] = build_array,          ['"'] = build_string,
        ['t'] = build_word,   ['f'] = build_word,           ['n'] = build_word,
        ['-'] = build_number, ['0' ... '9'] = build_number,
    };

    skip_to_token(b);
    return by_first[(unsigned char)*b->p](b, v);
}

static int parse(struct str text, bool many, struct json_doc **doc, struct err *e)
{
    unsigned levels = JSON_DEPTH_MAX;
    struct json_doc *d;

    if (text.n > JSON_TEXT_MAX)
        return err_set(e, ERR_TOO_LARGE, "the JSON text is larger than %d bytes", JSON_TEXT_MAX);
    d = malloc(sizeof *d + text.n + 1);
    if (!d)
        return err_set(e, ERR_INTERNAL, "no memory to read JSON");
    d->root = NULL;
    if (text.n > 0)
        memcpy(d->text, text.p, text.n);
    d->text[text.n] = '\0';
    d->scan = (struct json_scan){0};
    if (many)
        levels = json_scan_levels((struct str){d->text, text.n}, levels);
    if (json_scan((struct str){d->text, text.n}, levels, &d->scan, e) != 0 ||
        build_value(&(struct build){.doc = d, .p = d->text, .e = e}, &d->root) != 0) {
        json_in_free(d);
        return -1;
    }
    *doc = d;
    return 0;
}

int json_in_parse(struct str text, struct json_doc **doc, struct err *e)
{
    return parse(text, false, doc, e);
}

int json_in_parse_many(struct str text, struct json_doc **doc, struct err *e)
{
    return parse(text, true, doc, e);
}

void json_in_free(struct json_doc *doc)
{
    if (!doc)
        return;
    (void)json_object_put(doc->root);
    json_scan_free(&doc->scan);
    free(doc);
}

json_value *json_in_root(const struct json_doc *doc)
{
    return doc->root;
}

enum json_kind json_kind(const json_value *v)
{
    static const enum json_kind kinds[] = {
        [json_type_null] = JSON_NULL,     [json_type_boolean] = JSON_BOOL,
        [json_type_double] = JSON_NUMBER, [json_type_int] = JSON_NUMBER,
        [json_type_object] = JSON_OBJECT, [json_type_array] = JSON_ARRAY,
        [json_type_string] = JSON_STRING,
    };

    return kinds[json_object_get_type(v)];
}

const char *json_kind_word(enum json_kind kind)
{
    static const char *const words[] = {
        [JSON_NULL] = "null",       [JSON_BOOL] = "a boolean", [JSON_NUMBER] = "a number",
        [JSON_STRING] = "a string", [JSON_ARRAY] = "an array", [JSON_OBJECT] = "an object",
    };

    return words[kind];
}

struct str json_string(const json_value *v)
{
    assert(json_kind(v) == JSON_STRING);
    return (struct str){json_object_get_string(writable(v)), (size_t)json_object_get_string_len(v)};
}

struct str json_number(const json_value *v)
{
    const struct str *text;

    assert(json_kind(v) == JSON_NUMBER);
    text = json_object_get_userdata(writable(v));
    assert(text);
    return *text;
}

bool json_bool(const json_value *v)
{
    assert(json_kind(v) == JSON_BOOL);
    return json_object_get_boolean(v);
}

size_t json_length(const json_value *array)
{
    assert(json_kind(array) == JSON_ARRAY);
    return json_object_array_length(array);
}

json_value *json_at(const json_value *array, size_t i)
{
    assert(i < json_length(array));
    return json_object_array_get_idx(array, i);
}

bool json_member(const json_value *object, const char *name, json_value **value)
{
    assert(json_kind(object) == JSON_OBJECT);
    return json_object_object_get_ex(object, name, value);
}

bool json_next(const json_value *object, struct json_iter *it)
{
    struct lh_entry *entry = it->next;

    if (!it->started) {
        assert(json_kind(object) == JSON_OBJECT);
        entry = lh_table_head(json_object_get_object(object));
        it->started = true;
    }
    if (!entry)
        return false;
    it->name = str_of(lh_entry_k(entry));
    it->value = lh_entry_v(entry);
    it->next = lh_entry_next(entry);
    return true;
}

static bool is_known(struct str name, const char *const *known, size_t count)
{
    size_t i;

    for (i = 0; i < count; i++) {
        if (str_is(name, known[i]))
            return true;
    }
    return false;
}

int json_only_members(const json_value *object, const char *const *known, size_t count,
                      struct err *e)
{
    struct json_iter it = {0};
    char pointer[JSON_POINTER_ROOM] = "";
    struct str shown;

    while (json_next(object, &it)) {
        if (is_known(it.name, known, count))
            continue;
        json_pointer_add(pointer, it.name);
        shown = utf8_cut(it.name, NAME_SHOWN_MAX);
        return err_at(e, ERR_UNKNOWN_MEMBER, pointer, "unknown member \"%.*s\"", (int)shown.n,
                      shown.p);
    }
    return 0;
}

/* Appends n bytes, at most a character, to the text in room if they fit. */
static bool room_add(char room[JSON_POINTER_ROOM], const char *bytes, size_t n)
{
    size_t len = strlen(room);

    if (len + n >= JSON_POINTER_ROOM)
        return false;
    memcpy(room + len, bytes, n);
    room[len + n] = '\0';
    return true;
}

void json_pointer_add(char room[JSON_POINTER_ROOM], struct str name)
{
    const char *p = name.p, *end = name.p + name.n;
    size_t n;
    bool fits = room_add(room, "/", 1);

    for (; fits && p < end; p += n) {
        n = utf8_length(p, end);
        n = n ? n : 1;
        if (*p == '~')
            fits = room_add(room, "~0", 2);
        else if (*p == '/')
            fits = room_add(room, "~1", 2);
        else
            fits = room_add(room, p, n);
    }
}

int json_set_string(json_value *object, const char *name, struct str text, struct err *e)
{
    json_value *value;

    assert(json_kind(object) == JSON_OBJECT && text.n <= JSON_TEXT_MAX);
    value = json_object_new_string_len(text.p, (int)text.n);
    if (value && json_object_object_add(object, name, value) == 0)
        return 0;
    (void)json_object_put(value);
    return err_set(e, ERR_INTERNAL, "no memory for a member of JSON");
}

static int compare_members(const void *a, const void *b)
{
    const struct json_iter *x = a, *y = b;

    return str_cmp(x->name, y->name);
}

static void write_value(struct json_out *o, const json_value *v);

static void write_object(struct json_out *o, const json_value *object)
{
    size_t n = (size_t)json_object_object_length(object), i;
    struct json_iter it = {0}, *members = calloc(n + 1, sizeof *members);

    if (!members) {
        o->b->failed = o->b->no_memory = true;
        return;
    }
    for (i = 0; i < n && json_next(object, &it); i++)
        members[i] = it;
    qsort(members, n, sizeof *members, compare_members);
    json_open(o, '{');
    for (i = 0; i < n; i++) {
        json_key_str(o, members[i].name);
        write_value(o, members[i].value);
    }
    json_close(o, '}');
    free(members);
}

static void write_array(struct json_out *o, const json_value *array)
{
    size_t n = json_length(array), i;

    json_open(o, '[');
    for (i = 0; i < n; i++)
        write_value(o, json_at(array, i));
    json_close(o, ']');
}

static void write_null(struct json_out *o, const json_value *v)
{
    (void)v;
    json_put_null(o);
}

static void write_bool(struct json_out *o, const json_value *v)
{
    json_put_bool(o, json_bool(v));
}

static void write_number(struct json_out *o, const json_value *v)
{
    json_put_raw(o, json_number(v));
}

static void write_string(struct json_out *o, const json_value *v)
{
    json_put_str(o, json_string(v));
}

static void write_value(struct json_out *o, const json_value *v)
{
    static void (*const by_kind[])(struct json_out *, const json_value *) = {
        [JSON_NULL] = write_null,     [JSON_BOOL] = write_bool,   [JSON_NUMBER] = write_number,
        [JSON_STRING] = write_string, [JSON_ARRAY] = write_array, [JSON_OBJECT] = write_object,
    };

    by_kind[json_kind(v)](o, v);
}

void json_write_sorted(const json_value *v, struct buf *b)
{
    struct json_out o = JSON_OUT(b);

    write_value(&o, v);
}
