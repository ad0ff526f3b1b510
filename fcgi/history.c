/* SPDX-License-Identifier: MIT */
/* A job's history as pages of rows: the query, the ETag, the envelope. */
#include "history.h"

#include "digest.h"
#include "etag.h"

struct query {
    int64_t limit; /* 0: all of it */
    int64_t after;
};

static int read_query(const struct history *h, const struct http *x, int64_t job_id,
                      struct query *q, struct err *e)
{
    struct str limit = http_param(x, "limit"), after = http_param(x, "after");

    *q = (struct query){0, h->start};
    if (limit.p && page_limit(limit, &q->limit, e) != 0)
        return -1;
    return after.p ? page_decode_row(h->kind, after, job_id, &q->after, e) : 0;
}

/* Rows do not change: the numbers say which there are, in this database. The version is for one
 * that was numbered anew, after all before it had been forgotten. */
static int make_etag(const struct history *h, struct store *s, const struct job *j,
                     const struct query *q, char etag[HISTORY_ETAG_MAX], struct err *e)
{
    unsigned char digest[DIGEST_SHA256];
    struct store_numbers n;
    char text[256], instance[17];

    if (h->numbers(s, j->id, &n, e) != 0 || store_instance(s, instance, e) != 0)
        return -1;
    (void)snprintf(text, sizeof text, "%s %s %d %lld %lld %lld %lld %lld %lld", ANTEROOM_VERSION,
                   instance, (int)h->kind, (long long)j->id, (long long)j->version,
                   (long long)n.first, (long long)n.last, (long long)q->limit, (long long)q->after);
    if (digest_sha256(str_of(text), digest, e) != 0)
        return -1;
    (void)snprintf(etag, HISTORY_ETAG_MAX, "\"%02x%02x%02x%02x%02x%02x%02x%02x\"", digest[0],
                   digest[1], digest[2], digest[3], digest[4], digest[5], digest[6], digest[7]);
    return 0;
}

int history_etag(const struct history *h, struct store *s, const struct job *j,
                 char etag[HISTORY_ETAG_MAX], struct err *e)
{
    return make_etag(h, s, j, &(struct query){0, h->start}, etag, e);
}

bool history_row(struct history_page *p, int64_t n)
{
    p->more = p->shown == p->limit;
    if (p->more)
        return false;
    p->shown++;
    p->last = n;
    return true;
}

int history_row_end(struct history_page *p, struct err *e)
{
    return http_stream(p->x, e);
}

static int put_page(const struct history *h, const struct query *q, struct store *s,
                    const struct job *j, struct http *x, struct err *e)
{
    struct history_page p = {.store = s,
                             .x = x,
                             .job_id = j->id,
                             .limit = q->limit > 0 ? q->limit : INT64_MAX,
                             .o = http_data(x, 200)};
    struct buf cursor = BUF_INIT(PAGE_CURSOR_MAX);

    json_open(&p.o, '[');
    if (store_instance(s, p.instance, e) != 0 ||
        h->rows(&p, j, q->after, q->limit > 0 ? q->limit + 1 : INT64_MAX, e) != 0)
        return -1;
    json_close(&p.o, ']');
    if (p.more) {
        page_encode_row(h->kind, j->id, p.last, &cursor);
        json_key(&p.o, "next");
        json_put_buf(&p.o, &cursor);
        buf_free(&cursor);
    }
    http_end(x, &p.o);
    return 0;
}

/* Within a snapshot, so that the tag and the rows agree. */
static int answer(const struct history *h, struct store *s, struct http *x, struct err *e)
{
    struct str wanted = http_header(x, "HTTP_IF_MATCH");
    struct str known = http_header(x, "HTTP_IF_NONE_MATCH");
    char etag[HISTORY_ETAG_MAX];
    struct query q;
    struct job j;

    if (store_show(s, x->segment[1], x->segment[2], &j, e) != 0 ||
        read_query(h, x, j.id, &q, e) != 0 || make_etag(h, s, &j, &q, etag, e) != 0)
        return -1;
    if (wanted.p && !etag_named(wanted, str_of(etag), ETAG_STRONG))
        return err_set(e, ERR_PRECONDITION_FAILED, "the history is not as If-Match says");
    http_add_header(x, "ETag", str_of(etag));
    http_add_header(x, "Cache-Control", STR_LIT("no-cache"));
    if (known.p && etag_named(known, str_of(etag), ETAG_WEAK)) {
        http_empty(x, 304);
        return 0;
    }
    return put_page(h, &q, s, &j, x, e);
}

int history_answer(const struct history *h, const struct route_env *env, struct http *x,
                   struct err *e)
{
    int rc;

    if (store_read_begin(env->store, e) != 0)
        return -1;
    rc = answer(h, env->store, x, e);
    store_read_end(env->store);
    return rc;
}
