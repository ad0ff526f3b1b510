/* SPDX-License-Identifier: MIT */
/* What the files of the door share among themselves. Nobody else includes this. */
#ifndef AR_AUTH_INNER_H
#define AR_AUTH_INNER_H

#include "auth.h"

struct auth_rate;
struct auth_keystone;

struct auth {
    const struct conf *conf;
    struct auth_rate *rate;         /* NULL: requests are not counted */
    struct auth_keystone *keystone; /* NULL: not asked */
};

/* Finds out who asks: 0 and x->who (http_is), or -1. */
typedef int auth_method(struct auth_seat *seat, struct http *x, struct err *e);
auth_method auth_none, auth_tokens, auth_keystone;

/* The token of a request, as the header says it. 0, or -1: ERR_UNAUTHORIZED (there is none),
 * ERR_BAD_REQUEST. */
int auth_header_token(const struct http *x, struct str *token, struct err *e) AR_MUST_CHECK;

#endif
