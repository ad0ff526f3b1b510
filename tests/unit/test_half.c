/* SPDX-License-Identifier: MIT */
/* The doorkeeper, with a clock of this file's own: what is read in a lane has an end. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdatomic.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "half.h"

static atomic_llong mono;

/* ---- in place of clock.c's and conn.c's ---- */

int64_t clock_mono(void)
{
    return atomic_load(&mono);
}

void conn_park(struct conn_set *set, struct conn *c)
{
    (void)set;
    (void)c;
}

void conn_drop(struct conn_set *set, struct conn *c)
{
    (void)set;
    (void)close(c->fd);
}

/* ---- the tests ---- */

struct door {
    struct half *half;
    struct lanes lanes;
    struct conn conn;
    int web; /* the web server's end */
};

static int open_pair(struct conn *c)
{
    struct timeval limit = {.tv_sec = 20};
    int fd[2];

    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fd), 0);
    assert_int_equal(setsockopt(fd[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    assert_int_equal(setsockopt(fd[1], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    c->fd = fd[1];
    return fd[0];
}

/* With a connection in a lane, of which all that has come is read. */
static void open_door(struct door *d)
{
    static const char part[HALF_LOOK] = {1, 4, 0, 1, (char)255, (char)255};
    char room[HALF_LOOK];
    struct err e;

    *d = (struct door){.lanes = {.free = 1}};
    d->web = open_pair(&d->conn);
    assert_int_equal(half_open(NULL, &d->lanes, &d->half, &e), 0);
    assert_int_equal(send(d->web, part, sizeof part, 0), sizeof part);
    assert_int_equal(half_look(d->half, &d->conn), HALF_WHOLE);
    assert_true(d->conn.half.lane);
    assert_true(half_begin(d->half, &d->conn));
    assert_int_equal(recv(d->conn.fd, room, sizeof room, MSG_WAITALL), sizeof room);
}

static void close_door(struct door *d)
{
    half_leave_lane(d->half, &d->conn);
    assert_int_equal(atomic_load(&d->lanes.free), 1);
    half_close(d->half);
    (void)close(d->web);
    (void)close(d->conn.fd);
}

static void later(int64_t s)
{
    (void)atomic_fetch_add(&mono, s * NS_PER_S);
}

static void expect_byte(int from, int to)
{
    char byte = 0;

    assert_int_equal(send(from, &byte, 1, MSG_NOSIGNAL), 1);
    assert_int_equal(recv(to, &byte, 1, 0), 1);
}

/* Waits for it. */
static void expect_end(int fd)
{
    char byte;

    assert_int_equal(recv(fd, &byte, 1, 0), 0);
}

/* Found by review: each byte renewed the time that a lane may take. */
static void a_byte_now_and_then_does_not_hold_a_lane_for_ever(void **state)
{
    struct door d;
    int i;

    (void)state;
    open_door(&d);
    for (i = 0; i < 11; i++) {
        later(5);
        expect_byte(d.web, d.conn.fd);
    }
    later(5);
    expect_end(d.conn.fd);
    expect_end(d.web);
    close_door(&d);
}

static void what_was_read_in_time_is_not_cut(void **state)
{
    struct conn other = {0};
    struct door d;
    int web = open_pair(&other);

    (void)state;
    open_door(&d);
    half_leave_lane(d.half, &d.conn);
    half_take(d.half, &other);
    later(3600);
    expect_end(web); /* the doorkeeper has looked at the clock */
    half_close(d.half);
    expect_byte(d.web, d.conn.fd);
    (void)close(web);
    (void)close(d.web);
    (void)close(d.conn.fd);
}

/* As libfcgi closes one on which it meets an error, before the lane is left. */
static void what_is_cut_is_no_stranger_who_got_its_descriptor(void **state)
{
    struct conn other = {0};
    struct door d;
    int web = open_pair(&other);

    (void)state;
    open_door(&d);
    assert_int_equal(dup2(other.fd, d.conn.fd), d.conn.fd);
    later(3600);
    expect_end(d.web);
    expect_byte(web, d.conn.fd);
    close_door(&d);
    (void)close(web);
    (void)close(other.fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_byte_now_and_then_does_not_hold_a_lane_for_ever),
        cmocka_unit_test(what_was_read_in_time_is_not_cut),
        cmocka_unit_test(what_is_cut_is_no_stranger_who_got_its_descriptor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
