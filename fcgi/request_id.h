/* SPDX-License-Identifier: MIT */
/* The id that a request goes by in the logs of the web server, of the service and of the
 * dispatcher. Any thread. */
#ifndef AR_REQUEST_ID_H
#define AR_REQUEST_ID_H

#include "base.h"

enum { REQUEST_ID_MAX = 64 };

/* The given id, if it is fit to be one (it goes into headers and log lines: letters, digits, and
 * "-", "_", ".", "@"), else a new one: 32 hex digits. */
void request_id_take(struct str given, char id[REQUEST_ID_MAX + 1]);

#endif
