/* SPDX-License-Identifier: MIT */
/* URLs, by libcurl's own parser: whatever else reads a URL may understand another host than the one
 * that is called. Pure but for memory; any thread. */
#ifndef AR_URL_H
#define AR_URL_H

#include "buf.h"

enum { URL_TEXT_MAX = 8192, URL_HOST_MAX = 256, URL_ORIGIN_MAX = 280 };

struct url {
    struct buf text;         /* the whole, as libcurl writes it: what httpc is given */
    char host[URL_HOST_MAX]; /* letters in lower case, digits, "-", "_" and "."; percent-decoded,
                                no dot at its end; an IPv6 address without [ ] and zone */
    char origin[URL_ORIGIN_MAX]; /* "https://host:8443"; the scheme's own port is left out */
    int port;                    /* 1..65535; the scheme's own unless it names one */
    bool tls;                    /* https */
};

/*
 * Resolves a reference against a base (RFC 3986; absent: the reference must be absolute). 0 and *u
 * (url_free), or -1: ERR_INVALID with a sentence (no URL, neither http nor https, user info, no
 * host or one that is no ASCII name, a zone, too long, a NUL), ERR_INTERNAL; there is nothing to
 * free then. `what`, for errors, is what the reference is: "the callback".
 */
int url_resolve(struct str base, struct str reference, const char *what, struct url *u,
                struct err *e) AR_MUST_CHECK;
void url_free(struct url *u);

#endif
