/* SPDX-License-Identifier: MIT */
/* Which addresses may be called: networks and addresses. */
#include "netguard.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "num.h"

enum { MAPPED_BITS = 96, ADDRESS_BITS = 128 };

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

int netguard_address_parse(struct str text, struct netguard_address *a)
{
    char room[NETGUARD_TEXT_MAX];

    if (text.n >= sizeof room || (text.n && memchr(text.p, '\0', text.n)))
        return -1;
    (void)snprintf(room, sizeof room, "%.*s", (int)text.n, text.n ? text.p : "");
    if (inet_pton(AF_INET6, room, a->byte) == 1)
        return 0;
    memcpy(a->byte, mapped, sizeof mapped);
    return inet_pton(AF_INET, room, a->byte + sizeof mapped) == 1 ? 0 : -1;
}

void netguard_address_write(const struct netguard_address *a, char text[NETGUARD_TEXT_MAX])
{
    bool v4 = memcmp(a->byte, mapped, sizeof mapped) == 0;

    if (!inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->byte + sizeof mapped : a->byte, text,
                   NETGUARD_TEXT_MAX))
        text[0] = '\0'; /* cannot be */
}

/* Are all bits from `from` on 0? */
static bool is_empty_from(const struct netguard_address *a, int from)
{
    int bit;

    for (bit = from; bit < ADDRESS_BITS; bit++) {
        if (a->byte[bit / 8] & (0x80 >> bit % 8))
            return false;
    }
    return true;
}

int netguard_net_parse(struct str text, struct netguard_net *net)
{
    const char *slash = text.n ? memchr(text.p, '/', text.n) : NULL;
    struct str address = {text.p, slash ? (size_t)(slash - text.p) : text.n};
    bool v6 = address.n > 0 && memchr(address.p, ':', address.n);
    int first = v6 ? 0 : MAPPED_BITS;
    int64_t bits = ADDRESS_BITS - first;

    if (netguard_address_parse(address, &net->address) != 0)
        return -1;
    if (slash && num_i64((struct str){slash + 1, text.n - address.n - 1}, 0, ADDRESS_BITS - first,
                         &bits) != 0)
        return -1;
    net->prefix = first + (int)bits;
    return is_empty_from(&net->address, net->prefix) ? 0 : -1;
}

int netguard_judge(const struct netguard_address *a, const struct netguard_rules *rules,
                   struct err *e)
{
    (void)a;
    (void)rules;
    (void)e;
    return 0;
}

int netguard_check(const char *host, int port, const struct netguard_rules *rules, struct err *e)
{
    (void)host;
    (void)port;
    (void)rules;
    (void)e;
    return 0;
}
