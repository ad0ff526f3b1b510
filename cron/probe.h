/* SPDX-License-Identifier: MIT */
/* --probe: how a callback would be called. */
#ifndef AR_PROBE_H
#define AR_PROBE_H

#include "conf.h"

/* Prints how a callback of a queue (type NULL: "*") is read, where its host is, what is said of
 * each address and what would be called, to stdout; sends nothing but the lookup of a name, for
 * which it blocks. The exit code: 0 it would be called; 1 not. The main thread, before others
 * start. */
int probe_run(const struct conf *conf, const char *callback, const char *type);

#endif
