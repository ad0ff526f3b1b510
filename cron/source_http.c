/* SPDX-License-Identifier: MIT */
/* Capacity by a URL of the operator's own, which answers a GET with the document (document.h). */
#include <fcntl.h>
#include <unistd.h>

#include "document.h"
#include "httpc.h"
#include "plain.h"

enum { TOKEN_MAX = 16384, WORDS_MAX = 200, OK = 200 };

/* The source is its client: the connection is kept between readings. */
static int http_open(const struct conf *conf, const struct conf_queue *queue, void **ctx,
                     struct err *e)
{
    struct httpc *h;

    (void)conf;
    (void)queue;
    if (httpc_open(1, &h, e) != 0)
        return -1;
    *ctx = h;
    return 0;
}

static void http_close(void *ctx)
{
    httpc_close(ctx);
}

/* ---- the token ---- */

/* The file's first bytes. Non-blocking, so that a FIFO is empty rather than waited for. */
static ssize_t read_file(const char *path, char *room, size_t size)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    ssize_t got = 1, n = 0;

    if (fd < 0)
        return -1;
    while (got > 0 && (size_t)n < size) {
        got = read(fd, room + n, size - (size_t)n);
        n += got > 0 ? got : 0;
    }
    (void)close(fd);
    return got < 0 ? -1 : n;
}

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* Appends the token, the file's first line. It is read each time: whoever renews it tells nobody.
 * Errors never show what is in the file. */
static int read_token(const char *path, struct buf *token, struct err *e)
{
    char room[TOKEN_MAX];
    ssize_t got = read_file(path, room, sizeof room);
    size_t i, from = 0, to;
    const char *end;

    if (got < 0)
        return err_errno(e, ERR_UNAVAILABLE, "token_file %s cannot be read", path);
    end = memchr(room, '\n', (size_t)got);
    to = end ? (size_t)(end - room) : (size_t)got;
    while (from < to && is_blank(room[from]))
        from++;
    while (to > from && is_blank(room[to - 1]))
        to--;
    if (from == to)
        return err_set(e, ERR_UNAVAILABLE, "the first line of token_file %s is empty", path);
    if (!end && (size_t)got == sizeof room)
        return err_set(e, ERR_UNAVAILABLE,
                       "the first line of token_file %s is longer than %d bytes", path, TOKEN_MAX);
    for (i = from; i < to; i++) {
        if (room[i] <= ' ' || room[i] > '~')
            return err_set(e, ERR_UNAVAILABLE,
                           "the first line of token_file %s is no token: it holds a blank or what "
                           "is no ASCII",
                           path);
    }
    buf_add(token, room + from, to - from);
    return buf_check(token, "the token", e);
}

/* ---- the answer ---- */

/* What the one request of a reading came to. */
struct outcome {
    struct source_reading *r;
    struct str token; /* absent: none */
    int rc;
    struct err *e;
};

static bool is_markup(struct str text)
{
    size_t i = 0;

    while (i < text.n && (is_blank(text.p[i]) || text.p[i] == '\n'))
        i++;
    return i < text.n && text.p[i] == '<';
}

/* May its words be shown? Not a page of HTML, and not when they hand our token back. */
static bool is_quotable(const struct outcome *o, struct str body)
{
    return !is_markup(body) && !(o->token.n && memmem(body.p, body.n, o->token.p, o->token.n));
}

/* "the service answered 503 (Retry-After: 30): <its words>" */
static int refused(const struct outcome *o, const struct httpc_answer *a)
{
    char words[WORDS_MAX + 1] = "", after[HTTPC_ANSWER_HEADER_MAX];
    bool redirect = a->status / 100 == 3;
    bool retry = plain_text(a->retry_after, after, sizeof after) > 0;
    bool said = is_quotable(o, a->body) && plain_text(a->body, words, sizeof words) > 0;

    return err_set(o->e, ERR_UNAVAILABLE, "the service answered %d%s%s%s%s%s%s", a->status,
                   retry ? " (Retry-After: " : "", retry ? after : "", retry ? ")" : "",
                   redirect ? ", and redirects are not followed" : "", said ? ": " : "", words);
}

static int judge(const struct outcome *o, const struct httpc_answer *a)
{
    struct err *e = o->e;

    if (a->status == 0)
        return err_set(e, ERR_UNAVAILABLE, "the service gave no whole answer: %s", a->error);
    if (a->status != OK)
        return refused(o, a);
    if (a->cut)
        return err_set(e, ERR_TOO_LARGE, "the answer is larger than %d bytes", JSON_TEXT_MAX);
    if (is_markup(a->body))
        return err_set(e, ERR_UNAVAILABLE, "the service answered with HTML or XML, not with JSON");
    return document_read(a->body, o->r, e);
}

static void done(void *ctx, const struct httpc_answer *a)
{
    struct outcome *o = ctx;

    o->rc = judge(o, a);
}

static int ask(struct httpc *h, const struct until *until, const char *authorization,
               struct outcome *o)
{
    struct httpc_request request = {
        .url = o->r->queue->source.url.p,
        .headers = 2,
        .header = {"Accept: application/json", "User-Agent: anteroom/" ANTEROOM_VERSION},
        .timeout = INT64_MAX, /* until ends it */
        .connect_timeout = INT64_MAX,
        .keep = JSON_TEXT_MAX,
        .read = JSON_TEXT_MAX + 1,
    };

    if (authorization)
        request.header[request.headers++] = authorization;
    if (httpc_start(h, &request, o->e) != 0)
        return -1;
    if (httpc_finish(h, until, done, o) != 0)
        return err_set(o->e, ERR_UNAVAILABLE, "the service did not answer in time");
    return o->rc;
}

static int http_read(void *ctx, struct str waiting, const struct until *until,
                     struct source_reading *r, struct err *e)
{
    static const char bearer[] = "Authorization: Bearer ";
    const char *path = r->queue->source.token_file.p;
    struct buf header = BUF_INIT(sizeof bearer + TOKEN_MAX);
    struct outcome o = {.r = r, .e = e};
    int rc;

    (void)waiting;
    if (!path)
        return ask(ctx, until, NULL, &o);
    buf_str(&header, bearer);
    rc = read_token(path, &header, e);
    if (rc == 0) {
        o.token = (struct str){header.data + sizeof bearer - 1, header.len - (sizeof bearer - 1)};
        rc = ask(ctx, until, header.data, &o);
    }
    buf_free(&header);
    return rc;
}

const struct source_kind source_http = {
    .word = "http", .waits = true, .open = http_open, .read = http_read, .close = http_close};
