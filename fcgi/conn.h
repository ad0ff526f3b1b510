/* SPDX-License-Identifier: MIT */
/*
 * The set of all connections, and the one place where threads wait for something to do. A
 * connection is either parked in the set, or in the hands of one thread, which got it from
 * conn_wait and gives it back by conn_park or conn_drop. One on which a request is not yet whole is
 * in other hands (half.h). Any thread, unless it says otherwise.
 */
#ifndef AR_CONN_H
#define AR_CONN_H

#include <pthread.h>

#include "fcgx.h"
#include "listen.h"

/* So many connections at the most, and fewer where the system lets this process have less than
 * CONN_SPARE descriptors more. A new one beyond it takes the place of the one that has been idle
 * for longest; where none is, it waits in the socket's queue. */
enum { CONN_MAX = 4096, CONN_SPARE = 256 };

struct conn_set;

struct conn {
    struct fcgx *link;
    int fd;                   /* constant */
    struct conn *prev, *next; /* the set's */
    bool idle, part, cut;     /* the set's */
    pthread_mutex_t arming;   /* the set's */
    struct {
        struct conn *prev, *next;
        int64_t since; /* when it was handed over, or begun to be read; clock_mono */
        bool has_head, wants_lane, lane;
        bool timed; /* it is in a lane, and being read */
        int fd;     /* of one that is timed: its own, which nobody else closes */
    } half;         /* half.c's */
};

/* What a thread has waited for. */
enum conn_kind {
    CONN_READABLE, /* a request has come in on `conn`, which is the caller's now */
    CONN_DONE,     /* conn_tell_done was called */
    CONN_END       /* conn_tell_end was called; comes again and again */
};
struct conn_event {
    enum conn_kind kind;
    struct conn *conn;
};

/* *l must outlive the set, which `workers` threads will wait on. 0 and *set (conn_set_close), or -1
 * and *e. */
int conn_set_open(struct listener *l, size_t workers, struct conn_set **set,
                  struct err *e) AR_MUST_CHECK;
/* Closes all connections. No thread may use the set any more. */
void conn_set_close(struct conn_set *set);

/* Waits for something to do: up to `most` (1 or 2) events. May return 0, having accepted
 * connections, say: call again. */
size_t conn_wait(struct conn_set *set, struct conn_event *event, size_t most);

/* Reads what is left of the request of a connection that conn_wait gave; only then may it be
 * carried out or answered, so that its sender and its reader never hold the thread at once. False:
 * it has no end. */
bool conn_rest(struct conn_set *set, struct conn *c) AR_MUST_CHECK;
/* Whoever parked it last has let go of its descriptor from then on: before fcgx_finish, which may
 * close it. */
void conn_settle(struct conn *c);
/* Gives a connection back, to wait for its next request; near the end it is closed instead. */
void conn_park(struct conn_set *set, struct conn *c);
/* Closes a connection. */
void conn_drop(struct conn_set *set, struct conn *c);

/* Wakes one thread with CONN_DONE. */
void conn_tell_done(struct conn_set *set);

/* Accepts no more connections, parks none, and wakes all threads with CONN_END, for good. */
void conn_tell_end(struct conn_set *set);

/* Cuts every connection, so that threads that block on one come back. */
void conn_cut_all(struct conn_set *set);

#endif
