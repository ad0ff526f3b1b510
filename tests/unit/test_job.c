/* SPDX-License-Identifier: MIT */
/* The job: its states as API.md's table has them, its form in answers to the byte, its tag. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "job.h"

enum { TEXT_MAX = 1 << 20 };

/* ---- states ---- */

/* Who may do it, word by word: c client, d dispatcher. */
struct way {
    const char *from, *to, *who;
};
static const struct way ways[] = {
    {"queued", "held", "c"},      {"queued", "admitted", "d"},  {"queued", "running", "c"},
    {"queued", "cancelled", "c"}, {"queued", "expired", "d"},   {"held", "queued", "c"},
    {"held", "cancelled", "c"},   {"held", "expired", "d"},     {"admitted", "running", "cd"},
    {"admitted", "queued", "cd"}, {"admitted", "failed", "cd"}, {"admitted", "cancelled", "c"},
    {"running", "running", "c"},  {"running", "finished", "c"}, {"running", "failed", "c"},
    {"running", "queued", "c"},   {"failed", "queued", "c"},
};

static const char *who_may(enum job_status from, enum job_status to)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(ways); i++) {
        if (strcmp(ways[i].from, job_status_word(from)) == 0 &&
            strcmp(ways[i].to, job_status_word(to)) == 0)
            return ways[i].who;
    }
    return "";
}

static void test_transitions(void **state)
{
    enum job_status from, to;

    (void)state;
    for (from = 0; from < JOB_STATUSES; from++) {
        for (to = 0; to < JOB_STATUSES; to++) {
            const char *who = who_may(from, to);

            assert_int_equal(job_may_become(from, to, JOB_BY_CLIENT), strchr(who, 'c') != NULL);
            assert_int_equal(job_may_become(from, to, JOB_BY_DISPATCHER), strchr(who, 'd') != NULL);
        }
    }
}

static void test_words(void **state)
{
    static const char *const strangers[] = {"", "queue", "Queued", "queued ", "deleted"};
    enum job_status s, back;
    size_t i;

    (void)state;
    for (s = 0; s < JOB_STATUSES; s++) {
        assert_int_equal(job_status_parse(str_of(job_status_word(s)), &back), 0);
        assert_int_equal(back, s);
    }
    back = JOB_HELD;
    for (i = 0; i < ARRAY_LEN(strangers); i++)
        assert_int_equal(job_status_parse(str_of(strangers[i]), &back), -1);
    assert_int_equal(job_status_parse((struct str){0}, &back), -1);
    assert_int_equal(back, JOB_HELD);
}

/* ---- the answer ---- */

static struct job seed_job(void)
{
    return (struct job){
        .id = 8,
        .created_at = INT64_C(1535525343288817904),
        .updated_at = INT64_C(1535525343288817904),
        .request_id = STR_LIT("d"),
        .type = STR_LIT("vm"),
        .owner_id = STR_LIT("y"),
        .data = STR_LIT("{\"host_aggregate\":\"host1\",\"instances\":[{\"Disk\":1,\"Memory\":1,"
                        "\"VCPU\":1}],\"project\":\"project id\"}"),
        .callback = STR_LIT("abc"),
        .priority = INT64_C(2941082666988554),
        .version = 3,
    };
}

static void expect_text(const struct job *j, const char *want)
{
    struct clock_zone zone = {0};
    struct buf b = BUF_INIT(TEXT_MAX);
    struct json_out o = JSON_OUT(&b);

    json_open(&o, '[');
    job_write(&o, j, &zone);
    job_write(&o, j, &zone);
    json_close(&o, ']');
    assert_false(b.failed);
    assert_int_equal(b.len, 2 * strlen(want) + strlen("[,]"));
    assert_memory_equal(b.data + 1, want, strlen(want));
    assert_int_equal(b.data[1 + strlen(want)], ',');
    assert_memory_equal(b.data + 2 + strlen(want), want, strlen(want));
    buf_free(&b);
}

/* The seed's answer, as compact JSON. */
#define SEED_TEXT(deleted, status)                                                                 \
    "{\"ID\":8,\"CreatedAt\":\"2018-08-29T14:49:03.288817904+08:00\","                             \
    "\"UpdatedAt\":\"2018-08-29T14:49:03.288817904+08:00\",\"DeletedAt\":" deleted                 \
    ",\"RequestID\":\"d\",\"Type\":\"vm\",\"OwnerID\":\"y\",\"Data\":"                             \
    "\"{\\\"host_aggregate\\\":\\\"host1\\\",\\\"instances\\\":[{\\\"Disk\\\":1,"                  \
    "\\\"Memory\\\":1,\\\"VCPU\\\":1}],\\\"project\\\":\\\"project id\\\"}\","                     \
    "\"Callback\":\"abc\",\"Priority\":2941082666988554,\"Status\":\"" status "\""

static void test_write_seed(void **state)
{
    struct job j = seed_job();

    (void)state;
    expect_text(&j, SEED_TEXT("null", "queued") "}");
}

static void test_write_all(void **state)
{
    struct job j = seed_job();

    (void)state;
    j.deleted_at = INT64_C(1);
    j.status = JOB_EXPIRED;
    j.reason = STR_LIT("NeverFits");
    j.message = STR_LIT("\"\n");
    j.not_before = INT64_C(1000000000);
    j.valid_until = INT64_C(2000000000);
    j.admitted_at = INT64_C(3000000000);
    j.started_at = INT64_C(4000000000);
    j.finished_at = INT64_C(5000000000);
    j.hosts = STR_LIT("{\"node01\":2}");
    expect_text(&j, SEED_TEXT("\"1970-01-01T08:00:00.000000001+08:00\"", "expired") //
                ",\"Reason\":\"NeverFits\",\"Message\":\"\\\"\\n\""
                ",\"NotBefore\":\"1970-01-01T08:00:01.000000000+08:00\""
                ",\"ValidUntil\":\"1970-01-01T08:00:02.000000000+08:00\""
                ",\"AdmittedAt\":\"1970-01-01T08:00:03.000000000+08:00\""
                ",\"StartedAt\":\"1970-01-01T08:00:04.000000000+08:00\""
                ",\"FinishedAt\":\"1970-01-01T08:00:05.000000000+08:00\""
                ",\"Hosts\":{\"node01\":2}}");
}

static void test_write_full_buffer(void **state)
{
    struct job j = seed_job();
    struct clock_zone zone = {0};
    struct err e;
    size_t max;

    (void)state;
    for (max = 0; max < sizeof SEED_TEXT("null", "queued") "}" - 1; max++) {
        struct buf b = BUF_INIT(max);
        struct json_out o = JSON_OUT(&b);

        job_write(&o, &j, &zone);
        assert_int_equal(buf_check(&b, "a job", &e), -1);
        buf_free(&b);
    }
}

static void test_etag(void **state)
{
    struct job j = {.id = 7, .version = 3};
    char etag[JOB_ETAG_MAX];

    (void)state;
    job_etag(&j, etag);
    assert_string_equal(etag, "\"7.3.0\"");
    j = (struct job){.id = INT64_MAX, .version = INT64_MAX, .reason_seq = INT64_MAX};
    job_etag(&j, etag);
    assert_string_equal(etag, "\"9223372036854775807.9223372036854775807.9223372036854775807\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_transitions),       cmocka_unit_test(test_words),
        cmocka_unit_test(test_write_seed),        cmocka_unit_test(test_write_all),
        cmocka_unit_test(test_write_full_buffer), cmocka_unit_test(test_etag),
    };

    if (setenv("TZ", "CST-8", 1) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
