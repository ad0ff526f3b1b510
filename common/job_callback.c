/* SPDX-License-Identifier: MIT */
/* Callbacks as clients write them: an absolute http(s) URL or a relative reference, and whom it
 * calls. */
#include <string.h>
#include <strings.h>

#include "job.h"
#include "url.h"

static int refuse(struct err *e, const char *why)
{
    return err_at(e, ERR_INVALID, "/callback", "callback %s", why);
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

/* What stands between `//` and the path, where libcurl is laxer than we are: text begins behind the
 * `//`. */
static int check_authority(struct str text, struct err *e)
{
    size_t n = 0;

    while (n < text.n && !strchr("/?#", text.p[n]))
        n++;
    if (n == 0 || text.p[0] == ':' || memchr(text.p, '%', n))
        return refuse(e, "must name a host, without percent-encoding");
    if (memchr(text.p, '@', n))
        return refuse(e, "must not hold a user name or a password");
    if (text.p[n - 1] == ':')
        return refuse(e, "must have a port from 1 to 65535 behind the colon");
    return 0;
}

/* *whole: it names its host itself, and takes nothing of callback_base but, perhaps, the scheme. */
static int check_form(const struct conf_queue *queue, struct str text, bool *whole, struct err *e)
{
    size_t scheme, start;
    bool absolute = has_scheme(text, &scheme);

    if (absolute && !is_scheme(text, scheme, "http") && !is_scheme(text, scheme, "https"))
        return refuse(e, "must be an http or https URL");
    if (!absolute && !queue->callback_base.p)
        return refuse(e, "must be an absolute http or https URL, since this queue has no "
                         "callback_base");
    start = absolute ? scheme + 1 : 0;
    *whole = text.n - start >= 2 && memcmp(text.p + start, "//", 2) == 0;
    if (*whole)
        return check_authority((struct str){text.p + start + 2, text.n - start - 2}, e);
    return absolute ? refuse(e, "must name a host after http:// or https://") : 0;
}

int job_check_callback(const struct conf_queue *queue, struct str type, struct str text,
                       struct job_target *target, struct err *e)
{
    struct url url;
    bool whole = false;

    if (check_bytes(text, e) != 0 || check_form(queue, text, &whole, e) != 0)
        return -1;
    if (url_resolve(queue->callback_base, text, "callback", &url, e) != 0)
        return err_under(e, "/callback");
    memcpy(target->host, url.host, sizeof target->host);
    target->port = url.port;
    if (whole)
        (void)snprintf(target->receiver, sizeof target->receiver, "%s", url.origin);
    else
        (void)snprintf(target->receiver, sizeof target->receiver, "/%.*s", (int)type.n, type.p);
    url_free(&url);
    return 0;
}

int job_judge_callback(const struct netguard_rules *rules, const struct job_target *target,
                       struct err *e)
{
    if (netguard_check(target->host, target->port, rules, e) == 0)
        return 0;
    (void)err_wrap(e, "callback cannot be called");
    return err_under(e, "/callback");
}
