/* SPDX-License-Identifier: MIT */
/* The service: a few threads that answer many kept connections, and its clean stop. */
#ifndef AR_WORKER_H
#define AR_WORKER_H

#include "conf.h"
#include "listen.h"

/* Serves on the listener until SIGTERM or SIGINT, which the caller has blocked
 * (signals_block), or until a commit's fate is unknown. Then what is under way is finished,
 * within 5 s. Returns 0 for a clean stop by a signal, 1 for any other end (logged). Uses the
 * calling thread; returns after all threads have ended, or does not return at all when one hangs
 * (the process exits). */
int worker_serve(const struct conf *conf, struct listener *l);

#endif
