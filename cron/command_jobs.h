/* SPDX-License-Identifier: MIT */
/* What the subcommands about jobs share. */
#ifndef AR_COMMAND_JOBS_H
#define AR_COMMAND_JOBS_H

#include "command.h"

enum { COMMAND_LOCK_WAIT_S = 10 }; /* for other writers */

/* The next arguments, from optind on: TYPE, and the REQUEST_ID of one job with nothing behind it.
 * COMMAND_OK, or COMMAND_USAGE, and it has been said what is missing or wrong. */
int command_take_type(const struct command_env *env, struct str *type);
int command_take_id(const struct command_env *env, struct str *request_id);

/* What is done to one job, in a write transaction. 0, or -1 and *e. */
typedef int command_job_fn(const void *ctx, struct store *s, struct str type, struct str request_id,
                           int64_t now, struct err *e);

/* Does it to each of the jobs that the remaining arguments name, in order, each in a transaction of
 * its own, and reports each: "vm/a: <done>", or with --json an array of what became of each.
 * COMMAND_OK, or the status of the first that was refused; the others are done all the same, but
 * for those behind a failure that is not the job's own (the disk is full, say). */
int command_each_job(const struct command_env *env, struct str type, const char *done,
                     command_job_fn *fn, const void *ctx);

/* A JSON text that must be an object, read, so that it is checked as a client's is. 0 and *c
 * (job_change_free) and *doc (json_in_free, after it), or -1 and *e. */
int command_read_change(const struct command_env *env, struct str type, const struct buf *text,
                        struct json_doc **doc, struct job_change *c, struct err *e) AR_MUST_CHECK;

/* A member that should be a number: as it was written, or as text, about which the reader then
 * complains as it does about a client's. */
void command_put_number(struct json_out *o, const char *name, const char *text);

/* The colour of a state. */
enum table_tone command_status_tone(enum job_status s);

#endif
