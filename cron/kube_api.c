/* SPDX-License-Identifier: MIT */
/* Asking the API server: who we are, what its answers mean, and when it is asked again. */
#include "kube_api.h"

#include <stdlib.h>
#include <string.h>

#include "json_in.h"
#include "num.h"
#include "plain.h"

enum {
    MEMORY_MAX = 16 << 20,
    URL_MAX = 16384,
    WORDS_READ = 16384, /* of an answer that is no good */
    WORDS_MAX = 200,    /* of it that are shown */
    BODY_MAX = 1 << 30,
    AUTHORIZATION_MAX = 1 << 20,
    WAITS_MAX = 2,
    UNAUTHORIZED = 401,
    FORBIDDEN = 403,
    TOO_MANY = 429,
    UNAVAILABLE = 503
};

static const int64_t connect_limit = 10 * NS_PER_S;

struct kube_api {
    const struct kubeconfig_options *options;
    struct kube_exec *kept;
    const struct until *until;
    struct httpc *http;
    struct arena *arena; /* of config */
    struct kubeconfig config;
    struct httpc_tls tls;
    struct buf authorization;
    bool renewed; /* credentials were read a second time: there is no third */
};

static int no_memory(struct err *e)
{
    return err_set(e, ERR_INTERNAL, "out of memory while asking Kubernetes");
}

/* ---- who we are ---- */

static int use_config(struct kube_api *api, struct err *e)
{
    struct kubeconfig *k = &api->config;
    const struct kube_exec *c = api->kept;

    if (k->exec.version.p) {
        if (kube_exec_get(&k->exec, api->until, api->kept, e) != 0)
            return -1;
        k->token = c->token;
        k->cert = c->cert.p ? c->cert : k->cert;
        k->key = c->cert.p ? c->key : k->key;
    }
    api->tls = (struct httpc_tls){
        .unverified = k->unverified, .ca = k->ca, .cert = k->cert, .key = k->key};
    buf_reset(&api->authorization);
    if (k->token.p)
        buf_printf(&api->authorization, "Authorization: Bearer %.*s", (int)k->token.n, k->token.p);
    return buf_check(&api->authorization, "the token", e);
}

/* Reads all of it, again if need be. */
static int read_config(struct kube_api *api, struct err *e)
{
    arena_free(api->arena);
    api->arena = arena_new(MEMORY_MAX);
    if (!api->arena)
        return no_memory(e);
    if (kubeconfig_load(api->options, api->arena, &api->config, e) != 0)
        return -1;
    return use_config(api, e);
}

int kube_api_open(const struct kubeconfig_options *options, struct kube_exec *kept,
                  const struct until *until, struct kube_api **out, struct err *e)
{
    struct kube_api *api = calloc(1, sizeof *api);

    if (!api)
        return no_memory(e);
    api->options = options;
    api->kept = kept;
    api->until = until;
    api->authorization = BUF_INIT(AUTHORIZATION_MAX);
    if (httpc_open(1, &api->http, e) != 0 || read_config(api, e) != 0) {
        kube_api_close(api);
        return -1;
    }
    *out = api;
    return 0;
}

void kube_api_close(struct kube_api *api)
{
    if (!api)
        return;
    httpc_close(api->http);
    arena_free(api->arena);
    buf_free(&api->authorization);
    free(api);
}

struct str kube_api_where(const struct kube_api *api)
{
    const char *p = strstr(api->config.server.p, "://");

    return str_of(p ? p + 3 : api->config.server.p);
}

struct str kube_api_as(const struct kube_api *api)
{
    return api->config.as;
}

/* ---- one request ---- */

struct exchange {
    struct kube_api *api;
    const struct kube_get *get;
    struct err *e;
    bool refused; /* by `take`: *e says why */
    int status;
    bool cut;
    struct buf words; /* why there is no answer, or the body of one that is no good */
    int64_t wait;     /* ns that the server asks for */
};

static int on_piece(void *ctx, const char *data, size_t n)
{
    struct exchange *x = ctx;

    x->refused = x->get->take(x->get->ctx, (struct str){data, n}, x->e) != 0;
    return x->refused ? -1 : 0;
}

static void on_done(void *ctx, const struct httpc_answer *a)
{
    struct exchange *x = ctx;
    int64_t seconds = 1;

    x->status = a->status;
    x->cut = a->cut;
    if (a->status == 0)
        buf_str(&x->words, a->error);
    else
        buf_add(&x->words, a->body.p, a->body.n);
    /* As a date, or absurd, it is a second. */
    if (a->retry_after.p && num_i64(a->retry_after, 0, 86400, &seconds) != 0)
        seconds = 1;
    x->wait = seconds * NS_PER_S;
}

