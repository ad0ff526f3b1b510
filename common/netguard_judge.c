/* SPDX-License-Identifier: MIT */
/* Which addresses may be called: the table of those that may not, and the verdict. */
#include "netguard.h"

#include <arpa/inet.h>
#include <string.h>
#include <strings.h>

#define NET4(a, b, c, d, bits)                                                                     \
    {                                                                                              \
        {{[10] = 0xff, 0xff, a, b, c, d}}, 96 + (bits)                                             \
    }
/* The first four groups of an address; the rest is 0. */
#define GROUP(g) (g) >> 8, (g)&0xff
#define NET6(a, b, c, d, bits)                                                                     \
    {                                                                                              \
        {{GROUP(a), GROUP(b), GROUP(c), GROUP(d)}}, bits                                           \
    }

/* Narrower networks stand before those that have them. */
static const struct range {
    struct netguard_net net;
    const char *word;
} refused[] = {
    {NET4(0, 0, 0, 0, 8), "this network"},
    {NET4(10, 0, 0, 0, 8), "private"},
    {NET4(100, 64, 0, 0, 10), "shared behind carriers' NAT"},
    {NET4(127, 0, 0, 0, 8), "loopback"},
    {NET4(168, 63, 129, 16, 32), "Azure's host"},
    {NET4(169, 254, 0, 0, 16), "link-local, metadata services"},
    {NET4(172, 16, 0, 0, 12), "private"},
    {NET4(192, 0, 0, 0, 24), "protocol assignments"},
    {NET4(192, 0, 2, 0, 24), "documentation"},
    {NET4(192, 31, 196, 0, 24), "AS112"},
    {NET4(192, 52, 193, 0, 24), "AMT relays"},
    {NET4(192, 88, 99, 0, 24), "6to4 relays"},
    {NET4(192, 168, 0, 0, 16), "private"},
    {NET4(192, 175, 48, 0, 24), "AS112"},
    {NET4(198, 18, 0, 0, 15), "benchmarking"},
    {NET4(198, 51, 100, 0, 24), "documentation"},
    {NET4(203, 0, 113, 0, 24), "documentation"},
    {NET4(224, 0, 0, 0, 4), "multicast"},
    {NET4(240, 0, 0, 0, 4), "reserved, broadcast"},
    {{{{[15] = 1}}, 128}, "loopback"},
    {NET6(0, 0, 0, 0, 128), "unspecified"},
    {NET6(0, 0, 0, 0, 96), "IPv4-compatible"},
    {NET6(0x64, 0xff9b, 1, 0, 48), "local-use NAT64"},
    {NET6(0x100, 0, 0, 0, 64), "discard-only"},
    {NET6(0x100, 0, 0, 1, 64), "dummy prefix"},
    {NET6(0x2001, 0, 0, 0, 23), "protocol assignments, Teredo"},
    {NET6(0x2001, 0xdb8, 0, 0, 32), "documentation"},
    {NET6(0x2002, 0, 0, 0, 16), "6to4"},
    {NET6(0x2620, 0x4f, 0x8000, 0, 48), "AS112"},
    {NET6(0x3fff, 0, 0, 0, 20), "documentation"},
    {NET6(0x5f00, 0, 0, 0, 16), "segment routing"},
    {NET6(0xfc00, 0, 0, 0, 7), "unique local"},
    {NET6(0xfe80, 0, 0, 0, 10), "link-local"},
    {NET6(0xfec0, 0, 0, 0, 10), "site-local"},
    {NET6(0xff00, 0, 0, 0, 8), "multicast"},
};

/* The last four bytes of what is in these are an IPv4 address. */
static const struct netguard_net carriers[] = {
    NET6(0x64, 0xff9b, 0, 0, 96),     /* NAT64 */
    {{{[8] = 0xff, [9] = 0xff}}, 96}, /* IPv4-translated */
};

static struct netguard_address what_is_meant(const struct netguard_address *a)
{
    struct netguard_address inner = {{[10] = 0xff, [11] = 0xff}};
    size_t i;

    for (i = 0; i < ARRAY_LEN(carriers); i++) {
        if (netguard_net_has(&carriers[i], a)) {
            memcpy(inner.byte + 12, a->byte + 12, 4);
            return inner;
        }
    }
    return *a;
}

static bool is_same(const struct netguard_address *a, const struct netguard_address *b)
{
    return memcmp(a->byte, b->byte, sizeof a->byte) == 0;
}

enum { NAME_MAX = 2 * NETGUARD_TEXT_MAX + 4 };

/* "64:ff9b::7f00:1 (127.0.0.1)" */
static void name_it(const struct netguard_address *a, const struct netguard_address *meant,
                    char name[NAME_MAX])
{
    char text[NETGUARD_TEXT_MAX], inner[NETGUARD_TEXT_MAX];
    bool same = is_same(a, meant);

    netguard_address_write(a, text);
    netguard_address_write(meant, inner);
    (void)snprintf(name, NAME_MAX, "%s%s%s%s", text, same ? "" : " (", same ? "" : inner,
                   same ? "" : ")");
}

const struct netguard_net *netguard_allows(const struct netguard_address *a,
                                           const struct netguard_rules *rules)
{
    struct netguard_address meant = what_is_meant(a);
    size_t i;

    for (i = 0; i < rules->allows; i++) {
        if (netguard_net_has(&rules->allow[i], a) || netguard_net_has(&rules->allow[i], &meant))
            return &rules->allow[i];
    }
    return NULL;
}

