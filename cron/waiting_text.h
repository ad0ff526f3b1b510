/* SPDX-License-Identifier: MIT */
/* The demand that waits for a queue's capacity, as JSON for a program of the operator's. */
#ifndef AR_WAITING_TEXT_H
#define AR_WAITING_TEXT_H

#include "conf.h"
#include "store_pass.h"

enum { WAITING_TEXT_MAX = 16 << 20, WAITING_TEXT_GROUPS = 1000 };

/* Appends {"queue": …, "waiting": [{"type", "scope", "first", "since", "instances": [{"count",
 * "resources"}]}], "more": bool}: a group of jobs that ask for the same is one element; no more
 * than WAITING_TEXT_GROUPS, and `more` says whether there are others. 0, or -1 and *e. */
int waiting_text(const struct conf *conf, struct store *store, const struct conf_queue *queue,
                 struct buf *b, struct err *e) AR_MUST_CHECK;

#endif
