/* SPDX-License-Identifier: MIT */
/* The guard over the clean stop: a thread that sees to it that the process ends in time, whatever
 * hangs. */
#ifndef AR_GUARD_H
#define AR_GUARD_H

#include "conn.h"

struct guard;

/* From now on: after 3 s all connections of the set are cut, after 4.5 s the process exits with
 * `status`. *set may be NULL and must live until guard_end. NULL, logged, when there can be no
 * guard. */
struct guard *guard_start(struct conn_set *set, int status);
/* All is well; of NULL: nothing to do. */
void guard_end(struct guard *g);

#endif
