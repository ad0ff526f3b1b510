/* SPDX-License-Identifier: MIT */
/* What the OpenStack source is asked beyond a reading: quotas of projects, and which hosts take one
 * instance of a kind. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "openstack_world.h"

/* ---- quotas ---- */

static void ask_quotas(const char *const *project, size_t n)
{
    struct source_question q[8] = {0};
    size_t i;

    for (i = 0; i < n; i++)
        q[i].project = str_of(project[i]);
    forget_requests();
    source_more(w.source, q, n, soon(), &w.r);
}

/* What the reading says after its pools. */
static const char *quotas(void)
{
    const char *text = reading_text(&w.text, &w.r), *at = strstr(text, "quota of");

    return at ? at : "";
}

#define DETAIL(project) "GET /nova/v2.1/os-quota-sets/" project "/detail "
#define LINE(limit, in_use, reserved)                                                              \
    "{\"limit\":" limit ",\"in_use\":" in_use ",\"reserved\":" reserved "}"
#define SET(cores)                                                                                 \
    "{\"quota_set\":{\"instances\":" LINE("-1", "2", "0") ",\"cores\":" cores                      \
                                                          ",\"ram\":" LINE("-1", "0", "0") "}}"
#define ABSOLUTE(cores)                                                                            \
    "{\"limits\":{\"absolute\":{\"maxTotalInstances\":-1,\"totalInstancesUsed\":0,"                \
    "\"maxTotalCores\":" cores                                                                     \
    ",\"totalCoresUsed\":1,\"maxTotalRAMSize\":-1,\"totalRAMUsed\":0}}}"

static void test_quotas(void **state)
{
    (void)state;
    rule(DETAIL("p1"), 200, NULL, SET(LINE("9", "3", "1")), 0);
    rule(DETAIL("p2"), 200, NULL, SET(LINE("-1", "3", "1")), 0);
    rule(DETAIL("p3"), 400, NULL,
         "{\"badRequest\":{\"message\":\"Project ID p3 is not a valid project.\"}}", 0);
    (void)reads();
    ask_quotas((const char *const[]){"p2", "p1", "p3", "p1", "../x", ""}, 6);
    assert_string_equal(w.r.error, "");
    assert_string_equal(quotas(), "quota of \ninstances (Nova knows no such project) 0/0\n"
                                  "quota of ../x\ninstances (Nova knows no such project) 0/0\n"
                                  "quota of p1\ncores VCPU PCPU 4/9\n"
                                  "quota of p2\n"
                                  "quota of p3\ninstances (Nova knows no such project) 0/0\n");
    assert_int_equal(asked_in_all(), 3);
    ask_quotas((const char *const[]){"p1"}, 1); /* known by now */
    assert_int_equal(asked_in_all(), 0);
    assert_int_equal(w.r.quotas, 5);
}

static void test_quotas_from_limits(void **state)
{
    (void)state;
    rule("GET /nova/v2.1/os-quota-sets/", 403, NULL, "{\"forbidden\":{\"message\":\"no\"}}", 0);
    rule("GET /nova/v2.1/limits?tenant_id=p1 ", 200, NULL, ABSOLUTE("7"), 0);
    rule("GET /nova/v2.1/limits ", 200, NULL, ABSOLUTE("8"), 0);
    (void)reads();
    ask_quotas((const char *const[]){"p1", "own1"}, 2);
    assert_string_equal(quotas(), "quota of own1\ncores VCPU PCPU 1/8\n"
                                  "quota of p1\ncores VCPU PCPU 1/7\n");
    (void)reads();
    ask_quotas((const char *const[]){"p1"}, 1); /* it is not tried in vain twice */
    assert_int_equal(asked_in_all(), 1);
    assert_int_equal(asked("GET /nova/v2.1/limits?tenant_id=p1 tok1\n"), 1);
}

