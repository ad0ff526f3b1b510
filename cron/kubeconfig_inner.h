/* SPDX-License-Identifier: MIT */
/* What the files of kubeconfig share. */
#ifndef AR_KUBECONFIG_INNER_H
#define AR_KUBECONFIG_INNER_H

#include "kubeconfig.h"
#include "yaml_in.h"

enum { KUBECONFIG_FILE_MAX = 1 << 20 }; /* bytes of a token, certificate or key */

/* A mapping in a file. What it names relatively is relative to the file's directory. */
struct kubeconfig_map {
    struct arena *arena;
    const char *file;
    const struct yaml_node *node; /* a map */
};

/* *to = a member's text; absent when it is not there, null or empty. 0, or -1 when it is no scalar.
 */
int kubeconfig_text(const struct kubeconfig_map *m, const char *key, struct str *to,
                    struct err *e) AR_MUST_CHECK;
/* The same for true and false; false when it is not there. */
int kubeconfig_bool(const struct kubeconfig_map *m, const char *key, bool *to,
                    struct err *e) AR_MUST_CHECK;
/* The member's value, which must be of this kind; NULL when it is not there or null. */
int kubeconfig_node(const struct kubeconfig_map *m, const char *key, enum yaml_kind kind,
                    const struct yaml_node **to, struct err *e) AR_MUST_CHECK;
/* ERR_CONFIG with file and line of a member. Returns -1. */
int kubeconfig_fail(const struct kubeconfig_map *m, const char *key, struct err *e, const char *fmt,
                    ...) AR_PRINTF(4, 5);

/* *to = what a file holds, whose path may be relative to the map's file. */
int kubeconfig_read(const struct kubeconfig_map *m, const char *key, struct str path,
                    struct str *to, struct err *e) AR_MUST_CHECK;
/* *to = the member <key>-data, decoded, else the file that <key> names; absent: neither is there.
 */
int kubeconfig_pem(const struct kubeconfig_map *m, const char *key, struct str *to,
                   struct err *e) AR_MUST_CHECK;
/* *to = the path, made relative to where the program runs. */
int kubeconfig_path(const struct kubeconfig_map *m, struct str path, struct str *to,
                    struct err *e) AR_MUST_CHECK;

/* Reads a file into the arena. 0, or -1: "<path>: <why>". */
int kubeconfig_slurp(struct arena *arena, const char *path, struct str *to,
                     struct err *e) AR_MUST_CHECK;
/* *token = the file's text without the white space round it, which must be a token. */
int kubeconfig_token_file(struct arena *arena, const char *path, struct str *token,
                          struct err *e) AR_MUST_CHECK;

int kubeconfig_no_memory(struct err *e);

/* The entry of a user: tokens, certificates, a program. */
int kubeconfig_user(const struct kubeconfig_map *user, struct kubeconfig *k,
                    struct err *e) AR_MUST_CHECK;

/* What a pod has. *in: is this one? */
int kubeconfig_pod(const char *dir, struct arena *arena, struct kubeconfig *k, bool *in,
                   struct err *e) AR_MUST_CHECK;

#endif
