/* SPDX-License-Identifier: MIT */
/*
 * HTTP requests side by side. A transfer is one easy handle with its answer so far; they hang in a
 * list, so that closing finds them all. Transfers are not held back by libcurl
 * (MAX_TOTAL_CONNECTIONS would count the time they stand in line against their limit): whoever
 * starts them keeps the window.
 */
#include "httpc.h"

#include <curl/curl.h>
#include <strings.h>

#include "clock.h"
#include "httpc_inner.h"

struct transfer {
    struct transfer *next, **link; /* link points at whatever points here */
    CURL *easy;
    struct curl_slist *headers;
    size_t tag, keep, read, seen;
    size_t head; /* bytes of heads so far */
    struct buf body;
    char retry_after[HTTPC_ANSWER_HEADER_MAX];
    bool has_retry_after;
    bool cut; /* we ended it: enough was read */
    struct httpc_guard guard;
    int64_t timeout;
    bool again; /* this is its second beginning */
    const char *wanted_name;
    struct buf wanted;
    httpc_sink_fn *sink;
    void *sink_ctx;
    int64_t started;
    char error[CURL_ERROR_SIZE];
};

struct httpc {
    CURLM *multi;
    struct transfer *first;
    size_t under_way;
};

int httpc_init(struct err *e)
{
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
        return err_set(e, ERR_INTERNAL, "libcurl does not start");
    return 0;
}

int httpc_open(size_t keep, struct httpc **out, struct err *e)
{
    struct httpc *h = calloc(1, sizeof *h);

    if (h)
        h->multi = curl_multi_init();
    if (!h || !h->multi ||
        curl_multi_setopt(h->multi, CURLMOPT_MAXCONNECTS, (long)keep) != CURLM_OK) {
        if (h && h->multi)
            curl_multi_cleanup(h->multi);
        free(h);
        return err_set(e, ERR_INTERNAL, "libcurl does not start");
    }
    *out = h;
    return 0;
}

static void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    httpc_guard_end(&t->guard);
    buf_free(&t->body);
    buf_free(&t->wanted);
    free(t);
}

static void unlink_transfer(struct httpc *h, struct transfer *t)
{
    (void)curl_multi_remove_handle(h->multi, t->easy);
    *t->link = t->next;
    if (t->next)
        t->next->link = t->link;
    h->under_way--;
}

static void drop_all(struct httpc *h)
{
    struct transfer *t, *next;

    for (t = h->first; t; t = next) {
        next = t->next;
        (void)curl_multi_remove_handle(h->multi, t->easy);
        transfer_free(t);
    }
    h->first = NULL;
    h->under_way = 0;
}

void httpc_close(struct httpc *h)
{
    if (!h)
        return;
    drop_all(h);
    curl_multi_cleanup(h->multi);
    free(h);
}

size_t httpc_under_way(const struct httpc *h)
{
    return h->under_way;
}

/* Has a 2xx status line come? */
static bool succeeded(const struct transfer *t)
{
    long status = 0;

    (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    return status / 100 == 2;
}

/* libcurl hands the body over piece by piece. A return of less than n ends the transfer. */
static size_t on_body(char *data, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    size_t room = t->keep - t->body.len;

    n *= size;
    t->seen += n;
    if (t->sink && succeeded(t))
        t->cut = t->sink(t->sink_ctx, data, n) != 0;
    else
        buf_add(&t->body, data, n < room ? n : room);
    t->cut = t->cut || t->seen >= t->read;
    return t->cut ? 0 : n;
}

/* *value = what follows the name in a line of the head, without the blanks round it. */
static bool header_value(struct str line, const char *name, struct str *value)
{
    size_t n = strlen(name);

    if (line.n <= n || strncasecmp(line.p, name, n) != 0 || line.p[n] != ':')
        return false;
    line = (struct str){line.p + n + 1, line.n - n - 1};
    while (line.n && (line.p[0] == ' ' || line.p[0] == '\t')) {
        line.p++;
        line.n--;
    }
    while (line.n && strchr(" \t\r\n", line.p[line.n - 1]))
        line.n--;
    *value = line;
    return true;
}

enum { HEAD_MAX = 256 << 10 }; /* bytes; older versions of libcurl know no limit */

/* One line of the head. A status line begins a new head: what an interim answer said is forgotten.
 * A return of less than the line ends the transfer. */
static size_t on_header(char *data, size_t size, size_t n, void *ctx)
{
    struct transfer *t = ctx;
    struct str line = {data, n * size}, value;

    t->head += line.n;
    if (t->head > HEAD_MAX)
        return 0;
    if (line.n >= 5 && memcmp(data, "HTTP/", 5) == 0) {
        t->has_retry_after = false;
        buf_reset(&t->wanted);
    }
    if (header_value(line, "retry-after", &value) && value.n < sizeof t->retry_after) {
        (void)snprintf(t->retry_after, sizeof t->retry_after, "%.*s", (int)value.n, value.p);
        t->has_retry_after = true;
    } else if (t->wanted_name && header_value(line, t->wanted_name, &value)) {
        buf_reset(&t->wanted);
        buf_add(&t->wanted, value.p, value.n);
    }
    return line.n;
}

#if LIBCURL_VERSION_NUM >= 0x075500
#define SET_PROTOCOLS(easy) curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https")
#else
#define SET_PROTOCOLS(easy)                                                                        \
    curl_easy_setopt(easy, CURLOPT_PROTOCOLS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS))
