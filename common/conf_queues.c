/* SPDX-License-Identifier: MIT */
/* The configuration's queues and pools: the mappings whose keys are names. */
#include "conf_in.h"

static int compare_types(const void *a, const void *b)
{
    const struct conf_queue *x = a, *y = b;
    int x_any = str_is(x->type, "*"), y_any = str_is(y->type, "*");

    return x_any != y_any ? x_any - y_any : str_cmp(x->type, y->type);
}

/* What each kind of source is unless the file says otherwise. */
static const struct {
    const char *rules; /* NULL: those of the queue's type */
    enum conf_fit fit;
    enum conf_accounting accounting;
} natures[] = {
    [CONF_CAPACITY_NONE] = {NULL, CONF_FIT_PACK, CONF_ACCOUNTING_LEDGER},
    [CONF_CAPACITY_STATIC] = {NULL, CONF_FIT_PACK, CONF_ACCOUNTING_LEDGER},
    [CONF_CAPACITY_OPENSTACK] = {"vm", CONF_FIT_SPREAD, CONF_ACCOUNTING_OBSERVED},
    [CONF_CAPACITY_KUBERNETES] = {"kube", CONF_FIT_SPREAD, CONF_ACCOUNTING_OBSERVED},
    [CONF_CAPACITY_EXEC] = {NULL, CONF_FIT_PACK, CONF_ACCOUNTING_LEDGER},
    [CONF_CAPACITY_HTTP] = {NULL, CONF_FIT_PACK, CONF_ACCOUNTING_LEDGER},
};

/* What cannot be read is read again with each callback, which is then told why. */
static void settle_base(struct conf_queue *queue)
{
    struct url url;
    struct err e;

    if (!queue->callback_base.p ||
        url_resolve((struct str){0}, queue->callback_base, "callback_base", &url, &e) != 0)
        return;
    memcpy(queue->base.host, url.host, sizeof queue->base.host);
    queue->base.port = url.port;
    url_free(&url);
}

static void settle_queue(struct conf_queue *queue)
{
    const char *rules = natures[queue->capacity].rules;

    settle_base(queue);

    queue->rules = rules ? str_of(rules) : queue->type;
    if (queue->fit == CONF_FIT_AUTO)
        queue->fit = natures[queue->capacity].fit;
    if (queue->accounting == CONF_ACCOUNTING_AUTO)
        queue->accounting = natures[queue->capacity].accounting;
}

/* What a source cannot do without. */
static int check_queue(struct conf_in *in, const struct yaml_node *at,
                       const struct conf_queue *queue)
{
    const struct conf_source *s = &queue->source;

    if (queue->capacity == CONF_CAPACITY_EXEC && (s->args == 0 || s->program[0].p[0] != '/'))
        return conf_fail(in, at, "capacity exec needs a program with an absolute path");
    if (queue->capacity == CONF_CAPACITY_STATIC && queue->accounting == CONF_ACCOUNTING_OBSERVED)
        return conf_fail(in, at, "static capacity sees no use: its accounting is ledger");
    if (queue->capacity == CONF_CAPACITY_HTTP && !s->url.p)
        return conf_fail(in, at, "capacity http needs a url");
    return 0;
}

static int read_queue(struct conf_in *in, const struct yaml_node *name,
                      const struct yaml_node *value, struct conf_queue *queue)
{
    conf_enter(in, name->scalar);
    if (conf_copy_name(in, name, &queue->type) != 0)
        return -1;
    in->type = queue->type;
    if (conf_read_section(in, CONF_QUEUE, value, queue) != 0 || check_queue(in, value, queue) != 0)
        return -1;
    settle_queue(queue);
    conf_leave(in);
    return 0;
}

static bool same_program(const struct conf_source *a, const struct conf_source *b)
{
    size_t i;

    for (i = 0; i < a->args && i < b->args; i++) {
        if (!str_eq(a->program[i], b->program[i]))
            return false;
    }
    return a->args == b->args;
}

/* What is not said comes from somewhere else (OS_CLOUD, KUBECONFIG, a cloud's own region) and may
 * be what the other says. */
static bool may_be_same(struct str a, struct str b)
{
    return !a.p || !b.p || str_eq(a, b);
}

/* Two queues whose hosts may be the same ones: taken for the same where that is not known, since a
 * hold counts only on the host of its name, and too much is counted rather than too little. Static
 * hosts are each queue's own. */
