/* SPDX-License-Identifier: MIT */
/* One HTTP exchange: reads the request out of its carrier, and makes and sends the answer. */
#include "http.h"

#include "log.h"
#include "num.h"
#include "request_id.h"
#include "uri.h"

static const struct {
    const char *name;
    enum http_method method;
    bool head_only;
} methods[] = {
    {"GET", HTTP_GET, false},
    {"HEAD", HTTP_GET, true},
    {"POST", HTTP_POST, false},
    {"DELETE", HTTP_DELETE, false},
};

enum {
    RETRY_AFTER = 1, /* seconds after which it is worth trying again */
    RETRY_LONG = 10, /* the same of an answer for which there are too many slow readers */
    PIECE = 8 * 1024 /* bytes of a body whose length nobody says */
};

static const struct {
    int status;
    const char *phrase;
} phrases[] = {
    {200, "OK"},
    {201, "Created"},
    {304, "Not Modified"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {422, "Unprocessable Content"},
    {429, "Too Many Requests"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
    {507, "Insufficient Storage"},
};

static const char *phrase_of(int status)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(phrases); i++) {
        if (phrases[i].status == status)
            return phrases[i].phrase;
    }
    return "Unknown";
}

void http_init(struct http *x)
{
    *x = (struct http){.head = BUF_INIT(HTTP_HEAD_MAX),
                       .out = BUF_INIT(HTTP_ANSWER_MAX),
                       .top = BUF_INIT(HTTP_HEAD_MAX + 512),
                       .text = BUF_INIT(HTTP_TARGET_MAX),
                       .in = BUF_INIT(HTTP_BODY_MAX + 1)};
}

void http_free(struct http *x)
{
    http_reset(x);
    buf_free(&x->head);
    buf_free(&x->out);
    buf_free(&x->top);
    buf_free(&x->text);
    buf_free(&x->in);
}

static void reset_buffer(struct buf *b)
{
    if (b->cap > HTTP_KEEP_MAX)
        buf_free(b);
    else
        buf_reset(b);
}

void http_reset(struct http *x)
{
    if (x->drop)
        x->drop(x->work);
    x->drop = NULL;
    x->work = NULL;
    http_is(x, NULL, NULL);
    reset_buffer(&x->head);
    reset_buffer(&x->out);
    reset_buffer(&x->text);
    reset_buffer(&x->in);
    x->segments = x->params = 0;
    x->body = (struct str){0};
    x->head_only = x->length_unknown = x->streaming = x->cut = false;
    http_clear_answer(x);
    x->retry_after = 0;
}

void http_begin(struct http *x, const struct http_carrier *carrier, void *link)
{
    http_reset(x);
    x->carrier = carrier;
    x->link = link;
}

/* ---- the request ---- */

static void read_method(struct http *x)
{
    struct str name = http_header(x, "REQUEST_METHOD");
    size_t i;

    x->method = HTTP_OTHER;
    for (i = 0; i < ARRAY_LEN(methods); i++) {
        if (str_is(name, methods[i].name)) {
            x->method = methods[i].method;
            x->head_only = methods[i].head_only;
        }
    }
}

/* Splits at '/' first and decodes then, so that a segment may hold an encoded slash. */
static int read_path(struct http *x, char *p, size_t n, struct err *e)
{
    char *end = p + n, *slash;

    if (n == 0 || *p != '/')
        return err_set(e, ERR_BAD_REQUEST, "the path does not begin with a slash");
    p++;
    while (p < end) {
        slash = memchr(p, '/', (size_t)(end - p));
        if (!slash)
            slash = end;
        if (x->segments == HTTP_SEGMENTS_MAX)
            return err_set(e, ERR_NOT_FOUND, "there is nothing at this path");
        if (uri_decode(p, (size_t)(slash - p), false, "the path", &x->segment[x->segments], e) != 0)
            return -1;
        x->segments++;
        p = slash + 1;
    }
    return 0;
}

