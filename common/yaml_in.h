/* SPDX-License-Identifier: MIT */
/* YAML by libyaml, as a tree with line numbers. Bounded: size, depth, nodes; aliases and anchors are taken only within those bounds; duplicate keys of a
 * mapping, several documents and tags other than the standard ones are errors. Only yaml_in.c includes the header of libyaml (which is called yaml.h, hence our name). */
#ifndef AR_YAML_IN_H
#define AR_YAML_IN_H

#include "err.h"

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

/* A node; it lives as long as its document. */
struct yaml_node {
    enum yaml_kind kind;
    size_t line;        /* from 1 */
    bool quoted;        /* a scalar in quotes or a block: always a string */
    struct str scalar;  /* NUL-terminated */
    size_t n;           /* elements, or pairs */
    struct yaml_node *const *item; /* of a list: the elements; of a map: key, value, key, value, … (2 n) */
};

struct yaml_doc;

enum { YAML_BYTES_MAX = 4 << 20, YAML_DEPTH_MAX = 32, YAML_NODES_MAX = 200000 };

/* 0 and *doc (yaml_free), or -1 with ERR_CONFIG: "<name>:<line>: <what is wrong>". An empty file is an empty map. */
int yaml_parse(struct str text, const char *name, struct yaml_doc **doc, struct err *e) AR_MUST_CHECK;
int yaml_load(const char *path, struct yaml_doc **doc, struct err *e) AR_MUST_CHECK;
void yaml_free(struct yaml_doc *doc);
const struct yaml_node *yaml_root(const struct yaml_doc *doc);

/* The value of a key of a map, or NULL. */
const struct yaml_node *yaml_get(const struct yaml_node *map, const char *key);

#endif
