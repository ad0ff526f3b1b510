/* SPDX-License-Identifier: MIT */
/*
 * Who is called next: pure but for memory. A lane is what one owner's jobs have to say to one
 * receiver; a host is the origin that several receivers may stand for. The lanes take turns; one
 * whose host or owner has as many tries under way as it may, or whose host is paused, stands aside
 * and costs nothing until that changes. Lanes that have something to say later come up by the
 * clock. One thread.
 *
 * The caller asks for a lane (lanes_next), looks what its next callback is, and says what came of
 * it: lanes_started, or lanes_rest. Nothing else may come between.
 */
#ifndef AR_LANES_H
#define AR_LANES_H

#include "err.h"

enum { LANES_MAX = 65536 };

struct lanes;

struct lane {
    struct str receiver, owner_id; /* its own copies */
    const char *origin;            /* its host's name */
    /* the caller's; 0 at first */
    int64_t after_try, after_id; /* where it is in the lane */
    bool say, unsay; /* its jobs are still to say that the receiver is paused, or not any more */
    /* lanes.c's, to be read */
    bool urgent;  /* it has its turn for something that was asked for: nothing else may be started
                     where the host is paused */
    size_t tries; /* under way */
};

struct lanes_limits {
    size_t total, per_host, per_owner; /* tries under way at once; each at least 1 */
};

/* 0 and *l (lanes_close), or -1: ERR_INTERNAL. */
int lanes_open(const struct lanes_limits *limits, struct lanes **l, struct err *e) AR_MUST_CHECK;
void lanes_close(struct lanes *l);

/* ---- a scan: which lanes there are ---- */

/* Begins one: no lane has been seen yet. */
void lanes_scan(struct lanes *l);
/* The lane, which is new when *fresh. NULL: there are LANES_MAX, or no memory. */
struct lane *lanes_put(struct lanes *l, struct str receiver, struct str owner_id,
                       const char *origin, bool *fresh);
/* Ends it: what was not seen goes, unless tries of it are under way. */
void lanes_sweep(struct lanes *l);

/* ---- turns ---- */

/* The lane whose turn it is; NULL: none can start anything at `now`. */
struct lane *lanes_next(struct lanes *l, int64_t now);
/* When the clock alone brings a lane up; INT64_MAX: never. */
int64_t lanes_when(const struct lanes *l);

/* A try of the lane is under way now; its next turn comes after those of all others. */
void lanes_started(struct lanes *l, struct lane *lane);
/* The lane has something to say from `when` on: at once where that is past, also to a paused host
 * where it is below 0; INT64_MAX: not unless somebody says so. */
void lanes_rest(struct lanes *l, struct lane *lane, int64_t when);
/* The same from outside of a turn, where it comes sooner than what is known. */
void lanes_look(struct lanes *l, struct lane *lane, int64_t when);
/* A try of the lane has ended; what it means for its host has been said (lanes_pause). */
void lanes_ended(struct lanes *l, struct lane *lane);

/* The lane's host is paused until then, after which it gets one try at a time; 0: not (any more).
 */
void lanes_pause(struct lanes *l, const struct lane *lane, int64_t until);
int64_t lanes_paused(const struct lane *lane);

/* The clock was set by so much: all times that are known move with it. Between turns. */
void lanes_move(struct lanes *l, int64_t by);

/* Calls fn for every lane, or for those of a lane's host. */
typedef void lanes_fn(void *ctx, struct lane *lane);
void lanes_each(struct lanes *l, lanes_fn *fn, void *ctx);
void lanes_each_of_host(const struct lane *lane, lanes_fn *fn, void *ctx);

size_t lanes_under_way(const struct lanes *l);

#endif
