/* SPDX-License-Identifier: MIT */
/* Time: nanoseconds since 1970 (UTC) in an int64_t, and RFC 3339 text. Nothing else in the program
 * asks the system's clock or the time zone. */
#ifndef AR_CLOCK_H
#define AR_CLOCK_H

#include "buf.h"

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

/* The wall clock, in ns since 1970. Never goes back within one process: when the system's clock
 * does, it stands still until it has caught up or the step is larger than a minute.
 * ANTEROOM_CLOCK_OFFSET (whole seconds, tests only) is added. Any thread. */
int64_t clock_now(void);

/* The monotonic clock, in ns since some moment. For durations and deadlines. Any thread. */
int64_t clock_mono(void);

/* Remembers the zone's offset for the quarter of an hour that was last asked for: zones change
 * their offset only there. {0} at first; one thread at a time. */
struct clock_zone {
    int64_t quarter; /* index of the quarter hour + 1, 0: nothing yet */
    int32_t offset;  /* seconds east of UTC */
};

enum { CLOCK_TEXT_MAX = 36 };

/* Appends the time in the server's zone as RFC 3339 with nine fractional digits:
 * 2018-08-27T11:27:08.564319181+08:00. Returns nothing; a year outside 0 to 9999 is written as year
 * 9999. */
void clock_write(struct buf *b, struct clock_zone *z, int64_t ns);

/* Reads RFC 3339 (date-time; `T` and `Z` in either case, 0 to 9 fractional digits, an offset is
 * required). 0, or -1 when it is no such text or lies outside 1970 to 2262; *ns is untouched then.
 * Pure; any thread. */
int clock_parse(struct str text, int64_t *ns) AR_MUST_CHECK;

/* The same, but a time without an offset is UTC: Keystone leaves it out where the end of a token is
 * that of its application credential. Pure; any thread. */
int clock_parse_utc(struct str text, int64_t *ns) AR_MUST_CHECK;

#endif
