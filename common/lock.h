/* SPDX-License-Identifier: MIT */
/* Lock files by flock(2): they end with the process that holds them, however it ends. O_CLOEXEC, so
 * that no child keeps one. */
#ifndef AR_LOCK_H
#define AR_LOCK_H

#include "err.h"

/* Opens (creates, 0660) the file without locking it: *fd, or -1 and ERR_UNAVAILABLE. One that root
 * makes beside a database is its owner's (db_file_give). */
int lock_open(const char *path, int *fd, struct err *e) AR_MUST_CHECK;

/* Takes the lock, waiting at most until `deadline` (clock_mono ns; 0: not at all). 1 taken, 0
 * somebody else has it, -1 and *e on a fault. */
int lock_take(int fd, int64_t deadline, struct err *e) AR_MUST_CHECK;
void lock_release(int fd);

#endif
