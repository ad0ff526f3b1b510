/* SPDX-License-Identifier: MIT */
/*
 * Tokens of Keystone, with what is known of them.
 *
 * What Keystone said is kept in two tables: who was let in, and who was not, so that wrong tokens
 * push out none that is good. A thread that has to know asks with the lock let go of; another that
 * has the same token meanwhile waits for its answer. Both count as waiting, and of these there are
 * always fewer than threads (but for a single one): the others still serve who is known.
 */
#include "auth_keystone.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "auth_cache.h"
#include "auth_inner.h"

enum { GOOD_MAX = 4096, BAD_MAX = 1024, TOKEN_MAX = 8192 };

/* How long a token that Keystone refused is not asked about again. */
#define REFUSED_FOR (5 * NS_PER_S)

/* Asked by one thread, on whose stack it is; guarded by the lock. */
struct question {
    struct question *next;
    const unsigned char *digest;
    bool done;
    size_t waiting; /* threads that have still to take the answer */
    struct auth_answer answer;
};

struct auth_keystone {
    struct auth_keystone_server server;
    size_t most;          /* threads that may wait at once; constant */
    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t news;  /* a question is done, or an answer was taken */
    size_t waiting;
    struct question *asked;
    struct auth_cache *good, *bad;
};

/* ".../v3/auth/tokens?nocatalog", from Keystone's URL with or without /v3. */
static char *make_url(struct str url)
{
    struct buf b = BUF_INIT(4096);

    while (url.n > 0 && url.p[url.n - 1] == '/')
        url.n--;
    buf_add(&b, url.p, url.n);
    if (url.n < 3 || memcmp(url.p + url.n - 3, "/v3", 3) != 0)
        buf_str(&b, "/v3");
    buf_str(&b, "/auth/tokens?nocatalog");
    return buf_take(&b);
}

int auth_keystone_open(const struct conf *conf, struct auth_keystone **out, struct err *e)
{
    struct auth_keystone *k = calloc(1, sizeof *k);

    if (!k)
        return err_set(e, ERR_INTERNAL, "no memory for the door");
    (void)pthread_mutex_init(&k->lock, NULL);
    (void)pthread_cond_init(&k->news, NULL);
    k->server.conf = &conf->keystone;
    k->most = conf->workers > 1 ? (size_t)conf->workers - 1 : 1;
    k->server.url = make_url(conf->keystone.url);
    if (!k->server.url || auth_cache_open(GOOD_MAX, &k->good, e) != 0 ||
        auth_cache_open(BAD_MAX, &k->bad, e) != 0) {
        auth_keystone_close(k);
        return err_set(e, ERR_INTERNAL, "no memory for the door");
    }
    *out = k;
    return 0;
}

void auth_keystone_close(struct auth_keystone *k)
{
    if (!k)
        return;
    auth_cache_close(k->good);
    auth_cache_close(k->bad);
    (void)pthread_cond_destroy(&k->news);
    (void)pthread_mutex_destroy(&k->lock);
    free(k->server.url);
    free(k);
}

void auth_keystone_stop(struct auth_keystone *k)
{
    atomic_store(&k->server.stop, true);
}

static const char *sentence(enum err_code code)
{
    return code == ERR_FORBIDDEN
               ? "this token has no role on a project: ask Keystone for one that is scoped to a "
                 "project of yours"
               : "Keystone does not take this token";
}

/* Lets him in as *who, or fills *e. */
static int settle(struct http *x, enum err_code code, const struct who *who, struct err *e)
{
    struct who *copy;

    if (code != ERR_NONE)
        return err_set(e, code, "%s", sentence(code));
    copy = who_copy(who);
    if (!copy)
        return err_set(e, ERR_INTERNAL, "no memory for who asks");
    http_is(x, copy, copy);
    return 0;
}

static int take_answer(struct http *x, const struct auth_answer *a, struct err *e)
{
    if (err_status(a->err.code) < 500)
        return settle(x, a->err.code, a->who, e);
    *e = a->err;
    return err_wrap(e, "it is not known who asks");
}

