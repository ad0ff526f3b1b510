/* SPDX-License-Identifier: MIT */
/*
 * YAML in: the events of libyaml become a tree, without recursion.
 *
 * `done` is a stack of complete nodes: those of the innermost open collection are on top, and
 * become its elements when it ends. Every collection that is open has a frame. `nodes` counts what
 * the tree would hold with all aliases written out; since an alias is the node itself and costs no
 * memory, that count is what keeps a reader of the tree from walking for ever.
 */
#include "yaml_in.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <unistd.h>
#include <yaml.h>

#include "arena.h"
#include "buf.h"
#include "utf8.h"

enum { ARENA_BYTES_MAX = 64 << 20, READ_BYTES = 65536, SHOWN_BYTES_MAX = 64 };

struct yaml_doc {
    struct arena *arena;
    const struct yaml_node *root;
};

struct anchor {
    struct str name;
    struct yaml_node *node;
    bool complete;
    size_t nodes;  /* it and all below it */
    size_t height; /* levels of collections in it; a scalar has none */
};

struct frame {
    struct yaml_node *node;
    struct anchor *anchor; /* NULL: it has none */
    size_t first;          /* of its elements in tree.done */
    size_t nodes;          /* tree.nodes before it */
    size_t deepest;        /* level of the deepest collection in it */
};

struct tree {
    const char *name;
    struct arena *arena;
    struct err *e;
    struct yaml_node **done;
    size_t dones, room;
    struct frame frame[YAML_DEPTH_MAX];
    size_t depth; /* open frames */
    struct anchor anchor[YAML_ANCHORS_MAX];
    size_t anchors;
    size_t nodes;
    size_t documents;
};

#define fail(t, line, ...) yaml_fail((t)->name, (line), (t)->e, __VA_ARGS__)

int yaml_fail(const char *name, size_t line, struct err *e, const char *fmt, ...)
{
    char text[ERR_TEXT_MAX], *p;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    for (p = text; *p; p++) {
        if ((unsigned char)*p < ' ' || *p == 0x7f)
            *p = '?';
    }
    return err_set(e, ERR_CONFIG, "%s:%zu: %s", name, line, text);
}

static int no_memory(struct tree *t)
{
    return err_set(t->e, ERR_INTERNAL, "%s: no memory to read it", t->name);
}

static int count_nodes(struct tree *t, size_t n, size_t line)
{
    if (n > YAML_NODES_MAX - t->nodes)
        return fail(t, line, "more than %d values, those of aliases counted each time",
                    YAML_NODES_MAX);
    t->nodes += n;
    return 0;
}

static struct yaml_node *new_node(struct tree *t, enum yaml_kind kind, const yaml_event_t *event)
{
    struct yaml_node *node = arena_array(t->arena, 1, sizeof *node);

    if (!node) {
        (void)no_memory(t);
        return NULL;
    }
    node->kind = kind;
    node->line = event->start_mark.line + 1;
    return node;
}

/* A key must be one that a reader can compare with a word. */
static int check_key(struct tree *t, const struct yaml_node *node)
{
    if (node->kind != YAML_SCALAR)
        return fail(t, node->line, "a key must be a word, not a list or a mapping");
    if (!node->quoted && str_is(node->scalar, "<<"))
        return fail(t, node->line, "merge keys (<<) are not taken; an alias as a value is");
    return 0;
}

/* Puts a complete node into the collection that is open. */
static int attach(struct tree *t, struct yaml_node *node)
{
    const struct frame *f = t->depth ? &t->frame[t->depth - 1] : NULL;
    struct yaml_node **grown;

    if (f && f->node->kind == YAML_MAP && (t->dones - f->first) % 2 == 0 && check_key(t, node) != 0)
        return -1;
    if (t->dones == t->room) {
        t->room = t->room ? 2 * t->room : 64;
        grown = realloc(t->done, t->room * sizeof(struct yaml_node *));
        if (!grown)
            return no_memory(t);
        t->done = grown;
    }
    t->done[t->dones++] = node;
    return 0;
}

/* Gives the name to the node; *anchor is NULL when there is no name. */
static int add_anchor(struct tree *t, const yaml_char_t *name, struct yaml_node *node,
                      struct anchor **anchor)
{
    struct anchor *a;