#endif

/* A transfer that ends while its name is still looked up would wait for the lookup's thread, and
 * everything else with it. Since 7.87 libcurl can let that thread end by itself. */
#if LIBCURL_VERSION_NUM >= 0x075700
#define LEAVE_LOOKUPS(easy) curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L)
#else
#define LEAVE_LOOKUPS(easy) CURLE_OK
#endif

/* What holds for every request. HTTP/1.1: one request a connection at a time, so that none waits
 * behind another's slow answer. */
static bool set_rules(CURL *easy)
{
    bool ok = SET_PROTOCOLS(easy) == CURLE_OK;

    ok = curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK && ok;
    ok = curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK && ok;
    ok = curl_easy_setopt(easy, CURLOPT_NETRC, (long)CURL_NETRC_IGNORED) == CURLE_OK && ok;
    ok = curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK && ok;
    ok = LEAVE_LOOKUPS(easy) == CURLE_OK && ok;
    ok =
        curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK && ok;
    return ok;
}

static bool set_callbacks(struct transfer *t)
{
    bool ok = curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK;

    ok = curl_easy_setopt(t->easy, CURLOPT_ERRORBUFFER, t->error) == CURLE_OK && ok;
    ok = curl_easy_setopt(t->easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK && ok;
    ok = curl_easy_setopt(t->easy, CURLOPT_WRITEDATA, t) == CURLE_OK && ok;
    ok = curl_easy_setopt(t->easy, CURLOPT_HEADERFUNCTION, on_header) == CURLE_OK && ok;
    ok = curl_easy_setopt(t->easy, CURLOPT_HEADERDATA, t) == CURLE_OK && ok;
    return ok;
}

static bool add_header(struct transfer *t, const char *line)
{
    struct curl_slist *more = curl_slist_append(t->headers, line);

    if (more)
        t->headers = more;
    return more != NULL;
}

/* At least a millisecond: 0 would be no limit at all. */
static long to_ms(int64_t ns)
{
    int64_t ms = ns / NS_PER_MS;

    return ms < 1 ? 1 : ms > INT32_MAX ? INT32_MAX : (long)ms;
}

static bool set_blob(CURL *easy, CURLoption option, struct str text)
{
    struct curl_blob blob = {
        .data = (void *)(uintptr_t)text.p, .len = text.n, .flags = CURL_BLOB_COPY};

    return !text.p || curl_easy_setopt(easy, option, &blob) == CURLE_OK;
}

static bool set_tls(CURL *easy, const struct httpc_tls *tls)
{
    bool ok = true;

    if (tls->unverified) {
        ok = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYPEER, 0L) == CURLE_OK;
        ok = curl_easy_setopt(easy, CURLOPT_SSL_VERIFYHOST, 0L) == CURLE_OK && ok;
    }
    if (tls->ca_file && !tls->ca.p)
        ok = curl_easy_setopt(easy, CURLOPT_CAINFO, tls->ca_file) == CURLE_OK && ok;
    ok = set_blob(easy, CURLOPT_CAINFO_BLOB, tls->ca) && ok;
    /* Who names an authority means that one, and not those of the system's directory as well. */
    ok = ((!tls->ca_file && !tls->ca.p) ||
          curl_easy_setopt(easy, CURLOPT_CAPATH, NULL) == CURLE_OK) &&
         ok;
    ok = set_blob(easy, CURLOPT_SSLCERT_BLOB, tls->cert) && ok;
    ok = set_blob(easy, CURLOPT_SSLKEY_BLOB, tls->key) && ok;
    return ok;
}

