/* SPDX-License-Identifier: MIT */
/* Quantities as Kubernetes writes them ("500m", "1Gi", "1.5", "100e-3", "12E"), after
 * k8s.io/apimachinery/pkg/api/resource. Pure; any thread. */
#ifndef AR_QUANTITY_H
#define AR_QUANTITY_H

#include "base.h"

/* *amount = the quantity times `scale` (1000 for cpu, so that it is in milli; 1 for everything
 * else), rounded up. 0, or -1 when it is no quantity, is negative, or is larger than INT64_MAX;
 * *amount is untouched then. */
int quantity_parse(struct str text, int64_t scale, int64_t *amount) AR_MUST_CHECK;

/* The same; but 1 when it is a quantity larger than INT64_MAX. */
int quantity_read(struct str text, int64_t scale, int64_t *amount) AR_MUST_CHECK;

/* The scale of a resource: 1000 for "cpu", else 1. */
int64_t quantity_scale(struct str resource);

/* Writes an amount that was read with this scale, 1 or 1000, as Kubernetes does: "2", "1500m".
 * Returns text. */
enum { QUANTITY_TEXT_MAX = 24 };
const char *quantity_write(char text[QUANTITY_TEXT_MAX], int64_t amount, int64_t scale);

#endif
