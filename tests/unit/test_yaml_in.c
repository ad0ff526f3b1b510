/* SPDX-License-Identifier: MIT */
/* YAML in: the tree against a random one that was written out,
 * and every complaint with its line. */
#include "prop.h"
#include "torture.h"
#include "yaml_case.h"

static void a_tree_has_kinds_lines_and_texts(void **state)
{
    struct yaml_doc *doc = parse(STR_LIT("a: 1\nb:\n  - \"x\"\n  - {c: , d: 'y z'}\ne: |\n  t\n"));
    const struct yaml_node *root = yaml_root(doc), *b, *inner;

    (void)state;
    assert_int_equal(root->kind, YAML_MAP);
    assert_int_equal(root->n, 3);
    assert_true(str_is(yaml_get(root, "a")->scalar, "1"));
    assert_false(yaml_get(root, "a")->quoted);
    b = yaml_get(root, "b");
    assert_int_equal(b->kind, YAML_LIST);
    assert_int_equal(b->n, 2);
    assert_true(b->item[0]->quoted);
    assert_int_equal(b->item[0]->line, 3);
    inner = b->item[1];
    assert_int_equal(inner->line, 4);
    assert_true(yaml_is_null(yaml_get(inner, "c")));
    assert_true(str_is(yaml_get(inner, "d")->scalar, "y z"));
    assert_null(yaml_get(inner, "x"));
    assert_true(yaml_get(root, "e")->quoted);
    assert_true(str_is(yaml_get(root, "e")->scalar, "t\n"));
    yaml_doc_free(doc);
}

static void an_empty_file_is_an_empty_map(void **state)
{
    static const char *const texts[] = {"", "\n\n", "# only a comment", "{}", "\xEF\xBB\xBF"};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(texts); i++) {
        struct yaml_doc *doc = parse(str_of(texts[i]));

        assert_int_equal(yaml_root(doc)->kind, YAML_MAP);
        assert_int_equal(yaml_root(doc)->n, 0);
        yaml_doc_free(doc);
    }
}

static void null_is_what_is_not_quoted(void **state)
{
    struct yaml_doc *doc = parse(STR_LIT("[~, null, Null, NULL, '', 'null', nul, !!str , [], {}]"));
    const struct yaml_node *root = yaml_root(doc);
    size_t i;

    (void)state;
    assert_int_equal(root->n, 10);
    for (i = 0; i < root->n; i++)
        assert_int_equal(yaml_is_null(root->item[i]), i < 4);
    yaml_doc_free(doc);
}

static void standard_tags_are_taken(void **state)
{
    struct yaml_doc *doc = parse(STR_LIT("[!!str 5, ! 5, !!int 5, !!seq [], !!map {}, !!null ~]"));
    const struct yaml_node *root = yaml_root(doc);

    (void)state;
    assert_true(root->item[0]->quoted);
    assert_true(root->item[1]->quoted);
    assert_false(root->item[2]->quoted);
    assert_int_equal(root->item[3]->kind, YAML_LIST);
    assert_int_equal(root->item[4]->kind, YAML_MAP);
    assert_true(yaml_is_null(root->item[5]));
    yaml_doc_free(doc);
}

static void an_alias_is_the_node_that_it_names(void **state)
{
    struct yaml_doc *doc = parse(STR_LIT("a: &x [1, 2]\nb: *x\nc: &x 7\nd: *x\ne: &y f\n*y : 3"));
    const struct yaml_node *root = yaml_root(doc);

    (void)state;
    assert_ptr_equal(yaml_get(root, "a"), yaml_get(root, "b"));
    assert_ptr_equal(yaml_get(root, "c"), yaml_get(root, "d"));
    assert_true(str_is(yaml_get(root, "d")->scalar, "7"));
    assert_true(str_is(yaml_get(root, "f")->scalar, "3"));
    yaml_doc_free(doc);
}

#define REFUSED(text, starts)                                                                      \
    {                                                                                              \
        {(text), sizeof(text) - 1}, starts                                                         \
    }