/* Who takes a body as it comes takes a large buffer; an answer of which little is kept needs a
 * small one, since there may be thousands side by side. */
static bool set_buffers(CURL *easy, const struct httpc_request *r)
{
    static const long large = 256 << 10, small = 4 << 10, least_of_upload = 16 << 10;

    if (r->sink)
        return curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, large) == CURLE_OK;
    if (r->keep > (size_t)small)
        return true;
    return curl_easy_setopt(easy, CURLOPT_BUFFERSIZE, small) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_UPLOAD_BUFFERSIZE, least_of_upload) == CURLE_OK;
}

static bool set_request(struct transfer *t, const struct httpc_request *r)
{
    bool ok = add_header(t, "Expect:"); /* no waiting for 100 Continue */
    size_t i;

    for (i = 0; i < r->headers; i++)
        ok = add_header(t, r->header[i]) && ok;
    ok = curl_easy_setopt(t->easy, CURLOPT_URL, r->url) == CURLE_OK && ok;
    ok = curl_easy_setopt(t->easy, CURLOPT_HTTPHEADER, t->headers) == CURLE_OK && ok;
    ok = curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, to_ms(r->timeout)) == CURLE_OK && ok;
    ok = curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, to_ms(r->connect_timeout)) ==
             CURLE_OK &&
         ok;
    ok = (!r->tls || set_tls(t->easy, r->tls)) && ok;
    ok = set_buffers(t->easy, r) && ok;
    ok = httpc_guard_begin(t->easy, &t->guard, r->pin) && ok;
    if (r->body.p) {
        ok = curl_easy_setopt(t->easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->body.n) ==
                 CURLE_OK &&
             ok;
        ok = curl_easy_setopt(t->easy, CURLOPT_COPYPOSTFIELDS, r->body.p) == CURLE_OK && ok;
    }
    return ok;
}

static struct transfer *transfer_new(const struct httpc_request *r)
{
    struct transfer *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->tag = r->tag;
    t->keep = r->keep;
    t->read = r->read;
    t->body = BUF_INIT(r->keep);
    t->wanted_name = r->wanted;
    t->wanted = BUF_INIT(HTTPC_WANTED_MAX);
    t->sink = r->sink;
    t->sink_ctx = r->sink_ctx;
    t->guard.rules = r->rules;
    t->timeout = r->timeout;
    t->started = clock_mono();
    t->easy = curl_easy_init();
    if (t->easy && set_rules(t->easy) && set_callbacks(t) && set_request(t, r))
        return t;
    transfer_free(t);
    return NULL;
}

int httpc_start(struct httpc *h, const struct httpc_request *r, struct err *e)
{
    struct transfer *t = transfer_new(r);

    if (!t)
        return err_set(e, ERR_INTERNAL, "libcurl cannot start a request");
    if (curl_multi_add_handle(h->multi, t->easy) != CURLM_OK) {
        transfer_free(t);
        return err_set(e, ERR_INTERNAL, "libcurl cannot start a request");
    }
    t->next = h->first;
    t->link = &h->first;
    if (t->next)
        t->next->link = &t->next;
    h->first = t;
    h->under_way++;
    return 0;
}

/* Takes " after 12 ms" out of libcurl's words: the same fault is to say the same each time, since
 * what is said stands on every job that waits for it. */
static void steady(char *error)
{
    static const char *const units[] = {" milliseconds", " ms"};
    char *from = strstr(error, " after "), *to;
    size_t i;

    if (!from)
        return;
    to = from + strlen(" after ");
    to += strspn(to, "0123456789");
    for (i = 0; i < ARRAY_LEN(units); i++) {
        if (strncmp(to, units[i], strlen(units[i])) != 0)
            continue;
        to += strlen(units[i]);
        memmove(from, to, strlen(to) + 1);
        return;
    }
}

enum { ADDRESS_MAX = 64 };