static int read_param(struct http *x, char *p, size_t n, struct err *e)
{
    char *equals = memchr(p, '=', n);
    size_t name_n = equals ? (size_t)(equals - p) : n;
    char *value = equals ? equals + 1 : p + n;
    struct http_param *param = &x->param[x->params];
    size_t i;

    if (x->params == HTTP_PARAMS_MAX)
        return err_set(e, ERR_BAD_REQUEST, "the query has more than %d parameters",
                       HTTP_PARAMS_MAX);
    if (uri_decode(p, name_n, true, "the query", &param->name, e) != 0 ||
        uri_decode(value, (size_t)(p + n - value), true, "the query", &param->value, e) != 0)
        return -1;
    for (i = 0; i < x->params; i++) {
        if (str_eq(x->param[i].name, param->name))
            return err_set(e, ERR_BAD_REQUEST, "the query parameter \"%.*s\" stands there twice",
                           (int)param->name.n, param->name.p);
    }
    x->params++;
    return 0;
}

static int read_query(struct http *x, char *p, size_t n, struct err *e)
{
    char *end = p + n, *amp;

    while (p < end) {
        amp = memchr(p, '&', (size_t)(end - p));
        if (!amp)
            amp = end;
        if (amp > p && read_param(x, p, (size_t)(amp - p), e) != 0)
            return -1;
        p = amp + 1;
    }
    return 0;
}

/* A CGI program may live at a path of its own, which then is no part of ours. */
static struct str without_script(const struct http *x, struct str target)
{
    struct str script = http_header(x, "SCRIPT_NAME"), info = http_header(x, "PATH_INFO");

    if (!script.p || !info.p || info.n == 0 || script.n >= target.n)
        return target;
    if (memcmp(script.p, target.p, script.n) != 0 || target.p[script.n] != '/')
        return target;
    return (struct str){target.p + script.n, target.n - script.n};
}

/* UNIQUE_ID is what Apache's mod_unique_id gives to a program that Apache starts. */
static struct str given_id(const struct http *x)
{
    struct str id = http_header(x, "REQUEST_ID");

    return id.p ? id : http_header(x, "UNIQUE_ID");
}

int http_read_head(struct http *x, struct err *e)
{
    struct str target = http_header(x, "REQUEST_URI");
    char *p, *query;
    size_t n;

    request_id_take(given_id(x), x->id);
    read_method(x);
    if (!target.p)
        return err_set(e, ERR_BAD_REQUEST, "the web server did not pass on REQUEST_URI");
    target = without_script(x, target);
    buf_add(&x->text, target.p, target.n);
    if (x->text.failed)
        return target.n > HTTP_TARGET_MAX
                   ? err_set(e, ERR_BAD_REQUEST, "path and query are longer than %d bytes",
                             HTTP_TARGET_MAX)
                   : err_set(e, ERR_INTERNAL, "no memory for the path");
    p = x->text.data;
    query = memchr(p, '?', target.n);
    n = query ? (size_t)(query - p) : target.n;
    if (read_path(x, p, n, e) != 0)
        return -1;
    return query ? read_query(x, query + 1, target.n - n - 1, e) : 0;
}

/* How many bytes the body has; -1 in *length when nobody says. */
static int body_length(const struct http *x, int64_t *length, struct err *e)
{
    struct str given = http_header(x, "CONTENT_LENGTH");

    *length = x->carrier->framed ? -1 : 0;
    if (!given.p || given.n == 0)
        return 0;
    if (num_i64(given, 0, INT64_MAX, length) != 0)
        return err_set(e, ERR_BAD_REQUEST, "Content-Length is no number");
    return 0;
}

/* Where nobody says how much comes, memory grows with what does. */
static int read_pieces(struct http *x, size_t want, size_t piece)
{
    size_t some, got;
    char *room;

    do {
        some = want - x->in.len < piece ? want - x->in.len : piece;
        room = buf_room(&x->in, some);
        if (!room)
            return -1;
        got = x->carrier->read(x->link, room, some);
        x->in.len += got;
    } while (got == some && x->in.len < want);
    return 0;
}

