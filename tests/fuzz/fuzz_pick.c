/* SPDX-License-Identifier: MIT */
/* Picking by table: the same is taken whatever the pieces, and it is what a walk through the whole
 * document finds. */
#include "fuzz_feed.h"
#include "json_in.h"
#include "json_pick.h"

enum { TEXT, YES, LIST, MAP, AMOUNTS, DEEP, ITEM, ITEMS, LINES };

static int take(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct buf *log = ctx;

    buf_printf(log, "%d %zu:", which, name.n);
    buf_add(log, name.p, name.n);
    buf_printf(log, "=%zu:", text.n);
    buf_add(log, text.p, text.n);
    buf_char(log, '\n');
    return text.n == 3 && memcmp(text.p, "bad", 3) == 0 ? err_set(e, ERR_INVALID, "is bad") : 0;
}

static int begin(void *ctx, int which, struct err *e)
{
    (void)e;
    buf_printf(ctx, "begin %d\n", which);
    return 0;
}

static int end(void *ctx, int which, struct err *e)
{
    (void)e;
    buf_printf(ctx, "end %d\n", which);
    return 0;
}

#define LINE(text, what, number)                                                                   \
    .name = STR_LIT(text), .kind = (what), .which = (number), .take = take

static const struct json_pick deep[] = {
    {LINE("t", PICK_TEXT, DEEP)},
    {.which = 0},
};
static const struct json_pick item[] = {
    {LINE("t", PICK_TEXT, ITEM)},
    {LINE("m", PICK_MAP, MAP)},
    {LINE("o", PICK_OBJECT, DEEP), .inside = deep, .begin = begin, .end = end},
    {.which = 0},
};
static const struct json_pick table[] = {
    {LINE("t", PICK_TEXT, TEXT)},
    {LINE("y", PICK_BOOL, YES)},
    {LINE("l", PICK_TEXTS, LIST)},
    {LINE("m", PICK_MAP, MAP)},
    {LINE("a", PICK_AMOUNTS, AMOUNTS)},
    {LINE("o", PICK_OBJECT, DEEP), .inside = deep, .begin = begin, .end = end},
    {LINE("i", PICK_OBJECTS, ITEMS), .inside = item, .begin = begin, .end = end},
    {.which = 0},
};

static int pick(struct str text, bool whole, struct buf *log, struct err *e)
{
    return fuzz_feed(json_picker_new(table, log), text, whole, e);
}

/* ---- the walk ---- */

static struct str text_of(const json_value *v)
{
    if (json_kind(v) == JSON_BOOL)
        return str_of(json_bool(v) ? "true" : "false");
    return json_kind(v) == JSON_NUMBER ? json_number(v) : json_string(v);
}

static void walk(const json_value *object, const struct json_pick *lines, struct buf *log);

static void walk_object(const json_value *v, const struct json_pick *line, struct buf *log)
{
    buf_printf(log, "begin %d\n", line->which);
    walk(v, line->inside, log);
    buf_printf(log, "end %d\n", line->which);
}

static void walk_line(const json_value *v, const struct json_pick *line, struct buf *log)
{
    struct json_iter it = {0};
    struct err e;
    size_t i;

    if (line->kind == PICK_TEXT || line->kind == PICK_BOOL)
        (void)take(log, line->which, (struct str){0}, text_of(v), &e);
    else if (line->kind == PICK_OBJECT)
        walk_object(v, line, log);
    for (i = 0; line->kind == PICK_TEXTS && i < json_length(v); i++)
        (void)take(log, line->which, (struct str){0}, text_of(json_at(v, i)), &e);
    for (i = 0; line->kind == PICK_OBJECTS && i < json_length(v); i++)
        walk_object(json_at(v, i), line, log);
    while ((line->kind == PICK_MAP || line->kind == PICK_AMOUNTS) && json_next(v, &it)) {
        if (json_kind(it.value) != JSON_NULL)
            (void)take(log, line->which, it.name, text_of(it.value), &e);
    }
}

static void walk(const json_value *object, const struct json_pick *lines, struct buf *log)
{
    struct json_iter it = {0};
    const struct json_pick *line;

    while (json_next(object, &it)) {
        for (line = lines; line->name.p; line++) {
            if (str_eq(line->name, it.name) && json_kind(it.value) != JSON_NULL)
                walk_line(it.value, line, log);
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size);
    struct buf whole = BUF_INIT(FUZZ_TEXT_MAX), pieces = BUF_INIT(FUZZ_TEXT_MAX),
               walked = BUF_INIT(FUZZ_TEXT_MAX);
    struct err a = {0}, b = {0};
    struct json_doc *doc = NULL;
    int rc = pick(text, true, &whole, &a);

    MUST(pick(text, false, &pieces, &b) == rc);
    MUST(fuzz_same(&whole, &pieces));
    MUST(a.code == b.code && strcmp(a.pointer, b.pointer) == 0);
    if (rc == 0 && json_in_parse(text, &doc, &a) == 0) {
        walk(json_in_root(doc), table, &walked);
        MUST(fuzz_same(&whole, &walked));
    }
    json_in_free(doc);
    buf_free(&whole);
    buf_free(&pieces);
    buf_free(&walked);
    return 0;
}