static bool same_source(const struct conf_queue *a, const struct conf_queue *b)
{
    const struct conf_source *x = &a->source, *y = &b->source;

    return a->capacity == b->capacity && a->capacity != CONF_CAPACITY_NONE &&
           a->capacity != CONF_CAPACITY_STATIC && may_be_same(x->cloud, y->cloud) &&
           may_be_same(x->region, y->region) && may_be_same(x->kubeconfig, y->kubeconfig) &&
           may_be_same(x->context, y->context) && same_program(x, y) && str_eq(x->url, y->url);
}

/* The accounts of queues i and j < i become one, under the lesser name. */
static void join_accounts(struct conf *conf, size_t i, size_t j)
{
    struct str x = conf->queue[i].account, y = conf->queue[j].account;
    struct str from = str_cmp(x, y) > 0 ? x : y, to = str_cmp(x, y) > 0 ? y : x;
    size_t k;

    for (k = 0; k <= i && !str_eq(from, to); k++) {
        if (str_eq(conf->queue[k].account, from))
            conf->queue[k].account = to;
    }
}

/* What jobs of one queue hold is not free for another that has the same hosts. Two that may each be
 * the same as a third are one account with it. */
static void open_accounts(struct conf *conf)
{
    size_t i, j;

    for (i = 0; i < conf->queues; i++) {
        conf->queue[i].account = conf->queue[i].type;
        for (j = 0; j < i; j++) {
            if (same_source(&conf->queue[i], &conf->queue[j]))
                join_accounts(conf, i, j);
        }
    }
}

int conf_read_queues(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                     void *field)
{
    struct conf *conf = field;
    struct conf_queue preset = {.type = STR_LIT("*")};
    size_t i;

    (void)key;
    if (conf_need(in, value, YAML_MAP) != 0 || conf_preset(in, CONF_QUEUE, &preset) != 0)
        return -1;
    conf->queue = arena_array(in->arena, value->n + 1, sizeof *conf->queue);
    if (!conf->queue)
        return conf_no_memory(in);
    for (i = 0; i < value->n; i++) {
        conf->queue[i] = preset;
        if (read_queue(in, value->item[2 * i], value->item[2 * i + 1], &conf->queue[i]) != 0)
            return -1;
    }
    conf->queues = value->n;
    if (!yaml_get(value, "*")) {
        settle_queue(&preset);
        conf->queue[conf->queues++] = preset;
    }
    qsort(conf->queue, conf->queues, sizeof *conf->queue, compare_types);
    open_accounts(conf);
    return 0;
}

int conf_read_pools(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                    void *field)
{
    struct conf_queue *queue = field;
    struct conf_pool_in *pool;
    size_t i;

    (void)key;
    if (conf_need(in, value, YAML_MAP) != 0)
        return -1;
    pool = arena_array(in->arena, value->n, sizeof *pool);
    queue->pool = arena_array(in->arena, value->n, sizeof *queue->pool);
    if (!pool || !queue->pool)
        return conf_no_memory(in);
    for (i = 0; i < value->n; i++) {
        conf_enter(in, value->item[2 * i]->scalar);
        if (conf_copy_name(in, value->item[2 * i], &pool[i].pool.name) != 0 ||
            conf_read_section(in, CONF_POOL, value->item[2 * i + 1], &pool[i]) != 0)
            return -1;
        conf_leave(in);
        queue->pool[i] = pool[i].pool;
        queue->pool[i].open = pool[i].pool.projects == 0;
    }
    queue->pools = value->n;
    return conf_join_hosts(in, queue, pool);
}

int conf_read_projects(struct conf_in *in, const struct yaml_node *value,
                       const struct conf_key *key, void *field)
{
    struct pool *pool = field;
    const struct yaml_node *project;

    (void)key;
    if (conf_need(in, value, YAML_LIST) != 0)
        return -1;
    pool->project = arena_array(in->arena, value->n, sizeof *pool->project);
    if (!pool->project)
        return conf_no_memory(in);
    for (; pool->projects < value->n; pool->projects++) {
        project = value->item[pool->projects];
        if (project->kind != YAML_SCALAR || yaml_is_null(project))
            return conf_wrong(in, project, "a list of texts");
        if (conf_copy_name(in, project, &pool->project[pool->projects]) != 0)
            return -1;
    }
    return 0;
}

int conf_keep_hosts(struct conf_in *in, const struct yaml_node *value, const struct conf_key *key,
                    void *field)
{
    const struct yaml_node **hosts = field;

    (void)key;
    *hosts = value;
    return conf_need(in, value, YAML_MAP);
}
