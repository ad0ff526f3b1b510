/* SPDX-License-Identifier: MIT */
/* The document's JSON: walking through it, and the values that stand in it. */
#include "document_in.h"

#include <stdarg.h>

#include "num.h"
#include "plain.h"
#include "quantity.h"
#include "utf8.h"

enum { NAME_MAX_BYTES = 255 };

/* ---- errors ---- */

int document_wrong(const struct document *d, const char *fmt, ...)
{
    char what[ERR_TEXT_MAX];
    struct str at;
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(what, sizeof what, fmt, ap);
    va_end(ap);
    at = utf8_cut(str_of(d->at[0] ? d->at : "the document"), JSON_POINTER_SHOWN);
    return err_at(d->e, ERR_UNAVAILABLE, d->at, "%.*s %s", (int)at.n, at.p, what);
}

int document_no_memory(const struct document *d)
{
    return err_set(d->e, ERR_INTERNAL, "out of memory while reading the document");
}

int document_need(const struct document *d, const json_value *v, enum json_kind kind)
{
    if (json_kind(v) == kind)
        return 0;
    return document_wrong(d, "must be %s, not %s", json_kind_word(kind),
                          json_kind_word(json_kind(v)));
}

/* ---- walking ---- */

static int take_at(struct document *d, struct str name, const json_value *v, document_take_fn *take,
                   void *ctx)
{
    size_t mark = strlen(d->at);

    json_pointer_add(d->at, name);
    if (take(d, name, v, ctx) != 0)
        return -1;
    d->at[mark] = '\0';
    return 0;
}

int document_take_each(struct document *d, const json_value *object, document_take_fn *take,
                       void *ctx)
{
    struct json_iter it = {0};

    while (json_next(object, &it)) {
        if (take_at(d, it.name, it.value, take, ctx) != 0)
            return -1;
    }
    return 0;
}

/* The names of elements are their places. */
int document_take_list(struct document *d, const json_value *list, document_take_fn *take,
                       void *ctx)
{
    size_t i, n = json_length(list);
    char place[24];

    for (i = 0; i < n; i++) {
        (void)snprintf(place, sizeof place, "%zu", i);
        if (take_at(d, str_of(place), json_at(list, i), take, ctx) != 0)
            return -1;
    }
    return 0;
}

static int refuse_member(struct document *d, struct str name, const json_value *v, void *ctx)
{
    (void)name;
    (void)v;
    (void)ctx;
    return document_wrong(d, "is no member that is known here");
}

static int refuse_unknown(struct document *d, const json_value *object,
                          const struct document_member *m, size_t n)
{
    struct json_iter it = {0};
    size_t i;

    while (json_next(object, &it)) {
        for (i = 0; i < n && !str_is(it.name, m[i].name); i++)
            continue;
        if (i == n)
            return take_at(d, it.name, it.value, refuse_member, NULL);
    }
    return 0;
}

/* The members of the table, and no others. */
int document_take_members(struct document *d, const json_value *v, const struct document_member *m,
                          size_t n, void *ctx)
{
    json_value *member;
    size_t i;

    if (document_need(d, v, JSON_OBJECT) != 0 || refuse_unknown(d, v, m, n) != 0)
        return -1;
    for (i = 0; i < n; i++) {
        if (json_member(v, m[i].name, &member)) {
            if (take_at(d, str_of(m[i].name), member, m[i].take, ctx) != 0)
                return -1;
        } else if (m[i].needed) {
            return document_wrong(d, "must have the member \"%s\"", m[i].name);
        }
    }
    return 0;
}

/* An array with room for each member of v, which must be an object, and for one more. NULL: *e is
 * filled. */
void *document_room(struct document *d, const json_value *v, size_t max, size_t size)
{
    struct json_iter it = {0};
    size_t n = 0;
    void *room;

    if (document_need(d, v, JSON_OBJECT) != 0)
        return NULL;
    while (json_next(v, &it))
        n++;
    if (n > max) {
        (void)document_wrong(d, "must not have more than %zu members", max);
        return NULL;
    }
    room = arena_array(d->r->arena, n + 1, size);
    if (!room)
        (void)document_no_memory(d);
    return room;
}

/* The same for the elements of a list. */
void *document_list_room(struct document *d, const json_value *v, size_t size)
{
    void *room;

    if (document_need(d, v, JSON_ARRAY) != 0)
        return NULL;
    room = arena_array(d->r->arena, json_length(v), size);
    if (!room)
        (void)document_no_memory(d);
    return room;
}

/* ---- names and amounts ---- */

int document_copy_text(const struct document *d, struct str text, size_t least, size_t most,
                       struct str *copy)
{
    if (text.n < least || text.n > most)
        return document_wrong(d, "must be a name of %zu to %zu bytes", least, most);
    if (!plain_is(text))
        return document_wrong(d, "must not hold control characters");
    return arena_copy(d->r->arena, text, copy) == 0 ? 0 : document_no_memory(d);
}

int document_copy_name(const struct document *d, struct str name, struct str *copy)
{
    return document_copy_text(d, name, 1, NAME_MAX_BYTES, copy);
}

/* By the name that demands know it by. */
int document_copy_resource(const struct document *d, struct str name, struct str *copy)
{
    return document_copy_name(d, demand_resource(d->r->queue->rules, name), copy);
}

static int take_quantity(const struct document *d, const json_value *v, struct str resource,
                         int64_t *amount)
{
    bool string = json_kind(v) == JSON_STRING;
    int64_t n;

    if (!string && document_need(d, v, JSON_NUMBER) != 0)
        return -1;
    if (quantity_parse(string ? json_string(v) : json_number(v), quantity_scale(resource), &n) !=
            0 ||
        n > NUM_SAFE_MAX)
        return document_wrong(d, "must be a Kubernetes quantity, such as 4, \"500m\" or \"16Gi\"");
    *amount = n;
    return 0;
}

int document_take_amount(const struct document *d, const json_value *v, struct str resource,
                         int64_t *amount)
{
    bool between = false;

    if (str_is(d->r->queue->rules, "kube"))
        return take_quantity(d, v, resource, amount);
    if (document_need(d, v, JSON_NUMBER) != 0)
        return -1;
    if (num_decimal(json_number(v), 0, NUM_SAFE_MAX, amount, &between) != 0 || between)
        return document_wrong(d, "must be a whole number from 0 to %lld", (long long)NUM_SAFE_MAX);
    return 0;
}
