/* SPDX-License-Identifier: MIT */
/* Percent-encoding (RFC 3986), both ways. Pure; any thread. */
#ifndef AR_URI_H
#define AR_URI_H

#include "buf.h"

/* Decodes n bytes at p in place (the text never grows) and yields the span of the result. `plus`: a
 * '+' is a space, as HTML forms write it in a query. 0, or -1 and ERR_BAD_REQUEST naming `what` for
 * a broken escape, a NUL or invalid UTF-8; the bytes at p are then in no particular state. */
int uri_decode(char *p, size_t n, bool plus, const char *what, struct str *text,
               struct err *e) AR_MUST_CHECK;

/* Appends the text with all but unreserved characters percent-encoded. */
void uri_encode(struct str text, struct buf *b);

#endif
