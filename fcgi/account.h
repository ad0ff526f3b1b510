/* SPDX-License-Identifier: MIT */
/* What an exchange leaves behind once its answer is sent: numbers, and a line of the log. Any
 * thread. */
#ifndef AR_ACCOUNT_H
#define AR_ACCOUNT_H

#include "route.h"
#include "stats.h"

/* Call before the exchange is reset. `route`: NULL when it had none; `ns`: how long it took. */
void account(struct stats *stats, const struct route *route, const struct http *x, int64_t ns);

#endif
