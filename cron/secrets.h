/* SPDX-License-Identifier: MIT */
/*
 * The secrets that sign callbacks, after Standard Webhooks. A file has one a line, "whsec_" and the
 * base64 of 24 to 64 bytes; empty lines and those that begin with # are passed over. All of a file
 * sign, the first one first, so that a receiver can change to a new one in its own time. No error
 * and no log shows anything of what stands in a file. One thread.
 */
#ifndef AR_SECRETS_H
#define AR_SECRETS_H

#include "conf.h"

enum { SECRETS_MAX = 8 /* of one file */ };

struct secrets;

/* Reads the files of all queues of *conf, which must outlive it. 0 and *s (secrets_close), or -1:
 * ERR_CONFIG (a file that cannot be read, that others may read, without a secret, with a line that
 * is none), ERR_INTERNAL. */
int secrets_open(const struct conf *conf, struct secrets **s, struct err *e) AR_MUST_CHECK;
/* Nothing of them is left in memory. */
void secrets_close(struct secrets *s);

/* How many files there are; 0: nothing is signed. */
size_t secrets_files(const struct secrets *s);

/* Reads the files that have changed; looks at most once a second of `mono` (clock_mono). A file
 * that cannot be used any more is logged once, and its old secrets go on. */
void secrets_refresh(struct secrets *s, int64_t mono);

/* The value of webhook-signature, "v1,<base64> v1,<base64>", of "<id>.<timestamp>.<body>"; the
 * empty text where the queue has no secrets. 0, or -1: ERR_INTERNAL. */
enum { SECRETS_SIGNATURE_MAX = SECRETS_MAX * 48 };
int secrets_sign(const struct secrets *s, const struct conf_queue *queue, struct str id,
                 struct str timestamp, struct str body, char value[SECRETS_SIGNATURE_MAX],
                 struct err *e) AR_MUST_CHECK;

#endif
