/* SPDX-License-Identifier: MIT */
/* The addresses of a name: one question to the system's resolver, on the thread that asks. */
#ifndef AR_LOOKUP_H
#define AR_LOOKUP_H

#include <sys/socket.h>

#include "netguard.h"

enum { LOOKUP_ADDRESSES_MAX = 32, LOOKUP_ERROR_MAX = 128 };

struct lookup_answer {
    size_t n; /* what is more than fits is left out */
    struct netguard_address address[LOOKUP_ADDRESSES_MAX];
    char error[LOOKUP_ERROR_MAX]; /* in words, when n is 0 */
};

/* Who is asked. {0}: whom the system says. */
struct lookup_server {
    socklen_t length; /* 0: none is named */
    struct sockaddr_storage address;
};

/* "192.0.2.53", "192.0.2.53:5353", "2001:db8::53", "[2001:db8::53]:5353"; absent: {0}. 0, or -1 and
 * ERR_CONFIG. */
int lookup_server_parse(struct str text, struct lookup_server *s, struct err *e) AR_MUST_CHECK;

/* Once in every thread that looks up: asks this server only, and few times. */
void lookup_begin(const struct lookup_server *s);

/* Blocks, for some ten seconds at the most, unless the system is set up otherwise. /etc/hosts and
 * nsswitch.conf count as for every program. Any thread. */
void lookup_name(const char *name, struct lookup_answer *a);

#endif
