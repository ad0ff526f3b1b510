/* SPDX-License-Identifier: MIT */
/* Which addresses may be called: every range at its edges, every spelling, and all of it against a
 * slow reference that knows the ranges as text and compares bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "netguard.h"
#include "prop.h"

static const struct netguard_rules bare = {0};

static const struct range {
    const char *net, *first, *last;
    const char *before, *after; /* NULL: that is refused by the range beside it, or is none */
    const char *word;
} ranges[] = {
    {"0.0.0.0/8", "0.0.0.0", "0.255.255.255", NULL, "1.0.0.0", "this network"},
    {"10.0.0.0/8", "10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0", "private"},
    {"100.64.0.0/10", "100.64.0.0", "100.127.255.255", "100.63.255.255", "100.128.0.0", "NAT"},
    {"127.0.0.0/8", "127.0.0.0", "127.255.255.255", "126.255.255.255", "128.0.0.0", "loopback"},
    {"168.63.129.16/32", "168.63.129.16", "168.63.129.16", "168.63.129.15", "168.63.129.17",
     "Azure"},
    {"169.254.0.0/16", "169.254.0.0", "169.254.255.255", "169.253.255.255", "169.255.0.0",
     "metadata"},
    {"172.16.0.0/12", "172.16.0.0", "172.31.255.255", "172.15.255.255", "172.32.0.0", "private"},
    {"192.0.0.0/24", "192.0.0.0", "192.0.0.255", "191.255.255.255", "192.0.1.0", "protocol"},
    {"192.0.2.0/24", "192.0.2.0", "192.0.2.255", "192.0.1.255", "192.0.3.0", "documentation"},
    {"192.31.196.0/24", "192.31.196.0", "192.31.196.255", "192.31.195.255", "192.31.197.0",
     "AS112"},
    {"192.52.193.0/24", "192.52.193.0", "192.52.193.255", "192.52.192.255", "192.52.194.0", "AMT"},
    {"192.88.99.0/24", "192.88.99.0", "192.88.99.255", "192.88.98.255", "192.88.100.0", "6to4"},
    {"192.168.0.0/16", "192.168.0.0", "192.168.255.255", "192.167.255.255", "192.169.0.0",
     "private"},
    {"192.175.48.0/24", "192.175.48.0", "192.175.48.255", "192.175.47.255", "192.175.49.0",
     "AS112"},
    {"198.18.0.0/15", "198.18.0.0", "198.19.255.255", "198.17.255.255", "198.20.0.0",
     "benchmarking"},
    {"198.51.100.0/24", "198.51.100.0", "198.51.100.255", "198.51.99.255", "198.51.101.0",
     "documentation"},
    {"203.0.113.0/24", "203.0.113.0", "203.0.113.255", "203.0.112.255", "203.0.114.0",
     "documentation"},
    {"224.0.0.0/4", "224.0.0.0", "239.255.255.255", "223.255.255.255", NULL, "multicast"},
    {"240.0.0.0/4", "240.0.0.0", "255.255.255.255", NULL, NULL, "reserved"},
    {"::/96", "::", "::ffff:ffff", NULL, "::1:0:0", NULL},
    {"::1/128", "::1", "::1", NULL, NULL, "loopback"},
    {"64:ff9b:1::/48", "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
     "64:ff9b:0:ffff:ffff:ffff:ffff:ffff", "64:ff9b:2::", "NAT64"},
    {"100::/64", "100::", "100::ffff:ffff:ffff:ffff", "ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL,
     "discard"},
    {"100:0:0:1::/64", "100:0:0:1::", "100:0:0:1:ffff:ffff:ffff:ffff", NULL,
     "100:0:0:2::", "dummy"},
    {"2001::/23", "2001::", "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2001:200::", "Teredo"},
    {"2001:db8::/32", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", "2001:db9::", "documentation"},
    {"2002::/16", "2002::", "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2003::", "6to4"},
    {"2620:4f:8000::/48", "2620:4f:8000::", "2620:4f:8000:ffff:ffff:ffff:ffff:ffff",
     "2620:4f:7fff:ffff:ffff:ffff:ffff:ffff", "2620:4f:8001::", "AS112"},
    {"3fff::/20", "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
     "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "3fff:1000::", "documentation"},
    {"5f00::/16", "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "5f01::", "segment routing"},
    {"fc00::/7", "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "fe00::", "unique local"},
    {"fe80::/10", "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
     "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, "link-local"},
    {"fec0::/10", "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "site-local"},
    {"ff00::/8", "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", NULL, NULL, "multicast"},
};

static struct netguard_address address(const char *text)
{
    struct netguard_address a;

    if (netguard_address_parse(str_of(text), &a) != 0)
        fail_msg("no address: %s", text);
    return a;
}

static struct netguard_net network(const char *text)
{
    struct netguard_net net;

    if (netguard_net_parse(str_of(text), &net) != 0)
        fail_msg("no network: %s", text);
    return net;
}

/* word NULL: refused, whatever it is called */
static void refuses(const char *text, const char *word, const struct netguard_rules *rules)
{
    struct netguard_address a = address(text);
    struct err e = {0};

    if (netguard_judge(&a, rules, &e) == 0)
        fail_msg("%s may be called", text);
    assert_int_equal(e.code, ERR_INVALID);
    if ((word && !strstr(e.text, word)) || !strstr(e.text, "callbacks must not reach"))
        fail_msg("%s: %s", text, e.text);
}

static void takes(const char *text, const struct netguard_rules *rules)
{
    struct netguard_address a = address(text);
    struct err e = {0};

    if (netguard_judge(&a, rules, &e) != 0)
        fail_msg("%s: %s", text, e.text);
}

/* The address itself and, where it is IPv4, what has it inside. */
static void each_spelling(const char *text, const char *word, const struct netguard_rules *rules)
{
    static const char *const prefixes[] = {"", "::ffff:", "64:ff9b::", "::ffff:0:"};
    char spelling[80];
    size_t i;

    for (i = 0; i < (strchr(text, ':') ? 1 : ARRAY_LEN(prefixes)); i++) {
        (void)snprintf(spelling, sizeof spelling, "%s%s", prefixes[i], text);
        if (word)
            refuses(spelling, word, rules);
        else
            takes(spelling, rules);
    }
}

static void test_edges_of_ranges(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(ranges); i++) {
        const struct range *r = &ranges[i];
        const char *word = r->word ? r->word : "is in";

        each_spelling(r->first, word, &bare);
        each_spelling(r->last, word, &bare);
        if (r->before)
            each_spelling(r->before, NULL, &bare);
        if (r->after)
            each_spelling(r->after, NULL, &bare);
    }
}

/* The edges of what carries IPv4: inside, the IPv4 decides; outside, it is no IPv4 any more. */
static void test_edges_of_carriers(void **state)
{
    (void)state;
    takes("64:ff9b::808:808", &bare);
    takes("64:ff9a:ffff:ffff:ffff:ffff:7f00:1", &bare);
    takes("64:ff9b::1:7f00:1", &bare);
    takes("::fffe:7f00:1", &bare);
    takes("::1:0:7f00:1", &bare);
    takes("::fffe:0:7f00:1", &bare);
    takes("::ffff:1:7f00:1", &bare);
    refuses("::7f00:1", "IPv4-compatible", &bare);
    refuses("::8.8.8.8", "IPv4-compatible", &bare);
    refuses("::", "unspecified", &bare);
}

static void test_words_of_a_refusal(void **state)
{
    struct netguard_address a = address("127.0.0.1"), nat64 = address("64:ff9b::169.254.169.254");
    struct err e;

    (void)state;
    assert_int_equal(netguard_judge(&a, &bare, &e), -1);
    assert_string_equal(e.text,
                        "127.0.0.1 is in 127.0.0.0/8 (loopback), which callbacks must not reach");
    assert_int_equal(netguard_judge(&nat64, &bare, &e), -1);
    assert_string_equal(e.text,
                        "64:ff9b::a9fe:a9fe (169.254.169.254) is in 169.254.0.0/16 (link-local, "
                        "metadata services), which callbacks must not reach");
}

static void test_public_addresses(void **state)
{
    static const char *const good[] = {"1.1.1.1",      "8.8.8.8",     "93.184.216.34",
                                       "223.1.2.3",    "2600::1",     "2606:4700::6810:1",
                                       "2a00:1450::1", "2001:4860::8"};
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(good); i++)
        takes(good[i], &bare);
}

/* ---- what the operator allows, and this machine's own ---- */

static void test_allowed_networks(void **state)
{
    struct netguard_net nets[] = {network("10.1.0.0/16"), network("fd00::/16"),
                                  network("127.0.0.1")};
    struct netguard_rules rules = {.allows = ARRAY_LEN(nets), .allow = nets};

    (void)state;
    each_spelling("10.1.2.3", NULL, &rules);
    each_spelling("10.2.0.0", "private", &rules);
    each_spelling("10.0.255.255", "private", &rules);
    each_spelling("127.0.0.1", NULL, &rules);
    each_spelling("127.0.0.2", "loopback", &rules);
    takes("fd00::1", &rules);
    refuses("fd01::1", "unique local", &rules);
    refuses("::1", "loopback", &rules);
}

/* A network of IPv6 has no IPv4 address, and ::/0 lets nobody at 127.0.0.1. */
static void test_families_are_apart(void **state)
{
    struct netguard_net v6 = network("::/0"), v4 = network("0.0.0.0/0");
    struct netguard_rules all6 = {.allows = 1, .allow = &v6}, all4 = {.allows = 1, .allow = &v4};

    (void)state;
    takes("::1", &all6);
    takes("fe80::1", &all6);
    refuses("127.0.0.1", "loopback", &all6);
    takes("127.0.0.1", &all4);
    takes("64:ff9b::127.0.0.1", &all4);
    refuses("::1", "loopback", &all4);
    refuses("::127.0.0.1", "IPv4-compatible", &all4);
}

static void test_own_addresses(void **state)
{
    struct netguard_address own[] = {address("93.184.216.34"), address("2600::7")};
    struct netguard_net nets[] = {network("93.184.216.0/24")};
    struct netguard_rules rules = {.owns = ARRAY_LEN(own), .own = own};

    (void)state;
    each_spelling("93.184.216.34", "of this machine", &rules);
    each_spelling("93.184.216.35", NULL, &rules);
    refuses("2600::7", "of this machine", &rules);
    takes("2600::8", &rules);
    rules.allows = ARRAY_LEN(nets);
    rules.allow = nets;
    each_spelling("93.184.216.34", NULL, &rules);
    refuses("2600::7", "of this machine", &rules);
}

/* ---- networks as they are written ---- */

static void test_networks(void **state)
{
    static const char *const bad[] = {
        "",         "10.0.0.0/33",  "10.0.0.1/8",  "::1/64",     "::/129",
        "10.0.0/8", "10.0.0.0/",    "10.0.0.0/-1", "a/8",        "0x7f.1/8",
        "::/0/0",   "fe80::1%eth0", " 10.0.0.0/8", "10.0.0.0/8 "};
    struct netguard_net net;
    char text[NETGUARD_TEXT_MAX];
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(bad); i++) {
        if (netguard_net_parse(str_of(bad[i]), &net) == 0)
            fail_msg("a network: %s", bad[i]);
    }
    for (i = 0; i < ARRAY_LEN(ranges); i++) {
        net = network(ranges[i].net);
        netguard_net_write(&net, text);
        assert_string_equal(text, ranges[i].net);
    }
    net = network("192.0.2.7");
    netguard_net_write(&net, text);
    assert_string_equal(text, "192.0.2.7/32");
}

/* All of the text counts: nothing is cut off, at a NUL or behind what is long enough. */
static void test_texts_that_are_no_address(void **state)
{
    static const char nul[] = "127.0.0.1\0.example", zeros[] = "0000:0000:0000:0000:0000:0000:";
    struct netguard_address a;
    char text[NETGUARD_TEXT_MAX + 8];

    (void)state;
    assert_int_equal(netguard_address_parse((struct str){nul, sizeof nul - 1}, &a), -1);
    assert_int_equal(netguard_address_parse((struct str){nul, 10}, &a), -1);
    assert_int_equal(netguard_address_parse((struct str){nul, 9}, &a), 0);
    assert_int_equal(netguard_address_parse((struct str){NULL, 0}, &a), -1);
    (void)snprintf(text, sizeof text, "%s127.000.000.001", zeros);
    assert_int_equal(netguard_address_parse(str_of(text), &a), -1);
    (void)snprintf(text, sizeof text, "%s255.255.255.255", zeros);
    assert_int_equal(netguard_address_parse(str_of(text), &a), 0);
    (void)snprintf(text, sizeof text, "%*d", (int)sizeof text - 1, 1);
    assert_int_equal(netguard_address_parse(str_of(text), &a), -1);
}

static void test_networks_that_meet(void **state)
{
    struct netguard_net a = network("10.0.0.0/8"), b = network("10.9.0.0/16"),
                        c = network("11.0.0.0/8"), all4 = network("0.0.0.0/0"),
                        all6 = network("::/0"), one = network("::1");

    (void)state;
    assert_true(netguard_nets_meet(&a, &b));
    assert_true(netguard_nets_meet(&b, &a));
    assert_false(netguard_nets_meet(&a, &c));
    assert_true(netguard_nets_meet(&all4, &c));
    assert_false(netguard_nets_meet(&all6, &c));
    assert_true(netguard_nets_meet(&one, &all6));
}

/* ---- against a slow reference ---- */

static bool bit(const unsigned char *byte, int i)
{
    return byte[i / 8] >> (7 - i % 8) & 1;
}

/* Is the address, 4 or 16 bytes, in the network of this text? */
static bool slow_has(const char *net, const unsigned char *byte, int family)
{
    char room[64];
    char *slash;
    unsigned char base[16];
    int64_t bits;
    int i;

    (void)snprintf(room, sizeof room, "%s", net);
    slash = strchr(room, '/');
    *slash = '\0';
    assert_int_equal(num_i64(str_of(slash + 1), 0, 128, &bits), 0);
    if (inet_pton(family, room, base) != 1)
        return false;
    for (i = 0; i < bits && bit(base, i) == bit(byte, i); i++)
        ;
    return i == bits;
}

static bool slow_refuses(const struct netguard_address *a)
{
    const unsigned char *byte = a->byte;
    int family = AF_INET6;
    size_t i;

    if (slow_has("::ffff:0:0/96", byte, AF_INET6) || slow_has("64:ff9b::/96", byte, AF_INET6) ||
        slow_has("::ffff:0:0:0/96", byte, AF_INET6)) {
        family = AF_INET;
        byte += 12;
    }
    for (i = 0; i < ARRAY_LEN(ranges); i++) {
        if (slow_has(ranges[i].net, byte, family))
            return true;
    }
    return false;
}

/* An address near an edge of a range, or inside something that carries IPv4, or anything. */
static struct netguard_address any_address(struct prop *r)
{
    static const char *const beginnings[] = {"::ffff:0.0.0.0", "64:ff9b::", "::ffff:0:0:0",
                                             "::", "64:ff9b:1::"};
    const struct range *range = &ranges[prop_below(r, ARRAY_LEN(ranges))];
    struct netguard_address a = address(prop_one_in(r, 2) ? range->first : range->last), inner = a;
    size_t i, flips = prop_below(r, 4);

    if (prop_one_in(r, 8)) {
        for (i = 0; i < sizeof a.byte; i++)
            a.byte[i] = (unsigned char)prop_bits(r);
    }
    if (prop_one_in(r, 3)) {
        a = address(beginnings[prop_below(r, ARRAY_LEN(beginnings))]);
        memcpy(a.byte + 12, inner.byte + 12, 4);
    }
    for (i = 0; i < flips; i++)
        a.byte[prop_below(r, 16)] ^= (unsigned char)(1 << prop_below(r, 8));
    return a;
}

static void test_like_the_reference(void **state)
{
    struct prop r = prop_begin("netguard", 20180726);
    struct netguard_address a;
    char text[NETGUARD_TEXT_MAX];
    bool refused;
    struct err e;
    int round;

    (void)state;
    for (round = 0; round < 200000; round++) {
        a = any_address(&r);
        refused = netguard_judge(&a, &bare, &e) != 0;
        netguard_address_write(&a, text);
        if (refused != slow_refuses(&a))
            fail_msg("%s is %s", text, refused ? "refused" : "taken");
        /* What is written is read again as the same, and the host is judged like the address. */
        if ((netguard_check(text, 80, &bare, &e) != 0) != refused)
            fail_msg("%s as a host", text);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_edges_of_ranges),    cmocka_unit_test(test_edges_of_carriers),
        cmocka_unit_test(test_words_of_a_refusal), cmocka_unit_test(test_public_addresses),
        cmocka_unit_test(test_allowed_networks),   cmocka_unit_test(test_families_are_apart),
        cmocka_unit_test(test_own_addresses),      cmocka_unit_test(test_networks),
        cmocka_unit_test(test_networks_that_meet), cmocka_unit_test(test_texts_that_are_no_address),
        cmocka_unit_test(test_like_the_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
