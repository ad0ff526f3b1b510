/* SPDX-License-Identifier: MIT */
/*
 * Connections on which a part of a request has come. They hold none of the threads that answer: a
 * thread of their own, the doorkeeper, watches them, and gives one back once its request is whole.
 *
 * A request that is larger than what is looked at (HALF_LOOK), or whose body stays away, is read
 * while it comes, but by a few threads at once only: such a connection needs a *lane*. What has not
 * come to an end in time is closed, in a lane or before one. Any thread, unless it says otherwise.
 */
#ifndef AR_HALF_H
#define AR_HALF_H

#include "conn.h"
#include "lane.h"

enum { HALF_LOOK = 64 << 10 }; /* bytes; what the web server keeps of a body in its memory */

struct half;

enum half_state {
    HALF_NOTHING, /* there is nothing to read */
    HALF_GONE,    /* the web server has closed it */
    HALF_PART,    /* a part of a request: half_take */
    HALF_WHOLE    /* it may be read: it is whole, or has a lane */
};

/* `lanes`: of the threads that read what is not whole; they outlive it. 0 and *h (half_close), or
 * -1 and *e. */
int half_open(struct conn_set *set, struct lanes *lanes, struct half **h,
              struct err *e) AR_MUST_CHECK;
/* Ends the doorkeeper; before that it closes all connections that it watches. */
void half_close(struct half *h);
/* Tells the doorkeeper to close what it has, and whatever it gets from now on. */
void half_end(struct half *h);

/* What there is on a connection that the caller has in hand. */
enum half_state half_look(struct half *h, struct conn *c);

/* Hands a connection over until its request is whole. Then it is parked (conn_park). */
void half_take(struct half *h, struct conn *c);

/* The caller reads the request from now on, which is whole or has a lane: then the doorkeeper cuts
 * the connection when it takes too long. False: no descriptors are left. */
bool half_begin(struct half *h, struct conn *c) AR_MUST_CHECK;

/* The request has been read, or given up: gives the connection's lane back, if it has one. */
void half_leave_lane(struct half *h, struct conn *c);

#endif
