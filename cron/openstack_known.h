/* SPDX-License-Identifier: MIT */
/*
 * What is remembered of a cloud between readings: the hosts' names and what they have, which hosts
 * were last listed as members of a pool, and Placement's version. It is kept in a private file;
 * without it all is asked again. One thread at a time.
 */
#ifndef AR_OPENSTACK_KNOWN_H
#define AR_OPENSTACK_KNOWN_H

#include "openstack_candidates.h"

struct openstack_known_pool {
    struct str key; /* the aggregate's uuid; "*" */
    int64_t listed; /* when its members were listed: ns since 1970 */
    int64_t there;  /* how many hosts its last answer had */
    size_t members;
    size_t *member; /* indices of hosts */
};

struct openstack_known {
    struct arena *arena;
    struct intern texts;
    int64_t placement;  /* minor version; 0: not known */
    struct intern uuid; /* of the hosts */
    size_t room;
    struct openstack_host *host; /* [uuid.n] name absent: not known; no amounts: what it has is not
                                    known; used is without meaning */
    size_t pools;
    struct openstack_known_pool *pool;
};

/* NULL: no memory. openstack_known_free. */
struct openstack_known *openstack_known_new(void) AR_MUST_CHECK;
void openstack_known_free(struct openstack_known *k);

/* The index of a host, which is added with nothing but its uuid when it is not there. INTERN_NONE:
 * no memory. */
size_t openstack_known_add(struct openstack_known *k, struct str uuid) AR_MUST_CHECK;

/* Copies into host i what `from` has and host i lacks. 0, or -1: no memory. */
int openstack_known_fill(struct openstack_known *k, size_t i,
                         const struct openstack_host *from) AR_MUST_CHECK;

/* The pool, or NULL. */
const struct openstack_known_pool *openstack_known_pool(const struct openstack_known *k,
                                                        struct str key);

/* Adds a pool with room for so many members, of which it has none yet. NULL: no memory. */
struct openstack_known_pool *openstack_known_add_pool(struct openstack_known *k, struct str key,
                                                      size_t members) AR_MUST_CHECK;

/* The host of this uuid, or NULL. */
const struct openstack_host *openstack_known_host(const struct openstack_known *k, struct str uuid);

/* As it is kept, and back; NULL: the text is damaged. */
void openstack_known_write(const struct openstack_known *k, struct buf *b);
struct openstack_known *openstack_known_parse(struct str text) AR_MUST_CHECK;

#endif
