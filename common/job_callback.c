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

/* The receiver of all that take their host from callback_base. */
static void name_shared(struct job_target *target, struct str type)
{
    _Static_assert(sizeof target->receiver >= JOB_NAME_MAX + 2, "there is room for every type");

    target->receiver[0] = '/';
    memcpy(target->receiver + 1, type.p, type.n);
    target->receiver[type.n + 1] = '\0';
}

/* Does it change nothing of callback_base but path and query? Only what is plain to see: segments
 * of letters, digits and a few signs. Whatever may mean more, as dots and doubled slashes do, is
 * libcurl's to read. text has passed check_bytes: there is no NUL, which strchr would find. */
static bool is_plain(struct str text)
{
    size_t i;

    for (i = 0; i < text.n; i++) {
        char c = text.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

        if (!letter && !strchr(i > 0 ? "/-_?=&" : "/", c))
            return false;
        if (c == '/' && i > 0 && text.p[i - 1] == '/')
            return false;
    }
    return true;
}

int job_check_callback(const struct conf_queue *queue, struct str type, struct str text,
                       struct job_target *target, struct err *e)
{
    struct str base = queue->callback_base;
    struct url url;
    bool whole = false;

    if (check_bytes(text, e) != 0 || check_form(queue, text, &whole, e) != 0)
        return -1;
    if (queue->base.port != 0 && is_plain(text)) {
        memcpy(target->host, queue->base.host, sizeof target->host);
        target->port = queue->base.port;
        name_shared(target, type);
        return 0;
    }
    if (queue->base.port != 0 && whole && text.p[0] != '/')
        base = (struct str){0}; /* it could be read, and counts for nothing */
    if (url_resolve(base, text, "callback", &url, e) != 0)
        return err_under(e, "/callback");
    memcpy(target->host, url.host, sizeof target->host);
    target->port = url.port;
    if (whole)
        memcpy(target->receiver, url.origin, sizeof target->receiver);
    else
        name_shared(target, type);
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
