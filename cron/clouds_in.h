/* SPDX-License-Identifier: MIT */
/* What the files of clouds.c share: a cloud's settings as they were found, each with its place. */
#ifndef AR_CLOUDS_IN_H
#define AR_CLOUDS_IN_H

#include "arena.h"
#include "yaml_in.h"

enum clouds_key {
    CLOUDS_AUTH_TYPE,
    CLOUDS_AUTH_URL,
    CLOUDS_USER_ID,
    CLOUDS_USER_NAME,
    CLOUDS_PASSWORD,
    CLOUDS_USER_DOMAIN_ID,
    CLOUDS_USER_DOMAIN_NAME,
    CLOUDS_PROJECT_ID,
    CLOUDS_PROJECT_NAME,
    CLOUDS_PROJECT_DOMAIN_ID,
    CLOUDS_PROJECT_DOMAIN_NAME,
    CLOUDS_DEFAULT_DOMAIN_ID,
    CLOUDS_DEFAULT_DOMAIN_NAME,
    CLOUDS_DOMAIN_ID,
    CLOUDS_DOMAIN_NAME,
    CLOUDS_SYSTEM_SCOPE,
    CLOUDS_CREDENTIAL_ID,
    CLOUDS_CREDENTIAL_NAME,
    CLOUDS_CREDENTIAL_SECRET,
    CLOUDS_TOKEN,
    CLOUDS_REGION,
    CLOUDS_INTERFACE,
    CLOUDS_CACERT,
    CLOUDS_CERT,
    CLOUDS_CERT_KEY,
    CLOUDS_VERIFY,
    CLOUDS_INSECURE,
    CLOUDS_PLACEMENT,
    CLOUDS_COMPUTE,
    CLOUDS_PROFILE,
    CLOUDS_KEYS
};

/* One setting; text absent: it was not given. */
struct clouds_setting {
    struct str text;
    const char *name; /* of the key or the variable */
    const char *file; /* NULL: a variable */
    size_t line;
};

struct clouds_in {
    struct arena *arena;
    struct clouds_setting set[CLOUDS_KEYS];
    const char *cloud; /* NULL: from the environment */
    const char *file;  /* where the cloud stands */
    size_t line;
};

/* Fills in->set from the variables. 0, or -1. */
int clouds_from_variables(struct clouds_in *in, struct err *e) AR_MUST_CHECK;

/* Fills in->set from a cloud's mapping, as far as it is not filled yet. 0, or -1. */
int clouds_from_map(struct clouds_in *in, const char *file, const struct yaml_node *map,
                    struct err *e) AR_MUST_CHECK;

/* Finds the files and fills in->set with what they say of in->cloud. 0, or -1. */
int clouds_from_files(struct clouds_in *in, struct err *e) AR_MUST_CHECK;

/* *e: what is wrong with a setting, with its place. Returns -1. */
int clouds_refuse(const struct clouds_in *in, enum clouds_key key, struct err *e, const char *fmt,
                  ...) AR_PRINTF(4, 5);

/* *e: the setting is needed and not given. Returns -1. */
int clouds_missing(const struct clouds_in *in, enum clouds_key key, struct err *e);

/* *path = the path with a leading ~/ replaced by HOME. 0, or -1. */
int clouds_path(struct arena *a, struct str path, struct str *out, struct err *e) AR_MUST_CHECK;

#endif
