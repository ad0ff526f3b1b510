/* SPDX-License-Identifier: MIT */
/*
 * The JSON reader that is fed: a state for each place in the grammar where a piece may end, and a
 * step for each state that goes on from there. A string or number that lies within one piece is
 * handed over where it stands; of one that a piece cuts, what came is kept in `text` (not of a
 * string that nobody wants), and what came of a cut escape or UTF-8 character in `part`.
 *
 * A value that is not wanted is read by the same steps: `skip` only keeps the reader from hearing
 * of it, until the depth is `skip_end` again. Most of what Kubernetes sends is read so: the
 * inner loop for that is json_hurry.
 */
#include "json_stream.h"

#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "json_hurry.h"
#include "json_scan.h"
#include "utf8.h"

/* Beside the places of json_hurry.h, in which blanks may stand. */
enum state {
    AT_COLON = JSON_PLACES, /* after a name */
    AT_END,                 /* after the whole text */
    IN_STRING,              /* after the opening quote */
    IN_PART,                /* … in an escape or character of which `part` has the beginning */
    IN_BARE,                /* in a number or word */
    STATES
};

enum { PART_MAX = 12 }; /* \uD83D\uDE00 */

struct json_stream {
    const struct json_stream_reader *reader;
    void *ctx;
    unsigned state; /* an enum json_place or an enum state */
    bool failed;
    bool is_name; /* the string under way is a member's name */
    bool skip;
    unsigned skip_end;
    unsigned depth;
    uint64_t objects; /* bit 0: the innermost is an object; bit 1: the one round it, … */
    const char *start, *p, *end; /* of the piece */
    size_t before;               /* bytes of the pieces before */
    struct buf text;
    char part[PART_MAX];
    size_t parts;
    struct err *e;
};

struct json_stream *json_stream_new(const struct json_stream_reader *reader, void *ctx)
{
    struct json_stream *s = calloc(1, sizeof *s);

    if (s) {
        s->reader = reader;
        s->ctx = ctx;
        s->state = AT_VALUE;
        s->text = BUF_INIT(JSON_STREAM_TEXT_MAX);
    }
    return s;
}

void json_stream_free(struct json_stream *s)
{
    if (s)
        buf_free(&s->text);
    free(s);
}

static int fail(struct json_stream *s, const char *what)
{
    return err_set(s->e, ERR_MALFORMED_JSON, "%s at byte %zu", what,
                   s->before + (size_t)(s->p - s->start) + 1);
}

static bool is_space(char c)
{
    return c == ' ' || c == '\n' || c == '\r' || c == '\t';
}

/* ---- where a value begins and ends ---- */

/* From here on the reader hears nothing, until the depth is that of now again. */
static void skip_from_here(struct json_stream *s)
{
    s->skip = true;
    s->skip_end = s->depth;
}

/* A value has ended. */
static int value_done(struct json_stream *s)
{
    if (s->skip && s->depth == s->skip_end)
        s->skip = false;
    s->state = s->depth ? AT_NEXT : AT_END;
    return 0;
}

static int scalar(struct json_stream *s, enum json_kind kind, struct str text)
{
    if (!s->skip && s->reader->scalar(s->ctx, kind, text, s->e) < 0)
        return -1;
    return value_done(s);
}

static int enter(struct json_stream *s, enum json_kind kind)
{
    int will = JSON_STREAM_GO;

    if (s->depth == JSON_STREAM_DEPTH_MAX)
        return fail(s, "nested deeper than 64 levels");
    if (!s->skip)
        will = s->reader->begin(s->ctx, kind, s->e);
    if (will < 0)
        return -1;
    if (will == JSON_STREAM_SKIP)
        skip_from_here(s);
    s->p++;
    s->depth++;
    s->objects = s->objects << 1 | (kind == JSON_OBJECT);
    s->state = kind == JSON_OBJECT ? AT_FIRST_NAME : AT_FIRST_VALUE;
    return 0;
}

/* s->p stands on } or ], which must be what ends the innermost. */
static int leave(struct json_stream *s)
{
    if ((*s->p == '}') != (s->objects & 1))
        return fail(s, s->objects & 1 ? "a comma or } is expected" : "a comma or ] is expected");
    s->p++;
    s->depth--;
    s->objects >>= 1;
    if (!s->skip && s->reader->end(s->ctx, s->e) < 0)
        return -1;
    return value_done(s);
}

