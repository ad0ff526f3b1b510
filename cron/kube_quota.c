/* SPDX-License-Identifier: MIT */
/*
 * Quotas out of a list: each line that limits what pods request. Two quotas of a namespace are two
 * walls: all their lines stand.
 *
 * Left out is what a job does not tell, so that nobody can say whether it counts: limits.*, and
 * quotas with a scope, which are for pods of a certain priority or life time only. NotBestEffort is
 * the exception: pods that request something are that. Storage, services and other objects are no
 * concern of a pod's.
 */
#include "kube_quota.h"

#include <stdlib.h>

#include "num.h"
#include "quantity.h"

enum { LINES_MAX = 256, ALL_LINES_MAX = 200000 };

/* Which of an object's three maps. */
enum { SPEC_HARD, STATUS_HARD, STATUS_USED, MAPS };

enum { NAMESPACE, NAME, SCOPE, SCOPE_NAME, SCOPE_OPERATOR };

struct entry {
    struct str name;
    int64_t amount;
};

/* A limit, with the namespace that it is for. */
struct line {
    struct str space;
    struct source_limit limit;
};

struct kube_quotas {
    struct arena *arena;
    struct line *line;
    size_t n, cap;
    /* of the quota that is under way */
    struct str space, name;
    bool scoped; /* by more than NotBestEffort */
    bool exists; /* of an expression: its operator is Exists */
    bool not_best;
    bool has[MAPS];
    struct entry entry[MAPS][LINES_MAX];
    size_t entries[MAPS];
};

struct kube_quotas *kube_quotas_new(struct arena *arena)
{
    struct kube_quotas *q = calloc(1, sizeof *q);

    if (q)
        q->arena = arena;
    return q;
}

void kube_quotas_free(struct kube_quotas *q)
{
    if (q)
        free(q->line);
    free(q);
}

void kube_quotas_clear(struct kube_quotas *q)
{
    q->n = 0;
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading quotas");
}

/* ---- which lines count ---- */

static bool begins(struct str text, const char *with)
{
    size_t n = strlen(with);

    return text.n >= n && memcmp(text.p, with, n) == 0;
}

/* Does a line limit what pods request, and of which resource? Absent: of pods themselves. */
static bool counts(struct str name, struct str *resource)
{
    static const char requests[] = "requests.", huge[] = "hugepages-";

    *resource = (struct str){0};
    if (str_is(name, "pods") || str_is(name, "count/pods"))
        return true;
    *resource = name;
    if (begins(name, requests)) {
        resource->p += sizeof requests - 1;
        resource->n -= sizeof requests - 1;
        if (memchr(resource->p, '/', resource->n))
            return true; /* requests.nvidia.com/gpu */
    }
    return str_is(*resource, "cpu") || str_is(*resource, "memory") ||
           str_is(*resource, "ephemeral-storage") || begins(*resource, huge);
}

/* ---- what is taken ---- */

static int take_amount(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_quotas *q = ctx;
    struct entry *entry = &q->entry[which][q->entries[which]];
    struct str resource;

    q->has[which] = true;
    if (!counts(name, &resource))
        return 0;
    if (q->entries[which] == LINES_MAX)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d lines", LINES_MAX);
    entry->amount = NUM_SAFE_MAX;
    if (quantity_read(text, quantity_scale(resource.p ? resource : name), &entry->amount) < 0)
        return err_set(e, ERR_UNAVAILABLE, "is no quantity: \"%.*s\"",
                       (int)(text.n < 40 ? text.n : 40), text.p);
    if (entry->amount > NUM_SAFE_MAX)
        entry->amount = NUM_SAFE_MAX;
    if (arena_copy(q->arena, name, &entry->name) != 0)
        return no_memory(e);
    q->entries[which]++;
    return 0;
}

static int take_text(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_quotas *q = ctx;

    (void)name;
    return arena_copy(q->arena, text, which == NAMESPACE ? &q->space : &q->name) == 0
               ? 0
               : no_memory(e);
}

static int take_scope(void *ctx, int which, struct str name, struct str text, struct err *e)
{
    struct kube_quotas *q = ctx;

    (void)name;
    (void)e;
    if (which == SCOPE)
        q->scoped = q->scoped || !str_is(text, "NotBestEffort");
    else if (which == SCOPE_NAME)
        q->not_best = str_is(text, "NotBestEffort");
    else
        q->exists = str_is(text, "Exists");
    return 0;
}

static int begin_expression(void *ctx, int which, struct err *e)
{
    struct kube_quotas *q = ctx;

    (void)which;
    (void)e;
    q->not_best = q->exists = false;
    return 0;
}

static int end_expression(void *ctx, int which, struct err *e)
{
    struct kube_quotas *q = ctx;

    (void)which;
    (void)e;
    q->scoped = q->scoped || !q->not_best || !q->exists;
    return 0;
}

/* ---- one quota ---- */

static int begin_quota(void *ctx, int which, struct err *e)
{
    struct kube_quotas *q = ctx;
    size_t i;

    (void)which;
    (void)e;
    q->space = q->name = STR_LIT("");
    q->scoped = false;
    for (i = 0; i < MAPS; i++) {
        q->has[i] = false;
        q->entries[i] = 0;
    }
    return 0;
}

