/* SPDX-License-Identifier: MIT */
/*
 * Picking by table, on the reader that is fed. There is a frame for each object or array that
 * counts and is open; what does not count is skipped below this file. Where an error happened is
 * written when it happens, from the frames.
 */
#include "json_pick.h"

#include <stdlib.h>
#include <string.h>

enum { FRAMES_MAX = 16, NAME_MAX_KEPT = 320 }; /* a label's key is 317 bytes long at the most */

/* What is open. */
struct frame {
    const struct json_pick *line;   /* that it belongs to; NULL: the whole text */
    const struct json_pick *inside; /* the lines that count in it; NULL: all of it is the line's */
    bool array;
    size_t index; /* of an array: of the element that comes next */
    void *ctx;
};

struct json_picker {
    struct json_stream *stream;
    const struct json_pick *table;
    void *ctx;
    struct frame frame[FRAMES_MAX];
    size_t frames;
    const struct json_pick *next; /* the line of the member whose name has come */
    char kept[NAME_MAX_KEPT];     /* in a map: that name */
    struct str name;
};

#define KIND(k) (1U << (k))

/* What a line's value must be, and what is in it when that is not told by lines of its own. */
static const struct {
    unsigned value, each;
} kinds[] = {
    [PICK_TEXT] = {KIND(JSON_STRING), 0},
    [PICK_BOOL] = {KIND(JSON_BOOL), 0},
    [PICK_TEXTS] = {KIND(JSON_ARRAY), KIND(JSON_STRING)},
    [PICK_OBJECT] = {KIND(JSON_OBJECT), 0},
    [PICK_OBJECTS] = {KIND(JSON_ARRAY), KIND(JSON_OBJECT)},
    [PICK_MAP] = {KIND(JSON_OBJECT), KIND(JSON_STRING) | KIND(JSON_NULL)},
    [PICK_AMOUNTS] = {KIND(JSON_OBJECT), KIND(JSON_STRING) | KIND(JSON_NUMBER) | KIND(JSON_NULL)},
};
_Static_assert(ARRAY_LEN(kinds) == PICK_KINDS, "what each kind is");

static struct frame *top(struct json_picker *p)
{
    return &p->frame[p->frames - 1];
}

/* Says where it happened: the lines' names and the indices of all that is open. */
static int located(const struct json_picker *p, struct err *e)
{
    char room[JSON_POINTER_ROOM] = "", index[24];
    size_t i;

    for (i = 1; i < p->frames; i++) {
        const struct frame *f = &p->frame[i];

        if (!p->frame[i - 1].array)
            json_pointer_add(room, f->line->name);
        if (f->array) {
            (void)snprintf(index, sizeof index, "%zu", f->index);
            json_pointer_add(room, str_of(index));
        }
    }
    if (p->next && !p->frame[p->frames - 1].array)
        json_pointer_add(room, p->name.p ? p->name : p->next->name);
    e->pointer[0] = '\0';
    return err_under(e, "%s", room);
}

/* Is a value of this kind right where it comes? 0, or -1. */
static int check_kind(struct json_picker *p, enum json_kind kind, struct err *e)
{
    unsigned right = KIND(JSON_OBJECT);
    int word = JSON_OBJECT;

    if (p->frames > 0)
        right = top(p)->inside ? kinds[p->next->kind].value | KIND(JSON_NULL)
                               : kinds[top(p)->line->kind].each;
    if (right & KIND(kind))
        return 0;
    while (!(right & KIND(word)))
        word--;
    (void)err_set(e, ERR_INVALID, "must be %s, not %s", json_kind_word((enum json_kind)word),
                  json_kind_word(kind));
    return located(p, e);
}

/* Most names are in no line, so their first bytes decide. */
static bool is_same(struct str a, struct str b)
{
    return a.n == b.n && a.n > 0 && a.p[0] == b.p[0] && memcmp(a.p, b.p, a.n) == 0;
}

