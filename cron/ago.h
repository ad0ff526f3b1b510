/* SPDX-License-Identifier: MIT */
/* Times as people say them. Pure, but for the time zone; any thread. */
#ifndef AR_AGO_H
#define AR_AGO_H

#include "clock.h"

/* Appends how long that is, in one unit, rounded down: "0 s", "59 s", "3 min", "47 h", "2 d". */
void ago_span(struct buf *b, int64_t ns);

/* Appends "3 min ago", "in 2 h", "now" (less than a second off); "-" for 0, a time that is not set.
 */
void ago_write(struct buf *b, int64_t now, int64_t at);

/* Appends "2026-11-29 06:48:28", in the zone of the machine. */
void ago_clock(struct buf *b, struct clock_zone *zone, int64_t at);

#endif
