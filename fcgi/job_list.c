/* SPDX-License-Identifier: MIT */
/* GET /v1/{type}/: the queue in serving order, straight from the rows into the answer. */
#include "digest.h"
#include "etag.h"
#include "handlers.h"

struct query {
    struct store_filter filter;
    int64_t limit; /* 0: all of it */
};

/* "queued,held" → bits. */
static int read_statuses(struct str words, unsigned *statuses, struct err *e)
{
    const char *p = words.p, *end = p + words.n, *comma;
    enum job_status status;

    for (;;) {
        comma = memchr(p, ',', (size_t)(end - p));
        if (!comma)
            comma = end;
        if (job_status_parse((struct str){p, (size_t)(comma - p)}, &status) != 0)
            return err_set(e, ERR_BAD_REQUEST, "status: \"%.*s\" is no status of a job",
                           (int)(comma - p), p);
        *statuses |= 1U << status;
        if (comma == end)
            return 0;
        p = comma + 1;
    }
}

static int read_query(const struct http *x, struct query *q, struct err *e)
{
    struct str status = http_param(x, "status"), limit = http_param(x, "limit");
    struct str after = http_param(x, "after");

    *q = (struct query){.filter.type = x->segment[1], .filter.owner_id = http_param(x, "owner_id")};
    if (status.p && read_statuses(status, &q->filter.statuses, e) != 0)
        return -1;
    if (limit.p && page_limit(limit, &q->limit, e) != 0)
        return -1;
    q->filter.has_after = after.p != NULL;
    return after.p ? page_decode(after, &q->filter.after, e) : 0;
}

/* The queue's version says which rows there are, the digest which of them are shown, and by which
 * program. */
static int make_etag(struct store *s, const struct query *q, char etag[JOB_LIST_ETAG_MAX],
                     struct err *e)
{
    const struct store_filter *f = &q->filter;
    unsigned char digest[DIGEST_SHA256];
    struct buf b = BUF_INIT(HTTP_TARGET_MAX + 256);
    int64_t version;
    int rc;

    if (store_queue_version(s, f->type, &version, e) != 0)
        return -1;
    buf_printf(&b, "%s %u %lld %d %lld %lld %d", ANTEROOM_VERSION, f->statuses, (long long)q->limit,
               f->has_after, (long long)f->after.priority, (long long)f->after.id,
               f->owner_id.p != NULL);
    if (f->owner_id.n > 0)
        buf_add(&b, f->owner_id.p, f->owner_id.n);
    rc = buf_check(&b, "the query", e);
    if (rc == 0)
        rc = digest_sha256(buf_span(&b), digest, e);
    buf_free(&b);
    if (rc == 0)
        (void)snprintf(etag, JOB_LIST_ETAG_MAX, "\"%lld.%02x%02x%02x%02x%02x%02x\"",
                       (long long)version, digest[0], digest[1], digest[2], digest[3], digest[4],
                       digest[5]);
    return rc;
}

int job_list_etag(struct store *s, struct str type, char etag[JOB_LIST_ETAG_MAX], struct err *e)
{
    return make_etag(s, &(struct query){.filter.type = type}, etag, e);
}

/* Writes the rows. *more: the limit was reached and at least one row is left; *last is then where
 * the page ended. */
static int put_rows(const struct query *q, struct store *s, struct http *x, struct json_out *o,
                    bool *more, struct page_place *last, struct err *e)
{
    int64_t shown = 0;
    struct job j;
    int rc;

    *more = false;
    for (;;) {
        rc = store_list_next(s, &j, e);
        if (rc <= 0)
            return rc;
        *more = q->limit > 0 && shown == q->limit;
        if (*more)
            return 0;
        job_write(o, &j, &x->zone);
        *last = (struct page_place){j.priority, j.id};
        shown++;
        if (http_stream(x, e) != 0)
            return -1;
    }
}

static int put_list(const struct query *q, struct store *s, struct http *x, struct err *e)
{
    struct json_out o = http_data(x, 200);
    struct buf cursor = BUF_INIT(PAGE_CURSOR_MAX);
    struct page_place last = {0};
    bool more;
    int rc;

    json_open(&o, '[');
    rc = store_list_begin(s, &q->filter, e);
    if (rc == 0)
        rc = put_rows(q, s, x, &o, &more, &last, e);
    store_list_end(s);
    if (rc != 0)
        return -1;
    json_close(&o, ']');
    if (more) {
        page_encode(last, &cursor);
        json_key(&o, "next");
        json_put_str(&o, buf_span(&cursor));
        buf_free(&cursor);
    }
    http_end(x, &o);
    return 0;
}

/* Within a snapshot, so that the tag and the rows agree. */
static int answer(const struct query *q, struct store *s, struct http *x, struct err *e)
{
    struct str wanted = http_header(x, "HTTP_IF_MATCH");
    struct str known = http_header(x, "HTTP_IF_NONE_MATCH");
    char etag[JOB_LIST_ETAG_MAX];

    if (make_etag(s, q, etag, e) != 0)
        return -1;
    if (wanted.p && !etag_named(wanted, str_of(etag), ETAG_STRONG))
        return err_set(e, ERR_PRECONDITION_FAILED, "the list is not as If-Match says");
    http_add_header(x, "ETag", str_of(etag));
    http_add_header(x, "Cache-Control", STR_LIT("no-cache"));
    if (known.p && etag_named(known, str_of(etag), ETAG_WEAK)) {
        http_empty(x, 304);
        return 0;
    }
    if (x->head_only) {
        x->length_unknown = true; /* it would take the whole list to know */
        http_empty(x, 200);
        return 0;
    }
    return put_list(q, s, x, e);
}

int job_list(const struct route_env *env, struct http *x, struct err *e)
{
    struct query q;
    int rc;

    if (read_query(x, &q, e) != 0 || store_read_begin(env->store, e) != 0)
        return -1;
    rc = answer(&q, env->store, x, e);
    store_read_end(env->store);
    return rc;
}
