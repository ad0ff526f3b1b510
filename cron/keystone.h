/* SPDX-License-Identifier: MIT */
/*
 * Keystone: the token with which the other services are asked, and where they are. A token is kept
 * in a private file between runs, and renewed before it ends. Its life is the one that Keystone
 * gives it, counted from when it came: how right our clock is does not matter. One thread at a
 * time.
 */
#ifndef AR_KEYSTONE_H
#define AR_KEYSTONE_H

#include "clouds.h"

enum keystone_service { KEYSTONE_PLACEMENT, KEYSTONE_COMPUTE, KEYSTONE_SERVICES };

struct keystone_token {
    struct str text;
    struct str user;                        /* its name */
    struct str project, project_id;         /* absent: the scope is the system */
    struct str roles;                       /* their names: "admin, member" */
    struct str endpoint[KEYSTONE_SERVICES]; /* without a slash at the end; absent: the catalog has
                                               none for the cloud's region and interface */
    int64_t came, renew;                    /* ns since 1970 by our clock */
    void *memory;
};

/* As errors name it: "Placement", "Nova". */
const char *keystone_word(enum keystone_service service);

struct keystone;

/* `directory` is where tokens are kept. The cloud must outlive it. 0 and *k (keystone_close), or
 * -1: ERR_INTERNAL. Asks nobody. */
int keystone_open(const struct cloud *cloud, struct str directory, struct keystone **k,
                  struct err *e) AR_MUST_CHECK;
void keystone_close(struct keystone *k);

/* *token = a token that lasts for a while: the one at hand, the one that was kept, or else (with
 * `renew` in any case) a new one that Keystone is asked for. It holds until the next call. 0, or
 * -1: ERR_UNAVAILABLE. */
int keystone_token(struct keystone *k, struct httpc *h, const struct until *until, bool renew,
                   const struct keystone_token **token, struct err *e) AR_MUST_CHECK;

/* What tells this identity from others: the same text for the same user, scope, region and
 * interface of the same Keystone. */
struct str keystone_identity(const struct keystone *k);

/* ---- for keystone's own files ---- */

/* Appends the body of the request for a token. */
void keystone_write_auth(const struct cloud *cloud, struct buf *b);

/* Reads the body of the answer and its header with the token. 0 and *token (keystone_token_free),
 * or -1: ERR_UNAVAILABLE. */
int keystone_token_read(struct str body, struct str text, const struct cloud *cloud, int64_t now,
                        struct keystone_token **token, struct err *e) AR_MUST_CHECK;
void keystone_token_free(struct keystone_token *t);

/* Is it to be used at this moment? */
bool keystone_token_lasts(const struct keystone_token *t, int64_t now);

/* As it is kept, and back. NULL: the text is damaged. */
void keystone_token_write(const struct keystone_token *t, struct buf *b);
struct keystone_token *keystone_token_parse(struct str text) AR_MUST_CHECK;

#endif
