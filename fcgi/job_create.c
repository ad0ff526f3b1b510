/* SPDX-License-Identifier: MIT */
/* POST /v1/{type}/: creates one job, or all of an array or none. */
#include "callback.h"
#include "digest.h"
#include "etag.h"
#include "handlers.h"
#include "uri.h"

struct work {
    struct json_doc *doc;
    bool array;
    size_t jobs;
    struct job_new *job; /* [jobs]; the spans point into the document */
    struct str key;      /* Idempotency-Key; absent: none */
    unsigned char digest[STORE_DIGEST];
};

_Static_assert((int)STORE_DIGEST == (int)DIGEST_SHA256, "the store keeps a SHA-256");

static void drop(void *work)
{
    struct work *w = work;
    size_t i;

    for (i = 0; i < w->jobs; i++)
        job_new_free(&w->job[i]);
    free(w->job);
    json_in_free(w->doc);
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

/* How many jobs the body has. */
static int count_jobs(const json_value *root, struct work *w, size_t *count, struct err *e)
{
    enum json_kind kind = json_kind(root);

    w->array = kind == JSON_ARRAY;
    *count = w->array ? json_length(root) : 1;
    if (kind != JSON_ARRAY && kind != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "the body must be an object or an array of objects, not %s",
                       json_kind_word(kind));
    if (*count < 1 || *count > JOB_BATCH_MAX)
        return err_set(e, ERR_INVALID, "an array must have 1 to %d jobs, not %zu", JOB_BATCH_MAX,
                       *count);
    return 0;
}

static int parse_job(const struct route_env *env, struct str type, json_value *v, struct job_new *n,
                     struct err *e)
{
    const struct conf_queue *queue = conf_queue(env->conf, type);

    if (json_kind(v) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "a job must be an object, not %s",
                       json_kind_word(json_kind(v)));
    if (job_parse_new(queue, type, v, n, e) != 0)
        return -1;
    if (callback_judge(env, queue, &n->target, e) == 0)
        return 0;
    job_new_free(n);
    return -1;
}

static int parse_jobs(const struct route_env *env, struct str type, struct work *w, struct err *e)
{
    json_value *root = json_in_root(w->doc);
    size_t count;

    if (count_jobs(root, w, &count, e) != 0)
        return -1;
    w->job = calloc(count, sizeof *w->job);
    if (!w->job)
        return err_set(e, ERR_INTERNAL, "no memory for %zu jobs", count);
    for (; w->jobs < count; w->jobs++) {
        json_value *v = w->array ? json_at(root, w->jobs) : root;

        if (parse_job(env, type, v, &w->job[w->jobs], e) != 0)
            return w->array ? err_under(e, "/%zu", w->jobs) : -1;
    }
    return 0;
}

int job_create_prepare(const struct route_env *env, struct http *x, struct err *e)
{
    struct work *w = calloc(1, sizeof *w);

    if (!w)
        return err_set(e, ERR_INTERNAL, "no memory for the request");
    x->work = w;
    x->drop = drop;
    if (read_key(x, w, e) != 0 || json_in_parse(x->body, &w->doc, e) != 0)
        return -1;
    return parse_jobs(env, x->segment[1], w, e);
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
    struct job j;
    size_t i;

    if (w->array)
        json_open(&o, '[');
    for (i = 0; i < w->jobs; i++) {
        if (store_create(s, &w->job[i], clock_now(), &j, e) != 0)
            return w->array ? err_under(e, "/%zu", i) : -1;
        job_write(&o, &j, &x->zone);
        if (!w->array)
            name_job(&j, h);
    }
    if (w->array)
        json_close(&o, ']');
    http_end(x, &o);
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
    if (!w->array) {
        a.location = buf_span(&h->location);
        a.etag = str_of(h->etag);
    }
    put_headers(x, a.location, a.etag);
    a.body = buf_span(&x->out);
    if (!w->key.p)
        return 0;
    return store_answer_save(s, x->segment[1], w->key, w->digest, &a, clock_now(), e);
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
