/* SPDX-License-Identifier: MIT */
/*
 * A program run to a deadline. posix_spawn, since this process has threads and an open database:
 * nothing of ours runs between fork and exec. The program leads a session and so a process group,
 * which is killed as a whole before its leader is reaped: until then the group's number cannot
 * belong to anybody else. That the leader ended is seen at itself, not at the end of its output,
 * which a grandchild may hold open for ever.
 */
#include "child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "clock.h"
#include "plain.h"

enum {
    LOOK_UP_MS = 100, /* so often somebody may say stop */
    PIECE = 16384,
    FDS = 3 /* standard input, output, error */
};

struct run {
    const struct child_options *o;
    const struct until *until;
    struct buf *out;
    struct child_end *end;
    pid_t pid;
    int fd[FDS]; /* our ends of the pipes; -1: closed */
    int pidfd;   /* readable once it has ended; -1: the system has none */
    size_t written;
    char line[CHILD_LINE_MAX]; /* of standard error, the last one that is not empty */
    size_t line_length;
    bool line_ended;
};

static void close_fd(int *fd)
{
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
}

/* ---- start ---- */

/* ours[i] and theirs[i] are the two ends of a pipe; theirs[i] is to be its descriptor i. */
static int open_pipes(int ours[FDS], int theirs[FDS])
{
    int i, pair[2];

    for (i = 0; i < FDS; i++)
        ours[i] = theirs[i] = -1;
    for (i = 0; i < FDS; i++) {
        if (pipe2(pair, O_CLOEXEC) != 0)
            return -1;
        ours[i] = pair[i == STDIN_FILENO];
        theirs[i] = pair[i != STDIN_FILENO];
        if (fcntl(ours[i], F_SETFL, O_NONBLOCK) != 0)
            return -1;
    }
    return 0;
}

/* Returns an error number, as all of posix_spawn's functions do. */
static int set_descriptors(posix_spawn_file_actions_t *actions, const int theirs[FDS])
{
    int i, bad = 0;

    for (i = 0; i < FDS && !bad; i++)
        bad = posix_spawn_file_actions_adddup2(actions, theirs[i], i);
#if defined(__GLIBC__) && __GLIBC_PREREQ(2, 34)
    /* We open everything O_CLOEXEC; a library of ours may not. */
    if (!bad)
        bad = posix_spawn_file_actions_addclosefrom_np(actions, FDS);
#endif
    return bad;
}

static int set_attributes(posix_spawnattr_t *attributes)
{
    sigset_t all, none;
    int bad;

    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    bad = posix_spawnattr_setsigdefault(attributes, &all);
    if (!bad)
        bad = posix_spawnattr_setsigmask(attributes, &none);
    if (!bad)
        bad = posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGDEF |
                                                       POSIX_SPAWN_SETSIGMASK);
    return bad;
}

static int spawn(struct run *r, const int theirs[FDS])
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    int bad = posix_spawn_file_actions_init(&actions);

    if (bad)
        return bad;
    bad = posix_spawnattr_init(&attributes);
    if (!bad) {
        bad = set_descriptors(&actions, theirs);
        if (!bad)
            bad = set_attributes(&attributes);
        if (!bad)
            bad = posix_spawn(&r->pid, r->o->argv[0], &actions, &attributes,
                              (char *const *)(uintptr_t)r->o->argv,
                              (char *const *)(uintptr_t)r->o->env);
        (void)posix_spawnattr_destroy(&attributes);
    }
    (void)posix_spawn_file_actions_destroy(&actions);
    return bad;
}

static int start(struct run *r, struct err *e)
{
    int i, theirs[FDS], rc = 0;

    if (open_pipes(r->fd, theirs) != 0) {
        rc = err_errno(e, ERR_INTERNAL, "no pipe to %s", r->o->argv[0]);
    } else {
        errno = spawn(r, theirs);
        if (errno)
            rc = err_errno(e, ERR_UNAVAILABLE, "%s cannot be run", r->o->argv[0]);
    }
    for (i = 0; i < FDS; i++)
        close_fd(&theirs[i]);
    if (rc != 0)
        return rc;
    r->end->started = true;
#ifdef SYS_pidfd_open
    r->pidfd = (int)syscall(SYS_pidfd_open, r->pid, 0);
#endif
    return 0;
}

/* ---- while it runs ---- */

static void write_some(struct run *r)
{
    int *fd = &r->fd[STDIN_FILENO];
    size_t left = r->o->input.n - r->written;
    ssize_t n;

    if (*fd < 0)
        return;
    n = left ? write(*fd, r->o->input.p + r->written, left) : 0;
    if (n > 0)
        r->written += (size_t)n;
    /* A program that reads no further (EPIPE) is in its right. */
    if (r->written == r->o->input.n || (n < 0 && errno != EAGAIN && errno != EINTR))
        close_fd(fd);
}

static void keep_output(struct run *r, const char *p, size_t n)
{
    buf_add(r->out, p, n);
}

static void keep_line(struct run *r, const char *p, size_t n)
{
    for (; n > 0; p++, n--) {
        if (*p == '\n' || *p == '\r') {
            r->line_ended = true;
            continue;
        }
        if (r->line_ended)
            r->line_length = 0;
        r->line_ended = false;
        if (r->line_length < sizeof r->line)
            r->line[r->line_length++] = *p;
    }
}

static void (*const keep[FDS])(struct run *, const char *, size_t) = {
    [STDOUT_FILENO] = keep_output, [STDERR_FILENO] = keep_line};

