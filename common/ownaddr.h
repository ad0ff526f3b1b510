/* SPDX-License-Identifier: MIT */
/* This machine's own addresses, asked of the system and kept for some seconds. Any thread. */
#ifndef AR_OWNADDR_H
#define AR_OWNADDR_H

#include "netguard.h"

struct ownaddr;

/* As they were at one moment; constant. */
struct ownaddr_list {
    size_t refs; /* ownaddr's, guarded by its lock */
    size_t n;
    struct netguard_address address[];
};

enum { OWNADDR_SECONDS = 5 }; /* a list that is older is made anew */

/* Asks for the first time. 0 and *o (ownaddr_close), or -1: ERR_INTERNAL. */
int ownaddr_open(struct ownaddr **o, struct err *e) AR_MUST_CHECK;
/* All lists have been given back. */
void ownaddr_close(struct ownaddr *o);

/* The list of now (ownaddr_give), never NULL: when the system does not answer, the last one. */
const struct ownaddr_list *ownaddr_take(struct ownaddr *o);
void ownaddr_give(struct ownaddr *o, const struct ownaddr_list *list);

#endif
