/* SPDX-License-Identifier: MIT */
/* The socket on which the web server's connections come in: made here, or handed over by whoever
 * started the program. */
#ifndef AR_LISTEN_H
#define AR_LISTEN_H

#include "err.h"

struct listener {
    int fd; /* non-blocking, close-on-exec */
    const char *
        path; /* of a socket that we made in the file system, to be removed at the end; else NULL */
};

/* Makes a listening socket: "unix:PATH" (mode 0660; a dead socket that is there is removed, a live
 * one is not) or "HOST:PORT"
 * ("127.0.0.1:9000", "[::1]:9000"). `where` must outlive *l. 0, or -1 and *e. Before threads start.
 */
int listen_open(const char *where, struct listener *l, struct err *e) AR_MUST_CHECK;

/* Takes over the socket that systemd (LISTEN_FDS) or spawn-fcgi (descriptor 0) hands over. 1 and
 * *l; 0: there is none; -1 and *e. */
int listen_inherit(struct listener *l, struct err *e) AR_MUST_CHECK;

/* Removes the socket's name, so that nobody finds it any more; what is connected stays. */
void listen_hide(struct listener *l);
void listen_close(struct listener *l);

#endif
