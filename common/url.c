/* SPDX-License-Identifier: MIT */
/* URLs, by libcurl's own parser. */
#include "url.h"

#include <curl/curl.h>

#include "num.h"

struct reader {
    CURLU *u;
    const char *what;
    struct err *e;
    bool no_memory; /* whatever else *e says, that was the reason */
};

static int refuse(const struct reader *r, const char *why)
{
    return err_set(r->e, ERR_INVALID, "%s %s", r->what, why);
}

/* One part of the URL, or NULL; curl_free. */
static char *part(struct reader *r, CURLUPart which, unsigned int flags)
{
    char *text = NULL;
    CURLUcode code = curl_url_get(r->u, which, &text, flags);

    r->no_memory = r->no_memory || code == CURLUE_OUT_OF_MEMORY;
    return code == CURLUE_OK ? text : NULL;
}

static bool has(struct reader *r, CURLUPart which)
{
    char *text = part(r, which, 0);

    curl_free(text);
    return text != NULL;
}

static int set_text(struct reader *r, struct str text)
{
    char url[URL_TEXT_MAX];
    CURLUcode code;

    if (text.n >= sizeof url || (text.n && memchr(text.p, '\0', text.n)))
        return refuse(r, "is too long or holds a NUL");
    (void)snprintf(url, sizeof url, "%.*s", (int)text.n, text.n ? text.p : "");
    code = curl_url_set(r->u, CURLUPART_URL, url, 0);
    /* Where memory runs out while it reads the base again, libcurl says something else: asked once
     * more, it says what is so, or that. */
    if (code != CURLUE_OK)
        code = curl_url_set(r->u, CURLUPART_URL, url, 0);
    r->no_memory = r->no_memory || code == CURLUE_OUT_OF_MEMORY;
    if (code == CURLUE_BAD_PORT_NUMBER)
        return refuse(r, "must have a port from 1 to 65535");
    if (code == CURLUE_OK)
        return 0;
    (void)has(r, CURLUPART_URL);
    return refuse(r, "is no URL that can be called");
}

/* A host that was percent-encoded is read once more as what it says, so that an address in it gets
 * the form of all addresses. */
static int set_reference(struct reader *r, struct str reference)
{
    char *text;
    int rc;

    if (set_text(r, reference) != 0)
        return -1;
    if (!reference.n || !memchr(reference.p, '%', reference.n))
        return 0;
    text = part(r, CURLUPART_URL, 0);
    rc = text ? set_text(r, str_of(text)) : refuse(r, "is no URL that can be called");
    curl_free(text);
    return rc;
}

static int read_scheme(struct reader *r, struct url *out)
{
    char *scheme = part(r, CURLUPART_SCHEME, 0);
    bool http = scheme && str_is(str_of(scheme), "http");

    out->tls = scheme && str_is(str_of(scheme), "https");
    curl_free(scheme);
    if (!http && !out->tls)
        return refuse(r, "must be an http or https URL");
    if (has(r, CURLUPART_USER) || has(r, CURLUPART_PASSWORD))
        return refuse(r, "must not hold a user name or a password");
    return 0;
}

/* What a host that is called may be made of: a name in ASCII, or an IPv6 address. c is no NUL,
 * which strchr would find. */
static bool is_of(char c, bool literal)
{
    if ((c >= '0' && c <= '9') || (c >= 'a' && c <= 'z'))
        return true;
    return strchr(literal ? ":." : ".-_", c) != NULL;
}

/* Without the brackets of an IPv6 address and the dots behind a name, in lower case. */
static int copy_host(const char *from, struct url *out)
{
    bool literal = from[0] == '[';
    size_t n = strlen(from), i;

    while (n > 0 && from[n - 1] == '.')
        n--;
    if (n >= sizeof out->host || n < (literal ? 3 : 1))
        return -1;
    n -= literal ? 2 : 0;
    for (i = 0; i < n; i++) {
        char c = from[i + literal];

        out->host[i] = c >= 'A' && c <= 'Z' ? (char)(c + ('a' - 'A')) : c;
        if (!is_of(out->host[i], literal))
            return -1;
    }
    out->host[n] = '\0';
    return 0;
}

