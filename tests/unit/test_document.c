/* SPDX-License-Identifier: MIT */
/* The document of a source of the operator's own: what is read, its time, and that what is
 * written is read. */
#include "document_case.h"
#include "json_out.h"
#include "prop.h"

enum { SEED = 20261125, ROUNDS = 2000 };

/* ---- what is read ---- */

/* The members stand in an order in which they cannot be taken. */
static void reads_all_that_there_is(void **state)
{
    struct source_reading r = must_read(
        "lab",
        STR_LIT("{\"quotas\":{\"green\":{\"some\":{\"used\":3,\"limit\":10,\"resource\":\"gpu\"},"
                "\"jobs\":{\"limit\":5}},\"blue\":{}},"
                "\"pools\":{\"second\":{\"projects\":[\"green\",\"blue\"],\"hosts\":[\"b\",\"a\"]},"
                "\"first\":{\"hosts\":[\"b\"]},\"none\":{\"projects\":[]}},"
                "\"hosts\":{\"b\":{\"used\":{\"gpu\":9},\"total\":{\"mem\":64.0,\"gpu\":8},"
                "\"labels\":{\"z\":\"\",\"disk\":\"ssd\"}},"
                "\"a\":{\"total\":{\"gpu\":9007199254740991,\"x y\":1e3}},\"c\":{}}}"));

    (void)state;
    assert_int_equal(r.hosts, 3);
    assert_str(r.host[0].name, "a");
    assert_int_equal(r.host[0].amounts, 2);
    assert_amount(&r.host[0].amount[0], "gpu", NUM_SAFE_MAX, 0);
    assert_amount(&r.host[0].amount[1], "x y", 1000, 0);
    assert_str(r.host[1].name, "b");
    assert_amount(&r.host[1].amount[0], "gpu", 8, 9);
    assert_amount(&r.host[1].amount[1], "mem", 64, 0);
    assert_int_equal(r.host[1].labels, 2);
    assert_str(r.host[1].label[0].key, "disk");
    assert_str(r.host[1].label[0].value, "ssd");
    assert_str(r.host[1].label[1].value, "");
    assert_str(r.host[2].name, "c");
    assert_int_equal(r.host[2].amounts, 0);
    assert_int_equal(r.pools, 3);
    assert_str(r.pool[0].name, "second");
    assert_false(r.pool[0].open);
    assert_int_equal(r.pool[0].hosts, 2);
    assert_int_equal(r.pool[0].host[0], 0);
    assert_int_equal(r.pool[0].host[1], 1);
    assert_str(r.pool[0].project[0], "green");
    assert_str(r.pool[1].name, "first");
    assert_true(r.pool[1].open && r.pool[2].open);
    assert_int_equal(r.pool[2].hosts, 0);
    assert_int_equal(r.gate, SOURCE_QUOTAS_READ);
    assert_int_equal(r.quotas, 2);
    assert_str(r.quota[0].project, "blue");
    assert_int_equal(r.quota[0].limits, 0);
    assert_str(r.quota[1].project, "green");
    assert_str(r.quota[1].limit[0].name, "some");
    assert_str(r.quota[1].limit[0].resource[0], "gpu");
    assert_null(r.quota[1].limit[0].resource[1].p);
    assert_int_equal(r.quota[1].limit[0].limit, 10);
    assert_int_equal(r.quota[1].limit[0].used, 3);
    assert_null(r.quota[1].limit[1].resource[0].p);
    assert_int_equal(r.quota[1].limit[1].used, 0);
    arena_free(r.arena);
}

static void without_pools_there_is_one_of_all(void **state)
{
    struct source_reading r = must_read("lab", STR_LIT("{\"hosts\":{\"b\":{},\"a\":{}}}"));

    (void)state;
    assert_int_equal(r.pools, 1);
    assert_str(r.pool[0].name, "all");
    assert_true(r.pool[0].open);
    assert_int_equal(r.pool[0].hosts, 2);
    assert_int_equal(r.pool[0].host[0], 0);
    assert_int_equal(r.pool[0].host[1], 1);
    assert_int_equal(r.gate, SOURCE_NO_QUOTA);
    arena_free(r.arena);
}

static void no_hosts_and_no_pools_are_fine(void **state)
{
    struct source_reading r = must_read("lab", STR_LIT(" {\"hosts\": {}}\n"));

    (void)state;
    assert_int_equal(r.hosts, 0);
    assert_int_equal(r.pools, 1);
    arena_free(r.arena);
    r = must_read("lab", STR_LIT("{\"hosts\":{\"a\":{}},\"pools\":{},\"quotas\":{}}"));
    assert_int_equal(r.hosts, 1);
    assert_int_equal(r.pools, 0);
    assert_int_equal(r.gate, SOURCE_QUOTAS_READ);
    arena_free(r.arena);
}

