/* SPDX-License-Identifier: MIT */
/* The document of a source of the operator's own: what is refused, and how that is named. */
#include "document_case.h"
#include "torture.h"

#define HOST(members)  "{\"hosts\":{\"a\":{" members "}}}"
#define TOTAL(members) HOST("\"total\":{" members "}")
#define WITH(members)  "{\"hosts\":{\"a\":{\"total\":{\"x\":1}}}," members "}"
#define LINE(members)  WITH("\"quotas\":{\"p\":{\"l\":{" members "}}}")
#define RANGE          "must be a whole number from 0 to 9007199254740991"

static const struct {
    const char *text, *want;
} refused[] = {
    {"", "the document is empty"},
    {"{}", "the document must have the member \"hosts\""},
    {"[]", "the document must be an object, not an array"},
    {"null", "the document must be an object, not null"},
    {"\"\"", "the document must be an object, not a string"},
    {"{\"hosts\":{},\"host\":{}}", "/host is no member that is known here"},
    {"{\"hosts\":null}", "/hosts must be an object, not null"},
    {"{\"hosts\":[]}", "/hosts must be an object, not an array"},
    {"{\"hosts\":{\"a\":1}}", "/hosts/a must be an object, not a number"},
    {"{\"hosts\":{\"\":{}}}", "/hosts/ must be a name of 1 to 255 bytes"},
    {"{\"hosts\":{\"a\\n\":{}}}", "/hosts/a\n must not hold control characters"},
    {"{\"hosts\":{\"a\\u0085\":{}}}", "/hosts/a\xc2\x85 must not hold control characters"},
    {HOST("\"free\":{}"), "/hosts/a/free is no member that is known here"},
    {HOST("\"total\":[]"), "/hosts/a/total must be an object, not an array"},
    {HOST("\"used\":1"), "/hosts/a/used must be an object, not a number"},
    {TOTAL("\"x\":\"1\""), "/hosts/a/total/x must be a number, not a string"},
    {TOTAL("\"x\":null"), "/hosts/a/total/x must be a number, not null"},
    {TOTAL("\"x\":true"), "/hosts/a/total/x must be a number, not a boolean"},
    {TOTAL("\"x\":-1"), "/hosts/a/total/x " RANGE},
    {TOTAL("\"x\":1.5"), "/hosts/a/total/x " RANGE},
    {TOTAL("\"x\":1e-1"), "/hosts/a/total/x " RANGE},
    {TOTAL("\"x\":9007199254740992"), "/hosts/a/total/x " RANGE},
    {TOTAL("\"x\":1e400"), "/hosts/a/total/x " RANGE},
    {TOTAL("\"\":1"), "/hosts/a/total/ must be a name of 1 to 255 bytes"},
    {TOTAL("\"a~/b\":-1"), "/hosts/a/total/a~0~1b " RANGE},
    {HOST("\"total\":{\"x\":1},\"used\":{\"y\":1}"),
     "/hosts/a/used/y is used, but the host's total does not have it"},
    {HOST("\"used\":{\"y\":1}"), "/hosts/a/used/y is used, but the host's total does not have it"},
    {HOST("\"total\":{\"x\":1},\"used\":{\"x\":0.5}"), "/hosts/a/used/x " RANGE},
    {HOST("\"labels\":{\"k\":1}"), "/hosts/a/labels/k must be a string, not a number"},
    {HOST("\"labels\":{\"\":\"v\"}"), "/hosts/a/labels/ must be a name of 1 to 317 bytes"},
    {HOST("\"labels\":[]"), "/hosts/a/labels must be an object, not an array"},
    {WITH("\"pools\":[]"), "/pools must be an object, not an array"},
    {WITH("\"pools\":{\"p\":[]}"), "/pools/p must be an object, not an array"},
    {WITH("\"pools\":{\"\":{}}"), "/pools/ must be a name of 1 to 255 bytes"},
    {WITH("\"pools\":{\"p\\nproject:q\":{}}"),
     "/pools/p\nproject:q must not hold control characters"},
    {WITH("\"pools\":{\"p\":{\"host\":[]}}"), "/pools/p/host is no member that is known here"},
    {WITH("\"pools\":{\"p\":{\"hosts\":\"a\"}}"), "/pools/p/hosts must be an array, not a string"},
    {WITH("\"pools\":{\"p\":{\"hosts\":[\"a\",7]}}"),
     "/pools/p/hosts/1 must be a string, not a number"},
    {WITH("\"pools\":{\"p\":{\"hosts\":[\"b\"]}}"), "/pools/p/hosts/0 is no host of this document"},
    {WITH("\"pools\":{\"p\":{\"hosts\":[\"a\",\"a\"]}}"), "/pools/p/hosts has the host a twice"},
    {WITH("\"pools\":{\"p\":{\"projects\":{}}}"),
     "/pools/p/projects must be an array, not an object"},
    {WITH("\"pools\":{\"p\":{\"projects\":[null]}}"),
     "/pools/p/projects/0 must be a string, not null"},
    {WITH("\"pools\":{\"p\":{\"projects\":[\"\"]}}"),
     "/pools/p/projects/0 must be a name of 1 to 255 bytes"},
    {WITH("\"quotas\":[]"), "/quotas must be an object, not an array"},
    {WITH("\"quotas\":{\"p\":1}"), "/quotas/p must be an object, not a number"},
    {WITH("\"quotas\":{\"p\":{\"l\":7}}"), "/quotas/p/l must be an object, not a number"},
    {LINE(""), "/quotas/p/l must have the member \"limit\""},
    {LINE("\"limit\":1,\"max\":1"), "/quotas/p/l/max is no member that is known here"},
    {LINE("\"limit\":-1"), "/quotas/p/l/limit " RANGE},
    {LINE("\"limit\":1,\"used\":\"1\""), "/quotas/p/l/used must be a number, not a string"},
    {LINE("\"limit\":1,\"resource\":1"), "/quotas/p/l/resource must be a string, not a number"},
    {LINE("\"limit\":1,\"resource\":\"\""),
     "/quotas/p/l/resource must be a name of 1 to 255 bytes"},
    {WITH("\"at\":1"), "/at must be a string, not a number"},
    {WITH("\"at\":\"today\""), "/at must be a time after RFC 3339, such as 2026-11-23T10:20:30Z"},
    {WITH("\"at\":\"2026-11-23T10:20:30\""),
     "/at must be a time after RFC 3339, such as 2026-11-23T10:20:30Z"},
    {"usage: sinfo", "the document cannot be read: a value is expected at byte 1"},
    {"{\"hosts\":{\"a\":{}",
     "the document cannot be read: a comma or } is expected, but the text ends after 16 bytes"},
    {"{\"hosts\":{\"a\":{},\"a\":{}}}",
     "the document cannot be read: duplicate member \"a\" at byte 18"},
};