static int ask(struct exchange *x, struct buf *url, struct err *e)
{
    struct kube_api *api = x->api;
    struct httpc_request r = {
        .headers = 2,
        .header = {"Accept: application/json", "User-Agent: anteroom/" ANTEROOM_VERSION},
        .timeout = until_left(api->until) + NS_PER_S, /* httpc_finish is first to say so */
        .connect_timeout = connect_limit,
        .keep = WORDS_READ,
        .read = BODY_MAX,
        .tls = &api->tls,
        .sink = on_piece,
        .sink_ctx = x,
    };

    buf_reset(url);
    buf_add(url, api->config.server.p, api->config.server.n);
    buf_str(url, x->get->path);
    if (buf_check(url, "the URL", e) != 0)
        return -1;
    r.url = url->data;
    if (api->authorization.len)
        r.header[r.headers++] = api->authorization.data;
    if (httpc_start(api->http, &r, e) != 0)
        return -1;
    if (httpc_finish(api->http, api->until, on_done, x) != 0)
        return err_set(e, ERR_UNAVAILABLE, "no whole answer within the time limit");
    return 0;
}

/* ---- what an answer that is no good says ---- */

/* The message of a Status, else the text itself. */
static struct str message_of(struct str body, struct json_doc **doc)
{
    struct err ignored;
    json_value *message;

    if (json_in_parse(body, doc, &ignored) != 0)
        return body;
    if (json_kind(json_in_root(*doc)) == JSON_OBJECT &&
        json_member(json_in_root(*doc), "message", &message) && json_kind(message) == JSON_STRING)
        return json_string(message);
    return body;
}

/* Its words, unless they are a page for a browser or hand our token back. */
static void write_words(const struct exchange *x, char room[WORDS_MAX + 1])
{
    struct json_doc *doc = NULL;
    struct str body = buf_span(&x->words), token = x->api->config.token, said;

    room[0] = '\0';
    if (!body.p)
        return;
    said = message_of(body, &doc);
    (void)plain_text(said, room, WORDS_MAX + 1);
    if (room[0] == '<' || (token.n && memmem(said.p, said.n, token.p, token.n)))
        room[0] = '\0';
    json_in_free(doc);
}

/* What a status means to the operator. */
static const char *meaning(int status)
{
    static const struct {
        int status;
        const char *says;
    } known[] = {
        {UNAUTHORIZED, ": it does not know our credentials"},
        {FORBIDDEN, ": this user may not do that"},
        {TOO_MANY, ": it has too much to do"},
    };
    size_t i;

    for (i = 0; i < ARRAY_LEN(known); i++) {
        if (known[i].status == status)
            return known[i].says;
    }
    return "";
}

static int report(const struct exchange *x, struct err *e)
{
    const char *what = x->get->what;
    char words[WORDS_MAX + 1];

    if (x->refused)
        return err_wrap(e, "cannot %s: the answer makes no sense", what);
    if (x->cut)
        return err_set(e, ERR_UNAVAILABLE, "cannot %s: the answer is larger than %d MiB", what,
                       BODY_MAX >> 20);
    write_words(x, words);
    if (x->status == 0)
        return err_set(e, ERR_UNAVAILABLE, "cannot %s: no answer from %s: %s", what,
                       kube_api_where(x->api).p, words);
    return err_set(e, ERR_UNAVAILABLE, "%s %s (%d%s)%s%s",
                   x->status == FORBIDDEN ? "may not" : "cannot", what, x->status,
                   meaning(x->status), words[0] ? ": " : "", words);
}

/* ---- when it is asked again ---- */

/* Waits as long as the server asks. False: the deadline comes first. */
static bool wait_for(struct kube_api *api, int64_t ns)
{
    int64_t until = clock_mono() + ns, left;

    if (ns >= until_left(api->until))
        return false;
    while ((left = until - clock_mono()) > 0 && until_left(api->until) > 0)
        httpc_wait(api->http, NULL, 0, left < 100 * NS_PER_MS ? left : 100 * NS_PER_MS);
    return until_left(api->until) > 0;
}

/* Is there something to be done about the answer, so that the same is asked again? 1: yes, and it
 * was done; 0: no; -1 and *e. */
static int try_again(struct exchange *x, int *waits, struct err *e)
{
    if (x->status == UNAUTHORIZED && !x->api->renewed) {
        x->api->renewed = true;
        kube_exec_free(x->api->kept);
        return read_config(x->api, e) == 0 ? 1 : -1;
    }
    if ((x->status == TOO_MANY || x->status == UNAVAILABLE) && *waits < WAITS_MAX) {
        (*waits)++;
        return wait_for(x->api, x->wait);
    }
    return 0;
}

int kube_api_get(struct kube_api *api, const struct kube_get *get, int *status, struct err *e)
{
    struct exchange x = {.api = api, .get = get, .e = e};
    struct buf url = BUF_INIT(URL_MAX);
    int waits = 0, again = 1, rc = 0;

    x.words = BUF_INIT(WORDS_READ);
    while (rc == 0 && again == 1) {
        buf_reset(&x.words);
        x.status = 0;
        rc = ask(&x, &url, e);
        again = rc == 0 && !x.refused ? try_again(&x, &waits, e) : 0;
    }
    if (rc != 0)
        (void)err_wrap(e, "cannot %s", get->what);
    else if (again != 0)
        rc = -1;
    else if (x.refused || x.cut || x.status / 100 != 2)
        rc = report(&x, e);
    *status = x.status;
    buf_free(&url);
    buf_free(&x.words);
    return rc;
}
