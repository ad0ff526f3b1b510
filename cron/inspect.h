/* SPDX-License-Identifier: MIT */
/* What the dispatcher says without doing it: --dry-run, --check and --capacity, to the standard
 * output. */
#ifndef AR_INSPECT_H
#define AR_INSPECT_H

#include "dispatch.h"
#include "readers.h"

/* What the options ask for, which is one of the following. The exit code: 0, or 1 when it failed,
 * which is then in the log. */
int inspect_run(const struct conf *conf, const struct dispatch_options *o);

/* What a pass would do now. 0, or -1 and *e. */
int inspect_show(const struct conf *conf, struct err *e) AR_MUST_CHECK;

/* Is the database there, can each source be read, and what does it say of itself? 0: all is well;
 * -1: something is not, which has been printed, and *e. */
int inspect_check(const struct conf *conf, struct err *e) AR_MUST_CHECK;

/* What each source has, host by host, as a table or as JSON. 0, or -1 when one could not be read.
 */
int inspect_capacity(const struct conf *conf, bool json, struct err *e) AR_MUST_CHECK;

/* Reads all sources now, and waits for them: 0 and *r (readers_close), whose readings can be taken;
 * -1 and *e. */
int inspect_read(const struct conf *conf, struct readers **r, struct err *e) AR_MUST_CHECK;

/* The buffer to the standard output. */
int inspect_print(const struct buf *b, struct err *e) AR_MUST_CHECK;

#endif
