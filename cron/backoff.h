/* SPDX-License-Identifier: MIT */
/* Back-off: what follows from a try of a callback. Pure; any thread. */
#ifndef AR_BACKOFF_H
#define AR_BACKOFF_H

#include "conf.h"
#include "store_delivery.h"

struct backoff_try {
    int64_t number;         /* this try's, from 1 */
    int64_t now;            /* when it ended, ns since 1970 */
    int64_t hold_until;     /* the admission ends then: no try at or after it */
    int status;             /* of the answer; 0: there is no whole one */
    struct str retry_after; /* the header's value as it came; absent: none */
    const char *error;      /* why there is no answer; used when status is 0 */
    uint32_t random;        /* any bits: the jitter */
};

enum { BACKOFF_MESSAGE_MAX = 400 };

struct backoff_next {
    enum store_outcome outcome;
    int64_t next_try;                  /* of STORE_TRY_AGAIN */
    const char *reason;                /* of all but ACCEPTED: one of job.h's words */
    char message[BACKOFF_MESSAGE_MAX]; /* for a person; empty when accepted */
};

/*
 * 2xx: accepted. 410: refused, for good. All else is tried again after the configured wait, ±10 %,
 * while there are tries left and the hold lasts. Retry-After of a 429 or 503 makes the wait longer,
 * never shorter; where it reaches beyond the hold, one more try is made shortly before the hold
 * ends.
 */
void backoff_decide(const struct conf_callback *conf, const struct backoff_try *t,
                    struct backoff_next *next);

/* Retry-After: seconds, or an HTTP date in the one form that is still to be written (RFC
 * 9110, 5.6.7). *wait = ns from now, >= 0 and, of seconds, at most a year. 0, or -1 when it is
 * neither. */
int backoff_retry_after(struct str value, int64_t now, int64_t *wait) AR_MUST_CHECK;

#endif
