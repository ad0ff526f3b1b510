/* SPDX-License-Identifier: MIT */
/*
 * The readers: they read the sources of capacity while the dispatcher does other things. A source
 * that has to ask somebody has a thread of its own, so that one that hangs delays nobody else; any
 * other is read at once by whoever asks.
 *
 * A reading goes round: readers_ask → (it is read) → readers_take → readers_more, then (its
 * questions are answered) and readers_take again, or readers_drop. All functions are for one
 * thread, the dispatcher's.
 */
#ifndef AR_READERS_H
#define AR_READERS_H

#include "source.h"

struct readers;

/* A reader for each queue of the configuration, in its order. 0 and *r (readers_close), or -1:
 * ERR_INTERNAL. */
int readers_open(const struct conf *conf, struct readers **r, struct err *e) AR_MUST_CHECK;
/* Tells whoever reads to stop, and waits for it. NULL is fine. */
void readers_close(struct readers *r);

/* Can be read when a thread has brought a reading since the last readers_hush. */
int readers_fd(const struct readers *r);
void readers_hush(struct readers *r);

/* Wants a new reading of the queue, with the demand that waits for a program to see (absent: not
 * known; copied). Nothing happens while one is under way, or is taken. */
void readers_ask(struct readers *r, size_t queue, struct str waiting);

/* Has one come that was not taken? */
bool readers_came(const struct readers *r, size_t queue);

/* The reading that has come, or NULL. The caller's until readers_more or readers_drop. */
struct source_reading *readers_take(struct readers *r, size_t queue);

/* Has the questions answered; they are copied. The reading is the reader's again. */
void readers_more(struct readers *r, size_t queue, const struct source_question *q, size_t n);
void readers_drop(struct readers *r, size_t queue);

/* Is one under way, or has come and was not taken? */
bool readers_busy(const struct readers *r, size_t queue);

/* Waits until nothing is under way: for --check, --capacity and --dry-run. Sources have their own
 * time limits. */
void readers_wait(struct readers *r);

#endif
