/* SPDX-License-Identifier: MIT */
/* A receiver of callbacks that takes its time, the same for each: 204 after so many ms, on all
 * addresses of this machine, connections kept. It says its port on stdout, and when its stdin ends
 * how many requests it had and how many connections, and leaves.
 * usage: receiver MS */
#include <arpa/inet.h>
#include <errno.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base.h"
#include "clock.h"
#include "num.h"

enum { CONNECTIONS = 16384, REQUEST_MAX = 8192, EVENTS = 256 };

struct connection {
    size_t have;
    char text[REQUEST_MAX];
};

/* Who is to be answered, in the order of time: all wait equally long. A connection has one request
 * under way at the most, so that the ring never is too small. */
struct waiting {
    int64_t at;
    int fd;
};

struct receiver {
    int epoll, timer, listening;
    int64_t delay, requests, taken;
    struct connection *connection[CONNECTIONS]; /* by descriptor */
    size_t first, n;
    struct waiting ring[CONNECTIONS];
};

static _Noreturn void die(const char *what)
{
    perror(what);
    exit(EXIT_FAILURE);
}

static void watch(const struct receiver *r, int fd)
{
    struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

    if (epoll_ctl(r->epoll, EPOLL_CTL_ADD, fd, &event) != 0)
        die("epoll_ctl");
}

static void take(struct receiver *r)
{
    int fd;

    while ((fd = accept4(r->listening, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
        if (fd >= CONNECTIONS)
            die("too many connections");
        if (!r->connection[fd])
            r->connection[fd] = malloc(sizeof *r->connection[fd]);
        if (!r->connection[fd])
            die("malloc");
        r->connection[fd]->have = 0;
        r->taken++;
        watch(r, fd);
    }
}

/* Is the request whole: its head, and as much of a body as that says? */
static bool is_whole(struct connection *c)
{
    const char *end, *length;
    int64_t body = 0;

    c->text[c->have] = '\0';
    end = strstr(c->text, "\r\n\r\n");
    if (!end)
        return false;
    length = strcasestr(c->text, "\r\ncontent-length:");
    if (length && length < end)
        body = strtoll(length + 17, NULL, 10);
    return (int64_t)c->have >= end + 4 - c->text + body;
}

static void set_timer(const struct receiver *r)
{
    int64_t left = r->n == 0 ? 0 : r->ring[r->first].at - clock_mono();
    struct itimerspec when = {0};

    left = r->n > 0 && left < 1 ? 1 : left;
    when.it_value = (struct timespec){left / NS_PER_S, left % NS_PER_S};
    if (timerfd_settime(r->timer, 0, &when, NULL) != 0)
        die("timerfd_settime");
}

static void hear(struct receiver *r, int fd)
{
    struct connection *c = r->connection[fd];
    ssize_t n = read(fd, c->text + c->have, REQUEST_MAX - 1 - c->have);

    if (n == 0 || (n < 0 && errno != EAGAIN)) {
        (void)close(fd);
        return;
    }
    c->have += n > 0 ? (size_t)n : 0;
    if (!is_whole(c))
        return;
    c->have = 0;
    r->requests++;
    r->ring[(r->first + r->n++) % CONNECTIONS] = (struct waiting){clock_mono() + r->delay, fd};
    if (r->n == 1)
        set_timer(r);
}

static void answer(struct receiver *r)
{
    static const char text[] = "HTTP/1.1 204 No Content\r\n\r\n";
    int64_t now = clock_mono();

    for (; r->n > 0 && r->ring[r->first].at <= now; r->n--, r->first = (r->first + 1) % CONNECTIONS)
        if (write(r->ring[r->first].fd, text, sizeof text - 1) != sizeof text - 1)
            die("write");
    set_timer(r);
}

static void begin(struct receiver *r)
{
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    struct rlimit files = {CONNECTIONS, CONNECTIONS};

    (void)setrlimit(RLIMIT_NOFILE, &files);
    r->listening = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    r->epoll = epoll_create1(EPOLL_CLOEXEC);
    r->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
    if (r->listening < 0 || r->epoll < 0 || r->timer < 0 ||
        bind(r->listening, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(r->listening, 4096) != 0 ||
        getsockname(r->listening, (struct sockaddr *)&address, &size) != 0)
        die("listen");
    watch(r, r->listening);
    watch(r, r->timer);
    watch(r, STDIN_FILENO);
    printf("%d\n", ntohs(address.sin_port));
    (void)fflush(stdout);
}

/* False: stdin has ended. */
static bool turn(struct receiver *r)
{
    struct epoll_event event[EVENTS];
    int n = epoll_wait(r->epoll, event, EVENTS, -1);

    for (int i = 0; i < n; i++) {
        int fd = event[i].data.fd;

        if (fd == STDIN_FILENO)
            return false;
        if (fd == r->listening)
            take(r);
        else if (fd == r->timer)
            answer(r);
        else
            hear(r, fd);
    }
    return n >= 0 || errno == EINTR;
}

int main(int argc, char **argv)
{
    struct receiver *r = calloc(1, sizeof *r);
    int64_t ms;

    if (!r || argc != 2 || num_i64(str_of(argv[1]), 0, 60000, &ms) != 0)
        return 2;
    r->delay = ms * NS_PER_MS;
    begin(r);
    while (turn(r))
        ;
    printf("%lld %lld\n", (long long)r->requests, (long long)r->taken);
    return 0;
}
