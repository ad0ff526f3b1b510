/* SPDX-License-Identifier: MIT */
/*
 * Which addresses may be called on behalf of strangers: public ones, and those that the operator
 * allows. The refused networks are those of IANA's special-purpose registries (RFC 6890 and its
 * updates), Azure's host address, and this machine's own. Pure; any thread.
 */
#ifndef AR_NETGUARD_H
#define AR_NETGUARD_H

#include "err.h"

/* Sixteen bytes, an IPv4 address as ::ffff:a.b.c.d: one form for both. */
struct netguard_address {
    unsigned char byte[16];
};

/* A network: of IPv4 the prefix counts from bit 96 on (10.0.0.0/8 has 104). */
struct netguard_net {
    struct netguard_address address;
    int prefix;
};

struct netguard_ports {
    int low, high;
};

/* What holds for a queue's callbacks. */
struct netguard_rules {
    size_t allows; /* networks that may be called whatever the lists say */
    const struct netguard_net *allow;
    size_t ports; /* 0: every port */
    const struct netguard_ports *port;
    size_t owns; /* this machine's own addresses (ownaddr.h) */
    const struct netguard_address *own;
};

/* "10.0.0.0/8", "fd00::/8", "192.0.2.7" (a network of one). Bits behind the prefix must be 0.
 * IPv4 inside IPv6 is written as IPv4. 0, or -1: it is none. */
int netguard_net_parse(struct str text, struct netguard_net *net) AR_MUST_CHECK;

/* An address as inet_pton takes it, of either family. 0, or -1: it is none. */
int netguard_address_parse(struct str text, struct netguard_address *a) AR_MUST_CHECK;
enum { NETGUARD_TEXT_MAX = 56 };
/* As inet_ntop writes it; IPv4 as IPv4. A network with its prefix behind a slash. */
void netguard_address_write(const struct netguard_address *a, char text[NETGUARD_TEXT_MAX]);
void netguard_net_write(const struct netguard_net *net, char text[NETGUARD_TEXT_MAX]);

bool netguard_is_v4(const struct netguard_address *a);
/* Is the address in the network? A network of IPv6 has no IPv4 address, not even ::/0. */
bool netguard_net_has(const struct netguard_net *net, const struct netguard_address *a);
/* Is there an address that is in both? */
bool netguard_nets_meet(const struct netguard_net *a, const struct netguard_net *b);

/* The first allowed network that has the address, by either spelling of it; NULL: none has. */
const struct netguard_net *netguard_allows(const struct netguard_address *a,
                                           const struct netguard_rules *rules);

/* May this address be called? IPv4 inside IPv6 (mapped, NAT64 64:ff9b::/96, translated
 * ::ffff:0:0:0/96) is judged by the IPv4. An allowed network allows whatever is in it, by either
 * spelling. 0, or -1 and ERR_INVALID: "127.0.0.1 is in 127.0.0.0/8 (loopback), which callbacks must
 * not reach". */
int netguard_judge(const struct netguard_address *a, const struct netguard_rules *rules,
                   struct err *e) AR_MUST_CHECK;

/* Is this host (url.h) an address, in any form that a resolver takes (dotted, 127.1, 0x7f.1, octal,
 * 2130706433, with a zone, with dots at its end)? Then *a is it. */
bool netguard_literal(const char *host, struct netguard_address *a);

/*
 * May a URL with this host and port (url.h) be called, as far as is known without a lookup? The
 * port; a host that is an address (netguard_literal) by netguard_judge; names that never are
 * public: localhost and
 * *.localhost where no loopback is allowed, *.local and *.internal where no network is; names that
 * end in a number and are no address. Dots at the end do not help. 0, or -1 and ERR_INVALID with a
 * sentence.
 */
int netguard_check(const char *host, int port, const struct netguard_rules *rules,
                   struct err *e) AR_MUST_CHECK;

#endif
