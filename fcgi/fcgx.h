/* SPDX-License-Identifier: MIT */
/*
 * FastCGI, by libfcgi: one connection that the web server keeps, over which requests come one after
 * the other. This is the only file that knows libfcgi. A connection belongs to one thread at a
 * time. All calls block for at most the socket's own time limits, and for a slow reader (slow.h).
 */
#ifndef AR_FCGX_H
#define AR_FCGX_H

#include "http.h"
#include "slow.h"

struct fcgx;

/* Prepares the library. Once, before threads start. 0, or -1 and *e. */
int fcgx_init(struct err *e) AR_MUST_CHECK;

/* Takes over an accepted, blocking socket; it is closed by fcgx_free, and also when this fails
 * (NULL: no memory). `slow` outlives it. */
struct fcgx *fcgx_new(int fd, struct slow *slow);
void fcgx_free(struct fcgx *c);

/* The socket; -1 once the library has closed it. */
int fcgx_fd(const struct fcgx *c);

/* Reads the head of the request that has begun to come in. 0; or -1: the connection is of no more
 * use. */
int fcgx_accept(struct fcgx *c) AR_MUST_CHECK;

/* Carries an exchange over the request that was accepted; `link` is the struct fcgx. */
extern const struct http_carrier fcgx_carrier;

/* Takes what is left of the request's body. False: it has no end; fcgx_finish will say so, too. */
bool fcgx_rest(struct fcgx *c) AR_MUST_CHECK;

/* Ends the request: takes what is left of its body, sends what is left of the answer. True: the web
 * server keeps the connection for its next request; else it is of no more use. */
bool fcgx_finish(struct fcgx *c) AR_MUST_CHECK;

#endif
