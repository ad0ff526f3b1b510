/* SPDX-License-Identifier: MIT */
/* Base64 after RFC 4648, section 4, and the URL-safe one of section 5. Pure; any thread. */
#ifndef AR_BASE64_H
#define AR_BASE64_H

#include "buf.h"

/* Decodes the text, strictly: padded, without a byte that does not belong, the unused bits 0. `out`
 * has room for text.n / 4 * 3 bytes. 0 and *n, or -1. */
int base64_decode(struct str text, char *out, size_t *n) AR_MUST_CHECK;

/* Encodes, padded. `out` has room for (bytes.n + 2) / 3 * 4 characters; no NUL is written. Returns
 * how many there are. */
size_t base64_encode(struct str bytes, char *out);

/* Appends the bytes as URL-safe base64 (A-Z a-z 0-9 - _) without padding. */
void base64_url_write(const void *bytes, size_t n, struct buf *b);

#endif
