/* SPDX-License-Identifier: MIT */
/* What is known of tokens: sets of a few entries, the digest chooses the set. */
#include "auth_cache.h"

#include <stdlib.h>
#include <string.h>

enum { WAYS = 8 };

struct entry {
    unsigned char digest[DIGEST_SHA256];
    struct auth_known known; /* until 0: nobody's */
    struct who *who;         /* its memory */
};

struct auth_cache {
    size_t sets;
    struct entry entry[]; /* [sets * WAYS] */
};

int auth_cache_open(size_t most, struct auth_cache **out, struct err *e)
{
    size_t sets = (most + WAYS - 1) / WAYS;
    struct auth_cache *c = calloc(1, sizeof *c + sets * WAYS * sizeof c->entry[0]);

    if (!c)
        return err_set(e, ERR_INTERNAL, "no memory to remember tokens");
    c->sets = sets;
    *out = c;
    return 0;
}

void auth_cache_close(struct auth_cache *c)
{
    size_t i;

    for (i = 0; c && i < c->sets * WAYS; i++)
        free(c->entry[i].who);
    free(c);
}

static size_t set_of(const struct auth_cache *c, const unsigned char digest[DIGEST_SHA256])
{
    uint32_t four;

    memcpy(&four, digest, sizeof four);
    return four % c->sets * WAYS;
}

static bool is_his(const struct entry *entry, const unsigned char digest[DIGEST_SHA256])
{
    return entry->known.until != 0 && digest_equal(entry->digest, digest);
}

const struct auth_known *auth_cache_find(const struct auth_cache *c,
                                         const unsigned char digest[DIGEST_SHA256], int64_t mono,
                                         int64_t now)
{
    const struct entry *set = &c->entry[set_of(c, digest)];
    size_t i;

    for (i = 0; i < WAYS; i++) {
        if (is_his(&set[i], digest))
            return set[i].known.until > mono && set[i].known.expires > now ? &set[i].known : NULL;
    }
    return NULL;
}

void auth_cache_put(struct auth_cache *c, const unsigned char digest[DIGEST_SHA256],
                    const struct auth_known *known)
{
    struct entry *set = &c->entry[set_of(c, digest)], *best = set;
    struct who *who = known->who ? who_copy(known->who) : NULL;
    size_t i;

    if (known->who && !who)
        return;
    for (i = 0; i < WAYS && !is_his(best, digest); i++) {
        if (is_his(&set[i], digest) || set[i].known.until < best->known.until)
            best = &set[i];
    }
    free(best->who);
    memcpy(best->digest, digest, DIGEST_SHA256);
    best->known = *known;
    best->known.who = best->who = who;
}