static int64_t used(const struct kube_quotas *q, struct str name)
{
    size_t i;

    for (i = 0; i < q->entries[STATUS_USED]; i++) {
        if (str_eq(q->entry[STATUS_USED][i].name, name))
            return q->entry[STATUS_USED][i].amount;
    }
    return 0;
}

static int add_line(struct kube_quotas *q, const struct entry *hard, struct err *e)
{
    size_t cap = q->cap ? 2 * q->cap : 64;
    struct line *p, line = {.space = q->space};

    if (q->n == ALL_LINES_MAX)
        return err_set(e, ERR_UNAVAILABLE, "there are more than %d lines in all", ALL_LINES_MAX);
    if (q->n == q->cap) {
        p = realloc(q->line, cap * sizeof *p);
        if (!p)
            return no_memory(e);
        q->line = p;
        q->cap = cap;
    }
    line.limit.name = hard->name;
    (void)counts(hard->name, &line.limit.resource[0]);
    line.limit.limit = hard->amount;
    line.limit.used = used(q, hard->name);
    q->line[q->n++] = line;
    return 0;
}

/* What the controller has not looked at yet has no status: then the spec counts. */
static int end_quota(void *ctx, int which, struct err *e)
{
    struct kube_quotas *q = ctx;
    int hard = q->has[STATUS_HARD] ? STATUS_HARD : SPEC_HARD;
    size_t i;

    (void)which;
    if (q->space.n == 0)
        return err_set(e, ERR_UNAVAILABLE, "a quota has no namespace");
    for (i = 0; i < q->entries[hard] && !q->scoped; i++) {
        if (add_line(q, &q->entry[hard][i], e) != 0)
            return -1;
    }
    q->name = STR_LIT(""); /* it is under way no more */
    return 0;
}

void kube_quotas_called(const void *quotas, struct buf *b)
{
    const struct kube_quotas *q = quotas;

    if (q->name.n)
        buf_printf(b, "quota %.*s/%.*s", (int)q->space.n, q->space.p, (int)q->name.n, q->name.p);
}

/* ---- what counts of a quota ---- */

static const struct json_pick metadata[] = {
    {.name = STR_LIT("name"), .kind = PICK_TEXT, .which = NAME, .take = take_text},
    {.name = STR_LIT("namespace"), .kind = PICK_TEXT, .which = NAMESPACE, .take = take_text},
    {.which = 0},
};

static const struct json_pick expression[] = {
    {.name = STR_LIT("scopeName"), .kind = PICK_TEXT, .which = SCOPE_NAME, .take = take_scope},
    {.name = STR_LIT("operator"), .kind = PICK_TEXT, .which = SCOPE_OPERATOR, .take = take_scope},
    {.which = 0},
};

static const struct json_pick selector[] = {
    {.name = STR_LIT("matchExpressions"),
     .kind = PICK_OBJECTS,
     .inside = expression,
     .begin = begin_expression,
     .end = end_expression},
    {.which = 0},
};

static const struct json_pick spec[] = {
    {.name = STR_LIT("hard"), .kind = PICK_AMOUNTS, .which = SPEC_HARD, .take = take_amount},
    {.name = STR_LIT("scopes"), .kind = PICK_TEXTS, .which = SCOPE, .take = take_scope},
    {.name = STR_LIT("scopeSelector"), .kind = PICK_OBJECT, .inside = selector},
    {.which = 0},
};

static const struct json_pick status[] = {
    {.name = STR_LIT("hard"), .kind = PICK_AMOUNTS, .which = STATUS_HARD, .take = take_amount},
    {.name = STR_LIT("used"), .kind = PICK_AMOUNTS, .which = STATUS_USED, .take = take_amount},
    {.which = 0},
};

static const struct json_pick quota_lines[] = {
    {.name = STR_LIT("metadata"), .kind = PICK_OBJECT, .inside = metadata},
    {.name = STR_LIT("spec"), .kind = PICK_OBJECT, .inside = spec},
    {.name = STR_LIT("status"), .kind = PICK_OBJECT, .inside = status},
    {.which = 0},
};

struct json_pick kube_quotas_items(struct kube_quotas *q)
{
    return (struct json_pick){.name = STR_LIT("items"),
                              .kind = PICK_OBJECTS,
                              .inside = quota_lines,
                              .ctx = q,
                              .begin = begin_quota,
                              .end = end_quota};
}

/* ---- all of them ---- */

static int compare_lines(const void *a, const void *b)
{
    const struct line *x = a, *y = b;
    int c = str_cmp(x->space, y->space);

    return c ? c : str_cmp(x->limit.name, y->limit.name);
}

int kube_quotas_all(struct kube_quotas *q, const struct source_quota **quota, size_t *n,
                    struct err *e)
{
    struct source_limit *limit = arena_array(q->arena, q->n, sizeof *limit);
    struct source_quota *to = arena_array(q->arena, q->n, sizeof *to);
    size_t i;

    if (!limit || !to)
        return no_memory(e);
    if (q->n)
        qsort(q->line, q->n, sizeof *q->line, compare_lines);
    *n = 0;
    for (i = 0; i < q->n; i++) {
        limit[i] = q->line[i].limit;
        if (i == 0 || !str_eq(q->line[i - 1].space, q->line[i].space))
            to[(*n)++] = (struct source_quota){.project = q->line[i].space, .limit = &limit[i]};
        to[*n - 1].limits++;
    }
    *quota = to;
    return 0;
}
