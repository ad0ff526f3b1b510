/* SPDX-License-Identifier: MIT */
/* Tables on a terminal and in a pipe, and what is seen of strangers' text. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <unistd.h>

#include "cron/seen.h"
#include "cron/table.h"
#include "torture.h"

enum { ROOM = 1 << 20 };

static const struct table_column columns[] = {
    {"ID", TABLE_TEXT, true},
    {"N", TABLE_NUMBER, false},
    {"WHY", TABLE_TEXT, true},
};

static char room[ROOM];

/* Standard output goes into a file while f runs; what it wrote is then in room. */
static int kept;

static void catch_output(int fd)
{
    assert_int_equal(fflush(stdout), 0);
    kept = dup(STDOUT_FILENO);
    assert_true(kept >= 0);
    assert_true(dup2(fd, STDOUT_FILENO) >= 0);
}

static void give_back(void)
{
    (void)fflush(stdout);
    assert_true(dup2(kept, STDOUT_FILENO) >= 0);
    close(kept);
}

static int make_file(void)
{
    char path[] = "/tmp/anteroom-table-XXXXXX";
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(unlink(path), 0);
    return fd;
}

static void read_back(int fd)
{
    ssize_t n;

    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    n = read(fd, room, sizeof room - 1);
    assert_true(n >= 0);
    room[n] = '\0';
    close(fd);
}

static void expect(struct table *t, const char *want)
{
    int fd = make_file();
    struct err e;

    catch_output(fd);
    assert_int_equal(table_end(t, &e), 0);
    give_back();
    read_back(fd);
    assert_string_equal(room, want);
}

static struct table *begin(struct table_screen screen)
{
    struct table *t = table_new(&screen, columns, ARRAY_LEN(columns));

    assert_non_null(t);
    return t;
}

static void row(struct table *t, const char *id, int64_t n, const char *why)
{
    table_text(t, TABLE_PLAIN, str_of(id));
    table_number(t, n < 0 ? TABLE_BAD : TABLE_PLAIN, n);
    table_text(t, TABLE_FAINT, str_of(why));
}

static void columns_line_up(void **state)
{
    struct table *t = begin((struct table_screen){0});

    (void)state;
    row(t, "a", 7, "it waits");
    row(t, "等候室", 1234, "滿");
    row(t, "naïve", -1, "");
    expect(t, "ID         N  WHY\n"
              "a          7  it waits\n"
              "等候室  1234  滿\n"
              "naïve     -1\n");
    expect(begin((struct table_screen){0}), "ID  N  WHY\n");
}

static void cut_to(int width, const char *want)
{
    struct table *t = begin((struct table_screen){.terminal = width > 0, .width = width});

    row(t, "0123456789", 7, "a reason that is longer than the screen");
    row(t, "等候室等候室", 7, "等候室等候室等候室");
    expect(t, want);
}

/* What names the row is cut last. */
static void a_terminal_cuts_and_a_pipe_does_not(void **state)
{
    (void)state;
    cut_to(26, "ID            N  WHY\n"
               "0123456789    7  a reason…\n"
               "等候室等候室  7  等候室等…\n");
    cut_to(20, "ID         N  WHY\n"
               "01234567…  7  a rea…\n"
               "等候室等…  7  等候…\n");
    cut_to(0, "ID            N  WHY\n"
              "0123456789    7  a reason that is longer than the screen\n"
              "等候室等候室  7  等候室等候室等候室\n");
}

/* A column that may not be cut stands whole also where it is too wide, and none vanishes. */
static void what_may_not_be_cut_is_whole(void **state)
{
    struct table *t = begin((struct table_screen){.terminal = true, .width = 5});

    (void)state;
    row(t, "0123456789", INT64_MIN, "0123456789");
    expect(t, "ID                         N  WHY\n"
              "01234…  -9223372036854775808  01234…\n");
}

static void colours_say_something_and_take_no_room(void **state)
{
    struct table *t = begin((struct table_screen){.terminal = true, .colours = true, .width = 40});

    (void)state;
    row(t, "a", -1, "x");
    row(t, "bcd", 12, "");
    expect(t, "\x1b[1mID\x1b[0m    \x1b[1mN\x1b[0m  \x1b[1mWHY\x1b[0m\n"
              "a    \x1b[31m-1\x1b[0m  \x1b[2mx\x1b[0m\n"
              "bcd  12\n");
}

static void strangers_move_no_cursor(void **state)
{
    struct table *t = begin((struct table_screen){0});

    (void)state;
    row(t, "a\nb\t", 1, "\x1b[2J\x7f\xc2\x9b\xff");
    row(t, "\xe2\x80\xae txt", 2, "\xf0\x9f\x90\x9a");
    expect(t, "ID          N  WHY\n"
              "a\\nb\\t      1  \\x1b[2J\\x7f\\x9b\\xff\n"
              "\\u202e txt  2  \xf0\x9f\x90\x9a\n");
}

static void rows_without_titles(void **state)
{
    static const struct table_column plain[] = {{NULL, TABLE_TEXT, false},
                                                {NULL, TABLE_TEXT, true}};
    struct table *t =
        table_new(&(struct table_screen){.terminal = true, .width = 20}, plain, ARRAY_LEN(plain));

    (void)state;
    assert_non_null(t);
    table_text(t, TABLE_PLAIN, STR_LIT("Status"));
    table_text(t, TABLE_PLAIN, STR_LIT("queued"));
    table_text(t, TABLE_PLAIN, STR_LIT(""));
    table_text(t, TABLE_PLAIN, STR_LIT("for a while, it seems"));
    expect(t, "Status  queued\n"
              "        for a while…\n");
}

