/* SPDX-License-Identifier: MIT */
/* What is kept of Kubernetes' quotas: their lines, by namespace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cron/kube_quota.h"
#include "kubernetes/lists.h"

struct world {
    struct arena *arena;
    struct kube_quotas *quotas;
    struct conf_queue queue;
    struct source_reading r;
};

static int begin(void **state)
{
    static struct world w;

    w = (struct world){.arena = arena_new(64 << 20)};
    w.quotas = kube_quotas_new(w.arena);
    w.r = (struct source_reading){.queue = &w.queue, .arena = w.arena};
    *state = &w;
    return w.arena && w.quotas ? 0 : -1;
}

static int end(void **state)
{
    struct world *w = *state;

    kube_quotas_free(w->quotas);
    arena_free(w->arena);
    return 0;
}

/* "ns: cpu 1000 of 2000, instances 1 of 3; …" */
static void quotas_are(struct world *w, const char *text, const char *expected)
{
    struct buf b = BUF_INIT(4096);
    struct err e;
    size_t i, l;

    kube_quotas_clear(w->quotas);
    assert_int_equal(lists_read(str_of(text), kube_quotas_items(w->quotas), 5, &e), 0);
    assert_int_equal(kube_quotas_all(w->quotas, &w->r.quota, &w->r.quotas, &e), 0);
    assert_int_equal(source_check(&w->r, &e), 0);
    for (i = 0; i < w->r.quotas; i++) {
        buf_printf(&b, "%s:", w->r.quota[i].project.p);
        for (l = 0; l < w->r.quota[i].limits; l++) {
            const struct source_limit *limit = &w->r.quota[i].limit[l];

            buf_printf(&b, " %s(%.*s) %lld of %lld", limit->name.p, (int)limit->resource[0].n,
                       limit->resource[0].p ? limit->resource[0].p : "", (long long)limit->used,
                       (long long)limit->limit);
        }
        buf_str(&b, "; ");
    }
    assert_string_equal(b.data ? b.data : "", expected);
    buf_free(&b);
}

#define QUOTA(space, hard, used, spec)                                                             \
    "{\"metadata\":{\"namespace\":\"" space "\",\"name\":\"q\"},\"spec\":{\"hard\":{" hard         \
    "}" spec "},\"status\":{\"hard\":{" hard "},\"used\":{" used "}}}"

static void lines_of_quotas(void **state)
{
    static const struct {
        const char *text, *lines;
    } cases[] = {
        {"", ""},
        {QUOTA("a", "\"cpu\":\"2\",\"memory\":\"1Ki\"", "\"cpu\":\"500m\"", ""),
         "a: cpu(cpu) 500 of 2000 memory(memory) 0 of 1024; "},
        {QUOTA("a", "\"requests.cpu\":\"2\",\"limits.cpu\":\"9\"", "\"requests.cpu\":\"1\"", ""),
         "a: requests.cpu(cpu) 1000 of 2000; "},
        {QUOTA("a", "\"pods\":\"3\",\"count/pods\":\"4\"", "\"pods\":\"1\",\"count/pods\":\"2\"",
               ""),
         "a: count/pods() 2 of 4 pods() 1 of 3; "},
        {QUOTA("a", "\"requests.nvidia.com/gpu\":\"0\"", "", ""),
         "a: requests.nvidia.com/gpu(nvidia.com/gpu) 0 of 0; "},
        {QUOTA("a", "\"requests.ephemeral-storage\":\"1\",\"hugepages-2Mi\":\"2\"", "", ""),
         "a: hugepages-2Mi(hugepages-2Mi) 0 of 2 "
         "requests.ephemeral-storage(ephemeral-storage) 0 of 1; "},
        {QUOTA("a",
               "\"requests.storage\":\"1\",\"services\":\"1\",\"persistentvolumeclaims\":\"1\","
               "\"limits.memory\":\"1\",\"count/jobs.batch\":\"1\"",
               "", ""),
         ""},
        {QUOTA("b", "\"pods\":\"1\"", "", "") "," QUOTA("a", "\"pods\":\"2\"", "",
                                                        "") "," QUOTA("b", "\"cpu\":\"3\"", "", ""),
         "a: pods() 0 of 2; b: cpu(cpu) 0 of 3000 pods() 0 of 1; "},
        {QUOTA("a", "\"pods\":\"1\"", "", ",\"scopes\":[\"NotBestEffort\"]"), "a: pods() 0 of 1; "},
        {QUOTA("a", "\"pods\":\"1\"", "", ",\"scopes\":[\"BestEffort\"]"), ""},
        {QUOTA("a", "\"pods\":\"1\"", "", ",\"scopes\":[\"NotBestEffort\",\"Terminating\"]"), ""},
        {QUOTA("a", "\"pods\":\"1\"", "",
               ",\"scopeSelector\":{\"matchExpressions\":[{\"scopeName\":\"PriorityClass\","
               "\"operator\":\"In\",\"values\":[\"high\"]}]}"),
         ""},
        {QUOTA("a", "\"pods\":\"1\"", "",
               ",\"scopeSelector\":{\"matchExpressions\":[{\"operator\":\"Exists\","
               "\"scopeName\":\"NotBestEffort\"}]}"),
         "a: pods() 0 of 1; "},
        {"{\"metadata\":{\"namespace\":\"a\"},\"spec\":{\"hard\":{\"pods\":\"7\"}},\"status\":{}}",
         "a: pods() 0 of 7; "},
        {QUOTA("a", "\"memory\":\"7Ei\"", "\"memory\":\"7Ei\"", ""),
         "a: memory(memory) 9007199254740991 of 9007199254740991; "},
        {QUOTA("a", "\"memory\":\"12E\"", "\"memory\":\"12E\"", ""),
         "a: memory(memory) 9007199254740991 of 9007199254740991; "},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct buf text = BUF_INIT(8192);

        buf_printf(&text, "{\"items\":[%s]}", cases[i].text);
        quotas_are(*state, text.data, cases[i].lines);
        buf_free(&text);
    }
}

static void a_quota_without_a_namespace_is_refused(void **state)
{
    struct world *w = *state;
    struct err e;

    assert_int_equal(lists_read(STR_LIT("{\"items\":[{\"metadata\":{\"name\":\"q\"}}]}"),
                                kube_quotas_items(w->quotas), 5, &e),
                     -1);
    assert_string_equal(e.text, "a quota has no namespace");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(lines_of_quotas, begin, end),
        cmocka_unit_test_setup_teardown(a_quota_without_a_namespace_is_refused, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
