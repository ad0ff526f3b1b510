/* SPDX-License-Identifier: MIT */
/*
 * The set of all connections: one epoll set with the listening socket, the parked connections, and
 * two eventfds.
 *
 * The listening socket and the connections are armed for one event (EPOLLONESHOT). The eventfd of
 * CONN_DONE is edge-triggered and never read: each write wakes one thread. That of CONN_END is
 * level-triggered and never read: once written, it wakes everybody.
 *
 * When no more connections may or can be accepted (the limit, no descriptors left), some that are
 * idle are cut, which ends them as if the web server had closed them; and the listening socket
 * stays unarmed, `deaf`, until the next connection is closed, or for a second.
 */
#include "conn.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "half.h"
#include "log.h"

enum {
    ACCEPT_MOST = 16, /* by one thread in one go; others wait for it meanwhile */
    DEAF_MS = 1000,
    READ_TIMEOUT = 10, /* seconds that the web server may let us wait within a request */
    SEND_TIMEOUT = 30
};

struct conn_set {
    struct listener *listener;
    struct half *half;
    struct lanes lanes, senders; /* `lanes`: of the slow ones of both kinds */
    struct slow slow;
    int epoll, done, end; /* descriptors; constant */
    int most;             /* connections; constant */
    atomic_int count;
    atomic_bool deaf, ending;
    _Atomic int64_t deaf_until; /* clock_mono */
    pthread_mutex_t lock;       /* guards what follows, and a connection's `idle` */
    struct conn *all, *last;    /* those that were parked last stand first */
};

static int watch(struct conn_set *set, int op, int fd, uint32_t events, void *tag)
{
    struct epoll_event event = {.events = events, .data.ptr = tag};

    return epoll_ctl(set->epoll, op, fd, &event);
}

static void arm_listener(struct conn_set *set)
{
    /* It fails at the end only, when the socket has been taken out. */
    (void)watch(set, EPOLL_CTL_MOD, set->listener->fd, EPOLLIN | EPOLLONESHOT, set->listener);
}

/* Under the lock. */
static void put_first(struct conn_set *set, struct conn *c)
{
    c->prev = NULL;
    c->next = set->all;
    *(c->next ? &c->next->prev : &set->last) = c;
    set->all = c;
}

/* Under the lock. */
static void take_out(struct conn_set *set, struct conn *c)
{
    *(c->prev ? &c->prev->next : &set->all) = c->next;
    *(c->next ? &c->next->prev : &set->last) = c->prev;
}

static void link_conn(struct conn_set *set, struct conn *c)
{
    (void)pthread_mutex_lock(&set->lock);
    put_first(set, c);
    (void)pthread_mutex_unlock(&set->lock);
    atomic_fetch_add(&set->count, 1);
}

static void unlink_conn(struct conn_set *set, struct conn *c)
{
    (void)pthread_mutex_lock(&set->lock);
    take_out(set, c);
    (void)pthread_mutex_unlock(&set->lock);
    atomic_fetch_sub(&set->count, 1);
}

/* It is idle from now on, or is not; `part`: with a part of a request. */
static void set_idle(struct conn_set *set, struct conn *c, bool idle, bool part)
{
    (void)pthread_mutex_lock(&set->lock);
    if (idle) {
        take_out(set, c);
        put_first(set, c);
    }
    c->idle = idle;
    c->part = part;
    (void)pthread_mutex_unlock(&set->lock);
}

