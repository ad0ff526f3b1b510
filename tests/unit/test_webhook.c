/* SPDX-License-Identifier: MIT */
/* The callback's message, byte by byte, and what stays the same over its tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "cron/webhook.h"

static const int64_t admitted = INT64_C(1535340428) * NS_PER_S + 564319181;

static struct store_due some_due(void)
{
    return (struct store_due){
        .job = {.id = 7,
                .created_at = admitted,
                .updated_at = admitted,
                .request_id = STR_LIT("r \"1\""),
                .type = STR_LIT("vm"),
                .owner_id = STR_LIT("o"),
                .data = STR_LIT("{\"project\":\"p\"}"),
                .callback = STR_LIT("abc"),
                .priority = -3,
                .status = JOB_ADMITTED,
                .admitted_at = admitted,
                .hosts = STR_LIT("{\"n1\":2}")},
        .attempts = 0,
        .admissions = 2,
    };
}

static int make(const struct store_due *d, int64_t now, struct webhook *w)
{
    struct clock_zone zone = {0};
    struct err e;

    return webhook_make(d, "0123456789abcdef", now, &zone, w, &e);
}

static void test_body(void **state)
{
    static const char at[] = "2018-08-27T03:27:08.564319181+00:00";
    struct store_due d = some_due();
    struct webhook w;
    char want[1024];

    (void)state;
    assert_int_equal(make(&d, admitted, &w), 0);
    (void)snprintf(
        want, sizeof want,
        "{\"type\":\"job.admitted\",\"timestamp\":\"%s\",\"data\":{\"ID\":7,\"CreatedAt\":\"%s\","
        "\"UpdatedAt\":\"%s\",\"DeletedAt\":null,\"RequestID\":\"r \\\"1\\\"\","
        "\"Type\":\"vm\",\"OwnerID\":\"o\",\"Data\":\"{\\\"project\\\":\\\"p\\\"}\",\"Callback\":"
        "\"abc\",\"Priority\":-3,\"Status\":\"admitted\",\"AdmittedAt\":\"%s\","
        "\"Hosts\":{\"n1\":2}}}",
        at, at, at, at);
    assert_string_equal(w.body.data, want);
    buf_free(&w.body);
}

static void test_headers(void **state)
{
    struct store_due d = some_due();
    struct webhook w;

    (void)state;
    assert_int_equal(make(&d, admitted + 90 * NS_PER_S, &w), 0);
    assert_string_equal(w.line[0], "content-type: application/json");
    assert_string_equal(w.line[1], "webhook-id: msg_0123456789abcdef_7_2");
    assert_string_equal(w.line[2], "webhook-timestamp: 1535340518");
    assert_string_equal(w.line[3], "user-agent: anteroom/" ANTEROOM_VERSION);
    buf_free(&w.body);
}

/* The header is the signature of what the other two say and of the body, byte by byte. */
static void test_signature_is_of_what_is_sent(void **state)
{
    char path[] = "/tmp/anteroom-test-XXXXXX", yaml[128], want[SECRETS_SIGNATURE_MAX];
    const char secret[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
    struct store_due d = some_due();
    struct secrets *secrets;
    struct conf *conf;
    struct webhook w;
    struct err e;
    int fd = mkstemp(path);

    (void)state;
    assert_int_equal(write(fd, secret, strlen(secret)), strlen(secret));
    (void)close(fd);
    (void)snprintf(yaml, sizeof yaml, "callback: {secret_file: %s}\n", path);
    assert_int_equal(conf_parse(str_of(yaml), "test", &conf, &e), 0);
    assert_int_equal(secrets_open(conf, &secrets, &e), 0);
    assert_int_equal(make(&d, admitted, &w), 0);
    assert_int_equal(w.lines, 4);
    assert_int_equal(webhook_sign(&w, secrets, conf_queue(conf, STR_LIT("vm")), &e), 0);
    assert_int_equal(w.lines, 5);
    assert_int_equal(secrets_sign(secrets, conf_queue(conf, STR_LIT("vm")),
                                  STR_LIT("msg_0123456789abcdef_7_2"), STR_LIT("1535340428"),
                                  buf_span(&w.body), want, &e),
                     0);
    assert_memory_equal(w.line[4], "webhook-signature: v1,", 22);
    assert_string_equal(w.line[4] + 19, want);
    buf_free(&w.body);
    secrets_close(secrets);
    conf_free(conf);
    (void)unlink(path);
}

static void test_id_and_body_stay_over_tries_of_one_admission(void **state)
{
    struct store_due d = some_due();
    struct webhook first, second, other;

    (void)state;
    assert_int_equal(make(&d, admitted, &first), 0);
    d.attempts = 4;
    assert_int_equal(make(&d, admitted + 3600 * NS_PER_S, &second), 0);
    d.admissions = 3;
    assert_int_equal(make(&d, admitted, &other), 0);
    assert_string_equal(first.line[1], second.line[1]);
    assert_string_equal(first.body.data, second.body.data);
    assert_string_not_equal(first.line[2], second.line[2]);
    assert_string_not_equal(first.line[1], other.line[1]);
    buf_free(&first.body);
    buf_free(&second.body);
    buf_free(&other.body);
}

static void test_largest_numbers_fit_their_lines(void **state)
{
    struct store_due d = some_due();
    struct webhook w;

    (void)state;
    d.job.id = d.admissions = INT64_MAX;
    assert_int_equal(make(&d, INT64_MAX, &w), 0);
    assert_string_equal(w.line[1],
                        "webhook-id: msg_0123456789abcdef_9223372036854775807_9223372036854775807");
    buf_free(&w.body);
}

static void test_too_large_is_refused(void **state)
{
    struct store_due d = some_due();
    struct webhook w;
    char *data = malloc(WEBHOOK_BODY_MAX);

    (void)state;
    assert_non_null(data);
    memset(data, 'x', WEBHOOK_BODY_MAX);
    d.job.data = (struct str){data, WEBHOOK_BODY_MAX};
    assert_int_equal(make(&d, admitted, &w), -1);
    free(data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_body),
        cmocka_unit_test(test_headers),
        cmocka_unit_test(test_signature_is_of_what_is_sent),
        cmocka_unit_test(test_id_and_body_stay_over_tries_of_one_admission),
        cmocka_unit_test(test_largest_numbers_fit_their_lines),
        cmocka_unit_test(test_too_large_is_refused),
    };

    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
