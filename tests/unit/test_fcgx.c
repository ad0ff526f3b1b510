/* SPDX-License-Identifier: MIT */
/* FastCGI over a socket pair: this file is the web server, and writes the records itself. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fastcgi.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include "fcgx.h"

enum { REQUEST_ID = 258, BIG = 1 << 20 };

/* The web server's end, and ours. */
struct pair {
    int web;
    struct slow slow;
    struct fcgx *c;
    struct http x;
    struct err e;
};

static void pair_begin(struct pair *p)
{
    struct timeval limit = {.tv_sec = 20};
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    p->web = fd[0];
    p->slow = (struct slow){.lanes = {.free = 1}};
    p->c = fcgx_new(fd[1], &p->slow);
    assert_non_null(p->c);
    assert_int_equal(fcgx_fd(p->c), fd[1]);
    http_init(&p->x);
}

static void pair_end(struct pair *p)
{
    http_free(&p->x);
    fcgx_free(p->c);
    if (p->web >= 0)
        (void)close(p->web);
}

static void put_record(struct buf *b, unsigned char type, const void *content, size_t n)
{
    FCGI_Header h = {.version = FCGI_VERSION_1,
                     .type = type,
                     .requestIdB1 = REQUEST_ID >> 8,
                     .requestIdB0 = REQUEST_ID & 255,
                     .contentLengthB1 = (unsigned char)(n >> 8),
                     .contentLengthB0 = (unsigned char)n};

    buf_add(b, &h, sizeof h);
    buf_add(b, content, n);
}

static void put_param(struct buf *b, const char *name, const char *value)
{
    char lengths[] = {(char)strlen(name), (char)strlen(value)};

    buf_add(b, lengths, 2);
    buf_str(b, name);
    buf_str(b, value);
}

/* A whole request. `length`: CONTENT_LENGTH. */
static void put_request(struct buf *b, unsigned char flags, const char *length, struct str body)
{
    FCGI_BeginRequestBody begin = {.roleB0 = FCGI_RESPONDER, .flags = flags};
    struct buf params = BUF_INIT(4096);
    size_t some;

    put_param(&params, "REQUEST_METHOD", "POST");
    put_param(&params, "REQUEST_URI", "/v1/vm");
    put_param(&params, "CONTENT_LENGTH", length);
    put_record(b, FCGI_BEGIN_REQUEST, &begin, sizeof begin);
    put_record(b, FCGI_PARAMS, params.data, params.len);
    put_record(b, FCGI_PARAMS, "", 0);
    for (; body.n > 0; body.n -= some) {
        some = body.n < 65535 ? body.n : 65535;
        put_record(b, FCGI_STDIN, body.p, some);
        body.p += some;
    }
    put_record(b, FCGI_STDIN, "", 0);
    buf_free(&params);
}

static void send_all(int fd, struct str text)
{
    while (text.n > 0) {
        ssize_t n = send(fd, text.p, text.n, MSG_NOSIGNAL);

        assert_true(n > 0);
        text.p += n;
        text.n -= (size_t)n;
    }
}

static void send_request(struct pair *p, unsigned char flags, const char *length, struct str body)
{
    struct buf b = BUF_INIT(4 << 20);

    put_request(&b, flags, length, body);
    send_all(p->web, buf_span(&b));
    buf_free(&b);
}

/* All n bytes; false at the end of the connection. */
static bool receive(int fd, void *room, size_t n)
{
    char *p = room;

    while (n > 0) {
        ssize_t got = recv(fd, p, n, 0);

        if (got <= 0)
            return false;
        p += got;
        n -= (size_t)got;
    }
    return true;
}

