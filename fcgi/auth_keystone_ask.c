/* SPDX-License-Identifier: MIT */
/* Asks Keystone who a token is of: with the token itself, which may always ask about itself. */
#include <string.h>

#include "auth_keystone.h"
#include "httpc.h"

enum { ANSWER_MAX = 256 << 10, HEADER_MAX = 8300 };

/* What an answer's status means; any other leaves it unknown. */
static const struct {
    int status;
    enum err_code code;
} meanings[] = {
    {200, ERR_NONE},
    {401, ERR_UNAUTHORIZED},
    {404, ERR_UNAUTHORIZED}, /* it knows who asks, and then not about whom */
};

struct asking {
    const struct auth_keystone_server *server;
    struct auth_answer *a;
};

static void judge(const struct asking *q, const struct httpc_answer *answer)
{
    struct err *e = &q->a->err;
    size_t i;

    for (i = 0; i < ARRAY_LEN(meanings) && meanings[i].status != answer->status; i++)
        continue;
    if (answer->status == 0)
        (void)err_set(e, ERR_UNAVAILABLE, "Keystone does not answer: %s", answer->error);
    else if (i == ARRAY_LEN(meanings))
        (void)err_set(e, ERR_UNAVAILABLE, "Keystone answered %d", answer->status);
    else if (meanings[i].code != ERR_NONE)
        (void)err_set(e, meanings[i].code, "Keystone does not take this token");
    else if (answer->cut)
        (void)err_set(e, ERR_UNAVAILABLE, "Keystone's answer is larger than %d bytes", ANSWER_MAX);
    else
        auth_keystone_read(q->server->conf, answer->body, q->a);
}

static void on_answer(void *ctx, const struct httpc_answer *answer)
{
    judge(ctx, answer);
}

static void start(const struct asking *q, struct httpc *h, struct httpc_request *r)
{
    struct until until = {.at = clock_mono() + q->server->conf->timeout + NS_PER_S,
                          .stop = &q->server->stop};
    struct err *e = &q->a->err;

    if (httpc_start(h, r, e) == 0 && httpc_finish(h, &until, on_answer, (void *)(uintptr_t)q) != 0)
        (void)err_set(e, ERR_UNAVAILABLE, "Keystone does not answer in time");
}

void auth_keystone_ask(const struct auth_keystone_server *server, struct httpc **h,
                       struct str token, struct auth_answer *a)
{
    const struct conf_keystone *conf = server->conf;
    struct asking q = {server, a};
    struct buf asker = BUF_INIT(HEADER_MAX), subject = BUF_INIT(HEADER_MAX);
    struct httpc_tls tls = {.ca_file = conf->ca_file.p};
    struct httpc_request r = {.url = server->url,
                              .headers = 3,
                              .timeout = conf->timeout,
                              .connect_timeout = conf->timeout,
                              .keep = ANSWER_MAX,
                              .read = ANSWER_MAX,
                              .tls = &tls};

    *a = (struct auth_answer){0};
    buf_printf(&asker, "X-Auth-Token: %.*s", (int)token.n, token.p);
    buf_printf(&subject, "X-Subject-Token: %.*s", (int)token.n, token.p);
    if (buf_check(&asker, "the token", &a->err) == 0 &&
        buf_check(&subject, "the token", &a->err) == 0 && (*h || httpc_open(1, h, &a->err) == 0)) {
        r.header[0] = asker.data;
        r.header[1] = subject.data;
        r.header[2] = "Accept: application/json";
        start(&q, *h, &r);
    }
    if (asker.data)
        explicit_bzero(asker.data, asker.len);
    if (subject.data)
        explicit_bzero(subject.data, subject.len);
    buf_free(&asker);
    buf_free(&subject);
}
