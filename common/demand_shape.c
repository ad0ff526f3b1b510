/* SPDX-License-Identifier: MIT */
/* The shape: a demand's normal form as compact JSON with sorted members, and back. */
#include "demand_rules.h"
#include "json_out.h"

/* `counted`: with the member n. */
static void write_kind(struct json_out *o, const struct demand_kind *kind, bool counted)
{
    size_t i;

    json_open(o, '{');
    if (kind->constraint.p) {
        json_key(o, "c");
        json_put_raw(o, kind->constraint);
    }
    if (counted) {
        json_key(o, "n");
        json_put_i64(o, kind->count);
    }
    json_key(o, "r");
    json_open(o, '{');
    for (i = 0; i < kind->amounts; i++) {
        json_key_str(o, kind->amount[i].resource);
        json_put_i64(o, kind->amount[i].amount);
    }
    json_close(o, '}');
    json_close(o, '}');
}

void demand_write_shape(const struct demand *d, struct buf *b)
{
    struct json_out o = JSON_OUT(b);
    size_t k;

    json_open(&o, '[');
    for (k = 0; k < d->kinds; k++)
        write_kind(&o, &d->kind[k], true);
    json_close(&o, ']');
}

void demand_write_kind(const struct demand_kind *kind, struct buf *b)
{
    struct json_out o = JSON_OUT(b);

    write_kind(&o, kind, false);
}

static int take_amounts(const json_value *v, struct demand_instance *in, struct err *e)
{
    struct json_iter it = {0};

    while (json_next(v, &it)) {
        if (demand_take_resource(in, it.name, it.name, it.value, e) != 0)
            return -1;
    }
    return 0;
}

/* Of a virtual machine or of a pod. */
static int take_constraint(const json_value *c, struct demand_instance *in, struct err *e)
{
    json_value *traits;

    if (json_kind(c) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "no constraint");
    return json_member(c, "traits", &traits) ? demand_take_traits(c, &in->constraint, e)
                                             : demand_take_constraint(c, &in->constraint, e);
}

/* Whether it was ours to the last byte shows when it is written again; here only what is needed to
 * read it at all. */
static int take_kind(const json_value *v, struct demand *d, struct demand_instance *in,
                     struct err *e)
{
    json_value *c, *n, *r;

    if (json_kind(v) != JSON_OBJECT || !json_member(v, "n", &n) || !json_member(v, "r", &r) ||
        json_kind(r) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "no kind");
    if (demand_take_whole(STR_LIT("n"), n, 1, DEMAND_INSTANCES_MAX, &in->count, e) != 0 ||
        take_amounts(r, in, e) != 0)
        return -1;
    if (json_member(v, "c", &c) && take_constraint(c, in, e) != 0)
        return -1;
    return demand_add(d, in, e);
}

static int take_kinds(const json_value *list, struct demand *d, struct err *e)
{
    struct demand_instance in;
    size_t i;
    int rc = 0;

    if (json_kind(list) != JSON_ARRAY)
        return err_set(e, ERR_INVALID, "no array");
    for (i = 0; i < json_length(list) && rc == 0; i++) {
        in.count = 1;
        in.amounts = 0;
        in.constraint = BUF_INIT(JSON_TEXT_MAX);
        rc = take_kind(json_at(list, i), d, &in, e);
        buf_free(&in.constraint);
    }
    return rc;
}

static int check_written(const struct demand *d, struct str shape, struct err *e)
{
    struct buf again = BUF_INIT(JSON_TEXT_MAX);
    int rc;

    demand_write_shape(d, &again);
    rc = buf_check(&again, "a shape", e);
    if (rc == 0 && !str_eq(buf_span(&again), shape))
        rc = err_set(e, ERR_INVALID, "another shape");
    buf_free(&again);
    return rc;
}

static int read_shape(struct str shape, struct demand *d, struct err *e)
{
    struct json_doc *doc;
    int rc;

    if (json_in_parse(shape, &doc, e) != 0)
        return -1;
    rc = take_kinds(json_in_root(doc), d, e);
    json_in_free(doc);
    return rc == 0 ? check_written(d, shape, e) : -1;
}

int demand_from_shape(struct str shape, struct demand **demand, struct err *e)
{
    struct demand *d = demand_new();

    if (d && read_shape(shape, d, e) == 0) {
        *demand = d;
        return 0;
    }
    if (!d || e->code == ERR_INTERNAL) {
        demand_free(d);
        return err_set(e, ERR_UNAVAILABLE, "no memory for a demand");
    }
    demand_free(d);
    return err_set(e, ERR_INTERNAL, "a shape in the database is none that this program wrote");
}
