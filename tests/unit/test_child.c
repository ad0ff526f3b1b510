/* SPDX-License-Identifier: MIT */
/* Programs run to a deadline: what comes of them, what they inherit, and that nothing of them is
 * left. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "cron/child.h"

/* In which a shell has long come to its second command. */
#define DEADLINE (3 * NS_PER_S)

enum { LARGE = 4 << 20, PATIENCE_MS = 60000, ENDS = 40, PIPE_FULL = 65536 };

struct world {
    char dir[64], fifo[96], file[96];
    int alive;   /* the FIFO's reading end: at its end when nobody is left who has it open */
    size_t open; /* descriptors of this program */
    struct buf out;
    struct child_end end;
    struct err e;
};

static size_t count_descriptors(void)
{
    DIR *dir = opendir("/proc/self/fd");
    size_t n = 0;

    assert_non_null(dir);
    while (readdir(dir))
        n++;
    (void)closedir(dir);
    return n;
}

static int set_up(void **state)
{
    struct world *w = calloc(1, sizeof *w);

    assert_non_null(w);
    (void)snprintf(w->dir, sizeof w->dir, "/tmp/anteroom-test-XXXXXX");
    assert_non_null(mkdtemp(w->dir));
    (void)snprintf(w->fifo, sizeof w->fifo, "%s/fifo", w->dir);
    (void)snprintf(w->file, sizeof w->file, "%s/file", w->dir);
    assert_int_equal(mkfifo(w->fifo, 0600), 0);
    w->alive = open(w->fifo, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(w->alive >= 0);
    w->open = count_descriptors();
    w->out = BUF_INIT(2 * LARGE);
    *state = w;
    return 0;
}

/* No child is left, dead or alive, and no descriptor open. */
static int tear_down(void **state)
{
    struct world *w = *state;

    assert_int_equal(count_descriptors(), w->open);
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
    assert_int_equal(errno, ECHILD);
    (void)close(w->alive);
    (void)unlink(w->fifo);
    (void)unlink(w->file);
    (void)rmdir(w->dir);
    buf_free(&w->out);
    free(w);
    return 0;
}

static int run_with(struct world *w, const char *const *argv, struct str input,
                    const struct until *until)
{
    char fifo[128];
    const char *const env[] = {"PATH=/usr/bin:/bin", fifo, NULL};
    const struct child_options o = {.argv = argv, .env = env, .input = input};

    (void)snprintf(fifo, sizeof fifo, "FIFO=%s", w->fifo);
    return child_run(&o, until, &w->out, &w->end, &w->e);
}

static const struct until *in_a_minute(struct until *u)
{
    *u = (struct until){.at = clock_mono() + PATIENCE_MS * NS_PER_MS};
    return u;
}

static int run_script(struct world *w, const char *script, struct str input)
{
    const char *const argv[] = {"/bin/sh", "-c", script, NULL};
    struct until u;

    return run_with(w, argv, input, in_a_minute(&u));
}

#define GOOD(call)                                                                                 \
    do {                                                                                           \
        if ((call) != 0)                                                                           \
            fail_msg("%s: %s", #call, w->e.text);                                                  \
    } while (0)

static const struct str nothing = {0};

/* ---- what comes of it ---- */

static void output_is_kept(void **state)
{
    struct world *w = *state;

    GOOD(run_script(w, "echo out; echo err >&2", nothing));
    assert_string_equal(w->out.data, "out\n");
    assert_string_equal(w->end.line, "err");
    assert_true(w->end.started);
    assert_int_equal(w->end.status, 0);
    assert_int_equal(w->end.signal, 0);
}

static void arguments_arrive(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/echo", "a b", "$HOME", "", "c", NULL};
    struct until u;

    GOOD(run_with(w, argv, nothing, in_a_minute(&u)));
    assert_string_equal(w->out.data, "a b $HOME  c\n");
}

static void no_input_is_empty_input(void **state)
{
    struct world *w = *state;

    GOOD(run_script(w, "wc -c", nothing));
    assert_string_equal(w->out.data, "0\n");
}

/* More than pipes hold, both ways at once. */
static void large_texts_go_both_ways(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/cat", NULL};
    char *text = malloc(LARGE);
    struct until u;
    size_t i;

    assert_non_null(text);
    for (i = 0; i < LARGE; i++)
        text[i] = (char)('a' + i * i % 23);
    GOOD(run_with(w, argv, (struct str){text, LARGE}, in_a_minute(&u)));
    assert_int_equal(w->out.len, LARGE);
    assert_memory_equal(w->out.data, text, LARGE);
    free(text);
}

/* Neither an error nor the end of this program by SIGPIPE. The second one writes more than a pipe
 * holds after it has closed its input, so that we come to write once more. */
static void input_may_be_ignored(void **state)
{
    struct world *w = *state;
    char *text = calloc(1, LARGE);
    sigset_t pending;

    assert_non_null(text);
    assert_true(signal(SIGPIPE, SIG_DFL) != SIG_ERR);
    GOOD(run_script(w, "echo done", (struct str){text, LARGE}));
    GOOD(run_script(w, "exec <&-; head -c 1000000 /dev/zero", (struct str){text, LARGE}));
    assert_int_equal(w->out.len, strlen("done\n") + 1000000);
    assert_int_equal(sigpending(&pending), 0);
    assert_false(sigismember(&pending, SIGPIPE));
    free(text);
}

static void a_status_is_told_with_the_last_line(void **state)
{
    struct world *w = *state;

    assert_int_equal(
        run_script(w, "echo kept; printf 'a\\nb\\033[1m\\377 c\\n\\n' >&2; exit 3", nothing), -1);
    assert_string_equal(w->e.text, "/bin/sh ended with status 3: b [1m? c");
    assert_int_equal(w->e.code, ERR_UNAVAILABLE);
    assert_int_equal(w->end.status, 3);
    assert_string_equal(w->out.data, "kept\n");
    assert_int_equal(run_script(w, "exit 1", nothing), -1);
    assert_string_equal(w->e.text, "/bin/sh ended with status 1");
}

static void a_long_line_is_cut(void **state)
{
    struct world *w = *state;

    assert_int_equal(
        run_script(w,
                   "i=0; while [ $i -lt 9999 ]; do printf 123456789; i=$((i+1)); done >&2; exit 1",
                   nothing),
        -1);
    assert_int_equal(strlen(w->end.line), CHILD_LINE_MAX - 1);
}

static void a_signal_is_told(void **state)
{
    struct world *w = *state;

    assert_int_equal(run_script(w, "kill -KILL $$", nothing), -1);
    assert_string_equal(w->e.text, "/bin/sh was ended by signal 9");
    assert_int_equal(w->end.status, -1);
    assert_int_equal(w->end.signal, SIGKILL);
}

static void what_cannot_be_run_is_told(void **state)
{
    struct world *w = *state;
    const char *const missing[] = {"/nonexistent/program", NULL}, *const plain[] = {w->file, NULL};
    struct until u;
    char want[256];
    int fd;

    assert_int_equal(run_with(w, missing, nothing, in_a_minute(&u)), -1);
    assert_string_equal(w->e.text, "/nonexistent/program cannot be run: No such file or directory");
    assert_false(w->end.started);
    fd = open(w->file, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    (void)close(fd);
    assert_int_equal(run_with(w, plain, nothing, in_a_minute(&u)), -1);
    (void)snprintf(want, sizeof want, "%s cannot be run: Permission denied", w->file);
    assert_string_equal(w->e.text, want);
}

/* ---- what it inherits ---- */

static void environment_is_what_was_given(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/usr/bin/env", NULL}, *const env[] = {"B=2", "A=1", NULL};
    const struct child_options o = {.argv = argv, .env = env};
    struct until u;

    assert_int_equal(setenv("ANTEROOM_TEST", "seen", 1), 0);
    GOOD(child_run(&o, in_a_minute(&u), &w->out, &w->end, &w->e));
    assert_string_equal(w->out.data, "B=2\nA=1\n");
}

/* ls itself has the folder open as 3. */
static void no_descriptor_is_inherited(void **state)
{
    struct world *w = *state;
    int low = dup(STDIN_FILENO), high = fcntl(STDIN_FILENO, F_DUPFD, 200);

    GOOD(run_script(w, "ls /proc/self/fd", nothing));
    assert_string_equal(w->out.data, "0\n1\n2\n3\n");
    (void)close(low);
    (void)close(high);
}

/* The C library's own two, 32 and 33, may be ignored: glibc's posix_spawn leaves them so. */
static void no_signal_is_blocked_or_ignored(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/grep", "-cE", "^SigBlk:\t0+$|^SigIgn:\t0+([01]80000000)?$",
                                "/proc/self/status", NULL};
    struct until u;
    sigset_t set, before;

    (void)sigfillset(&set);
    assert_int_equal(pthread_sigmask(SIG_BLOCK, &set, &before), 0);
    assert_true(signal(SIGHUP, SIG_IGN) != SIG_ERR && signal(SIGPIPE, SIG_IGN) != SIG_ERR);
    GOOD(run_with(w, argv, nothing, in_a_minute(&u)));
    assert_string_equal(w->out.data, "2\n");
    (void)signal(SIGHUP, SIG_DFL);
    (void)signal(SIGPIPE, SIG_DFL);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void it_leads_a_session(void **state)
{
    struct world *w = *state;

    GOOD(run_script(w,
                    "read pid name state parent group session rest </proc/self/stat;"
                    "[ $pid = $group ] && [ $pid = $session ] && echo leads",
                    nothing));
    assert_string_equal(w->out.data, "leads\n");
}

/* ---- its end ---- */

/* Is nobody left of those who had the FIFO open? They had: a byte was written to it. */
static void assert_nobody_is_left(const struct world *w)
{
    struct pollfd p = {.fd = w->alive};
    char byte[2];

    assert_int_equal(read(w->alive, byte, sizeof byte), 1);
    assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
    assert_true(p.revents & POLLHUP);
}

static void a_grandchild_does_not_hold_us(void **state)
{
    struct world *w = *state;

    GOOD(run_script(w, "exec 3>$FIFO; printf x >&3; sleep 10000 & echo done", nothing));
    assert_string_equal(w->out.data, "done\n");
    assert_nobody_is_left(w);
}

static void all_are_killed_at_the_deadline(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {
        "/bin/sh", "-c",
        "trap '' TERM INT HUP; exec 3>$FIFO; printf x >&3; echo out; sleep 10000 & sleep 10000",
        NULL};
    struct until u = {.at = clock_mono() + DEADLINE};
    static const char begin[] = "/bin/sh was killed after ";

    assert_int_equal(run_with(w, argv, nothing, &u), -1);
    assert_memory_equal(w->e.text, begin, sizeof begin - 1);
    assert_string_equal(w->e.text + strlen(w->e.text) - 2, " s");
    assert_int_equal(w->e.code, ERR_UNAVAILABLE);
    assert_int_equal(w->end.signal, SIGKILL);
    assert_true(w->end.ns >= DEADLINE / 2);
    assert_string_equal(w->out.data, "out\n");
    assert_nobody_is_left(w);
}

static void a_deadline_that_is_over_starts_nothing(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/true", NULL};
    struct until u = {.at = clock_mono()};

    assert_int_equal(run_with(w, argv, nothing, &u), -1);
    assert_string_equal(w->e.text, "no time is left to run /bin/true");
    assert_false(w->end.started);
}

struct stopper {
    int fd;
    atomic_bool stop;
};

/* Says stop once the program is seen to run. */
static void *say_stop(void *ctx)
{
    struct stopper *s = ctx;
    struct pollfd p = {.fd = s->fd, .events = POLLIN};

    (void)poll(&p, 1, PATIENCE_MS);
    atomic_store(&s->stop, true);
    return NULL;
}

static void another_thread_stops_it(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/sh", "-c", "exec 3>$FIFO; printf x >&3; sleep 10000", NULL};
    struct stopper s = {.fd = w->alive};
    struct until u = {.at = INT64_MAX, .stop = &s.stop};
    pthread_t thread;

    assert_int_equal(pthread_create(&thread, NULL, say_stop, &s), 0);
    assert_int_equal(run_with(w, argv, nothing, &u), -1);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_string_equal(w->e.text, "/bin/sh was killed, as we are to stop");
    assert_nobody_is_left(w);
}

static void too_much_output_ends_it(void **state)
{
    struct world *w = *state;
    const char *const argv[] = {"/bin/sh", "-c", "exec 3>$FIFO; printf x >&3; yes", NULL};
    const struct until never = {.at = INT64_MAX};
    size_t i;

    w->out = BUF_INIT(100000);
    assert_int_equal(run_with(w, argv, nothing, &never), -1);
    assert_string_equal(w->e.text, "the output of /bin/sh is larger than 100000 bytes");
    assert_int_equal(w->e.code, ERR_TOO_LARGE);
    assert_true(w->out.len <= 100000);
    for (i = 0; i + 1 < w->out.len; i += 2)
        assert_memory_equal(w->out.data + i, "y\n", 2);
    assert_nobody_is_left(w);
}

/* A pipe full of it, and then the program's end, which is mostly seen before all of it is read. */
static void what_came_before_the_end_is_read(void **state)
{
    struct world *w = *state;
    int round;

    for (round = 0; round < ENDS; round++) {
        buf_free(&w->out);
        w->out = BUF_INIT(PIPE_FULL);
        GOOD(run_script(w, "head -c 65536 /dev/zero", nothing));
        assert_int_equal(w->out.len, PIPE_FULL);
        buf_free(&w->out);
        w->out = BUF_INIT(PIPE_FULL - 1);
        assert_int_equal(run_script(w, "head -c 65536 /dev/zero", nothing), -1);
        assert_string_equal(w->e.text, "the output of /bin/sh is larger than 65535 bytes");
    }
}

static void complaints_without_end_are_no_burden(void **state)
{
    struct world *w = *state;

    GOOD(run_script(w, "yes complaint | head -c 10000000 >&2; echo >&2; echo last >&2", nothing));
    assert_string_equal(w->end.line, "last");
}

/* ---- */

#define WITH_WORLD(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_WORLD(output_is_kept),
        WITH_WORLD(arguments_arrive),
        WITH_WORLD(no_input_is_empty_input),
        WITH_WORLD(large_texts_go_both_ways),
        WITH_WORLD(input_may_be_ignored),
        WITH_WORLD(a_status_is_told_with_the_last_line),
        WITH_WORLD(a_long_line_is_cut),
        WITH_WORLD(a_signal_is_told),
        WITH_WORLD(what_cannot_be_run_is_told),
        WITH_WORLD(environment_is_what_was_given),
        WITH_WORLD(no_descriptor_is_inherited),
        WITH_WORLD(no_signal_is_blocked_or_ignored),
        WITH_WORLD(it_leads_a_session),
        WITH_WORLD(a_grandchild_does_not_hold_us),
        WITH_WORLD(all_are_killed_at_the_deadline),
        WITH_WORLD(a_deadline_that_is_over_starts_nothing),
        WITH_WORLD(another_thread_stops_it),
        WITH_WORLD(too_much_output_ends_it),
        WITH_WORLD(what_came_before_the_end_is_read),
        WITH_WORLD(complaints_without_end_are_no_burden),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
