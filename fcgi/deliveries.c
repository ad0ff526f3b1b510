/* SPDX-License-Identifier: MIT */
/* /v1/{type}/{request_id}/deliveries: GET every try of a job's callback, POST sends it again now.
 */
#include "etag.h"
#include "handlers.h"
#include "history.h"
#include "store_clock.h"

static int put_delivery(void *ctx, const struct store_delivery *d, struct err *e)
{
    struct history_page *p = ctx;

    if (!history_row(p, d->n))
        return 0;
    store_delivery_write(&p->o, d, p->instance, p->job_id, &p->x->zone);
    return history_row_end(p, e);
}

static int put_deliveries(struct history_page *p, const struct job *j, int64_t after, int64_t most,
                          struct err *e)
{
    return store_deliveries(p->store, j->id, after, most, put_delivery, p, e);
}

static const struct history history = {PAGE_DELIVERIES, 0, store_delivery_numbers, put_deliveries};

int deliveries(const struct route_env *env, struct http *x, struct err *e)
{
    return history_answer(&history, env, x, e);
}

/* No body, or an object without members: there is nothing to say. */
int deliveries_send_prepare(const struct route_env *env, struct http *x, struct err *e)
{
    struct json_doc *doc;
    json_value *root;
    int rc;

    (void)env;
    if (x->body.n == 0)
        return 0;
    if (json_in_parse(x->body, &doc, e) != 0)
        return -1;
    root = json_in_root(doc);
    if (json_kind(root) == JSON_OBJECT)
        rc = json_only_members(root, NULL, 0, e);
    else
        rc = err_set(e, ERR_INVALID, "the body must be empty or an empty object, not %s",
                     json_kind_word(json_kind(root)));
    json_in_free(doc);
    return rc;
}

/* If-Match may name the job or, as that is what stands at this path, its deliveries. */
static int read_match(struct store *s, const struct http *x, struct store_match *match,
                      struct err *e)
{
    struct str wanted = http_header(x, "HTTP_IF_MATCH");
    char etag[HISTORY_ETAG_MAX];
    struct job j;

    if (etag_match(wanted, match, e) != 0)
        return -1;
    if (!wanted.p)
        return 0;
    if (store_show(s, x->segment[1], x->segment[2], &j, e) != 0 ||
        history_etag(&history, s, &j, etag, e) != 0)
        return -1;
    match->any = match->any || etag_named(wanted, str_of(etag), ETAG_STRONG);
    return 0;
}

/* The dispatcher is woken by the commit. */
int deliveries_send(const struct route_env *env, struct http *x, struct err *e)
{
    struct store_match match;

    if (read_match(env->store, x, &match, e) != 0 ||
        store_resend(env->store, x->segment[1], x->segment[2], &match, store_now(env->store), e) !=
            0)
        return -1;
    x->did = (struct http_did){"sent-again", 1, x->segment[2]};
    http_done(x);
    return 0;
}
