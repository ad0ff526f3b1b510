/* SPDX-License-Identifier: MIT */
/* Demand's normal form: its limits, its shape (canonical, and back), against a slow reference, and
 * without memory. */
#include "demand_case.h"

#include <inttypes.h>
#include <string.h>

#include "prop.h"
#include "torture.h"

enum { SEED = 20260303, ROUNDS = 3000 };

/* ---- limits ---- */

/* {"instances":[…]} of n instances, each of which the function writes. */
static void write_instances(struct buf *b, size_t n, void (*write)(struct buf *b, size_t i))
{
    size_t i;

    buf_str(b, "{\"instances\":[");
    for (i = 0; i < n; i++) {
        buf_str(b, i ? ",{" : "{");
        write(b, i);
        buf_char(b, '}');
    }
    buf_str(b, "]}");
}

static void write_alternating(struct buf *b, size_t i)
{
    buf_str(b, i % 2 ? "\"a\":1" : "\"a\":2");
}

static void write_as_many(struct buf *b, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++)
        buf_printf(b, "%s\"r%zu\":1", i ? "," : "", i);
    buf_str(b, ",\"zero\":0");
}

static void write_32(struct buf *b, size_t i)
{
    (void)i;
    write_as_many(b, DEMAND_RESOURCES_MAX);
}

static void write_33(struct buf *b, size_t i)
{
    (void)i;
    write_as_many(b, DEMAND_RESOURCES_MAX + 1);
}

static void write_name(struct buf *b, size_t n)
{
    size_t i;

    buf_char(b, '"');
    for (i = 0; i < n; i++)
        buf_char(b, 'x');
    buf_str(b, "\":1");
}

static void write_long_name(struct buf *b, size_t i)
{
    write_name(b, DEMAND_NAME_MAX + i);
}

static void expect_limit(size_t n, void (*write)(struct buf *b, size_t i), const char *pointer,
                         const char *words)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct demand *d = NULL;
    struct err e = {.code = ERR_NONE};
    int rc;

    write_instances(&b, n, write);
    assert_false(b.failed);
    rc = parse("any", buf_span(&b), &d, &e);
    buf_free(&b);
    demand_free(d);
    assert_int_equal(rc, pointer ? -1 : 0);
    if (!pointer)
        return;
    assert_int_equal(e.code, ERR_INVALID);
    assert_non_null(strstr(e.text, words));
    assert_memory_equal(e.pointer, pointer, strlen(pointer));
}

static void test_limits(void **state)
{
    (void)state;
    expect_limit(DEMAND_KINDS_MAX, write_alternating, NULL, NULL);
    expect_limit(DEMAND_KINDS_MAX + 1, write_alternating, "/data/instances/100",
                 "at most 100 kinds");
    expect_limit(DEMAND_INSTANCES_MAX, write_32, NULL, NULL);
    expect_limit(DEMAND_INSTANCES_MAX + 1, write_32, "/data/instances/10000",
                 "at most 10000 instances");
    expect_limit(1, write_33, "/data/instances/0", "at most 32 resources");
    expect_limit(1, write_long_name, NULL, NULL);
    expect_limit(2, write_long_name, "/data/instances/1/xxx", "1 to 255 bytes");
}

static void test_long_project(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct demand *d = NULL;
    struct err e;
    size_t n;

    (void)state;
    for (n = DEMAND_NAME_MAX; n <= DEMAND_NAME_MAX + 1; n++) {
        buf_reset(&b);
        buf_printf(&b, "{\"project\":\"%0*d\"}", (int)n, 0);
        assert_int_equal(parse("vm", buf_span(&b), &d, &e), n == DEMAND_NAME_MAX ? 0 : -1);
    }
    assert_int_equal(d->scope.n, strlen("project:") + DEMAND_NAME_MAX);
    assert_string_equal(e.pointer, "/data/project");
    demand_free(d);
    buf_free(&b);
}

/* ---- shapes that are none ---- */

