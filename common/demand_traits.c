/* SPDX-License-Identifier: MIT */
/* Which hosts a virtual machine asks for: the traits that it requires and those that it forbids, as
 * canonical text. */
#include <assert.h>
#include <string.h>

#include "demand_rules.h"
#include "json_out.h"

enum { TRAITS_MAX = 32, TRAIT_MAX = 255 };

/* Sorted by their text, no doubles: what is forbidden stands first, as "!" sorts before letters. */
struct traits {
    size_t n;
    struct str trait[TRAITS_MAX];
};

static bool forbids(struct str trait)
{
    return trait.n > 0 && trait.p[0] == '!';
}

static struct str bare(struct str trait)
{
    return forbids(trait) ? (struct str){trait.p + 1, trait.n - 1} : trait;
}

/* As Placement spells them. */
static bool is_trait(struct str text)
{
    size_t i;

    for (i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return text.n > 0 && text.n <= TRAIT_MAX;
}

static int take_trait(struct traits *t, const json_value *v, struct err *e)
{
    struct str trait;
    size_t at = t->n, i;

    if (json_kind(v) != JSON_STRING || !is_trait(bare(json_string(v))))
        return err_set(e, ERR_INVALID,
                       "a trait must be a string of 1 to %d capitals, digits and _, after an ! "
                       "when it is forbidden",
                       TRAIT_MAX);
    trait = json_string(v);
    for (i = 0; i < t->n; i++) {
        if (str_eq(t->trait[i], trait))
            return 0;
        if (str_eq(bare(t->trait[i]), bare(trait)))
            return err_set(e, ERR_INVALID, "a trait cannot be both required and forbidden");
    }
    for (; at > 0 && str_cmp(trait, t->trait[at - 1]) < 0; at--)
        t->trait[at] = t->trait[at - 1];
    t->trait[at] = trait;
    t->n++;
    return 0;
}

static void write_traits(const struct traits *t, struct buf *b)
{
    struct json_out o = JSON_OUT(b);
    size_t i;

    json_open(&o, '{');
    json_key(&o, "traits");
    json_open(&o, '[');
    for (i = 0; i < t->n; i++)
        json_put_str(&o, t->trait[i]);
    json_close(&o, ']');
    json_close(&o, '}');
}

int demand_take_traits(const json_value *instance, struct buf *b, struct err *e)
{
    struct traits t = {0};
    json_value *list;
    size_t i;

    if (!json_member(instance, "traits", &list))
        return 0;
    if (json_kind(list) != JSON_ARRAY || json_length(list) > TRAITS_MAX)
        return demand_refuse(e, STR_LIT("traits"), "must be an array of at most %d strings",
                             TRAITS_MAX);
    for (i = 0; i < json_length(list); i++) {
        if (take_trait(&t, json_at(list, i), e) != 0)
            return err_under(e, "/traits/%zu", i);
    }
    if (t.n > 0)
        write_traits(&t, b);
    return b->failed ? err_set(e, ERR_INTERNAL, "no memory for a demand") : 0;
}

bool demand_requires_traits(struct str constraint)
{
    static const char start[] = "{\"traits\":[\"", end[] = "\"]}";
    const char *last;

    if (constraint.n < sizeof start - 1 + sizeof end - 1 ||
        memcmp(constraint.p, start, sizeof start - 1) != 0)
        return false;
    /* Canonical: the last one is required if any is. */
    last = memrchr(constraint.p, '"', constraint.n - (sizeof end - 1));
    assert(last); /* at the latest the one that `start` ends with */
    return last[1] != '!';
}