static void test_quotas_that_may_not_be_read(void **state)
{
    (void)state;
    rule("GET /nova/v2.1/os-quota-sets/", 403, NULL, "{\"forbidden\":{\"message\":\"no\"}}", 0);
    rule("GET /nova/v2.1/limits?tenant_id=p1 ", 403, NULL,
         "{\"forbidden\":{\"message\":\"not this\"}}", 0);
    (void)reads();
    rule("GET /nova/v2.1/limits?tenant_id=p2 ", 404, NULL,
         "{\"itemNotFound\":{\"message\":\"no p2\"}}", 0);
    rule("GET /nova/v2.1/limits ", 200, NULL, ABSOLUTE("8"), 0);
    ask_quotas((const char *const[]){"p1", "own1", "p2"}, 3);
    assert_int_equal(w.r.state, SOURCE_GOOD);
    assert_int_equal(w.r.quotas, 3);
    assert_false(w.r.quota[0].error.p); /* own1: who may not read the others' goes on */
    assert_int_equal(w.r.quota[0].limits, 1);
    assert_string_equal(w.r.quota[1].error.p,
                        "Nova answered 403: not this; the quotas of other projects need "
                        "os_compute_api:limits:other_project or "
                        "os_compute_api:os-quota-sets:detail, which the role admin has; `quota: "
                        "off` does without them");
    assert_string_equal(w.r.quota[2].error.p, "Nova answered 404: no p2");
}

static void test_quotas_that_make_no_sense(void **state)
{
    (void)state;
    rule("GET /nova/v2.1/os-quota-sets/", 200, NULL, "{\"quota_set\":[]}", 0);
    (void)reads();
    ask_quotas((const char *const[]){"p1"}, 1);
    assert_int_equal(w.r.state, SOURCE_FAILED);
    assert_memory_equal(w.r.error, "Nova's answer makes no sense: ", 30);
}

static void test_more_before_anything_was_read(void **state)
{
    (void)state;
    (void)reads();
    open_source();
    ask_quotas((const char *const[]){"p1"}, 1);
    assert_int_equal(w.r.state, SOURCE_FAILED);
    assert_string_equal(w.r.error, "OpenStack is asked for more before it was read");
    assert_int_equal(asked_in_all(), 0);
}

/* A service that has no time is another matter than a project. */
static void test_quotas_of_a_service_that_is_down(void **state)
{
    static const int statuses[] = {408, 429, 500, 503};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(statuses); i++) {
        rule("GET /nova/v2.1/os-quota-sets/", statuses[i], NULL, "{\"x\":{\"message\":\"no\"}}", 0);
        (void)reads();
        ask_quotas((const char *const[]){"p1"}, 1);
        assert_int_equal(w.r.state, SOURCE_FAILED);
        assert_memory_equal(w.r.error, "Nova answered ", 14);
    }
}

/* A client that makes up a long project, which Nova repeats, keeps nobody else waiting. */
static void test_quota_of_a_long_project_that_is_none(void **state)
{
    char project[256] = "", path[400], body[600];

    (void)state;
    memset(project, 'p', sizeof project - 1);
    (void)snprintf(path, sizeof path, "GET /nova/v2.1/os-quota-sets/%s/", project);
    (void)snprintf(body, sizeof body,
                   "{\"badRequest\":{\"message\":\"Project ID %s is not a valid project.\"}}",
                   project);
    rule(path, 400, NULL, body, 0);
    (void)reads();
    ask_quotas((const char *const[]){project}, 1);
    assert_int_equal(w.r.state, SOURCE_GOOD);
    assert_false(w.r.quota[0].error.p);
    assert_int_equal(w.r.quota[0].limit[0].limit, 0);
}

/* ---- kinds ---- */

/* A question about a kind with these amounts, for pools 0 to n - 1. */
static void ask_kind(struct demand_amount *amount, size_t amounts, const char *constraint,
                     size_t pools)
{
    static const size_t pool[] = {0, 1};
    struct demand_kind kind = {
        .count = 1, .amounts = amounts, .amount = amount, .constraint = str_of(constraint)};
    struct source_question q = {
        .text = STR_LIT("{kind}"), .kind = &kind, .pools = pools, .pool = pool};

    forget_requests();
    source_more(w.source, &q, 1, soon(), &w.r);
}

/* '.' not in question, '+' takes it, '-' refuses: one, three, two. */
static const char *hosts_say(void)
{
    static char text[16];
    const struct source_exact *x = &w.r.exact[w.r.exacts - 1];
    size_t i;

    assert_true(str_is(x->kind, "{kind}"));
    for (i = 0; i < w.r.hosts; i++)
        text[i] = ".+-"[x->host[i]];
    text[i] = '\0';
    return text;
}