    *anchor = NULL;
    if (!name)
        return 0;
    if (t->anchors == YAML_ANCHORS_MAX)
        return fail(t, node->line, "more than %d anchors", YAML_ANCHORS_MAX);
    a = &t->anchor[t->anchors++];
    *a = (struct anchor){.node = node, .nodes = 1};
    *anchor = a;
    return arena_copy(t->arena, str_of((const char *)name), &a->name) == 0 ? 0 : no_memory(t);
}

/* Is the tag one that says of this kind of node what it is anyway? "!" and !!str make a scalar a
 * string. */
static int check_tag(struct tree *t, const yaml_char_t *tag, struct yaml_node *node)
{
    static const struct {
        const char *tag;
        enum yaml_kind kind;
        bool string;
    } standard[] = {
        {YAML_STR_TAG, YAML_SCALAR, true},   {"!", YAML_SCALAR, true},
        {YAML_INT_TAG, YAML_SCALAR, false},  {YAML_FLOAT_TAG, YAML_SCALAR, false},
        {YAML_BOOL_TAG, YAML_SCALAR, false}, {YAML_NULL_TAG, YAML_SCALAR, false},
        {YAML_SEQ_TAG, YAML_LIST, false},    {"!", YAML_LIST, false},
        {YAML_MAP_TAG, YAML_MAP, false},     {"!", YAML_MAP, false},
    };
    struct str cut;
    size_t i;

    if (!tag)
        return 0;
    for (i = 0; i < ARRAY_LEN(standard); i++) {
        if (standard[i].kind != node->kind || strcmp(standard[i].tag, (const char *)tag) != 0)
            continue;
        node->quoted = node->quoted || standard[i].string;
        return 0;
    }
    cut = utf8_cut(str_of((const char *)tag), SHOWN_BYTES_MAX);
    return fail(t, node->line, "the tag \"%.*s\" is not taken here", (int)cut.n, cut.p);
}

static int on_scalar(struct tree *t, const yaml_event_t *event)
{
    struct str text = {(const char *)event->data.scalar.value, event->data.scalar.length};
    struct yaml_node *node = new_node(t, YAML_SCALAR, event);
    struct anchor *anchor;

    if (!node || count_nodes(t, 1, node->line) != 0)
        return -1;
    node->quoted = event->data.scalar.style != YAML_PLAIN_SCALAR_STYLE;
    if (memchr(text.p, '\0', text.n))
        return fail(t, node->line, "a NUL byte in a text");
    if (check_tag(t, event->data.scalar.tag, node) != 0 ||
        add_anchor(t, event->data.scalar.anchor, node, &anchor) != 0)
        return -1;
    if (anchor)
        anchor->complete = true;
    if (arena_copy(t->arena, text, &node->scalar) != 0)
        return no_memory(t);
    return attach(t, node);
}

static int on_alias(struct tree *t, const yaml_event_t *event)
{
    const char *name = (const char *)event->data.alias.anchor;
    size_t line = event->start_mark.line + 1, i = t->anchors;
    struct str cut = utf8_cut(str_of(name), SHOWN_BYTES_MAX);
    const struct anchor *a;
    struct frame *f;

    while (i > 0 && !str_is(t->anchor[i - 1].name, name)) /* the last one of that name counts */
        i--;
    if (i == 0)
        return fail(t, line, "no anchor \"%.*s\" before this alias", (int)cut.n, cut.p);
    a = &t->anchor[i - 1];
    if (!a->complete)
        return fail(t, line, "the alias \"%.*s\" stands within what it names", (int)cut.n, cut.p);
    if (count_nodes(t, a->nodes, line) != 0)
        return -1;
    f = &t->frame[t->depth - 1]; /* there is one: a document that is an alias has no anchor */
    if (t->depth + a->height > YAML_DEPTH_MAX)
        return fail(t, line, "more than %d levels deep", YAML_DEPTH_MAX);
    if (t->depth + a->height > f->deepest)
        f->deepest = t->depth + a->height;
    return attach(t, a->node);
}

