/* SPDX-License-Identifier: MIT */
/*
 * The store: bearer tokens. A token is "ant_<id>_<secret>"; what is kept of it is its SHA-256. Same
 * rules as store.h.
 */
#ifndef AR_STORE_TOKEN_H
#define AR_STORE_TOKEN_H

#include "store.h"

enum {
    STORE_TOKEN_NAME_MAX = 64, /* A-Z a-z 0-9 . _ - @ */
    STORE_TOKEN_MAX = 80       /* bytes of a token, the NUL included */
};

struct store_token {
    int64_t id;
    struct str name;
    const unsigned char *digest; /* [STORE_DIGEST] */
    struct str role;             /* "admin", "reader", "owner" */
    struct str owners;           /* of "owner": a JSON array, sorted; else "[]" */
    int64_t created_at, expires_at;
};

/* 1 and *t, 0: there is none with this id, -1. */
int store_token_get(struct store *s, int64_t id, struct store_token *t,
                    struct err *e) AR_MUST_CHECK;

/* All, by name. fn returns 0 to go on, -1 and *e to stop. Spans hold during the call. */
typedef int store_token_fn(void *ctx, const struct store_token *t, struct err *e);
int store_tokens(struct store *s, store_token_fn *fn, void *ctx, struct err *e) AR_MUST_CHECK;

/* In a write transaction: makes a token with the name, role, owners and times of *t, and writes it,
 * which is nowhere else. -1: ERR_INVALID (the name is taken). */
int store_token_add(struct store *s, const struct store_token *t, char token[STORE_TOKEN_MAX],
                    struct err *e) AR_MUST_CHECK;

/* In a write transaction: the token counts no more. -1: ERR_NOT_FOUND. */
int store_token_revoke(struct store *s, struct str name, struct err *e) AR_MUST_CHECK;

/* The id that a text names which looks like a token; 0: it does not. Pure. */
int64_t store_token_id(struct str token);

#endif
