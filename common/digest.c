/* SPDX-License-Identifier: MIT */
/* Digests. */
#include "digest.h"

#include <openssl/crypto.h>
#include <openssl/evp.h>

int digest_sha256(struct str text, unsigned char digest[DIGEST_SHA256], struct err *e)
{
    unsigned int n = 0;

    if (EVP_Digest(text.p ? text.p : "", text.n, digest, &n, EVP_sha256(), NULL) != 1 ||
        n != DIGEST_SHA256)
        return err_set(e, ERR_INTERNAL, "cannot compute a SHA-256 digest");
    return 0;
}

bool digest_equal(const unsigned char a[DIGEST_SHA256], const unsigned char b[DIGEST_SHA256])
{
    return CRYPTO_memcmp(a, b, DIGEST_SHA256) == 0;
}
