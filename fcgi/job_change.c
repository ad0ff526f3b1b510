/* SPDX-License-Identifier: MIT */
/* POST /v1/{type}/{request_id}: changes one job, all that the body says or nothing. */
#include "callback.h"
#include "etag.h"
#include "handlers.h"
#include "store_clock.h"

struct work {
    struct json_doc *doc;
    struct job_change change; /* its spans point into the document */
    struct store_match match;
};

static void drop(void *work)
{
    struct work *w = work;

    job_change_free(&w->change);
    json_in_free(w->doc);
    free(w);
}

int job_change_prepare(const struct route_env *env, struct http *x, struct err *e)
{
    struct str type = x->segment[1];
    const struct conf_queue *queue = conf_queue(env->conf, type);
    struct work *w = calloc(1, sizeof *w);
    json_value *root;

    if (!w)
        return err_set(e, ERR_INTERNAL, "no memory for the request");
    x->work = w;
    x->drop = drop;
    if (etag_match(http_header(x, "HTTP_IF_MATCH"), &w->match, e) != 0 ||
        json_in_parse(x->body, &w->doc, e) != 0)
        return -1;
    root = json_in_root(w->doc);
    if (json_kind(root) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "the body must be an object, not %s",
                       json_kind_word(json_kind(root)));
    if (job_parse_change(queue, type, root, &w->change, e) != 0)
        return -1;
    return w->change.callback.p ? callback_judge(env->conf, env->own, queue, &w->change.target, e)
                                : 0;
}

int job_change(const struct route_env *env, struct http *x, struct err *e)
{
    const struct work *w = x->work;

    if (store_change(env->store, x->segment[1], x->segment[2], &w->change, &w->match,
                     store_now(env->store), e) != 0)
        return -1;
    x->did = (struct http_did){"changed", 1, x->segment[2]};
    http_done(x);
    return 0;
}