/* Rows are printed before the end once the widths are known, and later wider ones stand whole. */
static void many_rows_flow(void **state)
{
    struct table *t = begin((struct table_screen){0});
    int fd = make_file(), i;
    struct err e;
    size_t lines = 0;
    const char *p;

    (void)state;
    catch_output(fd);
    for (i = 0; i < 20 * TABLE_LOOKED_AT; i++)
        row(t, "id", i, "why");
    assert_true(lseek(fd, 0, SEEK_CUR) > 0);
    row(t, "wider than all before", 1, "x");
    assert_int_equal(table_end(t, &e), 0);
    give_back();
    read_back(fd);
    for (p = room; *p; p++)
        lines += *p == '\n';
    assert_int_equal(lines, 20 * TABLE_LOOKED_AT + 2);
    assert_non_null(strstr(room, "\nid    0  why\n"));
    assert_non_null(strstr(room, "\nid  19999  why\n"));
    assert_non_null(strstr(room, "\nwider than all before    1  x\n"));
}

static int write_to(int fd, struct err *e, bool *broken)
{
    struct table *t = begin((struct table_screen){0});
    int i, rc;

    catch_output(fd);
    for (i = 0; i < 10 * TABLE_LOOKED_AT; i++)
        row(t, "id", i, "why");
    *broken = table_broken(t);
    rc = table_end(t, e);
    give_back();
    clearerr(stdout);
    close(fd);
    return rc;
}

static void a_full_disk_is_said_and_a_closed_pipe_is_not(void **state)
{
    int fd = open("/dev/full", O_WRONLY), ends[2];
    struct err e;
    bool broken;

    (void)state;
    assert_true(fd >= 0);
    assert_int_equal(write_to(fd, &e, &broken), -1);
    assert_true(broken);
    assert_int_equal(e.code, ERR_STORAGE_FULL);
    assert_non_null(strstr(e.text, "the output could not be written"));
    assert_true(signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    assert_int_equal(pipe(ends), 0);
    close(ends[0]);
    assert_int_equal(write_to(ends[1], &e, &broken), -1);
    assert_true(broken);
    assert_string_equal(e.text, "");
}

/* Without memory nothing is printed wrongly, nothing is lost, and it is said. */
static void without_memory_it_says_so(void **state)
{
#if TORTURE
    int64_t good;
    int fd, rc = -1;

    (void)state;
    for (good = 0; rc != 0 && good < 100; good++) {
        struct table_screen screen = {0};
        struct table *t;
        struct err e = {0};

        fd = make_file();
        catch_output(fd);
        torture_arm(good);
        t = table_new(&screen, columns, ARRAY_LEN(columns));
        if (t) {
            row(t, "a", 1, "x");
            rc = table_end(t, &e);
        }
        if (torture_end() != 0)
            rc = -2;
        give_back();
        read_back(fd);
        assert_true(rc == 0 || rc == -1);
        assert_true(rc != 0 || strcmp(room, "ID  N  WHY\na   1  x\n") == 0);
        assert_true(rc == 0 || !t || strstr(e.text, "no memory"));
    }
    assert_int_equal(rc, 0);
    assert_true(good > 3);
#else
    (void)state;
#endif
}

static void painted(const struct table_screen *screen, const char *want)
{
    struct buf b = BUF_INIT(64);

    table_paint(&b, screen, TABLE_GOOD, STR_LIT("up\n"));
    assert_string_equal(b.data, want);
    buf_free(&b);
}

static void a_word_turns_colours_on_and_off(void **state)
{
    struct table_screen s = {0};

    (void)state;
    assert_int_equal(table_colours(&s, STR_LIT("auto")), 0);
    painted(&s, "up\\n");
    assert_int_equal(table_colours(&s, STR_LIT("always")), 0);
    painted(&s, "\x1b[32mup\\n\x1b[0m");
    assert_int_equal(table_colours(&s, STR_LIT("never")), 0);
    assert_int_equal(table_colours(&s, STR_LIT("red")), -1);
    assert_false(s.colours);
}

static void a_file_is_no_terminal(void **state)
{
    int fd = make_file();
    struct table_screen s;

    (void)state;
    assert_int_equal(setenv("COLUMNS", "40", 1), 0);
    catch_output(fd);
    s = table_screen();
    give_back();
    close(fd);
    assert_int_equal(unsetenv("COLUMNS"), 0);
    assert_false(s.terminal || s.colours);
    assert_int_equal(s.width, 0);
}

static void cuts_between_characters(void **state)
{
    struct str text = STR_LIT("a等e\xcc\x81z"); /* e with an accent of its own */
    size_t width, n[] = {0, 1, 1, 4, 7, 8};
    size_t want[] = {0, 1, 1, 3, 4, 5}, i;

    (void)state;
    for (i = 0; i < ARRAY_LEN(n); i++) {
        assert_int_equal(seen_cut(text, i, &width).n, n[i]);
        assert_int_equal(width, want[i]);
    }
    assert_int_equal(seen_width(text), 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(columns_line_up),
        cmocka_unit_test(a_terminal_cuts_and_a_pipe_does_not),
        cmocka_unit_test(what_may_not_be_cut_is_whole),
        cmocka_unit_test(colours_say_something_and_take_no_room),
        cmocka_unit_test(strangers_move_no_cursor),
        cmocka_unit_test(rows_without_titles),
        cmocka_unit_test(many_rows_flow),
        cmocka_unit_test(a_full_disk_is_said_and_a_closed_pipe_is_not),
        cmocka_unit_test(without_memory_it_says_so),
        cmocka_unit_test(a_word_turns_colours_on_and_off),
        cmocka_unit_test(a_file_is_no_terminal),
        cmocka_unit_test(cuts_between_characters),
    };

    if (!setlocale(LC_CTYPE, "C.UTF-8"))
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
