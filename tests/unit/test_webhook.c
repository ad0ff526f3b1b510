/* SPDX-License-Identifier: MIT */
/* The callback's message, byte by byte, and what stays the same over its tries. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <unistd.h>

#include "cron/webhook.h"
#include "torture.h"

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

/* Who was set running by hand never was admitted: it is told when it was. */
static void test_set_running_by_hand(void **state)
{
    struct store_due d = some_due();
    struct webhook w;

    (void)state;
    d.job.status = JOB_RUNNING;
    d.job.admitted_at = 0;
    d.job.started_at = admitted + NS_PER_S;
    assert_int_equal(make(&d, admitted, &w), 0);
    assert_non_null(strstr(w.body.data, "\"timestamp\":\"2018-08-27T03:27:09.564319181+00:00\""));
    assert_null(strstr(w.body.data, "AdmittedAt"));
    buf_free(&w.body);
}

static void test_the_request_that_created_the_job_is_named(void **state)
{
    struct store_due d = some_due();
    struct webhook w;

    (void)state;
    assert_int_equal(make(&d, admitted, &w), 0);
    assert_int_equal(w.lines, 4);
    buf_free(&w.body);
    d.request = (struct str){"r-1 and more", 3};
    assert_int_equal(make(&d, admitted, &w), 0);
    assert_int_equal(w.lines, 5);
    assert_string_equal(w.line[4], "x-request-id: r-1");
    buf_free(&w.body);
}

/* ---- signatures ---- */

/* A message, and the secrets that sign it. */
struct signing {
    char path[32];
    struct secrets *secrets;
    struct conf *conf;
    struct webhook w;
};

static void begin(struct signing *s, bool secret)
{
    const char text[] = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw\n";
    struct store_due d = some_due();
    char yaml[128] = "{}\n";
    struct err e;
    int fd;

    (void)snprintf(s->path, sizeof s->path, "/tmp/anteroom-test-XXXXXX");
    fd = mkstemp(s->path);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    if (secret)
        (void)snprintf(yaml, sizeof yaml, "callback: {secret_file: %s}\n", s->path);
    assert_int_equal(conf_parse(str_of(yaml), "test", &s->conf, &e), 0);
    assert_int_equal(secrets_open(s->conf, &s->secrets, &e), 0);
    assert_int_equal(make(&d, admitted, &s->w), 0);
    assert_int_equal(s->w.lines, 4);
}

static void end(struct signing *s)
{
    buf_free(&s->w.body);
    secrets_close(s->secrets);
    conf_free(s->conf);
    (void)unlink(s->path);
}

static int sign(struct signing *s, struct err *e)
{
    return webhook_sign(&s->w, s->secrets, conf_queue(s->conf, STR_LIT("vm")), e);
}

/* The header is the signature of what the other two say and of the body, byte by byte. */
static void is_signed(const struct signing *s)
{
    char want[SECRETS_SIGNATURE_MAX];
    struct err e;

    assert_int_equal(s->w.lines, 5);
    assert_int_equal(secrets_sign(s->secrets, conf_queue(s->conf, STR_LIT("vm")),
                                  STR_LIT("msg_0123456789abcdef_7_2"), STR_LIT("1535340428"),
                                  buf_span(&s->w.body), want, &e),
                     0);
    assert_memory_equal(s->w.line[4], "webhook-signature: v1,", 22);
    assert_string_equal(s->w.line[4] + 19, want);
}

static void test_signature_is_of_what_is_sent(void **state)
{
    struct signing s;
    struct err e;

    (void)state;
    begin(&s, true);
    assert_int_equal(sign(&s, &e), 0);
    is_signed(&s);
    end(&s);
}

static void test_without_a_secret_nothing_is_signed(void **state)
{
    struct signing s;
    struct err e;

    (void)state;
    begin(&s, false);
    assert_int_equal(sign(&s, &e), 0);
    assert_int_equal(s.w.lines, 4);
    end(&s);
}

#if TORTURE
/* A message that a secret belongs to has its signature, or it is said that it has none. */
static void test_without_memory_nothing_goes_unsigned(void **state)
{
    int64_t good = 0, failed = 0;
    struct signing s;
    struct err e;
    int rc;

    (void)state;
    begin(&s, true);
    do {
        s.w.lines = 4;
        torture_arm(good++);
        rc = sign(&s, &e);
        (void)torture_end();
        if (rc == 0) {
            is_signed(&s);
            continue;
        }
        assert_int_equal(e.code, ERR_INTERNAL);
        assert_int_equal(s.w.lines, 4);
        failed++;
    } while (torture_fired());
    assert_int_equal(rc, 0);
    assert_true(failed > 0);
    end(&s);
}
#endif

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
        cmocka_unit_test(test_set_running_by_hand),
        cmocka_unit_test(test_the_request_that_created_the_job_is_named),
        cmocka_unit_test(test_signature_is_of_what_is_sent),
        cmocka_unit_test(test_without_a_secret_nothing_is_signed),
#if TORTURE
        cmocka_unit_test(test_without_memory_nothing_goes_unsigned),
#endif
        cmocka_unit_test(test_id_and_body_stay_over_tries_of_one_admission),
        cmocka_unit_test(test_largest_numbers_fit_their_lines),
        cmocka_unit_test(test_too_large_is_refused),
    };

    setenv("TZ", "UTC", 1);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
