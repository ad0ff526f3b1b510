/* SPDX-License-Identifier: MIT */
/*
 * Delivery: the callbacks that are due, side by side, never two for one job; so many at once
 * overall, to one host and for one owner (lanes.h); none to a host that is paused. What matters is
 * in the database; here is only which tries are under way, and outcomes that are still to be
 * written. One thread.
 */
#ifndef AR_DELIVER_H
#define AR_DELIVER_H

#include "conf.h"
#include "store_pass.h"

struct deliver;

/* *conf and *store must outlive it. 0 and *d (deliver_close), or -1:
 * ERR_INTERNAL, ERR_UNAVAILABLE, ERR_CONFIG (secrets.h). */
int deliver_open(const struct conf *conf, struct store *store, struct deliver **d,
                 struct err *e) AR_MUST_CHECK;
/* Drops what is under way: those tries count as never made. */
void deliver_close(struct deliver *d);

/* Starts callbacks that are due, as far as the limits go. *next: when there is more to do by the
 * clock alone, ns since 1970; INT64_MAX: never. 0, or -1: the store's fault. */
int deliver_start(struct deliver *d, int64_t now, int64_t *next, struct err *e) AR_MUST_CHECK;

/* Moves the tries on as far as it goes without waiting, and writes what has ended, in one
 * transaction. -1: the store's fault; unless it is ERR_COMMIT_UNKNOWN (leave the process), the
 * outcomes are kept and written by a later call. One that cannot be written keeps no other back. */
int deliver_turn(struct deliver *d, struct err *e) AR_MUST_CHECK;

/* Waits until a try moves, a descriptor can be read, or `ns` have gone by. */
void deliver_wait(struct deliver *d, const int *fd, size_t fds, int64_t ns);

/* Tries that have not ended, or whose outcome is not written; without those of which that failed
 * again and again, which is tried once more every 30 s. */
size_t deliver_under_way(const struct deliver *d);

/* Jobs may have become due that deliver_start does not know of: by a pass, or by somebody who
 * knocked. */
void deliver_changed(struct deliver *d);

/* Has deliver_start not yet looked for them? A while may go by between two looks (its *next). */
bool deliver_unseen(const struct deliver *d);

/* Since the last call of this function. */
struct deliver_counts {
    int64_t tried, accepted, requeued, failed;
    int64_t finished; /* whatever came of it; written */
};
struct deliver_counts deliver_counts(struct deliver *d);

#endif
