/* SPDX-License-Identifier: MIT */
/* Demand of Kubernetes: a `namespace` and `pods` with their requests, each of which also takes one
 * of a node's `pods`. */
#include "demand_rules.h"

#include <assert.h>
#include <string.h>

#include "num.h"
#include "quantity.h"

/* Kubernetes counts what vendors and clusters add ("nvidia.com/gpu") in whole units only. */
static bool is_whole_only(struct str resource)
{
    static const char own[] = "kubernetes.io/";

    return memchr(resource.p, '/', resource.n) &&
           !memmem(resource.p, resource.n, own, sizeof own - 1);
}

/* A quantity, as a string or a number: Kubernetes goes by its text. */
static int take_quantity(struct str name, const json_value *v, int64_t *amount, struct err *e)
{
    enum json_kind kind = json_kind(v);
    struct str text = {0};
    int64_t milli = 0;
    int rc;

    if (kind == JSON_STRING)
        text = json_string(v);
    else if (kind == JSON_NUMBER)
        text = json_number(v);
    else
        return demand_refuse(e, name, "must be a quantity, not %s", json_kind_word(kind));
    if (quantity_parse(text, quantity_scale(name), amount) != 0 || *amount > NUM_SAFE_MAX)
        return demand_refuse(e, name, "must be a quantity from 0 to 2^53-1 (of cpu: in milli)");
    if (!is_whole_only(name))
        return 0;
    rc = quantity_parse(text, 1000, &milli);
    assert(rc == 0); /* a thousand times 2^53 is a number, too */
    return milli == *amount * 1000 ? 0 : demand_refuse(e, name, "must be a whole number");
}

static int take_request(struct str name, const json_value *v, struct demand_instance *in,
                        struct err *e)
{
    int64_t amount = 0;

    if (!demand_is_label_key(name))
        return demand_refuse(e, name, "is no name of a resource as Kubernetes has them");
    if (str_is(name, "pods"))
        return demand_refuse(e, name, "can't be requested: every pod counts as one of itself");
    if (take_quantity(name, v, &amount, e) != 0)
        return -1;
    return demand_instance_add(in, name, amount, e);
}

static int take_requests(const json_value *requests, struct demand_instance *in, struct err *e)
{
    struct json_iter it = {0};

    if (json_kind(requests) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "requests must be an object, not %s",
                       json_kind_word(json_kind(requests)));
    while (json_next(requests, &it)) {
        if (take_request(it.name, it.value, in, e) != 0)
            return -1;
    }
    return 0;
}

static int take_pod(const json_value *pod, struct demand_instance *in, struct err *e)
{
    json_value *requests;

    if ((json_member(pod, "requests", &requests) && take_requests(requests, in, e) != 0) ||
        demand_instance_add(in, STR_LIT("pods"), 1, e) != 0)
        return err_under(e, "/requests");
    return demand_take_constraint(pod, &in->constraint, e);
}

int demand_rules_kube(const json_value *data, struct demand *d, struct err *e)
{
    struct str name;
    json_value *pods;
    bool has = json_member(data, "pods", &pods);

    if (has && demand_take_list(d, "pods", pods, take_pod, e) != 0)
        return -1;
    if (demand_take_name(data, "namespace", &name, e) != 0)
        return -1;
    if (name.p)
        return demand_add_scope(d, "project", name, e);
    if (has)
        return err_at(e, ERR_INVALID, "/namespace", "namespace is required");
    return 0;
}
