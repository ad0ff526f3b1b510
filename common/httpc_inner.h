/* SPDX-License-Identifier: MIT */
/* What the files of httpc share: one request, and the judge of the addresses that it reaches. */
#ifndef AR_HTTPC_INNER_H
#define AR_HTTPC_INNER_H

#include <curl/curl.h>

#include "httpc.h"

struct httpc_guard {
    const struct netguard_rules *rules; /* NULL: nothing is judged */
    struct curl_slist *pin;             /* ours */
    bool opened;                        /* it has a connection of its own */
    bool stale;                         /* the kept connection that it was given is not for it */
    struct err refusal;                 /* why an address was not called; code ERR_NONE: none was
                                           refused */
};

/* Lets *g judge whatever libcurl's handle `easy` reaches; both live until the request has ended.
 * pin: as in httpc_request. False: no memory. */
bool httpc_guard_begin(void *easy, struct httpc_guard *g, const char *pin);
void httpc_guard_end(struct httpc_guard *g);

/* One request: an easy handle with its answer so far. */
struct transfer {
    struct transfer *next, **link; /* link points at whatever points here */
    CURL *easy;
    struct curl_slist *headers;
    size_t tag, keep, read, seen;
    size_t head; /* bytes of heads so far */
    struct buf body;
    char retry_after[HTTPC_ANSWER_HEADER_MAX];
    bool has_retry_after;
    bool cut; /* we ended it: enough was read */
    struct httpc_guard guard;
    int64_t timeout;              /* since `started` */
    int64_t limit, connect_limit; /* as libcurl has them: since its (new) beginning */
    bool again;                   /* this is its second beginning */
    const char *wanted_name;
    struct buf wanted;
    httpc_sink_fn *sink;
    void *sink_ctx;
    int64_t started;
    char error[CURL_ERROR_SIZE];
};

/* As the request has it, and not begun. NULL: no memory. */
struct transfer *transfer_new(const struct httpc_request *r);
void transfer_free(struct transfer *t);
/* Tells how it ended. */
void transfer_report(struct transfer *t, CURLcode code, httpc_done_fn *fn, void *ctx);
/* Sets how long it may still take, in ns from its (new) beginning. False: libcurl refuses. */
bool transfer_limit(struct transfer *t, int64_t timeout);
/* Gives it so many ns more, to connect as well. */
void transfer_extend(struct transfer *t, int64_t ns);

#endif
