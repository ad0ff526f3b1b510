/* SPDX-License-Identifier: MIT */
/* Calls URLs on behalf of strangers: judged first, then requested. */
#include "caller.h"

#include <stdlib.h>

#include "clock.h"

/* A request that was refused; its answer comes with the next turn. */
struct refused {
    struct refused *next;
    size_t tag;
    struct err why;
};

struct caller {
    struct httpc *http;
    struct refused *refused;
    size_t refusals;
};

int caller_open(const struct caller_options *o, struct caller **out, struct err *e)
{
    struct caller *c = calloc(1, sizeof *c);

    if (!c)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    if (httpc_open(o->keep, &c->http, e) != 0) {
        free(c);
        return -1;
    }
    *out = c;
    return 0;
}

void caller_close(struct caller *c)
{
    struct refused *r;

    if (!c)
        return;
    while ((r = c->refused)) {
        c->refused = r->next;
        free(r);
    }
    httpc_close(c->http);
    free(c);
}

static int keep_refusal(struct caller *c, size_t tag, const struct err *why, struct err *e)
{
    struct refused *r = malloc(sizeof *r);

    if (!r)
        return err_set(e, ERR_INTERNAL, "out of memory for a request");
    *r = (struct refused){c->refused, tag, *why};
    c->refused = r;
    c->refusals++;
    return 0;
}

int caller_start(struct caller *c, const struct caller_request *r, struct err *e)
{
    struct httpc_request h = {
        .url = r->url->text.data,
        .body = r->body,
        .headers = r->headers,
        .timeout = r->timeout,
        .connect_timeout = r->connect_timeout,
        .keep = r->keep,
        .read = r->read,
        .tag = r->tag,
    };
    struct err why;
    size_t i;

    if (netguard_check(r->url->host, r->url->port, r->rules, &why) != 0)
        return keep_refusal(c, r->tag, &why, e);
    for (i = 0; i < r->headers; i++)
        h.header[i] = r->header[i];
    return httpc_start(c->http, &h, e);
}

void caller_turn(struct caller *c, httpc_done_fn *fn, void *ctx)
{
    struct refused *r, *next;

    r = c->refused;
    c->refused = NULL;
    for (; r; r = next) {
        next = r->next;
        c->refusals--;
        fn(ctx, &(struct httpc_answer){.tag = r->tag, .error = r->why.text});
        free(r);
    }
    httpc_turn(c->http, fn, ctx);
}

void caller_wait(struct caller *c, const int *fd, size_t fds, int64_t ns)
{
    httpc_wait(c->http, fd, fds, c->refused ? 0 : ns);
}

size_t caller_under_way(const struct caller *c)
{
    return c->refusals + httpc_under_way(c->http);
}
