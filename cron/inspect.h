/* SPDX-License-Identifier: MIT */
/* The dispatcher's modes that write nothing to the database; their text goes to stdout.
 * One thread. */
#ifndef AR_INSPECT_H
#define AR_INSPECT_H

#include "conf.h"

/* What a pass would do now, as pass_show has it. 0, or -1 and *e. */
int inspect_show(const struct conf *conf, struct err *e) AR_MUST_CHECK;

/* A line each for the configuration, the database and every source, whether they are good or not.
 * 0: all are; -1 and *e: some are not. */
int inspect_check(const struct conf *conf, struct err *e) AR_MUST_CHECK;

#endif
