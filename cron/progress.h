/* SPDX-License-Identifier: MIT */
/*
 * How far work is that takes a while: one line on standard error, drawn again and again by a thread
 * of its own, from a second on, and taken away at the end. Only where that is a terminal: nothing
 * of it ever gets into a file or a pipe.
 */
#ifndef AR_PROGRESS_H
#define AR_PROGRESS_H

#include "buf.h"

struct progress;

enum progress_unit { PROGRESS_THINGS, PROGRESS_BYTES };

/* Work begins. `what` ("copying") lives as long as it is shown. NULL: nothing is to be shown; the
 * other functions take it. */
struct progress *progress_new(const char *what, enum progress_unit unit);

/* How far it is: `done` of `all`; all 0: nobody knows. Any thread. */
void progress_at(struct progress *p, const char *what, int64_t done, int64_t all);

/* Work has ended, the line goes. */
void progress_end(struct progress *p);

/* ---- what is drawn; pure ---- */

struct progress_view {
    const char *what;
    enum progress_unit unit;
    int64_t done, all;
    int64_t ns; /* since it began */
    int width;  /* of the terminal; 0: not known */
};
/* Appends one line without its end, of less than `width` columns: bar, part, rate, time left. */
void progress_write(struct buf *b, const struct progress_view *v);

/* "12.3 MiB". Appends. */
void progress_bytes(struct buf *b, int64_t bytes);

#endif
