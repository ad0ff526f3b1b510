/* SPDX-License-Identifier: MIT */
/* Traits of virtual machines: their canonical form, what is refused, and what asks for a host that
 * has some. */
#include "demand_case.h"

#include <string.h>

#include "prop.h"

#define VM(traits)    "{'project':'p','instances':[{'VCPU':1,'traits':" traits "}]}"
#define SHAPE(traits) "[{'c':{'traits':" traits "},'n':1,'r':{'VCPU':1}}]"

static struct demand *taken(const char *data)
{
    struct demand *d = NULL;
    struct err e;

    if (parse("vm", str_of(data), &d, &e) != 0)
        fail_msg("%s: %s (%s)", data, e.text, e.pointer);
    return d;
}

static void expect(const char *data, const char *shape)
{
    struct demand *d = taken(data);

    expect_shape(d, shape);
    demand_free(d);
}

static void test_canonical_form(void **state)
{
    (void)state;
    expect(VM("['HW_CPU_X86_AVX2','!CUSTOM_OLD']"), SHAPE("['!CUSTOM_OLD','HW_CPU_X86_AVX2']"));
    expect(VM("['B','A','B','!C','!C']"), SHAPE("['!C','A','B']"));
    expect(VM("[]"), "[{'n':1,'r':{'VCPU':1}}]");
    /* Instances with the same traits in another order are one kind. */
    expect("{'project':'p','instances':[{'traits':['A','B']},{'traits':['B','A']},{}]}",
           "[{'c':{'traits':['A','B']},'n':2,'r':{}},{'n':1,'r':{}}]");
    /* Of other types they are the client's own. */
    expect("{'project':'p','traits':1}", "[]");
}

static void test_refused(void **state)
{
    static const struct {
        const char *data, *pointer, *words;
    } cases[] = {
        {VM("'A'"), "/data/instances/0/traits", "array"},
        {VM("null"), "/data/instances/0/traits", "array"},
        {VM("['A',1]"), "/data/instances/0/traits/1", "a trait must be"},
        {VM("['']"), "/data/instances/0/traits/0", "a trait must be"},
        {VM("['!']"), "/data/instances/0/traits/0", "a trait must be"},
        {VM("['!!A']"), "/data/instances/0/traits/0", "a trait must be"},
        {VM("['hw_cpu']"), "/data/instances/0/traits/0", "a trait must be"},
        {VM("['A B']"), "/data/instances/0/traits/0", "a trait must be"},
        {VM("['A','B','!A']"), "/data/instances/0/traits/2", "both"},
        {VM("['!A','A']"), "/data/instances/0/traits/1", "both"},
    };
    struct demand *d = NULL;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++) {
        assert_int_equal(parse("vm", str_of(cases[i].data), &d, &e), -1);
        assert_int_equal(e.code, ERR_INVALID);
        if (strcmp(e.pointer, cases[i].pointer) != 0 || !strstr(e.text, cases[i].words))
            fail_msg("%s: %s (%s)", cases[i].data, e.text, e.pointer);
    }
}

/* n traits, the last of them of `length` characters. */
static int parse_many(size_t n, int length)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct demand *d = NULL;
    struct err e;
    size_t i;
    int rc;

    buf_str(&b, "{'project':'p','instances':[{'traits':[");
    for (i = 0; i < n; i++)
        buf_printf(&b, "%s'%0*zu'", i ? "," : "", i + 1 < n ? 3 : length, i);
    buf_str(&b, "]}]}");
    rc = parse("vm", buf_span(&b), &d, &e);
    demand_free(d);
    buf_free(&b);
    return rc;
}

static void test_limits(void **state)
{
    (void)state;
    assert_int_equal(parse_many(32, 255), 0);
    assert_int_equal(parse_many(33, 3), -1);
    assert_int_equal(parse_many(32, 256), -1);
}

static bool needs_labels(const char *data)
{
    struct demand *d = taken(data);
    bool needs = demand_needs_labels(&d->kind[0]);

    demand_free(d);
    return needs;
}

static void test_who_needs_labels(void **state)
{
    (void)state;
    assert_true(needs_labels(VM("['A']")));
    assert_true(needs_labels(VM("['!A','B']")));
    assert_true(needs_labels(VM("['B','!Z']")));
    assert_false(needs_labels(VM("['!A','!B']")));
    assert_false(needs_labels(VM("['!A']")));
    assert_false(needs_labels(VM("[]")));
}

/* Any traits in any order: sorted, once each, and the shape comes back as it went. */
static void test_and_back(void **state)
{
    struct prop p = prop_begin("traits", 20261018);
    struct buf data = BUF_INIT(TEXT_MAX), shape = BUF_INIT(TEXT_MAX), again = BUF_INIT(TEXT_MAX);
    struct demand *d, *back;
    struct err e;
    int round, n, kind;

    (void)state;
    for (round = 0; round < 2000; round++) {
        buf_reset(&data);
        buf_str(&data, "{'project':'p','instances':[{'traits':[");
        for (n = (int)prop_below(&p, 6); n > 0; n--) {
            kind = (int)prop_below(&p, 8); /* A to D required, E to H forbidden */
            buf_printf(&data, "'%s%c'%s", kind < 4 ? "" : "!", 'A' + kind, n > 1 ? "," : "");
        }
        buf_str(&data, "]}]}");
        d = taken(buf_span(&data).p);
        buf_reset(&shape);
        buf_reset(&again);
        demand_write_shape(d, &shape);
        assert_int_equal(demand_from_shape(buf_span(&shape), &back, &e), 0);
        demand_write_shape(back, &again);
        assert_true(str_eq(buf_span(&shape), buf_span(&again)));
        assert_true(str_eq(d->kind[0].constraint, back->kind[0].constraint));
        demand_free(d);
        demand_free(back);
    }
    buf_free(&data);
    buf_free(&shape);
    buf_free(&again);
}

static void test_foreign_shapes(void **state)
{
    static const char *const texts[] = {
        "[{\"c\":{\"traits\":[]},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"traits\":[\"B\",\"A\"]},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"traits\":[\"A\",\"A\"]},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"traits\":[\"!A\",\"A\"]},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"traits\":[\"a\"]},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"traits\":[\"A\"],\"x\":1},\"n\":1,\"r\":{}}]",
        "[{\"c\":{\"nodeSelector\":{\"a\":\"b\"},\"traits\":[\"A\"]},\"n\":1,\"r\":{}}]",
    };
    struct demand *d;
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(texts); i++) {
        if (demand_from_shape(str_of(texts[i]), &d, &e) == 0)
            fail_msg("taken: %s", texts[i]);
        assert_int_equal(e.code, ERR_INTERNAL);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_canonical_form), cmocka_unit_test(test_refused),
        cmocka_unit_test(test_limits),         cmocka_unit_test(test_who_needs_labels),
        cmocka_unit_test(test_and_back),       cmocka_unit_test(test_foreign_shapes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