/* Gathers what the answer's STDOUT records hold; true when it came to its proper end. */
static bool receive_answer(int fd, struct buf *out)
{
    char content[65536 + 256];
    FCGI_Header h;

    while (receive(fd, &h, sizeof h)) {
        size_t n = (size_t)h.contentLengthB1 << 8 | h.contentLengthB0;

        assert_int_equal(h.requestIdB1 << 8 | h.requestIdB0, REQUEST_ID);
        if (!receive(fd, content, n + h.paddingLength))
            return false;
        if (h.type == FCGI_STDOUT)
            buf_add(out, content, n);
        if (h.type == FCGI_END_REQUEST)
            return true;
    }
    return false;
}

/* Is nothing there, and the connection open? */
static bool is_quiet(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) == 0;
}

static void take_request(struct pair *p, const char *body)
{
    assert_int_equal(fcgx_accept(p->c), 0);
    http_begin(&p->x, &fcgx_carrier, p->c);
    assert_int_equal(http_read_head(&p->x, &p->e), 0);
    assert_true(str_is(p->x.segment[1], "vm"));
    assert_int_equal(http_read_body(&p->x, &p->e), 0);
    assert_true(str_is(p->x.body, body));
}

static void a_kept_connection_serves_request_after_request(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct pair p;
    int i;

    (void)state;
    pair_begin(&p);
    for (i = 0; i < 3; i++) {
        send_request(&p, FCGI_KEEP_CONN, "3", STR_LIT("abc"));
        take_request(&p, "abc");
        http_done(&p.x);
        assert_int_equal(http_send(&p.x), 0);
        assert_true(fcgx_finish(p.c));
        assert_true(receive_answer(p.web, &out));
        assert_true(is_quiet(p.web));
        assert_non_null(strstr(out.data, "\r\n\r\n{\"data\":{},\"ok\":true}"));
        buf_reset(&out);
    }
    buf_free(&out);
    pair_end(&p);
}

static void a_connection_that_is_not_kept_ends(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct pair p;
    char byte;

    (void)state;
    pair_begin(&p);
    send_request(&p, 0, "0", STR_LIT(""));
    take_request(&p, "");
    http_done(&p.x);
    assert_int_equal(http_send(&p.x), 0);
    assert_false(fcgx_finish(p.c));
    fcgx_free(p.c);
    p.c = NULL;
    assert_true(receive_answer(p.web, &out));
    assert_false(receive(p.web, &byte, 1));
    buf_free(&out);
    pair_end(&p);
}

static void a_body_that_nobody_reads_is_taken_away(void **state)
{
    char *text = malloc(BIG);
    struct pair p;

    (void)state;
    assert_non_null(text);
    memset(text, 'x', BIG);
    pair_begin(&p);
    /* As much as the socket holds: nobody reads it yet. */
    send_request(&p, FCGI_KEEP_CONN, "60000", (struct str){text, 60000});
    assert_int_equal(fcgx_accept(p.c), 0);
    http_begin(&p.x, &fcgx_carrier, p.c);
    assert_int_equal(http_read_head(&p.x, &p.e), 0);
    http_done(&p.x);
    assert_int_equal(http_send(&p.x), 0);
    assert_true(fcgx_finish(p.c));
    send_request(&p, FCGI_KEEP_CONN, "2", STR_LIT("ok"));
    take_request(&p, "ok");
    assert_true(fcgx_finish(p.c));
    free(text);
    pair_end(&p);
}

static void a_short_body_shows(void **state)
{
    struct pair p;

    (void)state;
    pair_begin(&p);
    send_request(&p, FCGI_KEEP_CONN, "9", STR_LIT("abc"));
    assert_int_equal(fcgx_accept(p.c), 0);
    http_begin(&p.x, &fcgx_carrier, p.c);
    assert_int_equal(http_read_head(&p.x, &p.e), 0);
    assert_int_equal(http_read_body(&p.x, &p.e), -1);
    assert_int_equal(p.e.code, ERR_BODY_INCOMPLETE);
    http_fail(&p.x, &p.e);
    assert_int_equal(http_send(&p.x), 0);
    assert_true(fcgx_finish(p.c));
    pair_end(&p);
}

