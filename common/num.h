/* SPDX-License-Identifier: MIT */
/* Numbers from text, each in one place and with a range. All pure; any thread. Outputs are
 * untouched on failure. */
#ifndef AR_NUM_H
#define AR_NUM_H

#include "base.h"

/* What a JavaScript client sees exactly: 2^53 - 1. */
#define NUM_SAFE_MAX INT64_C(9007199254740991)

/* A whole decimal number with an optional '-', nothing else, low <= v <= high. 0, or -1. */
int num_i64(struct str text, int64_t low, int64_t high, int64_t *v) AR_MUST_CHECK;

/* A decimal number after JSON's grammar (83334, 83334.5, 8.33345e4), read exactly, of any length up
 * to 4096 bytes: *whole is its floor, *between says whether it is larger than its floor (83334.0 is
 * not). 0, or -1 when it is no such number or its floor is outside low..high. */
int num_decimal(struct str text, int64_t low, int64_t high, int64_t *whole,
                bool *between) AR_MUST_CHECK;

/* A duration as people write it in configurations: "90", "90s", "5m", "1h", "2d", "500ms"; without
 * a unit: seconds. *ns in 0..INT64_MAX. 0, or -1. */
int num_duration(struct str text, int64_t *ns) AR_MUST_CHECK;

/* A size: "65536", "64K", "16M", "2G" (powers of 1024). *bytes in 0..2^53-1. 0, or -1. */
int num_size(struct str text, int64_t *bytes) AR_MUST_CHECK;

/* a + b, a * b of values >= 0 into *v. 0, or -1 when it does not fit an int64_t or
 * one is negative. */
int num_add(int64_t a, int64_t b, int64_t *v) AR_MUST_CHECK;
int num_mul(int64_t a, int64_t b, int64_t *v) AR_MUST_CHECK;
/* The same for sums that may be cut: INT64_MAX where they do not. */
int64_t num_plus(int64_t a, int64_t b);
int64_t num_times(int64_t a, int64_t b);

enum { NUM_DIGITS_MAX = 20 }; /* of an int64_t, with its sign */

/* Writes v in decimal, without a NUL behind it; returns how many bytes. */
size_t num_write(int64_t v, char room[NUM_DIGITS_MAX]);

#endif
