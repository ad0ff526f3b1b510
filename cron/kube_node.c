/* SPDX-License-Identifier: MIT */
/*
 * Nodes out of a list. The scheduler looks at taints, at spec.unschedulable and at what is
 * allocatable, never at the Ready condition, and so does this. What is not allocatable, `pods` too,
 * is none; and what overflows the 64 bits of the scheduler's own sums is none as well.
 */
#include "kube_node.h"

#include <stdlib.h>

#include "kube_request.h"
#include "num.h"
#include "quantity.h"

enum { LABELS_MAX = 2000, TAINTS_MAX = 500 }; /* of one node */

enum { TAINT_KEY, TAINT_VALUE, TAINT_EFFECT };

struct node {
    struct source_host host;
    struct source_amount *amount; /* host.amount, which may grow */
    size_t cap;
};

struct kube_nodes {
    struct arena *arena;
    struct node *node;
    size_t n, cap;
    size_t uncounted;                  /* pods */
    char first[2 * KUBE_NAME_MAX + 2]; /* of them */
    /* of the node that is under way */
    struct node now;
    bool unschedulable;
    struct source_label label[LABELS_MAX];
    struct source_taint taint[TAINTS_MAX];
};

struct kube_nodes *kube_nodes_new(struct arena *arena)
{
    struct kube_nodes *n = calloc(1, sizeof *n);

    if (n)
        n->arena = arena;
    return n;
}

void kube_nodes_free(struct kube_nodes *n)
{
    if (n)
        free(n->node);
    free(n);
}

void kube_nodes_clear(struct kube_nodes *n)
{
    n->n = 0;
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading nodes");
}

/* ---- amounts, sorted by resource ---- */

/* Where the node has a resource, or would have it. */
static size_t place_of(const struct node *node, struct str resource)
{
    size_t at = 0;

    while (at < node->host.amounts && str_cmp(node->amount[at].resource, resource) < 0)
        at++;
    return at;
}

/* The node's amount of a resource, which is there from now on. NULL and *e. */
static struct source_amount *amount_of(struct kube_nodes *n, struct node *node, struct str resource,
                                       struct err *e)
{
    size_t at = place_of(node, resource), cap = node->cap ? 2 * node->cap : 8;
    struct source_amount *a = node->amount;

    if (at < node->host.amounts && str_eq(a[at].resource, resource))
        return &a[at];
    if (node->host.amounts == KUBE_RESOURCES_MAX) {
        (void)err_set(e, ERR_UNAVAILABLE, "there are more than %d resources", KUBE_RESOURCES_MAX);
        return NULL;
    }
    if (node->host.amounts == node->cap) {
        a = arena_array(n->arena, cap, sizeof *a);
        if (!a) {
            (void)no_memory(e);
            return NULL;
        }
        if (node->host.amounts)
            memcpy(a, node->amount, node->host.amounts * sizeof *a);
        node->amount = a;
        node->cap = cap;
    }
    memmove(&a[at + 1], &a[at], (node->host.amounts - at) * sizeof *a);
    a[at] = (struct source_amount){0};
    if (arena_copy(n->arena, resource, &a[at].resource) != 0) {
        (void)no_memory(e);
        return NULL;
    }
    node->host.amounts++;
    return &a[at];
}

static int take_allocatable(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_nodes *n = ctx;
    struct source_amount *a;
    int64_t amount = 0;

    (void)which;
    if (quantity_read(text, quantity_scale(name), &amount) < 0)
        return err_set(e, ERR_UNAVAILABLE, "is no quantity: \"%.*s\"",
                       (int)(text.n < 40 ? text.n : 40), text.p);
    a = amount_of(n, &n->now, name, e);
    if (!a)
        return -1;
    a->total = amount < NUM_SAFE_MAX ? amount : NUM_SAFE_MAX;
    return 0;
}

/* ---- what else a node has ---- */

static int copy(struct kube_nodes *n, struct str text, struct str *to, struct err *e)
{
    return arena_copy(n->arena, text, to) == 0 ? 0 : no_memory(e);
}

static int take_name(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_nodes *n = ctx;

    (void)which;
    (void)name;
    if (text.n > KUBE_NAME_MAX)
        return err_set(e, ERR_UNAVAILABLE, "is longer than %d bytes", KUBE_NAME_MAX);
    return copy(n, text, &n->now.host.name, e);
}

static int take_label(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_nodes *n = ctx;
    struct source_label *l = &n->label[n->now.host.labels];

    (void)which;
    if (n->now.host.labels == LABELS_MAX)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d labels", LABELS_MAX);
    if (copy(n, name, &l->key, e) != 0 || copy(n, text, &l->value, e) != 0)
        return -1;
    n->now.host.labels++;
    return 0;
}

