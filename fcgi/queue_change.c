/* SPDX-License-Identifier: MIT */
/* POST /queues/{type}: pauses a queue, or lets it go on. */
#include "etag.h"
#include "handlers.h"

struct work {
    struct json_doc *doc;
    bool paused;
    bool changed; /* it was not so before */
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

void queue_changed(const struct http *x)
{
    const struct work *w = x->work;
    char type[JOB_NAME_MAX + 1], who[WHO_NAME_MAX + 1], room[LOG_QUOTE_MAX], more[LOG_QUOTE_MAX];

    if (!w->changed)
        return;
    (void)snprintf(type, sizeof type, "%.*s", (int)x->segment[1].n, x->segment[1].p);
    (void)snprintf(who, sizeof who, "%.*s", (int)x->who->name.n, x->who->name.p);
    log_info("queue", "type=%s paused=%s who=%s id=%s", log_quote(room, type),
             w->paused ? "true" : "false", log_quote(more, who), x->id);
}

static int check_match(struct store *s, struct http *x, struct err *e)
{
    struct str wanted = http_header(x, "HTTP_IF_MATCH");
    char etag[ETAG_MAX];

    if (!wanted.p)
        return 0;
    if (queue_etag(s, x->segment[1], &x->zone, etag, e) != 0)
        return -1;
    if (etag_named(wanted, str_of(etag), ETAG_STRONG))
        return 0;
    return err_set(e, ERR_PRECONDITION_FAILED, "the queue is not as If-Match says");
}

int queue_change(const struct route_env *env, struct http *x, struct err *e)
{
    struct work *w = x->work;
    int rc;

    if (check_match(env->store, x, e) != 0)
        return -1;
    rc = store_pause(env->store, x->segment[1], w->paused, e);
    if (rc < 0)
        return -1;
    w->changed = rc == 1;
    http_done(x);
    return 0;
}
