/* SPDX-License-Identifier: MIT */
/*
 * Calls URLs on behalf of strangers. The host is looked up by threads of our own, each address is
 * judged (netguard.h), the request is pinned to those that may be called, and judged again at every
 * connect and before every request on a kept connection. One thread at a time for one struct
 * caller.
 */
#ifndef AR_CALLER_H
#define AR_CALLER_H

#include "httpc.h"
#include "netguard.h"
#include "url.h"

struct caller;

struct caller_options {
    size_t keep;           /* connections that are kept open for reuse */
    struct str nameserver; /* conf_callback.nameserver; absent: the system's */
    struct str ca_file; /* conf_callback.ca_file, must outlive the caller; absent: the system's */
};

/* 0 and *c (caller_close), or -1: ERR_INTERNAL, ERR_CONFIG (the name server is none, the
 * authorities cannot be read). */
int caller_open(const struct caller_options *o, struct caller **c, struct err *e) AR_MUST_CHECK;
/* Drops what is under way, without a word to anybody. */
void caller_close(struct caller *c);

struct caller_request {
    const struct url *url; /* copied */
    const struct netguard_rules
        *rules;       /* copied, but for its networks and ports: they must outlive
                        the request; `own` is this machine's, whatever stands there */
    struct str group; /* whose lookups share the threads fairly: the owner; copied */
    struct str body;  /* copied */
    size_t headers;
    const char *header[HTTPC_HEADERS_MAX]; /* "name: value"; copied */
    int64_t timeout, connect_timeout;      /* ns; timeout is for all of it, the lookup included */
    size_t keep, read;                     /* bytes of the answer: httpc.h */
    size_t tag;
};

/* 0, or -1: ERR_INTERNAL. The request is under way when this returns. */
int caller_start(struct caller *c, const struct caller_request *r, struct err *e) AR_MUST_CHECK;

/* How one ended: as httpc.h has it. A refused address and a name that is not found are answers with
 * status 0 and an error that says so, unsent. */
void caller_turn(struct caller *c, httpc_done_fn *fn, void *ctx);
void caller_wait(struct caller *c, const int *fd, size_t fds, int64_t ns);

#endif
