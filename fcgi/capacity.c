/* SPDX-License-Identifier: MIT */
/* GET /queues/{type}/capacity: the last reading of the queue's source, with what is held of it. */
#include <string.h>

#include "etag.h"
#include "handlers.h"
#include "store_view.h"

struct page {
    struct store *s;
    struct http *x;
    const struct conf_queue *queue;
    struct store_view view;
};

/* The tag is a weak one: of everything but the age, which is the reader's to count from ReadAt. */
static int make_etag(struct page *p, bool known, char etag[ETAG_MAX + 2], struct err *e)
{
    char numbers[64];
    int64_t mark = 0;
    struct str part[] = {p->x->segment[1], str_of(conf_capacity_word(p->queue->capacity)),
                         p->view.error,    STR_LIT("\n"),
                         p->view.about,    STR_LIT("")};

    if (known && store_view_mark(p->s, &p->view, &mark, e) != 0)
        return -1;
    (void)snprintf(numbers, sizeof numbers, "\n%d %lld %lld", known, (long long)p->view.read_at,
                   (long long)mark);
    part[ARRAY_LEN(part) - 1] = str_of(numbers);
    memcpy(etag, "W/", 2);
    return etag_of(part, ARRAY_LEN(part), etag + 2, e);
}

static int row_ends(void *ctx, struct err *e)
{
    return http_stream(ctx, e);
}

static int put_page(struct page *p, bool known, struct err *e)
{
    struct json_out o = http_data(p->x, 200);

    if (store_view_write(p->s, &p->view, known, p->x->segment[1], &o, row_ends, p->x, e) != 0)
        return -1;
    http_end(p->x, &o);
    return 0;
}

static int answer(struct page *p, struct err *e)
{
    struct str wanted = http_header(p->x, "HTTP_IF_MATCH");
    struct str tagged = http_header(p->x, "HTTP_IF_NONE_MATCH");
    char etag[ETAG_MAX + 2];
    int known = store_view(p->s, p->queue, &p->view, e);

    if (known < 0 || make_etag(p, known == 1, etag, e) != 0)
        return -1;
    if (wanted.p && !etag_named(wanted, str_of(etag), ETAG_STRONG))
        return err_set(e, ERR_PRECONDITION_FAILED, "a weak tag meets no If-Match");
    http_add_header(p->x, "ETag", str_of(etag));
    http_add_header(p->x, "Cache-Control", STR_LIT("no-cache"));
    if (tagged.p && etag_named(tagged, str_of(etag + 2), ETAG_WEAK)) {
        http_empty(p->x, 304);
        return 0;
    }
    if (p->x->head_only) {
        p->x->length_unknown = true; /* it would take the whole answer to know */
        http_empty(p->x, 200);
        return 0;
    }
    return put_page(p, known == 1, e);
}

int capacity(const struct route_env *env, struct http *x, struct err *e)
{
    struct page p = {.s = env->store, .x = x, .queue = conf_queue(env->conf, x->segment[1])};
    int rc;

    if (store_read_begin(env->store, e) != 0)
        return -1;
    rc = answer(&p, e);
    store_read_end(env->store);
    return rc;
}
