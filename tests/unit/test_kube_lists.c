/* SPDX-License-Identifier: MIT */
/* What is kept of nodes and of pools: labels, taints, who is in which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cron/kube_count.h"
#include "cron/kube_pools.h"
#include "cron/kube_quota.h"
#include "kubernetes/lists.h"
#include "torture.h"

enum { MEMORY_MAX = 64 << 20 };

struct world {
    struct arena *arena;
    struct kube_nodes *nodes;
    struct kube_quotas *quotas; /* of who reads a whole cluster */
    struct conf_queue queue;
    struct source_reading r;
};

static int begin(void **state)
{
    static struct world w;

    w = (struct world){.arena = arena_new(MEMORY_MAX)};
    w.nodes = kube_nodes_new(w.arena);
    w.r = (struct source_reading){.queue = &w.queue, .arena = w.arena};
    *state = &w;
    return w.arena && w.nodes ? 0 : -1;
}

static int end(void **state)
{
    struct world *w = *state;

    kube_nodes_free(w->nodes);
    arena_free(w->arena);
    return 0;
}

static void nodes(struct world *w, const char *text)
{
    struct err e;

    assert_int_equal(lists_read(str_of(text), kube_nodes_items(w->nodes), 7, &e), 0);
    kube_nodes_sort(w->nodes);
    assert_int_equal(kube_nodes_hosts(w->nodes, &w->r.host, &w->r.hosts, &e), 0);
    assert_int_equal(source_check(&w->r, &e), 0);
}

static void pods(struct world *w, const char *text)
{
    struct kube_pods *p = kube_pods_new(kube_count, w->nodes);
    struct err e;

    assert_int_equal(lists_read(str_of(text), kube_pods_items(p), 7, &e), 0);
    assert_int_equal(kube_nodes_hosts(w->nodes, &w->r.host, &w->r.hosts, &e), 0);
    assert_int_equal(source_check(&w->r, &e), 0);
    kube_pods_free(p);
}

/* "cpu 1000/8000 pods 1/110" */
static void amounts_are(const struct source_host *h, const char *expected)
{
    struct buf b = BUF_INIT(4096);
    size_t i;

    for (i = 0; i < h->amounts; i++)
        buf_printf(&b, "%s%.*s %lld/%lld", i ? " " : "", (int)h->amount[i].resource.n,
                   h->amount[i].resource.p, (long long)h->amount[i].used,
                   (long long)h->amount[i].total);
    assert_string_equal(b.data, expected);
    buf_free(&b);
}

/* ---- nodes ---- */

static void nodes_are_sorted_with_their_labels(void **state)
{
    struct world *w = *state;

    nodes(w, "{\"items\":[{\"metadata\":{\"name\":\"b\",\"labels\":{\"z\":\"1\",\"a/b\":\"2\"}},"
             "\"spec\":{},\"status\":{\"allocatable\":{\"pods\":\"0110\",\"cpu\":\"+4\","
             "\"memory\":\"1500m\"}}},{\"metadata\":{\"name\":\"a\"}}]}");
    assert_int_equal(w->r.hosts, 2);
    assert_string_equal(w->r.host[0].name.p, "a");
    amounts_are(&w->r.host[0], "pods 0/0");
    assert_string_equal(w->r.host[1].name.p, "b");
    amounts_are(&w->r.host[1], "cpu 0/4000 memory 0/2 pods 0/110");
    assert_int_equal(w->r.host[1].labels, 2);
    assert_string_equal(w->r.host[1].label[0].key.p, "a/b");
    assert_string_equal(w->r.host[1].label[0].value.p, "2");
    assert_string_equal(w->r.host[1].label[1].key.p, "z");
}

static void a_node_may_have_many_resources(void **state)
{
    struct world *w = *state;

    nodes(w,
          "{\"items\":[{\"metadata\":{\"name\":\"a\"},\"status\":{\"allocatable\":{\"x/9\":\"9\","
          "\"x/8\":\"8\",\"x/7\":\"7\",\"x/6\":\"6\",\"x/5\":\"5\",\"x/4\":\"4\",\"x/3\":\"3\","
          "\"x/2\":\"2\",\"x/1\":\"1\",\"pods\":\"10\"}}}]}");
    amounts_are(&w->r.host[0], "pods 0/10 x/1 0/1 x/2 0/2 x/3 0/3 x/4 0/4 x/5 0/5 x/6 0/6 x/7 0/7"
                               " x/8 0/8 x/9 0/9");
}