static void what_is_wrong_is_named(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(refused); i++)
        must_refuse("lab", str_of(refused[i].text), refused[i].want);
}

static void one_resource_by_two_names_is_refused(void **state)
{
    (void)state;
    must_refuse("vm", STR_LIT(TOTAL("\"Memory\":1,\"VCPU\":1,\"MEMORY_MB\":1")),
                "/hosts/a/total has Memory twice, by both of its names");
    must_refuse("vm", STR_LIT(HOST("\"total\":{\"Disk\":1},\"used\":{\"Disk\":0,\"DISK_GB\":1}")),
                "/hosts/a/used/DISK_GB is there twice, by both of its names");
    arena_free(must_read("lab", STR_LIT(TOTAL("\"Memory\":1,\"MEMORY_MB\":1"))).arena);
}

static void what_is_no_quantity_is_refused(void **state)
{
    static const char *const wrong[] = {"\"4 Gi\"", "-1", "\"\"", "\"-1\"", "1e30", "\"9E\""};
    char text[128];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(wrong); i++) {
        (void)snprintf(text, sizeof text, TOTAL("\"cpu\":%s"), wrong[i]);
        must_refuse("kube", str_of(text),
                    "/hosts/a/total/cpu must be a Kubernetes quantity, such as 4, \"500m\" or "
                    "\"16Gi\"");
    }
    must_refuse("kube", STR_LIT(TOTAL("\"cpu\":null")),
                "/hosts/a/total/cpu must be a number, not null");
}

/* Names of 255 bytes are taken, of 256 are not. */
static void names_have_a_limit(void **state)
{
    struct source_reading r;
    char name[257] = "", text[512], want[512];

    (void)state;
    memset(name, 'n', 255);
    (void)snprintf(text, sizeof text, "{\"hosts\":{\"%s\":{}}}", name);
    r = must_read("lab", str_of(text));
    assert_str(r.host[0].name, name);
    arena_free(r.arena);
    name[255] = 'n';
    (void)snprintf(text, sizeof text, "{\"hosts\":{\"%s\":{}}}", name);
    /* Of the place 159 bytes are shown. */
    (void)snprintf(want, sizeof want, "/hosts/%.152s must be a name of 1 to 255 bytes", name);
    must_refuse("lab", str_of(text), want);
}

static void write_many(struct buf *b, size_t n)
{
    size_t i;

    buf_str(b, "{\"hosts\":{");
    for (i = 0; i < n; i++)
        buf_printf(b, "%s\"%zu\":{}", i ? "," : "", i);
    buf_str(b, "}}");
    assert_false(b->failed);
}

static void hosts_have_a_limit(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct source_reading r;

    (void)state;
    write_many(&b, SOURCE_HOSTS_MAX);
    r = must_read("lab", buf_span(&b));
    assert_int_equal(r.hosts, SOURCE_HOSTS_MAX);
    arena_free(r.arena);
    buf_reset(&b);
    write_many(&b, SOURCE_HOSTS_MAX + 1);
    must_refuse("lab", buf_span(&b), "/hosts must not have more than 100000 members");
    buf_free(&b);
}

static void memory_that_runs_out_is_an_error(void **state)
{
#if TORTURE
    static const struct str text = {LINE("\"limit\":1"), sizeof LINE("\"limit\":1") - 1};
    struct source_reading r;
    struct err e;
    int64_t good;
    int rc = -1;

    for (good = 0; rc != 0; good++) {
        assert_true(good < 1000);
        torture_arm(good);
        r = (struct source_reading){.queue = conf->queue, .arena = arena_new(SOURCE_MEMORY_MAX)};
        e.code = ERR_INTERNAL;
        rc = r.arena ? document_read(text, &r, &e) : -1;
        arena_free(r.arena);
        assert_int_equal(torture_end(), 0);
        assert_int_equal(e.code, ERR_INTERNAL);
    }
    assert_true(good > 10);
#endif
    (void)state;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_wrong_is_named),
        cmocka_unit_test(one_resource_by_two_names_is_refused),
        cmocka_unit_test(what_is_no_quantity_is_refused),
        cmocka_unit_test(names_have_a_limit),
        cmocka_unit_test(hosts_have_a_limit),
        cmocka_unit_test(memory_that_runs_out_is_an_error),
    };

    return cmocka_run_group_tests(tests, read_conf, free_conf);
}
