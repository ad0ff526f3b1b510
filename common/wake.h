/* SPDX-License-Identifier: MIT */
/* Waking the dispatcher: a FIFO beside the database. Whoever commits work writes a byte; nobody
 * waits for anybody, and when no dispatcher listens the byte is simply not sent. */
#ifndef AR_WAKE_H
#define AR_WAKE_H

#include "err.h"

/* Dispatcher: makes the FIFO (0660) when it is missing and opens it for reading, non-blocking,
 * never at end of file: *fd, or -1 and *e. */
int wake_listen(const char *path, int *fd, struct err *e) AR_MUST_CHECK;
/* Dispatcher: takes away all bytes that are there. */
void wake_drain(int fd);

/* Anybody: *fd = -1 (nobody listens yet) at first; opens when needed. One thread at a time for one
 * *fd. Never fails, never waits. */
void wake_send(const char *path, int *fd);

#endif
