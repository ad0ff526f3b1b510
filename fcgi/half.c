/* SPDX-License-Identifier: MIT */
/*
 * Connections on which a part of a request has come, and their doorkeeper.
 *
 * They stay in the set's epoll set, where they are not armed; and are in another one besides, which
 * only the doorkeeper waits on, edge-triggered: each piece that comes wakes it once. Only the
 * doorkeeper takes a connection off the list, so that one which it was woken for is there.
 *
 * Those that are read in a lane stand on a list of their own. A read knows how long nothing came,
 * and not how long it takes in all: hence the doorkeeper cuts them. For that it has a descriptor of
 * its own, since libfcgi may have closed the other one, and its number may be a stranger's.
 */
#include "half.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "clock.h"
#include "record.h"

/* Then what has its head gets a lane to be read in. Short: a sender who asks whether there is room
 * in the socket is told that there is none long before it is full, and goes on once it is read. */
#define BODY_WAIT  (100 * NS_PER_MS)
#define WHOLE_WAIT (10 * NS_PER_S) /* without a lane; then it is closed */
/* In one. A body's size is bounded, so that this is a rate as well: the largest comes in time by a
 * line of 150 kbit/s. */
#define LANE_WAIT (60 * NS_PER_S)

enum { EVENTS = 64, TICK_MS = 50 };

struct line {
    struct conn *first, *last; /* oldest first */
};

struct half {
    struct conn_set *set;
    struct lanes *lanes; /* constant */
    pthread_t thread;
    int epoll, news; /* constant */
    atomic_bool ending;
    pthread_mutex_t lock; /* guards what follows, and `half` of each connection on a list */
    struct line waiting;  /* the doorkeeper's */
    struct line timed;    /* read in a lane */
};

/* ---- under the lock ---- */

static void append(struct line *l, struct conn *c)
{
    c->half.since = clock_mono();
    c->half.prev = l->last;
    c->half.next = NULL;
    *(l->last ? &l->last->half.next : &l->first) = c;
    l->last = c;
}

static void take_off(struct line *l, struct conn *c)
{
    *(c->half.prev ? &c->half.prev->half.next : &l->first) = c->half.next;
    *(c->half.next ? &c->half.next->half.prev : &l->last) = c->half.prev;
}

static void end_time(struct half *h, struct conn *c)
{
    if (!c->half.timed)
        return;
    take_off(&h->timed, c);
    (void)close(c->half.fd);
    c->half.timed = false;
}

/* May it be read now, though it is not whole? */
static bool enter_lane(struct half *h, struct conn *c)
{
    c->half.lane = c->half.lane || lane_enter(h->lanes);
    return c->half.lane;
}

/* ---- any thread ---- */

static enum half_state judge(struct half *h, struct conn *c, const char *p, ssize_t n)
{
    enum record_state state = record_look(p, (size_t)n);
    bool enters;

    if (state == RECORD_WHOLE)
        return HALF_WHOLE;
    (void)pthread_mutex_lock(&h->lock);
    c->half.wants_lane = n == HALF_LOOK;
    c->half.has_head = state == RECORD_HEAD;
    enters = c->half.lane || (c->half.wants_lane && enter_lane(h, c));
    (void)pthread_mutex_unlock(&h->lock);
    return enters ? HALF_WHOLE : HALF_PART;
}

enum half_state half_look(struct half *h, struct conn *c)
{
    char room[HALF_LOOK];
    ssize_t n = recv(c->fd, room, sizeof room, MSG_PEEK | MSG_DONTWAIT);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return HALF_NOTHING;
    return n <= 0 ? HALF_GONE : judge(h, c, room, n);
}

void half_take(struct half *h, struct conn *c)
{
    struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.ptr = c};
    bool taken;

    (void)pthread_mutex_lock(&h->lock);
    taken = !atomic_load(&h->ending) && epoll_ctl(h->epoll, EPOLL_CTL_ADD, c->fd, &event) == 0;
    if (taken)
        append(&h->waiting, c);
    (void)pthread_mutex_unlock(&h->lock);
    if (!taken)
        conn_drop(h->set, c);
}

static void wake(struct half *h)
{
    uint64_t one = 1;
    ssize_t n = write(h->news, &one, sizeof one);

    (void)n; /* only a counter near 2^64 refuses */
}

bool half_begin(struct half *h, struct conn *c)
{
    bool first;
    int fd;

    if (!c->half.lane) /* only whoever has it in hand changes that */
        return true;
    fd = fcntl(c->fd, F_DUPFD_CLOEXEC, 0);
    if (fd < 0)
        return false;
    (void)pthread_mutex_lock(&h->lock);
    first = !h->waiting.first && !h->timed.first;
    c->half.fd = fd;
    c->half.timed = true;
    append(&h->timed, c);
    (void)pthread_mutex_unlock(&h->lock);
    if (first)
        wake(h); /* it looks at no clock where there is nothing */
    return true;
}

void half_leave_lane(struct half *h, struct conn *c)
{
    bool wanted = false;

    (void)pthread_mutex_lock(&h->lock);
    end_time(h, c);
    if (c->half.lane) {
        c->half.lane = false;
        lane_leave(h->lanes);
        wanted = h->waiting.first != NULL;
    }
    (void)pthread_mutex_unlock(&h->lock);
    if (wanted)
        wake(h);
}

