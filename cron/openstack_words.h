/* SPDX-License-Identifier: MIT */
/* What an OpenStack service said when it refused, for a line of ours. Pure; any thread. */
#ifndef AR_OPENSTACK_WORDS_H
#define AR_OPENSTACK_WORDS_H

#include "err.h"

enum { OPENSTACK_WORDS_MAX = 200 };

/* Writes the service's own words out of the body of an answer, cut: of Placement's
 * {"errors":[{"detail":…}]}, Keystone's {"error":{"message":…}}, Nova's
 * {"forbidden":{"message":…}}, or else the body without its tags; "" for an empty one. What is one
 * of the secrets (absent ones are passed over) comes out as ***. */
void openstack_words(struct str body, const struct str *secret, size_t secrets,
                     char words[OPENSTACK_WORDS_MAX]);

/* *minor = of Placement's 406: the newest 1.minor that it knows; of Nova's: 2.minor. 0, or -1: it
 * does not say. */
int openstack_words_newest(struct str body, int64_t *minor) AR_MUST_CHECK;

#endif
