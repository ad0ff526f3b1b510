/* SPDX-License-Identifier: MIT */
/* Secrets in words of strangers: a service that we called may say what we sent it. Pure; any
 * thread. */
#ifndef AR_SECRET_H
#define AR_SECRET_H

#include "buf.h"

/* Appends the text with *** in place of each of the secrets, be it as it is, as JSON, a program or
 * HTML escapes it, or percent-encoded; also of the beginning of one with which the text ends, since
 * it may have been cut there. Absent secrets are passed over. */
void secret_mask(struct str text, const struct str *secret, size_t secrets, struct buf *b);

#endif
