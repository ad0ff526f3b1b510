/* SPDX-License-Identifier: MIT */
/* Signals as something to be read, for work that is to end in order. */
#ifndef AR_SIGNALS_H
#define AR_SIGNALS_H

#include "err.h"

/* Blocks these signals for this thread and those that it begins, and returns a descriptor that has
 * them, close-on-exec and non-blocking; -1 and *e. `n` numbers. */
int signals_open(const int *number, size_t n, struct err *e) AR_MUST_CHECK;

/* The next one that came; 0: none has. */
int signals_take(int fd);

#endif
