/* SPDX-License-Identifier: MIT */
/* May a callback of a queue be called, as far as is known when it is posted? Any thread. */
#ifndef AR_CALLBACK_H
#define AR_CALLBACK_H

#include "job.h"
#include "ownaddr.h"

/* By the queue's networks and ports, and this machine's addresses. 0, or -1 and ERR_INVALID at
 * /callback with the reason. */
int callback_judge(const struct conf *conf, struct ownaddr *own, const struct conf_queue *queue,
                   const struct job_target *target, struct err *e) AR_MUST_CHECK;

#endif