/* ---- strings ---- */

/* The length of the escape or character that begins at p; 0: it goes on behind end; -1: there is no
 * such thing. */
static int unit_length(const char *p, const char *end)
{
    size_t n;

    if (*p == '\\')
        return json_escape_length(p, end);
    n = utf8_length(p, end);
    if (n > 0)
        return (unsigned char)*p < 0x20 ? -1 : (int)n;
    return end - p < UTF8_CHAR_MAX ? 0 : -1;
}

static int bad_unit(struct json_stream *s, char first)
{
    bool control = (unsigned char)first < 0x20;

    return fail(s, first == '\\' ? "an escape that JSON does not have, or half a surrogate pair,"
                   : control     ? "a control character in a string"
                                 : "not valid UTF-8");
}

/* Keeps a beginning of a token for when the next piece comes. */
static int hold(struct json_stream *s, const char *from, const char *to)
{
    buf_add(&s->text, from, (size_t)(to - from));
    if (s->text.no_memory)
        return err_set(s->e, ERR_INTERNAL, "no memory to read JSON");
    return s->text.failed ? fail(s, "a text of more than 64 KiB") : 0;
}

/* *text = what the token means, from its beginning in `text` and its end in the piece. */
static int whole_text(struct json_stream *s, const char *from, const char *to, struct str *text)
{
    *text = (struct str){from, (size_t)(to - from)};
    if (s->text.len == 0 && !memchr(from, '\\', text->n))
        return 0;
    if (hold(s, from, to) != 0)
        return -1;
    s->text.len = json_unescape(s->text.data, s->text.len);
    *text = buf_span(&s->text);
    return 0;
}

static int string_done(struct json_stream *s, const char *from, const char *to)
{
    struct str text = {0};
    int will = JSON_STREAM_GO;

    if (!s->skip && whole_text(s, from, to, &text) != 0)
        return -1;
    if (!s->is_name) {
        will = scalar(s, JSON_STRING, text);
    } else {
        s->state = AT_COLON;
        if (!s->skip)
            will = s->reader->name(s->ctx, text, s->e);
        if (will == JSON_STREAM_SKIP)
            skip_from_here(s);
    }
    buf_reset(&s->text);
    return will < 0 ? -1 : 0;
}

static int in_string(struct json_stream *s)
{
    const char *from = s->p;
    int n;

    for (;;) {
        s->p = json_plain_end(s->p, s->end);
        if (s->p == s->end)
            return s->skip ? 0 : hold(s, from, s->p);
        if (*s->p == '"')
            return string_done(s, from, s->p++);
        n = unit_length(s->p, s->end);
        if (n < 0)
            return bad_unit(s, *s->p);
        if (n == 0)
            break;
        s->p += n;
    }
    s->parts = (size_t)(s->end - s->p);
    memcpy(s->part, s->p, s->parts);
    s->state = IN_PART;
    if (!s->skip && hold(s, from, s->p) != 0)
        return -1;
    s->p = s->end;
    return 0;
}

static int in_part(struct json_stream *s)
{
    int n;

    s->part[s->parts++] = *s->p;
    n = unit_length(s->part, s->part + s->parts);
    if (n < 0)
        return bad_unit(s, s->part[0]);
    s->p++;
    if (n == 0)
        return 0;
    s->state = IN_STRING;
    return s->skip ? 0 : hold(s, s->part, s->part + s->parts);
}

/* ---- numbers and words ---- */

/* Bytes that may stand in one. */
static const bool bare[256] = {['0' ... '9'] = true, ['a' ... 'z'] = true, ['E'] = true,
                               ['+'] = true,         ['-'] = true,         ['.'] = true};

static int bare_done(struct json_stream *s, struct str text)
{
    static const struct {
        const char *word;
        enum json_kind kind;
    } words[] = {{"null", JSON_NULL}, {"true", JSON_BOOL}, {"false", JSON_BOOL}};
    size_t i;
    int rc;

    for (i = 0; i < ARRAY_LEN(words) && !str_is(text, words[i].word); i++)
        continue;
    if (i < ARRAY_LEN(words))
        rc = scalar(s, words[i].kind, text);
    else if (text.n <= JSON_NUMBER_MAX && json_is_number(text))
        rc = scalar(s, JSON_NUMBER, text);
    else
        rc = fail(s, "a value is expected before what stands");
    buf_reset(&s->text);
    return rc;
}

