/* SPDX-License-Identifier: MIT */
/*
 * Polls: when each source is read. One that asks somebody is read when somebody knocked, but never
 * for more than half of the time, and otherwise every `poll` while jobs wait for it, and now and
 * then while none does. One that asks nobody is read for each pass. For the dispatcher's thread.
 */
#ifndef AR_POLLS_H
#define AR_POLLS_H

#include "pass.h"

struct polls;

/* 0 and *p (polls_close), or -1: ERR_INTERNAL. Conf and store must outlive it. `once`: for a run
 * that ends when nothing is left to do; each source is read once, and again when that is wanted
 * only: where there are many of them, there would always be one that is being read. */
int polls_open(const struct conf *conf, struct store *store, bool once, struct polls **p,
               struct err *e) AR_MUST_CHECK;
void polls_close(struct polls *p);

/* Can be read when a reading has come since the last polls_hush. */
int polls_fd(const struct polls *p);
void polls_hush(struct polls *p);

/* All sources are to be read soon. */
void polls_want(struct polls *p);

/* Starts reading those whose time has come. */
void polls_start(struct polls *p);

/* Has a reading come that no pass has had? Then there is something to plan. */
bool polls_come(const struct polls *p);

/* The readings for a pass: those that have come, and, with `all`, those of the sources that ask
 * nobody. They hold until polls_done, which must follow the pass. polls_news is the pass's news
 * function, its ctx the polls: it has questions answered. */
struct source_reading *const *polls_take(struct polls *p, bool all);
void polls_news(void *ctx, const struct pass_news *news);
void polls_done(struct polls *p);

/* When polls_start has something to do next (clock_mono's); INT64_MAX: only after a reading has
 * come. */
int64_t polls_next(const struct polls *p);

/* Is a reading under way, or wanted, or has one come? */
bool polls_busy(const struct polls *p);

#endif
