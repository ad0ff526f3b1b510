/* SPDX-License-Identifier: MIT */
/* Demand: the normal form, and what the rules of all types share. */
#include "demand.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "arena.h"
#include "demand_rules.h"
#include "num.h"
#include "quantity.h"
#include "utf8.h"

/* The arena's own limit only stops a bug: the limits of demand.h and of a request's body come
 * first. */
enum { MEMORY_MAX = JSON_TEXT_MAX, SHOWN_MAX = 64, TEXT_MAX = 256 };

/* ---- the normal form ---- */

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "no memory for a demand");
}

struct demand *demand_new(void)
{
    struct arena *a = arena_new(MEMORY_MAX);
    struct demand *d = a ? arena_array(a, 1, sizeof *d) : NULL;

    if (!d) {
        arena_free(a);
        return NULL;
    }
    d->memory = a;
    return d;
}

void demand_free(struct demand *d)
{
    if (d)
        arena_free(d->memory);
}

int demand_instance_add(struct demand_instance *in, struct str resource, int64_t amount,
                        struct err *e)
{
    size_t i = in->amounts;

    if (amount == 0)
        return 0;
    if (in->amounts == DEMAND_RESOURCES_MAX)
        return err_set(e, ERR_INVALID, "an instance may ask for at most %d resources",
                       DEMAND_RESOURCES_MAX);
    for (; i > 0 && str_cmp(resource, in->amount[i - 1].resource) < 0; i--)
        in->amount[i] = in->amount[i - 1];
    in->amount[i] = (struct demand_amount){resource, amount};
    in->amounts++;
    return 0;
}

static struct str constraint_of(const struct demand_instance *in)
{
    return in->constraint.len > 0 ? buf_span(&in->constraint) : (struct str){0};
}

static bool asks_the_same(const struct demand_kind *kind, const struct demand_instance *in)
{
    size_t i;

    if (kind->amounts != in->amounts || !str_eq(kind->constraint, constraint_of(in)))
        return false;
    for (i = 0; i < in->amounts; i++) {
        if (kind->amount[i].amount != in->amount[i].amount ||
            !str_eq(kind->amount[i].resource, in->amount[i].resource))
            return false;
    }
    return true;
}

static int copy_kind(struct arena *a, struct demand_kind *kind, const struct demand_instance *in)
{
    struct str constraint = constraint_of(in);
    size_t i;

    *kind = (struct demand_kind){.count = in->count, .amounts = in->amounts};
    kind->amount = arena_array(a, in->amounts, sizeof *kind->amount);
    if (!kind->amount || (constraint.p && arena_copy(a, constraint, &kind->constraint) != 0))
        return -1;
    for (i = 0; i < in->amounts; i++) {
        kind->amount[i].amount = in->amount[i].amount;
        if (arena_copy(a, in->amount[i].resource, &kind->amount[i].resource) != 0)
            return -1;
    }
    return 0;
}

/* Room for one kind more. The room doubles whenever it is full, that is at 0, 1, 2, 4, … kinds; the
 * arena keeps the old ones. */
static int make_room(struct demand *d)
{
    struct demand_kind *more;

    if ((d->kinds & (d->kinds - 1)) != 0)
        return 0;
    more = arena_array(d->memory, d->kinds ? 2 * d->kinds : 1, sizeof *more);
    if (!more)
        return -1;
    if (d->kinds > 0)
        memcpy(more, d->kind, d->kinds * sizeof *more);
    d->kind = more;
    return 0;
}

static int64_t instances_of(const struct demand *d)
{
    int64_t sum = 0;
    size_t k;

    for (k = 0; k < d->kinds; k++)
        sum += d->kind[k].count;
    return sum;
}

int demand_add(struct demand *d, const struct demand_instance *in, struct err *e)
{
    if (instances_of(d) + in->count > DEMAND_INSTANCES_MAX)
        return err_set(e, ERR_INVALID, "a job may ask for at most %d instances",
                       DEMAND_INSTANCES_MAX);
    if (d->kinds > 0 && asks_the_same(&d->kind[d->kinds - 1], in)) {
        d->kind[d->kinds - 1].count += in->count;
        return 0;
    }
    if (d->kinds == DEMAND_KINDS_MAX)
        return err_set(e, ERR_INVALID,
                       "a job may ask for at most %d kinds of instances (neighbours that ask for "
                       "the same are one)",
                       DEMAND_KINDS_MAX);
    if (make_room(d) != 0 || copy_kind(d->memory, &d->kind[d->kinds], in) != 0)
        return no_memory(e);
    d->kinds++;
    return 0;
}

int demand_add_scope(struct demand *d, const char *prefix, struct str name, struct err *e)
{
    struct buf b = BUF_INIT(TEXT_MAX + 2 * DEMAND_NAME_MAX);
    int rc;

    buf_add(&b, d->scope.p, d->scope.n);
    buf_str(&b, d->scope.n ? "\n" : "");
    buf_str(&b, prefix);
    buf_char(&b, ':');
    buf_add(&b, name.p, name.n);
    rc = b.failed ? -1 : arena_copy(d->memory, buf_span(&b), &d->scope);
    buf_free(&b);
    return rc == 0 ? 0 : no_memory(e);
}

/* ---- reading members ---- */