/* Did something come? */
static bool read_some(struct run *r, int which)
{
    char piece[PIECE];
    ssize_t n;

    if (r->fd[which] < 0)
        return false;
    n = read(r->fd[which], piece, sizeof piece);
    if (n > 0)
        keep[which](r, piece, (size_t)n);
    else if (n == 0 || (errno != EAGAIN && errno != EINTR))
        close_fd(&r->fd[which]);
    return n > 0;
}

static bool read_both(struct run *r)
{
    bool out = read_some(r, STDOUT_FILENO), err = read_some(r, STDERR_FILENO);

    return (out || err) && !r->out->failed;
}

static void wait_for_news(const struct run *r)
{
    struct pollfd p[FDS + 1] = {
        {.fd = r->fd[STDIN_FILENO], .events = POLLOUT},
        {.fd = r->fd[STDOUT_FILENO], .events = POLLIN},
        {.fd = r->fd[STDERR_FILENO], .events = POLLIN},
        {.fd = r->pidfd, .events = POLLIN},
    };
    int64_t ms = until_left(r->until) / NS_PER_MS + 1;

    (void)poll(p, ARRAY_LEN(p), (int)(ms < LOOK_UP_MS ? ms : LOOK_UP_MS));
}

/* It stays to be reaped. */
static bool has_ended(const struct run *r)
{
    siginfo_t info = {0};

    return waitid(P_PID, (id_t)r->pid, &info, WEXITED | WNOHANG | WNOWAIT) != 0 ||
           info.si_pid == r->pid;
}

/* Until it ends, `until` is over, or it has written too much. Has it ended by itself? */
static bool attend(struct run *r)
{
    while (until_left(r->until) > 0 && !r->out->failed) {
        if (has_ended(r))
            return true;
        wait_for_news(r);
        write_some(r);
        (void)read_both(r);
    }
    return false;
}

/* ---- end ---- */

static void reap(struct run *r)
{
    int status = 0;
    pid_t pid;

    do {
        pid = waitpid(r->pid, &status, 0);
    } while (pid < 0 && errno == EINTR);
    if (pid == r->pid && WIFEXITED(status))
        r->end->status = WEXITSTATUS(status);
    if (pid == r->pid && WIFSIGNALED(status))
        r->end->signal = WTERMSIG(status);
}

static int say_killed(const struct run *r, struct err *e)
{
    const char *program = r->o->argv[0];
    const atomic_bool *stop = r->until->stop;
    int64_t tenths = (r->end->ns + NS_PER_S / 20) / (NS_PER_S / 10);
    char what[ERR_TEXT_MAX];

    if (r->out->failed) {
        (void)snprintf(what, sizeof what, "the output of %s", program);
        return buf_check(r->out, what, e);
    }
    if (stop && atomic_load(stop))
        return err_set(e, ERR_UNAVAILABLE, "%s was killed, as we are to stop", program);
    return err_set(e, ERR_UNAVAILABLE, "%s was killed after %g s", program, (double)tenths / 10);
}

static int say_ended(const struct run *r, struct err *e)
{
    const struct child_end *end = r->end;
    const char *program = r->o->argv[0], *colon = end->line[0] ? ": " : "";

    if (end->status == 0)
        return 0;
    if (end->status > 0)
        return err_set(e, ERR_UNAVAILABLE, "%s ended with status %d%s%s", program, end->status,
                       colon, end->line);
    if (end->signal > 0)
        return err_set(e, ERR_UNAVAILABLE, "%s was ended by signal %d%s%s", program, end->signal,
                       colon, end->line);
    return err_set(e, ERR_INTERNAL, "%s ended, but the system does not say how", program);
}

static int run(struct run *r, struct err *e)
{
    int64_t begin = clock_mono();
    bool ended;

    if (start(r, e) != 0)
        return -1;
    ended = attend(r);
    r->end->ns = clock_mono() - begin;
    (void)kill(-r->pid, SIGKILL);
    /* What it wrote before it ended. Others who hold the pipe may write for ever: until, the
     * buffer's limit. */
    while (ended && read_both(r) && until_left(r->until) > 0)
        continue;
    reap(r);
    (void)plain_text((struct str){r->line, r->line_length}, r->end->line, sizeof r->end->line);
    return ended && !r->out->failed ? say_ended(r, e) : say_killed(r, e);
}

/* SIGPIPE is this thread's while it runs: ignored or not, a write is to fail with EPIPE. */
static void hold_sigpipe(sigset_t *pipe, sigset_t *before)
{
    (void)sigemptyset(pipe);
    (void)sigaddset(pipe, SIGPIPE);
    (void)pthread_sigmask(SIG_BLOCK, pipe, before);
}

static void let_sigpipe(const sigset_t *pipe, const sigset_t *before)
{
    const struct timespec now = {0};

    if (!sigismember(before, SIGPIPE)) {
        while (sigtimedwait(pipe, NULL, &now) < 0 && errno == EINTR)
            continue;
    }
    (void)pthread_sigmask(SIG_SETMASK, before, NULL);
}

int child_run(const struct child_options *o, const struct until *until, struct buf *out,
              struct child_end *end, struct err *e)
{
    struct run r = {.o = o, .until = until, .out = out, .end = end, .pidfd = -1};
    sigset_t pipe, before;
    int i, rc;

    *end = (struct child_end){.status = -1};
    if (until_left(until) == 0)
        return err_set(e, ERR_UNAVAILABLE, "no time is left to run %s", o->argv[0]);
    hold_sigpipe(&pipe, &before);
    rc = run(&r, e);
    let_sigpipe(&pipe, &before);
    for (i = 0; i < FDS; i++)
        close_fd(&r.fd[i]);
    close_fd(&r.pidfd);
    return rc;
}