static int begin_taint(void *ctx, int which, struct err *e)
{
    struct kube_nodes *n = ctx;

    (void)which;
    /* One place is left for that of an unschedulable node. */
    if (n->now.host.taints == TAINTS_MAX - 1)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d taints", TAINTS_MAX - 1);
    n->taint[n->now.host.taints] = (struct source_taint){STR_LIT(""), STR_LIT(""), STR_LIT("")};
    return 0;
}

static int take_taint(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_nodes *n = ctx;
    struct source_taint *t = &n->taint[n->now.host.taints];

    (void)name;
    return copy(n, text,
                which == TAINT_KEY     ? &t->key
                : which == TAINT_VALUE ? &t->value
                                       : &t->effect,
                e);
}

/* PreferNoSchedule keeps nobody away. */
static int end_taint(void *ctx, int which, struct err *e)
{
    struct kube_nodes *n = ctx;
    struct str effect = n->taint[n->now.host.taints].effect;

    (void)which;
    (void)e;
    n->now.host.taints += str_is(effect, "NoSchedule") || str_is(effect, "NoExecute");
    return 0;
}

/* The scheduler treats such a node as if it had this taint, which it mostly has as well. */
static int take_unschedulable(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_nodes *n = ctx;

    (void)which;
    (void)name;
    (void)e;
    n->unschedulable = str_is(text, "true");
    return 0;
}

/* ---- one node ---- */

static int begin_node(void *ctx, int which, struct err *e)
{
    struct kube_nodes *n = ctx;

    (void)which;
    (void)e;
    n->now = (struct node){.host.name = STR_LIT("")};
    n->unschedulable = false;
    return 0;
}

static int compare_labels(const void *a, const void *b)
{
    const struct source_label *x = a, *y = b;
    int c = str_cmp(x->key, y->key);

    return c ? c : str_cmp(x->value, y->value);
}

static void add_unschedulable(struct kube_nodes *n)
{
    static const struct source_taint own = {STR_LIT("node.kubernetes.io/unschedulable"),
                                            STR_LIT(""), STR_LIT("NoSchedule")};
    size_t i;

    for (i = 0; i < n->now.host.taints; i++) {
        if (str_eq(n->taint[i].key, own.key) && str_eq(n->taint[i].effect, own.effect))
            return;
    }
    n->taint[n->now.host.taints++] = own;
}

/* Room for one more. */
static int grow(struct kube_nodes *n, struct err *e)
{
    size_t cap = n->cap ? 2 * n->cap : 64;
    struct node *p;

    if (n->n == SOURCE_HOSTS_MAX)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d nodes", SOURCE_HOSTS_MAX);
    if (n->n < n->cap)
        return 0;
    p = realloc(n->node, cap * sizeof *p);
    if (!p)
        return no_memory(e);
    n->node = p;
    n->cap = cap;
    return 0;
}

static int keep(struct kube_nodes *n, struct err *e)
{
    struct source_host *h = &n->now.host;
    struct source_label *label = arena_array(n->arena, h->labels, sizeof *label);
    struct source_taint *taint;

    if (n->unschedulable)
        add_unschedulable(n);
    taint = arena_array(n->arena, h->taints, sizeof *taint);
    if (!label || !taint)
        return no_memory(e);
    if (h->labels)
        memcpy(label, n->label, h->labels * sizeof *label);
    if (h->taints)
        memcpy(taint, n->taint, h->taints * sizeof *taint);
    if (h->labels)
        qsort(label, h->labels, sizeof *label, compare_labels);
    h->label = label;
    h->taint = taint;
    return amount_of(n, &n->now, STR_LIT("pods"), e) && grow(n, e) == 0 ? 0 : -1;
}

static int end_node(void *ctx, int which, struct err *e)
{
    struct kube_nodes *n = ctx;
    struct str name = n->now.host.name;

    (void)which;
    if (name.n == 0)
        return err_set(e, ERR_UNAVAILABLE, "a node has no name");
    if (keep(n, e) != 0)
        return -1;
    n->node[n->n++] = n->now;
    n->now.host.name = STR_LIT(""); /* it is under way no more */
    return 0;
}

void kube_nodes_called(const void *nodes, struct buf *b)
{
    struct str name = ((const struct kube_nodes *)nodes)->now.host.name;

    if (name.n)
        buf_printf(b, "node %.*s", (int)name.n, name.p);
}

/* ---- what counts of a node ---- */

static const struct json_pick metadata[] = {
    {.name = STR_LIT("name"), .kind = PICK_TEXT, .take = take_name},
    {.name = STR_LIT("labels"), .kind = PICK_MAP, .take = take_label},
    {.which = 0},
};

