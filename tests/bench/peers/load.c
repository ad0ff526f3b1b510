/* SPDX-License-Identifier: MIT */
/* Jobs for beanstalkd and Redis, from so many clients as one wants, all in one loop: each sends a
 * request, waits for the answer to it, looks whether it is the right one, and sends the next.
 * usage: load put|lpush SOCKET CLIENTS JOBS SECONDS RUN
 * JOBS is how many one request carries; RUN goes into the jobs' names. Prints a line as post.lua
 * does. */
#include <errno.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "buf.h"
#include "clock.h"
#include "num.h"

enum { CLIENTS_MAX = 1024, JOBS_MAX = 1000, LINE_MAX_BYTES = 256 };

/* One way of handing jobs over. */
struct way {
    const char *name;
    void (*write)(struct buf *b, const struct buf *jobs, int count);
    const char *answer; /* how each line of an answer begins */
    bool line_a_job;    /* the answer has a line for each job, else one for all */
};

struct client {
    int fd;
    int to_come; /* lines of the answer */
    int64_t sent;
    char line[LINE_MAX_BYTES];
    size_t have;
};

struct load {
    const struct way *way;
    const char *run;
    int jobs; /* a request */
    int64_t named;
    struct buf job[JOBS_MAX], request;
    struct client clients[CLIENTS_MAX];
    uint32_t *us; /* how long each request took */
    size_t done, room;
    int busy; /* clients that wait for an answer */
};

static void fail(const char *what, const char *said)
{
    fprintf(stderr, "load: %s: %s\n", what, said);
    exit(1);
}

static void must(bool well, const char *what)
{
    char why[128] = "";

    if (!well)
        fail(what, strerror_r(errno, why, sizeof why));
}

/* beanstalkd: a command a job, all of a request at once. */
static void write_put(struct buf *b, const struct buf *jobs, int count)
{
    int i;

    for (i = 0; i < count; i++)
        buf_printf(b, "put 0 0 60 %zu\r\n%s\r\n", jobs[i].len, jobs[i].data);
}

/* Redis: one command for all. */
static void write_lpush(struct buf *b, const struct buf *jobs, int count)
{
    int i;

    buf_printf(b, "*%d\r\n$5\r\nLPUSH\r\n$4\r\njobs\r\n", count + 2);
    for (i = 0; i < count; i++)
        buf_printf(b, "$%zu\r\n%s\r\n", jobs[i].len, jobs[i].data);
}

static const struct way ways[] = {
    {"put", write_put, "INSERTED ", true},
    {"lpush", write_lpush, ":", false},
};

static void ask(struct load *l, struct client *c)
{
    size_t sent = 0;
    ssize_t n;
    int i;

    for (i = 0; i < l->jobs; i++, l->named++) {
        buf_reset(&l->job[i]);
        buf_printf(&l->job[i],
                   "{\"request_id\":\"%s-%lld\",\"owner_id\":\"y\",\"data\":{\"instances\":"
                   "[{\"VCPU\":1,\"Memory\":1,\"Disk\":1}],\"project\":\"project id\"},"
                   "\"callback\":\"%s-%lld\"}",
                   l->run, (long long)l->named, l->run, (long long)l->named);
    }
    buf_reset(&l->request);
    l->way->write(&l->request, l->job, l->jobs);
    must(!l->request.failed, "a request");
    c->to_come = l->way->line_a_job ? l->jobs : 1;
    c->sent = clock_mono();
    l->busy++;
    for (; sent < l->request.len; sent += (size_t)n) {
        n = send(c->fd, l->request.data + sent, l->request.len - sent, MSG_NOSIGNAL);
        must(n > 0, "sending");
    }
}

static void answered(struct load *l, struct client *c)
{
    if (l->done == l->room) {
        l->room = l->room ? 2 * l->room : 1 << 16;
        l->us = realloc(l->us, l->room * sizeof *l->us);
        must(l->us, "memory");
    }
    l->us[l->done++] = (uint32_t)((clock_mono() - c->sent) / NS_PER_US);
    l->busy--;
}

