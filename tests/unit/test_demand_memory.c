/* SPDX-License-Identifier: MIT */
/* Demand when memory runs out, at each allocation, for once and for good: it is said, nothing is
 * left over, and what is taken all the same is complete. Not under a sanitizer, which has the
 * allocator's place. */
#include "demand_case.h"

#include <string.h>

#include "torture.h"

#if TORTURE

/* A demand as long as they come: kinds, names and constraints fill many blocks of memory, and each
 * begins somewhere else in what it is copied to. */
static void write_long(struct buf *b)
{
    size_t i, k;

    buf_str(b, "{'namespace':'n','pods':[");
    for (i = 0; i < DEMAND_KINDS_MAX; i++) {
        buf_printf(b, "%s{'nodeSelector':{'a':'b%zu'", i ? "," : "", i);
        for (k = 0; k < i % 7; k++)
            buf_printf(b, ",'%0*zu/l%zu':'%0*d'", (int)(10 + k), k, i, 63, 0);
        buf_str(b, "},'requests':{");
        for (k = 0; k < i % DEMAND_RESOURCES_MAX; k++)
            buf_printf(b, "%s'r%zu.%0*zu/x':%zu", k ? "," : "", i, (int)(1 + (i + k) % 90), k, k);
        buf_str(b, "}}");
    }
    buf_str(b, "]}");
}

/* Small kinds, so that the room for kinds is what needs a block of its own. */
static void write_kinds(struct buf *b)
{
    size_t i;

    buf_str(b, "{'namespace':'n','pods':[");
    for (i = 0; i < DEMAND_KINDS_MAX; i++)
        buf_printf(b, "%s{'nodeSelector':{'a':'b%zu'},'requests':{'cpu':1}}", i ? "," : "", i);
    buf_str(b, "]}");
}

static void write_vm(struct buf *b)
{
    buf_str(b, "{'project':'p','host_aggregate':'h','instances':[{'VCPU':1,'traits':['A','!B']},"
               "{'count':2,'Memory':5}]}");
}

static void write_pool(struct buf *b)
{
    size_t i;

    buf_printf(b, "{'host_aggregate':'%0*d','instances':[", DEMAND_NAME_MAX, 0);
    for (i = 0; i < 20; i++)
        buf_printf(b, "%s{'A%zu':1}", i ? "," : "", i);
    buf_str(b, "]}");
}

static struct json_doc *document(void (*write)(struct buf *b))
{
    struct buf text = BUF_INIT(TEXT_MAX), b = BUF_INIT(TEXT_MAX);
    struct json_doc *doc;
    struct err e;

    write(&text);
    quoted_add(&b, buf_span(&text));
    if (json_in_parse(buf_span(&b), &doc, &e) != 0)
        fail_msg("the test's own JSON: %s", e.text);
    buf_free(&text);
    buf_free(&b);
    return doc;
}

/* Reads it with every allocation failing in turn; each success has the same shape. */
static void read_all(const char *type, void (*write)(struct buf *b), int64_t least, bool once)
{
    struct json_doc *doc = document(write);
    struct buf shape = BUF_INIT(TEXT_MAX), again = BUF_INIT(TEXT_MAX);
    struct demand *d;
    struct err e;
    int64_t good = 0;
    int rc;

    assert_int_equal(demand_parse(str_of(type), json_in_root(doc), &d, &e), 0);
    demand_write_shape(d, &shape);
    demand_free(d);
    do {
        torture_arm_as(once, good++);
        rc = demand_parse(str_of(type), json_in_root(doc), &d, &e);
        torture.armed = false;
        if (rc != 0) {
            assert_int_equal(e.code, ERR_INTERNAL);
            assert_int_equal(torture_end(), 0);
            continue;
        }
        buf_reset(&again);
        demand_write_shape(d, &again);
        assert_string_equal(again.data, shape.data);
        demand_free(d);
    } while (torture_fired());
    assert_int_equal(rc, 0);
    assert_true(good > least);
    buf_free(&shape);
    buf_free(&again);
    json_in_free(doc);
}

static void what_is_asked_is_taken_whole_or_not_at_all(void **state)
{
    (void)state;
    for (int once = 0; once < 2; once++) {
        read_all("kube", write_long, 20, once);
        read_all("kube", write_kinds, 100, once);
        read_all("vm", write_vm, 5, once);
        read_all("vm", write_pool, 2, once);
    }
}

/* A shape of ours is never called another's. */
static void shape_is_never_called_foreign(void **state)
{
    struct json_doc *doc = document(write_vm);
    struct buf shape = BUF_INIT(TEXT_MAX);
    struct demand *d;
    struct err e;
    int64_t good;
    int rc;

    (void)state;
    assert_int_equal(demand_parse(STR_LIT("vm"), json_in_root(doc), &d, &e), 0);
    demand_write_shape(d, &shape);
    demand_free(d);
    for (int once = 0; once < 2; once++) {
        good = 0;
        do {
            torture_arm_as(once, good++);
            rc = demand_from_shape(buf_span(&shape), &d, &e);
            if (rc == 0)
                demand_free(d);
            else
                assert_int_equal(e.code, ERR_UNAVAILABLE);
            assert_int_equal(torture_end(), 0);
        } while (torture_fired());
        assert_int_equal(rc, 0);
        assert_true(good > 20);
    }
    buf_free(&shape);
    json_in_free(doc);
}
#endif

int main(void)
{
#if TORTURE
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_is_taken_whole_or_not_at_all),
        cmocka_unit_test(shape_is_never_called_foreign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
#else
    return 0;
#endif
}