static void test_foreign_shapes(void **state)
{
    static const char *const texts[] = {
        "",
        "{}",
        "null",
        "[",
        "[1]",
        "[ ]",
        "[]\n",
        "[{}]",
        "[{\"n\":1}]",
        "[{\"n\":1,\"r\":[]}]",
        "[{\"r\":{},\"n\":1}]",
        "[{\"n\":0,\"r\":{}}]",
        "[{\"n\":1.0,\"r\":{}}]",
        "[{\"n\":10001,\"r\":{}}]",
        "[{\"n\":1,\"r\":{\"a\":0}}]",
        "[{\"n\":1,\"r\":{\"a\":-1}}]",
        "[{\"n\":1,\"r\":{\"a\":1e2}}]",
        "[{\"n\":1,\"r\":{\"b\":1,\"a\":1}}]",
        "[{\"n\":1,\"r\":{},\"x\":1}]",
        "[{\"n\":1,\"r\":{}},{\"n\":1,\"r\":{}}]",
        "[{\"n\":0,\"r\":{}},{\"n\":1,\"r\":{}}]",
        "[{\"c\":1,\"n\":1,\"r\":{}}]",
        "[{\"c\":{},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"x\":1},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"nodeSelector\":{}},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"nodeSelector\":1},\"n\":1,\"r\":{}}]",
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(texts); i++) {
        struct demand *d = NULL;
        struct err e;

        if (demand_from_shape(str_of(texts[i]), &d, &e) == 0)
            fail_msg("taken for ours: %s", texts[i]);
        assert_null(d);
        assert_int_equal(e.code, ERR_INTERNAL);
    }
}

/* ---- the property: a list of instances, written in many ways, has one shape ---- */

enum { RESOURCES = 4, LIST_MAX = 8, ORDER_MAX = RESOURCES + 2 };
static const char *const resources[RESOURCES] = {"a", "b", "bb", "c"};

/* One entry an instance. */
struct plain {
    size_t n;
    int64_t amount[LIST_MAX][RESOURCES];
};

static void make_plain(struct prop *r, struct plain *p)
{
    size_t i, k;

    p->n = 1 + prop_below(r, LIST_MAX);
    for (i = 0; i < p->n; i++) {
        for (k = 0; k < RESOURCES; k++)
            p->amount[i][k] = prop_one_in(r, 2) ? 0 : (int64_t)(1 + prop_below(r, 2));
        if (i > 0 && prop_one_in(r, 2))
            memcpy(p->amount[i], p->amount[i - 1], sizeof p->amount[i]);
    }
}

static bool same(const struct plain *p, size_t i, size_t k)
{
    return memcmp(p->amount[i], p->amount[k], sizeof p->amount[i]) == 0;
}

/* The text that the rule asks for, word by word. */
static void write_reference(const struct plain *p, struct buf *b)
{
    size_t i = 0, k, n;

    buf_char(b, '[');
    while (i < p->n) {
        const char *comma = "";

        for (n = 1; i + n < p->n && same(p, i, i + n); n++)
            ;
        buf_printf(b, "%s{\"n\":%zu,\"r\":{", i ? "," : "", n);
        for (k = 0; k < RESOURCES; k++) {
            if (p->amount[i][k] == 0)
                continue;
            buf_printf(b, "%s\"%s\":%" PRId64, comma, resources[k], p->amount[i][k]);
            comma = ",";
        }
        buf_str(b, "}}");
        i += n;
    }
    buf_char(b, ']');
}

/* One object for `count` instances: members in any order, zeros or nothing, a member of the
 * client's own. */