static void taints_that_keep_away_are_kept(void **state)
{
    struct world *w = *state;
    const struct source_host *h;

    nodes(w,
          "{\"items\":[{\"metadata\":{\"name\":\"a\"},\"spec\":{\"unschedulable\":true,\"taints\":["
          "{\"key\":\"k\",\"value\":\"v\",\"effect\":\"NoSchedule\"},"
          "{\"key\":\"p\",\"effect\":\"PreferNoSchedule\"},"
          "{\"key\":\"x\",\"effect\":\"NoExecute\",\"timeAdded\":\"2026-11-23T08:00:00Z\"}]}},"
          "{\"metadata\":{\"name\":\"b\"},\"spec\":{\"taints\":[{\"effect\":\"NoSchedule\","
          "\"key\":\"node.kubernetes.io/unschedulable\"}],\"unschedulable\":true}},"
          "{\"metadata\":{\"name\":\"c\"},\"spec\":{\"unschedulable\":false},\"status\":"
          "{\"conditions\":[{\"type\":\"Ready\",\"status\":\"False\"}]}}]}");
    h = &w->r.host[0];
    assert_int_equal(h->taints, 3);
    assert_string_equal(h->taint[0].key.p, "k");
    assert_string_equal(h->taint[0].value.p, "v");
    assert_string_equal(h->taint[1].key.p, "x");
    assert_string_equal(h->taint[1].value.p, "");
    assert_string_equal(h->taint[1].effect.p, "NoExecute");
    assert_string_equal(h->taint[2].key.p, "node.kubernetes.io/unschedulable");
    assert_string_equal(h->taint[2].effect.p, "NoSchedule");
    assert_int_equal(w->r.host[1].taints, 1);
    assert_int_equal(w->r.host[2].taints, 0);
}

static void amounts_beyond_what_is_exact_are_clamped_and_never_wrap(void **state)
{
    struct world *w = *state;

    nodes(w, "{\"items\":[{\"metadata\":{\"name\":\"a\"},\"status\":{\"allocatable\":{\"memory\":"
             "\"7Ei\","
             "\"x/large\":\"12E\",\"x/y\":\"9223372036854775807\"}}}]}");
    pods(w,
         "{\"items\":[{\"spec\":{\"nodeName\":\"a\",\"containers\":[{\"resources\":{\"requests\":"
         "{\"memory\":\"12E\",\"x/y\":\"1\",\"x/large\":\"1\"}}}]}},"
         "{\"spec\":{\"nodeName\":\"a\",\"containers\":[{\"resources\":{\"requests\":"
         "{\"memory\":\"12E\"}}}]}}]}");
    amounts_are(&w->r.host[0], "memory 9007199254740991/9007199254740991 pods 2/0 x/large 1/0 "
                               "x/y 1/9007199254740991");
}

/* ---- pods ---- */

static void pods_count_where_they_are_bound(void **state)
{
    struct world *w = *state;

    nodes(w, "{\"items\":[{\"metadata\":{\"name\":\"a\"},\"status\":{\"allocatable\":"
             "{\"cpu\":\"8\",\"memory\":\"1Gi\",\"pods\":\"110\"}}}]}");
#define POD(node, phase)                                                                           \
    "{\"spec\":{" node "\"containers\":[{\"resources\":{\"requests\":{\"cpu\":\"1\"}}}]},"         \
    "\"status\":{\"phase\":\"" phase "\"}}"
#define ON(node) "\"nodeName\":\"" node "\","
    pods(w,
         "{\"items\":[" POD(ON("a"), "Running") "," POD(ON("a"), "Pending") "," POD(
             ON("a"),
             "Unknown") "," POD(ON("a"),
                                "Succeeded") "," POD(ON("a"),
                                                     "Failed") "," POD("",
                                                                       "Pending") "," POD(ON("gho"
                                                                                             "s"
                                                                                             "t"),
                                                                                          "Runnin"
                                                                                          "g") "]"
                                                                                               "}");
    amounts_are(&w->r.host[0], "cpu 3000/8000 memory 0/1073741824 pods 3/110");
}

