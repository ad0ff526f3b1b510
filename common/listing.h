/* SPDX-License-Identifier: MIT */
/* Lists of jobs as they are asked for: which jobs, and how a list is told from others. Pure; any
 * thread. */
#ifndef AR_LISTING_H
#define AR_LISTING_H

#include "store.h"

/* "queued,held" → bits (store_filter); they are added to what is there. 0, or -1 and
 * ERR_BAD_REQUEST. */
int listing_statuses(struct str words, unsigned *statuses, struct err *e) AR_MUST_CHECK;

/* Appends what tells this list, as this person sees it, from every other: for cursors (page.h) and
 * tags. 0, or -1 and *e: no memory, or more than LISTING_NAME_MAX bytes. */
enum { LISTING_NAME_MAX = 1 << 20 };
int listing_name(const struct store_filter *f, const struct who *who, struct buf *b,
                 struct err *e) AR_MUST_CHECK;

#endif
