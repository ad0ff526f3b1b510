/* SPDX-License-Identifier: MIT */
/* The configuration: defaults, every key, hosts that pools share, the table of keys. */
#include <unistd.h>

#include "conf_case.h"
#include "num.h"
#include "prop.h"

#define MS INT64_C(1000000)
#define S  (1000 * MS)

static void an_empty_file_is_all_defaults(void **state)
{
    static const int64_t waits[] = {0, 5, 15, 30, 60, 120, 300, 300};
    struct conf *c = parse(STR_LIT(""));
    const struct conf_queue *any = conf_queue(c, STR_LIT("vm"));

    (void)state;
    assert_str(c->file, "f");
    assert_str(c->database, "/var/lib/anteroom/anteroom.db");
    assert_int_equal(c->auth, CONF_AUTH_NONE);
    assert_int_equal(c->log_level, LOG_LVL_INFO);
    assert_int_equal(c->workers, 4);
    assert_int_equal(c->max_queued, 1000000);
    assert_int_equal(c->low_water, 64 << 20);
    assert_int_equal(c->callback.timeout, 10 * S);
    assert_int_equal(c->callback.connect_timeout, 5 * S);
    assert_int_equal(c->callback.concurrency, 2000);
    assert_int_equal(c->callback.per_host, 64);
    assert_int_equal(c->callback.per_owner, 1200);
    assert_int_equal(c->callback.requeue, 0);
    assert_int_equal(c->callback.pause_after, 10);
    assert_int_equal(c->callback.pause, 30 * S);
    assert_null(c->callback.secret_file.p);
    assert_int_equal(c->callback.networks.n, 0);
    assert_int_equal(c->callback.ports.n, 3);
    assert_int_equal(c->callback.ports.port[2].low, 1024);
    assert_int_equal(c->open_to.n, 2);
    assert_int_equal(c->owner.queued, 0);
    assert_int_equal(c->retention.jobs, 30 * 86400 * S);
    assert_int_equal(c->keystone.cache, 60 * S);
    assert_int_equal(c->keystone.admin_roles.n, 1);
    assert_int_equal(c->callback.hold, 900 * S);
    assert_int_equal(c->callback.retries, ARRAY_LEN(waits));
    for (size_t i = 0; i < ARRAY_LEN(waits); i++)
        assert_int_equal(c->callback.retry[i], waits[i] * S);
    assert_int_equal(c->queues, 1);
    assert_ptr_equal(any, &c->queue[0]);
    assert_str(any->type, "*");
    assert_int_equal(any->capacity, CONF_CAPACITY_NONE);
    assert_int_equal(any->fit, CONF_FIT_PACK);
    assert_int_equal(any->overtake, 3600 * S);
    assert_null(any->callback_base.p);
    assert_int_equal(any->hosts, 0);
    assert_int_equal(any->pools, 0);
    conf_free(c);
}

static void mappings_without_a_value_are_empty(void **state)
{
    struct conf *c = parse(STR_LIT("callback:\nqueues:\n"));

    (void)state;
    assert_int_equal(c->queues, 1);
    conf_free(c);
    c = parse(STR_LIT("queues:\n  vm:\n  b: {pools: }\n  c: {pools: {p: }}\n"
                      "  d: {pools: {p: {hosts: , projects: }}}\n"));
    assert_int_equal(c->queues, 5);
    assert_int_equal(conf_queue(c, STR_LIT("b"))->pools, 0);
    assert_int_equal(conf_queue(c, STR_LIT("c"))->pools, 1);
    assert_int_equal(conf_queue(c, STR_LIT("d"))->pools, 1);
    conf_free(c);
}

