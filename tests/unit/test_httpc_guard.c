/* SPDX-License-Identifier: MIT */
/* Addresses judged at every connect, and before every request on a kept connection: against
 * receivers at one port of two addresses of this machine. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "httpc.h"

enum { REQUEST_MAX = 4096, PEERS_MAX = 16, HANGS = 60 };

/* ---- receivers ---- */

struct receiver {
    int listener, port;
    pthread_t thread;
    pthread_t peer[PEERS_MAX];
    atomic_size_t peers, requests;
    int fd[PEERS_MAX];
};

struct peer {
    struct receiver *receiver;
    int fd;
};

/* Answers each request, of which a body of two bytes is the end, until the other side closes. */
static void *serve_peer(void *ctx)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct peer p = *(struct peer *)ctx;
    char text[REQUEST_MAX + 1];
    size_t n = 0;
    ssize_t got;

    free(ctx);
    while ((got = read(p.fd, text + n, REQUEST_MAX - n)) > 0) {
        n += (size_t)got;
        text[n] = '\0';
        if (!strstr(text, "\r\n\r\n{}"))
            continue;
        n = 0;
        (void)atomic_fetch_add(&p.receiver->requests, 1);
        if (write(p.fd, answer, sizeof answer - 1) < 0)
            break;
    }
    return NULL;
}

static void *serve(void *ctx)
{
    struct receiver *r = ctx;
    struct peer *p;
    size_t i;
    int fd;

    while ((fd = accept(r->listener, NULL, NULL)) >= 0) {
        i = atomic_load(&r->peers);
        p = malloc(sizeof *p);
        if (!p || i == PEERS_MAX)
            abort();
        *p = (struct peer){r, fd};
        r->fd[i] = fd;
        (void)atomic_fetch_add(&r->peers, 1);
        if (pthread_create(&r->peer[i], NULL, serve_peer, p) != 0)
            abort();
    }
    return NULL;
}

/* port 0: any. False: it is taken at this address. */
static bool receiver_begin(struct receiver *r, const char *address, int port)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
    socklen_t length = sizeof a;

    *r = (struct receiver){.listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)};
    assert_true(r->listener >= 0);
    assert_int_equal(inet_pton(AF_INET, address, &a.sin_addr), 1);
    if (bind(r->listener, (struct sockaddr *)&a, sizeof a) != 0) {
        (void)close(r->listener);
        return false;
    }
    assert_int_equal(listen(r->listener, PEERS_MAX), 0);
    assert_int_equal(getsockname(r->listener, (struct sockaddr *)&a, &length), 0);
    r->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&r->thread, NULL, serve, r), 0);
    return true;
}

static void receiver_end(struct receiver *r)
{
    size_t i;

    (void)shutdown(r->listener, SHUT_RDWR);
    (void)pthread_join(r->thread, NULL);
    (void)close(r->listener);
    for (i = 0; i < atomic_load(&r->peers); i++) {
        (void)shutdown(r->fd[i], SHUT_RDWR);
        (void)pthread_join(r->peer[i], NULL);
        (void)close(r->fd[i]);
    }
}

/* ---- both of them, and who calls ---- */

struct world {
    struct receiver one, two; /* 127.0.0.1 and 127.0.0.2, at the same port */
    struct netguard_net only_one, only_two;
    struct httpc *h;
    int status;
    char error[512], address[64];
};

static void world_begin(struct world *w)
{
    struct err e;
    int tries;

    for (tries = 0;; tries++) {
        assert_true(tries < 20 && receiver_begin(&w->one, "127.0.0.1", 0));
        if (receiver_begin(&w->two, "127.0.0.2", w->one.port))
            break;
        receiver_end(&w->one);
    }
    assert_int_equal(netguard_net_parse(STR_LIT("127.0.0.1"), &w->only_one), 0);
    assert_int_equal(netguard_net_parse(STR_LIT("127.0.0.2"), &w->only_two), 0);
    assert_int_equal(httpc_open(8, &w->h, &e), 0);
}

static void world_end(struct world *w)
{
    httpc_close(w->h);
    receiver_end(&w->one);
    receiver_end(&w->two);
}

static void on_done(void *ctx, const struct httpc_answer *a)
{
    struct world *w = ctx;

    w->status = a->status;
    (void)snprintf(w->error, sizeof w->error, "%s", a->status ? "" : a->error);
    (void)snprintf(w->address, sizeof w->address, "%.*s", (int)a->address.n,
                   a->address.n ? a->address.p : "");
}