/* Has something come that nobody has looked at? Whoever sent it waits for its answer. */
static bool is_asked(const struct conn *c)
{
    char byte;

    return !c->part && recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

/* Cuts some of those that have been idle for longest. The thread that waits for each of them closes
 * it. */
static void cut_idle(struct conn_set *set)
{
    struct conn *c;
    int n = 0;

    (void)pthread_mutex_lock(&set->lock);
    for (c = set->last; c && n < ACCEPT_MOST; c = c->prev) {
        if (!c->idle || is_asked(c))
            continue;
        c->idle = false;
        c->cut = true;
        (void)shutdown(c->fd, SHUT_RDWR);
        n++;
    }
    (void)pthread_mutex_unlock(&set->lock);
}

static void set_limits(int fd)
{
    struct timeval in = {.tv_sec = READ_TIMEOUT}, out = {.tv_sec = SEND_TIMEOUT};
    int on = 1;

    (void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &in, sizeof in);
    (void)setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &out, sizeof out);
    /* Fails where the socket is no TCP socket, as it mostly is not. */
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

/* Arms a connection. Another thread may be woken for it before epoll_ctl has come back, and may
 * well go on: only before its descriptor may be closed, it waits until we have let go
 * (conn_settle). */
static int park(struct conn_set *set, int op, struct conn *c)
{
    int rc;

    set_idle(set, c, true, false);
    (void)pthread_mutex_lock(&c->arming);
    rc = watch(set, op, c->fd, EPOLLIN | EPOLLRDHUP | EPOLLONESHOT, c);
    (void)pthread_mutex_unlock(&c->arming);
    return rc;
}

static void take_socket(struct conn_set *set, int fd)
{
    struct conn *c = calloc(1, sizeof *c);

    if (!c) {
        (void)close(fd);
        return;
    }
    c->fd = fd;
    c->link = fcgx_new(fd, &set->slow);
    if (!c->link) {
        free(c);
        return;
    }
    (void)pthread_mutex_init(&c->arming, NULL);
    set_limits(fd);
    link_conn(set, c);
    if (park(set, EPOLL_CTL_ADD, c) != 0)
        conn_drop(set, c);
}

static void go_deaf(struct conn_set *set)
{
    atomic_store(&set->deaf_until, clock_mono() + DEAF_MS * NS_PER_MS);
    atomic_store(&set->deaf, true); /* first: whoever closes one that is cut looks at it */
    cut_idle(set);
}

static void accept_some(struct conn_set *set)
{
    int i, fd;

    for (i = 0; i < ACCEPT_MOST; i++) {
        if (atomic_load(&set->count) >= set->most) {
            go_deaf(set);
            return;
        }
        fd = accept4(set->listener->fd, NULL, NULL, SOCK_CLOEXEC);
        if (fd < 0 && (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM)) {
            log_warn("accept", "errno=%d connections=%d", errno, atomic_load(&set->count));
            go_deaf(set);
            return;
        }
        if (fd < 0)
            break;
        take_socket(set, fd);
    }
    arm_listener(set);
}

static void end_deafness(struct conn_set *set)
{
    if (atomic_load(&set->deaf) && atomic_exchange(&set->deaf, false))
        arm_listener(set);
}

/* Another request that comes in slowly may be read now. */
static void leave_lane(struct conn_set *set, struct conn *c)
{
    if (set->half && c->half.lane) /* whoever has it in hand is the only one who changes that */
        half_leave_lane(set->half, c);
}

bool conn_rest(struct conn_set *set, struct conn *c)
{
    bool whole = fcgx_rest(c->link);

    leave_lane(set, c);
    return whole;
}

void conn_park(struct conn_set *set, struct conn *c)
{
    if (atomic_load(&set->ending) || park(set, EPOLL_CTL_MOD, c) != 0)
        conn_drop(set, c);
}

void conn_settle(struct conn *c)
{
    (void)pthread_mutex_lock(&c->arming);
    (void)pthread_mutex_unlock(&c->arming);
}

void conn_drop(struct conn_set *set, struct conn *c)
{
    leave_lane(set, c);
    unlink_conn(set, c);
    conn_settle(c);
    fcgx_free(c->link);
    (void)pthread_mutex_destroy(&c->arming);
    free(c);
    end_deafness(set);
}

/* Is a request there? The web server may as well have closed it. */
static bool is_readable(struct conn_set *set, struct conn *c)
{
    switch (half_look(set->half, c)) {
    case HALF_WHOLE:
        if (half_begin(set->half, c))
            return true;
        conn_drop(set, c);
        return false;
    case HALF_PART:
        set_idle(set, c, true, true);
        half_take(set->half, c);
        return false;
    case HALF_NOTHING:
        conn_park(set, c);
        return false;
    case HALF_GONE:
        conn_drop(set, c);
    }
    return false;
}

/* False: it has been dealt with. */
static bool translate(struct conn_set *set, void *tag, struct conn_event *event)
{
    *event = (struct conn_event){0};
    if (tag == set->listener) {
        accept_some(set);
        return false;
    }
    if (tag == &set->done) {
        event->kind = CONN_DONE;
        return true;
    }
    if (tag == &set->end) {
        event->kind = CONN_END;
        return true;
    }
    event->kind = CONN_READABLE;
    event->conn = tag;
    set_idle(set, event->conn, false, false);
    if (event->conn->cut) { /* what came behind the cut is not carried out: no answer gets there */
        conn_drop(set, event->conn);
        return false;
    }
    return is_readable(set, event->conn);
}

/* For how many ms may a thread wait now? */
static int may_wait(const struct conn_set *set)
{
    int64_t ns;

    if (!atomic_load(&set->deaf))
        return -1;
    ns = atomic_load(&set->deaf_until) - clock_mono();
    return ns > 0 ? (int)((ns + NS_PER_MS - 1) / NS_PER_MS) : 0;
}

size_t conn_wait(struct conn_set *set, struct conn_event *event, size_t most)
{
    struct epoll_event ready[2];
    int i, n;
    size_t sum = 0;

    n = epoll_wait(set->epoll, ready, (int)most, may_wait(set));
    if (may_wait(set) == 0) /* also where there is something else to do all the time */
        end_deafness(set);
    for (i = 0; i < n; i++)
        sum += translate(set, ready[i].data.ptr, &event[sum]);
    return sum;
}

static void tell(int fd)
{
    uint64_t one = 1;
    ssize_t n = write(fd, &one, sizeof one);

    (void)n; /* only a counter near 2^64 refuses */
}

void conn_tell_done(struct conn_set *set)
{
    tell(set->done);
}

void conn_tell_end(struct conn_set *set)
{
    atomic_store(&set->ending, true);
    half_end(set->half);
    (void)epoll_ctl(set->epoll, EPOLL_CTL_DEL, set->listener->fd, NULL);
    tell(set->end);
}

void conn_cut_all(struct conn_set *set)
{
    struct conn *c;

    (void)pthread_mutex_lock(&set->lock);
    for (c = set->all; c; c = c->next)
        (void)shutdown(c->fd, SHUT_RDWR);
    (void)pthread_mutex_unlock(&set->lock);
}

static int watch_all(struct conn_set *set, struct err *e)
{
    set->epoll = epoll_create1(EPOLL_CLOEXEC);
    set->done = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    set->end = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (set->epoll < 0 || set->done < 0 || set->end < 0 ||
        watch(set, EPOLL_CTL_ADD, set->done, EPOLLIN | EPOLLET, &set->done) != 0 ||
        watch(set, EPOLL_CTL_ADD, set->end, EPOLLIN, &set->end) != 0 ||
        watch(set, EPOLL_CTL_ADD, set->listener->fd, EPOLLIN | EPOLLONESHOT, set->listener) != 0)
        return err_errno(e, ERR_INTERNAL, "cannot make the set of connections");
    return 0;
}

/* How many connections there may be. */
static int most_connections(void)
{
    struct rlimit limit;

    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur >= CONN_MAX + CONN_SPARE)
        return CONN_MAX;
    return limit.rlim_cur > 2 * CONN_SPARE ? (int)limit.rlim_cur - CONN_SPARE
                                           : (int)limit.rlim_cur / 2;
}

