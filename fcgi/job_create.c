/* SPDX-License-Identifier: MIT */
/* POST /v1/{type}/: creates one job, or all of an array or none. */
#include "digest.h"
#include "etag.h"
#include "handlers.h"
#include "job_batch.h"
#include "uri.h"
#include "store_clock.h"

struct work {
    struct job_batch batch;
    struct str key; /* Idempotency-Key; absent: none */
    unsigned char digest[STORE_DIGEST];
};

_Static_assert((int)STORE_DIGEST == (int)DIGEST_SHA256, "the store keeps a SHA-256");

static void drop(void *work)
{
    struct work *w = work;

    job_batch_free(&w->batch);
    free(w);
}

static int read_key(const struct http *x, struct work *w, struct err *e)
{
    struct str key = http_header(x, "HTTP_IDEMPOTENCY_KEY");
    size_t i;

    if (!key.p)
        return 0;
    if (key.n == 0 || key.n > STORE_KEY_MAX)
        return err_set(e, ERR_BAD_REQUEST, "Idempotency-Key must have 1 to %d characters",
                       STORE_KEY_MAX);
    for (i = 0; i < key.n; i++) {
        if (key.p[i] <= ' ' || key.p[i] > '~')
            return err_set(e, ERR_BAD_REQUEST, "Idempotency-Key must be visible ASCII");
    }
    w->key = key;
    return digest_sha256(x->body, w->digest, e);
}

int job_create_prepare(const struct route_env *env, struct http *x, struct err *e)
{
    struct work *w = calloc(1, sizeof *w);
    size_t i;

    if (!w)
        return err_set(e, ERR_INTERNAL, "no memory for the request");
    x->work = w;
    x->drop = drop;
    if (read_key(x, w, e) != 0)
        return -1;
    if (job_batch_parse(env->conf, env->own, x->segment[1], x->body, &w->batch, e) != 0)
        return -1;
    for (i = 0; i < w->batch.jobs; i++)
        w->batch.job[i].request = str_of(x->id);
    return 0;
}

/* If-Match on a create is about the list that it would add to. */
static int check_list(struct store *s, const struct http *x, struct err *e)
{
    struct str wanted = http_header(x, "HTTP_IF_MATCH");
    char etag[JOB_LIST_ETAG_MAX];

    if (!wanted.p)
        return 0;
    if (job_list_etag(s, x->who, x->segment[1], etag, e) != 0)
        return -1;
    if (!etag_named(wanted, str_of(etag), ETAG_STRONG))
        return err_set(e, ERR_PRECONDITION_FAILED, "the list is not as If-Match says");
    return 0;
}

/* The headers of one new job. The text is kept for Idempotency-Key as well. */
struct headers {
    struct buf location;
    char etag[JOB_ETAG_MAX];
};

static void name_job(const struct job *j, struct headers *h)
{
    buf_str(&h->location, "/v1/");
    uri_encode(j->type, &h->location);
    buf_char(&h->location, '/');
    uri_encode(j->request_id, &h->location);
    job_etag(j, h->etag);
}

/* Creates the jobs and writes the answer's body. */
static int create_all(struct store *s, const struct work *w, struct http *x, struct headers *h,
                      struct err *e)
{
    struct json_out o = http_data(x, 201);
    struct job last;

    if (job_batch_create(s, &w->batch, &o, &x->zone, &last, e) != 0)
        return -1;
    if (!w->batch.array)
        name_job(&last, h);
    http_end(x, &o);
    x->did = (struct http_did){"created", (int64_t)w->batch.jobs,
                               w->batch.array ? str_of(NULL) : w->batch.job[0].request_id};
    return buf_check(&x->out, "the answer", e);
}

static void put_headers(struct http *x, struct str location, struct str etag)
{
    if (location.p)
        http_add_header(x, "Location", location);
    if (etag.p)
        http_add_header(x, "ETag", etag);
}

static int create_first(struct store *s, const struct work *w, struct http *x, struct headers *h,
                        struct err *e)
{
    struct store_answer a = {.status = 201};

    if (create_all(s, w, x, h, e) != 0 || buf_check(&h->location, "the Location", e) != 0)
        return -1;
    if (!w->batch.array) {
        a.location = buf_span(&h->location);
        a.etag = str_of(h->etag);
    }
    put_headers(x, a.location, a.etag);
    a.body = buf_span(&x->out);
    if (!w->key.p)
        return 0;
    return store_answer_save(s, x->segment[1], w->key, w->digest, &a, store_now(s), e);
}

/* The first answer again, byte for byte. */
static void answer_again(struct http *x, const struct store_answer *a)
{
    x->status = a->status;
    put_headers(x, a->location, a->etag);
    buf_add(&x->out, a->body.p, a->body.n);
}

int job_create(const struct route_env *env, struct http *x, struct err *e)
{
    struct headers h = {.location = BUF_INIT(HTTP_HEAD_MAX)};
    const struct work *w = x->work;
    struct store_answer first;
    int seen = 0, rc = 0;

    http_add_header(x, "Cache-Control", STR_LIT("no-store"));
    if (w->key.p)
        seen = store_answer_find(env->store, x->segment[1], w->key, w->digest, &first, e);
    if (seen < 0)
        return -1;
    if (seen == 1) {
        answer_again(x, &first);
        return 0;
    }
    if (check_list(env->store, x, e) != 0)
        return -1;
    rc = create_first(env->store, w, x, &h, e);
    buf_free(&h.location);
    return rc;
}
