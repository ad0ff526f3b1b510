/* SPDX-License-Identifier: MIT */
/* From which web page a change comes, and whether it may. */
#include "origin.h"

#include <string.h>
#include <strings.h>

#include "netguard.h"
#include "plain.h"

enum { SHOWN_MAX = 120 };

static bool begins(struct str s, const char *word)
{
    size_t n = strlen(word);

    return s.n >= n && strncasecmp(s.p, word, n) == 0;
}

static bool ends(struct str s, const char *word)
{
    size_t n = strlen(word);

    return s.n >= n && strncasecmp(s.p + s.n - n, word, n) == 0;
}

static bool same(struct str a, struct str b)
{
    return a.n == b.n && strncasecmp(a.p, b.p, a.n) == 0;
}

static struct str without(struct str s, size_t first, size_t last)
{
    return (struct str){s.p + first, s.n - first - last};
}

/* "host:port" → "host:port", without the scheme's own port. */
static struct str bare(struct str authority, const char *own_port)
{
    return ends(authority, own_port) ? without(authority, 0, strlen(own_port)) : authority;
}

/* A serialized origin is "scheme://host[:port]", nothing behind it; "null" is nobody's. */
static bool is_host(struct str origin, struct str host)
{
    if (begins(origin, "http://"))
        return same(bare(without(origin, 7, 0), ":80"), bare(host, ":80"));
    if (begins(origin, "https://"))
        return same(bare(without(origin, 8, 0), ":443"), bare(host, ":443"));
    return false;
}

/* The host of "http://host[:port]": a name, or an address with its [ ] taken away. */
static struct str name_of(struct str origin)
{
    struct str s = without(origin, 7, 0);
    const char *end;

    if (s.n > 0 && s.p[0] == '[') {
        end = memchr(s.p, ']', s.n);
        return end ? (struct str){s.p + 1, (size_t)(end - s.p - 1)} : s;
    }
    end = memchr(s.p, ':', s.n);
    return end ? (struct str){s.p, (size_t)(end - s.p)} : s;
}

/* Names that the public DNS does not have (RFC 6761, 6762, 8375; .internal by ICANN). */
static bool is_private_name(struct str name)
{
    static const char *const ends_of[] = {".localhost", ".local", ".internal", ".home.arpa"};
    size_t i;

    if (!memchr(name.p, '.', name.n))
        return name.n > 0;
    for (i = 0; i < ARRAY_LEN(ends_of); i++) {
        if (ends(name, ends_of[i]))
            return true;
    }
    return false;
}

/* Over https the certificate proves whose the name is; an address is its own proof. */
static bool is_sure(struct str origin)
{
    struct netguard_address address;
    struct str name;

    if (begins(origin, "https://"))
        return true;
    if (!begins(origin, "http://"))
        return false;
    name = name_of(origin);
    return netguard_address_parse(name, &address) == 0 || is_private_name(name);
}

static int refuse(const struct origin *o, struct err *e)
{
    char room[SHOWN_MAX] = "elsewhere";

    if (o->origin.p)
        (void)plain_text(o->origin, room, sizeof room);
    return err_set(e, ERR_FORBIDDEN, "a web page from %s changes nothing here", room);
}

static int refuse_name(const struct origin *o, struct err *e)
{
    char room[SHOWN_MAX];

    (void)plain_text(o->origin, room, sizeof room);
    return err_set(e, ERR_FORBIDDEN,
                   "a web page from %s changes nothing here without authentication (auth: none), "
                   "since anybody may let a name of his own point here: use https, this machine's "
                   "address in place of its name, or auth: tokens",
                   room);
}

int origin_check(const struct origin *o, bool open, struct err *e)
{
    if (o->site.p ? !str_is(o->site, "same-origin") && !str_is(o->site, "none")
                  : o->origin.p && !(o->host.p && is_host(o->origin, o->host)))
        return refuse(o, e);
    return open && o->origin.p && !is_sure(o->origin) ? refuse_name(o, e) : 0;
}
