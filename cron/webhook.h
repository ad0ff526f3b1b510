/* SPDX-License-Identifier: MIT */
/* The callback's message, after Standard Webhooks: body and headers. Pure but for memory; one
 * thread at a time. */
#ifndef AR_WEBHOOK_H
#define AR_WEBHOOK_H

#include "secrets.h"
#include "store_delivery.h"

enum {
    WEBHOOK_LINE_MAX = 20 + SECRETS_SIGNATURE_MAX,
    WEBHOOK_LINES = 6,
    WEBHOOK_BODY_MAX = 8 << 20
};

struct webhook {
    struct buf body; /* buf_free when done */
    size_t lines;
    char line[WEBHOOK_LINES][WEBHOOK_LINE_MAX]; /* "name: value" */
};

/* Writes the message for a try that is made at `now`. The same on every try of one admission are
 * webhook-id, and in the body type and timestamp (when the job was admitted). `instance`:
 * store_instance. 0 and *w, or -1: ERR_INTERNAL, ERR_TOO_LARGE; there is nothing to free then. */
int webhook_make(const struct store_due *d, const char *instance, int64_t now,
                 struct clock_zone *zone, struct webhook *w, struct err *e) AR_MUST_CHECK;

/* Adds webhook-signature, where the queue has secrets. 0, or -1: ERR_INTERNAL. */
int webhook_sign(struct webhook *w, const struct secrets *secrets, const struct conf_queue *queue,
                 struct err *e) AR_MUST_CHECK;

#endif
