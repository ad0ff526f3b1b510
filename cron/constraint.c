/* SPDX-License-Identifier: MIT */
/* Which hosts meet a constraint: labels, traits and taints, as the schedulers compare them. */
#include "constraint.h"

#include <stdlib.h>

/* A constraint's parts, which are of the kinds that they should be; NULL: not there. */
struct parts {
    const json_value *selector, *tolerations, *traits;
};

/* ---- reading ---- */

static bool is_text(const json_value *v)
{
    return json_kind(v) == JSON_STRING;
}

static bool are_texts(const json_value *array)
{
    for (size_t i = 0; i < json_length(array); i++)
        if (!is_text(json_at(array, i)))
            return false;
    return true;
}

static bool members_are_texts(const json_value *object)
{
    struct json_iter it = {0};

    while (json_next(object, &it))
        if (!is_text(it.value))
            return false;
    return true;
}

static bool is_toleration(const json_value *v)
{
    struct json_iter it = {0};

    if (json_kind(v) != JSON_OBJECT)
        return false;
    while (json_next(v, &it))
        if (!str_is(it.name, "tolerationSeconds") && !is_text(it.value))
            return false;
    return true;
}

static bool are_tolerations(const json_value *array)
{
    for (size_t i = 0; i < json_length(array); i++)
        if (!is_toleration(json_at(array, i)))
            return false;
    return true;
}

static bool take_part(struct parts *p, struct str name, const json_value *v)
{
    const struct {
        const char *name;
        enum json_kind kind;
        bool (*good)(const json_value *v);
        const json_value **part;
    } known[] = {
        {"nodeSelector", JSON_OBJECT, members_are_texts, &p->selector},
        {"tolerations", JSON_ARRAY, are_tolerations, &p->tolerations},
        {"traits", JSON_ARRAY, are_texts, &p->traits},
    };

    for (size_t i = 0; i < ARRAY_LEN(known); i++)
        if (str_is(name, known[i].name)) {
            *known[i].part = v;
            return json_kind(v) == known[i].kind && known[i].good(v);
        }
    return false;
}

/* A part that is not known could keep any host away: then nothing is. */
static bool take_parts(struct parts *p, const json_value *root)
{
    struct json_iter it = {0};

    if (json_kind(root) != JSON_OBJECT)
        return false;
    while (json_next(root, &it))
        if (!take_part(p, it.name, it.value))
            return false;
    return true;
}

/* ---- comparing ---- */

static bool same(struct str a, struct str b)
{
    return str_cmp(a, b) == 0;
}

static int compare_keys(const void *a, const void *b)
{
    return str_cmp(((const struct source_label *)a)->key, ((const struct source_label *)b)->key);
}

static int compare_labels(const void *a, const void *b)
{
    const struct source_label *x = a, *y = b;
    int keys = str_cmp(x->key, y->key);

    return keys ? keys : str_cmp(x->value, y->value);
}

/* NULL: the host has none. */
static const struct source_label *find(const struct source_host *h, struct source_label label,
                                       int (*compare)(const void *, const void *))
{
    return h->labels ? bsearch(&label, h->label, h->labels, sizeof label, compare) : NULL;
}

static bool selects(const json_value *selector, const struct source_host *h)
{
    struct json_iter it = {0};

    while (selector && json_next(selector, &it))
        if (!find(h, (struct source_label){.key = it.name, .value = json_string(it.value)},
                  compare_labels))
            return false;
    return true;
}

static bool has_traits(const json_value *traits, const struct source_host *h)
{
    const struct source_label *found;

    for (size_t i = 0; traits && i < json_length(traits); i++) {
        struct str trait = json_string(json_at(traits, i));
        bool forbidden = trait.n > 0 && trait.p[0] == '!';

        if (forbidden)
            trait = (struct str){trait.p + 1, trait.n - 1};
        found = find(h, (struct source_label){.key = trait}, compare_keys);
        if (found ? forbidden && !found->perhaps : !forbidden)
            return false;
    }
    return true;
}

/* A member of a toleration; empty when it is not there. */
static struct str member(const json_value *toleration, const char *name)
{
    json_value *v;

    return json_member(toleration, name, &v) ? json_string(v) : STR_LIT("");
}

static bool tolerates(const json_value *toleration, const struct source_taint *t)
{
    struct str key = member(toleration, "key"), op = member(toleration, "operator");
    struct str effect = member(toleration, "effect");

    if ((effect.n && !same(effect, t->effect)) || (key.n && !same(key, t->key)))
        return false;
    if (op.n == 0 || str_is(op, "Equal"))
        return same(member(toleration, "value"), t->value);
    return str_is(op, "Exists");
}

static bool tolerates_all(const json_value *tolerations, const struct source_host *h)
{
    for (size_t t = 0; t < h->taints; t++) {
        size_t i = 0, n = tolerations ? json_length(tolerations) : 0;

        while (i < n && !tolerates(json_at(tolerations, i), &h->taint[t]))
            i++;
        if (i == n)
            return false;
    }
    return true;
}

/* ---- the hosts ---- */

/* How far a host comes. */
enum stage { STAGE_NO_LABELS, STAGE_NO_TRAITS, STAGE_TAINTED, STAGE_MET };

static enum stage stage_of(const struct parts *p, const struct source_host *h)
{
    if (!selects(p->selector, h))
        return STAGE_NO_LABELS;
    if (!has_traits(p->traits, h))
        return STAGE_NO_TRAITS;
    return tolerates_all(p->tolerations, h) ? STAGE_MET : STAGE_TAINTED;
}

static enum constraint_answer fill(const struct parts *p, const struct source_reading *r, bool *on)
{
    struct json_iter it = {0};
    const enum constraint_answer answers[] = {
        [STAGE_NO_LABELS] = CONSTRAINT_LABELS,
        [STAGE_NO_TRAITS] = CONSTRAINT_TRAITS,
        [STAGE_TAINTED] =
            p->selector && json_next(p->selector, &it) ? CONSTRAINT_OF_THOSE : CONSTRAINT_TAINTS,
        [STAGE_MET] = CONSTRAINT_MET,
    };
    enum stage best = r->hosts ? STAGE_NO_LABELS : STAGE_MET, stage;

    for (size_t i = 0; i < r->hosts; i++) {
        stage = stage_of(p, &r->host[i]);
        on[i] = stage == STAGE_MET;
        best = stage > best ? stage : best;
    }
    return answers[best];
}

int constraint_hosts(struct str constraint, const struct source_reading *r, bool *on,
                     enum constraint_answer *answer)
{
    struct json_doc *doc = NULL;
    struct parts parts = {0};
    struct err e;

    if (constraint.p && json_in_parse(constraint, &doc, &e) != 0 && e.code == ERR_INTERNAL)
        return -1;
    if (!constraint.p || (doc && take_parts(&parts, json_in_root(doc)))) {
        *answer = fill(&parts, r, on);
    } else {
        *answer = CONSTRAINT_UNREADABLE;
        for (size_t i = 0; i < r->hosts; i++)
            on[i] = false;
    }
    json_in_free(doc);
    return 0;
}
