/* SPDX-License-Identifier: MIT */
/*
 * Which hosts are down, as Nova sees it: their nova-compute is silent, or was forced down.
 * Placement does not know, offers them like any other, and Nova then builds nothing on them.
 */
#ifndef AR_OPENSTACK_DOWN_H
#define AR_OPENSTACK_DOWN_H

#include "intern.h"
#include "openstack_api.h"

struct openstack_down {
    struct intern uuid; /* of the hosts that are down; its arena is the caller's, intern_free too */
    struct str unknown; /* Nova does not let us know, and why; absent: it does */
};

/* Asks Nova, a page at a time, when the token was good for another request already: a 401 is taken
 * for one of access rules. An endpoint that is not there and a refusal (401, 403, 404, 406) are
 * d->unknown; 0 then, too. -1: Nova fails, or makes no sense. */
int openstack_down_ask(struct openstack_api *api, struct openstack_down *d,
                       struct err *e) AR_MUST_CHECK;

/* One page of it. */
struct openstack_down_page {
    size_t n;
    struct str last; /* the last one's id, as long as the answer lives; absent: there is none */
    bool more;       /* Nova says that another page follows */
};

/* Adds the hosts of a page that are down. Pure. 0, or -1: ERR_UNAVAILABLE with what makes no sense,
 * or ERR_INTERNAL. */
int openstack_down_read(const json_value *root, struct intern *uuid,
                        struct openstack_down_page *page, struct err *e) AR_MUST_CHECK;

#endif