static int in_bare(struct json_stream *s)
{
    const char *from = s->p;

    while (s->p < s->end && bare[(unsigned char)*s->p])
        s->p++;
    if (s->text.len == 0 && s->p < s->end)
        return bare_done(s, (struct str){from, (size_t)(s->p - from)});
    if (hold(s, from, s->p) != 0)
        return -1;
    return s->p < s->end ? bare_done(s, buf_span(&s->text)) : 0;
}

/* ---- the steps; s->p stands on a byte that is no blank where blanks may stand ---- */

static int begin_string(struct json_stream *s)
{
    s->p++;
    s->state = IN_STRING;
    return 0;
}

static int at_value(struct json_stream *s)
{
    char c = *s->p;

    s->is_name = false;
    if (c == '"')
        return begin_string(s);
    if (c == '{')
        return enter(s, JSON_OBJECT);
    if (c == '[')
        return enter(s, JSON_ARRAY);
    if (!bare[(unsigned char)c])
        return fail(s, "a value is expected");
    s->state = IN_BARE;
    return 0;
}

static int at_first_value(struct json_stream *s)
{
    return *s->p == ']' ? leave(s) : at_value(s);
}

static int at_name(struct json_stream *s)
{
    if (*s->p != '"')
        return fail(s, "a member's name in quotes is expected");
    s->is_name = true;
    return begin_string(s);
}

static int at_first_name(struct json_stream *s)
{
    return *s->p == '}' ? leave(s) : at_name(s);
}

static int at_colon(struct json_stream *s)
{
    if (*s->p != ':')
        return fail(s, "a colon is expected");
    s->p++;
    s->state = AT_VALUE;
    return 0;
}

static int at_next(struct json_stream *s)
{
    if (*s->p != ',')
        return *s->p == '}' || *s->p == ']' ? leave(s) : fail(s, "a comma or an end is expected");
    s->p++;
    s->state = s->objects & 1 ? AT_NAME : AT_VALUE;
    return 0;
}

static int at_end(struct json_stream *s)
{
    return fail(s, "more text after the value");
}

static int (*const steps[])(struct json_stream *s) = {
    [AT_NAME] = at_name,   [AT_FIRST_NAME] = at_first_name,
    [AT_VALUE] = at_value, [AT_FIRST_VALUE] = at_first_value,
    [AT_NEXT] = at_next,   [AT_COLON] = at_colon,
    [AT_END] = at_end,     [IN_STRING] = in_string,
    [IN_PART] = in_part,   [IN_BARE] = in_bare,
};
_Static_assert(ARRAY_LEN(steps) == STATES, "a step for each state");

static void hurry(struct json_stream *s)
{
    struct json_hurry h = {s->p, s->end, s->state, s->depth, s->objects};

    json_hurry(&h, s->skip_end);
    s->p = h.p;
    s->state = h.place;
    s->depth = h.depth;
    s->objects = h.objects;
}

static int run(struct json_stream *s)
{
    while (s->p < s->end) {
        if (s->skip && s->depth > s->skip_end && s->state < JSON_PLACES)
            hurry(s);
        if (s->state < IN_STRING && is_space(*s->p))
            s->p++;
        else if (steps[s->state](s) != 0)
            return -1;
    }
    return 0;
}

int json_stream_feed(struct json_stream *s, struct str piece, struct err *e)
{
    if (s->failed)
        return err_set(e, ERR_MALFORMED_JSON, "the JSON before was wrong");
    if (piece.n == 0)
        return 0;
    s->e = e;
    s->start = s->p = piece.p;
    s->end = piece.p + piece.n;
    s->failed = run(s) != 0;
    s->before += piece.n;
    return s->failed ? -1 : 0;
}

int json_stream_finish(struct json_stream *s, struct err *e)
{
    struct str blank = STR_LIT("\n");

    /* Only a byte behind a number shows that it is whole. */
    if (json_stream_feed(s, s->state == IN_BARE ? blank : (struct str){0}, e) != 0)
        return -1;
    if (s->state == AT_END)
        return 0;
    if (s->state == AT_VALUE && s->depth == 0)
        return err_set(e, ERR_MALFORMED_JSON, "there is no JSON: the text is empty");
    return err_set(e, ERR_MALFORMED_JSON, "the JSON is cut off after %zu bytes", s->before);
}
