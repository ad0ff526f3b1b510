/* SPDX-License-Identifier: MIT */
/* Which addresses may be called: networks and addresses as they are written. */
#include "netguard.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "num.h"

enum { MAPPED_BITS = 96, ADDRESS_BITS = 128 };

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

int netguard_address_parse(struct str text, struct netguard_address *a)
{
    char room[NETGUARD_TEXT_MAX];

    if (text.n >= sizeof room || (text.n && memchr(text.p, '\0', text.n)))
        return -1;
    if (text.n > 0)
        memcpy(room, text.p, text.n);
    room[text.n] = '\0';
    if (inet_pton(AF_INET6, room, a->byte) == 1)
        return 0;
    memcpy(a->byte, mapped, sizeof mapped);
    return inet_pton(AF_INET, room, a->byte + sizeof mapped) == 1 ? 0 : -1;
}

bool netguard_is_v4(const struct netguard_address *a)
{
    return memcmp(a->byte, mapped, sizeof mapped) == 0;
}

void netguard_address_write(const struct netguard_address *a, char text[NETGUARD_TEXT_MAX])
{
    bool v4 = netguard_is_v4(a);
    const char *written = inet_ntop(v4 ? AF_INET : AF_INET6, v4 ? a->byte + sizeof mapped : a->byte,
                                    text, NETGUARD_TEXT_MAX);

    assert(written); /* there is room */
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

/* ::ffff:0:0/96 is every IPv4 address; what is shorter is of IPv6, and has none of them. */
static bool is_v4_net(const struct netguard_net *net)
{
    return net->prefix >= MAPPED_BITS && netguard_is_v4(&net->address);
}

static bool same_bits(const struct netguard_address *a, const struct netguard_address *b, int bits)
{
    int whole = bits / 8, rest = bits % 8;

    return memcmp(a->byte, b->byte, (size_t)whole) == 0 &&
           (rest == 0 || (a->byte[whole] ^ b->byte[whole]) >> (8 - rest) == 0);
}

bool netguard_net_has(const struct netguard_net *net, const struct netguard_address *a)
{
    return is_v4_net(net) == netguard_is_v4(a) && same_bits(&net->address, a, net->prefix);
}

bool netguard_nets_meet(const struct netguard_net *a, const struct netguard_net *b)
{
    return is_v4_net(a) == is_v4_net(b) &&
           same_bits(&a->address, &b->address, a->prefix < b->prefix ? a->prefix : b->prefix);
}

void netguard_net_write(const struct netguard_net *net, char text[NETGUARD_TEXT_MAX])
{
    size_t n;

    netguard_address_write(&net->address, text);
    n = strlen(text);
    (void)snprintf(text + n, NETGUARD_TEXT_MAX - n, "/%d",
                   net->prefix - (is_v4_net(net) ? MAPPED_BITS : 0));
}
