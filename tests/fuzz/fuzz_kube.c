/* SPDX-License-Identifier: MIT */
/*
 * Lists of Kubernetes: three texts, apart by lines that hold "---" only: nodes, pods, quotas. Read
 * whole or in pieces they give the same reading, which keeps all rules of one; what pods take never
 * overflows.
 */
#include "fuzz_feed.h"

#include "conf.h"
#include "cron/kube_count.h"
#include "cron/kube_pools.h"
#include "cron/kube_quota.h"
#include "reading_text.h"

enum { MEMORY_MAX = 64 << 20 };

struct world {
    struct source_reading r;
    struct kube_nodes *nodes;
    struct kube_pods *pods;
    struct kube_quotas *quotas;
};

static struct str part(struct str *text)
{
    struct str all = *text, line;
    const char *from = all.p;

    while (text->n > 0) {
        line = fuzz_line(text);
        if (str_is(line, "---"))
            return (struct str){from, (size_t)(line.p - from)};
    }
    return all;
}

static int read_list(struct str text, struct json_pick items, bool whole, struct err *e)
{
    const struct json_pick table[] = {items, {.which = 0}};

    return fuzz_feed(json_picker_new(table, NULL), text, whole, e);
}

static void check_called(const struct world *w)
{
    struct buf b = BUF_INIT(4096);

    kube_nodes_called(w->nodes, &b);
    kube_pods_called(w->pods, &b);
    kube_quotas_called(w->quotas, &b);
    buf_free(&b);
}

static int read_all(struct world *w, struct str text, bool whole, struct err *e)
{
    struct str nodes = part(&text), pods = part(&text), quotas = part(&text);

    if (read_list(nodes, kube_nodes_items(w->nodes), whole, e) != 0)
        return -1;
    kube_nodes_sort(w->nodes);
    if (pods.n && read_list(pods, kube_pods_items(w->pods), whole, e) != 0)
        return -1;
    if (quotas.n && read_list(quotas, kube_quotas_items(w->quotas), whole, e) != 0)
        return -1;
    w->r.gate = SOURCE_QUOTAS_READ;
    return kube_nodes_hosts(w->nodes, &w->r.host, &w->r.hosts, e) != 0 ||
                   kube_pools(&w->r, e) != 0 ||
                   kube_quotas_all(w->quotas, &w->r.quota, &w->r.quotas, e) != 0
               ? -1
               : 0;
}

static int read_once(const struct conf_queue *queue, struct str text, bool whole, struct buf *log)
{
    struct world w = {.r = {.queue = queue, .arena = arena_new(MEMORY_MAX), .state = SOURCE_GOOD}};
    struct err e = {0};
    int rc;

    MUST(w.r.arena);
    w.nodes = kube_nodes_new(w.r.arena);
    w.pods = kube_pods_new(kube_count, w.nodes);
    w.quotas = kube_quotas_new(w.r.arena);
    MUST(w.nodes && w.pods && w.quotas);
    rc = read_all(&w, text, whole, &e);
    check_called(&w);
    if (rc == 0)
        rc = source_check(&w.r, &e); /* two nodes of one name, say */
    if (rc == 0)
        reading_write(log, &w.r);
    else
        buf_str(log, e.pointer);
    kube_quotas_free(w.quotas);
    kube_pods_free(w.pods);
    kube_nodes_free(w.nodes);
    arena_free(w.r.arena);
    return rc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char yaml[] =
        "queues: {kube: {capacity: kubernetes, pool_label: zone, pools: {a: {projects: [p]}}}}\n";
    static struct conf *conf;
    struct buf a = BUF_INIT(FUZZ_TEXT_MAX), b = BUF_INIT(FUZZ_TEXT_MAX);
    struct err e;
    int rc;

    if (!conf && conf_parse(STR_LIT(yaml), "fuzz", &conf, &e) != 0)
        fuzz_broken(__FILE__, __LINE__, e.text);
    rc = read_once(conf_queue(conf, STR_LIT("kube")), fuzz_str(data, size), true, &a);
    MUST(read_once(conf_queue(conf, STR_LIT("kube")), fuzz_str(data, size), false, &b) == rc);
    MUST(fuzz_same(&a, &b));
    buf_free(&a);
    buf_free(&b);
    return 0;
}