static void a_pod_is_rounded_up_once(void **state)
{
    struct world *w = *state;

    nodes(w, "{\"items\":[{\"metadata\":{\"name\":\"a\"},\"status\":{\"allocatable\":"
             "{\"memory\":\"10\"}}}]}");
    pods(w, "{\"items\":[{\"spec\":{\"nodeName\":\"a\",\"containers\":["
            "{\"resources\":{\"requests\":{\"memory\":\"1500m\"}}},"
            "{\"resources\":{\"requests\":{\"memory\":\"1500m\"}}}]}},"
            "{\"spec\":{\"nodeName\":\"a\",\"containers\":["
            "{\"resources\":{\"requests\":{\"memory\":\"500m\"}}}]}}]}");
    amounts_are(&w->r.host[0], "memory 4/10 pods 2/0");
}

/* Members in another order than Kubernetes writes them make no difference. */
static void the_order_of_members_does_not_matter(void **state)
{
    struct world *w = *state;

    nodes(w, "{\"items\":[{\"status\":{\"allocatable\":{\"cpu\":\"8\",\"hugepages-2Mi\":\"1Gi\"}},"
             "\"metadata\":{\"name\":\"a\"}}]}");
    pods(
        w,
        "{\"items\":[{\"status\":{\"containerStatuses\":[{\"allocatedResources\":{\"cpu\":\"3\"},"
        "\"resources\":{\"requests\":{\"cpu\":\"2\"}},\"name\":\"c\"}],\"conditions\":[{\"reason\":"
        "\"Infeasible\",\"type\":\"PodResizePending\"}]},\"spec\":{\"overhead\":{\"cpu\":\"250m\"},"
        "\"initContainers\":[{\"restartPolicy\":\"Always\",\"resources\":{\"requests\":"
        "{\"cpu\":\"100m\",\"hugepages-2Mi\":\"4Mi\"}},\"name\":\"s\"}],"
        "\"containers\":[{\"resources\":{\"requests\":{\"cpu\":\"5\"}},\"name\":\"c\"}],"
        "\"nodeName\":\"a\"},\"metadata\":{\"name\":\"p\"}}]}");
    amounts_are(&w->r.host[0], "cpu 3350/8000 hugepages-2Mi 4194304/1073741824 pods 1/0");
}

/* A phase that nobody knows is one that runs; what a pod as a whole may not ask for is left out. */
static void a_pod_of_a_later_kubernetes(void **state)
{
    struct world *w = *state;
    struct buf text = BUF_INIT(1 << 20);

    nodes(w,
          "{\"items\":[{\"metadata\":{\"name\":\"a\"},\"status\":{\"allocatable\":{\"cpu\":\"8\","
          "\"x/y\":\"8\"}}}]}");
    buf_printf(
        &text,
        "{\"items\":[{\"spec\":{\"nodeName\":\"a\",\"resources\":{\"requests\":{\"cpu\":\"3\","
        "\"x/y\":\"5\"}},\"containers\":[{\"name\":\"c\",\"resources\":{\"requests\":"
        "{\"cpu\":\"1\",\"x/y\":\"1\"}}}]},\"status\":{\"phase\":\"%0300d\"}}]}",
        0);
    pods(w, text.data);
    amounts_are(&w->r.host[0], "cpu 3000/8000 pods 1/0 x/y 1/8");
    buf_free(&text);
}

/* `uncountable` such pods on the node a, which was half used before. */
static void fill(struct world *w, int uncountable)
{
    struct buf text = BUF_INIT(1 << 20);
    int i, p;

    buf_str(&text, "{\"items\":[{\"spec\":{\"nodeName\":\"a\",\"containers\":[{\"resources\":"
                   "{\"requests\":{\"cpu\":\"4\",\"x/y\":\"9\"}}}]}}");
    for (p = 0; p < uncountable; p++) {
        buf_printf(&text,
                   ",{\"metadata\":{\"namespace\":\"ns\",\"name\":\"p%d\"},\"spec\":"
                   "{\"nodeName\":\"%s\",\"containers\":[{\"resources\":{\"requests\":{",
                   p, p < 2 ? "a" : "gone");
        for (i = 0; i < 300; i++)
            buf_printf(&text, "%s\"x/r%d\":\"1\"", i ? "," : "", i);
        buf_str(&text, "}}}]}}");
    }
    buf_str(&text, "]}");
    kube_nodes_unuse(w->nodes);
    pods(w, text.data);
    buf_free(&text);
}

/* Found by review: it was the end of the list, and whoever may make pods may bind one to a node
 * that is down. */
