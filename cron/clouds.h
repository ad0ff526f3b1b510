/* SPDX-License-Identifier: MIT */
/*
 * OpenStack credentials as OpenStack's own client has them: of a cloud named in clouds.yaml (with
 * secure.yaml over it), or of the OS_ variables when no cloud is named. A variable does not
 * override what clouds.yaml says.
 */
#ifndef AR_CLOUDS_H
#define AR_CLOUDS_H

#include "conf.h"
#include "httpc.h"

enum cloud_method {
    CLOUD_PASSWORD,
    CLOUD_CREDENTIAL, /* an application credential; its scope is its own */
    CLOUD_TOKEN
};

/* Something of Keystone's; name or id. Both absent: not given. */
struct cloud_ref {
    struct str id, name;
};

/* All texts are NUL-terminated. */
struct cloud {
    struct str about;    /* "cloud mycloud", or "the OS_ variables" */
    struct str auth_url; /* ends in /v3 */
    enum cloud_method method;
    struct cloud_ref user, user_domain;
    struct str password;
    struct cloud_ref project, project_domain;
    bool whole_system; /* the scope is the system; else the project */
    struct cloud_ref credential;
    struct str secret; /* the application credential's */
    struct str token;
    struct str region;             /* absent: the only one */
    struct str interface;          /* public, internal or admin */
    struct str placement, compute; /* instead of what Keystone's catalog says; absent: as there */
    struct httpc_tls tls;
    void *memory; /* what all of this lives in */
};

enum { CLOUD_SECRETS = 3 };

/* Finds and reads the credentials of a queue. 0 and *cloud (cloud_free), or -1: ERR_CONFIG, naming
 * file, line and key or the variable, never a secret. Reads files and the environment. */
int cloud_find(const struct conf_source *source, struct cloud **cloud, struct err *e) AR_MUST_CHECK;

/* Wipes the secrets. NULL is fine. */
void cloud_free(struct cloud *cloud);

/* What must never be shown; absent where there is none. */
void cloud_secrets(const struct cloud *cloud, struct str secret[CLOUD_SECRETS]);

#endif
