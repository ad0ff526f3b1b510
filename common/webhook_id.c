/* SPDX-License-Identifier: MIT */
/* The name of a callback's message: msg_<instance>_<job>_<admission>, nothing of the client's. */
#include "webhook_id.h"

#include <stdio.h>

void webhook_id(char text[WEBHOOK_ID_MAX], const char *instance, int64_t job_id, int64_t admission)
{
    (void)snprintf(text, WEBHOOK_ID_MAX, "msg_%.16s_%lld_%lld", instance, (long long)job_id,
                   (long long)admission);
}