static void vm_knows_placements_names(void **state)
{
    struct source_reading r = must_read(
        "vm", STR_LIT("{\"hosts\":{\"a\":{\"total\":{\"MEMORY_MB\":8,\"DISK_GB\":4,\"VCPU\":2},"
                      "\"used\":{\"Memory\":1,\"DISK_GB\":2}}},"
                      "\"quotas\":{\"p\":{\"ram\":{\"limit\":7,\"resource\":\"MEMORY_MB\"}}}}"));

    (void)state;
    assert_int_equal(r.host[0].amounts, 3);
    assert_amount(&r.host[0].amount[0], "Disk", 4, 2);
    assert_amount(&r.host[0].amount[1], "Memory", 8, 1);
    assert_amount(&r.host[0].amount[2], "VCPU", 2, 0);
    assert_str(r.quota[0].limit[0].resource[0], "Memory");
    arena_free(r.arena);
}

static void kube_knows_quantities(void **state)
{
    struct source_reading r = must_read(
        "kube",
        STR_LIT("{\"hosts\":{\"a\":{\"total\":{\"cpu\":4,\"memory\":\"1Gi\",\"pods\":110},"
                "\"used\":{\"cpu\":\"500m\"}}},\"quotas\":{\"p\":{\"requests.cpu\":"
                "{\"limit\":\"2500m\",\"used\":1,\"resource\":\"cpu\"},\"pods\":{\"limit\":3}}}}"));

    (void)state;
    assert_amount(&r.host[0].amount[0], "cpu", 4000, 500);
    assert_amount(&r.host[0].amount[1], "memory", 1 << 30, 0);
    assert_amount(&r.host[0].amount[2], "pods", 110, 0);
    assert_int_equal(r.quota[0].limit[0].limit, 2500);
    assert_int_equal(r.quota[0].limit[0].used, 1000);
    assert_int_equal(r.quota[0].limit[1].limit, 3);
    arena_free(r.arena);
}

static void kube_hosts_have_pods_unless_they_have_nothing(void **state)
{
    struct source_reading r = must_read(
        "kube",
        STR_LIT("{\"hosts\":{\"a\":{\"used\":{\"pods\":7},\"total\":{\"x.y/z\":1,\"cpu\":2}},"
                "\"b\":{\"total\":{\"pods\":0}},\"c\":{\"total\":{}},\"d\":{}}}"));

    (void)state;
    assert_int_equal(r.host[0].amounts, 3);
    assert_amount(&r.host[0].amount[0], "cpu", 2000, 0);
    assert_amount(&r.host[0].amount[1], "pods", 110, 7);
    assert_amount(&r.host[0].amount[2], "x.y/z", 1, 0);
    assert_int_equal(r.host[0].amount[1].sure, 0);
    assert_int_equal(r.host[1].amounts, 1);
    assert_amount(&r.host[1].amount[0], "pods", 0, 0);
    assert_int_equal(r.host[2].amounts, 0);
    assert_int_equal(r.host[3].amounts, 0);
    arena_free(r.arena);
    r = must_read("lab", STR_LIT("{\"hosts\":{\"a\":{\"total\":{\"cpu\":2}}}}"));
    assert_int_equal(r.host[0].amounts, 1);
    arena_free(r.arena);
}

/* The pods are beyond the limit of what may be said. */
static void a_kube_host_with_all_the_resources_it_may_have_has_pods_too(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct source_reading r;
    int i;

    (void)state;
    buf_str(&b, "{\"hosts\":{\"a\":{\"total\":{");
    for (i = 0; i < CONF_RESOURCES_MAX; i++)
        buf_printf(&b, "%s\"r%03d\":%d", i ? "," : "", i, i);
    buf_str(&b, "}}}}");
    r = must_read("kube", buf_span(&b));
    assert_int_equal(r.host[0].amounts, CONF_RESOURCES_MAX + 1);
    assert_amount(&r.host[0].amount[0], "pods", 110, 0);
    assert_amount(&r.host[0].amount[CONF_RESOURCES_MAX], "r254", 254, 0);
    arena_free(r.arena);
    buf_free(&b);
}

/* ---- its time ---- */

/* A document that says that it was true `ns` from now. */
static int64_t write_time(struct buf *b, int64_t ns)
{
    struct clock_zone zone = {0};
    int64_t at = clock_now() + ns;

    buf_reset(b);
    buf_str(b, "{\"hosts\":{},\"at\":\"");
    clock_write(b, &zone, at);
    buf_str(b, "\"}");
    return at;
}

