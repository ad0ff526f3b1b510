/* SPDX-License-Identifier: MIT */
/* The signals of the service: one that ends it, and one at which it opens its log anew. */
#ifndef AR_SIGNALS_H
#define AR_SIGNALS_H

#include "err.h"

/* Before threads start: they come to nobody but the descriptor. SIGPIPE is ignored, and
 * SIGXFSZ: a file that may not grow any more is a full disk. */
void signals_block(void);

/* A descriptor that is readable when one has come. 0 and *fd, or -1: ERR_INTERNAL. */
int signals_open(int *fd, struct err *e) AR_MUST_CHECK;

/* Takes one that has come. True: it asks for the end. */
bool signals_end(int fd);

#endif
