/* SPDX-License-Identifier: MIT */
/* The line that says how far work is: what is in it, that it fits, and that it comes and goes on a
 * terminal only. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "clock.h"
#include "cron/progress.h"

static const char *line_of(struct buf *b, const struct progress_view *v)
{
    buf_reset(b);
    progress_write(b, v);
    return b->data;
}

static void the_line_says_how_far_how_fast_and_how_long_yet(void **state)
{
    struct buf b = BUF_INIT(4096);
    struct progress_view v = {
        .what = "copying", .unit = PROGRESS_BYTES, .done = 64 << 20, .all = 256 << 20};

    (void)state;
    v.ns = 4 * NS_PER_S;
    v.width = 100;
    assert_string_equal(line_of(&b, &v), "copying [#######.......................] 25 % 64.0 MiB of"
                                         " 256.0 MiB, 16.0 MiB/s, 12 s left");
    v.unit = PROGRESS_THINGS;
    v.done = 0;
    v.all = 10;
    assert_string_equal(line_of(&b, &v),
                        "copying [..............................] 0 % 0 of 10, 4 s");
    v.done = 20; /* the whole was a guess */
    assert_non_null(strstr(line_of(&b, &v), "] 100 % 10 of 10, "));
    v.all = 0;
    v.ns = 3700 * NS_PER_S;
    assert_string_equal(line_of(&b, &v), "copying 1 h 1 min");
    v.ns = 3599 * NS_PER_S;
    assert_string_equal(line_of(&b, &v), "copying 59 min 59 s");
    buf_free(&b);
}

static void the_line_fits_every_terminal(void **state)
{
    struct buf b = BUF_INIT(4096);
    struct progress_view v = {
        .what = "copying", .unit = PROGRESS_BYTES, .done = 1, .all = INT64_MAX, .ns = NS_PER_S};

    (void)state;
    for (v.width = 2; v.width < 300; v.width++) {
        line_of(&b, &v);
        assert_in_range(b.len, 1, v.width - 1);
    }
    v.width = 0;
    line_of(&b, &v);
    assert_in_range(b.len, 1, 79);
    buf_free(&b);
}

/* Standard error becomes what `fd` is; the old one. */
static int put_stderr(int fd)
{
    int old = dup(STDERR_FILENO);

    assert_true(old >= 0 && dup2(fd, STDERR_FILENO) >= 0);
    return old;
}

static void on_a_terminal_it_is_drawn_and_taken_away(void **state)
{
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave, old;
    struct progress *p;
    struct pollfd poll_master = {.fd = master, .events = POLLIN};
    char drawn[4096] = "";
    size_t n = 0;

    (void)state;
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0);
    old = put_stderr(slave);
    p = progress_new("working", PROGRESS_THINGS);
    assert_non_null(p);
    progress_at(p, "working", 1, 4);
    assert_int_equal(poll(&poll_master, 1, 60000), 1);
    progress_end(p);
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    while (n < 20 || strcmp(drawn + n - 4, "\r\033[K") != 0) { /* what is written comes by and by */
        ssize_t got;

        assert_int_equal(poll(&poll_master, 1, 60000), 1);
        got = read(master, drawn + n, sizeof drawn - 1 - n);
        assert_true(got > 0);
        n += (size_t)got;
    }
    assert_int_equal(strncmp(drawn, "\rworking [#######.", 18), 0);
    assert_non_null(strstr(drawn, " 25 % 1 of 4, "));
    (void)close(old);
    (void)close(slave);
    (void)close(master);
}

static void anywhere_else_there_is_none(void **state)
{
    int pipe_of[2], old;
    struct progress *p;

    (void)state;
    assert_int_equal(pipe(pipe_of), 0);
    old = put_stderr(pipe_of[1]);
    p = progress_new("working", PROGRESS_THINGS);
    assert_int_equal(dup2(old, STDERR_FILENO), STDERR_FILENO);
    assert_null(p);
    progress_at(p, "working", 1, 2);
    progress_end(p);
    (void)close(old);
    (void)close(pipe_of[0]);
    (void)close(pipe_of[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_line_says_how_far_how_fast_and_how_long_yet),
        cmocka_unit_test(the_line_fits_every_terminal),
        cmocka_unit_test(on_a_terminal_it_is_drawn_and_taken_away),
        cmocka_unit_test(anywhere_else_there_is_none),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