/* libcurl must look for the host that we judge: without the dots. The whole is then read once more,
 * so that an address that had dots behind it gets the form of all addresses. */
static int put_host(struct reader *r, const char *host)
{
    CURLUcode code = curl_url_set(r->u, CURLUPART_HOST, host, 0);
    char *text;
    int rc;

    r->no_memory = r->no_memory || code == CURLUE_OUT_OF_MEMORY;
    text = code == CURLUE_OK ? part(r, CURLUPART_URL, 0) : NULL;
    rc = text ? set_text(r, str_of(text)) : -1;
    curl_free(text);
    return rc;
}

/* 0: as libcurl has it; 1: libcurl has been given it as we have it; -1. */
static int take_host(struct reader *r, struct url *out)
{
    char *host = part(r, CURLUPART_HOST, 0);
    bool bad = !host || copy_host(host, out) != 0, other;

    other = !bad && host[0] != '[' && strcmp(host, out->host) != 0;
    curl_free(host);
    if (bad || (other && put_host(r, out->host) != 0))
        return -1;
    return other;
}

static int read_host(struct reader *r, struct url *out)
{
    int rc = take_host(r, out);

    if (rc == 1)
        rc = take_host(r, out);
    if (rc != 0)
        return refuse(r, "must name a host");
    if (has(r, CURLUPART_ZONEID))
        return refuse(r, "must not name a host by a zone of this machine");
    return 0;
}

static int read_port(struct reader *r, struct url *out)
{
    char *text = part(r, CURLUPART_PORT, CURLU_DEFAULT_PORT);
    bool v6 = strchr(out->host, ':') != NULL;
    int64_t port;
    int bad = !text || num_i64(str_of(text), 1, 65535, &port) != 0;

    curl_free(text);
    if (bad)
        return refuse(r, "must have a port from 1 to 65535");
    out->port = (int)port;
    (void)snprintf(out->origin, sizeof out->origin, "%s://%s%s%s", out->tls ? "https" : "http",
                   v6 ? "[" : "", out->host, v6 ? "]" : "");
    if (port != (out->tls ? 443 : 80))
        (void)snprintf(out->origin + strlen(out->origin), sizeof out->origin - strlen(out->origin),
                       ":%d", out->port);
    return 0;
}

static int read_text(struct reader *r, struct url *out)
{
    char *text = part(r, CURLUPART_URL, 0);

    if (!text)
        return refuse(r, "is no URL that can be called");
    out->text = BUF_INIT(URL_TEXT_MAX);
    buf_str(&out->text, text);
    curl_free(text);
    if (buf_check(&out->text, r->what, r->e) == 0)
        return 0;
    buf_free(&out->text);
    return -1;
}

static int resolve(struct reader *r, struct str base, struct str reference, struct url *out)
{
    struct reader for_base = *r;

    for_base.what = "callback_base";
    if (base.p && set_text(&for_base, base) != 0) {
        r->no_memory = for_base.no_memory;
        return -1;
    }
    if (set_reference(r, reference) != 0 || read_scheme(r, out) != 0 || read_host(r, out) != 0 ||
        read_port(r, out) != 0)
        return -1;
    return read_text(r, out);
}

int url_resolve(struct str base, struct str reference, const char *what, struct url *out,
                struct err *e)
{
    struct reader r = {.u = curl_url(), .what = what, .e = e};
    int rc = -1;

    r.no_memory = r.u == NULL;
    if (r.u)
        rc = resolve(&r, base, reference, out);
    if (rc == 0 && r.no_memory) { /* what is not there may be there */
        buf_free(&out->text);
        rc = -1;
    }
    if (r.no_memory)
        (void)err_set(e, ERR_INTERNAL, "out of memory while reading a URL");
    curl_url_cleanup(r.u);
    return rc;
}

void url_free(struct url *u)
{
    buf_free(&u->text);
}
