/* SPDX-License-Identifier: MIT */
/* A whole cluster, and what kube-scheduler's own arithmetic makes of it: ours agrees, node by node
 * and pod by pod. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "cron/kube_count.h"
#include "json_in.h"
#include "kubernetes/lists.h"
#include "num.h"

enum { NODES = 36, PODS = 123, MEMORY_MAX = 64 << 20 };

/* The oracle's word for a resource: those without one of their own stand under "scalar". */
static const struct {
    const char *ours, *theirs;
} words[] = {{"cpu", "milliCPU"}, {"memory", "memory"}, {"ephemeral-storage", "ephemeralStorage"}};

static json_value *oracle_part(const struct json_doc *oracle, const char *part)
{
    json_value *v = NULL;

    assert_true(json_member(json_in_root(oracle), part, &v));
    return v;
}

/* What the oracle has of a resource, clamped as a reading is: an amount that overflowed its 64 bits
 * is below 0 there, and nothing here. */
static int64_t expected(const json_value *amounts, struct str resource)
{
    json_value *of = NULL, *scalars = NULL;
    char name[400];
    int64_t v = 0;
    size_t i;
    bool has = false;

    for (i = 0; i < ARRAY_LEN(words); i++) {
        if (str_is(resource, words[i].ours))
            has = json_member(amounts, words[i].theirs, &of);
    }
    (void)snprintf(name, sizeof name, "%.*s", (int)resource.n, resource.p);
    if (!has && json_member(amounts, "scalar", &scalars))
        has = json_member(scalars, name, &of);
    if (!has)
        return 0;
    assert_int_equal(num_i64(json_number(of), INT64_MIN, INT64_MAX, &v), 0);
    return v < 0 ? 0 : v < NUM_SAFE_MAX ? v : NUM_SAFE_MAX;
}

static int64_t number(const json_value *object, const char *name)
{
    json_value *v = NULL;
    int64_t n = 0;

    assert_true(json_member(object, name, &v));
    assert_int_equal(num_i64(json_number(v), INT64_MIN, INT64_MAX, &n), 0);
    return n;
}

/* How many resources the oracle counts beside `pods`, 0 or not. */
static size_t resources(const json_value *amounts)
{
    struct json_iter it = {0};
    json_value *scalars;
    size_t n = 0;

    while (json_next(amounts, &it))
        n += !str_is(it.name, "scalar");
    it = (struct json_iter){0};
    while (json_member(amounts, "scalar", &scalars) && json_next(scalars, &it))
        n++;
    return n;
}

static void check_host(const struct source_host *h, const json_value *node)
{
    json_value *allocatable = NULL, *requested = NULL;
    size_t i, found = 0;

    assert_true(json_member(node, "allocatable", &allocatable));
    assert_true(json_member(node, "requested", &requested));
    for (i = 0; i < h->amounts; i++) {
        const struct source_amount *a = &h->amount[i];
        bool pods = str_is(a->resource, "pods");
        int64_t total = pods ? number(node, "allowedPods") : expected(allocatable, a->resource);
        int64_t used = pods ? number(node, "pods") : expected(requested, a->resource);

        if (a->total != total || a->used != used)
            fail_msg("%.*s %.*s: %lld of %lld used, not %lld of %lld", (int)h->name.n, h->name.p,
                     (int)a->resource.n, a->resource.p, (long long)a->used, (long long)a->total,
                     (long long)used, (long long)total);
        found += pods || total > 0 || used > 0;
    }
    /* Whatever the oracle has more than 0 of was seen above. */
    for (i = 0; i < ARRAY_LEN(words); i++) {
        found -= expected(allocatable, str_of(words[i].ours)) > 0 ||
                 expected(requested, str_of(words[i].ours)) > 0;
    }
    assert_true(found >= 1 && found - 1 <= resources(allocatable) - ARRAY_LEN(words));
}

