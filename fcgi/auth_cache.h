/* SPDX-License-Identifier: MIT */
/* What is known of tokens that were asked about, by their SHA-256, in a table of a fixed size. The
 * caller's lock guards it. */
#ifndef AR_AUTH_CACHE_H
#define AR_AUTH_CACHE_H

#include "digest.h"
#include "who.h"

struct auth_cache;

struct auth_known {
    enum err_code code;    /* ERR_NONE: he is let in as `who`; else he is refused with it */
    const struct who *who; /* of ERR_NONE */
    int64_t until;         /* clock_mono's: when it must be asked again */
    int64_t expires;       /* clock_now's: when the token ends */
};

/* Keeps about `most` tokens. 0 and *c (auth_cache_close), or -1: ERR_INTERNAL. */
int auth_cache_open(size_t most, struct auth_cache **c, struct err *e) AR_MUST_CHECK;
void auth_cache_close(struct auth_cache *c);

/* NULL: not known, or no longer. Holds until the next auth_cache_put. */
const struct auth_known *auth_cache_find(const struct auth_cache *c,
                                         const unsigned char digest[DIGEST_SHA256], int64_t mono,
                                         int64_t now);

/* Copies *known; in place of one that has to be asked about soonest where there is no room. Without
 * memory nothing is remembered. */
void auth_cache_put(struct auth_cache *c, const unsigned char digest[DIGEST_SHA256],
                    const struct auth_known *known);

#endif
