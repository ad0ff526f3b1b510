/* SPDX-License-Identifier: MIT */
/*
 * YAML by libyaml, as a tree with line numbers. Bounded: bytes, depth, nodes, anchors. An alias is
 * the very node that it names, and counts, with all that is below it, as if it were written out, so
 * that no small text stands for a large tree. Errors: a key that is twice in a mapping, or is no
 * scalar; a merge key (<<); an alias to a node that is not complete; a second document; a tag other
 * than the standard ones; NUL bytes and text that is not UTF-8. Only yaml_in.c includes the header
 * of libyaml (which is called yaml.h, hence our name; libyaml also has a yaml_free of its own,
 * hence yaml_doc_free). A document belongs to one thread at a time.
 */
#ifndef AR_YAML_IN_H
#define AR_YAML_IN_H

#include "err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

/* A node; it lives as long as its document. */
struct yaml_node {
    enum yaml_kind kind;
    size_t line;       /* from 1 */
    bool quoted;       /* a scalar in quotes, a block, or tagged !!str: always a string */
    struct str scalar; /* NUL-terminated, with no NUL before */
    size_t n;          /* elements, or pairs */
    struct yaml_node *const
        *item; /* of a list: the elements; of a map: key, value, key, value, … (2 n) */
};

struct yaml_doc;

enum {
    YAML_BYTES_MAX = 4 << 20,
    YAML_DEPTH_MAX = 32,
    YAML_NODES_MAX = 200000,
    YAML_ANCHORS_MAX = 256
};

/* 0 and *doc (yaml_doc_free), or -1 with ERR_CONFIG: "<name>:<line>: <what is wrong>" (ERR_INTERNAL
 * when memory runs out). An empty file is an empty map. `text` need not outlive the call. */
int yaml_parse(struct str text, const char *name, struct yaml_doc **doc,
               struct err *e) AR_MUST_CHECK;
/* The same from a file; one that cannot be read or is too large: "<path>: <what is wrong>". */
int yaml_load(const char *path, struct yaml_doc **doc, struct err *e) AR_MUST_CHECK;
/* NULL is fine. */
void yaml_doc_free(struct yaml_doc *doc);
const struct yaml_node *yaml_root(const struct yaml_doc *doc);

/* The value of a key of a map, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

/* Is it a scalar that says "nothing": absent, ~ or null, not quoted? */
bool yaml_is_null(const struct yaml_node *node);

/* For readers of the tree: *e becomes ERR_CONFIG, "<name>:<line>: " and the text, its control
 * characters replaced. Returns -1. */
int yaml_fail(const char *name, size_t line, struct err *e, const char *fmt, ...) AR_PRINTF(4, 5);

#endif
