/* SPDX-License-Identifier: MIT */
/* The FIFO that wakes the dispatcher: what is sent arrives, who listens to nobody loses nothing,
 * and what is no FIFO is left alone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "wake.h"

static char dir[64], path[96];

static int begin(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    (void)snprintf(dir, sizeof dir, "/tmp/anteroom-test-XXXXXX");
    assert_non_null(mkdtemp(dir));
    (void)snprintf(path, sizeof path, "%s/wake", dir);
    return 0;
}

static int end(void **state)
{
    (void)state;
    (void)unlink(path);
    return rmdir(dir);
}

static bool is_awake(int fd)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};

    return poll(&p, 1, 0) == 1;
}

static void what_is_sent_arrives_once_however_often(void **state)
{
    int ours, theirs = -1, i;
    struct err e;

    (void)state;
    wake_send(path, &theirs); /* nobody listens */
    assert_int_equal(theirs, -1);
    assert_int_equal(wake_listen(path, &ours, &e), 0);
    assert_false(is_awake(ours));
    for (i = 0; i < 1000; i++)
        wake_send(path, &theirs);
    assert_true(is_awake(ours));
    wake_drain(ours);
    assert_false(is_awake(ours));
    assert_int_equal(close(ours), 0);
    wake_send(path, &theirs); /* the listener has gone, and another one comes */
    assert_int_equal(theirs, -1);
    assert_int_equal(wake_listen(path, &ours, &e), 0);
    wake_send(path, &theirs);
    assert_true(is_awake(ours));
    assert_int_equal(close(theirs) + close(ours), 0);
}

static void what_is_no_fifo_is_left_alone(void **state)
{
    struct stat st;
    struct err e;
    int fd;

    (void)state;
    fd = open(path, O_WRONLY | O_CREAT, 0600);
    assert_int_equal(write(fd, "mine", 4), 4);
    assert_int_equal(close(fd), 0);
    assert_int_equal(wake_listen(path, &fd, &e), -1);
    assert_non_null(strstr(e.text, "is no FIFO"));
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 4);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(symlink("/dev/null", path), 0);
    assert_int_equal(wake_listen(path, &fd, &e), -1);
    assert_non_null(strstr(e.text, "cannot open the FIFO"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_sent_arrives_once_however_often, begin, end),
        cmocka_unit_test_setup_teardown(what_is_no_fifo_is_left_alone, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
