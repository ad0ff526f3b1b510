/* SPDX-License-Identifier: MIT */
/*
 * When somebody sets the clock.
 *
 * Times in the database are the wall clock's, since people read them and several programs must
 * agree. But the wall clock is set: by hand, by NTP an hour after a board without a clock of its
 * own has started in 1970, by a machine that wakes from its sleep. What ends after a quarter of an
 * hour would end at once, or tomorrow: all holds and all tries of callbacks at the same moment, or
 * none.
 *
 * So the database has, in one row, how far the wall clock was ahead of the time since the machine's
 * start (clock_mark), which nobody sets. Each write transaction compares the two first, before
 * anything is written by a new clock. Where they have moved apart by more than CLOCK_STEP, all that
 * Anteroom itself has set a time for moves by the difference, in that transaction: tries and holds
 * of callbacks, pauses of receivers, the end of what is held, readings, and since when jobs wait.
 * It is then as far away as it was before. Whoever comes first does it, service, dispatcher or
 * command; the others see that it is done.
 *
 * What does not move:
 *  - times that clients state: not_before, valid_until, the end of a token. They are moments;
 *  - what has happened: when a job was created, admitted, called, has ended, with its events and
 *    tries. It keeps the time that the clock said then. How long such things are kept is counted
 *    without the step: what is forward of it is not older for that (store_clock_ago).
 *
 * After another start of the machine nobody knows how far the clock has been set. When it is behind
 * what was noted last, no time has gone by since then, as far as one can tell: all moves back by
 * the difference. When it is ahead, the time has gone by. As a second defence, after each start and
 * each step, nothing is left further away than it can be at most: a hold not further than `hold`, a
 * pause not further than the longest.
 *
 * For the same reasons a time that was taken before a transaction must not be written in it:
 * store_now is the transaction's own.
 */
#ifndef AR_STORE_CLOCK_H
#define AR_STORE_CLOCK_H

#include "clock.h"
#include "store.h"

/* In a write transaction: now, by the clock that the database goes by. The same moment for all of
 * the transaction. */
int64_t store_now(const struct store *s);

/* Has the clock been set since this store last looked, or has it never looked? Asks the clocks
 * only. A write transaction, which may be empty, sees to it. */
bool store_clock_moved(const struct store *s);

/* How far the clock has been set since the store was opened, all steps added up, as far as its
 * write transactions have followed. What a process remembers moves by what this has grown. */
int64_t store_clock_shifted(const struct store *s);

/* In a read transaction, asked last: was `now`, taken since the last write transaction or
 * store_clock_moved, read from the clock that this snapshot goes by? 1; 0: the clock was set
 * meanwhile, and nothing can be said about what is due, until a write transaction has seen to it;
 * -1. */
int store_clock_agrees(struct store *s, struct err *e) AR_MUST_CHECK;

/* A moment that was taken when the clock was `ahead` (clock_mark), by the clock of today. */
int64_t store_clock_since(const struct store *s, int64_t moment, int64_t ahead);

#endif
