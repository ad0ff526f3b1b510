/* SPDX-License-Identifier: MIT */
/* HTTP requests against a receiver in a thread of this program: what counts as an answer, and what
 * does not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <arpa/inet.h>
#include <errno.h>
#include <netdb.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "httpc.h"

enum { REQUEST_MAX = 4096, KEEP = 16, READ = 4096, LOOKUP_MOST = 20 };

/* The system's lookup of names, which this program's own function stands in for: it ends when the
 * semaphore says so, at last after LOOKUP_MOST seconds. */
static sem_t lookup;
static atomic_int lookups_ended;

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints,
                struct addrinfo **found)
{
    struct timespec until;

    (void)name;
    (void)service;
    (void)hints;
    *found = NULL;
    (void)clock_gettime(CLOCK_REALTIME, &until);
    until.tv_sec += LOOKUP_MOST;
    while (sem_timedwait(&lookup, &until) != 0 && errno == EINTR)
        continue;
    atomic_fetch_add(&lookups_ended, 1);
    return EAI_AGAIN;
}

/* Takes one connection, reads the request's head, sends `answer` (over and over when `endless`),
 * and closes; when `hangs`, not before the other side does. */
struct receiver {
    pthread_t thread;
    int listening;
    char url[64];
    const char *answer;
    bool endless, hangs;
    char request[REQUEST_MAX]; /* read after receiver_end */
};

static void serve(struct receiver *r, int fd)
{
    size_t n = 0;
    ssize_t got = 1;
    char rest;

    while (got > 0 && n < REQUEST_MAX - 1 && !strstr(r->request, "\r\n\r\n")) {
        got = read(fd, r->request + n, REQUEST_MAX - 1 - n);
        n += got > 0 ? (size_t)got : 0;
    }
    do {
        got = send(fd, r->answer, strlen(r->answer), MSG_NOSIGNAL);
    } while (r->endless && got > 0);
    while (r->hangs && read(fd, &rest, 1) > 0)
        continue;
}

static void *receive(void *ctx)
{
    struct receiver *r = ctx;
    int fd = accept(r->listening, NULL, NULL);

    if (fd >= 0) {
        serve(r, fd);
        (void)close(fd);
    }
    return NULL;
}

static void receiver_begin(struct receiver *r)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;

    r->listening = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(r->listening, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(listen(r->listening, 4), 0);
    assert_int_equal(getsockname(r->listening, (struct sockaddr *)&a, &n), 0);
    (void)snprintf(r->url, sizeof r->url, "http://127.0.0.1:%d/x", ntohs(a.sin_port));
    assert_int_equal(pthread_create(&r->thread, NULL, receive, r), 0);
}

static void receiver_end(struct receiver *r)
{
    assert_int_equal(pthread_join(r->thread, NULL), 0);
    (void)close(r->listening);
}

struct ended {
    int times, status;
    size_t tag;
    char error[256], body[KEEP + 1], retry_after[HTTPC_ANSWER_HEADER_MAX];
};

static void on_done(void *ctx, const struct httpc_answer *a)
{
    struct ended *e = ctx;

    e->times++;
    e->status = a->status;
    e->tag = a->tag;
    (void)snprintf(e->error, sizeof e->error, "%s", a->error);
    (void)snprintf(e->body, sizeof e->body, "%.*s", (int)a->body.n, a->body.n ? a->body.p : "");
    (void)snprintf(e->retry_after, sizeof e->retry_after, "%.*s",
                   a->retry_after.p ? (int)a->retry_after.n : 4,
                   a->retry_after.p ? a->retry_after.p : "none");
}

static struct httpc_request post_to(const char *url)
{
    return (struct httpc_request){
        .url = url,
        .body = STR_LIT("{}"),
        .headers = 1,
        .header = {"content-type: application/json"},
        .timeout = 60 * NS_PER_S,
        .connect_timeout = 60 * NS_PER_S,
        .keep = KEEP,
        .read = READ,
        .tag = 42,
    };
}

static struct ended run(const struct httpc_request *request)
{
    struct ended ended = {0};
    struct httpc *h;
    struct err e;

