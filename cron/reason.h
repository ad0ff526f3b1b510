/* SPDX-License-Identifier: MIT */
/* Reasons: what a plan's verdict on a group is called, and what it says to a person, with numbers.
 * The same situation always gives the same text. Pure but for memory. */
#ifndef AR_REASON_H
#define AR_REASON_H

#include "limits.h"

/* Sums over the hosts of each scope, counted when first asked for. */
struct reason_sums;
struct reason_sums *
reason_sums_new(const struct waiting *w) AR_MUST_CHECK; /* NULL without memory; reason_sums_free */
void reason_sums_free(struct reason_sums *s);

/* Longest message: a few kinds with a few resources each; the rest is counted, not listed. */
enum { REASON_MESSAGE_MAX = 8192 };

/* The reason of group g after the plan, one of job.h's words, with its message appended to b; NULL:
 * nothing is to be said (all admitted, or the pass has not come to it). Call when the plan has
 * taken what it admitted off w->capacity->free. */
const char *reason_of(const struct waiting *w, struct reason_sums *s, const struct limits *l,
                      const struct plan_out *plan, size_t g, struct buf *b);

/* The same for a queue whose source has no capacity to give. */
const char *reason_no_capacity(const struct source_reading *r, struct buf *b);

#endif
