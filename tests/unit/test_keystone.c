/* SPDX-License-Identifier: MIT */
/* Tokens: how they are asked for, what is read of Keystone's answer, how long they are used, and
 * what becomes of them between runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "cron/keystone.h"
#include "openstack_case.h"

#define S(text) STR_LIT(text)

/* ---- the request ---- */

static void asks(struct cloud cloud, const char *body)
{
    struct buf b = BUF_INIT(4096);

    keystone_write_auth(&cloud, &b);
    assert_string_equal(b.data, body);
    buf_free(&b);
}

static void test_requests(void **state)
{
    (void)state;
    asks((struct cloud){.user.name = S("u"),
                        .user_domain.name = S("D"),
                        .password = S("p\""),
                        .project.name = S("p"),
                        .project_domain.id = S("d")},
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"name\":"
         "\"u\",\"domain\":{\"name\":\"D\"},\"password\":\"p\\\"\"}}},\"scope\":{\"project\":"
         "{\"name\":\"p\",\"domain\":{\"id\":\"d\"}}}}}");
    asks((struct cloud){.user.id = S("u"), .password = S("p"), .whole_system = true},
         "{\"auth\":{\"identity\":{\"methods\":[\"password\"],\"password\":{\"user\":{\"id\":"
         "\"u\",\"password\":\"p\"}}},\"scope\":{\"system\":{\"all\":true}}}}");
    asks((struct cloud){.method = CLOUD_CREDENTIAL, .credential.id = S("i"), .secret = S("s")},
         "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
         "\"application_credential\":{\"id\":\"i\",\"secret\":\"s\"}}}}");
    asks((struct cloud){.method = CLOUD_CREDENTIAL,
                        .credential.name = S("c"),
                        .user.id = S("u"),
                        .secret = S("s")},
         "{\"auth\":{\"identity\":{\"methods\":[\"application_credential\"],"
         "\"application_credential\":{\"name\":\"c\",\"user\":{\"id\":\"u\"},\"secret\":\"s\"}}}}");
    asks((struct cloud){.method = CLOUD_TOKEN, .token = S("t"), .project.id = S("p")},
         "{\"auth\":{\"identity\":{\"methods\":[\"token\"],\"token\":{\"id\":\"t\"}},\"scope\":"
         "{\"project\":{\"id\":\"p\"}}}}");
}

/* ---- the answer ---- */

static struct str text_of(const char *name, struct buf *b)
{
    struct buf path = BUF_INIT(256);
    struct err e;

    buf_printf(&path, "tests/unit/openstack/%s.json", name);
    if (*name == '{')
        buf_str(b, name);
    else
        assert_int_equal(files_read(path.data, b, &e), 0);
    buf_free(&path);
    return buf_span(b);
}

/* NULL: it is an error, which stands in *e. */
static struct keystone_token *token_of(const char *body, const char *region, int64_t now,
                                       struct err *e)
{
    struct cloud cloud = {.region = str_of(region), .interface = S("internal")};
    struct buf b = BUF_INIT(65536);
    struct keystone_token *t = NULL;

    (void)!keystone_token_read(text_of(body, &b), S("tok"), &cloud, now, &t, e);
    buf_free(&b);
    return t;
}

static void test_answer(void **state)
{
    struct keystone_token *t;
    struct err e;

    (void)state;
    t = token_of("token", NULL, 1000 * NS_PER_S, &e);
    assert_non_null(t);
    assert_string_equal(t->text.p, "tok");
    assert_string_equal(t->user.p, "capacity");
    assert_string_equal(t->project.p, "capacity");
    assert_string_equal(t->project_id.p, "db0fe755e2eb40c5b1ff9f4a3c8fb042");
    assert_string_equal(t->roles.p, "admin, member, reader");
    assert_string_equal(t->endpoint[KEYSTONE_PLACEMENT].p, "http://127.0.0.1:18778");
    assert_string_equal(t->endpoint[KEYSTONE_COMPUTE].p, "http://127.0.0.1:18774/v2.1");
    keystone_token_free(t);
    t = token_of("token-system", "RegionOne", 0, &e);
    assert_non_null(t);
    assert_null(t->project.p);
    assert_string_equal(t->roles.p, "reader");
    assert_non_null(t->endpoint[KEYSTONE_PLACEMENT].p);
    keystone_token_free(t);
    t = token_of("token", "RegionTwo", 0, &e);
    assert_non_null(t);
    assert_null(t->endpoint[KEYSTONE_PLACEMENT].p);
    keystone_token_free(t);
}

/* It was issued for an hour at a time that is not ours: it is used for 55 minutes from now. */
static void test_life_by_keystones_clock(void **state)
{
    const int64_t now = 1000 * NS_PER_S, minute = 60 * NS_PER_S;
    struct keystone_token *t;
    struct err e;

    (void)state;
    t = token_of("token", NULL, now, &e);
    assert_true(keystone_token_lasts(t, now));
    assert_true(keystone_token_lasts(t, now + 55 * minute - 1));
    assert_false(keystone_token_lasts(t, now + 55 * minute));
    assert_false(keystone_token_lasts(t, now - 1)); /* our clock was put back: nobody knows */
    keystone_token_free(t);
}

