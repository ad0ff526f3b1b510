/* SPDX-License-Identifier: MIT */
/* Every allocation fails in its turn while credentials, tokens, answers and what is remembered of a
 * cloud are read: an error each time, and nothing is left over. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "torture.h"

#include "cron/openstack_aggregates.h"
#include "cron/openstack_quota.h"
#include "cron/openstack_reading.h"
#include "cron/openstack_words.h"
#include "openstack_case.h"

static struct json_doc *docs[4];
enum { NUMA, SHARING, AGGREGATES, QUOTA };

static int setup(void **state)
{
    static const char *const names[] = {"numa", "sharing", "aggregates", "quota"};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(names); i++)
        docs[i] = body_of(names[i]);
    assert_int_equal(clearenv(), 0);
    assert_int_equal(setenv("OS_AUTH_URL", "http://k", 1), 0);
    assert_int_equal(setenv("OS_USERNAME", "u", 1), 0);
    assert_int_equal(setenv("OS_PASSWORD", "p", 1), 0);
    assert_int_equal(setenv("OS_PROJECT_NAME", "p", 1), 0);
    return 0;
}

static int teardown(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(docs); i++)
        json_in_free(docs[i]);
    return 0;
}

/* Each of these: 0 when it had all memory it wanted, -1 when it had not. */
typedef int work_fn(void);

static int read_cloud(void)
{
    struct conf_source source = {.region = STR_LIT("R")};
    struct cloud *c;
    struct err e;

    if (cloud_find(&source, &c, &e) != 0)
        return -1;
    cloud_free(c);
    return 0;
}

static int read_token(void)
{
    static const char body[] =
        "{\"token\":{\"issued_at\":\"2026-11-23T08:00:00Z\",\"expires_at\":"
        "\"2026-11-23T09:00:00Z\",\"user\":{\"name\":\"u\"},\"roles\":[{\"name\":\"r\"}],"
        "\"catalog\":[{\"type\":\"compute\",\"endpoints\":[{\"interface\":\"public\","
        "\"region_id\":\"R\",\"url\":\"http://n\"}]}]}}";
    struct cloud cloud = {.interface = STR_LIT("public")};
    struct keystone_token *t, *back = NULL;
    struct buf b = BUF_INIT(4096);
    struct err e;

    if (keystone_token_read(str_of(body), STR_LIT("tok"), &cloud, 0, &t, &e) != 0)
        return -1;
    keystone_token_write(t, &b);
    if (!b.failed)
        back = keystone_token_parse(buf_span(&b));
    keystone_token_free(back);
    keystone_token_free(t);
    buf_free(&b);
    return back ? 0 : -1;
}

static int keep_and_read_back(const struct openstack_known *k)
{
    struct openstack_known *back = NULL;
    struct buf b = BUF_INIT(65536);

    openstack_known_write(k, &b);
    if (!b.failed)
        back = openstack_known_parse(buf_span(&b));
    buf_free(&b);
    openstack_known_free(back);
    return back ? 0 : -1;
}

static int make_reading(struct arena *a, struct intern *texts, const struct openstack_known *known,
                        struct openstack_known **next)
{
    struct openstack_member member = {STR_LIT("u"), STR_LIT("n")};
    struct openstack_answer answer = {.listed = true, .members = 1, .member = &member};
    struct source_reading r = {.arena = a};
    struct openstack_pools pools;
    struct err e;

    if (openstack_aggregates_read(json_in_root(docs[AGGREGATES]), CONF_UNNAMED_SHARED, a, &pools,
                                  &e) != 0 ||
        openstack_candidates(json_in_root(docs[NUMA]), texts, &answer.found, &e) != 0 ||
        openstack_candidates(json_in_root(docs[SHARING]), texts, &answer.with_disk, &e) != 0)
        return -1;
    pools.n = 1;
    return openstack_reading_make(&pools, &answer, known, 1, &r, next, &e);
}

static int read_hosts(void)
{
    struct arena *a = arena_new(1 << 20);
    struct openstack_known *known = openstack_known_new(), *next = NULL;
    struct intern texts = {.arena = a};
    int failed = a && known ? make_reading(a, &texts, known, &next) : -1;

    if (!failed)
        failed = keep_and_read_back(next);
    openstack_known_free(next);
    openstack_known_free(known);
    intern_free(&texts);
    arena_free(a);
    return failed;
}

static int read_quota(void)
{
    struct arena *a = arena_new(1 << 16);
    struct source_quota quota;
    struct err e;
    int failed = a ? openstack_quota_read(json_in_root(docs[QUOTA]), a, &quota, &e) : -1;

    arena_free(a);
    return failed;
}

/* Words are words: with no memory there are fewer, and that is no failure. */
static int read_words(void)
{
    const struct str secret = STR_LIT("s3cret");
    char words[OPENSTACK_WORDS_MAX];

    openstack_words(STR_LIT("{\"error\":{\"message\":\"a s3cret\"}}"), &secret, 1, words);
    assert_null(strstr(words, "s3cret"));
    return strcmp(words, "a ***") == 0 ? 0 : -1;
}

static void test_every_allocation_fails(void **state)
{
    static work_fn *const works[] = {read_cloud, read_token, read_hosts, read_quota, read_words};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(works); i++) {
#if TORTURE
        int64_t good = 0, left;
        int failed;

        do {
            assert_true(good < 100000);
            torture_arm(good++);
            failed = works[i]();
            left = torture_end();
            assert_int_equal(left, 0);
        } while (failed);
        assert_true(good > 1);
#else
        assert_int_equal(works[i](), 0);
#endif
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_allocation_fails),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