/* Under the lock. */
static void remember(struct auth_keystone *k, const unsigned char digest[DIGEST_SHA256],
                     const struct auth_answer *a)
{
    bool good = a->err.code == ERR_NONE;
    struct auth_known known = {.code = a->err.code,
                               .who = a->who,
                               .until = clock_mono() + (good ? k->server.conf->cache : REFUSED_FOR),
                               .expires = good ? a->expires_at : INT64_MAX};

    if (err_status(a->err.code) < 500)
        auth_cache_put(good ? k->good : k->bad, digest, &known);
}

/* Under the lock, which it lets go of meanwhile. */
static int ask(struct auth_keystone *k, struct httpc **h, struct str token, struct question *q,
               struct http *x, struct err *e)
{
    struct question **at;
    int rc;

    q->next = k->asked;
    k->asked = q;
    (void)pthread_mutex_unlock(&k->lock);
    auth_keystone_ask(&k->server, h, token, &q->answer);
    (void)pthread_mutex_lock(&k->lock);
    remember(k, q->digest, &q->answer);
    for (at = &k->asked; *at != q; at = &(*at)->next)
        continue;
    *at = q->next;
    q->done = true;
    (void)pthread_cond_broadcast(&k->news);
    rc = take_answer(x, &q->answer, e);
    while (q->waiting > 0)
        (void)pthread_cond_wait(&k->news, &k->lock);
    free(q->answer.who);
    return rc;
}

/* Under the lock: takes the answer that another thread is asking for. */
static int share(struct auth_keystone *k, struct question *q, struct http *x, struct err *e)
{
    int rc;

    q->waiting++;
    while (!q->done)
        (void)pthread_cond_wait(&k->news, &k->lock);
    rc = take_answer(x, &q->answer, e);
    q->waiting--;
    (void)pthread_cond_broadcast(&k->news);
    return rc;
}

/* Under the lock. */
static int find_out(struct auth_keystone *k, struct auth_seat *seat, struct str token,
                    struct question *q, struct http *x, struct err *e)
{
    int64_t mono = clock_mono(), now = clock_now();
    const struct auth_known *known = auth_cache_find(k->good, q->digest, mono, now);
    struct question *other = k->asked;
    int rc;

    if (!known)
        known = auth_cache_find(k->bad, q->digest, mono, now);
    if (known)
        return settle(x, known->code, known->who, e);
    if (k->waiting >= k->most)
        return err_set(e, ERR_UNAVAILABLE,
                       "it is not known who asks: others wait for Keystone already");
    while (other && memcmp(other->digest, q->digest, DIGEST_SHA256) != 0)
        other = other->next;
    k->waiting++;
    rc = other ? share(k, other, x, e) : ask(k, &seat->httpc, token, q, x, e);
    k->waiting--;
    return rc;
}

/* What can stand in a header of ours. */
static bool is_sendable(struct str token)
{
    size_t i;

    for (i = 0; i < token.n; i++) {
        if (token.p[i] <= ' ' || token.p[i] > '~')
            return false;
    }
    return token.n <= TOKEN_MAX;
}

int auth_keystone(struct auth_seat *seat, struct http *x, struct err *e)
{
    struct auth_keystone *k = seat->auth->keystone;
    unsigned char digest[DIGEST_SHA256];
    struct question q = {.digest = digest};
    struct str token;
    int rc;

    if (auth_header_token(x, &token, e) != 0)
        return -1;
    if (!is_sendable(token))
        return err_set(e, ERR_UNAUTHORIZED, "%s", sentence(ERR_UNAUTHORIZED));
    if (digest_sha256(token, digest, e) != 0)
        return -1;
    (void)pthread_mutex_lock(&k->lock);
    rc = find_out(k, seat, token, &q, x, e);
    (void)pthread_mutex_unlock(&k->lock);
    return rc;
}