/* Whole lines of what came; the beginning of another one is kept. */
static void take(struct load *l, struct client *c)
{
    char *at = c->line, *end;
    size_t left;

    while ((end = memchr(at, '\n', (size_t)(c->line + c->have - at)))) {
        *end = '\0';
        if (strncmp(at, l->way->answer, strlen(l->way->answer)) != 0 || c->to_come == 0)
            fail("not the answer that was to come", at);
        if (--c->to_come == 0)
            answered(l, c);
        at = end + 1;
    }
    left = (size_t)(c->line + c->have - at);
    memmove(c->line, at, left);
    c->have = left;
}

static void hear(struct load *l, struct client *c)
{
    ssize_t n = recv(c->fd, c->line + c->have, sizeof c->line - c->have, MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    must(n >= 0, "an answer");
    if (n == 0)
        fail("an answer", "the connection was closed, or the line is too long");
    c->have += (size_t)n;
    take(l, c);
}

static void run(struct load *l, int set, int64_t end)
{
    struct epoll_event events[CLIENTS_MAX];
    struct client *c;
    int i, n;

    while (l->busy) {
        n = epoll_wait(set, events, CLIENTS_MAX, -1);
        must(n >= 0 || errno == EINTR, "waiting");
        for (i = 0; i < n; i++) {
            c = events[i].data.ptr;
            hear(l, c);
            if (!c->to_come && clock_mono() < end)
                ask(l, c);
        }
    }
}

static int connected(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    must(fd >= 0, "a socket");
    if (snprintf(to.sun_path, sizeof to.sun_path, "%s", path) >= (int)sizeof to.sun_path)
        fail(path, "too long");
    must(connect(fd, (struct sockaddr *)&to, sizeof to) == 0, path);
    return fd;
}

static int by_size(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

    return (x > y) - (x < y);
}

static void start(struct load *l, const char *path, int clients, int64_t seconds)
{
    struct epoll_event watch = {.events = EPOLLIN};
    int i, set = epoll_create1(EPOLL_CLOEXEC);
    int64_t began;

    must(set >= 0, "epoll");
    for (i = 0; i < JOBS_MAX; i++)
        l->job[i] = BUF_INIT(4096);
    l->request = BUF_INIT(1 << 24);
    for (i = 0; i < clients; i++) {
        l->clients[i].fd = connected(path);
        watch.data.ptr = &l->clients[i];
        must(epoll_ctl(set, EPOLL_CTL_ADD, l->clients[i].fd, &watch) == 0, "epoll");
    }
    began = clock_mono();
    for (i = 0; i < clients; i++)
        ask(l, &l->clients[i]);
    run(l, set, began + seconds * NS_PER_S);
    began = clock_mono() - began;
    qsort(l->us, l->done, sizeof *l->us, by_size);
    printf("BENCH {\"requests\": %zu, \"us\": %lld, \"errors\": 0, \"p50\": %u, \"p99\": %u}\n",
           l->done, (long long)(began / NS_PER_US), l->us[l->done / 2], l->us[l->done * 99 / 100]);
}

int main(int argc, char **argv)
{
    struct load *l = calloc(1, sizeof *l);
    int64_t clients, jobs, seconds;
    size_t i;

    must(l, "memory");
    for (i = 0; argc == 7 && i < sizeof ways / sizeof ways[0]; i++)
        l->way = strcmp(argv[1], ways[i].name) == 0 ? &ways[i] : l->way;
    if (!l->way || num_i64(str_of(argv[3]), 1, CLIENTS_MAX, &clients) != 0 ||
        num_i64(str_of(argv[4]), 1, JOBS_MAX, &jobs) != 0 ||
        num_i64(str_of(argv[5]), 1, 3600, &seconds) != 0) {
        fprintf(stderr, "usage: load put|lpush SOCKET CLIENTS JOBS SECONDS RUN\n");
        return 2;
    }
    l->jobs = (int)jobs;
    l->run = argv[6];
    start(l, argv[2], (int)clients, seconds);
    return 0;
}
