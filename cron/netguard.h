/* SPDX-License-Identifier: MIT */
/* Which URLs may be called. Judges the parts that the HTTP library itself has made of a URL, never
 * the text: two parsers never agree. Pure; any thread. */
#ifndef AR_NETGUARD_H
#define AR_NETGUARD_H

#include "err.h"

struct netguard_url {
    struct str scheme, user, password, host; /* absent: not in the URL */
};

/* 0, or -1 and ERR_INVALID with a sentence: the scheme is neither http nor https, there is user
 * info, there is no host. */
int netguard_check(const struct netguard_url *url, struct err *e) AR_MUST_CHECK;

#endif