static void write_random_object(struct prop *r, const int64_t *amount, size_t count, struct buf *b)
{
    static const char *const forms[] = {"", ".0", "e0", ".00e-0"};
    size_t order[ORDER_MAX], i, k;
    const char *comma = "";

    for (i = 0; i < ORDER_MAX; i++) {
        k = prop_below(r, i + 1);
        order[i] = order[k];
        order[k] = i;
    }
    buf_char(b, '{');
    for (i = 0; i < ORDER_MAX; i++) {
        k = order[i];
        if (k == RESOURCES && (count > 1 || prop_one_in(r, 2)))
            buf_printf(b, "%s\"count\":%zu", comma, count);
        else if (k == RESOURCES + 1 && prop_one_in(r, 2))
            buf_printf(b, "%s\"note\":\"\\u0061\"", comma);
        else if (k < RESOURCES && (amount[k] > 0 || prop_one_in(r, 2)))
            buf_printf(b, "%s\"%s\":%" PRId64 "%s", comma, resources[k], amount[k],
                       forms[prop_below(r, ARRAY_LEN(forms))]);
        else
            continue;
        comma = ",";
    }
    buf_char(b, '}');
}

static void write_random(struct prop *r, const struct plain *p, struct buf *b)
{
    size_t i = 0, n;

    buf_str(b, "{\"instances\":[");
    while (i < p->n) {
        for (n = 1; i + n < p->n && same(p, i, i + n) && !prop_one_in(r, 3); n++)
            ;
        buf_str(b, i ? "," : "");
        write_random_object(r, p->amount[i], n, b);
        i += n;
    }
    buf_str(b, "]}");
}

static void test_against_reference(void **state)
{
    struct prop r = prop_begin("demand", SEED);
    struct buf want = BUF_INIT(TEXT_MAX), text = BUF_INIT(TEXT_MAX);
    struct demand *d, *again;
    struct plain p;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ROUNDS; i++) {
        make_plain(&r, &p);
        buf_reset(&want);
        write_reference(&p, &want);
        buf_reset(&text);
        write_random(&r, &p, &text);
        if (parse("any", buf_span(&text), &d, &e) != 0)
            fail_msg("%s: %s", text.data, e.text);
        expect_shape(d, want.data);
        assert_int_equal(demand_from_shape(buf_span(&want), &again, &e), 0);
        expect_shape(again, want.data);
        assert_null(again->scope.p);
        assert_int_equal(again->kinds, d->kinds);
        demand_free(again);
        demand_free(d);
    }
    buf_free(&want);
    buf_free(&text);
}

static void test_constraint_and_back(void **state)
{
    static const char shape[] =
        ONE("{'nodeSelector':{'a':'b'},'tolerations':[{'operator':'Exists'}]}");
    struct buf b = BUF_INIT(TEXT_MAX);
    struct demand *d;
    struct err e;

    (void)state;
    quoted_add(&b, STR_LIT(shape));
    assert_int_equal(demand_from_shape(buf_span(&b), &d, &e), 0);
    assert_true(demand_needs_labels(&d->kind[0]));
    expect_shape(d, shape);
    demand_free(d);
    demand_free(NULL);
    buf_free(&b);
}

/* ---- without memory (not under a sanitizer, which has the allocator's place) ---- */

#if TORTURE
static void test_without_memory(void **state)
{
    static const char text[] =
        "{\"namespace\":\"n\",\"pods\":[{\"nodeSelector\":{\"a\":\"b\"}},{\"count\":2}]}";
    struct json_doc *doc;
    struct demand *d = NULL;
    struct err e;
    int64_t good;
    int rc = -1;

    (void)state;
    assert_int_equal(json_in_parse(STR_LIT(text), &doc, &e), 0);
    for (good = 0; rc != 0; good++) {
        torture_arm(good);
        rc = demand_parse(STR_LIT("kube"), json_in_root(doc), &d, &e);
        demand_free(rc == 0 ? d : NULL);
        assert_int_equal(torture_end(), 0);
        if (rc != 0)
            assert_int_equal(e.code, ERR_INTERNAL);
    }
    assert_true(good > 2);
    json_in_free(doc);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_long_project),
        cmocka_unit_test(test_foreign_shapes),
        cmocka_unit_test(test_against_reference),
        cmocka_unit_test(test_constraint_and_back),
#if TORTURE
        cmocka_unit_test(test_without_memory),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
