/* SPDX-License-Identifier: MIT */
/* GET /v1/{type}/: the queue in serving order, straight from the rows into the answer. */
#include "digest.h"
#include "etag.h"
#include "handlers.h"
#include "listing.h"

enum { ETAG_BYTES = 16 };
_Static_assert(2 * ETAG_BYTES + 3 <= JOB_LIST_ETAG_MAX, "the tag with its quotes has room");

struct query {
    struct store_filter filter;
    int64_t limit;   /* 0: all of it */
    struct buf list; /* which list it is, and who sees it: for cursor and tag */
};

static int read_query(const struct http *x, struct query *q, struct err *e)
{
    struct str status = http_param(x, "status"), limit = http_param(x, "limit");
    struct str after = http_param(x, "after");

    q->filter = (struct store_filter){.type = x->segment[1], .owner_id = http_param(x, "owner_id")};
    if (status.p && listing_statuses(status, &q->filter.statuses, e) != 0)
        return -1;
    if (limit.p && page_limit(limit, &q->limit, e) != 0)
        return -1;
    q->filter.has_after = after.p != NULL;
    if (listing_name(&q->filter, x->who, &q->list, e) != 0)
        return -1;
    return after.p ? page_decode(after, buf_span(&q->list), &q->filter.after, e) : 0;
}

/* The queue's version says which rows there are, in this database, whose name tells it from one
 * that was put back; the rest says which of them are shown, to whom, and by which program. All of
 * it in a digest: the version alone would tell how much others do. */
static int make_etag(struct store *s, const struct query *q, char etag[JOB_LIST_ETAG_MAX],
                     struct err *e)
{
    const struct store_filter *f = &q->filter;
    unsigned char digest[DIGEST_SHA256];
    struct buf b = BUF_INIT(LISTING_NAME_MAX + 256);
    char instance[17];
    int64_t version;
    size_t i;
    int rc;

    if (store_queue_version(s, f->type, &version, e) != 0 || store_instance(s, instance, e) != 0)
        return -1;
    buf_printf(&b, "%s %s %lld %lld %d %lld %lld ", ANTEROOM_VERSION, instance, (long long)version,
               (long long)q->limit, f->has_after, (long long)f->after.priority,
               (long long)f->after.id);
    buf_add(&b, q->list.data, q->list.len);
    rc = buf_check(&b, "the query", e);
    if (rc == 0)
        rc = digest_sha256(buf_span(&b), digest, e);
    buf_free(&b);
    for (i = 0; i < ETAG_BYTES && rc == 0; i++)
        (void)snprintf(etag + 1 + 2 * i, 4, "%02x\"", digest[i]);
    etag[0] = '"';
    return rc;
}

int job_list_etag(struct store *s, const struct who *who, struct str type,
                  char etag[JOB_LIST_ETAG_MAX], struct err *e)
{
    struct query q = {.filter.type = type, .list = BUF_INIT(LISTING_NAME_MAX)};
    int rc = listing_name(&q.filter, who, &q.list, e);

    if (rc == 0)
        rc = make_etag(s, &q, etag, e);
    buf_free(&q.list);
    return rc;
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
        page_encode(last, buf_span(&q->list), &cursor);
        json_key(&o, "next");
        json_put_buf(&o, &cursor);
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
    struct query q = {.list = BUF_INIT(LISTING_NAME_MAX)};
    int rc = read_query(x, &q, e);

    if (rc == 0)
        rc = store_read_begin(env->store, e);
    if (rc == 0) {
        rc = answer(&q, env->store, x, e);
        store_read_end(env->store);
    }
    buf_free(&q.list);
    return rc;
}