static void a_pod_that_cannot_be_counted_takes_its_whole_node(void **state)
{
    struct world *w = *state;
    struct buf note = BUF_INIT(1024);

    nodes(w, "{\"items\":[{\"metadata\":{\"name\":\"a\"},\"status\":{\"allocatable\":{\"cpu\":"
             "\"8\",\"pods\":\"110\",\"x/y\":\"8\"}}},{\"metadata\":{\"name\":\"b\"},\"status\":"
             "{\"allocatable\":{\"cpu\":\"8\"}}}]}");
    fill(w, 0);
    amounts_are(&w->r.host[0], "cpu 4000/8000 pods 1/110 x/y 9/8");
    kube_nodes_note(w->nodes, &note);
    assert_int_equal(note.len, 0);
    fill(w, 1);
    amounts_are(&w->r.host[0], "cpu 8000/8000 pods 110/110 x/y 9/8");
    amounts_are(&w->r.host[1], "cpu 0/8000 pods 0/0");
    kube_nodes_note(w->nodes, &note);
    assert_string_equal(note.data, "; nothing counts as free on the nodes of 1 pod that asks for "
                                   "more than can be counted: ns/p0");
    buf_reset(&note);
    fill(w, 3);
    kube_nodes_note(w->nodes, &note);
    assert_string_equal(note.data, "; nothing counts as free on the nodes of 2 pods that ask for "
                                   "more than can be counted: ns/p0, …");
    fill(w, 0);
    amounts_are(&w->r.host[0], "cpu 4000/8000 pods 1/110 x/y 9/8");
    buf_free(&note);
}

/* ---- pools ---- */

/* "x open a c; y closed b" */
static void pools_are(struct world *w, const char *expected)
{
    struct buf b = BUF_INIT(4096);
    struct err e;
    size_t i, h;

    assert_int_equal(kube_pools(&w->r, &e), 0);
    assert_int_equal(source_check(&w->r, &e), 0);
    for (i = 0; i < w->r.pools; i++) {
        const struct pool *p = &w->r.pool[i];

        buf_printf(&b, "%.*s %s", (int)p->name.n, p->name.p, p->open ? "open" : p->project[0].p);
        for (h = 0; h < p->hosts; h++)
            buf_printf(&b, " %s", w->r.host[p->host[h]].name.p);
        buf_str(&b, "; ");
    }
    assert_string_equal(b.data ? b.data : "", expected);
    buf_free(&b);
}

#define NODE(name, labels) "{\"metadata\":{\"name\":\"" name "\",\"labels\":{" labels "}}}"

static void pools_by_label(void **state)
{
    struct world *w = *state;
    struct str space = STR_LIT("ns");
    struct pool named[] = {
        {.name = STR_LIT("y"), .projects = 1, .project = &space},
        {.name = STR_LIT("z"), .projects = 1, .project = &space},
    };

    nodes(w,
          "{\"items\":[" NODE("c", "\"l\":\"x\"") "," NODE("b", "\"l\":\"y\"") "," NODE(
              "a", "\"l\":\"x\",\"m\":\"q\"") "," NODE("d", "") "," NODE("e", "\"l\":\"\"") "]}");
    pools_are(w, "cluster open a b c d e; ");
    w->queue.source.pool_label = STR_LIT("l");
    pools_are(w, "x open a c; y open b; ");
    w->queue.pool = named;
    w->queue.pools = ARRAY_LEN(named);
    pools_are(w, "x open a c; y ns b; z ns; ");
    w->queue.source.pool_label = STR_LIT("none");
    pools_are(w, "y ns; z ns; ");
}

/* The pools of two hosts; 0: there is no memory for them. */
static size_t pools_in(struct arena *a, struct conf_queue *queue)
{
    static const struct source_label x = {.key = {"l", 1}, .value = {"x", 1}},
                                     y = {.key = {"l", 1}, .value = {"y", 1}};
    static const struct source_host host[] = {{.name = {"a", 1}, .labels = 1, .label = &y},
                                              {.name = {"b", 1}, .labels = 1, .label = &x}};
    struct source_reading r = {.queue = queue, .arena = a, .hosts = 2, .host = host};
    struct err e;
    int rc = kube_pools(&r, &e);

    assert_int_equal(rc, r.pools > 0 ? 0 : -1);
    if (rc != 0)
        assert_int_equal(e.code, ERR_INTERNAL);
    return r.pools;
}