static void nodes_agree(void **state)
{
    struct buf nodes = lists_load("nodes.json"), pods = lists_load("pods.json");
    struct buf text = lists_load("oracle.json");
    struct json_doc *oracle;
    size_t piece, i, hosts;
    struct err e;

    (void)state;
    assert_int_equal(json_in_parse(buf_span(&text), &oracle, &e), 0);
    for (piece = 1000; piece < 200000; piece *= 13) {
        struct arena *arena = arena_new(MEMORY_MAX);
        struct kube_nodes *n = kube_nodes_new(arena);
        struct kube_pods *p = kube_pods_new(kube_count, n);
        const struct source_host *host;

        assert_int_equal(lists_read(buf_span(&nodes), kube_nodes_items(n), piece, &e), 0);
        kube_nodes_sort(n);
        /* A list that breaks off is begun anew. */
        assert_int_equal(
            lists_read((struct str){pods.data, pods.len / 2}, kube_pods_items(p), piece, &e), -1);
        kube_nodes_unuse(n);
        assert_int_equal(lists_read(buf_span(&pods), kube_pods_items(p), piece, &e), 0);
        assert_int_equal(kube_nodes_hosts(n, &host, &hosts, &e), 0);
        assert_int_equal(hosts, NODES);
        for (i = 0; i < hosts; i++) {
            json_value *node = NULL;

            assert_true(json_member(oracle_part(oracle, "nodes"), host[i].name.p, &node));
            check_host(&host[i], node);
        }
        kube_pods_free(p);
        kube_nodes_free(n);
        arena_free(arena);
    }
    json_in_free(oracle);
    buf_free(&nodes);
    buf_free(&pods);
    buf_free(&text);
}

struct seen {
    const json_value *pods;
    size_t n;
};

static void check_pod(void *ctx, const struct kube_pod *pod)
{
    struct seen *seen = ctx;
    json_value *entry = NULL, *node = NULL, *requests = NULL;
    char name[600];
    size_t i, w;

    assert_false(pod->uncounted);
    (void)snprintf(name, sizeof name, "%s/%s", pod->space.p, pod->name.p);
    if (!json_member(seen->pods, name, &entry))
        fail_msg("%s is not there", name);
    assert_true(json_member(entry, "node", &node) && json_member(entry, "requests", &requests));
    assert_true(str_eq(json_string(node), pod->node));
    for (i = 0; i < pod->requests->n; i++) {
        struct str resource = pod->resource[pod->requests->amount[i].resource];
        int64_t unit = str_is(resource, "cpu") ? 1 : 1000;
        int64_t milli = pod->requests->amount[i].milli, got = milli / unit + (milli % unit > 0);
        int64_t want = expected(requests, resource);

        if (got != want && !(want == NUM_SAFE_MAX && pod->requests->amount[i].milli == INT64_MAX))
            fail_msg("%s: %.*s %lld, not %lld", name, (int)resource.n, resource.p, (long long)got,
                     (long long)want);
    }
    for (w = 0; w < ARRAY_LEN(words); w++) {
        bool has = false;

        for (i = 0; i < pod->requests->n; i++)
            has = has || str_is(pod->resource[pod->requests->amount[i].resource], words[w].ours);
        assert_true(has || expected(requests, str_of(words[w].ours)) == 0);
    }
    assert_true(pod->requests->n >= resources(requests) - ARRAY_LEN(words));
    seen->n++;
}

static void pods_agree(void **state)
{
    struct buf pods = lists_load("pods.json"), text = lists_load("oracle.json");
    struct seen seen = {0};
    struct json_doc *oracle;
    struct kube_pods *p;
    struct err e;

    (void)state;
    assert_int_equal(json_in_parse(buf_span(&text), &oracle, &e), 0);
    seen.pods = oracle_part(oracle, "pods");
    p = kube_pods_new(check_pod, &seen);
    assert_non_null(p);
    assert_int_equal(lists_read(buf_span(&pods), kube_pods_items(p), 16384, &e), 0);
    assert_int_equal(seen.n, PODS);
    kube_pods_free(p);
    json_in_free(oracle);
    buf_free(&pods);
    buf_free(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nodes_agree),
        cmocka_unit_test(pods_agree),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
