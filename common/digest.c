/* SPDX-License-Identifier: MIT */
/* Digests. */
#include "digest.h"

#include <openssl/evp.h>

int digest_sha256(struct str text, unsigned char digest[DIGEST_SHA256], struct err *e)
{
    unsigned int n = 0;

    if (EVP_Digest(text.p ? text.p : "", text.n, digest, &n, EVP_sha256(), NULL) != 1 ||
        n != DIGEST_SHA256)
        return err_set(e, ERR_INTERNAL, "cannot compute a SHA-256 digest");
    return 0;
}
