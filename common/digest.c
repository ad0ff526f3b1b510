/* SPDX-License-Identifier: MIT */
/* Digests and MACs. */
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

/* Everything is fed to the context, and the MAC taken out of it. */
static bool hmac(EVP_MD_CTX *ctx, EVP_PKEY *key, const struct str *part, size_t parts,
                 unsigned char mac[DIGEST_SHA256])
{
    size_t i, n = DIGEST_SHA256;
    bool ok = EVP_DigestSignInit(ctx, NULL, EVP_sha256(), NULL, key) == 1;

    for (i = 0; ok && i < parts; i++)
        ok = part[i].n == 0 || EVP_DigestSignUpdate(ctx, part[i].p, part[i].n) == 1;
    return ok && EVP_DigestSignFinal(ctx, mac, &n) == 1 && n == DIGEST_SHA256;
}

int digest_hmac_sha256(struct str key, const struct str *part, size_t parts,
                       unsigned char mac[DIGEST_SHA256], struct err *e)
{
    EVP_PKEY *k = EVP_PKEY_new_raw_private_key(EVP_PKEY_HMAC, NULL,
                                               (const unsigned char *)(key.p ? key.p : ""), key.n);
    EVP_MD_CTX *ctx = EVP_MD_CTX_new();
    bool ok = k && ctx && hmac(ctx, k, part, parts, mac);

    EVP_MD_CTX_free(ctx);
    EVP_PKEY_free(k);
    return ok ? 0 : err_set(e, ERR_INTERNAL, "cannot compute an HMAC");
}

bool digest_equal(const unsigned char a[DIGEST_SHA256], const unsigned char b[DIGEST_SHA256])
{
    return CRYPTO_memcmp(a, b, DIGEST_SHA256) == 0;
}
