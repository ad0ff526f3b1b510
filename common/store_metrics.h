/* SPDX-License-Identifier: MIT */
/* The store: what is measured of all of it together. Same rules as store.h. */
#ifndef AR_STORE_METRICS_H
#define AR_STORE_METRICS_H

#include "store.h"

struct store_sums {
    int64_t jobs[JOB_STATUSES]; /* of all types; deleted ones are not counted */
    int64_t types;              /* that have such a job or are paused */
    int64_t failing, paused;    /* receivers whose last try failed; those of them that are paused */
    int64_t size, wal, room;    /* bytes of the database's file and of its WAL, and what is free on
                                   their disk */
};
/* Between store_read_begin and _end. No job is looked at, whatever their number. */
int store_sums(struct store *s, struct store_sums *sums, struct err *e) AR_MUST_CHECK;

#endif