static int open_frame(struct tree *t, struct yaml_node *node, const yaml_char_t *tag,
                      const yaml_char_t *name)
{
    struct frame *f;

    if (!node)
        return -1;
    if (t->depth == YAML_DEPTH_MAX)
        return fail(t, node->line, "more than %d levels deep", YAML_DEPTH_MAX);
    f = &t->frame[t->depth];
    *f =
        (struct frame){.node = node, .first = t->dones, .nodes = t->nodes, .deepest = t->depth + 1};
    if (count_nodes(t, 1, node->line) != 0 || check_tag(t, tag, node) != 0 ||
        add_anchor(t, name, node, &f->anchor) != 0)
        return -1;
    t->depth++;
    return 0;
}

static int on_list(struct tree *t, const yaml_event_t *event)
{
    return open_frame(t, new_node(t, YAML_LIST, event), event->data.sequence_start.tag,
                      event->data.sequence_start.anchor);
}

static int on_map(struct tree *t, const yaml_event_t *event)
{
    return open_frame(t, new_node(t, YAML_MAP, event), event->data.mapping_start.tag,
                      event->data.mapping_start.anchor);
}

static int compare_keys(const void *a, const void *b)
{
    const struct yaml_node *x = *(struct yaml_node *const *)a, *y = *(struct yaml_node *const *)b;
    int order = str_cmp(x->scalar, y->scalar);

    return order ? order : (x->line > y->line) - (x->line < y->line);
}

/* Sorted, equal keys are neighbours: comparing each with each would let a long mapping take
 * minutes. */
static int check_unique(struct tree *t, const struct yaml_node *map)
{
    struct yaml_node **key = calloc(map->n + 1, sizeof(struct yaml_node *));
    struct str cut;
    size_t i;
    int failed = 0;

    if (!key)
        return no_memory(t);
    for (i = 0; i < map->n; i++)
        key[i] = map->item[2 * i];
    qsort(key, map->n, sizeof(struct yaml_node *), compare_keys);
    for (i = 1; i < map->n && !failed; i++) {
        if (!str_eq(key[i - 1]->scalar, key[i]->scalar))
            continue;
        cut = utf8_cut(key[i]->scalar, SHOWN_BYTES_MAX);
        failed = fail(t, key[i]->line, "the key \"%.*s\" is there twice, first in line %zu",
                      (int)cut.n, cut.p, key[i - 1]->line);
    }
    free(key);
    return failed;
}

static int on_end(struct tree *t, const yaml_event_t *event)
{
    struct frame *f = &t->frame[--t->depth];
    struct yaml_node *node = f->node, **item;
    size_t n = t->dones - f->first;

    (void)event;
    item = arena_array(t->arena, n, sizeof(struct yaml_node *));
    if (!item)
        return no_memory(t);
    if (n)
        memcpy(item, t->done + f->first, n * sizeof(struct yaml_node *));
    t->dones = f->first;
    node->item = item;
    node->n = node->kind == YAML_MAP ? n / 2 : n;
    if (node->kind == YAML_MAP && check_unique(t, node) != 0)
        return -1;
    if (f->anchor) {
        f->anchor->complete = true;
        f->anchor->nodes = t->nodes - f->nodes;
        f->anchor->height = f->deepest - t->depth;
    }
    if (t->depth && f->deepest > f[-1].deepest)
        f[-1].deepest = f->deepest;
    return attach(t, node);
}

static int on_document(struct tree *t, const yaml_event_t *event)
{
    if (t->documents++)
        return fail(t, event->start_mark.line + 1, "a second document; only one is taken");
    return 0;
}

static int on_nothing(struct tree *t, const yaml_event_t *event)
{
    (void)t;
    (void)event;
    return 0;
}

static int (*const handlers[])(struct tree *, const yaml_event_t *) = {
    [YAML_NO_EVENT] = on_nothing,           [YAML_STREAM_START_EVENT] = on_nothing,
    [YAML_STREAM_END_EVENT] = on_nothing,   [YAML_DOCUMENT_START_EVENT] = on_document,
    [YAML_DOCUMENT_END_EVENT] = on_nothing, [YAML_ALIAS_EVENT] = on_alias,
    [YAML_SCALAR_EVENT] = on_scalar,        [YAML_SEQUENCE_START_EVENT] = on_list,
    [YAML_SEQUENCE_END_EVENT] = on_end,     [YAML_MAPPING_START_EVENT] = on_map,
    [YAML_MAPPING_END_EVENT] = on_end,
};

