/* SPDX-License-Identifier: MIT */
/* auth: none. Whoever reaches us from a network of open_to may do everything. */
#include "auth_inner.h"

static bool is_in(const struct netguard_address *a, const struct netguard_net *net)
{
    size_t whole = (size_t)net->prefix / 8;
    int rest = net->prefix % 8;

    return memcmp(a->byte, net->address.byte, whole) == 0 &&
           (rest == 0 || (a->byte[whole] ^ net->address.byte[whole]) >> (8 - rest) == 0);
}

/* Who has no address, as on a Unix socket of the web server's, is nowhere: only ::/0 takes him. */
static bool is_open_to(const struct conf_networks *networks, const struct netguard_address *a)
{
    size_t i;

    for (i = 0; i < networks->n; i++) {
        if (networks->net[i].prefix == 0 || (a && is_in(a, &networks->net[i])))
            return true;
    }
    return false;
}

int auth_none(struct auth_seat *seat, struct http *x, struct err *e)
{
    static const struct who anonymous = {
        .name = STR_LIT("anonymous"), .everything = true, .changes = true};
    struct str text = http_header(x, "REMOTE_ADDR");
    char room[NETGUARD_TEXT_MAX] = "no address";
    struct netguard_address address;
    bool known = text.p && netguard_address_parse(text, &address) == 0;

    if (is_open_to(&seat->auth->conf->open_to, known ? &address : NULL)) {
        http_is(x, &anonymous, NULL);
        return 0;
    }
    if (known)
        netguard_address_write(&address, room);
    return err_set(e, ERR_FORBIDDEN,
                   "without authentication (auth: none) requests from %s are not served: set auth "
                   "to tokens or keystone, or add the network to open_to, in the configuration",
                   room);
}