static const struct json_pick taint_lines[] = {
    {.name = STR_LIT("key"), .kind = PICK_TEXT, .which = TAINT_KEY, .take = take_taint},
    {.name = STR_LIT("value"), .kind = PICK_TEXT, .which = TAINT_VALUE, .take = take_taint},
    {.name = STR_LIT("effect"), .kind = PICK_TEXT, .which = TAINT_EFFECT, .take = take_taint},
    {.which = 0},
};

static const struct json_pick spec[] = {
    {.name = STR_LIT("unschedulable"), .kind = PICK_BOOL, .take = take_unschedulable},
    {.name = STR_LIT("taints"),
     .kind = PICK_OBJECTS,
     .inside = taint_lines,
     .begin = begin_taint,
     .end = end_taint},
    {.which = 0},
};

static const struct json_pick status[] = {
    {.name = STR_LIT("allocatable"), .kind = PICK_AMOUNTS, .take = take_allocatable},
    {.which = 0},
};

static const struct json_pick node_lines[] = {
    {.name = STR_LIT("metadata"), .kind = PICK_OBJECT, .inside = metadata},
    {.name = STR_LIT("spec"), .kind = PICK_OBJECT, .inside = spec},
    {.name = STR_LIT("status"), .kind = PICK_OBJECT, .inside = status},
    {.which = 0},
};

struct json_pick kube_nodes_items(struct kube_nodes *n)
{
    return (struct json_pick){.name = STR_LIT("items"),
                              .kind = PICK_OBJECTS,
                              .inside = node_lines,
                              .ctx = n,
                              .begin = begin_node,
                              .end = end_node};
}

/* ---- all of them ---- */

static int compare_nodes(const void *a, const void *b)
{
    const struct node *x = a, *y = b;

    return str_cmp(x->host.name, y->host.name);
}

void kube_nodes_sort(struct kube_nodes *n)
{
    if (n->n)
        qsort(n->node, n->n, sizeof *n->node, compare_nodes);
}

static struct node *find(struct kube_nodes *n, struct str name)
{
    struct node wanted = {.host.name = name};

    return n->n ? bsearch(&wanted, n->node, n->n, sizeof *n->node, compare_nodes) : NULL;
}

static void add_use(struct node *node, struct kube_use use)
{
    size_t at = place_of(node, use.resource);
    struct source_amount *a = &node->amount[at];

    if (at == node->host.amounts || !str_eq(a->resource, use.resource))
        return;
    a->used = num_plus(a->used, use.amount);
    if (a->used > NUM_SAFE_MAX)
        a->used = NUM_SAFE_MAX;
}

void kube_nodes_use(struct kube_nodes *n, struct str name, const struct kube_use *use, size_t uses)
{
    struct node *node = find(n, name);
    size_t i;

    if (!node)
        return;
    for (i = 0; i < uses; i++)
        add_use(node, use[i]);
    add_use(node, (struct kube_use){STR_LIT("pods"), 1});
}

void kube_nodes_fill(struct kube_nodes *n, struct str name, struct str space, struct str pod)
{
    struct node *node = find(n, name);
    size_t i;

    if (!node)
        return;
    for (i = 0; i < node->host.amounts; i++) {
        struct source_amount *a = &node->amount[i];

        a->used = a->used > a->total ? a->used : a->total;
    }
    if (n->uncounted++ == 0)
        (void)snprintf(n->first, sizeof n->first, "%.*s/%.*s", (int)space.n, space.p, (int)pod.n,
                       pod.p);
}

void kube_nodes_note(const struct kube_nodes *n, struct buf *b)
{
    if (n->uncounted > 0)
        buf_printf(b,
                   "; nothing counts as free on the nodes of %zu pod%s that ask%s for more than "
                   "can be counted: %s%s",
                   n->uncounted, n->uncounted == 1 ? "" : "s", n->uncounted == 1 ? "s" : "",
                   n->first, n->uncounted == 1 ? "" : ", …");
}

void kube_nodes_unuse(struct kube_nodes *n)
{
    size_t i, a;

    n->uncounted = 0;
    for (i = 0; i < n->n; i++) {
        for (a = 0; a < n->node[i].host.amounts; a++)
            n->node[i].amount[a].used = 0;
    }
}

int kube_nodes_hosts(const struct kube_nodes *n, const struct source_host **host, size_t *hosts,
                     struct err *e)
{
    struct source_host *to = arena_array(n->arena, n->n, sizeof *to);
    size_t i;

    if (!to)
        return no_memory(e);
    for (i = 0; i < n->n; i++) {
        to[i] = n->node[i].host;
        to[i].amount = n->node[i].amount;
    }
    *host = to;
    *hosts = n->n;
    return 0;
}