static void every_scalar_key_is_read(void **state)
{
    struct conf *c = parse(STR_LIT("database: var/x.db\nauth: none\nlog_level: debug\n"
                                   "workers: 64\nmax_queued: 7\nlow_water: 2G\n"
                                   "callback: {timeout: 250ms, connect_timeout: 1, concurrency: 3,"
                                   " hold: '2d', retry: [0, 10ms, \"1h\"]}\n"
                                   "queues: {a: {capacity: static, fit: spread, overtake: 0,"
                                   " callback_base: 'HTTPS://[::1]:8443/a%20b?c=d'},"
                                   " b: {overtake: forever}}\n"));
    const struct conf_queue *a = conf_queue(c, STR_LIT("a"));

    (void)state;
    assert_str(c->database, "var/x.db");
    assert_int_equal(c->log_level, LOG_LVL_DEBUG);
    assert_int_equal(c->workers, 64);
    assert_int_equal(c->max_queued, 7);
    assert_int_equal(c->low_water, INT64_C(2) << 30);
    assert_int_equal(c->callback.timeout, 250 * MS);
    assert_int_equal(c->callback.connect_timeout, S);
    assert_int_equal(c->callback.concurrency, 3);
    assert_int_equal(c->callback.hold, 2 * 86400 * S);
    assert_int_equal(c->callback.retries, 3);
    assert_int_equal(c->callback.retry[1], 10 * MS);
    assert_int_equal(c->callback.retry[2], 3600 * S);
    assert_int_equal(a->capacity, CONF_CAPACITY_STATIC);
    assert_int_equal(a->fit, CONF_FIT_SPREAD);
    assert_int_equal(a->overtake, 0);
    assert_str(a->callback_base, "HTTPS://[::1]:8443/a%20b?c=d");
    assert_string_equal(a->base.host, "::1");
    assert_int_equal(a->base.port, 8443);
    assert_int_equal(conf_queue(c, STR_LIT("b"))->base.port, 0);
    assert_true(conf_queue(c, STR_LIT("b"))->overtake == CONF_FOREVER);
    assert_int_equal(conf_queue(c, STR_LIT("b"))->fit, CONF_FIT_PACK);
    conf_free(c);
}

static void types_find_their_queue(void **state)
{
    static const char *const types[] = {"gpu", "kube", "vm", "\xe8\x99\x9a", "17", "null", "a.b"};
    struct conf *c = parse(STR_LIT("queues: {vm: , \"*\": {overtake: 5}, \xe8\x99\x9a: , 17: ,"
                                   " gpu: , null: , kube: , a.b: }"));
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(types); i++)
        assert_str(conf_queue(c, str_of(types[i]))->type, types[i]);
    assert_int_equal(c->queues, ARRAY_LEN(types) + 1);
    for (i = 1; i + 1 < c->queues; i++)
        assert_true(str_cmp(c->queue[i - 1].type, c->queue[i].type) < 0);
    assert_str(c->queue[c->queues - 1].type, "*");
    assert_int_equal(c->queue[c->queues - 1].overtake, 5 * S);
    assert_str(conf_queue(c, STR_LIT("v"))->type, "*");
    assert_str(conf_queue(c, STR_LIT(""))->type, "*");
    assert_str(conf_queue(c, STR_LIT("*"))->type, "*");
    assert_str(conf_queue(c, (struct str){"vm2", 2})->type, "vm");
    conf_free(c);
}

static void assert_amount(const struct conf_host *host, size_t i, const char *resource,
                          int64_t amount)
{
    assert_in_range(i, 0, host->amounts - 1);
    assert_str(host->amount[i].resource, resource);
    assert_true(host->amount[i].amount == amount);
}

static void pools_have_projects_and_hosts(void **state)
{
    struct conf *c = parse(STR_LIT(
        "queues:\n  vm:\n    capacity: static\n    pools:\n"
        "      z:\n        projects: [project id, 17, 'null', \"0x1F\", 1.50]\n"
        "        hosts: {n2: {VCPU: 4, Disk: 0, Memory: 9007199254740991}, 10.0.0.1: {VCPU: 1}}\n"
        "      a: {projects: [project id]}\n"));
    const struct conf_queue *q = conf_queue(c, STR_LIT("vm"));
    const struct pool *z = &q->pool[0];

    (void)state;
    assert_int_equal(q->pools, 2);
    assert_str(z->name, "z");
    assert_str(q->pool[1].name, "a");
    assert_int_equal(q->pool[1].hosts, 0);
    assert_int_equal(z->projects, 5);
    assert_str(z->project[0], "project id");
    assert_str(z->project[1], "17");
    assert_str(z->project[2], "null");
    assert_str(z->project[3], "0x1F");
    assert_str(z->project[4], "1.50");
    assert_int_equal(q->hosts, 2);
    assert_str(q->host[0].name, "10.0.0.1");
    assert_str(q->host[1].name, "n2");
    assert_int_equal(q->host[1].amounts, 3);
    assert_amount(&q->host[1], 0, "Disk", 0);
    assert_amount(&q->host[1], 1, "Memory", NUM_SAFE_MAX);
    assert_amount(&q->host[1], 2, "VCPU", 4);
    assert_int_equal(z->hosts, 2);
    assert_int_equal(z->host[0], 0);
    assert_int_equal(z->host[1], 1);
    conf_free(c);
}

