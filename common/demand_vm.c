/* SPDX-License-Identifier: MIT */
/* Demand of a virtual machine: `project`, `host_aggregate` or both, and `instances` with Nova's and
 * Placement's resources and with traits. */
#include "demand_rules.h"

static const struct {
    const char *name, *known_as;
} aliases[] = {{"MEMORY_MB", "Memory"}, {"DISK_GB", "Disk"}};

static const char *known_as(struct str name)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(aliases); i++) {
        if (str_is(name, aliases[i].name))
            return aliases[i].known_as;
    }
    return NULL;
}

struct str demand_resource(struct str type, struct str name)
{
    const char *known = str_is(type, "vm") ? known_as(name) : NULL;

    return known ? str_of(known) : name;
}

/* Memory, Disk, and whatever is spelled as Placement spells its classes, VCPU among them. */
static bool is_resource(struct str name)
{
    size_t i;

    if (str_is(name, "Memory") || str_is(name, "Disk"))
        return true;
    for (i = 0; i < name.n; i++) {
        char c = name.p[i];

        if (!(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') && c != '_')
            return false;
    }
    return name.n > 0;
}

static int take_instance(const json_value *item, struct demand_instance *in, struct err *e)
{
    struct json_iter it = {0};

    while (json_next(item, &it)) {
        const char *known = known_as(it.name);
        json_value *other;

        if (!is_resource(it.name))
            continue;
        if (known && json_member(item, known, &other))
            return demand_refuse(e, it.name, "and %s are the same resource: give one of them",
                                 known);
        if (demand_take_resource(in, it.name, known ? str_of(known) : it.name, it.value, e) != 0)
            return -1;
    }
    return demand_take_traits(item, &in->constraint, e);
}

static int take_scope(const json_value *data, bool needed, struct demand *d, struct err *e)
{
    struct str project, aggregate;

    if (demand_take_name(data, "project", &project, e) != 0 ||
        demand_take_name(data, "host_aggregate", &aggregate, e) != 0)
        return -1;
    if (!aggregate.p && !project.p && needed)
        return err_at(e, ERR_INVALID, "/project", "project is required");
    if (aggregate.p && demand_add_scope(d, "pool", aggregate, e) != 0)
        return -1;
    return project.p ? demand_add_scope(d, "project", project, e) : 0;
}

int demand_rules_vm(const json_value *data, struct demand *d, struct err *e)
{
    json_value *instances;
    bool has = json_member(data, "instances", &instances);

    if (has && demand_take_list(d, "instances", instances, take_instance, e) != 0)
        return -1;
    return take_scope(data, has, d, e);
}
