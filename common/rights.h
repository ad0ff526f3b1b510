/* SPDX-License-Identifier: MIT */
/* What somebody may do with a job that he sees: one table. Pure; any thread. */
#ifndef AR_RIGHTS_H
#define AR_RIGHTS_H

#include "job.h"
#include "who.h"

/* May he create this job, as far as that shows without a look at the others? `rules` are those that
 * its data is read by (conf_queue.rules). 0, or -1 and ERR_FORBIDDEN with a pointer. */
int rights_create(const struct who *w, struct str rules, const struct job_new *n,
                  struct err *e) AR_MUST_CHECK;

/* May he change this job, which he sees, in this way? The order among the jobs of others is asked
 * elsewhere (store_order_own.c). 0, or -1 and ERR_FORBIDDEN with a pointer. */
int rights_change(const struct who *w, struct str rules, const struct job *j,
                  const struct job_change *c, struct err *e) AR_MUST_CHECK;

#endif
