/* SPDX-License-Identifier: MIT */
/* Numbers that are counted, by many processes and threads at once. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "stats_case.h"

enum { PROCESSES = 8, ROUNDS = 2000 };

static void process(const char *path)
{
    struct stats *s = stats_open(path, true);
    char text[32];
    int i;

    for (i = 0; i < ROUNDS; i++) {
        (void)snprintf(text, sizeof text, "type-%d", i % 500);
        stats_created(s, str_of(text), 1);
        stats_admitted(s, VM, 0, NOW);
        stats_http(s, 2, 200, 1);
    }
    _exit(s ? 0 : 1);
}

static void processes_that_start_at_once_share_one_file(void **state)
{
    struct world *w = *state;
    struct stats_queue q;
    struct stats *s;
    int64_t sum = 0;
    char text[32];
    int i, status;

    for (i = 0; i < PROCESSES; i++) {
        pid_t pid = fork();

        assert_true(pid >= 0);
        if (pid == 0)
            process(w->path);
    }
    for (i = 0; i < PROCESSES; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    s = open_it(w->path);
    for (i = 0; i < 500; i++) {
        (void)snprintf(text, sizeof text, "type-%d", i);
        sum += created(s, str_of(text));
    }
    assert_int_equal(sum, PROCESSES * ROUNDS);
    assert_int_equal(stats_read_status(s, 2, 200), PROCESSES * ROUNDS);
    stats_queue(s, VM, NOW, &q);
    assert_int_equal(q.admitted, PROCESSES * ROUNDS);
    assert_int_equal(q.last_minute, PROCESSES * ROUNDS);
    stats_close(s);
}

static void a_bad_file_met_by_many_at_once_is_made_anew_once(void **state)
{
    struct world *w = *state;

    stats_close(open_it(w->path));
    spoil(w->path, 0, "x");
    processes_that_start_at_once_share_one_file(state);
}

static void *thread(void *arg)
{
    struct stats *s = stats_open(arg, true);
    struct stats_last_pass p;
    struct stats_queue q;
    int64_t i;

    for (i = 1; i <= ROUNDS; i++) {
        p = (struct stats_last_pass){i, i, i, i, i};
        stats_queue_pass(s, VM, &p);
        stats_created(s, VM, 1);
        stats_admitted(s, VM, i, NOW);
        stats_queue(s, VM, NOW, &q);
    }
    stats_close(s);
    return NULL;
}

static void *one_writer(void *arg)
{
    struct stats *s = stats_open(arg, true);
    struct stats_last_pass p;
    int64_t i;

    for (i = 1; i <= 20 * ROUNDS; i++) {
        p = (struct stats_last_pass){i, i, i, i, i};
        stats_queue_pass(s, VM, &p);
    }
    stats_close(s);
    return NULL;
}

static void threads_count_together(void **state)
{
    struct world *w = *state;
    struct stats *s = open_it(w->path);
    pthread_t t[PROCESSES];
    size_t i;

    for (i = 0; i < PROCESSES; i++)
        assert_int_equal(pthread_create(&t[i], NULL, thread, i % 2 ? w->path : w->same), 0);
    for (i = 0; i < PROCESSES; i++)
        assert_int_equal(pthread_join(t[i], NULL), 0);
    assert_int_equal(created(s, VM), PROCESSES * ROUNDS);
    stats_close(s);
}

static void a_pass_is_read_whole(void **state)
{
    struct world *w = *state;
    struct stats *s = open_it(w->same);
    struct stats_queue q;
    pthread_t t;
    int64_t seen = 0;

    assert_int_equal(pthread_create(&t, NULL, one_writer, w->path), 0);
    while (seen < 20 * ROUNDS) {
        stats_queue(s, VM, NOW, &q);
        assert_true(q.last.at >= seen);
        seen = q.last.at;
        assert_int_equal(q.last.ns, seen);
        assert_int_equal(q.last.admitted, seen);
        assert_int_equal(q.last.groups, seen);
        assert_int_equal(q.last.reasons, seen);
    }
    assert_int_equal(pthread_join(t, NULL), 0);
    stats_close(s);
}

static void kill_9_leaves_nothing_half(void **state)
{
    struct world *w = *state;
    struct stats *s;
    int64_t before = 0;
    int i;

    for (i = 0; i < 20; i++) {
        int ready[2], status;
        pid_t pid;
        char c;

        assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            s = stats_open(w->path, true);
            stats_created(s, VM, 1);
            (void)!write(ready[1], "", 1);
            for (;;)
                thread(w->path);
        }
        assert_int_equal(read(ready[0], &c, 1), 1);
        assert_int_equal(kill(pid, SIGKILL), 0);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(close(ready[0]) | close(ready[1]), 0);
        s = open_it(w->path);
        assert_true(created(s, VM) > before);
        before = created(s, VM);
        stats_close(s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        IN_A_WORLD(processes_that_start_at_once_share_one_file),
        IN_A_WORLD(a_bad_file_met_by_many_at_once_is_made_anew_once),
        IN_A_WORLD(threads_count_together),
        IN_A_WORLD(a_pass_is_read_whole),
        IN_A_WORLD(kill_9_leaves_nothing_half),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