static void a_host_of_several_pools_is_one_host(void **state)
{
    struct conf *c = parse(STR_LIT("queues: {q: {pools: {\n"
                                   "a: {hosts: {h1: , h2: {r: 2}}},\n"
                                   "b: {hosts: {h2: {}, h1: {s: 1, r: 5}}},\n"
                                   "c: {hosts: {h3: {r: 3}, h1: {r: 5, s: 1}}}}}}"));
    const struct conf_queue *q = conf_queue(c, STR_LIT("q"));

    (void)state;
    assert_int_equal(q->hosts, 3);
    assert_int_equal(q->host[0].amounts, 2);
    assert_amount(&q->host[0], 0, "r", 5);
    assert_amount(&q->host[0], 1, "s", 1);
    assert_amount(&q->host[1], 0, "r", 2);
    assert_int_equal(q->pool[2].hosts, 2);
    assert_int_equal(q->pool[2].host[0], 0);
    assert_int_equal(q->pool[2].host[1], 2);
    conf_free(c);
}

static void an_alias_may_say_what_a_host_has(void **state)
{
    struct conf *c = parse(STR_LIT("queues:\n  q:\n    pools:\n      a:\n        hosts:\n"
                                   "          h1: &big {r: 8}\n          h2: *big\n"));
    const struct conf_queue *q = conf_queue(c, STR_LIT("q"));

    (void)state;
    assert_int_equal(q->hosts, 2);
    assert_amount(&q->host[1], 0, "r", 8);
    conf_free(c);
}

static void kube_amounts_are_quantities(void **state)
{
    struct conf *c = parse(STR_LIT(
        "queues: {kube: {pools: {p: {hosts: {\n"
        "a: {cpu: 1500m, memory: \"1Gi\", nvidia.com/gpu: 2},\n"
        "b: {cpu: '2', pods: 20}}},\n"
        "r: {hosts: {a: {memory: 1024Mi, cpu: 1.5, pods: 110, nvidia.com/gpu: \"2\"}}}}}}"));
    const struct conf_queue *q = conf_queue(c, STR_LIT("kube"));

    (void)state;
    assert_int_equal(q->hosts, 2);
    assert_int_equal(q->host[0].amounts, 4);
    assert_amount(&q->host[0], 0, "cpu", 1500);
    assert_amount(&q->host[0], 1, "memory", 1 << 30);
    assert_amount(&q->host[0], 2, "nvidia.com/gpu", 2);
    assert_amount(&q->host[0], 3, "pods", 110);
    assert_amount(&q->host[1], 0, "cpu", 2000);
    assert_amount(&q->host[1], 1, "pods", 20);
    conf_free(c);
}

/* The names of the mentions as a list without order or doubles: what the sorted join must agree
 * with. */
static size_t find_name(const char (*names)[8], size_t n, const char *name)
{
    size_t i = 0;

    while (i < n && strcmp(names[i], name) != 0)
        i++;
    return i;
}

