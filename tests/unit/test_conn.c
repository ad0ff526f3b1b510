/* SPDX-License-Identifier: MIT */
/* The set of connections, whose only thread is this one. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "clock.h"
#include "conn.h"

/* Listens on an address that the kernel chooses. */
static struct listener open_listener(struct sockaddr_un *a, socklen_t *n)
{
    struct listener l = {.fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};

    *a = (struct sockaddr_un){.sun_family = AF_UNIX};
    assert_int_equal(bind(l.fd, (struct sockaddr *)a, sizeof a->sun_family), 0);
    *n = sizeof *a;
    assert_int_equal(getsockname(l.fd, (struct sockaddr *)a, n), 0);
    assert_int_equal(listen(l.fd, 8), 0);
    return l;
}

/* From now on there are no more descriptors than those that are in use. */
static struct rlimit take_descriptors(void)
{
    struct rlimit before, none;
    int next = fcntl(0, F_DUPFD_CLOEXEC, 0);

    assert_true(next >= 0);
    (void)close(next);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = before;
    none.rlim_cur = (rlim_t)next;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    return before;
}

/* Found by review: there was an end to it only where nothing else happened for a second. */
static void it_listens_again_after_a_second_however_much_there_is_to_do(void **state)
{
    struct conn_event event = {0};
    struct conn_set *set;
    struct sockaddr_un a;
    struct rlimit before;
    struct err e;
    socklen_t n;
    struct listener l = open_listener(&a, &n);
    int web = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int64_t limit = clock_mono() + 30 * NS_PER_S;

    (void)state;
    assert_int_equal(conn_set_open(&l, 2, &set, &e), 0);
    assert_int_equal(connect(web, (struct sockaddr *)&a, n), 0);
    assert_int_equal(send(web, "?", 1, 0), 1); /* no record: it is told from its first byte */
    before = take_descriptors();
    assert_int_equal(conn_wait(set, &event, 1), 0);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    do {
        assert_true(clock_mono() < limit);
        conn_tell_done(set);
    } while (conn_wait(set, &event, 1) == 0 || event.kind != CONN_READABLE);
    conn_drop(set, event.conn);
    conn_set_close(set);
    (void)close(web);
    (void)close(l.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_listens_again_after_a_second_however_much_there_is_to_do),
    };
    struct err e;

    if (fcgx_init(&e) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
