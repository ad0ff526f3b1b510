/* SPDX-License-Identifier: MIT */
/* The configuration: from a file to one struct in one arena. */
#include "conf_in.h"

enum { ARENA_BYTES_MAX = 128 << 20 };

const char *conf_path(const char *option)
{
    const char *set = getenv("ANTEROOM_CONFIG");

    if (option)
        return option;
    return set && *set ? set : "/etc/anteroom/anteroom.yaml";
}

/* What the whole cannot do without. */
static int check_conf(struct conf_in *in, const struct yaml_node *root, const struct conf *conf)
{
    if (conf->auth == CONF_AUTH_KEYSTONE && !conf->keystone.url.p)
        return conf_fail(in, root, "auth: keystone needs keystone.url");
    return 0;
}

static int read_conf(struct conf_in *in, const struct yaml_node *root, struct conf *conf)
{
    static const struct yaml_node no_queues = {.kind = YAML_MAP, .line = 1};

    if (arena_copy(in->arena, str_of(in->name), &conf->file) != 0)
        return conf_no_memory(in);
    if (conf_preset(in, CONF_TOP, conf) != 0 ||
        conf_preset(in, CONF_CALLBACK, &conf->callback) != 0 ||
        conf_preset(in, CONF_OWNER, &conf->owner) != 0 ||
        conf_preset(in, CONF_RETENTION, &conf->retention) != 0 ||
        conf_preset(in, CONF_KEYSTONE, &conf->keystone) != 0 ||
        conf_read_section(in, CONF_TOP, root, conf) != 0 || check_conf(in, root, conf) != 0)
        return -1;
    if (conf->queues)
        return 0;
    return conf_read_queues(in, &no_queues, NULL, conf);
}

static int from_doc(const struct yaml_doc *doc, const char *name, struct conf **conf, struct err *e)
{
    struct arena *arena = arena_new(ARENA_BYTES_MAX);
    struct conf_in in = {.name = name, .arena = arena, .e = e};
    struct conf *made = arena ? arena_array(arena, 1, sizeof *made) : NULL;

    if (!made || read_conf(&in, yaml_root(doc), made) != 0) {
        arena_free(arena);
        return made ? -1 : conf_no_memory(&in);
    }
    made->memory = arena;
    *conf = made;
    return 0;
}

int conf_load(const char *path, struct conf **conf, struct err *e)
{
    struct yaml_doc *doc;
    int failed;

    if (yaml_load(path, &doc, e) != 0)
        return -1;
    failed = from_doc(doc, path, conf, e);
    yaml_doc_free(doc);
    return failed;
}

int conf_parse(struct str text, const char *name, struct conf **conf, struct err *e)
{
    struct yaml_doc *doc;
    int failed;

    if (yaml_parse(text, name, &doc, e) != 0)
        return -1;
    failed = from_doc(doc, name, conf, e);
    yaml_doc_free(doc);
    return failed;
}

void conf_free(struct conf *conf)
{
    if (conf)
        arena_free(conf->memory);
}

static int compare_type(const void *type, const void *queue)
{
    return str_cmp(*(const struct str *)type, ((const struct conf_queue *)queue)->type);
}

const struct conf_queue *conf_queue(const struct conf *conf, struct str type)
{
    const struct conf_queue *any = &conf->queue[conf->queues - 1], *own;

    own = bsearch(&type, conf->queue, conf->queues - 1, sizeof *conf->queue, compare_type);
    return own ? own : any;
}

int64_t conf_longest_settle(const struct conf *conf)
{
    int64_t longest = 0;
    size_t i;

    for (i = 0; i < conf->queues; i++) {
        if (conf->queue[i].source.settle > longest)
            longest = conf->queue[i].source.settle;
    }
    return longest;
}

struct netguard_rules conf_rules(const struct conf *conf, const struct conf_queue *queue)
{
    const struct conf_networks *n =
        queue->has_networks ? &queue->networks : &conf->callback.networks;

    return (struct netguard_rules){.allows = n->n,
                                   .allow = n->net,
                                   .ports = conf->callback.ports.n,
                                   .port = conf->callback.ports.port};
}

bool conf_asks(const struct conf_queue *queue)
{
    return queue->capacity != CONF_CAPACITY_NONE && queue->capacity != CONF_CAPACITY_STATIC;
}

struct pools conf_pools(const struct conf_queue *queue)
{
    return (struct pools){queue->pools, queue->pool};
}