/* ---- the doorkeeper ---- */

static struct conn *first(struct half *h)
{
    struct conn *c;

    (void)pthread_mutex_lock(&h->lock);
    c = h->waiting.first;
    (void)pthread_mutex_unlock(&h->lock);
    return c;
}

static bool has_some(struct half *h)
{
    bool some;

    (void)pthread_mutex_lock(&h->lock);
    some = h->waiting.first || h->timed.first;
    (void)pthread_mutex_unlock(&h->lock);
    return some;
}

static void let_go(struct half *h, struct conn *c, bool keep)
{
    (void)pthread_mutex_lock(&h->lock);
    take_off(&h->waiting, c);
    (void)epoll_ctl(h->epoll, EPOLL_CTL_DEL, c->fd, NULL);
    (void)pthread_mutex_unlock(&h->lock);
    if (keep)
        conn_park(h->set, c);
    else
        conn_drop(h->set, c);
}

/* Something has come, or it has been closed. */
static void look_again(struct half *h, struct conn *c, uint32_t events)
{
    enum half_state state = half_look(h, c);

    if (state == HALF_WHOLE)
        let_go(h, c, true);
    else if (state == HALF_GONE || (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)))
        let_go(h, c, false); /* the rest will not come */
}

/* Under the lock: is it time that it is read, whole or not? */
static bool may_enter(struct half *h, struct conn *c, int64_t age)
{
    return (c->half.wants_lane || (c->half.has_head && age >= BODY_WAIT)) && enter_lane(h, c);
}

/* Closes what has been there for too long, and lets those in for whom there is a lane. */
static void look_through(struct half *h, int64_t now)
{
    struct conn *c, *next;
    bool over, in;

    for (c = first(h); c; c = next) {
        (void)pthread_mutex_lock(&h->lock);
        next = c->half.next;
        over = now - c->half.since >= WHOLE_WAIT;
        in = !over && may_enter(h, c, now - c->half.since);
        (void)pthread_mutex_unlock(&h->lock);
        if (over || in)
            let_go(h, c, in);
    }
}

/* Whoever reads one that is cut sees its end, and gives its lane back. */
static void cut_slow(struct half *h, int64_t now)
{
    struct conn *c;

    (void)pthread_mutex_lock(&h->lock);
    while ((c = h->timed.first) != NULL && now - c->half.since >= LANE_WAIT) {
        (void)shutdown(c->half.fd, SHUT_RDWR);
        end_time(h, c);
    }
    (void)pthread_mutex_unlock(&h->lock);
}

static void *keep_door(void *arg)
{
    struct half *h = arg;
    struct epoll_event event[EVENTS];
    struct conn *c;
    eventfd_t number;
    int64_t now, next = 0;
    int i, n;

    while (!atomic_load(&h->ending)) {
        n = epoll_wait(h->epoll, event, EVENTS, has_some(h) ? TICK_MS : -1);
        for (i = 0; i < n; i++) {
            if (event[i].data.ptr != h)
                look_again(h, event[i].data.ptr, event[i].events);
            else if (eventfd_read(h->news, &number) == 0)
                next = 0;
        }
        now = clock_mono();
        if (now >= next) {
            look_through(h, now);
            cut_slow(h, now);
            next = now + TICK_MS * NS_PER_MS;
        }
    }
    while ((c = first(h)) != NULL)
        let_go(h, c, false);
    return NULL;
}

/* ---- start and end ---- */

void half_end(struct half *h)
{
    (void)pthread_mutex_lock(&h->lock);
    atomic_store(&h->ending, true); /* nothing comes on the list from now on */
    (void)pthread_mutex_unlock(&h->lock);
    wake(h);
}

static void free_half(struct half *h)
{
    if (h->epoll >= 0)
        (void)close(h->epoll);
    if (h->news >= 0)
        (void)close(h->news);
    (void)pthread_mutex_destroy(&h->lock);
    free(h);
}

int half_open(struct conn_set *set, struct lanes *lanes, struct half **out, struct err *e)
{
    struct half *h = calloc(1, sizeof *h);
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = h};
    int rc = 0;

    if (!h)
        return err_set(e, ERR_INTERNAL, "no memory for the set of connections");
    h->set = set;
    h->lanes = lanes;
    (void)pthread_mutex_init(&h->lock, NULL);
    h->epoll = epoll_create1(EPOLL_CLOEXEC);
    h->news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (h->epoll < 0 || h->news < 0 || epoll_ctl(h->epoll, EPOLL_CTL_ADD, h->news, &event) != 0 ||
        (rc = pthread_create(&h->thread, NULL, keep_door, h)) != 0) {
        errno = rc ? rc : errno;
        (void)err_errno(e, ERR_INTERNAL, "cannot watch connections");
        free_half(h);
        return -1;
    }
    *out = h;
    return 0;
}

void half_close(struct half *h)
{
    if (!h)
        return;
    half_end(h);
    (void)pthread_join(h->thread, NULL);
    free_half(h);
}