static void *receive_main(void *arg)
{
    struct pair *p = arg;
    struct buf *out = calloc(1, sizeof *out);

    if (!out)
        return NULL;
    *out = BUF_INIT(4 << 20);
    if (!receive_answer(p->web, out))
        out->failed = true;
    return out;
}

static void a_large_answer_comes_whole(void **state)
{
    struct pair p;
    pthread_t thread;
    struct buf *out;
    void *result;
    int i;

    (void)state;
    pair_begin(&p);
    send_request(&p, FCGI_KEEP_CONN, "0", STR_LIT(""));
    take_request(&p, "");
    assert_int_equal(pthread_create(&thread, NULL, receive_main, &p), 0);
    p.x.status = 200;
    for (i = 0; i < BIG / 8; i++)
        buf_printf(&p.x.out, "%08d", i);
    assert_int_equal(http_send(&p.x), 0);
    assert_true(fcgx_finish(p.c));
    (void)pthread_join(thread, &result);
    out = result;
    assert_non_null(out);
    assert_false(out->failed);
    assert_int_equal(out->len - (size_t)(strstr(out->data, "\r\n\r\n") + 4 - out->data), BIG);
    assert_memory_equal(strstr(out->data, "\r\n\r\n") + 4, "0000000000000001", 16);
    assert_memory_equal(out->data + out->len - 8, "00131071", 8);
    buf_free(out);
    free(out);
    pair_end(&p);
}

static void a_cut_answer_has_no_end(void **state)
{
    struct buf out = BUF_INIT(4096);
    struct pair p;

    (void)state;
    pair_begin(&p);
    send_request(&p, FCGI_KEEP_CONN, "0", STR_LIT(""));
    take_request(&p, "");
    http_done(&p.x);
    assert_int_equal(http_send(&p.x), 0);
    /* Given up before fcgx_finish, as a broken stream is. */
    fcgx_free(p.c);
    p.c = NULL;
    assert_false(receive_answer(p.web, &out));
    buf_free(&out);
    pair_end(&p);
}

static void a_request_cut_short_is_given_up(void **state)
{
    struct buf b = BUF_INIT(4096);
    struct pair p;
    size_t n;

    (void)state;
    put_request(&b, FCGI_KEEP_CONN, "3", STR_LIT("abc"));
    /* Every beginning of a request that ends before its parameters do. */
    for (n = 1; n < 40; n++) {
        pair_begin(&p);
        send_all(p.web, (struct str){b.data, n});
        (void)shutdown(p.web, SHUT_RDWR);
        assert_int_equal(fcgx_accept(p.c), -1);
        pair_end(&p);
    }
    buf_free(&b);
}

