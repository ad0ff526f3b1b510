/* SPDX-License-Identifier: MIT */
/* Time: nanoseconds since 1970 (UTC) in an int64_t, and RFC 3339 text. Nothing else in the program
 * asks the system's clock or the time zone. */
#ifndef AR_CLOCK_H
#define AR_CLOCK_H

#include "buf.h"

#define NS_PER_US 1000LL
#define NS_PER_MS 1000000LL
#define NS_PER_S  1000000000LL

/* A clock that was set by more than this was set; less is how clocks are kept right. */
#define CLOCK_STEP (3 * NS_PER_S)

/* The wall clock, in ns since 1970. Small steps back are none within one process: for up to two
 * seconds it stands still until the system's clock has caught up. A larger one it follows at once,
 * as what waits for a time moves with it then (store_clock.h). ANTEROOM_CLOCK_OFFSET (whole
 * seconds, tests only) is added: so much time has gone by. Any thread. */
int64_t clock_now(void);

/* The wall clock beside the time since the machine's start, its sleep included, which nobody sets
 * and ANTEROOM_CLOCK_OFFSET is added to as well. Two marks of the same start whose `ahead` differ
 * by more than CLOCK_STEP lie before and after somebody has set the clock. Any thread. */
struct clock_mark {
    int64_t wall;  /* clock_now's */
    int64_t ahead; /* of the time since the start, ns */
};
struct clock_mark clock_mark(void);

enum { CLOCK_BOOT_MAX = 80 };

/* The name of this start of the machine, and of the time since it where processes can have one of
 * their own; "" where the kernel does not tell. Any thread. */
void clock_boot(char name[CLOCK_BOOT_MAX]);

/* The monotonic clock, in ns since some moment. For durations and deadlines. Any thread. */
int64_t clock_mono(void);

enum { CLOCK_TEXT_MAX = 36, CLOCK_SECOND_MAX = 24 };

/* Remembers the zone's offset for the quarter of an hour that was last asked for: zones change
 * their offset only there; and the text of the second that was last written, which is that of many
 * times in a list. {0} at first; one thread at a time. */
struct clock_zone {
    int64_t quarter;             /* index of the quarter hour + 1, 0: nothing yet */
    int32_t offset;              /* seconds east of UTC */
    int64_t second;              /* whose text it is, since 1970 */
    char text[CLOCK_SECOND_MAX]; /* up to the point; "": nothing yet */
};

/* Appends the time in the server's zone as RFC 3339 with nine fractional digits:
 * 2018-08-27T11:27:08.564319181+08:00. Returns nothing; a year outside 0 to 9999 is written as year
 * 9999. */
void clock_write(struct buf *b, struct clock_zone *z, int64_t ns);

/* Reads RFC 3339 (date-time; `T` and `Z` in either case, as many fractional digits as there are, of
 * which those behind the ninth are cut off; an offset is required). 0, or -1 when it is no such
 * text or lies outside 1970 to 2262; *ns is untouched then. Pure; any thread. */
int clock_parse(struct str text, int64_t *ns) AR_MUST_CHECK;

/* The same, but a time without an offset is UTC: Keystone leaves it out where the end of a token is
 * that of its application credential. Pure; any thread. */
int clock_parse_utc(struct str text, int64_t *ns) AR_MUST_CHECK;

#endif
