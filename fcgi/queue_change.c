/* SPDX-License-Identifier: MIT */
/* POST /queues/{type}: pauses a queue, or lets it go on. */
#include "etag.h"
#include "handlers.h"

struct work {
    struct json_doc *doc;
    bool paused;
};

static void drop(void *work)
{
    struct work *w = work;

    json_in_free(w->doc);
    free(w);
}

static int read_body(const json_value *root, struct work *w, struct err *e)
{
    static const char *const known[] = {"paused"};
    json_value *v;

    if (json_kind(root) != JSON_OBJECT)
        return err_set(e, ERR_INVALID, "the body must be an object, not %s",
                       json_kind_word(json_kind(root)));
    if (json_only_members(root, known, ARRAY_LEN(known), e) != 0)
        return -1;
    if (!json_member(root, "paused", &v))
        return err_at(e, ERR_INVALID, "/paused", "paused is required");
    if (json_kind(v) != JSON_BOOL)
        return err_at(e, ERR_INVALID, "/paused", "paused must be a boolean, not %s",
                      json_kind_word(json_kind(v)));
    w->paused = json_bool(v);
    return 0;
}

int queue_change_prepare(const struct route_env *env, struct http *x, struct err *e)
{
    struct work *w = calloc(1, sizeof *w);

    (void)env;
    if (!w)
        return err_set(e, ERR_INTERNAL, "no memory for the request");
    x->work = w;
    x->drop = drop;
    if (json_in_parse(x->body, &w->doc, e) != 0)
        return -1;
    return read_body(json_in_root(w->doc), w, e);
}

static void log_change(const struct http *x, bool paused)
{
    char type[JOB_NAME_MAX + 1], who[WHO_NAME_MAX + 1], room[LOG_QUOTE_MAX], more[LOG_QUOTE_MAX];

    (void)snprintf(type, sizeof type, "%.*s", (int)x->segment[1].n, x->segment[1].p);
    (void)snprintf(who, sizeof who, "%.*s", (int)x->who->name.n, x->who->name.p);
    log_info("queue", "type=%s paused=%s who=%s id=%s", log_quote(room, type),
             paused ? "true" : "false", log_quote(more, who), x->id);
}

int queue_change(const struct route_env *env, struct http *x, struct err *e)
{
    const struct work *w = x->work;
    struct str wanted = http_header(x, "HTTP_IF_MATCH");
    int rc;

    /* A queue has no tag yet, so none can be the right one. */
    if (wanted.p && !etag_named(wanted, STR_LIT(""), ETAG_STRONG))
        return err_set(e, ERR_PRECONDITION_FAILED, "the queue is not as If-Match says");
    rc = store_pause(env->store, x->segment[1], w->paused, e);
    if (rc < 0)
        return -1;
    if (rc == 1)
        log_change(x, w->paused);
    http_done(x);
    return 0;
}
