/* SPDX-License-Identifier: MIT */
/* The addresses of a name, by getaddrinfo. Its resolver's state is each thread's own, and what is
 * changed in it counts (resolver(3)). */
#include "lookup.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <resolv.h>
#include <stdlib.h>
#include <string.h>

#include "num.h"

enum { DNS_PORT = 53, TRIES = 2, SECONDS_A_TRY = 2 };

/* ---- the server ---- */

/* Splits "address:port" and "[address]:port"; an address with more colons than one is bare. */
static int split(struct str text, struct str *address, int64_t *port)
{
    const char *end = text.n ? memchr(text.p, text.p[0] == '[' ? ']' : ':', text.n) : NULL;
    struct str rest;

    *port = DNS_PORT;
    *address = text;
    if (!end || (text.p[0] != '[' && memchr(end + 1, ':', text.n - (size_t)(end + 1 - text.p))))
        return 0;
    *address = (struct str){text.p, (size_t)(end - text.p)};
    rest = (struct str){end, text.n - address->n};
    if (text.p[0] == '[') {
        *address = (struct str){text.p + 1, address->n - 1};
        rest = (struct str){end + 1, rest.n - 1};
        if (rest.n == 0)
            return 0;
    }
    if (rest.p[0] != ':')
        return -1;
    return num_i64((struct str){rest.p + 1, rest.n - 1}, 1, 65535, port);
}

int lookup_server_parse(struct str text, struct lookup_server *s, struct err *e)
{
    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6};
    struct sockaddr_in v4 = {.sin_family = AF_INET};
    struct netguard_address a;
    struct str address;
    int64_t port;

    *s = (struct lookup_server){0};
    if (!text.p)
        return 0;
    if (split(text, &address, &port) != 0 || netguard_address_parse(address, &a) != 0)
        return err_set(e, ERR_CONFIG,
                       "callback.nameserver: must be an address, or address:port, not %.*s",
                       (int)text.n, text.p);
    if (netguard_is_v4(&a)) {
        v4.sin_port = htons((uint16_t)port);
        memcpy(&v4.sin_addr, a.byte + 12, sizeof v4.sin_addr);
        s->length = sizeof v4;
        memcpy(&s->address, &v4, sizeof v4);
    } else {
        v6.sin6_port = htons((uint16_t)port);
        memcpy(&v6.sin6_addr, a.byte, sizeof v6.sin6_addr);
        s->length = sizeof v6;
        memcpy(&s->address, &v6, sizeof v6);
    }
    return 0;
}

/* The state's one server. That of IPv6 is memory that the state frees with itself. */
static void name_server(struct __res_state *state, const struct lookup_server *s)
{
    struct sockaddr_in6 *v6;

    state->nscount = 1;
    state->options &= ~(unsigned long)(RES_DNSRCH | RES_DEFNAMES); /* names are whole */
    if (s->length == sizeof(struct sockaddr_in)) {
        memcpy(&state->nsaddr_list[0], &s->address, s->length);
        return;
    }
    v6 = state->_u._ext.nsaddrs[0] ? state->_u._ext.nsaddrs[0] : malloc(sizeof *v6);
    state->nsaddr_list[0].sin_family = 0;
    state->_u._ext.nsaddrs[0] = v6;
    state->nscount = v6 != NULL; /* without memory nobody is asked, rather than somebody else */
    if (v6)
        memcpy(v6, &s->address, sizeof *v6);
}

void lookup_begin(const struct lookup_server *s)
{
    struct __res_state *state = &_res;

    if (res_ninit(state) != 0)
        return; /* getaddrinfo will say what is wrong */
    state->options |= RES_NORELOAD;
    state->retrans = state->retrans < SECONDS_A_TRY ? state->retrans : SECONDS_A_TRY;
    state->retry = state->retry < TRIES ? state->retry : TRIES;
    if (s->length > 0)
        name_server(state, s);
}

/* ---- the question ---- */

static bool copy_address(const struct addrinfo *from, struct netguard_address *a)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (from->ai_family == AF_INET && from->ai_addrlen >= sizeof v4) {
        memcpy(&v4, from->ai_addr, sizeof v4);
        *a = (struct netguard_address){{[10] = 0xff, [11] = 0xff}};
        memcpy(a->byte + 12, &v4.sin_addr, 4);
        return true;
    }
    if (from->ai_family == AF_INET6 && from->ai_addrlen >= sizeof v6) {
        memcpy(&v6, from->ai_addr, sizeof v6);
        memcpy(a->byte, &v6.sin6_addr, sizeof a->byte);
        return true;
    }
    return false;
}

void lookup_name(const char *name, struct lookup_answer *a)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *all = NULL, *i;
    int code = getaddrinfo(name, NULL, &hints, &all);
    struct err e = {0};

    if (code == EAI_SYSTEM)
        (void)err_errno(&e, ERR_UNAVAILABLE, "the name cannot be looked up");
    else if (code != 0)
        (void)err_set(&e, ERR_UNAVAILABLE, "the name cannot be looked up: %s", gai_strerror(code));
    a->n = 0;
    a->error[0] = '\0';
    for (i = code == 0 ? all : NULL; i && a->n < LOOKUP_ADDRESSES_MAX; i = i->ai_next)
        a->n += copy_address(i, &a->address[a->n]);
    if (a->n == 0)
        (void)snprintf(a->error, sizeof a->error, "%.127s",
                       code ? e.text : "the name has no address");
    if (code == 0)
        freeaddrinfo(all);
}