#define TOKEN(from, to, more)                                                                      \
    "{\"token\":{\"issued_at\":\"" from "\",\"expires_at\":\"" to                                  \
    "\",\"user\":{\"name\":\"u\"},\"roles\":[]," more "}}"
#define LIFE(more) TOKEN("2026-11-23T08:00:00.0Z", "2026-11-23T09:00:00.0Z", more)

static void test_a_short_life(void **state)
{
    struct keystone_token *t;
    struct err e;

    (void)state;
    t = token_of(TOKEN("2026-11-23T08:00:00Z", "2026-11-23T08:01:40Z", "\"catalog\":[]"), NULL, 0,
                 &e);
    assert_non_null(t);
    assert_true(keystone_token_lasts(t, 89 * NS_PER_S));
    assert_false(keystone_token_lasts(t, 90 * NS_PER_S)); /* a tenth of 100 s before its end */
    assert_null(t->roles.p);
    keystone_token_free(t);
}

#define ENDPOINT(interface, region, url)                                                           \
    "{\"interface\":\"" interface "\",\"region_id\":\"" region "\",\"url\":\"" url "\"}"
#define CATALOG(endpoints)                                                                         \
    LIFE("\"catalog\":[{\"type\":\"placement\",\"endpoints\":[" endpoints "]}]")

static void test_regions(void **state)
{
    static const char two[] = CATALOG(ENDPOINT("internal", "A", "http://a/") "," ENDPOINT(
        "public", "B", "http://b") "," ENDPOINT("internal", "B", "http://b//"));
    struct keystone_token *t;
    struct err e;

    (void)state;
    t = token_of(two, "B", 0, &e);
    assert_non_null(t);
    assert_string_equal(t->endpoint[KEYSTONE_PLACEMENT].p, "http://b");
    keystone_token_free(t);
    assert_null(token_of(two, NULL, 0, &e));
    assert_string_equal(e.text, "Keystone's answer makes no sense: catalog: there are several "
                                "regions, A and B among them: name one as region_name of the "
                                "cloud or region of the queue");
}

static void test_the_first_of_several_counts(void **state)
{
    static const char body[] = LIFE("\"catalog\":[{\"type\":\"placement\",\"endpoints\":[" ENDPOINT(
        "internal", "A",
        "http://first") "," ENDPOINT("internal", "A",
                                     "http://second") "]},{"
                                                      "\"type\":\"placement\",\"endpoints\":"
                                                      "[" ENDPOINT("internal", "A",
                                                                   "http://third") "]}]");
    struct keystone_token *t;
    struct err e;

    (void)state;
    t = token_of(body, NULL, 0, &e);
    assert_non_null(t);
    assert_string_equal(t->endpoint[KEYSTONE_PLACEMENT].p, "http://first");
    keystone_token_free(t);
}

static void test_novas_endpoint_without_a_version(void **state)
{
    static const struct {
        const char *in_catalog, *asked;
    } cases[] = {
        {"http://n:8774/", "http://n:8774/v2.1"},
        {"http://n/compute", "http://n/compute/v2.1"},
        {"http://n/v2.1/project", "http://n/v2.1/project"},
    };
    struct keystone_token *t;
    char body[1024];
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        (void)snprintf(body, sizeof body,
                       LIFE("\"catalog\":[{\"type\":\"compute\",\"endpoints\":[" ENDPOINT(
                           "internal", "R", "%s") "]}]"),
                       cases[i].in_catalog);
        t = token_of(body, NULL, 0, &e);
        assert_non_null(t);
        assert_string_equal(t->endpoint[KEYSTONE_COMPUTE].p, cases[i].asked);
        keystone_token_free(t);
    }
}

/* What the catalog says ends up in errors: no password, no other scheme, no control character. */
static void test_endpoints_that_are_refused(void **state)
{
    static const char *const urls[] = {
        "http://user:s3cret@n", "http://user@n", "file:///etc/passwd",   "n:8778",
        "/placement",           "http://",       "http://n/?key=s3cret", "http://n/\\u001b[31m"};
    char body[1024];
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(urls); i++) {
        (void)snprintf(body, sizeof body, CATALOG(ENDPOINT("internal", "R", "%s")), urls[i]);
        assert_null(token_of(body, NULL, 0, &e));
        assert_string_equal(e.text, "Keystone's answer makes no sense: catalog: the endpoint of "
                                    "placement is no http or https URL without user, password and "
                                    "query");
    }
}

