/* SPDX-License-Identifier: MIT */
/*
 * Addresses judged where nothing comes between the verdict and its use: when libcurl asks for the
 * socket that it is about to connect, and, since kept connections need none, before each request
 * goes out.
 */
#include "httpc_inner.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int refuse_unknown(struct err *e)
{
    return err_set(e, ERR_INVALID, "an address of an unknown kind is not called");
}

static int judge_socket(const struct curl_sockaddr *to, struct httpc_guard *g)
{
    struct netguard_address a = {{[10] = 0xff, [11] = 0xff}};
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;

    if (to->family == AF_INET && to->addrlen >= sizeof v4) {
        memcpy(&v4, &to->addr, sizeof v4);
        memcpy(a.byte + 12, &v4.sin_addr, 4);
    } else if (to->family == AF_INET6 && to->addrlen >= sizeof v6) {
        memcpy(&v6, &to->addr, sizeof v6);
        memcpy(a.byte, &v6.sin6_addr, sizeof a.byte);
    } else {
        return refuse_unknown(&g->refusal);
    }
    return netguard_judge(&a, g->rules, &g->refusal);
}

/* A refused address gets no socket; libcurl then tries the next one, if there is one. */
static curl_socket_t on_socket(void *ctx, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct httpc_guard *g = ctx;

    (void)purpose;
    if (judge_socket(to, g) != 0)
        return CURL_SOCKET_BAD;
    g->opened = true;
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}

#if LIBCURL_VERSION_NUM >= 0x075000
static int on_request(void *ctx, char *remote, char *local, int remote_port, int local_port)
{
    struct httpc_guard *g = ctx;
    struct netguard_address a;

    (void)local;
    (void)remote_port;
    (void)local_port;
    if (netguard_address_parse(str_of(remote), &a) != 0)
        (void)refuse_unknown(&g->refusal);
    else if (netguard_judge(&a, g->rules, &g->refusal) == 0)
        return CURL_PREREQFUNC_OK;
    g->stale = !g->opened;
    return CURL_PREREQFUNC_ABORT;
}

static bool judge_requests(CURL *easy, struct httpc_guard *g)
{
    return curl_easy_setopt(easy, CURLOPT_PREREQFUNCTION, on_request) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PREREQDATA, g) == CURLE_OK;
}
#else
/* Older versions ask nobody before they use a kept connection: so there is none. */
static bool judge_requests(CURL *easy, struct httpc_guard *g)
{
    (void)g;
    return curl_easy_setopt(easy, CURLOPT_FRESH_CONNECT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FORBID_REUSE, 1L) == CURLE_OK;
}
#endif

/* A pin is used at once. libcurl looks through all that it remembers at each lookup: with tens of
 * thousands of receivers that is most of what it does. */
static const long dns_cache_seconds = 2;

bool httpc_guard_begin(void *easy, struct httpc_guard *g, const char *pin)
{
    bool ok = true;

    if (pin) {
        g->pin = curl_slist_append(NULL, pin);
        ok = g->pin && curl_easy_setopt(easy, CURLOPT_RESOLVE, g->pin) == CURLE_OK;
    }
    if (!g->rules)
        return ok;
    ok = curl_easy_setopt(easy, CURLOPT_DNS_CACHE_TIMEOUT, dns_cache_seconds) == CURLE_OK && ok;
    ok = curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, on_socket) == CURLE_OK && ok;
    ok = curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, g) == CURLE_OK && ok;
    return judge_requests(easy, g) && ok;
}

void httpc_guard_end(struct httpc_guard *g)
{
    curl_slist_free_all(g->pin);
    g->pin = NULL;
}
