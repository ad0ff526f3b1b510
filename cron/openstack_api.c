/* SPDX-License-Identifier: MIT */
/*
 * Requests to Placement and Nova.
 *
 * A run goes in rounds. In a round every call that is still to be asked is asked, WINDOW of them at
 * a time. A 401 and a 406 that another version may cure leave the call to be asked once more. The
 * rounds end: a token is renewed once at most, and Placement's version only falls.
 */
#include "openstack_api.h"

#include "files.h"
#include "openstack_words.h"

enum { WINDOW = 8, BODY_MAX = 64 << 20, REFUSAL_MAX = 65536, TEXT_MAX = 16384 };

#define CONNECT_TIMEOUT (10 * NS_PER_S)
#define LOOK_UP         (100 * NS_PER_MS) /* so often somebody may say stop */

struct run {
    struct openstack_api *api;
    struct openstack_call *call;
    size_t n, next;
    openstack_done_fn *done;
    void *ctx;
    struct err *e;
    int failed;
};

void openstack_api_begin(struct openstack_api *api, const struct until *until)
{
    api->until = until;
    api->renewed = false;
}

/* ---- words ---- */

int openstack_api_refused(const struct openstack_api *api, const struct openstack_call *call,
                          struct err *e)
{
    struct str secret[CLOUD_SECRETS + 1];
    const struct openstack_refusal refusal = {.service = keystone_word(call->service),
                                              .status = call->status,
                                              .body = buf_span(&call->body),
                                              .retry_after = str_of(call->retry_after),
                                              .secret = secret,
                                              .secrets = ARRAY_LEN(secret)};

    cloud_secrets(api->cloud, secret);
    secret[CLOUD_SECRETS] = api->token->text;
    return openstack_refused(&refusal, e);
}

int openstack_api_json(const struct openstack_api *api, const struct openstack_call *call,
                       struct json_doc **doc, struct err *e)
{
    if (call->status != 200)
        return openstack_api_refused(api, call, e);
    if (json_in_parse(buf_span(&call->body), doc, e) == 0)
        return 0;
    return err_wrap(e, "%s answered 200, but not with JSON", keystone_word(call->service));
}

/* ---- starting ---- */

void openstack_add_encoded(struct buf *b, struct str text)
{
    size_t i;
    char c;

    for (i = 0; i < text.n; i++) {
        c = text.p[i];
        if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
            strchr("-._~", c))
            buf_char(b, c);
        else
            buf_printf(b, "%%%02X", (unsigned char)c);
    }
}

static struct str address(const struct openstack_api *api, enum keystone_service service)
{
    struct str instead[KEYSTONE_SERVICES] = {
        [KEYSTONE_PLACEMENT] = api->cloud->placement, [KEYSTONE_COMPUTE] = api->cloud->compute};

    return instead[service].p ? instead[service] : api->token->endpoint[service];
}

bool openstack_api_reaches(const struct openstack_api *api, enum keystone_service service)
{
    return api->token && address(api, service).p;
}

static int write_request(const struct openstack_api *api, struct openstack_call *call,
                         struct err *e)
{
    struct str at = address(api, call->service);

    if (!at.p)
        return err_set(e, ERR_UNAVAILABLE,
                       "Keystone's catalog has no %s endpoint of %s%s%s for this user",
                       api->cloud->interface.p, keystone_word(call->service),
                       api->cloud->region.p ? " in region " : "",
                       api->cloud->region.p ? api->cloud->region.p : "");
    buf_reset(&call->url);
    buf_reset(&call->token);
    buf_reset(&call->spoken);
    buf_printf(&call->url, "%s%s", at.p, call->path);
    buf_printf(&call->token, "X-Auth-Token: %s", api->token->text.p);
    call->spoke = api->placement;
    if (call->version)
        buf_printf(&call->spoken, "OpenStack-API-Version: %s", call->version);
    else if (call->service == KEYSTONE_PLACEMENT)
        buf_printf(&call->spoken, "OpenStack-API-Version: placement 1.%lld",
                   (long long)call->spoke);
    if (buf_check(&call->url, "a request's address", e) != 0 ||
        buf_check(&call->token, "a token", e) != 0)
        return -1;
    return buf_check(&call->spoken, "a version", e);
}

static int on_piece(void *ctx, const char *data, size_t n)
{
    struct openstack_call *call = ctx;

    buf_add(&call->body, data, n);
    return call->body.failed ? -1 : 0;
}

static int start(struct run *run, size_t i)
{
    struct openstack_api *api = run->api;
    struct openstack_call *call = &run->call[i];
    struct httpc_request r = {.timeout = until_left(api->until) + NS_PER_S,
                              .connect_timeout = CONNECT_TIMEOUT,
                              .keep = REFUSAL_MAX,
                              .read = (size_t)BODY_MAX + 1,
                              .tag = i,
                              .tls = &api->cloud->tls,
                              .sink = on_piece,
                              .sink_ctx = call};

    if (write_request(api, call, run->e) != 0)
        return -1;
    buf_reset(&call->body);
    r.url = call->url.data;
    r.header[r.headers++] = "Accept: application/json";
    r.header[r.headers++] = call->token.data;
    if (call->spoken.len)
        r.header[r.headers++] = call->spoken.data;
    if (httpc_start(api->http, &r, run->e) != 0)
        return -1;
    call->state = OPENSTACK_ASKED;
    return 0;
}

