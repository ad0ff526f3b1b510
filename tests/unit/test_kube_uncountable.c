/* SPDX-License-Identifier: MIT */
/* Pods that ask for more than can be counted, as anybody may who may make pods: they keep no other
 * from being counted. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cron/kube_count.h"
#include "kubernetes/lists.h"

enum { MEMORY_MAX = 64 << 20 };

/* A cluster of one node. */
struct world {
    struct arena *arena;
    struct kube_nodes *nodes;
};

static int begin(void **state)
{
    static const char text[] = "{\"items\":[{\"metadata\":{\"name\":\"a\"},\"status\":"
                               "{\"allocatable\":{\"cpu\":\"8\"}}}]}";
    static struct world w;
    struct err e;

    w = (struct world){.arena = arena_new(MEMORY_MAX)};
    w.nodes = kube_nodes_new(w.arena);
    *state = &w;
    if (!w.nodes || lists_read(STR_LIT(text), kube_nodes_items(w.nodes), 7, &e) != 0)
        return -1;
    kube_nodes_sort(w.nodes);
    return 0;
}

static int end(void **state)
{
    struct world *w = *state;

    kube_nodes_free(w->nodes);
    arena_free(w->arena);
    return 0;
}

/* On the node, after these pods. */
static void are_used(struct world *w, const struct buf *text, int64_t cpu, int64_t pods_used)
{
    struct kube_pods *p = kube_pods_new(kube_count, w->nodes);
    const struct source_host *host;
    struct err e;
    size_t n;

    kube_nodes_unuse(w->nodes);
    if (lists_read(buf_span(text), kube_pods_items(p), 999, &e) != 0)
        fail_msg("%s: %s", e.pointer, e.text);
    assert_int_equal(kube_nodes_hosts(w->nodes, &host, &n, &e), 0);
    assert_int_equal(host[0].amounts, 2);
    assert_string_equal(host[0].amount[0].resource.p, "cpu");
    assert_int_equal(host[0].amount[0].used, cpu);
    assert_string_equal(host[0].amount[1].resource.p, "pods");
    assert_int_equal(host[0].amount[1].used, pods_used);
    kube_pods_free(p);
}

/* Of these pods one counts, which takes 1 cpu. */
static void one_is_counted(struct world *w, const struct buf *text)
{
    are_used(w, text, 1000, 1);
}

/* A container that asks for so much of each of `n` resources, from the number `first` on. */
static void add_container(struct buf *text, int first, int n, int amount)
{
    int i;

    buf_str(text, "{\"resources\":{\"requests\":{");
    for (i = first; i < first + n; i++)
        buf_printf(text, "%s\"%0200d.x/r%d\":\"%d\"", i > first ? "," : "", 0, i, amount);
    buf_str(text, "}}}");
}

/* What keeps pods from being counted. */
enum { TOO_MANY, TOO_MANY_TOGETHER, TOO_MANY_CONTAINERS, WAYS };

/* A pod as the server writes it: its node, or none, behind its containers. */
static void add_uncountable(struct buf *text, int way, const char *behind)
{
    int i;

    buf_str(text, "{\"metadata\":{\"name\":\"p\"},\"spec\":{\"containers\":[");
    add_container(text, 0, way == TOO_MANY ? 300 : 200, 1);
    if (way == TOO_MANY_TOGETHER) {
        buf_str(text, ",");
        add_container(text, 200, 200, 1);
    }
    for (i = 0; way == TOO_MANY_CONTAINERS && i < 4100; i++)
        buf_str(text, ",{\"name\":\"c\",\"resources\":{\"requests\":{\"cpu\":\"1\"}}}");
    buf_printf(text, "],\"overhead\":{\"cpu\":\"1\"}%s},\"status\":{\"phase\":\"Pending\"}}",
               behind);
}

#define COUNTED                                                                                    \
    ",{\"spec\":{\"containers\":[{\"resources\":{\"requests\":{\"cpu\":\"1\"}}}],"                 \
    "\"nodeName\":\"a\"}}]}"

/* Found by review: one pod that nobody could count was the end of the list, so that nobody was
 * admitted any more. Where it is bound, its node is full: 8 cpu, and no other pods than one more.
 */
static void a_pod_that_cannot_be_counted_counts_where_it_is_bound(void **state)
{
    struct world *w = *state;
    struct buf text = BUF_INIT(1 << 20);
    int way;

    for (way = 0; way < WAYS; way++) {
        buf_reset(&text);
        buf_str(&text, "{\"items\":[");
        add_uncountable(&text, way, "");
        buf_str(&text, COUNTED);
        one_is_counted(w, &text);
        buf_reset(&text);
        buf_str(&text, "{\"items\":[");
        add_uncountable(&text, way, ",\"nodeName\":\"a\"");
        buf_str(&text, COUNTED);
        are_used(w, &text, 9000, 1);
    }
    buf_free(&text);
}

/* Found by review: the names of all resources that anybody ever asked for were kept, up to 4 MB. */
static void names_of_resources_do_not_add_up(void **state)
{
    struct world *w = *state;
    struct buf text = BUF_INIT(16 << 20);
    int i;

    buf_str(&text, "{\"items\":[");
    for (i = 0; i < 100; i++) {
        buf_str(&text, i ? ",{\"spec\":{\"containers\":[" : "{\"spec\":{\"containers\":[");
        add_container(&text, 250 * i, 250, 1);
        buf_str(&text, "]}}");
    }
    buf_str(&text, COUNTED);
    one_is_counted(w, &text);
    buf_free(&text);
}

/* The scheduler binds a pod that asks for nothing of what its node has not. */
static void nothing_of_many_resources_counts_for_nothing(void **state)
{
    struct world *w = *state;
    struct buf text = BUF_INIT(1 << 20);

    buf_str(&text, "{\"items\":[{\"spec\":{\"containers\":[");
    add_container(&text, 0, 300, 0);
    buf_str(&text, ",{\"resources\":{\"requests\":{\"cpu\":\"1\"}}}],\"nodeName\":\"a\"}}]}");
    one_is_counted(w, &text);
    buf_free(&text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
    const struct CMUnitTest tests[] = {
        TEST(a_pod_that_cannot_be_counted_counts_where_it_is_bound),
        TEST(names_of_resources_do_not_add_up),
        TEST(nothing_of_many_resources_counts_for_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