static void a_time_is_the_readings(void **state)
{
    struct buf b = BUF_INIT(256);
    int64_t at = write_time(&b, -30 * NS_PER_S);
    struct source_reading r = must_read("lab", buf_span(&b));

    (void)state;
    assert_int_equal(r.read_at, at);
    arena_free(r.arena);
    buf_free(&b);
}

/* What ended while the document was on its way may still be used in it: a reading is never of a
 * later moment than that it was asked for, wherever another's clock stands. */
static void a_time_after_the_question_is_that_of_the_question(void **state)
{
    struct buf b = BUF_INIT(256);
    struct source_reading r = begin("lab");
    int64_t asked = r.read_at - 20 * NS_PER_S;
    struct err e;

    (void)state;
    r.read_at = asked;
    (void)write_time(&b, -10 * NS_PER_S);
    assert_int_equal(document_read(buf_span(&b), &r, &e), 0);
    assert_int_equal(r.read_at, asked);
    (void)write_time(&b, 30 * NS_PER_S);
    assert_int_equal(document_read(buf_span(&b), &r, &e), 0);
    assert_int_equal(r.read_at, asked);
    arena_free(r.arena);
    buf_free(&b);
}

static void a_time_of_another_day_is_refused(void **state)
{
    struct buf b = BUF_INIT(256);
    char want[256];

    (void)state;
    (void)write_time(&b, -91 * NS_PER_S);
    (void)snprintf(want, sizeof want,
                   "the reading is stale: it says %.35s, which is more than 90 s ago", b.data + 18);
    must_refuse("lab", buf_span(&b), want);
    (void)write_time(&b, 90 * NS_PER_S);
    (void)snprintf(want, sizeof want, "the reading is from the future: it says %.35s", b.data + 18);
    must_refuse("lab", buf_span(&b), want);
    buf_free(&b);
}

/* ---- what is written is read ---- */

enum { MOST = 6 };

static const char *const odd_names[] = {
    "a", "b", "\"", "\\", "a/b~", "\xc3\xa4", "\xf0\x9f\x90\xa7", " ", "7", "{}", "z,", "no:"};

/* A subset of the odd names, sorted by bytes. */
static size_t choose(struct prop *p, struct str name[MOST])
{
    size_t i, n = 0, j;

    for (i = 0; i < ARRAY_LEN(odd_names) && n < MOST; i++) {
        if (!prop_one_in(p, 2))
            continue;
        for (j = n++; j > 0 && str_cmp(name[j - 1], str_of(odd_names[i])) > 0; j--)
            name[j] = name[j - 1];
        name[j] = str_of(odd_names[i]);
    }
    return n;
}

struct model {
    size_t hosts, resources[MOST], pools, pool_hosts[MOST], quotas;
    struct str host[MOST], resource[MOST][MOST], pool[MOST], quota[MOST];
    int64_t total[MOST][MOST], used[MOST][MOST], limit[MOST];
    size_t pool_host[MOST][MOST];
    bool has_used[MOST][MOST], backwards;
};

static void make_model(struct prop *p, struct model *m)
{
    size_t i, j;

    *m = (struct model){.backwards = prop_one_in(p, 2)};
    m->hosts = choose(p, m->host);
    for (i = 0; i < m->hosts; i++) {
        m->resources[i] = choose(p, m->resource[i]);
        for (j = 0; j < m->resources[i]; j++) {
            m->total[i][j] = prop_between(p, 0, NUM_SAFE_MAX) >> prop_below(p, 53);
            m->has_used[i][j] = prop_one_in(p, 2);
            m->used[i][j] = m->has_used[i][j] ? prop_between(p, 0, 9) : 0;
        }
    }
    m->pools = choose(p, m->pool);
    for (i = 0; i < m->pools; i++) {
        for (j = 0; j < m->hosts; j++) {
            if (prop_one_in(p, 2))
                m->pool_host[i][m->pool_hosts[i]++] = j;
        }
    }
    m->quotas = choose(p, m->quota);
    for (i = 0; i < m->quotas; i++)
        m->limit[i] = prop_between(p, 0, 99);
}

/* The i-th of n to be written: from the front or from the back. */
static size_t nth(const struct model *m, size_t i, size_t n)
{
    return m->backwards ? n - 1 - i : i;
}