static void random_pools_share_hosts_as_a_slow_search_says(void **state)
{
    enum { POOLS = 6, HOSTS = 9 };
    struct prop r = prop_begin(__func__, 23);
    struct buf text = BUF_INIT(TEXT_MAX);

    (void)state;
    for (int round = 0; round < 500; round++) {
        bool member[POOLS][HOSTS] = {{false}}, said[HOSTS] = {false};
        char names[HOSTS][8];
        size_t known = 0;
        struct conf *c;

        buf_reset(&text);
        buf_str(&text, "queues: {q: {pools: {");
        for (size_t p = 0; p < POOLS; p++) {
            buf_printf(&text, "p%zu: {hosts: {", p);
            for (size_t k = 0; k < HOSTS; k++) {
                size_t h = (k * 4 + p) % HOSTS; /* an order of its own in each pool */

                member[p][h] = prop_one_in(&r, 2);
                if (member[p][h] && (!said[h] || prop_one_in(&r, 2)))
                    buf_printf(&text, "h%zu: {r: %zu},", h, h * 10);
                else if (member[p][h])
                    buf_printf(&text, "h%zu: ,", h);
                said[h] = said[h] || member[p][h];
            }
            buf_str(&text, "}},");
        }
        buf_str(&text, "}}}");
        c = parse(buf_span(&text));
        for (size_t h = 0; h < c->queue[0].hosts; h++, known++) {
            assert_int_equal(find_name(names, known, c->queue[0].host[h].name.p), known);
            (void)snprintf(names[h], sizeof names[h], "%s", c->queue[0].host[h].name.p);
            assert_int_equal(c->queue[0].host[h].amount[0].amount, (names[h][1] - '0') * 10);
        }
        for (size_t p = 0; p < POOLS; p++) {
            const struct pool *pool = &c->queue[0].pool[p];
            size_t members = 0;

            for (size_t i = 0; i < pool->hosts; i++) {
                assert_true(i == 0 || pool->host[i - 1] < pool->host[i]);
                assert_true(member[p][names[pool->host[i]][1] - '0']);
            }
            for (size_t h = 0; h < HOSTS; h++)
                members += member[p][h];
            assert_int_equal(pool->hosts, members);
        }
        conf_free(c);
    }
    buf_free(&text);
}

static void a_large_configuration_is_read(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    struct conf *c;

    (void)state;
    buf_str(&text, "queues: {q: {pools: {");
    for (int i = 0; i < 100; i++) {
        buf_printf(&text, "p%d: {hosts: {", i);
        for (int j = 0; j < 400; j++)
            buf_printf(&text, "h%d: {r: 1}, ", i * 200 + j);
        buf_str(&text, "}}, ");
    }
    buf_str(&text, "}}}");
    c = parse(buf_span(&text));
    assert_int_equal(c->queue[0].hosts, 200 * 101);
    assert_int_equal(c->queue[0].pool[99].hosts, 400);
    conf_free(c);
    buf_free(&text);
}

static void a_file_is_loaded_under_its_path(void **state)
{
    char path[] = "/tmp/test_conf.XXXXXX";
    struct conf *c = NULL;
    struct err e = {0};
    int fd = mkstemp(path);

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write(fd, "workers: 2\n", 11), 11);
    assert_int_equal(conf_load(path, &c, &e), 0);
    assert_str(c->file, path);
    assert_int_equal(c->workers, 2);
    conf_free(c);
    assert_int_equal(write(fd, "x: 2\n", 5), 5);
    assert_int_equal(close(fd), 0);
    assert_int_equal(conf_load(path, &c, &e), -1);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_int_equal(strncmp(e.text, path, strlen(path)), 0);
    assert_string_equal(e.text + strlen(path), ":2: x: there is no such key");
    assert_int_equal(unlink(path), 0);
    assert_int_equal(conf_load(path, &c, &e), -1);
    assert_non_null(strstr(e.text, "No such file"));
    conf_free(NULL);
}

static void the_path_is_the_options_else_the_environments_else_the_systems(void **state)
{
    (void)state;
    assert_int_equal(unsetenv("ANTEROOM_CONFIG"), 0);
    assert_string_equal(conf_path(NULL), "/etc/anteroom/anteroom.yaml");
    assert_int_equal(setenv("ANTEROOM_CONFIG", "", 1), 0);
    assert_string_equal(conf_path(NULL), "/etc/anteroom/anteroom.yaml");
    assert_int_equal(setenv("ANTEROOM_CONFIG", "/e.yaml", 1), 0);
    assert_string_equal(conf_path(NULL), "/e.yaml");
    assert_string_equal(conf_path("o.yaml"), "o.yaml");
    assert_int_equal(unsetenv("ANTEROOM_CONFIG"), 0);
}

