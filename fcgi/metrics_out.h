/* SPDX-License-Identifier: MIT */
/* Prometheus' text format, 0.0.4. Failure shows in the buffer (buf.h). One thread at a time. */
#ifndef AR_METRICS_OUT_H
#define AR_METRICS_OUT_H

#include "buf.h"
#include "stats.h"

/* What a sample is told apart by; the value is escaped. {0} ends a list of them. */
struct metrics_label {
    const char *name;
    struct str value;
};

/* The lines that begin a family. `type`: gauge, counter or histogram; `help`: one line. */
void metrics_family(struct buf *b, const char *name, const char *type, const char *help);

/* A sample: a number as it is, or so many ns in seconds. `label` may be NULL. */
void metrics_number(struct buf *b, const char *name, const struct metrics_label *label, int64_t v);
void metrics_ns(struct buf *b, const char *name, const struct metrics_label *label, int64_t ns);

/* All samples of a histogram; those of time are in seconds. */
void metrics_histogram(struct buf *b, const char *name, const struct metrics_label *label,
                       enum stats_scale scale, const struct stats_histogram *h);

#endif
