/* SPDX-License-Identifier: MIT */
/* Which hosts and ports may be called, as far as no lookup is needed: every spelling of an address,
 * and names. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <string.h>

#include "netguard.h"

static const struct netguard_rules bare = {0};

static struct netguard_net network(const char *text)
{
    struct netguard_net net;

    if (netguard_net_parse(str_of(text), &net) != 0)
        fail_msg("no network: %s", text);
    return net;
}

static void checks(const char *host, const char *word, const struct netguard_rules *rules)
{
    struct err e = {0};
    int rc = netguard_check(host, 80, rules, &e);

    if (rc != (word ? -1 : 0) || (word && !strstr(e.text, word)))
        fail_msg("%s: %s", host, rc == 0 ? "may be called" : e.text);
    if (word)
        assert_int_equal(e.code, ERR_INVALID);
}

static const struct {
    const char *host, *word;
} spellings[] = {
    {"127.0.0.1", "loopback"},
    {"127.1", "loopback"},
    {"127.0.1", "loopback"},
    {"0x7f.1", "loopback"},
    {"0X7F000001", "loopback"},
    {"0x7f.0x0.0x0.0x1", "loopback"},
    {"0177.0.0.1", "loopback"},
    {"017700000001", "loopback"},
    {"2130706433", "loopback"},
    {"127.0.0.1.", "loopback"},
    {"127.0.0.1...", "loopback"},
    {"127.0.0.1 x", NULL},
    {"a.0b", NULL},
    {"a.0", "ends in a number"},
    {"a.09", "ends in a number"},
    {"a.0xg", NULL},
    {"0x7f.1.", "loopback"},
    {"0", "this network"},
    {"0.0.0.0", "this network"},
    {"::1", "loopback"},
    {"0:0:0:0:0:0:0:1", "loopback"},
    {"0000::0001", "loopback"},
    {"::1%lo", "loopback"},
    {"::1%251", "loopback"},
    {"::ffff:127.0.0.1", "loopback"},
    {"::ffff:7f00:1", "loopback"},
    {"0:0:0:0:0:ffff:127.0.0.1", "loopback"},
    {"64:ff9b::127.0.0.1", "loopback"},
    {"64:ff9b::7f00:1", "loopback"},
    {"::127.0.0.1", "IPv4-compatible"},
    {"169.254.169.254", "metadata"},
    {"169.16689662", "metadata"},
    {"2852039166", "metadata"},
    {"0xa9fea9fe", "metadata"},
    {"0xA9.254.0xa9fe", "metadata"},
    {"0251.0376.0251.0376", "metadata"},
    {"025177524776", "metadata"},
    {"::ffff:169.254.169.254", "metadata"},
    {"::ffff:a9fe:a9fe", "metadata"},
    {"64:ff9b::a9fe:a9fe", "metadata"},
    {"fd00:ec2::254", "unique local"},
    {"fe80::1", "link-local"},
    {"fe80::1%eth0", "link-local"},
    {"fe80::1%25eth0", "link-local"},
    {"168.63.129.16", "Azure"},
    {"2822734096", "Azure"},
    {"localhost", "this machine"},
    {"LocalHost", "this machine"},
    {"localhost.", "this machine"},
    {"localhost..", "this machine"},
    {"a.b.localhost", "this machine"},
    {"printer.local", "private network"},
    {"local", "private network"},
    {"metadata.google.internal", "private network"},
    {"metadata.google.internal.", "private network"},
    {"A.INTERNAL", "private network"},
    {"256.256.256.256", "ends in a number"},
    {"127.0.0.1.1", "ends in a number"},
    {"4294967296", "ends in a number"},
    {"a.0x7f", "ends in a number"},
    {"a.1.", "ends in a number"},
    {"0x", "ends in a number"},
    {"", "no host"},
    {".", "no host"},
    {"1.1.1.1", NULL},
    {"16843009", NULL},
    {"64:ff9b::1.1.1.1", NULL},
    {"example.com", NULL},
    {"example.com.", NULL},
    {"a.1b", NULL},
    {"xlocalhost", NULL},
    {"localhost.example.com", NULL},
    {"xinternal", NULL},
    {"internal.example.com", NULL},
    {"0xfg", NULL},
};

static void test_spellings_of_addresses(void **state)
{
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(spellings); i++)
        checks(spellings[i].host, spellings[i].word, &bare);
}

/* A host of any length is judged; only what is short enough for an address can be one. */
static void test_long_hosts(void **state)
{
    struct netguard_address a;
    char host[301] = {0};

    (void)state;
    memset(host, 'x', 300);
    assert_false(netguard_literal(host, &a));
    checks(host, NULL, &bare);
    memset(host, '0', 300);
    assert_false(netguard_literal(host, &a));
    checks(host, "ends in a number", &bare);
    host[255] = '\0';
    assert_true(netguard_literal(host, &a));
    checks(host, "this network", &bare);
}

static void test_names_where_networks_are_allowed(void **state)
{
    struct netguard_net ten = network("10.0.0.0/8"), lo4 = network("127.0.0.5"),
                        lo6 = network("::/0");
    struct netguard_rules rules = {.allows = 1, .allow = &ten};

    (void)state;
    checks("a.internal", NULL, &rules);
    checks("a.local", NULL, &rules);
    checks("localhost", "this machine", &rules);
    rules.allow = &lo4;
    checks("localhost", NULL, &rules);
    checks("x.localhost.", NULL, &rules);
    rules.allow = &lo6;
    checks("localhost", NULL, &rules);
}

static void test_ports(void **state)
{
    struct netguard_ports ports[] = {{443, 443}, {1024, 2048}};
    struct netguard_rules rules = {.ports = ARRAY_LEN(ports), .port = ports};
    static const int good[] = {443, 1024, 1500, 2048}, bad[] = {1, 80, 442, 444, 1023, 2049, 65535};
    struct err e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(good); i++)
        assert_int_equal(netguard_check("example.com", good[i], &rules, &e), 0);
    for (i = 0; i < ARRAY_LEN(bad); i++) {
        assert_int_equal(netguard_check("example.com", bad[i], &rules, &e), -1);
        assert_non_null(strstr(e.text, "port"));
        assert_int_equal(netguard_check("example.com", bad[i], &bare, &e), 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_spellings_of_addresses),
        cmocka_unit_test(test_names_where_networks_are_allowed),
        cmocka_unit_test(test_long_hosts),
        cmocka_unit_test(test_ports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