static bool is_own(const struct netguard_address *a, const struct netguard_rules *rules)
{
    size_t i;

    for (i = 0; i < rules->owns && !is_same(&rules->own[i], a); i++)
        ;
    return i < rules->owns;
}

/* The first range that has it, or NULL. */
static const struct range *range_of(const struct netguard_address *a)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(refused); i++) {
        if (netguard_net_has(&refused[i].net, a))
            return &refused[i];
    }
    return NULL;
}

int netguard_judge(const struct netguard_address *a, const struct netguard_rules *rules,
                   struct err *e)
{
    struct netguard_address meant = what_is_meant(a);
    const struct range *range = range_of(&meant);
    char name[NAME_MAX], net[NETGUARD_TEXT_MAX];

    if (netguard_allows(a, rules))
        return 0;
    name_it(a, &meant, name);
    if (range) {
        netguard_net_write(&range->net, net);
        return err_set(e, ERR_INVALID, "%s is in %s (%s), which callbacks must not reach", name,
                       net, range->word);
    }
    if (is_own(a, rules) || is_own(&meant, rules))
        return err_set(e, ERR_INVALID,
                       "%s is an address of this machine, which callbacks must not reach", name);
    return 0;
}

/* ---- hosts ---- */

/* Is the name `end`, or does it end in "." and that? */
static bool is_under(struct str name, const char *end)
{
    size_t n = strlen(end);

    if (name.n < n || strncasecmp(name.p + name.n - n, end, n) != 0)
        return false;
    return name.n == n || name.p[name.n - n - 1] == '.';
}

static bool allows_loopback(const struct netguard_rules *rules)
{
    static const struct netguard_net loopback[] = {NET4(127, 0, 0, 0, 8), {{{[15] = 1}}, 128}};
    size_t i;

    for (i = 0; i < rules->allows; i++) {
        if (netguard_nets_meet(&rules->allow[i], &loopback[0]) ||
            netguard_nets_meet(&rules->allow[i], &loopback[1]))
            return true;
    }
    return false;
}

/* Does the last label of a name that has no dot at its end look like a number? No name that can be
 * looked up does. */
static bool ends_in_number(struct str name)
{
    size_t start = name.n;

    while (start > 0 && name.p[start - 1] != '.')
        start--;
    if (name.n - start > 1 && name.p[start] == '0' && (name.p[start + 1] | 0x20) == 'x')
        return strspn(name.p + start + 2, "0123456789abcdefABCDEF") >= name.n - start - 2;
    return strspn(name.p + start, "0123456789") >= name.n - start;
}

static int check_name(struct str name, const struct netguard_rules *rules, struct err *e)
{
    if (name.n == 0)
        return err_set(e, ERR_INVALID, "there is no host");
    if (ends_in_number(name))
        return err_set(e, ERR_INVALID, "%.*s ends in a number and is no address", (int)name.n,
                       name.p);
    if (is_under(name, "localhost") && !allows_loopback(rules))
        return err_set(e, ERR_INVALID, "%.*s is this machine, which callbacks must not reach",
                       (int)name.n, name.p);
    if ((is_under(name, "local") || is_under(name, "internal")) && rules->allows == 0)
        return err_set(e, ERR_INVALID,
                       "%.*s is a name of a private network, which callbacks must not reach",
                       (int)name.n, name.p);
    return 0;
}

static int check_port(int port, const struct netguard_rules *rules, struct err *e)
{
    size_t i;

    for (i = 0; i < rules->ports; i++) {
        if (port >= rules->port[i].low && port <= rules->port[i].high)
            return 0;
    }
    if (rules->ports == 0)
        return 0;
    return err_set(e, ERR_INVALID, "port %d is none of those that callbacks may reach", port);
}

enum { HOST_MAX = 256 };

/* The host without its zone and the dots at its end. */
static struct str bare(const char *host)
{
    struct str text = str_of(host);
    const char *zone = strchr(host, ':') ? strchr(host, '%') : NULL;

    if (zone)
        text.n = (size_t)(zone - host);
    while (text.n > 0 && text.p[text.n - 1] == '.')
        text.n--;
    return text;
}

bool netguard_literal(const char *host, struct netguard_address *a)
{
    struct str text = bare(host);
    char room[HOST_MAX];
    struct in_addr v4;

    if (text.n >= sizeof room)
        return false;
    if (netguard_address_parse(text, a) == 0)
        return true;
    (void)snprintf(room, sizeof room, "%.*s", (int)text.n, text.p);
    if (strpbrk(room, " \t\r\n\v\f") || inet_aton(room, &v4) == 0)
        return false;
    *a = (struct netguard_address){{[10] = 0xff, [11] = 0xff}};
    memcpy(a->byte + 12, &v4, sizeof v4);
    return true;
}

int netguard_check(const char *host, int port, const struct netguard_rules *rules, struct err *e)
{
    struct netguard_address a;

    if (check_port(port, rules, e) != 0)
        return -1;
    return netguard_literal(host, &a) ? netguard_judge(&a, rules, e)
                                      : check_name(bare(host), rules, e);
}