int http_read_body(struct http *x, struct err *e)
{
    int64_t length;
    size_t want;

    if (body_length(x, &length, e) != 0)
        return -1;
    if (length > HTTP_BODY_MAX)
        return err_set(e, ERR_TOO_LARGE, "the body is larger than %d bytes", HTTP_BODY_MAX);
    /* Where nobody says, one byte more than there may be tells a body that is too large. */
    want = length < 0 ? HTTP_BODY_MAX + 1 : (size_t)length;
    if (read_pieces(x, want, length < 0 ? PIECE : want) != 0)
        return err_set(e, ERR_INTERNAL, "no memory for the body");
    if (x->in.len > HTTP_BODY_MAX)
        return err_set(e, ERR_TOO_LARGE, "the body is larger than %d bytes", HTTP_BODY_MAX);
    if (length >= 0 && x->in.len < want)
        return err_set(e, ERR_BODY_INCOMPLETE, "the body ends after %zu of %zu bytes", x->in.len,
                       want);
    x->body = buf_span(&x->in);
    return 0;
}

void http_is(struct http *x, const struct who *who, void *memory)
{
    free(x->who_memory);
    x->who = who;
    x->who_memory = memory;
}

struct str http_param(const struct http *x, const char *name)
{
    size_t i;

    for (i = 0; i < x->params; i++) {
        if (str_is(x->param[i].name, name))
            return x->param[i].value;
    }
    return (struct str){0};
}

struct str http_header(const struct http *x, const char *cgi_name)
{
    return str_of(x->carrier->param(x->link, cgi_name));
}

/* ---- the answer ---- */

void http_add_header(struct http *x, const char *name, struct str value)
{
    buf_str(&x->head, name);
    buf_add(&x->head, ": ", 2);
    buf_add(&x->head, value.p, value.n);
    buf_add(&x->head, "\r\n", 2);
}

struct json_out http_data(struct http *x, int status)
{
    struct json_out o = JSON_OUT(&x->out);

    x->status = status;
    json_open(&o, '{');
    json_key(&o, "data");
    return o;
}

void http_end(struct http *x, struct json_out *o)
{
    json_key(o, "ok");
    json_put_bool(o, x->status < 400);
    json_close(o, '}');
}

void http_done(struct http *x)
{
    struct json_out o = http_data(x, 200);

    json_open(&o, '{');
    json_close(&o, '}');
    http_end(x, &o);
    http_add_header(x, "Cache-Control", STR_LIT("no-store"));
}

void http_clear_answer(struct http *x)
{
    x->did.what = NULL;
    x->media = NULL;
    x->status = 0;
    buf_reset(&x->head);
    buf_reset(&x->out);
}

void http_empty(struct http *x, int status)
{
    x->status = status;
    buf_reset(&x->out);
}

/* The list of what is wrong with a body; for us, the first thing that is. */
static void put_errors(struct json_out *o, const struct err *e)
{
    json_key(o, "errors");
    json_open(o, '[');
    json_open(o, '{');
    json_key(o, "detail");
    json_put_str(o, str_of(e->text));
    json_key(o, "pointer");
    json_put_str(o, str_of(e->pointer));
    json_close(o, '}');
    json_close(o, ']');
}

static void log_failure(const struct http *x, const struct err *e)
{
    char room[LOG_QUOTE_MAX];

    log_error("failed", "id=%s status=%d code=%s error=%s", x->id, err_status(e->code),
              err_word(e->code), log_quote(room, e->text));
}

