/* SPDX-License-Identifier: MIT */
/* The configuration: an error names the file; what is taken keeps what conf.h says of it. */
#include "fuzz.h"

#include "conf.h"
#include "num.h"

static void check_networks(const struct conf_networks *n)
{
    size_t i;

    MUST(n->n <= CONF_LIST_MAX);
    for (i = 0; i < n->n; i++)
        MUST(n->net[i].prefix >= 0 && n->net[i].prefix <= 128);
}

static void check_text(struct str text)
{
    if (text.p)
        MUST(text.p[text.n] == '\0' && strlen(text.p) == text.n);
}

static void check_hosts(const struct conf_queue *q)
{
    size_t i, a;

    for (i = 0; i < q->hosts; i++) {
        const struct conf_host *h = &q->host[i];

        check_text(h->name);
        MUST(i == 0 || str_cmp(q->host[i - 1].name, h->name) < 0);
        MUST(h->amounts <= CONF_RESOURCES_MAX + 1);
        for (a = 0; a < h->amounts; a++) {
            MUST(h->amount[a].amount >= 0);
            MUST(a == 0 || str_cmp(h->amount[a - 1].resource, h->amount[a].resource) < 0);
        }
    }
}

static void check_pools(const struct conf_queue *q)
{
    size_t i, h;

    for (i = 0; i < q->pools; i++) {
        check_text(q->pool[i].name);
        for (h = 0; h < q->pool[i].hosts; h++) {
            MUST(q->pool[i].host[h] < q->hosts);
            MUST(h == 0 || q->pool[i].host[h - 1] < q->pool[i].host[h]);
        }
    }
}

static void check_queue(const struct conf *conf, size_t i)
{
    const struct conf_queue *q = &conf->queue[i];
    struct netguard_rules rules = conf_rules(conf, q);
    bool last = i + 1 == conf->queues;

    check_text(q->type);
    check_text(q->callback_base);
    MUST(str_is(q->type, "*") == last && conf_queue(conf, q->type) == q);
    MUST(i == 0 || last || str_cmp(conf->queue[i - 1].type, q->type) < 0);
    MUST(q->fit != CONF_FIT_AUTO && q->accounting != CONF_ACCOUNTING_AUTO);
    MUST(q->overtake >= 0 && q->run_limit >= 0 && q->account.n > 0 && q->rules.n > 0);
    MUST(q->source.args <= CONF_ARGS_MAX && conf_pools(q).n == q->pools);
    MUST(q->capacity != CONF_CAPACITY_EXEC || q->source.args > 0);
    MUST(q->capacity != CONF_CAPACITY_HTTP || q->source.url.p);
    MUST(rules.allows <= CONF_LIST_MAX && rules.ports <= CONF_LIST_MAX);
    check_networks(&q->networks);
    check_hosts(q);
    check_pools(q);
}

static void check(const struct conf *conf)
{
    size_t i;

    MUST(conf->queues >= 1 && conf->database.n > 0 && conf->workers >= 1);
    MUST(conf->callback.retries <= CONF_RETRIES_MAX && conf->callback.hold > 0);
    MUST(conf->max_queued >= 0 && conf->low_water >= 0 && conf->low_water <= NUM_SAFE_MAX);
    MUST(conf->auth != CONF_AUTH_KEYSTONE || conf->keystone.url.p);
    check_text(conf->database);
    check_text(conf->log_file);
    check_networks(&conf->open_to);
    check_networks(&conf->callback.networks);
    for (i = 0; i < conf->callback.retries; i++)
        MUST(conf->callback.retry[i] >= 0);
    for (i = 0; i < conf->queues; i++)
        check_queue(conf, i);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str text = fuzz_str(data, size);
    struct conf *conf;
    struct err e = {0};

    if (conf_parse(text, "fuzz", &conf, &e) != 0) {
        MUST(e.code == ERR_CONFIG && strncmp(e.text, "fuzz:", 5) == 0);
        return 0;
    }
    check(conf);
    conf_free(conf);
    return 0;
}
