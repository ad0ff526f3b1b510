/* SPDX-License-Identifier: MIT */
/*
 * Which addresses callbacks may reach. Sixteen bytes are an address, the rest, if there is any, is
 * a network or a host as text. An address that is allowed is in no network of the list below, and
 * one that is in none is allowed; what is judged is what a resolver makes of a host.
 */
#include "fuzz.h"

#include <arpa/inet.h>
#include <netdb.h>

#include "netguard.h"

/* IANA's special-purpose registries, Azure's host address: each as text, read here by inet_pton. */
static const struct {
    const char *address;
    int prefix;
} refused[] = {
    {"0.0.0.0", 8},       {"10.0.0.0", 8},      {"100.64.0.0", 10},     {"127.0.0.0", 8},
    {"169.254.0.0", 16},  {"172.16.0.0", 12},   {"192.0.0.0", 24},      {"192.0.2.0", 24},
    {"192.31.196.0", 24}, {"192.52.193.0", 24}, {"192.88.99.0", 24},    {"192.168.0.0", 16},
    {"192.175.48.0", 24}, {"198.18.0.0", 15},   {"198.51.100.0", 24},   {"203.0.113.0", 24},
    {"224.0.0.0", 4},     {"240.0.0.0", 4},     {"168.63.129.16", 32},  {"::", 96},
    {"64:ff9b:1::", 48},  {"100::", 64},        {"100:0:0:1::", 64},    {"2001::", 23},
    {"2001:db8::", 32},   {"2002::", 16},       {"2620:4f:8000::", 48}, {"3fff::", 20},
    {"5f00::", 16},       {"fc00::", 7},        {"fe80::", 10},         {"fec0::", 10},
    {"ff00::", 8},
};

/* Prefixes behind which an IPv4 address stands that is judged in its place. */
static const char *const inside[] = {"::ffff:0.0.0.0", "64:ff9b::", "::ffff:0:0:0"};

static bool begins(const unsigned char *a, const unsigned char *b, int bits)
{
    int i;

    for (i = 0; i < bits; i++) {
        if ((a[i / 8] ^ b[i / 8]) >> (7 - i % 8) & 1)
            return false;
    }
    return true;
}

static bool is_refused(const unsigned char byte[16])
{
    unsigned char net[16];
    bool v4 = false;
    size_t i;

    for (i = 0; i < ARRAY_LEN(inside); i++) {
        MUST(inet_pton(AF_INET6, inside[i], net) == 1);
        v4 = v4 || begins(byte, net, 96);
    }
    for (i = 0; i < ARRAY_LEN(refused); i++) {
        int family = strchr(refused[i].address, ':') ? AF_INET6 : AF_INET;

        MUST(inet_pton(family, refused[i].address, net) == 1);
        if ((family == AF_INET) == v4 && begins(v4 ? byte + 12 : byte, net, refused[i].prefix))
            return true;
    }
    return false;
}

static void check_address(const struct netguard_address *a)
{
    struct netguard_rules rules = {0};
    struct netguard_address back;
    struct netguard_net own = {*a, 128};
    char text[NETGUARD_TEXT_MAX];
    struct err e = {0};
    int rc = netguard_judge(a, &rules, &e);

    MUST((rc != 0) == is_refused(a->byte));
    MUST(rc == 0 || e.code == ERR_INVALID);
    netguard_address_write(a, text);
    MUST(netguard_address_parse(str_of(text), &back) == 0);
    MUST(memcmp(&back, a, sizeof back) == 0);
    MUST(netguard_net_has(&own, a) && netguard_nets_meet(&own, &own));
    rules = (struct netguard_rules){.allows = 1, .allow = &own};
    MUST(netguard_judge(a, &rules, &e) == 0);
    rules = (struct netguard_rules){.owns = 1, .own = a};
    MUST(netguard_judge(a, &rules, &e) != 0);
}

static void check_net(struct str text, const struct netguard_address *a)
{
    struct netguard_net net, again;
    char room[NETGUARD_TEXT_MAX];

    if (netguard_net_parse(text, &net) != 0)
        return;
    MUST(net.prefix >= 0 && net.prefix <= 128);
    netguard_net_write(&net, room);
    MUST(netguard_net_parse(str_of(room), &again) == 0);
    MUST(memcmp(&again.address, &net.address, sizeof net.address) == 0);
    MUST(again.prefix == net.prefix);
    MUST(netguard_nets_meet(&net, &again) && netguard_net_has(&net, &net.address));
    if (netguard_net_has(&net, a))
        MUST(begins(a->byte, net.address.byte, net.prefix));
}

/* What getaddrinfo takes as a number is taken as the same address here. */
static void check_host(struct str text)
{
    struct addrinfo hints = {.ai_flags = AI_NUMERICHOST, .ai_socktype = SOCK_STREAM}, *list = NULL;
    struct netguard_address a = {{0}}, theirs = {{0}};
    struct netguard_rules rules = {0};
    char *host = fuzz_copy(text);
    bool literal = netguard_literal(host, &a);
    struct err e = {0};

    if (getaddrinfo(host, NULL, &hints, &list) == 0) {
        MUST(literal);
        theirs.byte[10] = theirs.byte[11] = 0xff;
        if (list->ai_family == AF_INET)
            memcpy(theirs.byte + 12, &((struct sockaddr_in *)(void *)list->ai_addr)->sin_addr, 4);
        else
            memcpy(theirs.byte, &((struct sockaddr_in6 *)(void *)list->ai_addr)->sin6_addr, 16);
        MUST(memcmp(&a, &theirs, sizeof a) == 0);
        freeaddrinfo(list);
    }
    if (netguard_check(host, 443, &rules, &e) == 0 && literal)
        MUST(!is_refused(a.byte));
    free(host);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct netguard_address a;
    struct str text;

    if (size < sizeof a)
        return -1;
    memcpy(&a, data, sizeof a);
    text = fuzz_str(data + sizeof a, size - sizeof a);
    check_address(&a);
    if (text.n > 0 && text.n < 256) {
        check_net(text, &a);
        check_host(text);
    }
    return 0;
}
