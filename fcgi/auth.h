/* SPDX-License-Identifier: MIT */
/*
 * The door: who asks is found out before more of a request is looked at than its path, its method
 * and where it comes from, by the method that the configuration names, and whether he may have what
 * the route needs.
 */
#ifndef AR_AUTH_H
#define AR_AUTH_H

#include "conf.h"
#include "http.h"
#include "store.h"

struct auth;
struct httpc;

/* The door of a process, shared by all its threads. `service`: it answers more than one request
 * (requests are counted then). 0 and *a (auth_close), or -1. *conf must outlive it. */
int auth_open(const struct conf *conf, bool service, struct auth **a, struct err *e) AR_MUST_CHECK;
void auth_close(struct auth *a);

/* From now on nobody is waited for: who asks is then not known. Any thread; NULL is fine. */
void auth_stop(struct auth *a);

/* What one thread brings along; {0} at first. */
struct auth_seat {
    struct auth *auth;
    struct store *store; /* the thread's own, for reading; NULL where auth_reads says no */
    struct httpc *httpc; /* made when it is needed first */
};
void auth_seat_free(struct auth_seat *seat);

/* Are tokens looked up in the database? */
bool auth_reads(const struct conf *conf);

/*
 * Lets a request in whose head has been read: x->who is then set. 0, or -1 with the headers of the
 * answer added: ERR_UNAUTHORIZED (no credentials, or wrong ones), ERR_FORBIDDEN (also: a change
 * that a web page from elsewhere asks for, origin.h), ERR_BAD_REQUEST (two different tokens),
 * ERR_TOO_MANY (owner.requests), ERR_UNAVAILABLE (it is not known who asks). WHO_OPEN lets
 * everybody in, whoever he is.
 */
int auth_admit(struct auth_seat *seat, enum who_need need, struct http *x,
               struct err *e) AR_MUST_CHECK;

#endif