/* Half of the threads may wait for those who send slowly and half for those who read slowly, but
 * not all at once. A single one has to wait for either. */
static void open_lanes(struct conn_set *set, size_t workers)
{
    size_t most = workers > 1 ? workers / 2 : 1;

    atomic_init(&set->lanes.free, workers > 1 ? workers - 1 : 2);
    atomic_init(&set->senders.free, most);
    atomic_init(&set->slow.lanes.free, most);
    set->senders.all = set->slow.lanes.all = &set->lanes;
}

int conn_set_open(struct listener *l, size_t workers, struct conn_set **out, struct err *e)
{
    struct conn_set *set = calloc(1, sizeof *set);

    if (!set)
        return err_set(e, ERR_INTERNAL, "no memory for the set of connections");
    set->listener = l;
    set->most = most_connections();
    open_lanes(set, workers);
    (void)pthread_mutex_init(&set->lock, NULL);
    if (watch_all(set, e) != 0 || half_open(set, &set->senders, &set->half, e) != 0) {
        conn_set_close(set);
        return -1;
    }
    *out = set;
    return 0;
}

static void close_fd(int fd)
{
    if (fd >= 0)
        (void)close(fd);
}

void conn_set_close(struct conn_set *set)
{
    if (!set)
        return;
    /* The listening socket may be the web server's or systemd's as well: it is left as it is. */
    atomic_store(&set->deaf, false);
    half_close(set->half);
    set->half = NULL;
    while (set->all)
        conn_drop(set, set->all);
    close_fd(set->epoll);
    close_fd(set->done);
    close_fd(set->end);
    (void)pthread_mutex_destroy(&set->lock);
    free(set);
}
