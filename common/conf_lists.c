/* SPDX-License-Identifier: MIT */
/* The configuration's lists: names, networks, ports. */
#include "conf_in.h"

#include "num.h"

/* Room for the list's elements; NULL and the error when the value is no list, or too long a one. */
static void *begin(struct conf_in *in, const struct yaml_node *value, size_t size)
{
    void *room;

    if (conf_need(in, value, YAML_LIST) != 0)
        return NULL;
    if (value->n > CONF_LIST_MAX) {
        (void)conf_fail(in, value, "must not have more than %d elements", CONF_LIST_MAX);
        return NULL;
    }
    room = arena_array(in->arena, value->n, size);
    if (!room)
        (void)conf_no_memory(in);
    return room;
}

int conf_read_names(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                    void *field)
{
    struct conf_names *names = field;

    (void)key;
    names->name = begin(in, value, sizeof *names->name);
    if (!names->name)
        return -1;
    for (names->n = 0; names->n < value->n; names->n++) {
        if (value->item[names->n]->kind != YAML_SCALAR || yaml_is_null(value->item[names->n]))
            return conf_wrong(in, value->item[names->n], "a list of texts");
        if (conf_copy_name(in, value->item[names->n], &names->name[names->n]) != 0)
            return -1;
    }
    return 0;
}

int conf_read_networks(struct conf_in *in, const struct yaml_node *value,
                       const struct conf_key *key, void *field)
{
    struct conf_networks *networks = field;
    const struct yaml_node *one;

    (void)key;
    networks->net = begin(in, value, sizeof *networks->net);
    if (!networks->net)
        return -1;
    for (networks->n = 0; networks->n < value->n; networks->n++) {
        one = value->item[networks->n];
        if (one->kind != YAML_SCALAR ||
            netguard_net_parse(one->scalar, &networks->net[networks->n]) != 0)
            return conf_wrong(in, one, "a list of networks such as 10.0.0.0/8 or fd00::/8");
    }
    return 0;
}

int conf_read_queue_networks(struct conf_in *in, const struct yaml_node *value,
                             const struct conf_key *key, void *field)
{
    struct conf_queue *queue = field;

    queue->has_networks = true;
    return conf_read_networks(in, value, key, &queue->networks);
}

/* "443" or "1024-65535" */
static int read_ports(struct str text, struct netguard_ports *ports)
{
    const char *dash = text.n ? memchr(text.p, '-', text.n) : NULL;
    struct str low = {text.p, dash ? (size_t)(dash - text.p) : text.n};
    struct str high = dash ? (struct str){dash + 1, text.n - low.n - 1} : low;
    int64_t from, to;

    if (num_i64(low, 1, 65535, &from) != 0 || num_i64(high, from, 65535, &to) != 0)
        return -1;
    *ports = (struct netguard_ports){(int)from, (int)to};
    return 0;
}

int conf_read_ports(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                    void *field)
{
    struct conf_ports *ports = field;
    const struct yaml_node *one;

    (void)key;
    ports->port = begin(in, value, sizeof *ports->port);
    if (!ports->port)
        return -1;
    for (ports->n = 0; ports->n < value->n; ports->n++) {
        one = value->item[ports->n];
        if (one->kind != YAML_SCALAR || read_ports(one->scalar, &ports->port[ports->n]) != 0)
            return conf_wrong(in, one, "a list of ports such as 443 or 1024-65535");
    }
    return 0;
}
