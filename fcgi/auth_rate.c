/* SPDX-License-Identifier: MIT */
/*
 * Requests a minute of each owner.
 *
 * A bucket is one number: the moment at which it will be full again. A request moves that on by its
 * share of a minute, and is refused when it would then lie more than a minute ahead. A bucket that
 * is not in the table is full. An owner's bucket is one of the few in the set that the hash of his
 * name chooses; a new one takes the place of the one that is full soonest, which loses least.
 */
#include "auth_rate.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "digest.h"

#define MINUTE (60 * NS_PER_S)

enum { SETS = 4096, WAYS = 8 };
_Static_assert(SETS <= 65536, "two bytes choose a set");

struct bucket {
    unsigned char owner[DIGEST_SHA256];
    int64_t full; /* clock_mono's; 0: nobody's */
};

struct auth_rate {
    int64_t per_minute;   /* constant */
    int64_t share;        /* ns of a minute; constant */
    pthread_mutex_t lock; /* guards what follows */
    struct bucket bucket[SETS][WAYS];
};

int auth_rate_open(int64_t per_minute, struct auth_rate **out, struct err *e)
{
    struct auth_rate *r = calloc(1, sizeof *r);

    if (!r)
        return err_set(e, ERR_INTERNAL, "no memory to count requests");
    r->per_minute = per_minute;
    r->share = MINUTE / per_minute;
    (void)pthread_mutex_init(&r->lock, NULL);
    *out = r;
    return 0;
}

void auth_rate_close(struct auth_rate *r)
{
    if (!r)
        return;
    (void)pthread_mutex_destroy(&r->lock);
    free(r);
}

/* Under the lock: the owner's bucket, or the one that would become his. */
static struct bucket *find(struct auth_rate *r, const unsigned char owner[DIGEST_SHA256])
{
    struct bucket *set = r->bucket[(owner[0] << 8 | owner[1]) % SETS], *best = set;
    size_t i;

    for (i = 0; i < WAYS; i++) {
        if (set[i].full != 0 && memcmp(set[i].owner, owner, DIGEST_SHA256) == 0)
            return &set[i];
        if (set[i].full < best->full)
            best = &set[i];
    }
    return best;
}

/* Under the lock: when the owner's bucket would be full again after one request more. */
static int64_t full_after(struct auth_rate *r, const unsigned char owner[DIGEST_SHA256],
                          int64_t now)
{
    const struct bucket *b = find(r, owner);
    bool his = b->full != 0 && memcmp(b->owner, owner, DIGEST_SHA256) == 0;

    return (his && b->full > now ? b->full : now) + r->share;
}

static void fill(struct auth_rate *r, const unsigned char owner[DIGEST_SHA256], int64_t now)
{
    int64_t full = full_after(r, owner, now);
    struct bucket *b = find(r, owner);

    memcpy(b->owner, owner, DIGEST_SHA256);
    b->full = full;
}

int auth_rate_take(struct auth_rate *r, const struct who *who, int64_t now, int64_t *wait,
                   struct err *e)
{
    unsigned char owner[WHO_OWNERS_MAX][DIGEST_SHA256];
    int64_t over = 0;
    size_t i;

    for (i = 0; i < who->owners; i++) {
        if (digest_sha256(who->owner[i], owner[i], e) != 0)
            return -1;
    }
    (void)pthread_mutex_lock(&r->lock);
    for (i = 0; i < who->owners; i++) {
        int64_t ahead = full_after(r, owner[i], now) - now - MINUTE;

        over = ahead > over ? ahead : over;
    }
    for (i = 0; i < who->owners && over == 0; i++)
        fill(r, owner[i], now);
    (void)pthread_mutex_unlock(&r->lock);
    if (over == 0)
        return 0;
    *wait = (over + NS_PER_S - 1) / NS_PER_S;
    return err_set(e, ERR_TOO_MANY, "more than %lld requests a minute (owner.requests)",
                   (long long)r->per_minute);
}