    assert_int_equal(httpc_open(4, &h, &e), 0);
    assert_int_equal(httpc_start(h, request, &e), 0);
    while (httpc_under_way(h)) {
        httpc_turn(h, on_done, &ended);
        if (httpc_under_way(h))
            httpc_wait(h, NULL, 0, NS_PER_S);
    }
    httpc_close(h);
    assert_int_equal(ended.times, 1);
    assert_int_equal(ended.tag, 42);
    return ended;
}

static struct ended answered(struct receiver *r)
{
    struct httpc_request request;
    struct ended ended;

    receiver_begin(r);
    request = post_to(r->url);
    ended = run(&request);
    receiver_end(r);
    return ended;
}

static void test_whole_answers(void **state)
{
    struct receiver empty = {.answer = "HTTP/1.1 204 No Content\r\n\r\n"},
                    some = {
                        .answer =
                            "HTTP/1.1 500 Oh\r\nContent-Length: 20\r\n\r\n01234567890123456789"};
    struct ended e = answered(&empty);

    (void)state;
    assert_int_equal(e.status, 204);
    assert_string_equal(e.body, "");
    e = answered(&some);
    assert_int_equal(e.status, 500);
    assert_string_equal(e.body, "0123456789012345"); /* its first KEEP bytes */
}

static void test_request_is_as_asked(void **state)
{
    struct receiver r = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"};

    (void)state;
    (void)answered(&r);
    assert_memory_equal(r.request, "POST /x HTTP/1.1\r\n", 18);
    assert_non_null(strstr(r.request, "\r\ncontent-type: application/json\r\n"));
    assert_non_null(strstr(r.request, "\r\nContent-Length: 2\r\n"));
    assert_null(strcasestr(r.request, "\r\nexpect:"));
    assert_null(strcasestr(r.request, "\r\naccept-encoding:"));
}

static void test_endless_answer_is_cut_and_counts(void **state)
{
    struct receiver r = {.answer = "HTTP/1.1 200 OK\r\n\r\nxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
                         .endless = true};

    (void)state;
    assert_int_equal(answered(&r).status, 200);
}

static void test_a_head_without_end_is_left(void **state)
{
    struct receiver r = {.answer = "HTTP/1.1 103 Early Hints\r\nX: yyyyyyyyyyyyyyyy\r\n\r\n",
                         .endless = true};
    struct ended e = answered(&r);

    (void)state;
    assert_int_equal(e.status, 0);
    assert_string_equal(e.error, "its head is larger than 256 KiB");
}

static void test_redirect_is_not_followed(void **state)
{
    struct receiver r = {.answer =
                             "HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n"};

    (void)state;
    assert_int_equal(answered(&r).status, 302);
}

static void test_broken_answers_are_none(void **state)
{
    struct receiver nothing = {.answer = ""}, garbage = {.answer = "what?\r\n\r\n"},
                    cut = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012"};
    struct ended e;

    (void)state;
    assert_int_equal(answered(&nothing).status, 0);
    assert_int_equal(answered(&garbage).status, 0);
    e = answered(&cut);
    assert_int_equal(e.status, 0);
    assert_true(e.error[0] != '\0');
}

/* The limit of time; a 200 whose body never ends in time is no answer. */
static void test_hanging_receiver_times_out(void **state)
{
    struct receiver silent = {.answer = "", .hangs = true},
                    slow = {.answer = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n012",
                            .hangs = true};
    struct receiver *both[] = {&silent, &slow};
    struct httpc_request request;
    struct ended e;
    size_t i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(both); i++) {
        receiver_begin(both[i]);
        request = post_to(both[i]->url);
        request.timeout = 100 * NS_PER_MS;
        e = run(&request);
        assert_int_equal(e.status, 0);
        assert_non_null(strstr(e.error, "timed out"));
        assert_null(strstr(e.error, "milliseconds")); /* the same words each time */
        receiver_end(both[i]);
    }
}