static void test_kinds(void **state)
{
    struct demand_amount amounts[] = {
        {STR_LIT("Disk"), 5}, {STR_LIT("Memory"), 1024}, {STR_LIT("VCPU"), 9}};

    (void)state;
    (void)reads();
    rule("GET /placement/allocation_candidates?resources=DISK_GB:5,MEMORY_MB:1024,VCPU:9&"
         "required=A,!B,!COMPUTE_STATUS_DISABLED&member_of=in:agg1 ",
         200, NULL, FOUND(HOST("u2", "0") "," HOST("unheard-of", "0")), 0);
    ask_kind(amounts, 3, "{\"traits\":[\"A\",\"!B\"]}", 1);
    assert_string_equal(w.r.error, "");
    assert_string_equal(hosts_say(), "-.+");
    /* with the pool of unnamed projects among them the whole cloud is asked, and u3 may answer */
    rule("GET /placement/allocation_candidates?resources=DISK_GB:5,MEMORY_MB:1024,VCPU:9&" ENABLED
         " ",
         200, NULL, FOUND(HOST("u3", "0") "," HOST("u1", "0")), 0);
    ask_kind(amounts, 3, NULL, 2);
    assert_string_equal(hosts_say(), "++-");
    ask_kind(amounts, 3, NULL, 0); /* of no pool at all: nobody is judged */
    assert_string_equal(hosts_say(), "...");
    rule("GET /placement/allocation_candidates?resources=VCPU:1&required=A,", 200, NULL,
         FOUND(HOST("u1", "0")), 0);
    ask_kind(amounts, 0, "{\"traits\":[\"A\"]}", 1); /* of nothing: whoever has a processor */
    assert_string_equal(hosts_say(), "+.-");
    assert_int_equal(w.r.exacts, 4);
}

/* What no Placement can know goes on no host, and does no harm to others. */
static void test_kinds_that_no_host_takes(void **state)
{
    static const struct {
        const char *resource, *constraint, *words;
    } cases[] = {
        {"CUSTOM_X", NULL, "\\n\\n Invalid resource class: No such resource class CUSTOM_X."},
        {"VCPU", "{\"traits\":[\"X\"]}", "\\n\\n No such trait(s): X."},
        {"VCPU", "{\"traits\":[\"X\",\"!X\"]}",
         "\\n\\n Conflicting required and forbidden traits found"},
        {"VCPU:1&limit=1", NULL, NULL},
        {"VCPU", "{\"traits\":[\"a b\"]}", NULL},
        {"VCPU", "{\"traits\":[\"\"]}", NULL},
        {"VCPU", "{\"traits\":3}", NULL},
        {"VCPU", "{\"nodeSelector\":{}}", NULL},
    };
    char body[512];
    size_t i;

    (void)state;
    (void)reads();
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        struct demand_amount amount = {str_of(cases[i].resource), 1};

        (void)snprintf(body, sizeof body, "{\"errors\":[{\"detail\":\"It is malformed.%s\"}]}",
                       cases[i].words);
        rule("GET /placement/allocation_candidates?resources=", 400, NULL, body, 1);
        ask_kind(&amount, 1, cases[i].constraint, 1);
        assert_string_equal(w.r.error, "");
        assert_string_equal(hosts_say(), "-.-");
        assert_int_equal(asked_in_all(), cases[i].words ? 1 : 0);
        drop_rule();
    }
}

static void test_a_kind_that_is_refused_otherwise(void **state)
{
    struct demand_amount amount = {STR_LIT("VCPU"), 1};

    (void)state;
    (void)reads();
    rule("GET /placement/allocation_candidates?resources=VCPU:1&", 400, NULL,
         "{\"errors\":[{\"detail\":\"Something else.\"}]}", 0);
    ask_kind(&amount, 1, NULL, 1);
    assert_int_equal(w.r.state, SOURCE_FAILED);
    assert_string_equal(w.r.error, "Placement answered 400: Something else.");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(test_quotas),
        TEST(test_quotas_from_limits),
        TEST(test_quotas_that_may_not_be_read),
        TEST(test_quotas_that_make_no_sense),
        TEST(test_more_before_anything_was_read),
        TEST(test_quotas_of_a_service_that_is_down),
        TEST(test_quota_of_a_long_project_that_is_none),
        TEST(test_kinds),
        TEST(test_kinds_that_no_host_takes),
        TEST(test_a_kind_that_is_refused_otherwise),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
