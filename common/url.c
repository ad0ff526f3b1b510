/* SPDX-License-Identifier: MIT */
/* URLs, by libcurl's own parser. */
#include "url.h"

#include <curl/curl.h>

#include "num.h"

static int set_text(CURLU *u, struct str text, const char *what, struct err *e)
{
    char url[URL_TEXT_MAX];

    if (text.n >= sizeof url || (text.n && memchr(text.p, '\0', text.n)))
        return err_set(e, ERR_INVALID, "%s is too long or holds a NUL", what);
    (void)snprintf(url, sizeof url, "%.*s", (int)text.n, text.n ? text.p : "");
    if (curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK)
        return err_set(e, ERR_INVALID, "%s is no URL that can be called", what);
    return 0;
}

/* One part of the URL, or NULL; curl_free. */
static char *part(CURLU *u, CURLUPart which, unsigned int flags)
{
    char *text = NULL;

    return curl_url_get(u, which, &text, flags) == CURLUE_OK ? text : NULL;
}

static bool has(CURLU *u, CURLUPart which)
{
    char *text = part(u, which, 0);

    curl_free(text);
    return text != NULL;
}

static int read_scheme(CURLU *u, const char *what, struct url *out, struct err *e)
{
    char *scheme = part(u, CURLUPART_SCHEME, 0);
    bool http = scheme && str_is(str_of(scheme), "http");

    out->tls = scheme && str_is(str_of(scheme), "https");
    curl_free(scheme);
    if (!http && !out->tls)
        return err_set(e, ERR_INVALID, "%s must be an http or https URL", what);
    if (has(u, CURLUPART_USER) || has(u, CURLUPART_PASSWORD))
        return err_set(e, ERR_INVALID, "%s must not hold a user name or a password", what);
    return 0;
}

/* Without the brackets of an IPv6 address, in lower case. */
static int copy_host(const char *from, struct url *out)
{
    bool literal = from[0] == '[';
    size_t n = strlen(from), i;

    if (n >= sizeof out->host || n < (literal ? 3 : 1))
        return -1;
    n -= literal ? 2 : 0;
    for (i = 0; i < n; i++) {
        char c = from[i + literal];

        out->host[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
    }
    out->host[n] = '\0';
    return 0;
}

static int read_host(CURLU *u, const char *what, struct url *out, struct err *e)
{
    char *host = part(u, CURLUPART_HOST, CURLU_URLDECODE);
    int bad = !host || copy_host(host, out) != 0;

    curl_free(host);
    return bad ? err_set(e, ERR_INVALID, "%s must name a host", what) : 0;
}

static int read_port(CURLU *u, const char *what, struct url *out, struct err *e)
{
    char *text = part(u, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    bool v6 = strchr(out->host, ':') != NULL;
    int64_t port;
    int bad = !text || num_i64(str_of(text), 1, 65535, &port) != 0;

    curl_free(text);
    if (bad)
        return err_set(e, ERR_INVALID, "%s must have a port from 1 to 65535", what);
    out->port = (int)port;
    (void)snprintf(out->origin, sizeof out->origin, "%s://%s%s%s", out->tls ? "https" : "http",
                   v6 ? "[" : "", out->host, v6 ? "]" : "");
    if (port != (out->tls ? 443 : 80))
        (void)snprintf(out->origin + strlen(out->origin), sizeof out->origin - strlen(out->origin),
                       ":%d", out->port);
    return 0;
}

static int read_text(CURLU *u, const char *what, struct url *out, struct err *e)
{
    char *text = part(u, CURLUPART_URL, 0);

    if (!text)
        return err_set(e, ERR_INVALID, "%s is no URL that can be called", what);
    out->text = BUF_INIT(URL_TEXT_MAX);
    buf_str(&out->text, text);
    curl_free(text);
    if (buf_check(&out->text, what, e) == 0)
        return 0;
    buf_free(&out->text);
    return -1;
}

int url_resolve(struct str base, struct str reference, const char *what, struct url *out,
                struct err *e)
{
    CURLU *u = curl_url();
    int rc = -1;

    if (!u)
        return err_set(e, ERR_INTERNAL, "out of memory while reading a URL");
    if ((!base.p || set_text(u, base, "callback_base", e) == 0) &&
        set_text(u, reference, what, e) == 0 && read_scheme(u, what, out, e) == 0 &&
        read_host(u, what, out, e) == 0 && read_port(u, what, out, e) == 0)
        rc = read_text(u, what, out, e);
    curl_url_cleanup(u);
    return rc;
}

void url_free(struct url *u)
{
    buf_free(&u->text);
}
