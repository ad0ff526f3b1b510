/* SPDX-License-Identifier: MIT */
/*
 * From provider summaries to hosts. Every inventory of every provider is a piece, and every trait a
 * mark, each with the root of its tree; sorted, those of a tree are neighbours, and of a class.
 */
#include "openstack_candidates.h"

#include "answer.h"
#include "num.h"

enum { OVERCOMMIT_MAX = 16 };

static const char sharing_trait[] = "MISC_SHARES_VIA_AGGREGATE";

static const struct {
    const char *class, *resource;
} renamed[] = {{"MEMORY_MB", "Memory"}, {"DISK_GB", "Disk"}};

struct piece {
    struct str root, resource;
    int64_t capacity, used;
    bool shared;
};

struct mark {
    struct str root, trait;
    bool shared, nested;
};

struct reader {
    struct intern *texts;
    size_t pieces, marks, trees;
    struct piece *piece;
    struct mark *mark;
    struct mark *tree; /* the roots; their trait is "" */
};

int64_t openstack_sure(struct str resource, int64_t total)
{
    static const char *const in_ones[] = {"VCPU", "PCPU", "Memory", "Disk"};
    size_t i = 0;

    while (i < ARRAY_LEN(in_ones) && !str_is(resource, in_ones[i]))
        i++;
    if (i == ARRAY_LEN(in_ones))
        return SOURCE_NEVER_SURE;
    return total / OVERCOMMIT_MAX > 0 ? total / OVERCOMMIT_MAX : 1;
}

struct str openstack_class(struct str resource)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(renamed); i++) {
        if (str_is(resource, renamed[i].resource))
            return str_of(renamed[i].class);
    }
    return resource;
}

static int no_memory(struct err *e)
{
    (void)err_set(e, ERR_INTERNAL, "out of memory while reading Placement's answer");
    return -1;
}

static int wrap(struct err *e, struct str uuid)
{
    (void)err_wrap(e, "provider_summaries.%.*s", (int)(uuid.n < 40 ? uuid.n : 40), uuid.p);
    return -1;
}

static int keep(struct intern *texts, struct str text, struct str *kept, struct err *e)
{
    size_t i = intern_add(texts, text);

    if (i == INTERN_NONE)
        return no_memory(e);
    *kept = texts->text[i];
    return 0;
}

/* ---- reading ---- */

static size_t members(const json_value *object)
{
    struct json_iter it = {0};
    size_t n = 0;

    while (json_next(object, &it))
        n++;
    return n;
}

/* Room for all that the summaries hold. */
static int make_room(struct reader *r, const json_value *summaries, struct err *e)
{
    struct json_iter it = {0};
    size_t pieces = 0, marks = 0, trees = 0;
    json_value *resources, *traits;

    for (; json_next(summaries, &it); trees++) {
        if (answer_member(it.value, "resources", JSON_OBJECT, &resources, e) != 0 ||
            answer_member(it.value, "traits", JSON_ARRAY, &traits, e) != 0)
            return wrap(e, it.name);
        pieces += members(resources);
        marks += json_length(traits);
    }
    r->piece = arena_array(r->texts->arena, pieces, sizeof *r->piece);
    r->mark = arena_array(r->texts->arena, marks, sizeof *r->mark);
    r->tree = arena_array(r->texts->arena, trees, sizeof *r->tree);
    return r->piece && r->mark && r->tree ? 0 : no_memory(e);
}

/* A member that make_room found to be there. */
static json_value *member(const json_value *provider, const char *name)
{
    json_value *v = NULL;

    (void)json_member(provider, name, &v);
    return v;
}

/* *shared: does one of the traits say that the provider shares what it has? */
static int look_at_traits(const json_value *traits, bool *shared, struct err *e)
{
    json_value *v;
    size_t i;

    *shared = false;
    for (i = 0; i < json_length(traits); i++) {
        v = json_at(traits, i);
        if (json_kind(v) != JSON_STRING)
            return err_set(e, ERR_UNAVAILABLE, "a trait is %s", json_kind_word(json_kind(v)));
        *shared = *shared || str_is(json_string(v), sharing_trait);
    }
    return 0;
}

static int read_traits(struct reader *r, const json_value *traits, const struct mark *tree,
                       bool nested, struct err *e)
{
    struct mark *m;
    size_t i;

    for (i = 0; i < json_length(traits); i++) {
        m = &r->mark[r->marks++];
        *m = (struct mark){.root = tree->root, .shared = tree->shared, .nested = nested};
        if (keep(r->texts, json_string(json_at(traits, i)), &m->trait, e) != 0)
            return -1;
    }
    return 0;
}

static int read_resources(struct reader *r, const json_value *resources, const struct mark *tree,
                          struct err *e)
{
    struct json_iter it = {0};
    struct piece *p;

    while (json_next(resources, &it)) {
        p = &r->piece[r->pieces++];
        *p = (struct piece){.root = tree->root, .shared = tree->shared};
        if (answer_count(it.value, "capacity", 0, &p->capacity, e) != 0 ||
            answer_count(it.value, "used", 0, &p->used, e) != 0)
            return err_wrap(e, "%.*s", (int)(it.name.n < 64 ? it.name.n : 64), it.name.p);
        if (keep(r->texts, demand_resource(STR_LIT("vm"), it.name), &p->resource, e) != 0)
            return -1;
    }
    return 0;
}

/* One that shares stands for itself, whatever tree it is in. */
static int read_provider(struct reader *r, struct str uuid, const json_value *provider,
                         struct err *e)
{
    const json_value *traits = member(provider, "traits");
    struct mark *tree = &r->tree[r->trees++];
    struct str root;

