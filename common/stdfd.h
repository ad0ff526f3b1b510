/* SPDX-License-Identifier: MIT */
/* Descriptors 0 to 2: open from the start, so that nothing that we open becomes standard input,
 * output or error, a database or a FIFO that the log is then written to. And how output ends. */
#ifndef AR_STDFD_H
#define AR_STDFD_H

#include "base.h"

/* Opens /dev/null in place of those that are closed. First thing in main, before threads. */
void stdfd_fill(void);

/* Ends what `program` prints on standard output; good: all of it was taken so far, or else errno
 * says why not. 0, or -1: it could not be written, which is said on standard error, unless whoever
 * read it has gone. */
int stdfd_end(const char *program, bool good);

#endif