void http_fail(struct http *x, const struct err *e)
{
    struct json_out o = JSON_OUT(&x->out);
    int status = err_status(e->code);

    if (x->cut)
        return;
    if (status >= 500)
        log_failure(x, e);
    x->cut = x->streaming;
    if (x->cut)
        return;
    /* What route and door have added goes with it (Allow, WWW-Authenticate); what the handler had
     * begun does not. */
    if (e->code != ERR_METHOD_NOT_ALLOWED && e->code != ERR_UNAUTHORIZED)
        buf_reset(&x->head);
    buf_reset(&x->out);
    x->did.what = NULL;
    x->media = NULL;
    x->status = status;
    http_add_header(x, "Cache-Control", STR_LIT("no-store"));
    if (status == 429 || status == 503)
        buf_printf(&x->head, "Retry-After: %lld\r\n",
                   (long long)(x->retry_after > 0 ? x->retry_after : RETRY_AFTER));
    json_open(&o, '{');
    json_key(&o, "error");
    json_put_str(&o, str_of(e->text));
    json_key(&o, "code");
    json_put_str(&o, str_of(err_word(e->code)));
    if (status == 422 || e->pointer[0] != '\0')
        put_errors(&o, e);
    http_end(x, &o);
}

/* Sends status line and headers; `length` only where the body's is known. */
static int send_head(struct http *x, bool length)
{
    struct buf *b = &x->top;

    buf_reset(b);
    buf_str(b, "Status: ");
    buf_i64(b, x->status);
    buf_char(b, ' ');
    buf_str(b, phrase_of(x->status));
    if (x->status != 304) {
        buf_str(b, "\r\nContent-Type: ");
        buf_str(b, x->media ? x->media : "application/json");
    }
    buf_str(b, "\r\nX-Request-Id: ");
    buf_str(b, x->id);
    buf_str(b, "\r\n");
    if (x->head.len > 0)
        buf_add(b, x->head.data, x->head.len);
    if (length) {
        buf_str(b, "Content-Length: ");
        buf_i64(b, (int64_t)x->out.len);
        buf_str(b, "\r\n");
    }
    buf_str(b, "\r\n");
    return b->failed ? -1 : x->carrier->send(x->link, b->data, b->len);
}

static int send_out(struct http *x)
{
    int rc = 0;

    if (x->out.len > 0 && !x->head_only)
        rc = x->carrier->send(x->link, x->out.data, x->out.len);
    buf_reset(&x->out);
    return rc;
}

static bool is_full(const struct http *x)
{
    return !x->streaming && x->carrier->full && x->carrier->full(x->link);
}

static int refuse_long(struct http *x, struct err *e)
{
    x->retry_after = RETRY_LONG;
    return err_set(e, ERR_UNAVAILABLE, "too many clients read slowly: ask again, or for less");
}

int http_stream(struct http *x, struct err *e)
{
    if (x->out.failed)
        return buf_check(&x->out, "the answer", e);
    if (x->out.len < HTTP_STREAM_AT)
        return 0;
    if (is_full(x))
        return x->out.len < HTTP_FITS ? 0 : refuse_long(x, e);
    if ((x->streaming || send_head(x, false) == 0) && send_out(x) == 0) {
        x->streaming = true;
        return 0;
    }
    x->cut = true;
    return err_set(e, ERR_UNAVAILABLE, "the client is gone");
}

int http_send(struct http *x)
{
    struct err e;

    if (!x->streaming && (x->out.failed || x->head.failed)) {
        if (buf_check(&x->out, "the answer", &e) == 0 &&
            buf_check(&x->head, "the answer's head", &e) == 0)
            return -1;
        e.code = ERR_INTERNAL;
        http_fail(x, &e);
    }
    if (x->cut || x->out.failed)
        return -1;
    if (x->method == HTTP_GET && !x->head_only && x->out.len >= HTTP_FITS && is_full(x) &&
        refuse_long(x, &e) != 0)
        http_fail(x, &e);
    if (!x->streaming && send_head(x, x->status != 304 && !x->length_unknown) != 0)
        return -1;
    return send_out(x);
}
