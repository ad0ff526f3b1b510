/* SPDX-License-Identifier: MIT */
/*
 * A small web server in a thread of the test's own: Keystone, Placement and Nova behind one port of
 * 127.0.0.1. It answers by a table that the test sets while nobody asks, closes after each answer,
 * and notes every request.
 */
#ifndef AR_OPENSTACK_SERVER_H
#define AR_OPENSTACK_SERVER_H

#include <arpa/inet.h>
#include <pthread.h>
#include <sys/socket.h>
#include <unistd.h>

#include "buf.h"

enum { SERVER_RULES_MAX = 16, SERVER_REQUEST_MAX = 16384 };

/* The first rule whose text is in the request line answers, as long as it has times left. */
struct server_rule {
    const char *line;
    int status;
    const char *head; /* lines, each with \r\n; NULL: none */
    const char *body;
    int times; /* 0: always */
};

struct server {
    pthread_t thread;
    pthread_mutex_t lock; /* for rule, rules and log */
    int listening;
    unsigned port;
    struct server_rule rule[SERVER_RULES_MAX];
    size_t rules;
    struct buf log; /* "POST /v3/auth/tokens", "GET /placement/… 1.36 tok1", a line each */
};

/* The value of a header of the request, up to its end; "" if there is none. */
static inline void server_header(const char *request, const char *name, char value[256])
{
    const char *at = strcasestr(request, name);

    (void)snprintf(value, 256, "%.*s", at ? (int)strcspn(at + strlen(name), "\r") : 0,
                   at ? at + strlen(name) : "");
}

static inline void server_note(struct server *s, const char *request)
{
    char version[256], token[256];

    server_header(request, "OpenStack-API-Version: ", version);
    server_header(request, "X-Auth-Token: ", token);
    (void)pthread_mutex_lock(&s->lock);
    buf_printf(&s->log, "%.*s%s%s%s%s\n", (int)(strstr(request, " HTTP") - request), request,
               *version ? " " : "", version, *token ? " " : "", token);
    (void)pthread_mutex_unlock(&s->lock);
}

/* A copy of the rule that answers. */
static inline struct server_rule server_find(struct server *s, const char *request)
{
    struct server_rule found = {.status = 404, .body = "there is no rule for this"};
    char line[2048];
    size_t i;

    (void)snprintf(line, sizeof line, "%.*s", (int)strcspn(request, "\r"), request);
    (void)pthread_mutex_lock(&s->lock);
    for (i = 0; i < s->rules; i++) {
        if (!strstr(line, s->rule[i].line) || s->rule[i].times < 0)
            continue;
        found = s->rule[i];
        if (s->rule[i].times > 0 && --s->rule[i].times == 0)
            s->rule[i].times = -1;
        break;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return found;
}

static inline void server_answer(struct server *s, int fd, const char *request)
{
    const struct server_rule r = server_find(s, request);
    struct buf b = BUF_INIT(1 << 20);
    ssize_t n, sent = 0;

    buf_printf(&b, "HTTP/1.1 %d X\r\nConnection: close\r\n%s\r\n%s", r.status, r.head ? r.head : "",
               r.body);
    while ((size_t)sent < b.len &&
           (n = send(fd, b.data + sent, b.len - (size_t)sent, MSG_NOSIGNAL)) > 0)
        sent += n;
    (void)shutdown(fd, SHUT_WR);
    buf_free(&b);
}

/* Head and, after its Content-Length, body. false: nobody asked, it is the end. */
static inline bool server_read(int fd, char request[SERVER_REQUEST_MAX])
{
    size_t n = 0, wanted = SIZE_MAX;
    char length[256], *end;
    ssize_t got;

    request[0] = '\0';
    while (n < wanted && n < SERVER_REQUEST_MAX - 1) {
        got = read(fd, request + n, SERVER_REQUEST_MAX - 1 - n);
        if (got <= 0)
            break;
        n += (size_t)got;
        request[n] = '\0';
        end = strstr(request, "\r\n\r\n");
        server_header(request, "Content-Length: ", length);
        if (end)
            wanted = (size_t)(end + 4 - request) + (size_t)strtoul(length, NULL, 10);
    }
    return n > 0;
}

static inline void *server_run(void *ctx)
{
    struct server *s = ctx;
    char request[SERVER_REQUEST_MAX], rest;
    bool more = true;
    int fd;

    while (more) {
        fd = accept(s->listening, NULL, NULL);
        more = fd >= 0 && server_read(fd, request);
        if (more) {
            server_note(s, request);
            server_answer(s, fd, request);
            while (read(fd, &rest, 1) > 0)
                continue;
        }
        if (fd >= 0)
            (void)close(fd);
    }
    return NULL;
}

static inline void server_begin(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;

    *s = (struct server){.lock = PTHREAD_MUTEX_INITIALIZER, .log = BUF_INIT(1 << 20)};
    s->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(s->listening, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(s->listening, 64), 0);
    assert_int_equal(getsockname(s->listening, (struct sockaddr *)&a, &n), 0);
    s->port = ntohs(a.sin_port);
    assert_int_equal(pthread_create(&s->thread, NULL, server_run, s), 0);
}

static inline void server_end(struct server *s)
{
    struct sockaddr_in a = {.sin_family = AF_INET,
                            .sin_port = htons((uint16_t)s->port),
                            .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

    assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof a), 0);
    (void)close(fd); /* a connection without a request ends the thread */
    assert_int_equal(pthread_join(s->thread, NULL), 0);
    (void)close(s->listening);
    buf_free(&s->log);
}

#endif
