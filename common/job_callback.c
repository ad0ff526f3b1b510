/* SPDX-License-Identifier: MIT */
/* Callbacks as clients write them: an absolute http(s) URL or a relative reference, checked by
 * their form alone. */
#include <string.h>
#include <strings.h>

#include "job.h"
#include "num.h"

enum { PORT_MAX = 65535 };

static int refuse(struct err *e, const char *why)
{
    return err_at(e, ERR_INVALID, "/callback", "callback %s", why);
}

static bool is_alnum(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static int check_bytes(struct str text, struct err *e)
{
    size_t i;

    if (text.n == 0 || text.n > JOB_CALLBACK_MAX)
        return err_at(e, ERR_INVALID, "/callback", "callback must be 1 to %d bytes long",
                      JOB_CALLBACK_MAX);
    for (i = 0; i < text.n; i++) {
        unsigned char c = (unsigned char)text.p[i];

        if (c <= ' ' || c == 0x7F)
            return refuse(e, "must not hold spaces or control characters");
        if (c > 0x7F)
            return refuse(e, "must be ASCII: percent-encode everything else");
        if (c == '\\')
            return refuse(e, "must not hold a backslash");
    }
    return 0;
}

/* A colon before any of / ? # ends a scheme: a relative reference has none there. *n: the bytes
 * before it. */
static bool has_scheme(struct str text, size_t *n)
{
    for (*n = 0; *n < text.n && !strchr("/?#", text.p[*n]); (*n)++) {
        if (text.p[*n] == ':')
            return true;
    }
    return false;
}

static bool is_scheme(struct str text, size_t n, const char *scheme)
{
    return strlen(scheme) == n && strncasecmp(text.p, scheme, n) == 0;
}

/* The bytes of the host at the beginning of an authority; 0: none that can be called. */
static size_t host_length(struct str authority)
{
    bool literal = authority.n > 0 && authority.p[0] == '[';
    size_t i = literal;

    while (i < authority.n &&
           (is_alnum(authority.p[i]) || strchr(literal ? ":." : ".-_", authority.p[i])))
        i++;
    if (!literal)
        return i;
    return i > 1 && i < authority.n && authority.p[i] == ']' ? i + 1 : 0;
}

/* What stands between `//` and the path: host, or host and port. */
static int check_authority(struct str text, struct err *e)
{
    struct str authority = {text.p, 0}, port;
    size_t host;
    int64_t number;

    while (authority.n < text.n && !strchr("/?#", authority.p[authority.n]))
        authority.n++;
    if (authority.n > 0 && memchr(authority.p, '@', authority.n))
        return refuse(e, "must not hold a user name or password");
    host = host_length(authority);
    if (host == 0)
        return refuse(e, "must name a host");
    if (host == authority.n)
        return 0;
    port = (struct str){authority.p + host + 1, authority.n - host - 1};
    if (authority.p[host] != ':' || num_i64(port, 1, PORT_MAX, &number) != 0)
        return refuse(e, "must name a host and, after a colon, a port from 1 to 65535");
    return 0;
}

int job_check_callback(const struct conf_queue *queue, struct str text, struct err *e)
{
    size_t scheme, start;
    bool absolute;

    if (check_bytes(text, e) != 0)
        return -1;
    absolute = has_scheme(text, &scheme);
    if (absolute && !is_scheme(text, scheme, "http") && !is_scheme(text, scheme, "https"))
        return refuse(e, "must be an http or https URL");
    if (!absolute && !queue->callback_base.p)
        return refuse(e, "must be an absolute http or https URL, since this queue has no "
                         "callback_base");
    start = absolute ? scheme + 1 : 0;
    if (text.n - start >= 2 && memcmp(text.p + start, "//", 2) == 0)
        return check_authority((struct str){text.p + start + 2, text.n - start - 2}, e);
    return absolute ? refuse(e, "must name a host after http:// or https://") : 0;
}
