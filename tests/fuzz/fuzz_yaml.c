/* SPDX-License-Identifier: MIT */
/* YAML: the tree that is read, written as JSON (which is YAML) and read again, is the same tree;
 * and all limits hold. */
#include "fuzz.h"

#include "json_out.h"
#include "yaml_in.h"

struct count {
    size_t nodes;
};

static void check(const struct yaml_node *node, size_t depth, struct count *c)
{
    size_t i, n = node->kind == YAML_MAP ? 2 * node->n : node->kind == YAML_LIST ? node->n : 0;

    MUST(++c->nodes <= YAML_NODES_MAX && depth <= YAML_DEPTH_MAX && node->line >= 1);
    if (node->kind == YAML_SCALAR)
        MUST(node->scalar.p[node->scalar.n] == '\0' && strlen(node->scalar.p) == node->scalar.n);
    for (i = 0; i < n; i++)
        check(node->item[i], depth + 1, c);
    for (i = 0; node->kind == YAML_MAP && i < node->n; i++)
        MUST(yaml_get(node, node->item[2 * i]->scalar.p) == node->item[2 * i + 1]);
}

/* What JSON cannot say, whether a scalar was quoted, stands in the text. */
static void write(struct json_out *o, const struct yaml_node *node)
{
    size_t i;

    if (node->kind == YAML_SCALAR) {
        json_put_str(o, node->scalar);
        return;
    }
    json_open(o, node->kind == YAML_MAP ? '{' : '[');
    for (i = 0; i < node->n; i++) {
        if (node->kind == YAML_MAP)
            json_key_str(o, node->item[2 * i]->scalar);
        write(o, node->kind == YAML_MAP ? node->item[2 * i + 1] : node->item[i]);
    }
    json_close(o, node->kind == YAML_MAP ? '}' : ']');
}

/* libyaml is no JSON reader in three ways: a key of more than 1,024 characters, a tab as white
 * space, and the characters that it calls not printable. */
static bool is_plain(const struct buf *b)
{
    size_t i;

    for (i = 0; i < b->len; i++) {
        if ((unsigned char)b->data[i] >= 0x7f || b->data[i] == '\\')
            return false;
    }
    return b->len < 1000;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct buf a = BUF_INIT(FUZZ_TEXT_MAX), b = BUF_INIT(FUZZ_TEXT_MAX);
    struct json_out o = JSON_OUT(&a), again = JSON_OUT(&b);
    struct count c = {0};
    struct yaml_doc *doc;
    struct err e = {0};

    if (yaml_parse(fuzz_str(data, size), "fuzz", &doc, &e) != 0) {
        MUST(e.code == ERR_CONFIG && strncmp(e.text, "fuzz:", 5) == 0);
        return 0;
    }
    check(yaml_root(doc), 1, &c);
    write(&o, yaml_root(doc));
    yaml_doc_free(doc);
    if (is_plain(&a) && !a.failed) {
        if (yaml_parse(buf_span(&a), "fuzz", &doc, &e) != 0)
            fuzz_broken(__FILE__, __LINE__, e.text);
        write(&again, yaml_root(doc));
        yaml_doc_free(doc);
        MUST(fuzz_same(&a, &b));
    }
    buf_free(&a);
    buf_free(&b);
    return 0;
}