/* Queues, and the queue under whose name what each of their jobs holds is kept. */
static void queues_of_one_source_share_an_account(void **state)
{
    static const struct {
        const char *queues;
        const char *accounts; /* of a, b, c, … */
    } cases[] = {
        {"a: {capacity: openstack, cloud: x}\n  b: {capacity: openstack, cloud: x}\n", "aa"},
        {"a: {capacity: openstack, cloud: x}\n  b: {capacity: openstack, cloud: y}\n", "ab"},
        {"a: {capacity: openstack, cloud: x}\n  b: {capacity: openstack}\n", "aa"},
        {"a: {capacity: openstack, cloud: x}\n  b: {capacity: openstack, cloud: y}\n"
         "  c: {capacity: openstack}\n",
         "aaa"}, /* c may be either's */
        {"a: {capacity: openstack, cloud: x, region: r}\n"
         "  b: {capacity: openstack, cloud: x, region: s}\n"
         "  c: {capacity: openstack, cloud: x, region: r}\n",
         "aba"},
        {"a: {capacity: kubernetes, kubeconfig: /k}\n  b: {capacity: kubernetes}\n", "aa"},
        {"a: {capacity: kubernetes}\n  b: {capacity: openstack}\n", "ab"},
        {"a: {capacity: exec, program: [/p, x]}\n  b: {capacity: exec, program: [/p]}\n", "ab"},
        {"a: {capacity: static}\n  b: {capacity: static}\n", "ab"},
        {"a: {capacity: none}\n  b: {capacity: none}\n", "ab"},
    };
    char text[512], got[8];
    struct conf *c;
    struct err e;
    size_t i, q;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(text, sizeof text, "queues:\n  %s", cases[i].queues);
        assert_int_equal(conf_parse(str_of(text), "f", &c, &e), 0);
        for (q = 0; q + 1 < c->queues; q++)
            got[q] = c->queue[q].account.p[0];
        got[q] = '\0';
        assert_string_equal(got, cases[i].accounts);
        conf_free(c);
    }
}

static void the_table_of_keys_is_written(void **state)
{
    static const char *const lines[] = {
        "\nauth\tword\tnone\tnone or tokens or keystone\t",
        "\nopen_to\tlist of networks\t[127.0.0.0/8, \"::1\"]\t-\t",
        "\nretention.jobs\tduration\t30d\t1m..36500d, or forever\t",
        "\nworkers\tnumber\t4\t1..64\t",
        "\nlow_water\tsize\t64M\t0..1024G\t",
        "\ncallback\tmapping\t-\t-\t",
        "\ncallback.hold\tduration\t15m\t100ms..30d\t",
        "\ncallback.retry\tlist of durations\t[0, 5s, 15s, 30s, 1m, 2m, 5m, 5m]\t1 to 32 ",
        "\nqueues.<type>.capacity\tword\tnone\tnone or static or openstack or kubernetes or exec",
        "\nqueues.<type>.overtake\tduration\t1h\t0..3650d, or forever\t",
        "\nqueues.<type>.pools.<name>.hosts.<name>.<resource>\tamount\t-\t0..9007199254740991\t",
    };
    struct buf b = BUF_INIT(TEXT_MAX);
    size_t i, tabs = 0, rows = 0;

    (void)state;
    conf_write_keys(&b);
    assert_false(b.failed);
    assert_int_equal(strncmp(b.data, "database\ttext\t/var/lib/", 23), 0);
    for (i = 0; i < ARRAY_LEN(lines); i++)
        assert_non_null(strstr(b.data, lines[i]));
    for (i = 0; i < b.len; i++) {
        tabs += b.data[i] == '\t';
        rows += b.data[i] == '\n';
    }
    assert_int_equal(tabs, 4 * rows);
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_file_is_all_defaults),
        cmocka_unit_test(mappings_without_a_value_are_empty),
        cmocka_unit_test(every_scalar_key_is_read),
        cmocka_unit_test(types_find_their_queue),
        cmocka_unit_test(pools_have_projects_and_hosts),
        cmocka_unit_test(a_host_of_several_pools_is_one_host),
        cmocka_unit_test(an_alias_may_say_what_a_host_has),
        cmocka_unit_test(kube_amounts_are_quantities),
        cmocka_unit_test(random_pools_share_hosts_as_a_slow_search_says),
        cmocka_unit_test(a_large_configuration_is_read),
        cmocka_unit_test(a_file_is_loaded_under_its_path),
        cmocka_unit_test(the_path_is_the_options_else_the_environments_else_the_systems),
        cmocka_unit_test(queues_of_one_source_share_an_account),
        cmocka_unit_test(the_table_of_keys_is_written),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