/* Where the last connection went, in *room; absent: there was none. */
static struct str connected_to(CURL *easy, char room[ADDRESS_MAX])
{
    const char *ip = NULL;
    bool v6;
    long port = 0;

    (void)curl_easy_getinfo(easy, CURLINFO_PRIMARY_IP, &ip);
    (void)curl_easy_getinfo(easy, CURLINFO_PRIMARY_PORT, &port);
    if (!ip || !*ip)
        return (struct str){0};
    v6 = strchr(ip, ':') != NULL;
    (void)snprintf(room, ADDRESS_MAX, "%s%s%s:%ld", v6 ? "[" : "", ip, v6 ? "]" : "", port);
    return str_of(room);
}

static void report(struct transfer *t, CURLcode code, httpc_done_fn *fn, void *ctx)
{
    struct httpc_answer a = {.tag = t->tag,
                             .body = buf_span(&t->body),
                             .cut = t->cut,
                             .duration = clock_mono() - t->started};
    char address[ADDRESS_MAX];
    long status = 0;

    a.address = connected_to(t->easy, address);
    if (code == CURLE_OK || t->cut)
        (void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &status);
    a.status = (int)status;
    steady(t->error);
    a.error = t->error[0] ? t->error : curl_easy_strerror(code);
    if (t->guard.refusal.code != ERR_NONE &&
        (!t->guard.opened || code == CURLE_ABORTED_BY_CALLBACK))
        a.error = t->guard.refusal.text;
    if (t->head > HEAD_MAX)
        a.error = "its head is larger than 256 KiB";
    if (t->has_retry_after)
        a.retry_after = str_of(t->retry_after);
    if (t->wanted.len)
        a.wanted = buf_span(&t->wanted);
    fn(ctx, &a);
}

/* A request that got a kept connection which is not for it begins once more, with one of its own.
 * False: it has ended. */
static bool begin_again(struct httpc *h, struct transfer *t)
{
    int64_t left = t->timeout - (clock_mono() - t->started);

    if (!t->guard.stale || t->again || left <= 0)
        return false;
    (void)curl_multi_remove_handle(h->multi, t->easy);
    t->again = true;
    t->guard.refusal.code = ERR_NONE;
    t->error[0] = '\0';
    t->head = 0;
    return curl_easy_setopt(t->easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, to_ms(left)) == CURLE_OK &&
           curl_multi_add_handle(h->multi, t->easy) == CURLM_OK;
}

void httpc_turn(struct httpc *h, httpc_done_fn *fn, void *ctx)
{
    struct transfer *t;
    CURLMsg *m;
    CURLcode code;
    int running, left;

    (void)curl_multi_perform(h->multi, &running);
    while ((m = curl_multi_info_read(h->multi, &left))) {
        if (m->msg != CURLMSG_DONE)
            continue;
        code = m->data.result;
        t = NULL;
        (void)curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, (char **)&t);
        if (begin_again(h, t))
            continue;
        unlink_transfer(h, t);
        report(t, code, fn, ctx);
        transfer_free(t);
    }
}

enum { WAIT_FDS_MAX = 4 };

void httpc_wait(struct httpc *h, const int *fd, size_t fds, int64_t ns)
{
    struct curl_waitfd extra[WAIT_FDS_MAX];
    int64_t ms = (ns + NS_PER_MS - 1) / NS_PER_MS;
    unsigned int i;

    for (i = 0; i < fds && i < WAIT_FDS_MAX; i++)
        extra[i] = (struct curl_waitfd){.fd = fd[i], .events = CURL_WAIT_POLLIN};
    (void)curl_multi_poll(h->multi, extra, i,
                          ns <= 0          ? 0
                          : ms > INT32_MAX ? INT32_MAX
                                           : (int)ms,
                          NULL);
}

enum { LOOK_UP_MS = 100 }; /* so often somebody may say stop */

int httpc_finish(struct httpc *h, const struct until *until, httpc_done_fn *fn, void *ctx)
{
    int64_t left;

    for (httpc_turn(h, fn, ctx); h->under_way > 0; httpc_turn(h, fn, ctx)) {
        left = until_left(until);
        if (left == 0) {
            drop_all(h);
            return -1;
        }
        httpc_wait(h, NULL, 0, left < LOOK_UP_MS * NS_PER_MS ? left : LOOK_UP_MS * NS_PER_MS);
    }
    return 0;
}
