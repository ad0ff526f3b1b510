/* SPDX-License-Identifier: MIT */
/*
 * Requests a minute of each owner: a bucket each, that holds a minute's worth and fills all the
 * time. The table of buckets has a fixed size. Any thread.
 */
#ifndef AR_AUTH_RATE_H
#define AR_AUTH_RATE_H

#include "clock.h"
#include "who.h"

struct auth_rate;

/* per_minute: 1 to 10^9. 0 and *r (auth_rate_close), or -1: ERR_INTERNAL. */
int auth_rate_open(int64_t per_minute, struct auth_rate **r, struct err *e) AR_MUST_CHECK;
void auth_rate_close(struct auth_rate *r);

/* Takes one request out of the bucket of each of his owners, or none. `now`: clock_mono's. 0, or
 * -1: ERR_TOO_MANY and *wait, the whole seconds after which one would be let in. */
int auth_rate_take(struct auth_rate *r, const struct who *who, int64_t now, int64_t *wait,
                   struct err *e) AR_MUST_CHECK;

#endif
