/* SPDX-License-Identifier: MIT */
/* The configuration's lists: names, networks, ports. */
#include "conf_refusal.h"

static bool is_net(const struct netguard_net *n, const char *address, int prefix)
{
    char text[NETGUARD_TEXT_MAX];

    netguard_address_write(&n->address, text);
    return strcmp(text, address) == 0 && n->prefix == prefix;
}

static void lists_are_read(void **state)
{
    struct conf *c =
        parse(STR_LIT("open_to: []\nkeystone: {url: 'https://k', admin_roles: [a, b]}\n"
                      "callback: {allow_networks: [10.0.0.0/8, 192.0.2.7, \"fd00::/8\"],"
                      " allow_ports: [443, 8000-8080]}\n"
                      "queues: {a: {allow_networks: []}, b: {allow_networks: [\"::/0\"]}, c: }\n"));
    const struct conf_networks *n = &c->callback.networks;

    (void)state;
    assert_int_equal(c->open_to.n, 0);
    assert_str(c->keystone.admin_roles.name[1], "b");
    assert_int_equal(n->n, 3);
    assert_true(is_net(&n->net[0], "10.0.0.0", 104));
    assert_true(is_net(&n->net[1], "192.0.2.7", 128));
    assert_true(is_net(&n->net[2], "fd00::", 8));
    assert_int_equal(c->callback.ports.port[1].low, 8000);
    assert_int_equal(c->callback.ports.port[1].high, 8080);
    assert_int_equal(conf_rules(c, conf_queue(c, STR_LIT("a"))).allows, 0);
    assert_true(is_net(conf_rules(c, conf_queue(c, STR_LIT("b"))).allow, "::", 0));
    assert_ptr_equal(conf_rules(c, conf_queue(c, STR_LIT("c"))).allow, n->net);
    assert_int_equal(conf_rules(c, conf_queue(c, STR_LIT("a"))).ports, 2);
    conf_free(c);
}

static void lists_are_checked_element_by_element(void **state)
{
    static const struct refused cases[] = {
        {"open_to: 127.0.0.0/8", "f:1: open_to: must be a list"},
        {"open_to: [127.0.0.1/8]",
         "f:1: open_to: must be a list of networks such as 10.0.0.0/8 or fd00::/8, not "
         "127.0.0.1/8"},
        {"open_to: [10.0.0.0/33]", "f:1: open_to: must be a list of networks"},
        {"open_to: [\"::/129\"]", "f:1: open_to: must be a list of networks"},
        {"open_to: [10.0.0]", "f:1: open_to: must be a list of networks"},
        {"open_to: [10.0.0.0/]", "f:1: open_to: must be a list of networks"},
        {"open_to: [localhost]", "f:1: open_to: must be a list of networks"},
        {"open_to: [[10.0.0.0/8]]", "f:1: open_to: must be a list of networks"},
        {"callback: {allow_ports: [0]}", "f:1: callback.allow_ports: must be a list of ports"},
        {"callback: {allow_ports: [65536]}", "f:1: callback.allow_ports: must be a list of ports"},
        {"callback: {allow_ports: [90-80]}", "f:1: callback.allow_ports: must be a list of ports"},
        {"callback: {allow_ports: [80-]}", "f:1: callback.allow_ports: must be a list of ports"},
        {"keystone: {admin_roles: [null]}", "f:1: keystone.admin_roles: must be a list of texts"},
        {"keystone: {admin_roles: admin}", "f:1: keystone.admin_roles: must be a list"},
    };

    (void)state;
    assert_refused(cases, ARRAY_LEN(cases));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_are_read),
        cmocka_unit_test(lists_are_checked_element_by_element),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