    if (answer_text(provider, "root_provider_uuid", &root, e) != 0 ||
        look_at_traits(traits, &tree->shared, e) != 0 ||
        keep(r->texts, tree->shared ? uuid : root, &tree->root, e) != 0 ||
        read_traits(r, traits, tree, !str_eq(uuid, tree->root), e) != 0)
        return -1;
    return read_resources(r, member(provider, "resources"), tree, e);
}

static int read_summaries(struct reader *r, const json_value *root, struct err *e)
{
    struct json_iter it = {0};
    json_value *summaries;

    if (answer_member(root, "provider_summaries", JSON_OBJECT, &summaries, e) != 0 ||
        make_room(r, summaries, e) != 0)
        return -1;
    while (json_next(summaries, &it)) {
        if (it.name.n == 0)
            return err_set(e, ERR_UNAVAILABLE, "a provider has no uuid");
        if (read_provider(r, it.name, it.value, e) != 0)
            return wrap(e, it.name);
    }
    return 0;
}

/* ---- sorting ---- */

static int compare_marks(const void *a, const void *b)
{
    const struct mark *x = a, *y = b;
    int order = (int)x->shared - (int)y->shared;

    if (order == 0)
        order = str_cmp(x->root, y->root);
    if (order == 0)
        order = str_cmp(x->trait, y->trait);
    return order ? order : (int)x->nested - (int)y->nested;
}

static int compare_pieces(const void *a, const void *b)
{
    const struct piece *x = a, *y = b;
    int order = (int)x->shared - (int)y->shared;

    if (order == 0)
        order = str_cmp(x->root, y->root);
    return order ? order : str_cmp(x->resource, y->resource);
}

/* ---- hosts ---- */

/* n pieces of one class of one host. */
static int join_pieces(const struct piece *p, size_t n, struct source_amount *amount, struct err *e)
{
    bool single = true;
    int64_t total = 0, sum = 0, most = 0, left;
    size_t i;

    for (i = 0; i < n; i++) {
        single = single && p[i].capacity <= 1;
        left = p[i].capacity > p[i].used ? p[i].capacity - p[i].used : 0;
        most = left > most ? left : most;
        sum += left;
        total += p[i].capacity;
        if (total > NUM_SAFE_MAX) /* none is more by itself, so nothing wraps */
            return err_set(e, ERR_UNAVAILABLE, "more %.*s than can be counted", (int)p->resource.n,
                           p->resource.p);
    }
    *amount = (struct source_amount){.resource = p->resource,
                                     .total = total,
                                     .used = n == 1 ? p->used : total - (single ? sum : most),
                                     .sure = openstack_sure(p->resource, total)};
    return 0;
}

/* The pieces from *at on that are the tree's become the host's amounts. */
static int take_amounts(const struct reader *r, const struct mark *tree, size_t *at,
                        struct openstack_host *h, struct err *e)
{
    const struct piece *p = r->piece + *at;
    size_t n = 0, same;

    while (*at + n < r->pieces && p[n].shared == tree->shared && str_eq(p[n].root, tree->root))
        n++;
    *at += n;
    h->amount = arena_array(r->texts->arena, n, sizeof *h->amount);
    if (!h->amount)
        return no_memory(e);
    for (; n > 0; n -= same, p += same) {
        for (same = 1; same < n && str_eq(p[same].resource, p->resource);)
            same++;
        h->exact = h->exact || same > 1;
        if (join_pieces(p, same, &h->amount[h->amounts++], e) != 0)
            return -1;
    }
    return 0;
}

static int take_labels(const struct reader *r, const struct mark *tree, size_t *at,
                       struct openstack_host *h, struct err *e)
{
    const struct mark *m = r->mark + *at;
    size_t n = 0, i;

    while (*at + n < r->marks && m[n].shared == tree->shared && str_eq(m[n].root, tree->root))
        n++;
    *at += n;
    h->label = arena_array(r->texts->arena, n, sizeof *h->label);
    if (!h->label)
        return no_memory(e);
    for (i = 0; i < n; i++) {
        if (i == 0 || !str_eq(m[i].trait, m[i - 1].trait))
            h->label[h->labels++] = (struct source_label){m[i].trait, STR_LIT(""), m[i].nested};
    }
    return 0;
}

static int make_hosts(struct reader *r, struct openstack_candidates *c, struct err *e)
{
    struct openstack_host *h = arena_array(r->texts->arena, r->trees, sizeof *h);
    size_t i, n = 0, piece = 0, mark = 0;

    if (!h)
        return no_memory(e);
    qsort(r->tree, r->trees, sizeof *r->tree, compare_marks);
    qsort(r->piece, r->pieces, sizeof *r->piece, compare_pieces);
    qsort(r->mark, r->marks, sizeof *r->mark, compare_marks);
    for (i = 0; i < r->trees; i++) {
        if (i > 0 && compare_marks(&r->tree[i - 1], &r->tree[i]) == 0)
            continue;
        h[n].uuid = r->tree[i].root;
        if (take_amounts(r, &r->tree[i], &piece, &h[n], e) != 0 ||
            take_labels(r, &r->tree[i], &mark, &h[n], e) != 0)
            return -1;
        n++;
        if (!r->tree[i].shared)
            c->hosts = n;
    }
    c->host = h;
    c->sharings = n - c->hosts;
    c->sharing = h + c->hosts;
    return 0;
}

int openstack_candidates(const json_value *root, struct intern *texts,
                         struct openstack_candidates *c, struct err *e)
{
    struct reader r = {.texts = texts};

    *c = (struct openstack_candidates){0};
    if (read_summaries(&r, root, e) != 0 || make_hosts(&r, c, e) != 0)
        return err_wrap(e, "Placement's answer makes no sense");
    return 0;
}
