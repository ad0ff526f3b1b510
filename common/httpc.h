/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests side by side, on libcurl's multi interface: start some, then turn until they have
 * ended. No proxy from the environment, no redirects, no .netrc, http and https only. One thread at
 * a time for one struct httpc. Its files and url.c alone include libcurl's header.
 */
#ifndef AR_HTTPC_H
#define AR_HTTPC_H

#include "buf.h"
#include "netguard.h"
#include "until.h"

struct httpc;

/* Keeps up to `keep` connections open for reuse. 0 and *h (httpc_close), or -1: ERR_INTERNAL. */
int httpc_open(size_t keep, struct httpc **h, struct err *e) AR_MUST_CHECK;
/* Drops what is under way, without a word to anybody. */
void httpc_close(struct httpc *h);

enum { HTTPC_HEADERS_MAX = 8, HTTPC_ANSWER_HEADER_MAX = 64, HTTPC_WANTED_MAX = 16384 };

/* How an https server is known, and how we are known to it. Texts hold while the request is under
 * way; PEM. {0}: by the system's authorities, and not at all. */
struct httpc_tls {
    bool unverified;      /* whoever answers is believed */
    const char *ca_file;  /* NULL: none */
    struct str ca;        /* absent: none; both: ca */
    struct str cert, key; /* the client's; absent: none */
};

/* Takes a piece of the body of a 2xx answer as it comes. 0, or -1: enough, which ends the request
 * as cut. */
typedef int httpc_sink_fn(void *ctx, const char *data, size_t n);

struct httpc_request {
    const char *url; /* as url_resolve made it */
    struct str body; /* p == NULL: GET, else POST; copied */
    size_t headers;
    const char *header[HTTPC_HEADERS_MAX]; /* "name: value"; copied */
    int64_t timeout, connect_timeout; /* ns; timeout is for all of it, connecting included. Time
                                         in which nobody turned or waited does not count */
    size_t keep;                      /* bytes of the answer's body that are kept */
    size_t read; /* bytes that are read at the most: then the answer is cut, which is no failure */
    size_t tag;  /* the caller's, comes back with the answer */
    const struct httpc_tls *tls; /* NULL: {0} */
    const char *wanted;          /* a header of the answer: its name; NULL: none */
    httpc_sink_fn *sink;         /* NULL: none; else it gets all of a 2xx answer's body, and `keep`
                                    counts for other answers only */
    void *sink_ctx;
    /* NULL: every address may be called. Else each is judged when it is connected to, and again
     * before a kept connection is used; a refused one is an answer with status 0 and an error that
     * says why. Holds while the request is under way, with all that it points at. */
    const struct netguard_rules *rules;
    const char *pin; /* where the URL's host is: "+host:port:address,[v6 address]"; NULL: libcurl
                        looks it up; copied */
};

/* 0, or -1: ERR_INTERNAL. The request is under way when this returns. */
int httpc_start(struct httpc *h, const struct httpc_request *r, struct err *e) AR_MUST_CHECK;

/* How one request ended. Spans hold during the call of the function that gets it. */
struct httpc_answer {
    size_t tag;
    int status; /* of a whole answer, or one cut at `read`; 0: there is none, and `error` says why
                 */
    const char *error;
    struct str body;        /* its first `keep` bytes */
    struct str retry_after; /* the header of this name; absent: none */
    struct str wanted;      /* the header that the request wanted; absent: none */
    struct str address;     /* "192.0.2.7:443", that was connected to; absent: none was */
    bool cut;               /* it was ended by us at `read`, or by the sink */
    bool unsent;            /* it did not begin (caller.h): this says nothing about the server */
    int64_t duration;       /* ns */
};
typedef void httpc_done_fn(void *ctx, const struct httpc_answer *a);

/* Moves everything on as far as it goes without waiting; calls fn for each request that has ended.
 * fn may start others. */
void httpc_turn(struct httpc *h, httpc_done_fn *fn, void *ctx);

/* Waits until something moves, one of the descriptors can be read, or `ns` have gone by. */
void httpc_wait(struct httpc *h, const int *fd, size_t fds, int64_t ns);

/* Turns until all requests have ended. 0, or -1 when `until` is over: what is then under way is
 * dropped without a word. */
int httpc_finish(struct httpc *h, const struct until *until, httpc_done_fn *fn,
                 void *ctx) AR_MUST_CHECK;

size_t httpc_under_way(const struct httpc *h);

/* Once in a process, before threads start: libcurl's own start. 0, or -1: ERR_INTERNAL. */
int httpc_init(struct err *e) AR_MUST_CHECK;

#endif