/* Calls the host at the receivers' port; allowed NULL: no network is. pin NULL: none. */
static void call(struct world *w, const char *host, const struct netguard_net *allowed,
                 const char *addresses)
{
    struct netguard_rules rules = {.allows = allowed != NULL, .allow = allowed};
    struct until until = {.at = clock_mono() + HANGS * NS_PER_S};
    char url[128], pin[128];
    struct httpc_request r = {.url = url,
                              .body = STR_LIT("{}"),
                              .timeout = HANGS * NS_PER_S,
                              .connect_timeout = HANGS * NS_PER_S,
                              .keep = 16,
                              .read = 4096,
                              .rules = &rules,
                              .pin = addresses ? pin : NULL};
    struct err e;

    (void)snprintf(url, sizeof url, "http://%s:%d/x", host, w->one.port);
    (void)snprintf(pin, sizeof pin, "+%s:%d:%s", host, w->one.port, addresses ? addresses : "");
    assert_int_equal(httpc_start(w->h, &r, &e), 0);
    assert_int_equal(httpc_finish(w->h, &until, on_done, w), 0);
}

static void was_refused(const struct world *w, const char *address)
{
    assert_int_equal(w->status, 0);
    if (!strstr(w->error, "callbacks must not reach") || !strstr(w->error, address))
        fail_msg("%s", w->error);
}

static void counts(struct world *w, size_t peers_1, size_t requests_1, size_t peers_2,
                   size_t requests_2)
{
    assert_int_equal(atomic_load(&w->one.peers), peers_1);
    assert_int_equal(atomic_load(&w->one.requests), requests_1);
    assert_int_equal(atomic_load(&w->two.peers), peers_2);
    assert_int_equal(atomic_load(&w->two.requests), requests_2);
}

/* ---- the tests ---- */

static void test_a_refused_address_gets_no_connection(void **state)
{
    static const char *const hosts[] = {"127.0.0.1",          "127.1",    "0x7f.1", "2130706433",
                                        "[::ffff:127.0.0.1]", "localhost"};
    struct world w;
    size_t i;

    (void)state;
    world_begin(&w);
    for (i = 0; i < ARRAY_LEN(hosts); i++) {
        call(&w, hosts[i], NULL, NULL);
        was_refused(&w, "is in ");
    }
    call(&w, "x.example", NULL, "127.0.0.1");
    was_refused(&w, "127.0.0.1");
    call(&w, "x.example", &w.only_two, "127.0.0.1");
    was_refused(&w, "127.0.0.1");
    /* Connections come in order: had one been made, it would have come by now. */
    call(&w, "127.0.0.1", &w.only_one, NULL);
    counts(&w, 1, 1, 0, 0);
    world_end(&w);
}

static void test_of_several_the_allowed_one_is_called(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w);
    call(&w, "x.example", &w.only_two, "127.0.0.1,[::1],127.0.0.2");
    assert_int_equal(w.status, 200);
    assert_int_equal(strncmp(w.address, "127.0.0.2:", 10), 0);
    counts(&w, 0, 0, 1, 1);
    world_end(&w);
}

static void test_a_kept_connection_is_used_again_where_it_may(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w);
    call(&w, "x.example", &w.only_one, "127.0.0.1");
    call(&w, "x.example", &w.only_one, "127.0.0.1");
    assert_int_equal(w.status, 200);
    counts(&w, 1, 2, 0, 0);
    world_end(&w);
}

/* No request goes out by a kept connection whose address is refused now, and none is opened. */
static void test_a_kept_connection_is_judged_again(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w);
    call(&w, "127.0.0.1", &w.only_one, NULL);
    assert_int_equal(w.status, 200);
    call(&w, "127.0.0.1", &w.only_two, NULL);
    was_refused(&w, "127.0.0.1");
    call(&w, "127.0.0.1", NULL, NULL);
    was_refused(&w, "127.0.0.1");
    counts(&w, 1, 1, 0, 0);
    world_end(&w);
}

/* … and a request that may go elsewhere does so. */
static void test_a_request_goes_on_by_a_connection_of_its_own(void **state)
{
    struct world w;

    (void)state;
    world_begin(&w);
    call(&w, "x.example", &w.only_one, "127.0.0.1");
    call(&w, "x.example", &w.only_two, "127.0.0.2");
    assert_int_equal(w.status, 200);
    assert_int_equal(strncmp(w.address, "127.0.0.2:", 10), 0);
    counts(&w, 1, 1, 1, 1);
    world_end(&w);
}

static int begin(void **state)
{
    struct err e;

    (void)state;
    return httpc_init(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_refused_address_gets_no_connection),
        cmocka_unit_test(test_of_several_the_allowed_one_is_called),
        cmocka_unit_test(test_a_kept_connection_is_used_again_where_it_may),
        cmocka_unit_test(test_a_kept_connection_is_judged_again),
        cmocka_unit_test(test_a_request_goes_on_by_a_connection_of_its_own),
    };

    return cmocka_run_group_tests(tests, begin, NULL);
}
