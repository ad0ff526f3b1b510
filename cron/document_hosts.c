/* SPDX-License-Identifier: MIT */
/* The document's hosts: what they have, what of it is used, their labels. */
#include "document_in.h"

enum { LABEL_KEY_MAX = 317, LABEL_VALUE_MAX = 255, UNSAID = -1 };

/* A host while it is read, and its arrays, which the reading must not write to. */
struct host_in {
    struct source_host *host;
    struct source_amount *amount;
    struct source_label *label;
};

static int compare_amounts(const void *a, const void *b)
{
    const struct source_amount *x = a, *y = b;

    return str_cmp(x->resource, y->resource);
}

static int take_total(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct host_in *in = ctx;
    struct source_amount *a = &in->amount[in->host->amounts];

    if (document_copy_resource(d, name, &a->resource) != 0 ||
        document_take_amount(d, v, a->resource, &a->total) != 0)
        return -1;
    a->used = UNSAID;
    in->host->amounts++;
    return 0;
}

/* As the configuration does for its hosts; beyond the limit of what may be said. */
static void add_pods(struct host_in *in)
{
    struct source_amount pods = {STR_LIT("pods"), DEMAND_KUBE_PODS, UNSAID, 0};
    size_t i = 0;

    while (i < in->host->amounts && !str_eq(in->amount[i].resource, pods.resource))
        i++;
    if (i > 0 && i == in->host->amounts)
        in->amount[in->host->amounts++] = pods;
}

static int take_totals(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct host_in *in = ctx;
    size_t i;

    (void)name;
    in->host->amount = in->amount = document_room(d, v, CONF_RESOURCES_MAX, sizeof *in->amount);
    if (!in->amount || document_take_each(d, v, take_total, in) != 0)
        return -1;
    if (str_is(d->r->queue->rules, "kube"))
        add_pods(in);
    qsort(in->amount, in->host->amounts, sizeof *in->amount, compare_amounts);
    for (i = 1; i < in->host->amounts; i++) {
        if (str_eq(in->amount[i - 1].resource, in->amount[i].resource))
            return document_wrong(d, "has %s twice, by both of its names",
                                  in->amount[i].resource.p);
    }
    return 0;
}

static int take_used(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct host_in *in = ctx;
    struct source_amount wanted = {.resource = demand_resource(d->r->queue->rules, name)}, *a;

    a = in->host->amounts
            ? bsearch(&wanted, in->amount, in->host->amounts, sizeof *in->amount, compare_amounts)
            : NULL;
    if (!a)
        return document_wrong(d, "is used, but the host's total does not have it");
    if (a->used != UNSAID)
        return document_wrong(d, "is there twice, by both of its names");
    return document_take_amount(d, v, a->resource, &a->used);
}

static int take_useds(struct document *d, struct str name, const json_value *v, void *ctx)
{
    (void)name;
    return document_need(d, v, JSON_OBJECT) == 0 ? document_take_each(d, v, take_used, ctx) : -1;
}

static int take_label(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct host_in *in = ctx;
    struct source_label *label = &in->label[in->host->labels];

    if (document_need(d, v, JSON_STRING) != 0 ||
        document_copy_text(d, name, 1, LABEL_KEY_MAX, &label->key) != 0 ||
        document_copy_text(d, json_string(v), 0, LABEL_VALUE_MAX, &label->value) != 0)
        return -1;
    in->host->labels++;
    return 0;
}

static int compare_labels(const void *a, const void *b)
{
    const struct source_label *x = a, *y = b;

    return str_cmp(x->key, y->key); /* as members of an object they have no doubles */
}

static int take_labels(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct host_in *in = ctx;

    (void)name;
    in->host->label = in->label = document_room(d, v, CONF_RESOURCES_MAX, sizeof *in->label);
    if (!in->label || document_take_each(d, v, take_label, in) != 0)
        return -1;
    qsort(in->label, in->host->labels, sizeof *in->label, compare_labels);
    return 0;
}

static const struct document_member host_members[] = {
    {.name = "total", .take = take_totals},
    {.name = "used", .take = take_useds},
    {.name = "labels", .take = take_labels},
};

static int take_host(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct source_host *hosts = ctx, *host = &hosts[d->r->hosts];
    struct host_in in = {.host = host};
    size_t i;

    if (document_copy_name(d, name, &host->name) != 0 ||
        document_take_members(d, v, host_members, ARRAY_LEN(host_members), &in) != 0)
        return -1;
    for (i = 0; i < host->amounts; i++)
        in.amount[i].used = in.amount[i].used == UNSAID ? 0 : in.amount[i].used;
    d->r->hosts++;
    return 0;
}

static int compare_hosts(const void *a, const void *b)
{
    const struct source_host *x = a, *y = b;

    return str_cmp(x->name, y->name);
}

int document_take_hosts(struct document *d, struct str name, const json_value *v, void *ctx)
{
    struct source_host *host = document_room(d, v, SOURCE_HOSTS_MAX, sizeof *host);

    (void)name;
    (void)ctx;
    if (!host || document_take_each(d, v, take_host, host) != 0)
        return -1;
    qsort(host, d->r->hosts, sizeof *host, compare_hosts);
    d->r->host = host;
    return 0;
}

const struct source_host *document_find_host(const struct document *d, struct str name)
{
    const struct source_host wanted = {.name = name};

    return d->r->hosts
               ? bsearch(&wanted, d->r->host, d->r->hosts, sizeof *d->r->host, compare_hosts)
               : NULL;
}
