/* SPDX-License-Identifier: MIT */
/* The name of a callback's message, as its header webhook-id has it and GET …/deliveries shows it.
 * Pure; any thread. */
#ifndef AR_WEBHOOK_ID_H
#define AR_WEBHOOK_ID_H

#include "base.h"

enum { WEBHOOK_ID_MAX = 64 };

/* Writes the text, which is the same on every try of one admission of one job. `instance`: the
 * database's own name, of 16 characters (store_instance). */
void webhook_id(char text[WEBHOOK_ID_MAX], const char *instance, int64_t job_id, int64_t admission);

#endif
