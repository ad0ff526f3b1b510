/* SPDX-License-Identifier: MIT */
/*
 * Capacity of a Kubernetes cluster: its nodes, what all pods take of them, and the quotas of its
 * namespaces. Nodes are read before pods, so that a pod of a node that has come in between counts
 * for nothing rather than a node without its pods.
 */
#include "source.h"

#include <stdlib.h>

#include "json_in.h"
#include "kube_api.h"
#include "kube_count.h"
#include "kube_list.h"
#include "kube_pools.h"
#include "kube_quota.h"

enum { VERSION_MAX = 16384, NOTE_MAX = 2048, FORBIDDEN = 403 };

/* Lives from reading to reading. */
struct kubernetes {
    struct kubeconfig_options options;
    struct kube_exec kept;
};

static int kubernetes_open(const struct conf *conf, const struct conf_queue *queue, void **ctx,
                           struct err *e)
{
    struct kubernetes *k = calloc(1, sizeof *k);

    (void)conf;
    if (!k)
        return err_set(e, ERR_INTERNAL, "out of memory while opening a source of capacity");
    k->options.path = queue->source.kubeconfig.p;
    k->options.context = queue->source.context.p;
    *ctx = k;
    return 0;
}

static void kubernetes_close(void *ctx)
{
    struct kubernetes *k = ctx;

    if (k)
        kube_exec_free(&k->kept);
    free(k);
}

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while reading a cluster");
}

/* ---- the lists ---- */

static void clear_nodes(void *ctx)
{
    kube_nodes_clear(ctx);
}

static void clear_use(void *ctx)
{
    kube_nodes_unuse(ctx);
}

static void clear_quotas(void *ctx)
{
    kube_quotas_clear(ctx);
}

static int read_nodes(struct kube_api *api, struct kube_nodes *n, struct err *e)
{
    struct kube_list nodes = {.path = "/api/v1/nodes",
                              .query = "",
                              .kind = "NodeList",
                              .what = "list nodes",
                              .items = kube_nodes_items(n),
                              .called = kube_nodes_called,
                              .again = clear_nodes,
                              .ctx = n};
    int status;

    if (kube_list_read(api, &nodes, &status, e) != 0)
        return -1;
    kube_nodes_sort(n);
    return 0;
}

static int read_pods(struct kube_api *api, struct kube_nodes *n, struct err *e)
{
    struct kube_pods *p = kube_pods_new(kube_count, n);
    struct kube_list pods = {.path = "/api/v1/pods",
                             .query = "&fieldSelector=status.phase%21%3DSucceeded%2C"
                                      "status.phase%21%3DFailed",
                             .kind = "PodList",
                             .what = "list pods",
                             .called = kube_pods_called,
                             .again = clear_use,
                             .ctx = n};
    int status, rc;

    if (!p)
        return no_memory(e);
    pods.items = kube_pods_items(p);
    rc = kube_list_read(api, &pods, &status, e);
    kube_pods_free(p);
    return rc;
}

/* *note = what is to be said of them. */
static int read_hosts(struct kube_api *api, struct source_reading *r, struct buf *note,
                      struct err *e)
{
    struct kube_nodes *n = kube_nodes_new(r->arena);
    int rc = -1;

    if (!n)
        return no_memory(e);
    if (read_nodes(api, n, e) == 0 && read_pods(api, n, e) == 0)
        rc = kube_nodes_hosts(n, &r->host, &r->hosts, e);
    kube_nodes_note(n, note);
    kube_nodes_free(n);
    return rc;
}

static int read_quotas(struct kube_api *api, struct source_reading *r, struct err *e)
{
    struct kube_quotas *q = kube_quotas_new(r->arena);
    struct kube_list quotas = {.path = "/api/v1/resourcequotas",
                               .query = "",
                               .kind = "ResourceQuotaList",
                               .what = "list resourcequotas",
                               .called = kube_quotas_called,
                               .again = clear_quotas,
                               .ctx = q};
    int status, rc;

    if (!q)
        return no_memory(e);
    quotas.items = kube_quotas_items(q);
    rc = kube_list_read(api, &quotas, &status, e);
    if (rc == 0)
        rc = kube_quotas_all(q, &r->quota, &r->quotas, e);
    else if (status == FORBIDDEN)
        rc = err_wrap(e, "`quota: off` does without them");
    r->gate = SOURCE_QUOTAS_READ;
    kube_quotas_free(q);
    return rc;
}

/* ---- the version, for people ---- */

static int take_version(void *ctx, struct str piece, struct err *e)
{
    (void)e;
    buf_add(ctx, piece.p, piece.n);
    return 0;
}

/* " v1.36.2", or nothing: that it is not told is no reason to wait. */
static void write_version(struct kube_api *api, struct buf *about)
{
    struct buf body = BUF_INIT(VERSION_MAX);
    struct kube_get get = {"/version", "read the version", take_version, &body};
    struct json_doc *doc = NULL;
    json_value *version;
    struct err ignored;
    int status;

    if (kube_api_get(api, &get, &status, &ignored) == 0 && !body.failed &&
        json_in_parse(buf_span(&body), &doc, &ignored) == 0 &&
        json_kind(json_in_root(doc)) == JSON_OBJECT &&
        json_member(json_in_root(doc), "gitVersion", &version) && json_kind(version) == JSON_STRING)
        buf_printf(about, " %.40s", json_string(version).p);
    json_in_free(doc);
    buf_free(&body);
}

static int write_about(struct kube_api *api, struct source_reading *r, const struct buf *note,
                       struct err *e)
{
    struct buf about = BUF_INIT(4096);
    int rc;

    buf_str(&about, "Kubernetes");
    write_version(api, &about);
    buf_printf(&about, " at %s, as %s", kube_api_where(api).p, kube_api_as(api).p);
    buf_add(&about, note->data, note->len);
    buf_follow(&about, note);
    rc = buf_check(&about, "what is said about the cluster", e);
    if (rc == 0 && arena_copy(r->arena, buf_span(&about), &r->about) != 0)
        rc = no_memory(e);
    buf_free(&about);
    return rc;
}

/* ---- all of it ---- */

static int kubernetes_read(void *ctx, struct str waiting, const struct until *until,
                           struct source_reading *r, struct err *e)
{
    struct kubernetes *k = ctx;
    struct buf note = BUF_INIT(NOTE_MAX);
    struct kube_api *api;
    int rc;

    (void)waiting;
    if (kube_api_open(&k->options, &k->kept, until, &api, e) != 0)
        return -1;
    rc = read_hosts(api, r, &note, e);
    if (rc == 0)
        rc = kube_pools(r, e);
    if (rc == 0 && r->queue->source.quota == CONF_ON)
        rc = read_quotas(api, r, e);
    if (rc == 0)
        rc = write_about(api, r, &note, e);
    buf_free(&note);
    kube_api_close(api);
    return rc;
}

const struct source_kind source_kubernetes = {.word = "kubernetes",
                                              .waits = true,
                                              .open = kubernetes_open,
                                              .read = kubernetes_read,
                                              .close = kubernetes_close};
