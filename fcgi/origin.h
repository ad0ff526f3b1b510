/* SPDX-License-Identifier: MIT */
/*
 * From which web page a change comes. Where nobody is asked who he is (auth: none), any page that
 * is open in a browser on a machine that we serve could post to us; and with a name of its own that
 * it lets point here ("DNS rebinding") it would even be of our own origin. Browsers say of
 * themselves where a request comes from, and a page cannot change that: so these are believed, and
 * programs, which say nothing, are left alone. Pure; any thread.
 */
#ifndef AR_ORIGIN_H
#define AR_ORIGIN_H

#include "err.h"

/* Headers as they came; absent where they did not. */
struct origin {
    struct str origin; /* Origin (RFC 6454) */
    struct str site;   /* Sec-Fetch-Site (Fetch Metadata) */
    struct str host;   /* Host */
};

/*
 * May a page from there change something here? Its Sec-Fetch-Site says so (same-origin; none: the
 * user's own doing), or else its Origin is what Host says, but for the scheme's own port. With
 * `open` (auth: none) the origin must moreover be one that nobody else can have made point here:
 * https, an address, localhost, or a name without a dot or of a domain that is never public.
 * 0, or -1 and ERR_FORBIDDEN.
 */
int origin_check(const struct origin *o, bool open, struct err *e) AR_MUST_CHECK;

#endif
