/* SPDX-License-Identifier: MIT */
/* Jobs when memory runs out while they are read: an error of ours, nothing half. And how long the
 * data of a job may become. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "job.h"
#include "quoted.h"
#include "torture.h"

enum { TEXT_MAX = 1 << 21 };

/* {"p":"xx…"} of `size` bytes. */
static void write_data(struct buf *b, size_t size)
{
    size_t i;

    buf_str(b, "{\"p\":\"");
    for (i = strlen("{\"p\":\"\"}"); i < size; i++)
        buf_char(b, 'x');
    buf_str(b, "\"}");
    assert_int_equal(b->len, size);
}

/* What the aggregate adds to {"p":…}. */
#define ADDED "\"host_aggregate\":\"a\","

static void aggregate_stands_in_its_place(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e;

    (void)state;
    buf_str(&b, "before");
    assert_int_equal(job_add_aggregate(STR_LIT("{\"a\":1,\"p\":\"q\"}"), STR_LIT("h\"1"), &b, &e),
                     0);
    assert_string_equal(b.data, "before{\"a\":1,\"host_aggregate\":\"h\\\"1\",\"p\":\"q\"}");
    buf_free(&b);
}

static void aggregate_counts_into_the_length_of_data(void **state)
{
    struct buf data = BUF_INIT(TEXT_MAX), b = BUF_INIT(TEXT_MAX);
    struct err e;

    (void)state;
    write_data(&data, JOB_DATA_MAX - strlen(ADDED));
    assert_int_equal(job_add_aggregate(buf_span(&data), STR_LIT("a"), &b, &e), 0);
    assert_int_equal(b.len, JOB_DATA_MAX);
    buf_reset(&data);
    buf_reset(&b);
    write_data(&data, JOB_DATA_MAX - strlen(ADDED) + 1);
    assert_int_equal(job_add_aggregate(buf_span(&data), STR_LIT("a"), &b, &e), -1);
    assert_int_equal(e.code, ERR_INVALID);
    assert_string_equal(e.pointer, "/data");
    buf_free(&data);
    buf_free(&b);
}

#if TORTURE /* a sanitizer's allocator cannot be failed */

static void aggregate_is_written_whole_or_not_at_all(void **state)
{
    static const char want[] = "{\"host_aggregate\":\"host\",\"p\":1}";
    struct buf b = BUF_INIT(TEXT_MAX);
    struct err e;
    int64_t good;
    int rc;

    (void)state;
    for (int once = 0; once < 2; once++) {
        good = 0;
        do {
            torture_arm_as(once, good++);
            rc = job_add_aggregate(STR_LIT("{\"p\":1}"), STR_LIT("host"), &b, &e);
            torture.armed = false;
            if (rc == 0)
                assert_string_equal(b.data, want);
            else
                assert_int_equal(e.code, ERR_INTERNAL);
            buf_free(&b);
        } while (torture_fired());
        assert_int_equal(rc, 0);
        assert_true(good > 3);
    }
}

static struct json_doc *document(const char *text)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct json_doc *doc;
    struct err e;

    quoted_add(&b, str_of(text));
    if (json_in_parse(buf_span(&b), &doc, &e) != 0)
        fail_msg("the test's own JSON: %s", e.text);
    buf_free(&b);
    return doc;
}

static struct str project[] = {{"p", 1}};
static struct pool pools[] = {{.name = {"host1", 5}, .projects = 1, .project = project}};
static const struct conf_queue queue = {
    .rules = {"vm", 2}, .callback_base = {"http://127.0.0.1/demo/", 22}, .pools = 1, .pool = pools};

static void job_is_read_whole_or_not_at_all(void **state)
{
    static const char text[] =
        "{'request_id':'r','owner_id':'o','callback':'c','priority':7.5,"
        "'data':{'project':'p','instances':[{'VCPU':1,'traits':['A']},{'VCPU':2}]}}";
    struct json_doc *doc;
    struct job_new n;
    struct err e;
    int64_t good;
    int rc;

    (void)state;
    for (int once = 0; once < 2; once++) {
        good = 0;
        do {
            doc = document(text); /* reading adds to it */
            torture_arm_as(once, good++);
            rc = job_parse_new(&queue, STR_LIT("vm"), json_in_root(doc), &n, &e);
            torture.armed = false;
            if (rc == 0) {
                quoted_expect(n.data, "{'host_aggregate':'host1','instances':[{'VCPU':1,'traits':"
                                      "['A']},{'VCPU':2}],'project':'p'}");
                assert_true(str_is(n.scope, "project:p"));
                job_new_free(&n);
            } else {
                assert_int_equal(e.code, ERR_INTERNAL);
            }
            json_in_free(doc);
        } while (torture_fired());
        assert_int_equal(rc, 0);
        assert_true(good > 4);
    }
}

static void change_is_read_whole_or_not_at_all(void **state)
{
    static const char text[] = "{'callback':'c','move':{'after':'x'},'data':{'project':'p'}}";
    struct json_doc *doc;
    struct job_change c;
    struct err e;
    int64_t good;
    int rc;

    (void)state;
    for (int once = 0; once < 2; once++) {
        good = 0;
        do {
            doc = document(text);
            torture_arm_as(once, good++);
            rc = job_parse_change(&queue, STR_LIT("vm"), json_in_root(doc), &c, &e);
            torture.armed = false;
            if (rc == 0) {
                assert_true(str_is(c.beside, "x"));
                job_change_free(&c);
            } else {
                assert_int_equal(e.code, ERR_INTERNAL);
            }
            json_in_free(doc);
        } while (torture_fired());
        assert_int_equal(rc, 0);
        assert_true(good > 3);
    }
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aggregate_stands_in_its_place),
        cmocka_unit_test(aggregate_counts_into_the_length_of_data),
#if TORTURE
        cmocka_unit_test(aggregate_is_written_whole_or_not_at_all),
        cmocka_unit_test(job_is_read_whole_or_not_at_all),
        cmocka_unit_test(change_is_read_whole_or_not_at_all),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