static void test_a_life_without_end(void **state)
{
    const int64_t year = 366 * 86400 * NS_PER_S, now = INT64_C(1800000000) * NS_PER_S;
    struct keystone_token *t;
    struct err e;

    (void)state;
    t = token_of(TOKEN("1970-01-01T00:00:00Z", "2261-12-31T00:00:00Z", "\"catalog\":[]"), NULL, now,
                 &e);
    assert_non_null(t);
    assert_true(keystone_token_lasts(t, now + year - 301 * NS_PER_S));
    assert_false(keystone_token_lasts(t, now + year));
    keystone_token_free(t);
    /* The end of an application credential comes without its zone. */
    t = token_of(TOKEN("2026-11-23T08:00:00Z", "2026-11-23T09:00:00.000000", "\"catalog\":[]"),
                 NULL, now, &e);
    assert_non_null(t);
    keystone_token_free(t);
}

static void test_answers_that_make_no_sense(void **state)
{
#define BAD "Keystone's answer makes no sense: "
    static const struct {
        const char *body, *error;
    } cases[] = {
        {"{}", BAD "there is no token"},
        {"{\"token\":[]}", BAD "token is an array, not an object"},
        {"{\"token\":{}}", BAD "there is no issued_at"},
        {TOKEN("yesterday", "2026-11-23T08:00:00Z", "\"catalog\":[]"),
         BAD "issued_at and expires_at are no times, or no life"},
        {TOKEN("2026-11-23T08:00:00Z", "2026-11-23T08:00:00Z", "\"catalog\":[]"),
         BAD "issued_at and expires_at are no times, or no life"},
        {LIFE("\"x\":1"), BAD "there is no catalog"},
        {LIFE("\"catalog\":[{}]"), BAD "catalog: there is no type"},
        {LIFE("\"catalog\":[{\"type\":\"compute\"}]"), BAD "catalog: there is no endpoints"},
        {LIFE("\"catalog\":[{\"type\":\"compute\",\"endpoints\":[{}]}]"),
         BAD "catalog: endpoints of compute: there is no interface"},
        {LIFE("\"catalog\":[{\"type\":\"compute\",\"endpoints\":[{\"interface\":\"internal\"}]}]"),
         BAD "catalog: endpoints of compute: there is no url"},
        {LIFE("\"project\":{\"name\":\"p\"},\"catalog\":[]"), BAD "there is no id"},
    };
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        assert_null(token_of(cases[i].body, NULL, 0, &e));
        assert_string_equal(e.text, cases[i].error);
    }
}

/* What fuzzing found: it was called a client's malformed JSON, which is 400. */
static void test_an_answer_that_is_no_json_is_keystones_fault(void **state)
{
    struct err e;

    (void)state;
    assert_null(token_of("{\"token\"", NULL, 0, &e));
    assert_int_equal(e.code, ERR_UNAVAILABLE);
    assert_non_null(strstr(e.text, BAD));
}

/* ---- the file ---- */

static void test_kept_and_read_back(void **state)
{
    struct keystone_token *t, *back;
    struct buf first = BUF_INIT(65536), second = BUF_INIT(65536);
    struct err e;

    (void)state;
    t = token_of("token-system", NULL, 1000 * NS_PER_S, &e);
    keystone_token_write(t, &first);
    back = keystone_token_parse(buf_span(&first));
    assert_non_null(back);
    keystone_token_write(back, &second);
    assert_string_equal(first.data, second.data);
    assert_null(back->project.p);
    assert_int_equal(back->renew, t->renew);
    keystone_token_free(t);
    keystone_token_free(back);
    buf_free(&first);
    buf_free(&second);
}

static void test_damaged_files_are_none(void **state)
{
    static const char *const texts[] = {
        "",
        "[]",
        "{}",
        "{\"came\":1,\"renew\":2}",
        "{\"came\":1,\"renew\":2,\"token\":\"t\"",
        "{\"came\":1,\"renew\":2,\"token\":\"t\",\"user\":7}",
        "{\"came\":3,\"renew\":2,\"token\":\"t\",\"user\":\"u\"}",
        "{\"came\":1,\"renew\":9007199254740991,\"token\":\"t\",\"user\":\"u\"}",
        "{\"came\":1,\"renew\":2,\"token\":\"\",\"user\":\"u\"}",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(texts); i++) {
        if (keystone_token_parse(str_of(texts[i])))
            fail_msg("taken: %s", texts[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_requests),
        cmocka_unit_test(test_answer),
        cmocka_unit_test(test_life_by_keystones_clock),
        cmocka_unit_test(test_a_short_life),
        cmocka_unit_test(test_regions),
        cmocka_unit_test(test_the_first_of_several_counts),
        cmocka_unit_test(test_endpoints_that_are_refused),
        cmocka_unit_test(test_a_life_without_end),
        cmocka_unit_test(test_novas_endpoint_without_a_version),
        cmocka_unit_test(test_answers_that_make_no_sense),
        cmocka_unit_test(test_an_answer_that_is_no_json_is_keystones_fault),
        cmocka_unit_test(test_kept_and_read_back),
        cmocka_unit_test(test_damaged_files_are_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