static void write_host(struct json_out *o, const struct model *m, size_t h)
{
    size_t i, j;

    json_key_str(o, m->host[h]);
    json_open(o, '{');
    json_key(o, "total");
    json_open(o, '{');
    for (i = 0; i < m->resources[h]; i++) {
        j = nth(m, i, m->resources[h]);
        json_key_str(o, m->resource[h][j]);
        json_put_i64(o, m->total[h][j]);
    }
    json_close(o, '}');
    json_key(o, "used");
    json_open(o, '{');
    for (i = 0; i < m->resources[h]; i++) {
        if (!m->has_used[h][i])
            continue;
        json_key_str(o, m->resource[h][i]);
        json_put_i64(o, m->used[h][i]);
    }
    json_close(o, '}');
    json_close(o, '}');
}

static void write_pools(struct json_out *o, const struct model *m)
{
    size_t i, j;

    json_key(o, "pools");
    json_open(o, '{');
    for (i = 0; i < m->pools; i++) {
        json_key_str(o, m->pool[i]);
        json_open(o, '{');
        json_key(o, "hosts");
        json_open(o, '[');
        for (j = 0; j < m->pool_hosts[i]; j++)
            json_put_str(o, m->host[m->pool_host[i][nth(m, j, m->pool_hosts[i])]]);
        json_close(o, ']');
        json_close(o, '}');
    }
    json_close(o, '}');
}

static void write_model(struct buf *b, const struct model *m)
{
    struct json_out o = JSON_OUT(b);
    size_t i;

    json_open(&o, '{');
    write_pools(&o, m);
    json_key(&o, "quotas");
    json_open(&o, '{');
    for (i = 0; i < m->quotas; i++) {
        json_key_str(&o, m->quota[nth(m, i, m->quotas)]);
        json_open(&o, '{');
        json_key_str(&o, m->quota[i]);
        json_open(&o, '{');
        json_key(&o, "limit");
        json_put_i64(&o, m->limit[nth(m, i, m->quotas)]);
        json_close(&o, '}');
        json_close(&o, '}');
    }
    json_close(&o, '}');
    json_key(&o, "hosts");
    json_open(&o, '{');
    for (i = 0; i < m->hosts; i++)
        write_host(&o, m, nth(m, i, m->hosts));
    json_close(&o, '}');
    json_close(&o, '}');
}

static void assert_same(const struct source_reading *r, const struct model *m)
{
    size_t i, j;

    assert_int_equal(r->hosts, m->hosts);
    for (i = 0; i < m->hosts; i++) {
        assert_true(str_eq(r->host[i].name, m->host[i]));
        assert_int_equal(r->host[i].amounts, m->resources[i]);
        for (j = 0; j < m->resources[i]; j++) {
            assert_true(str_eq(r->host[i].amount[j].resource, m->resource[i][j]));
            assert_int_equal(r->host[i].amount[j].total, m->total[i][j]);
            assert_int_equal(r->host[i].amount[j].used, m->used[i][j]);
        }
    }
    assert_int_equal(r->pools, m->pools);
    for (i = 0; i < m->pools; i++) {
        assert_true(str_eq(r->pool[i].name, m->pool[i]));
        assert_int_equal(r->pool[i].hosts, m->pool_hosts[i]);
        for (j = 0; j < m->pool_hosts[i]; j++)
            assert_int_equal(r->pool[i].host[j], m->pool_host[i][j]);
    }
    assert_int_equal(r->quotas, m->quotas);
    for (i = 0; i < m->quotas; i++) {
        assert_true(str_eq(r->quota[i].project, m->quota[i]));
        assert_int_equal(r->quota[i].limit[0].limit, m->limit[i]);
    }
}

static void what_is_written_is_read(void **state)
{
    struct prop p = prop_begin("document", SEED);
    struct buf b = BUF_INIT(TEXT_MAX);
    struct source_reading r;
    struct model m;
    size_t round;

    (void)state;
    for (round = 0; round < ROUNDS; round++) {
        make_model(&p, &m);
        buf_reset(&b);
        write_model(&b, &m);
        r = must_read("lab", buf_span(&b));
        assert_same(&r, &m);
        arena_free(r.arena);
    }
    buf_free(&b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_all_that_there_is),
        cmocka_unit_test(without_pools_there_is_one_of_all),
        cmocka_unit_test(no_hosts_and_no_pools_are_fine),
        cmocka_unit_test(vm_knows_placements_names),
        cmocka_unit_test(kube_knows_quantities),
        cmocka_unit_test(kube_hosts_have_pods_unless_they_have_nothing),
        cmocka_unit_test(a_kube_host_with_all_the_resources_it_may_have_has_pods_too),
        cmocka_unit_test(a_time_after_the_question_is_that_of_the_question),
        cmocka_unit_test(a_time_is_the_readings),
        cmocka_unit_test(a_time_of_another_day_is_refused),
        cmocka_unit_test(what_is_written_is_read),
    };

    return cmocka_run_group_tests(tests, read_conf, free_conf);
}
