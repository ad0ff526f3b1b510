/* SPDX-License-Identifier: MIT */
/* One request: what libcurl is told, what it tells, and how it ended. */
#include "httpc_inner.h"

#include <strings.h>

#include "clock.h"

void transfer_free(struct transfer *t)
{
    curl_easy_cleanup(t->easy);
    curl_slist_free_all(t->headers);
    httpc_guard_end(&t->guard);
    buf_free(&t->body);
    buf_free(&t->wanted);
    free(t);
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

bool transfer_limit(struct transfer *t, int64_t timeout)
{
    t->limit = timeout;
    return curl_easy_setopt(t->easy, CURLOPT_TIMEOUT_MS, to_ms(timeout)) == CURLE_OK;
}

static bool limit_connect(struct transfer *t, int64_t timeout)
{
    t->connect_limit = timeout;
    return curl_easy_setopt(t->easy, CURLOPT_CONNECTTIMEOUT_MS, to_ms(timeout)) == CURLE_OK;
}

void transfer_extend(struct transfer *t, int64_t ns)
{
    t->timeout += ns;
    (void)transfer_limit(t, t->limit + ns);
    (void)limit_connect(t, t->connect_limit + ns);
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
    ok = transfer_limit(t, r->timeout) && ok;
    ok = limit_connect(t, r->connect_timeout) && ok;
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

struct transfer *transfer_new(const struct httpc_request *r)
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

void transfer_report(struct transfer *t, CURLcode code, httpc_done_fn *fn, void *ctx)
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
