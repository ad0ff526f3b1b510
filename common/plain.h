/* SPDX-License-Identifier: MIT */
/* Words of strangers made fit for a line of ours: what a program or a service wrote, quoted in an
 * error or a log. Pure; any thread. */
#ifndef AR_PLAIN_H
#define AR_PLAIN_H

#include "base.h"

/* Writes the beginning of text into room, NUL-terminated, as valid UTF-8 that is not cut within a
 * character. Control characters and white space, also in a row, become one space, none at either
 * end; each byte that is no UTF-8 becomes '?'. Returns the length; `size` is at least 1. */
size_t plain_text(struct str text, char *room, size_t size);

/* Does the text, valid UTF-8, hold no control character (C0, DEL, C1)? */
bool plain_is(struct str text);

#endif
