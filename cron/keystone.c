/* SPDX-License-Identifier: MIT */
/* Keystone: one token for as long as it lasts, in memory and in a file beside the database. */
#include "keystone.h"

#include "digest.h"
#include "files.h"
#include "log.h"
#include "openstack_words.h"

enum { FILE_MAX = 256 << 10, BODY_MAX = 16 << 20, HASH_SHOWN = 8, PATH_MAX_BYTES = 8192 };

#define CONNECT_TIMEOUT (10 * NS_PER_S)

struct keystone {
    const struct cloud *cloud;
    struct buf path, identity;
    struct keystone_token *token;
};

static void add_line(struct buf *b, struct str text)
{
    buf_add(b, text.p ? text.p : "-", text.p ? text.n : 1);
    buf_char(b, '\n');
}

/* All that decides whose token it is, for what, and which endpoints stand beside it. */
static void write_identity(const struct cloud *c, struct buf *b)
{
    const struct str lines[] = {
        c->auth_url,         c->user.id,       c->user.name,         c->user_domain.id,
        c->user_domain.name, c->credential.id, c->credential.name,   c->token,
        c->project.id,       c->project.name,  c->project_domain.id, c->project_domain.name,
        c->region,           c->interface,
    };
    size_t i;

    buf_printf(b, "%d %d\n", (int)c->method, c->whole_system);
    for (i = 0; i < ARRAY_LEN(lines); i++)
        add_line(b, lines[i]);
}

static int name_file(struct keystone *k, struct str directory, struct err *e)
{
    unsigned char digest[DIGEST_SHA256];
    struct buf text = BUF_INIT(1 << 20);
    size_t i;
    int failed;

    write_identity(k->cloud, &text);
    failed = buf_check(&text, "the name of a token's file", e);
    if (!failed)
        failed = digest_sha256(buf_span(&text), digest, e);
    files_wipe(&text);
    for (i = 0; i < HASH_SHOWN && !failed; i++)
        buf_printf(&k->identity, "%02x", digest[i]);
    buf_printf(&k->path, "%.*s/keystone-%s.json", (int)directory.n, directory.p,
               k->identity.len ? k->identity.data : "");
    return failed ? -1 : buf_check(&k->path, "the name of a token's file", e);
}

int keystone_open(const struct cloud *cloud, struct str directory, struct keystone **out,
                  struct err *e)
{
    struct keystone *k = calloc(1, sizeof *k);

    if (!k)
        return err_set(e, ERR_INTERNAL, "out of memory while opening Keystone");
    k->cloud = cloud;
    k->path = BUF_INIT(PATH_MAX_BYTES);
    k->identity = BUF_INIT(64);
    if (name_file(k, directory, e) != 0) {
        keystone_close(k);
        return -1;
    }
    *out = k;
    return 0;
}

void keystone_close(struct keystone *k)
{
    if (!k)
        return;
    keystone_token_free(k->token);
    buf_free(&k->path);
    buf_free(&k->identity);
    free(k);
}

struct str keystone_identity(const struct keystone *k)
{
    return buf_span(&k->identity);
}

/* ---- asking ---- */

struct asking {
    const struct cloud *cloud;
    struct keystone_token *token;
    struct err *e;
    int failed;
};

static int refused(const struct asking *q, const struct httpc_answer *a)
{
    struct str secret[CLOUD_SECRETS];
    char words[OPENSTACK_WORDS_MAX];

    if (a->status == 0)
        return err_set(q->e, ERR_UNAVAILABLE, "Keystone at %s does not answer: %s",
                       q->cloud->auth_url.p, a->error);
    cloud_secrets(q->cloud, secret);
    openstack_words(a->body, secret, CLOUD_SECRETS, words);
    return err_set(q->e, ERR_UNAVAILABLE, "Keystone answered %d%s%s%s%.*s%s", a->status,
                   *words ? ": " : "", words, a->retry_after.p ? " (it says to wait: " : "",
                   a->retry_after.p ? (int)a->retry_after.n : 0,
                   a->retry_after.p ? a->retry_after.p : "", a->retry_after.p ? ")" : "");
}

static void on_answer(void *ctx, const struct httpc_answer *a)
{
    struct asking *q = ctx;

    if (a->status == 201 && a->cut)
        q->failed =
            err_set(q->e, ERR_UNAVAILABLE, "Keystone's answer is larger than %d bytes", BODY_MAX);
    else if (a->status == 201)
        q->failed = keystone_token_read(a->body, a->wanted, q->cloud, clock_now(), &q->token, q->e);
    else
        q->failed = refused(q, a);
}

static int ask(const struct cloud *c, struct httpc *h, const struct until *until,
               struct keystone_token **token, struct err *e)
{
    struct buf url = BUF_INIT(PATH_MAX_BYTES), body = BUF_INIT(FILE_MAX);
    struct asking q = {.cloud = c, .e = e};
    struct httpc_request r = {
        .headers = 2,
        .header = {"Content-Type: application/json", "Accept: application/json"},
        .timeout = until_left(until) + NS_PER_S,
        .connect_timeout = CONNECT_TIMEOUT,
        .keep = BODY_MAX,
        .read = BODY_MAX,
        .tls = &c->tls,
        .wanted = "X-Subject-Token"};
    int failed;

    buf_printf(&url, "%s/auth/tokens", c->auth_url.p);
    keystone_write_auth(c, &body);
    failed = buf_check(&url, "Keystone's address", e);
    if (!failed)
        failed = buf_check(&body, "the request for a token", e);
    r.url = url.data;
    r.body = buf_span(&body);
    if (!failed)
        failed = httpc_start(h, &r, e);
    if (!failed && httpc_finish(h, until, on_answer, &q) != 0)
        failed =
            err_set(e, ERR_UNAVAILABLE, "Keystone at %s does not answer in time", c->auth_url.p);
    files_wipe(&body);
    buf_free(&url);
    if (failed || q.failed)
        return -1;
    *token = q.token;
    return 0;
}

/* ---- the file ---- */

static struct keystone_token *load(const struct keystone *k)
{
    struct buf b = BUF_INIT(FILE_MAX);
    struct keystone_token *t = NULL;

    if (files_kept(k->path.data, &b))
        t = keystone_token_parse(buf_span(&b));
    files_wipe(&b);
    return t;
}

/* A token that cannot be kept is as good for this run. */
static void save(const struct keystone *k)
{
    struct buf b = BUF_INIT(FILE_MAX);
    char quoted[LOG_QUOTE_MAX];
    struct err e;

    keystone_token_write(k->token, &b);
    if (buf_check(&b, "a token", &e) != 0 || files_keep(k->path.data, buf_span(&b), &e) != 0)
        log_warn("token_not_kept", "error=%s", log_quote(quoted, e.text));
    files_wipe(&b);
}

int keystone_token(struct keystone *k, struct httpc *h, const struct until *until, bool renew,
                   const struct keystone_token **token, struct err *e)
{
    struct keystone_token *fresh;

    if (!k->token && !renew)
        k->token = load(k);
    if (renew || !k->token || !keystone_token_lasts(k->token, clock_now())) {
        if (ask(k->cloud, h, until, &fresh, e) != 0)
            return err_wrap(e, "%s", k->cloud->about.p);
        keystone_token_free(k->token);
        k->token = fresh;
        save(k);
    }
    *token = k->token;
    return 0;
}