/* What libyaml itself found wrong. Its reader knows the byte, the rest of it the line. */
static int parser_failed(struct tree *t, const yaml_parser_t *p, struct str text)
{
    const char *context = p->context ? p->context : "";
    size_t i, line = p->problem_mark.line + 1;

    if (p->error == YAML_MEMORY_ERROR)
        return no_memory(t);
    if (p->error == YAML_READER_ERROR) {
        for (line = 1, i = 0; i < p->problem_offset && i < text.n; i++)
            line += text.p[i] == '\n';
    }
    return fail(t, line, "%s%s%s", context, *context ? ": " : "",
                p->problem ? p->problem : "not YAML");
}

static int run_events(struct tree *t, yaml_parser_t *p, struct str text)
{
    yaml_event_type_t type;
    yaml_event_t event;
    int failed;

    do {
        if (!yaml_parser_parse(p, &event))
            return parser_failed(t, p, text);
        type = event.type;
        failed = handlers[type](t, &event);
        yaml_event_delete(&event);
    } while (!failed && type != YAML_STREAM_END_EVENT);
    return failed;
}

static int build(struct tree *t, struct str text)
{
    yaml_parser_t parser;
    int failed;

    if (text.n > YAML_BYTES_MAX)
        return err_set(t->e, ERR_CONFIG, "%s: larger than %d bytes", t->name, YAML_BYTES_MAX);
    if (!yaml_parser_initialize(&parser))
        return no_memory(t);
    yaml_parser_set_encoding(&parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text.p, text.n);
    failed = run_events(t, &parser, text);
    yaml_parser_delete(&parser);
    return failed;
}

int yaml_parse(struct str text, const char *name, struct yaml_doc **doc, struct err *e)
{
    static const struct yaml_node empty = {.kind = YAML_MAP, .line = 1};
    struct arena *arena = arena_new(ARENA_BYTES_MAX);
    struct tree t = {.name = name, .arena = arena, .e = e};
    struct yaml_doc *made = arena ? arena_array(arena, 1, sizeof *made) : NULL;
    int failed;

    if (!made) {
        arena_free(arena);
        return no_memory(&t);
    }
    failed = build(&t, text);
    *made = (struct yaml_doc){.arena = arena, .root = t.dones ? t.done[0] : &empty};
    free(t.done);
    if (failed)
        arena_free(arena);
    else
        *doc = made;
    return failed;
}

/* Reads to the end, or to one byte more than is taken. */
static int read_all(int fd, const char *path, struct buf *text, struct err *e)
{
    ssize_t n = 1;
    char *room;

    while (n != 0 && text->len <= YAML_BYTES_MAX) {
        room = buf_room(text, READ_BYTES);
        if (!room)
            return err_set(e, ERR_INTERNAL, "%s: no memory to read it", path);
        n = read(fd, room, READ_BYTES);
        if (n < 0 && errno != EINTR)
            return err_errno(e, ERR_CONFIG, "%s", path);
        text->len += n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int yaml_load(const char *path, struct yaml_doc **doc, struct err *e)
{
    struct buf text = BUF_INIT(YAML_BYTES_MAX + 2 * READ_BYTES);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int failed;

    if (fd < 0)
        return err_errno(e, ERR_CONFIG, "%s", path);
    failed = read_all(fd, path, &text, e);
    (void)close(fd); /* nothing was written */
    if (!failed)
        failed = yaml_parse(buf_span(&text), path, doc, e);
    buf_free(&text);
    return failed;
}

void yaml_doc_free(struct yaml_doc *doc)
{
    if (doc)
        arena_free(doc->arena);
}

const struct yaml_node *yaml_root(const struct yaml_doc *doc)
{
    return doc->root;
}

const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key)
{
    size_t i;

    for (i = 0; i < map->n; i++) {
        if (str_is(map->item[2 * i]->scalar, key))
            return map->item[2 * i + 1];
    }
    return NULL;
}

bool yaml_is_null(const struct yaml_node *node)
{
    static const char *const words[] = {"", "~", "null", "Null", "NULL"};
    size_t i;

    if (node->kind != YAML_SCALAR || node->quoted)
        return false;
    for (i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is(node->scalar, words[i]))
            return true;
    }
    return false;
}
