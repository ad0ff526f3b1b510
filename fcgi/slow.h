/* SPDX-License-Identifier: MIT */
/*
 * Readers who take an answer more slowly than it comes. The thread that sends it waits for them:
 * for a while; then it needs a *lane*, of which there are few, so that the slow ones never hold all
 * threads that answer. Where no lane is left the answer is cut, and long ones are better not begun.
 * In a lane it is cut, too, once its reader has been slower than any should be. Any thread; an
 * answer belongs to one at a time.
 */
#ifndef AR_SLOW_H
#define AR_SLOW_H

#include "lane.h"

struct slow {
    struct lanes lanes;
};

/* An answer under way; {0} in the beginning. */
struct slow_answer {
    int64_t sent;   /* bytes; the caller's */
    int64_t waited; /* ns */
    bool lane;
};

/* Is no lane left? Those that others share are not looked at: what sends slowly is soon over. */
bool slow_full(struct slow *s);

/* Waits until the socket takes more of the answer. 0, also where the peer is gone, which a write
 * then shows; -1: it is to be cut (logged). */
int slow_wait(struct slow *s, struct slow_answer *a, int fd) AR_MUST_CHECK;

/* The answer has been sent, or given up: gives its lane back, if it has one. */
void slow_end(struct slow *s, struct slow_answer *a);

#endif
