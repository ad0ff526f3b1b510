/* SPDX-License-Identifier: MIT */
/* What the files of httpc share: the judge of the addresses that one request reaches. */
#ifndef AR_HTTPC_INNER_H
#define AR_HTTPC_INNER_H

#include "netguard.h"

struct curl_slist;

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

#endif