static void what_is_wrong_is_named_with_its_line(void **state)
{
    static const struct {
        struct str text;
        const char *starts;
    } cases[] = {
        REFUSED("a: 1\nb: 2\na: 3\n", "f:3: the key \"a\" is there twice, first in line 1"),
        REFUSED("x: {b: 1, a: 1,\n a: 1}", "f:2: the key \"a\" is there twice, first in line 1"),
        REFUSED("a: 1\n\"a\": 2", "f:2: the key \"a\" is there twice"),
        REFUSED("a: 1\n---\nb: 1\n", "f:2: a second document"),
        REFUSED("a: 1\n? [x]\n: 1\n", "f:2: a key must be a word"),
        REFUSED("? {x: y}\n: 1\n", "f:1: a key must be a word"),
        REFUSED("a: &x {b: 1}\nc:\n  <<: *x\n", "f:3: merge keys (<<) are not taken"),
        REFUSED("a: *x\n", "f:1: no anchor \"x\" before this alias"),
        REFUSED("*x", "f:1: no anchor \"x\""),
        REFUSED("a: &x\n  - *x\n", "f:2: the alias \"x\" stands within what it names"),
        REFUSED("a: &x 1\nb: &x\n  - *x\n", "f:3: the alias \"x\" stands within"),
        REFUSED("a: !!binary aGk=\n", "f:1: the tag \"tag:yaml.org,2002:binary\" is not taken"),
        REFUSED("a: !own 1\n", "f:1: the tag \"!own\""),
        REFUSED("a: !!seq 1\n", "f:1: the tag"),
        REFUSED("a: !!str [1]\n", "f:1: the tag"),
        REFUSED("\n\na: [1, 2\n", "f:4: while parsing a flow sequence: did not find expected"),
        REFUSED("a: 1\n b: 2\n", "f:2: mapping values are not allowed in this context"),
        REFUSED("a:\n\t- 1\n", "f:2: while scanning for the next token: found character that"),
        REFUSED("a: 'x\n", "f:2: while scanning a quoted scalar: found unexpected end"),
        REFUSED("a: \"\\ud800\"\n", "f:1: while parsing a quoted scalar: found invalid Unicode"),
        REFUSED("%YAML 9.9\n---\na: 1\n", "f:1: found incompatible YAML document"),
        REFUSED("a: %x\n", "f:1: while scanning for the next token: found character that"),
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        assert_starts(refusal(cases[i].text), cases[i].starts);
}

static void bytes_that_are_no_text_are_named_with_their_line(void **state)
{
    static const struct {
        struct str text;
        const char *starts;
    } cases[] = {
        REFUSED("a: 1\nb: \xff\n", "f:2: invalid leading UTF-8 octet"),
        REFUSED("a: 1\n\nb: \xc3", "f:3: incomplete UTF-8 octet sequence"),
        REFUSED("a: \xc0\xaf\n", "f:1: invalid length of a UTF-8 sequence"),
        REFUSED("a: \xed\xa0\x80\n", "f:1: invalid Unicode character"),
        REFUSED("a: \xf4\x90\x80\x80\n", "f:1: invalid Unicode character"),
        REFUSED("a: 1\nb: \0x\n", "f:2: control characters are not allowed"),
        REFUSED("a: 1\nb: \x1b[2J\n", "f:2: control characters are not allowed"),
        REFUSED("a: 1\nb: \"\\0\"\n", "f:2: a NUL byte in a text"),
        REFUSED("\"a\\0b\": 1\n", "f:1: a NUL byte in a text"),
        REFUSED("\xff\xfe"
                "a\0:\0",
                "f:1: invalid leading UTF-8 octet"), /* UTF-16 */
    };
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(cases); i++)
        assert_starts(refusal(cases[i].text), cases[i].starts);
}

static void an_error_shows_no_control_characters_and_little_of_a_long_key(void **state)
{
    struct buf text = BUF_INIT(TEXT_MAX);
    const char *words;
    int i;

    (void)state;
    assert_starts(refusal(STR_LIT("\"\\x1b[2J\": 1\n\"\\x1b[2J\": 1\n")),
                  "f:2: the key \"?[2J\" is");
    for (i = 0; i < 2; i++) {
        buf_str(&text, "\"");
        for (int j = 0; j < 300; j++)
            buf_str(&text, "\xc3\xa9");
        buf_str(&text, "\": 1\n");
    }
    words = refusal(buf_span(&text));
    assert_in_range(strlen(words), 64, 140);
    assert_non_null(strstr(words, "\xc3\xa9\" is there twice, first in line 1"));
    buf_free(&text);
}

static void a_file_is_read(void **state)
{
    struct yaml_doc *doc = NULL;
    struct err e = {0};
    char path[32];

    (void)state;
    make_file(path, STR_LIT("a: 1\nb: [2]\n"));
    assert_int_equal(yaml_load(path, &doc, &e), 0);
    assert_int_equal(yaml_root(doc)->n, 2);
    yaml_doc_free(doc);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(yaml_load(path, &doc, &e), -1);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_starts(e.text, path);
    assert_non_null(strstr(e.text, "No such file"));
    assert_int_equal(yaml_load("/", &doc, &e), -1);
    assert_int_equal(e.code, ERR_CONFIG);
    assert_string_equal(e.text, "/: Is a directory");
}

/* Writes a random value in flow style, and into `plain` what the tree must say:
 * kind, quotes, text. */
static void write_random(struct prop *r, int depth, struct buf *yaml, struct buf *plain)
{
    size_t kind = prop_below(r, depth > 4 ? 1 : 3), n = prop_below(r, 5), i;
    bool quoted = prop_one_in(r, 2);

    if (kind == 0) {
        buf_printf(yaml, quoted ? "\"w%zu\"" : "w%zu", n);
        buf_printf(plain, quoted ? "\"w%zu\"" : "w%zu", n);
        return;
    }
    buf_char(yaml, kind == 1 ? '[' : '{');
    buf_char(plain, kind == 1 ? '[' : '{');
    for (i = 0; i < n; i++) {
        if (prop_one_in(r, 3))
            buf_str(yaml, " # a comment\n  ");
        if (kind == 2) {
            buf_printf(yaml, "k%zu: ", i);
            buf_printf(plain, "k%zu:", i);
        }
        write_random(r, depth + 1, yaml, plain);
        buf_str(yaml, i + 1 < n ? ", " : "");
        buf_char(plain, ',');
    }
    buf_char(yaml, kind == 1 ? ']' : '}');
    buf_char(plain, kind == 1 ? ']' : '}');
}