int demand_refuse(struct err *e, struct str name, const char *fmt, ...)
{
    struct str shown = utf8_cut(name, SHOWN_MAX);
    char text[TEXT_MAX], pointer[JSON_POINTER_ROOM] = "";
    va_list ap;

    va_start(ap, fmt);
    (void)vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    json_pointer_add(pointer, name);
    return err_at(e, ERR_INVALID, pointer, "%.*s %s", (int)shown.n, shown.p, text);
}

static bool has_control(struct str text)
{
    size_t i = 0;

    while (i < text.n && (unsigned char)text.p[i] >= 0x20 && text.p[i] != 0x7F)
        i++;
    return i < text.n;
}

bool demand_is_name(struct str text)
{
    return text.n > 0 && text.n <= DEMAND_NAME_MAX && !has_control(text);
}

int demand_take_name(const json_value *object, const char *name, struct str *text, struct err *e)
{
    json_value *v;

    *text = (struct str){0};
    if (!json_member(object, name, &v))
        return 0;
    if (json_kind(v) != JSON_STRING)
        return demand_refuse(e, str_of(name), "must be a string, not %s",
                             json_kind_word(json_kind(v)));
    *text = json_string(v);
    if (text->n == 0 || text->n > DEMAND_NAME_MAX)
        return demand_refuse(e, str_of(name), "must be 1 to %d bytes long", DEMAND_NAME_MAX);
    if (has_control(*text))
        return demand_refuse(e, str_of(name), "must not hold control characters");
    return 0;
}

int demand_take_whole(struct str name, const json_value *v, int64_t low, int64_t high, int64_t *n,
                      struct err *e)
{
    bool between = false;
    int64_t whole;

    if (json_kind(v) != JSON_NUMBER)
        return demand_refuse(e, name, "must be a whole number, not %s",
                             json_kind_word(json_kind(v)));
    if (num_decimal(json_number(v), INT64_MIN, INT64_MAX, &whole, &between) != 0)
        whole = INT64_MIN;
    if (between)
        return demand_refuse(e, name, "must be a whole number");
    if (whole < low || whole > high)
        return demand_refuse(e, name, "must be between %lld and %lld", (long long)low,
                             (long long)high);
    *n = whole;
    return 0;
}

int demand_take_resource(struct demand_instance *in, struct str name, struct str as,
                         const json_value *v, struct err *e)
{
    int64_t amount = 0;

    if (name.n == 0 || name.n > DEMAND_NAME_MAX)
        return demand_refuse(e, name, "is no name of a resource: it must be 1 to %d bytes long",
                             DEMAND_NAME_MAX);
    if (demand_take_whole(name, v, 0, NUM_SAFE_MAX, &amount, e) != 0)
        return -1;
    return demand_instance_add(in, as, amount, e);
}

static int take_item(struct demand *d, const json_value *item, demand_item_fn *take,
                     struct demand_instance *in, struct err *e)
{
    json_value *count;

    if (json_kind(item) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "must be an object, not %s",
                       json_kind_word(json_kind(item)));
    if (json_member(item, "count", &count) &&
        demand_take_whole(STR_LIT("count"), count, 1, DEMAND_INSTANCES_MAX, &in->count, e) != 0)
        return -1;
    if (take(item, in, e) != 0)
        return -1;
    return demand_add(d, in, e);
}

int demand_take_list(struct demand *d, const char *name, const json_value *list,
                     demand_item_fn *take, struct err *e)
{
    struct demand_instance in;
    size_t i;
    int rc = 0;

    if (json_kind(list) != JSON_ARRAY || json_length(list) == 0)
        return demand_refuse(e, str_of(name), "must be an array of objects that is not empty");
    for (i = 0; i < json_length(list) && rc == 0; i++) {
        in.count = 1;
        in.amounts = 0;
        in.constraint = BUF_INIT(JSON_TEXT_MAX);
        rc = take_item(d, json_at(list, i), take, &in, e);
        buf_free(&in.constraint);
        if (rc != 0)
            (void)err_under(e, "/%s/%zu", name, i);
    }
    return rc;
}

/* ---- the door ---- */

static demand_rules_fn *rules_of(struct str type)
{
    static const struct {
        const char *type;
        demand_rules_fn *rules;
    } own[] = {{"vm", demand_rules_vm}, {"kube", demand_rules_kube}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(own); i++) {
        if (str_is(type, own[i].type))
            return own[i].rules;
    }
    return demand_rules_any;
}

int demand_parse(struct str type, const json_value *data, struct demand **demand, struct err *e)
{
    struct demand *d;

    if (json_kind(data) != JSON_OBJECT)
        return err_at(e, ERR_INVALID, "/data", "data must be an object, not %s",
                      json_kind_word(json_kind(data)));
    d = demand_new();
    if (!d)
        return no_memory(e);
    d->scope = STR_LIT("");
    if (rules_of(type)(data, d, e) != 0) {
        demand_free(d);
        return err_under(e, "/data");
    }
    *demand = d;
    return 0;
}

int64_t demand_scale(struct str type, struct str resource)
{
    return str_is(type, "kube") ? quantity_scale(resource) : 1;
}

bool demand_fits_alone(const struct demand_kind *kind, demand_total_fn *total, void *ctx)
{
    size_t i;

    if (demand_needs_labels(kind))
        return false;
    for (i = 0; i < kind->amounts; i++) {
        if (total(ctx, kind->amount[i].resource) < kind->amount[i].amount)
            return false;
    }
    return true;
}
