/* SPDX-License-Identifier: MIT */
/* YAML in: its limits to the last level, value, anchor and byte, and small texts that stand for
 * large trees. */
#include "yaml_case.h"

static void levels(struct buf *b, int n)
{
    int i;

    for (i = 0; i < n; i++)
        buf_char(b, '[');
    for (i = 0; i < n; i++)
        buf_char(b, ']');
}

static void depth_is_bounded_to_the_level(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);

    (void)state;
    levels(&b, YAML_DEPTH_MAX);
    yaml_doc_free(parse(buf_span(&b)));
    buf_reset(&b);
    levels(&b, YAML_DEPTH_MAX + 1);
    assert_string_equal(refusal(buf_span(&b)), "f:1: more than 32 levels deep");
    buf_reset(&b);
    for (int i = 0; i < 1000000; i++)
        buf_str(&b, i % 2 ? "[" : "{a: ");
    assert_string_equal(refusal(buf_span(&b)), "f:1: more than 32 levels deep");
    buf_free(&b);
}

static void an_alias_is_as_deep_as_what_it_names(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    int above;

    (void)state;
    for (above = 21; above <= 22; above++) { /* [[…*x…]] below the root's map and list */
        buf_reset(&b);
        buf_str(&b, "a: &x ");
        levels(&b, 10);
        buf_str(&b, "\nb: ");
        for (int i = 0; i < above; i++)
            buf_char(&b, '[');
        buf_str(&b, "*x");
        for (int i = 0; i < above; i++)
            buf_char(&b, ']');
        if (above == 21)
            yaml_doc_free(parse(buf_span(&b)));
        else
            assert_string_equal(refusal(buf_span(&b)), "f:2: more than 32 levels deep");
    }
    /* An anchor round an alias is as deep as the alias makes it. */
    buf_reset(&b);
    buf_str(&b, "- &a ");
    levels(&b, 12);
    buf_str(&b, "\n- &b [[[[[[[[*a]]]]]]]]\n- [[[[[[[[[[[*b]]]]]]]]]]]\n");
    yaml_doc_free(parse(buf_span(&b)));
    b.len -= 1;
    buf_str(&b, "\n- [[[[[[[[[[[[*b]]]]]]]]]]]]\n");
    assert_string_equal(refusal(buf_span(&b)), "f:4: more than 32 levels deep");
    buf_free(&b);
}

static void values_are_bounded_to_the_last(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);

    (void)state;
    buf_str(&b, "[");
    for (int i = 0; i < YAML_NODES_MAX - 1; i++)
        buf_str(&b, "1,");
    buf_str(&b, "]");
    yaml_doc_free(parse(buf_span(&b)));
    b.len--;
    buf_str(&b, "1]");
    assert_starts(refusal(buf_span(&b)), "f:1: more than 200000 values");
    buf_free(&b);
}

/* A list of 1000 values, named 199 times: 1 + 1001 * 199 + the rest. */
static void values_of_aliases_count_each_time(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    size_t rest = YAML_NODES_MAX - 1 - 1001 * 199;

    (void)state;
    buf_str(&b, "- &x [");
    for (int i = 0; i < 1000; i++)
        buf_str(&b, "1,");
    buf_str(&b, "]\n");
    for (int i = 0; i < 198; i++)
        buf_str(&b, "- *x\n");
    for (size_t i = 0; i < rest; i++)
        buf_str(&b, "- 1\n");
    yaml_doc_free(parse(buf_span(&b)));
    buf_str(&b, "- 1\n");
    assert_starts(refusal(buf_span(&b)), "f:1000: more than 200000 values");
    buf_free(&b);
}

static void a_billion_laughs_are_refused(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);

    (void)state;
    buf_str(&b, "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha]\n");
    for (int i = 1; i < 10; i++) {
        buf_printf(&b, "a%d: &a%d [", i, i);
        for (int j = 0; j < 9; j++)
            buf_printf(&b, "%s*a%d", j ? ", " : "", i - 1);
        buf_str(&b, "]\n");
    }
    assert_starts(refusal(buf_span(&b)), "f:6: more than 200000 values");
    buf_free(&b);
}

static void anchors_are_bounded(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);

    (void)state;
    for (int i = 0; i < YAML_ANCHORS_MAX; i++)
        buf_printf(&b, "- &a%d 1\n", i);
    yaml_doc_free(parse(buf_span(&b)));
    buf_str(&b, "- &more 1\n");
    assert_string_equal(refusal(buf_span(&b)), "f:257: more than 256 anchors");
    buf_free(&b);
}

/* Comparing each key with each would take minutes here. */
static void many_keys_are_compared_quickly(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);

    (void)state;
    for (int i = 0; i < 99999; i++)
        buf_printf(&b, "k%d: 1\n", i);
    yaml_doc_free(parse(buf_span(&b)));
    b.len -= strlen("k99998: 1\n");
    buf_str(&b, "k77: 1\n");
    assert_starts(refusal(buf_span(&b)),
                  "f:99999: the key \"k77\" is there twice, first in line 78");
    buf_free(&b);
}

static void comment(struct buf *b, size_t n)
{
    buf_reset(b);
    for (size_t i = 0; i < n; i++)
        buf_char(b, i % 64 == 63 ? '\n' : '#');
}

static void bytes_are_bounded_to_the_last(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);

    (void)state;
    comment(&b, YAML_BYTES_MAX);
    yaml_doc_free(parse(buf_span(&b)));
    buf_char(&b, '#');
    assert_string_equal(refusal(buf_span(&b)), "f: larger than 4194304 bytes");
    buf_free(&b);
}

static void a_file_of_ten_megabytes_is_refused(void **state)
{
    struct buf b = BUF_INIT(TEXT_MAX);
    struct yaml_doc *doc = NULL;
    struct err e = {0};
    char path[32];

    (void)state;
    comment(&b, 10 << 20);
    make_file(path, buf_span(&b));
    buf_free(&b);
    assert_int_equal(yaml_load(path, &doc, &e), -1);
    assert_non_null(strstr(e.text, ": larger than 4194304 bytes"));
    assert_int_equal(unlink(path), 0);
    assert_int_equal(yaml_load("/dev/zero", &doc, &e), -1);
    assert_string_equal(e.text, "/dev/zero: larger than 4194304 bytes");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(depth_is_bounded_to_the_level),
        cmocka_unit_test(an_alias_is_as_deep_as_what_it_names),
        cmocka_unit_test(values_are_bounded_to_the_last),
        cmocka_unit_test(values_of_aliases_count_each_time),
        cmocka_unit_test(a_billion_laughs_are_refused),
        cmocka_unit_test(anchors_are_bounded),
        cmocka_unit_test(many_keys_are_compared_quickly),
        cmocka_unit_test(bytes_are_bounded_to_the_last),
        cmocka_unit_test(a_file_of_ten_megabytes_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
