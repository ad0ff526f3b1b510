/* SPDX-License-Identifier: MIT */
/* What is posted to a queue: one job, or an array of them that are created all or none. */
#ifndef AR_JOB_BATCH_H
#define AR_JOB_BATCH_H

#include "ownaddr.h"
#include "store.h"

struct job_batch {
    struct json_doc *doc;
    bool array;
    size_t jobs;
    struct job_new *job; /* [jobs]; the spans point into the document */
};

/* Reads and checks the JSON text; of the callbacks too whether they may be called. 0, or -1 and *e
 * with the place of what is wrong (ERR_BAD_REQUEST: the type); job_batch_free in either case. The
 * type must outlive the batch, which is {0} at first. Any thread. */
int job_batch_parse(const struct conf *conf, struct ownaddr *own, struct str type, struct str text,
                    struct job_batch *b, struct err *e) AR_MUST_CHECK;
void job_batch_free(struct job_batch *b);

/* In a write transaction: creates them in order, and writes them as they are then, as the text had
 * them: an object or an array. *last is the last one (store_create). 0, or -1 and *e. */
int job_batch_create(struct store *s, const struct job_batch *b, struct json_out *o,
                     struct clock_zone *zone, struct job *last, struct err *e) AR_MUST_CHECK;

#endif
