/* SPDX-License-Identifier: MIT */
/* Digests, by OpenSSL's libcrypto; only digest.c includes its headers. */
#ifndef AR_DIGEST_H
#define AR_DIGEST_H

#include "err.h"

enum { DIGEST_SHA256 = 32 };

/* SHA-256 of the text. 0, or -1 and ERR_INTERNAL when the library cannot. Any thread. */
int digest_sha256(struct str text, unsigned char digest[DIGEST_SHA256],
                  struct err *e) AR_MUST_CHECK;

/* HMAC-SHA256 of the parts, one behind the other. 0, or -1 and ERR_INTERNAL when the library
 * cannot. Any thread. */
int digest_hmac_sha256(struct str key, const struct str *part, size_t parts,
                       unsigned char mac[DIGEST_SHA256], struct err *e) AR_MUST_CHECK;

/* Are the two the same? Takes as long whether or not they are. Any thread. */
bool digest_equal(const unsigned char a[DIGEST_SHA256], const unsigned char b[DIGEST_SHA256]);

#endif
