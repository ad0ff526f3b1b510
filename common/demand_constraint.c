/* SPDX-License-Identifier: MIT */
/* Which nodes a pod asks for: nodeSelector and tolerations, checked as Kubernetes checks them, as
 * canonical text. */
#include <string.h>

#include "demand_rules.h"
#include "json_out.h"
#include "num.h"

enum { LABEL_MAX = 63, PREFIX_MAX = 253 };

/* ---- the form of labels ---- */

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Letters and digits at both ends; `.`, `-`, `_` too between them. */
static bool is_label(struct str text)
{
    size_t i;

    if (text.n == 0 || text.n > LABEL_MAX)
        return false;
    for (i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool end = i == 0 || i == text.n - 1;

        if (!is_alnum(c) && (end || (c != '.' && c != '-' && c != '_')))
            return false;
    }
    return true;
}

/* Lower-case names with points between them, each with letters and digits at its ends. */
static bool is_domain(struct str text)
{
    bool after_alnum = false;
    size_t i;

    if (text.n == 0 || text.n > PREFIX_MAX)
        return false;
    for (i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool starts = i == 0 || text.p[i - 1] == '.';

        if ((c >= 'A' && c <= 'Z') || !(is_alnum(c) || c == '.' || c == '-'))
            return false;
        if ((c == '.' && !after_alnum) || (c == '-' && starts))
            return false;
        after_alnum = is_alnum(c);
    }
    return after_alnum;
}

bool demand_is_label_key(struct str text)
{
    const char *slash = text.n > 0 ? memchr(text.p, '/', text.n) : NULL;
    size_t prefix = slash ? (size_t)(slash - text.p) : 0;

    if (!slash)
        return is_label(text);
    return is_domain((struct str){text.p, prefix}) &&
           is_label((struct str){slash + 1, text.n - prefix - 1});
}

bool demand_is_label_value(struct str text)
{
    return text.n == 0 || is_label(text);
}

/* ---- nodeSelector ---- */

static int check_selector(const json_value *selector, struct err *e)
{
    struct json_iter it = {0};

    if (json_kind(selector) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "nodeSelector must be an object, not %s",
                       json_kind_word(json_kind(selector)));
    while (json_next(selector, &it)) {
        if (!demand_is_label_key(it.name))
            return demand_refuse(e, it.name, "is no key of a label");
        if (json_kind(it.value) != JSON_STRING || !demand_is_label_value(json_string(it.value)))
            return demand_refuse(e, it.name, "must be a string that is the value of a label");
    }
    return 0;
}

/* ---- tolerations ---- */

/* A toleration with Kubernetes' defaults filled in. */
struct toleration {
    struct str key, op, value, effect; /* empty: not given */
    bool has_seconds;
    int64_t seconds;
};

static int take_text(const json_value *v, const char *name, struct str *text, struct err *e)
{
    json_value *member;

    *text = STR_LIT("");
    if (!json_member(v, name, &member))
        return 0;
    if (json_kind(member) != JSON_STRING)
        return demand_refuse(e, str_of(name), "must be a string, not %s",
                             json_kind_word(json_kind(member)));
    *text = json_string(member);
    return 0;
}

static int take_seconds(const json_value *v, struct toleration *t, struct err *e)
{
    static const char name[] = "tolerationSeconds";
    json_value *member;

    t->has_seconds = json_member(v, name, &member);
    if (!t->has_seconds)
        return 0;
    return demand_take_whole(STR_LIT(name), member, -NUM_SAFE_MAX, NUM_SAFE_MAX, &t->seconds, e);
}

static int check_key(const struct toleration *t, struct err *e)
{
    bool exists = str_is(t->op, "Exists");

    if (!exists && !str_is(t->op, "Equal"))
        return demand_refuse(e, STR_LIT("operator"), "must be Equal or Exists");
    if (t->key.n == 0 && !exists)
        return demand_refuse(e, STR_LIT("operator"), "must be Exists when there is no key");
    if (t->key.n > 0 && !demand_is_label_key(t->key))
        return demand_refuse(e, STR_LIT("key"), "must be the key of a taint");
    if (exists && t->value.n > 0)
        return demand_refuse(e, STR_LIT("value"), "must be empty when operator is Exists");
    if (!demand_is_label_value(t->value))
        return demand_refuse(e, STR_LIT("value"), "must be the value of a taint");
    return 0;
}

