/* SPDX-License-Identifier: MIT */
/* Demand of any other type: a `pool`, and `instances` or `resources`, in which every number is an
 * amount. */
#include "demand_rules.h"

static int take_instance(const json_value *item, struct demand_instance *in, struct err *e)
{
    struct json_iter it = {0};

    while (json_next(item, &it)) {
        if (json_kind(it.value) != JSON_NUMBER || str_is(it.name, "count"))
            continue;
        if (demand_take_resource(in, it.name, it.name, it.value, e) != 0)
            return -1;
    }
    return 0;
}

/* One instance that asks for all of it. */
static int take_resources(const json_value *resources, struct demand *d, struct err *e)
{
    struct demand_instance in = {.count = 1};
    struct json_iter it = {0};

    if (json_kind(resources) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "resources must be an object, not %s",
                       json_kind_word(json_kind(resources)));
    while (json_next(resources, &it)) {
        if (demand_take_resource(&in, it.name, it.name, it.value, e) != 0)
            return -1;
    }
    return demand_add(d, &in, e);
}

static int take_pool(const json_value *data, struct demand *d, struct err *e)
{
    struct str pool;

    if (demand_take_name(data, "pool", &pool, e) != 0)
        return -1;
    return pool.p ? demand_add_scope(d, "pool", pool, e) : 0;
}

int demand_rules_any(const json_value *data, struct demand *d, struct err *e)
{
    json_value *instances, *resources;
    bool many = json_member(data, "instances", &instances);
    bool one = json_member(data, "resources", &resources);

    if (many && one)
        return err_at(e, ERR_INVALID, "/resources", "give instances or resources, not both");
    if (many && demand_take_list(d, "instances", instances, take_instance, e) != 0)
        return -1;
    if (one && take_resources(resources, d, e) != 0)
        return err_under(e, "/resources");
    return take_pool(data, d, e);
}
