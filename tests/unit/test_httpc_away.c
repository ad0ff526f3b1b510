/* SPDX-License-Identifier: MIT */
/* Limits of requests while nobody looks at their sockets. The clock is the system's and an offset;
 * libcurl goes by it as well. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clock.h"
#include "httpc.h"

#define TIMEOUT (10 * NS_PER_S)

static int64_t ahead;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    int64_t at;

    (void)syscall(SYS_clock_gettime, id, ts);
    at = ts->tv_sec * NS_PER_S + ts->tv_nsec + ahead;
    *ts = (struct timespec){.tv_sec = at / NS_PER_S, .tv_nsec = at % NS_PER_S};
    return 0;
}

/* A server that does what the test says, and a request to it. */
struct world {
    int listening, fd;
    struct httpc *h;
    int ended, status;
    char error[256];
};

static void on_answer(void *ctx, const struct httpc_answer *a)
{
    struct world *w = ctx;

    w->ended++;
    w->status = a->status;
    (void)snprintf(w->error, sizeof w->error, "%s", a->error ? a->error : "");
}

static void turn(struct world *w)
{
    httpc_turn(w->h, on_answer, w);
}

/* Until the server has the whole head of the request. */
static void world_make(struct world *w)
{
    struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct httpc_request r = {
        .timeout = TIMEOUT, .connect_timeout = TIMEOUT, .keep = 16, .read = 4096};
    socklen_t n = sizeof at;
    char url[64], head[4096] = "";
    size_t len = 0;
    ssize_t got;
    struct err e;

    *w = (struct world){.fd = -1};
    ahead = 0;
    w->listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(w->listening, (struct sockaddr *)&at, n), 0);
    assert_int_equal(listen(w->listening, 1), 0);
    assert_int_equal(getsockname(w->listening, (struct sockaddr *)&at, &n), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(at.sin_port));
    r.url = url;
    assert_int_equal(httpc_open(1, &w->h, &e), 0);
    assert_int_equal(httpc_start(w->h, &r, &e), 0);
    while (!strstr(head, "\r\n\r\n")) {
        turn(w);
        assert_int_equal(w->ended, 0);
        httpc_wait(w->h, w->fd < 0 ? &w->listening : &w->fd, 1, NS_PER_S);
        if (w->fd < 0)
            w->fd = accept4(w->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        got = w->fd < 0 ? 0 : recv(w->fd, head + len, sizeof head - 1 - len, 0);
        len += got > 0 ? (size_t)got : 0;
    }
}

static void world_free(struct world *w)
{
    httpc_close(w->h);
    (void)close(w->fd);
    (void)close(w->listening);
}

/* Found by review: after a disk that had hung for longer than callback.timeout, all calls under way
 * had timed out, though they had been answered, and were made once more. */
static void an_answer_that_came_while_nobody_looked_is_one(void **state)
{
    static const char answer[] = "HTTP/1.1 204 No Content\r\n\r\n";
    struct world w;

    (void)state;
    world_make(&w);
    assert_int_equal(send(w.fd, answer, sizeof answer - 1, 0), (ssize_t)sizeof answer - 1);
    ahead += 2 * TIMEOUT;
    while (w.ended == 0) {
        turn(&w);
        if (w.ended == 0)
            httpc_wait(w.h, NULL, 0, NS_PER_S);
    }
    assert_int_equal(w.status, 204);
    world_free(&w);
}

static void who_does_not_answer_is_not_waited_for_much_longer(void **state)
{
    struct world w;
    int64_t looked = 0, step = 400 * NS_PER_MS;

    (void)state;
    world_make(&w);
    ahead += 2 * TIMEOUT;
    turn(&w);
    assert_int_equal(w.ended, 0);
    for (; w.ended == 0; looked += step) {
        assert_true(looked <= TIMEOUT + step);
        ahead += step;
        httpc_wait(w.h, NULL, 0, 0);
        turn(&w);
    }
    assert_true(looked >= TIMEOUT - 4 * step);
    assert_int_equal(w.status, 0);
    assert_non_null(strstr(w.error, "timed out"));
    world_free(&w);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_that_came_while_nobody_looked_is_one),
        cmocka_unit_test(who_does_not_answer_is_not_waited_for_much_longer),
    };
    struct err e;

    return httpc_init(&e) == 0 ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
}