/* A memory of any size has room for all of the pools or for none of them. */
static void there_is_memory_for(size_t all, struct conf_queue *queue)
{
    size_t max, pools = 0;

    for (max = 0; pools == 0; max += 16) {
        struct arena *a = arena_new(max);

        pools = pools_in(a, queue);
        arena_free(a);
    }
    assert_int_equal(pools, all);
    assert_true(max > 64);
#if TORTURE
    struct arena *a = arena_new(MEMORY_MAX);

    torture_arm_as(true, 0); /* … nor has one that is short for a moment */
    pools = pools_in(a, queue);
    (void)torture_end();
    assert_int_equal(pools, 0);
    arena_free(a);
#endif
}

static void pools_need_memory(void **state)
{
    struct conf_queue queue = {.type = STR_LIT("t")};

    (void)state;
    there_is_memory_for(1, &queue);
    queue.source.pool_label = STR_LIT("l");
    there_is_memory_for(2, &queue);
}

#if TORTURE
/* A small cluster, read in one go. 0, or -1 and *e. */
static int read_cluster(struct err *e)
{
    static const char nodes_text[] =
        "{\"items\":[{\"metadata\":{\"name\":\"a\",\"labels\":{\"l\":\"x\"}},\"spec\":{\"taints\":["
        "{\"key\":\"k\",\"effect\":\"NoExecute\"}]},\"status\":{\"allocatable\":{\"cpu\":\"1\"}}}]"
        "}";
    static const char pods_text[] =
        "{\"items\":[{\"spec\":{\"nodeName\":\"a\",\"overhead\":{\"cpu\":\"1m\"},\"containers\":["
        "{\"name\":\"\\u0063\",\"resources\":{\"requests\":{\"cpu\":\"1\",\"x/y\":\"1\"}}}],"
        "\"initContainers\":[{\"resources\":{\"requests\":{\"cpu\":\"2\"}}}]}}]}";
    static const char quotas_text[] = "{\"items\":[{\"metadata\":{\"namespace\":\"n\",\"name\":"
                                      "\"q\"},\"spec\":{\"hard\":{\"cpu\":\"1\"}}}]}";
    struct world w = {.arena = arena_new(MEMORY_MAX), .queue.source.pool_label = STR_LIT("l")};
    struct kube_pods *p = NULL;
    int rc = -1;

    (void)err_set(e, ERR_INTERNAL, "no memory");
    w.nodes = w.arena ? kube_nodes_new(w.arena) : NULL;
    w.quotas = w.nodes ? kube_quotas_new(w.arena) : NULL;
    p = w.quotas ? kube_pods_new(kube_count, w.nodes) : NULL;
    w.r = (struct source_reading){.queue = &w.queue, .arena = w.arena};
    if (p && lists_read(STR_LIT(nodes_text), kube_nodes_items(w.nodes), 30, e) == 0) {
        kube_nodes_sort(w.nodes);
        if (lists_read(STR_LIT(pods_text), kube_pods_items(p), 30, e) == 0 &&
            lists_read(STR_LIT(quotas_text), kube_quotas_items(w.quotas), 30, e) == 0 &&
            kube_nodes_hosts(w.nodes, &w.r.host, &w.r.hosts, e) == 0 &&
            kube_quotas_all(w.quotas, &w.r.quota, &w.r.quotas, e) == 0 && kube_pools(&w.r, e) == 0)
            rc = 0;
    }
    kube_pods_free(p);
    kube_quotas_free(w.quotas);
    kube_nodes_free(w.nodes);
    arena_free(w.arena);
    return rc;
}

static void without_memory_it_says_so_and_leaves_nothing(void **state)
{
    int64_t good, left;
    struct err e;
    int rc = -1;

    (void)state;
    for (good = 0; rc != 0; good++) {
        torture_arm(good);
        rc = read_cluster(&e);
        left = torture_end();
        assert_int_equal(left, 0);
        assert_true(rc == 0 || e.code == ERR_INTERNAL);
        assert_true(good < 200);
    }
    assert_true(good > 20);
}
#endif

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(nodes_are_sorted_with_their_labels),
        TEST(a_node_may_have_many_resources),
        TEST(taints_that_keep_away_are_kept),
        TEST(amounts_beyond_what_is_exact_are_clamped_and_never_wrap),
        TEST(pods_count_where_they_are_bound),
        TEST(a_pod_is_rounded_up_once),
        TEST(the_order_of_members_does_not_matter),
        TEST(a_pod_of_a_later_kubernetes),
        TEST(a_pod_that_cannot_be_counted_takes_its_whole_node),
        TEST(pools_by_label),
        TEST(pools_need_memory),
#if TORTURE
        TEST(without_memory_it_says_so_and_leaves_nothing),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