static void rubbish_is_given_up(void **state)
{
    struct pair p;

    (void)state;
    pair_begin(&p);
    send_all(p.web, STR_LIT("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
    (void)shutdown(p.web, SHUT_WR);
    assert_int_equal(fcgx_accept(p.c), -1);
    pair_end(&p);
}

static void a_web_server_that_leaves_is_noticed(void **state)
{
    struct pair p;
    int i;

    (void)state;
    pair_begin(&p);
    send_request(&p, FCGI_KEEP_CONN, "0", STR_LIT(""));
    take_request(&p, "");
    (void)close(p.web);
    p.web = -1;
    p.x.status = 200;
    for (i = 0; i < BIG / 8; i++)
        buf_printf(&p.x.out, "%08d", i);
    assert_int_equal(http_send(&p.x), -1);
    assert_false(fcgx_finish(p.c));
    pair_end(&p);
}

/* ---- readers who take nothing ---- */

static void answer_bytes(struct pair *p, size_t n)
{
    send_request(p, FCGI_KEEP_CONN, "0", STR_LIT(""));
    take_request(p, "");
    p->x.status = 200;
    while (p->x.out.len < n)
        buf_char(&p->x.out, 'x');
}

static void who_takes_nothing_is_cut_where_no_lane_is_left(void **state)
{
    struct buf out = BUF_INIT(4 << 20);
    struct pair p;

    (void)state;
    pair_begin(&p);
    atomic_store(&p.slow.lanes.free, 0);
    answer_bytes(&p, BIG);
    assert_int_equal(http_send(&p.x), -1);
    assert_false(fcgx_finish(p.c));
    fcgx_free(p.c);
    p.c = NULL;
    assert_false(receive_answer(p.web, &out));
    assert_int_equal(atomic_load(&p.slow.lanes.free), 0);
    buf_free(&out);
    pair_end(&p);
}

static void *receive_when_full(void *arg)
{
    struct pair *p = arg;

    while (!slow_full(&p->slow))
        (void)sched_yield();
    return receive_main(arg);
}

static void in_a_lane_it_is_waited_for(void **state)
{
    pthread_t thread;
    struct pair p;
    void *result;
    struct buf *out;

    (void)state;
    pair_begin(&p);
    answer_bytes(&p, BIG);
    assert_int_equal(pthread_create(&thread, NULL, receive_when_full, &p), 0);
    assert_int_equal(http_send(&p.x), 0);
    assert_true(slow_full(&p.slow));
    assert_true(fcgx_finish(p.c));
    assert_false(slow_full(&p.slow));
    (void)pthread_join(thread, &result);
    out = result;
    assert_non_null(out);
    assert_false(out->failed);
    assert_in_range(out->len, BIG, BIG + 512);
    buf_free(out);
    free(out);
    pair_end(&p);
}

static void a_lane_is_given_back_with_the_connection(void **state)
{
    pthread_t thread;
    struct pair p;
    void *result;

    (void)state;
    pair_begin(&p);
    answer_bytes(&p, BIG);
    assert_int_equal(pthread_create(&thread, NULL, receive_when_full, &p), 0);
    assert_int_equal(http_send(&p.x), 0);
    fcgx_free(p.c);
    p.c = NULL;
    assert_false(slow_full(&p.slow));
    (void)pthread_join(thread, &result);
    buf_free(result);
    free(result);
    pair_end(&p);
}

/* What is not refused where the lanes are taken holds nobody up. */
static void what_is_short_fits_into_the_socket(void **state)
{
    struct buf out = BUF_INIT(4 << 20);
    struct pair p;

    (void)state;
    pair_begin(&p);
    atomic_store(&p.slow.lanes.free, 0);
    answer_bytes(&p, HTTP_FITS - 1);
    assert_int_equal(http_send(&p.x), 0);
    assert_true(fcgx_finish(p.c));
    assert_true(receive_answer(p.web, &out));
    assert_in_range(out.len, HTTP_FITS, HTTP_FITS + 512);
    buf_free(&out);
    pair_end(&p);
}

static int prepare(void **state)
{
    struct err e;

    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    return fcgx_init(&e);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kept_connection_serves_request_after_request),
        cmocka_unit_test(a_connection_that_is_not_kept_ends),
        cmocka_unit_test(a_body_that_nobody_reads_is_taken_away),
        cmocka_unit_test(a_short_body_shows),
        cmocka_unit_test(a_large_answer_comes_whole),
        cmocka_unit_test(a_cut_answer_has_no_end),
        cmocka_unit_test(a_request_cut_short_is_given_up),
        cmocka_unit_test(rubbish_is_given_up),
        cmocka_unit_test(a_web_server_that_leaves_is_noticed),
        cmocka_unit_test(who_takes_nothing_is_cut_where_no_lane_is_left),
        cmocka_unit_test(in_a_lane_it_is_waited_for),
        cmocka_unit_test(a_lane_is_given_back_with_the_connection),
        cmocka_unit_test(what_is_short_fits_into_the_socket),
    };

    return cmocka_run_group_tests(tests, prepare, NULL);
}