static void test_retry_after_is_kept(void **state)
{
    struct receiver with = {
        .answer = "HTTP/1.1 503 Busy\r\nRETRY-AFTER:  120 \r\nContent-Length: 0\r\n\r\n"};
    struct receiver without = {
        .answer = "HTTP/1.1 503 Busy\r\nX-Retry-After: 5\r\nContent-Length: 0\r\n\r\n"};
    struct receiver interim = {.answer = "HTTP/1.1 103 Early\r\nRetry-After: 9\r\n\r\nHTTP/1.1 503 "
                                         "Busy\r\nContent-Length: 0\r\n\r\n"};

    (void)state;
    assert_string_equal(answered(&with).retry_after, "120");
    assert_string_equal(answered(&without).retry_after, "none");
    assert_string_equal(answered(&interim).retry_after, "none");
}

static void test_nobody_listens(void **state)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof a;
    struct httpc_request request;
    struct ended e;
    char url[64];
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC,
                    0); /* bound and not listening: the port is refused, and nobody else gets it */

    (void)state;
    assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
    assert_int_equal(getsockname(fd, (struct sockaddr *)&a, &n), 0);
    (void)snprintf(url, sizeof url, "http://127.0.0.1:%d/", ntohs(a.sin_port));
    request = post_to(url);
    e = run(&request);
    assert_int_equal(e.status, 0);
    assert_non_null(strstr(e.error, "onnect"));
    assert_null(strstr(e.error, " ms"));
    (void)close(fd);
}

static void test_proxy_of_the_environment_is_ignored(void **state)
{
    struct receiver r = {.answer = "HTTP/1.1 204 No Content\r\n\r\n"};

    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:9/", 1), 0);
    assert_int_equal(setenv("all_proxy", "http://127.0.0.1:9/", 1), 0);
    assert_int_equal(answered(&r).status, 204);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("all_proxy"), 0);
}

static void test_closing_drops_what_is_under_way(void **state)
{
    struct receiver r = {.answer = "", .hangs = true};
    struct httpc_request request;
    struct ended ended = {0};
    struct httpc *h;
    struct err e;

    (void)state;
    receiver_begin(&r);
    request = post_to(r.url);
    assert_int_equal(httpc_open(1, &h, &e), 0);
    assert_int_equal(httpc_start(h, &request, &e), 0);
    httpc_turn(h, on_done, &ended); /* begins to connect: the kernel takes it, whether or not the
                                       thread has come to accept */
    httpc_wait(h, NULL, 0, NS_PER_S);
    httpc_turn(h, on_done, &ended);
    assert_int_equal(httpc_under_way(h), 1);
    httpc_close(h);
    assert_int_equal(ended.times, 0);
    receiver_end(&r);
}

/* Looking up a name may take as long as the system likes: nobody else waits for it meanwhile. */
static void test_slow_lookup_keeps_nobody_waiting(void **state)
{
    struct httpc_request request = post_to("http://slow.example/");
    struct ended ended;

    (void)state;
    request.timeout = request.connect_timeout = 20 * NS_PER_MS;
    ended = run(&request);
    assert_int_equal(ended.status, 0);
    assert_int_equal(atomic_load(&lookups_ended), 0);
    assert_int_equal(sem_post(&lookup), 0);
    while (atomic_load(&lookups_ended) == 0)
        sched_yield();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_whole_answers),
        cmocka_unit_test(test_request_is_as_asked),
        cmocka_unit_test(test_endless_answer_is_cut_and_counts),
        cmocka_unit_test(test_a_head_without_end_is_left),
        cmocka_unit_test(test_redirect_is_not_followed),
        cmocka_unit_test(test_broken_answers_are_none),
        cmocka_unit_test(test_hanging_receiver_times_out),
        cmocka_unit_test(test_retry_after_is_kept),
        cmocka_unit_test(test_nobody_listens),
        cmocka_unit_test(test_proxy_of_the_environment_is_ignored),
        cmocka_unit_test(test_closing_drops_what_is_under_way),
        cmocka_unit_test(test_slow_lookup_keeps_nobody_waiting),
    };
    struct err e;

    (void)signal(SIGPIPE, SIG_IGN);
    (void)sem_init(&lookup, 0, 0);
    if (httpc_init(&e) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