static int find_line(struct json_picker *p, struct str name)
{
    const struct json_pick *line = top(p)->inside;

    while (line->name.p && !is_same(line->name, name))
        line++;
    p->next = line->name.p ? line : NULL;
    p->name = (struct str){0};
    if (p->next && p->next->seen)
        *p->next->seen = true;
    return p->next ? JSON_STREAM_GO : JSON_STREAM_SKIP;
}

static int on_name(void *ctx, struct str name, struct err *e)
{
    struct json_picker *p = ctx;

    if (top(p)->inside)
        return find_line(p, name);
    p->next = top(p)->line;
    if (name.n >= sizeof p->kept) {
        (void)err_set(e, ERR_INVALID, "a name in it is longer than %zu bytes", sizeof p->kept - 1);
        p->next = NULL;
        return located(p, e);
    }
    memcpy(p->kept, name.p, name.n);
    p->kept[name.n] = '\0';
    p->name = (struct str){p->kept, name.n};
    return JSON_STREAM_GO;
}

/* Calls what a line wants called when an object begins or ends. */
static int call(const struct frame *f, int (*fn)(void *ctx, int which, struct err *e),
                struct err *e)
{
    return fn ? fn(f->ctx, f->line->which, e) : 0;
}

static struct frame frame_for(struct json_picker *p, enum json_kind kind)
{
    struct frame f = {.inside = p->table, .ctx = p->ctx, .array = kind == JSON_ARRAY};

    if (p->frames == 0)
        return f;
    f.line = top(p)->array ? top(p)->line : p->next;
    f.inside = kind == JSON_OBJECT ? f.line->inside : NULL;
    f.ctx = f.line->ctx ? f.line->ctx : top(p)->ctx;
    return f;
}

static int on_begin(void *ctx, enum json_kind kind, struct err *e)
{
    struct json_picker *p = ctx;
    struct frame f;

    if (check_kind(p, kind, e) != 0)
        return -1;
    if (p->frames == FRAMES_MAX)
        return err_set(e, ERR_INTERNAL, "a table of what counts in JSON is too deep");
    f = frame_for(p, kind);
    p->frame[p->frames++] = f;
    p->next = NULL;
    p->name = (struct str){0};
    if (f.line && f.inside && call(&f, f.line->begin, e) != 0)
        return located(p, e);
    return JSON_STREAM_GO;
}

static int on_end(void *ctx, struct err *e)
{
    struct json_picker *p = ctx;
    struct frame *f = top(p);

    p->next = NULL;
    if (f->line && f->inside && call(f, f->line->end, e) != 0)
        return located(p, e);
    p->frames--;
    if (p->frames > 0 && top(p)->array)
        top(p)->index++;
    return JSON_STREAM_GO;
}

static int on_scalar(void *ctx, enum json_kind kind, struct str text, struct err *e)
{
    struct json_picker *p = ctx;
    const struct json_pick *line;

    if (check_kind(p, kind, e) != 0)
        return -1;
    if (kind == JSON_NULL)
        return JSON_STREAM_GO;
    line = top(p)->array ? top(p)->line : p->next;
    if (line->take(line->ctx ? line->ctx : top(p)->ctx, line->which, p->name, text, e) != 0)
        return located(p, e);
    if (top(p)->array)
        top(p)->index++;
    return JSON_STREAM_GO;
}

static const struct json_stream_reader reader = {
    .name = on_name, .begin = on_begin, .end = on_end, .scalar = on_scalar};

struct json_picker *json_picker_new(const struct json_pick *table, void *ctx)
{
    struct json_picker *p = calloc(1, sizeof *p);

    if (!p)
        return NULL;
    p->table = table;
    p->ctx = ctx;
    p->stream = json_stream_new(&reader, p);
    if (!p->stream) {
        free(p);
        return NULL;
    }
    return p;
}

void json_picker_free(struct json_picker *p)
{
    if (p)
        json_stream_free(p->stream);
    free(p);
}

int json_picker_feed(struct json_picker *p, struct str piece, struct err *e)
{
    return json_stream_feed(p->stream, piece, e);
}

int json_picker_finish(struct json_picker *p, struct err *e)
{
    return json_stream_finish(p->stream, e);
}