static void start_some(struct run *run)
{
    while (!run->failed && run->next < run->n && httpc_under_way(run->api->http) < WINDOW) {
        if (run->call[run->next].state != OPENSTACK_DONE)
            run->failed = start(run, run->next);
        run->next++;
    }
}

/* ---- ending ---- */

/* A 406 of Placement: may the call be asked once more, in an older version? */
static int lower_version(struct run *run, struct openstack_call *call)
{
    int64_t newest;

    if (openstack_words_newest(buf_span(&call->body), &newest) != 0 || newest >= call->spoke)
        return openstack_api_refused(run->api, call, run->e);
    if (newest < call->needed)
        return err_set(run->e, ERR_UNAVAILABLE,
                       "Placement knows up to 1.%lld, and 1.%lld is needed%s%s", (long long)newest,
                       (long long)call->needed, call->needed_for ? " for " : "",
                       call->needed_for ? call->needed_for : "");
    if (newest < run->api->placement)
        run->api->placement = newest;
    call->state = OPENSTACK_TO_ASK;
    return 0;
}

static int take_answer(struct run *run, struct openstack_call *call)
{
    if (call->body.failed)
        return err_set(run->e, ERR_UNAVAILABLE, "%s's answer is larger than %d MiB",
                       keystone_word(call->service), BODY_MAX >> 20);
    if (call->status == 401 && call->optional)
        return run->done(run->ctx, call, run->e);
    if (call->status == 401 && !run->api->renewed) {
        call->state = OPENSTACK_UNAUTHORIZED;
        return 0;
    }
    if (call->status == 401) {
        (void)openstack_api_refused(run->api, call, run->e);
        return err_append(run->e,
                          ", to a new token too; an application credential with access rules "
                          "is answered so outside of them");
    }
    if (call->status == 406 && call->service == KEYSTONE_PLACEMENT)
        return lower_version(run, call);
    return run->done(run->ctx, call, run->e);
}

static void on_done(void *ctx, const struct httpc_answer *a)
{
    struct run *run = ctx;
    struct openstack_call *call = &run->call[a->tag];

    if (run->failed)
        return;
    call->state = OPENSTACK_DONE;
    call->status = a->status;
    if (a->status / 100 != 2)
        buf_add(&call->body, a->body.p, a->body.n);
    (void)snprintf(call->retry_after, sizeof call->retry_after, "%.*s",
                   a->retry_after.p ? (int)a->retry_after.n : 0,
                   a->retry_after.p ? a->retry_after.p : "");
    if (a->status == 0)
        run->failed =
            err_set(run->e, ERR_UNAVAILABLE, "%s at %s does not answer: %s",
                    keystone_word(call->service), address(run->api, call->service).p, a->error);
    else
        run->failed = take_answer(run, call);
    buf_free(&call->body);
    start_some(run);
}

/* Is a call left to be asked? Those that wait for a new token get it. */
static int prepare(struct run *run, bool *more)
{
    struct openstack_api *api = run->api;
    bool unauthorized = false;
    size_t i;

    *more = false;
    for (i = 0; i < run->n; i++) {
        unauthorized = unauthorized || run->call[i].state == OPENSTACK_UNAUTHORIZED;
        *more = *more || run->call[i].state != OPENSTACK_DONE;
    }
    if (!*more)
        return 0;
    api->renewed = api->renewed || unauthorized;
    run->next = 0;
    return keystone_token(api->keystone, api->http, api->until, unauthorized, &api->token, run->e);
}

/* The service that has not answered yet. */
static const char *slow_one(const struct run *run)
{
    size_t i = 0;

    while (i + 1 < run->n && run->call[i].state != OPENSTACK_ASKED)
        i++;
    return keystone_word(run->call[i].service);
}

/* Until all have answered, one has failed, or it has taken too long; nothing is under way then. */
static int turn(struct run *run)
{
    const struct until over = {.at = 0};
    struct httpc *h = run->api->http;
    int64_t left;

    start_some(run);
    for (httpc_turn(h, on_done, run); httpc_under_way(h) && !run->failed;
         httpc_turn(h, on_done, run)) {
        left = until_left(run->api->until);
        if (left == 0)
            run->failed =
                err_set(run->e, ERR_UNAVAILABLE, "%s does not answer in time", slow_one(run));
        else
            httpc_wait(h, NULL, 0, left < LOOK_UP ? left : LOOK_UP);
    }
    if (httpc_under_way(h))
        (void)!httpc_finish(h, &over, on_done, run);
    return run->failed;
}

int openstack_api_run(struct openstack_api *api, struct openstack_call *call, size_t n,
                      openstack_done_fn *done, void *ctx, struct err *e)
{
    struct run run = {.api = api, .call = call, .n = n, .done = done, .ctx = ctx, .e = e};
    bool more = true;
    size_t i;

    for (i = 0; i < n; i++) {
        call[i].state = OPENSTACK_TO_ASK;
        call[i].body = BUF_INIT(BODY_MAX);
        call[i].url = call[i].token = BUF_INIT(8 * TEXT_MAX);
        call[i].spoken = BUF_INIT(128);
    }
    while (!run.failed && more) {
        run.failed = prepare(&run, &more);
        if (!run.failed && more)
            run.failed = turn(&run);
    }
    for (i = 0; i < n; i++) {
        buf_free(&call[i].body);
        buf_free(&call[i].url);
        files_wipe(&call[i].token);
        buf_free(&call[i].spoken);
    }
    return run.failed;
}