static void write_tree(const struct yaml_node *node, struct buf *plain)
{
    size_t i;

    if (node->kind == YAML_SCALAR) {
        assert_int_equal(strlen(node->scalar.p), node->scalar.n);
        buf_printf(plain, node->quoted ? "\"%s\"" : "%s", node->scalar.p);
        return;
    }
    buf_char(plain, node->kind == YAML_LIST ? '[' : '{');
    for (i = 0; i < node->n; i++) {
        if (node->kind == YAML_MAP)
            buf_printf(plain, "%s:", node->item[2 * i]->scalar.p);
        write_tree(node->item[node->kind == YAML_MAP ? 2 * i + 1 : i], plain);
        buf_char(plain, ',');
    }
    buf_char(plain, node->kind == YAML_LIST ? ']' : '}');
}

static void random_trees_are_read_as_written(void **state)
{
    struct prop r = prop_begin(__func__, 21);
    struct buf yaml = BUF_INIT(TEXT_MAX), want = BUF_INIT(TEXT_MAX), got = BUF_INIT(TEXT_MAX);
    struct yaml_doc *doc;

    (void)state;
    for (int round = 0; round < 2000; round++) {
        buf_reset(&yaml);
        buf_reset(&want);
        buf_reset(&got);
        write_random(&r, 0, &yaml, &want);
        doc = parse(buf_span(&yaml));
        write_tree(yaml_root(doc), &got);
        assert_string_equal(got.data, want.data);
        yaml_doc_free(doc);
    }
    buf_free(&yaml);
    buf_free(&want);
    buf_free(&got);
}

static const char sample[] = "a: &x {b: [1, 'two', \"\\x33\"], c: ~}\n"
                             "d: *x\n? e\n: |\n  f\n  g\n\"h\": !!str 5\n";

/* Whatever a byte turns into: a tree that can be walked, or an error with a text. */
static void damaged_texts_do_no_harm(void **state)
{
    struct prop r = prop_begin(__func__, 22);
    struct buf out = BUF_INIT(TEXT_MAX);
    char text[sizeof sample];
    struct yaml_doc *doc;
    struct err e;
    int taken = 0;

    (void)state;
    yaml_doc_free(parse(STR_LIT(sample)));
    for (int round = 0; round < 20000; round++) {
        memcpy(text, sample, sizeof text);
        for (size_t i = prop_below(&r, 4) + 1; i > 0; i--)
            text[prop_below(&r, sizeof text)] =
                prop_one_in(&r, 2) ? "[]{}&*!|>:-?,\"'#%\n \t\\<~"[prop_below(&r, 24)]
                                   : (char)prop_bits(&r);
        e = (struct err){0};
        if (yaml_parse((struct str){text, prop_below(&r, sizeof text)}, "f", &doc, &e) != 0) {
            assert_int_equal(e.code, ERR_CONFIG);
            assert_starts(e.text, "f:");
            continue;
        }
        buf_reset(&out);
        write_tree(yaml_root(doc), &out);
        assert_false(out.failed);
        yaml_doc_free(doc);
        taken++;
    }
    assert_in_range(taken, 200, 19800); /* else the damage is no test */
    buf_free(&out);
}

#if TORTURE
static void memory_that_runs_out_is_reported(void **state)
{
    static const char text[] = "a: &x {b: [1, 'two', \"\\x33\"], c: ~}\nd: *x\n";
    struct yaml_doc *doc;
    struct err e;
    char path[32];
    int64_t good = 0;
    int failed;

    (void)state;
    make_file(path, str_of(text));
    do {
        e = (struct err){0};
        torture_arm(good++);
        failed = yaml_load(path, &doc, &e);
        if (!failed)
            yaml_doc_free(doc);
        assert_int_equal(torture_end(), 0);
        assert_int_equal(e.code, failed ? ERR_INTERNAL : ERR_NONE);
    } while (failed);
    assert_in_range(good, 10, 1000);
    assert_int_equal(unlink(path), 0);
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tree_has_kinds_lines_and_texts),
        cmocka_unit_test(an_empty_file_is_an_empty_map),
        cmocka_unit_test(null_is_what_is_not_quoted),
        cmocka_unit_test(standard_tags_are_taken),
        cmocka_unit_test(an_alias_is_the_node_that_it_names),
        cmocka_unit_test(what_is_wrong_is_named_with_its_line),
        cmocka_unit_test(bytes_that_are_no_text_are_named_with_their_line),
        cmocka_unit_test(an_error_shows_no_control_characters_and_little_of_a_long_key),
        cmocka_unit_test(a_file_is_read),
        cmocka_unit_test(random_trees_are_read_as_written),
        cmocka_unit_test(damaged_texts_do_no_harm),
#if TORTURE
        cmocka_unit_test(memory_that_runs_out_is_reported),
#endif
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
