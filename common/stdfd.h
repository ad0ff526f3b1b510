/* SPDX-License-Identifier: MIT */
/* Descriptors 0 to 2: open from the start, so that nothing that we open becomes standard input,
 * output or error, a database or a FIFO that the log is then written to. */
#ifndef AR_STDFD_H
#define AR_STDFD_H

/* Opens /dev/null in place of those that are closed. First thing in main, before threads. */
void stdfd_fill(void);

#endif
