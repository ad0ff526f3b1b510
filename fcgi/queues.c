/* SPDX-License-Identifier: MIT */
/* GET /queues/ and GET /queues/{type}: queues at a glance. The tag is that of the content, which is
 * therefore made before it is known whether anybody needs it; a page of it is small. */
#include "etag.h"
#include "handlers.h"
#include "store_queues.h"

enum { QUEUES_MAX = 1000, CONTENT_MAX = HTTP_ANSWER_MAX / 2 };

/* ---- the tag ---- */

static int write_one(struct store *s, struct str type, struct clock_zone *zone, struct buf *content,
                     struct err *e)
{
    struct json_out o = JSON_OUT(content);
    struct store_queue q;

    if (store_queue(s, type, clock_now(), &q, e) != 0)
        return -1;
    store_queue_write(&o, &q, zone);
    return buf_check(content, "a queue", e);
}

int queue_etag(struct store *s, struct str type, struct clock_zone *zone, char etag[ETAG_MAX],
               struct err *e)
{
    struct buf content = BUF_INIT(CONTENT_MAX);
    struct str part;
    int rc = write_one(s, type, zone, &content, e);

    part = buf_span(&content);
    if (rc == 0)
        rc = etag_of(&part, 1, etag, e);
    buf_free(&content);
    return rc;
}

/* ---- the answer ---- */

/* What has been made of it. */
struct page {
    struct http *x;
    struct json_out o;
    struct buf content;
    int64_t limit, shown;
    struct buf last; /* the type that was shown last */
    bool more;
};

static int answer(struct page *p, struct err *e)
{
    struct str known = http_header(p->x, "HTTP_IF_NONE_MATCH");
    struct str wanted = http_header(p->x, "HTTP_IF_MATCH");
    const struct str part[] = {buf_span(&p->content), p->more ? STR_LIT("next") : STR_LIT("")};
    char etag[ETAG_MAX];

    if (buf_check(&p->content, "the queues", e) != 0 ||
        etag_of(part, ARRAY_LEN(part), etag, e) != 0)
        return -1;
    if (wanted.p && !etag_named(wanted, str_of(etag), ETAG_STRONG))
        return err_set(e, ERR_PRECONDITION_FAILED, "it is not as If-Match says");
    http_add_header(p->x, "ETag", str_of(etag));
    http_add_header(p->x, "Cache-Control", STR_LIT("no-cache"));
    if (known.p && etag_named(known, str_of(etag), ETAG_WEAK)) {
        http_empty(p->x, 304);
        return 0;
    }
    p->o = http_data(p->x, 200);
    json_put_raw(&p->o, part[0]);
    if (p->more) {
        json_key(&p->o, "next");
        json_put_buf(&p->o, &p->last);
    }
    http_end(p->x, &p->o);
    return 0;
}

static void page_free(struct page *p)
{
    buf_free(&p->content);
    buf_free(&p->last);
}

int queue_show(const struct route_env *env, struct http *x, struct err *e)
{
    struct page p = {.x = x, .content = BUF_INIT(CONTENT_MAX), .last = BUF_INIT(JOB_NAME_MAX)};
    int rc = store_read_begin(env->store, e);

    if (rc == 0) {
        rc = write_one(env->store, x->segment[1], &x->zone, &p.content, e);
        store_read_end(env->store);
    }
    if (rc == 0)
        rc = answer(&p, e);
    page_free(&p);
    return rc;
}

/* ---- all of them ---- */

static int put_queue(void *ctx, const struct store_queue *q, struct err *e)
{
    struct page *p = ctx;

    p->more = p->shown == p->limit;
    if (p->more)
        return 1;
    store_queue_write(&p->o, q, &p->x->zone);
    buf_reset(&p->last);
    buf_add(&p->last, q->type.p, q->type.n);
    p->shown++;
    return buf_check(&p->content, "the queues", e);
}

static int read_query(struct page *p, struct str *after, struct err *e)
{
    struct str limit = http_param(p->x, "limit");

    *after = http_param(p->x, "after");
    if (limit.p && page_limit(limit, &p->limit, e) != 0)
        return -1;
    if (p->limit > QUEUES_MAX)
        p->limit = QUEUES_MAX;
    if (after->p && job_check_name(*after, "after", e) != 0)
        return err_set(e, ERR_INVALID_CURSOR, "after must be what a page before had as next");
    return 0;
}

static int put_queues(struct page *p, struct store *s, struct str after, struct err *e)
{
    int rc;

    p->o = JSON_OUT(&p->content);
    json_open(&p->o, '[');
    if (store_read_begin(s, e) != 0)
        return -1;
    rc = store_queues_after(s, after, clock_now(), put_queue, p, e);
    store_read_end(s);
    json_close(&p->o, ']');
    return rc;
}

int queues(const struct route_env *env, struct http *x, struct err *e)
{
    struct page p = {.x = x,
                     .content = BUF_INIT(CONTENT_MAX),
                     .limit = QUEUES_MAX,
                     .last = BUF_INIT(JOB_NAME_MAX)};
    struct str after;
    int rc = read_query(&p, &after, e);

    if (rc == 0)
        rc = put_queues(&p, env->store, after, e);
    if (rc == 0)
        rc = answer(&p, e);
    page_free(&p);
    return rc;
}
