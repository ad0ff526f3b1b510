/* SPDX-License-Identifier: MIT */
/*
 * What the web server's end of a connection may send: any bytes, as FastCGI records. Requests are
 * taken from it for as long as it is of use, as a worker does; each head is read, and its body, and
 * it is answered.
 *
 * libfcgi 2.4.2, which only the web server reaches, ends the process for FCGI_GET_VALUES with five
 * names and for parameters of two gigabytes: no input has the one, nor long lengths. It leaks 48
 * bytes for each record of no request whose type it does not know.
 */
#include "fuzz.h"

#include <fastcgi.h>
#include <fcgiapp.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgx.h"
#include "route.h"

enum { REQUESTS_MAX = 20, INPUT_MAX = 16384 };

/* LeakSanitizer asks for it. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
    return "leak:libfcgi.so\n";
}

/* May it have what libfcgi does not stand? */
static bool is_too_much(const uint8_t *p, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        uint8_t next = i + 1 < n ? p[i + 1] : 0;

        if (p[i] > 0x80 || (p[i] == 0x80 && next > 0x0f))
            return true;
        if (p[i] == FCGI_VERSION_1 && next == FCGI_GET_VALUES)
            return true;
    }
    return false;
}

static void answer(struct http *x)
{
    const struct route *route;
    struct err e = {0};

    if (route_meet(x, &route, &e) != 0 || http_read_body(x, &e) != 0)
        http_fail(x, &e);
    else
        http_done(x);
    MUST(x->status == 200 || (x->status >= 400 && x->status < 500));
    MUST(strlen(x->id) >= 1 && strlen(x->id) <= REQUEST_ID_MAX);
    if (http_send(x) != 0)
        MUST(x->cut || x->status);
}

static void drain(int fd)
{
    char trash[8192];

    while (recv(fd, trash, sizeof trash, MSG_DONTWAIT) > 0)
        ;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct slow slow = {.lanes = {.free = 1, .all = NULL}};
    static bool ready;
    struct err e;
    struct fcgx *c;
    struct http x;
    int fd[2], n = 0;
    bool more = true;

    if (size > INPUT_MAX || is_too_much(data, size))
        return -1;
    if (!ready) {
        /* Before fcgx_init, which says 200 ms: how long libfcgi's close waits for the other end. */
        MUST(setenv("LIBFCGI_OS_CLOSE_POLL_TIMEOUT", "0", 1) == 0 && FCGX_Init() == 0);
        MUST(fcgx_init(&e) == 0);
    }
    ready = true;
    MUST(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd) == 0);
    MUST(send(fd[0], data, size, MSG_NOSIGNAL) == (ssize_t)size);
    MUST(shutdown(fd[0], SHUT_WR) == 0);
    c = fcgx_new(fd[1], &slow);
    MUST(c);
    http_init(&x);
    while (more && n++ < REQUESTS_MAX && fcgx_accept(c) == 0) {
        http_begin(&x, &fcgx_carrier, c);
        answer(&x);
        drain(fd[0]);
        more = fcgx_finish(c);
        drain(fd[0]);
    }
    http_free(&x);
    fcgx_free(c);
    MUST(close(fd[0]) == 0);
    return 0;
}