static int check_effect(const struct toleration *t, struct err *e)
{
    static const char *const effects[] = {"", "NoSchedule", "PreferNoSchedule", "NoExecute"};
    bool known = false;
    size_t i;

    for (i = 0; i < ARRAY_LEN(effects); i++)
        known = known || str_is(t->effect, effects[i]);
    if (!known)
        return demand_refuse(e, STR_LIT("effect"),
                             "must be NoSchedule, PreferNoSchedule or NoExecute");
    if (t->has_seconds && !str_is(t->effect, "NoExecute"))
        return demand_refuse(e, STR_LIT("effect"),
                             "must be NoExecute when tolerationSeconds is given");
    return 0;
}

static int take_toleration(const json_value *v, struct toleration *t, struct err *e)
{
    if (json_kind(v) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "must be an object, not %s", json_kind_word(json_kind(v)));
    if (take_text(v, "key", &t->key, e) != 0 || take_text(v, "operator", &t->op, e) != 0 ||
        take_text(v, "value", &t->value, e) != 0 || take_text(v, "effect", &t->effect, e) != 0 ||
        take_seconds(v, t, e) != 0)
        return -1;
    if (t->op.n == 0)
        t->op = STR_LIT("Equal");
    return check_key(t, e) != 0 ? -1 : check_effect(t, e);
}

static void write_text(struct json_out *o, const char *name, struct str text)
{
    if (text.n == 0)
        return;
    json_key(o, name);
    json_put_str(o, text);
}

/* The members in the order of their names. */
static void write_toleration(struct json_out *o, const struct toleration *t)
{
    json_open(o, '{');
    write_text(o, "effect", t->effect);
    write_text(o, "key", t->key);
    json_key(o, "operator");
    json_put_str(o, t->op);
    if (t->has_seconds) {
        json_key(o, "tolerationSeconds");
        json_put_i64(o, t->seconds);
    }
    write_text(o, "value", t->value);
    json_close(o, '}');
}

static int take_tolerations(const json_value *list, struct json_out *o, struct err *e)
{
    struct toleration t = {0};
    size_t i;

    if (json_length(list) == 0)
        return 0;
    json_key(o, "tolerations");
    json_open(o, '[');
    for (i = 0; i < json_length(list); i++) {
        if (take_toleration(json_at(list, i), &t, e) != 0)
            return err_under(e, "/tolerations/%zu", i);
        write_toleration(o, &t);
    }
    json_close(o, ']');
    return 0;
}

/* ---- the constraint ---- */

static int take_selector(const json_value *selector, struct json_out *o, struct err *e)
{
    struct json_iter it = {0};

    if (check_selector(selector, e) != 0)
        return err_under(e, "/nodeSelector");
    if (!json_next(selector, &it))
        return 0;
    json_key(o, "nodeSelector");
    json_write_sorted(selector, o->b);
    o->comma = true;
    return 0;
}

int demand_take_constraint(const json_value *pod, struct buf *b, struct err *e)
{
    struct json_out o = JSON_OUT(b);
    json_value *selector, *tolerations;

    json_open(&o, '{');
    if (json_member(pod, "nodeSelector", &selector) && take_selector(selector, &o, e) != 0)
        return -1;
    if (json_member(pod, "tolerations", &tolerations)) {
        if (json_kind(tolerations) != JSON_ARRAY)
            return demand_refuse(e, STR_LIT("tolerations"), "must be an array, not %s",
                                 json_kind_word(json_kind(tolerations)));
        if (take_tolerations(tolerations, &o, e) != 0)
            return -1;
    }
    json_close(&o, '}');
    if (b->failed)
        return err_set(e, ERR_INTERNAL, "no memory for a demand");
    if (b->len == strlen("{}"))
        buf_reset(b);
    return 0;
}

bool demand_needs_labels(const struct demand_kind *kind)
{
    /* Canonical: the members stand in the order of their names,
     * so that a nodeSelector comes first. */
    static const char start[] = "{\"nodeSelector\":";

    if (kind->constraint.n > sizeof start - 1 &&
        memcmp(kind->constraint.p, start, sizeof start - 1) == 0)
        return true;
    return demand_requires_traits(kind->constraint);
}
