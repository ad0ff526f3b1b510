/* SPDX-License-Identifier: MIT */
/* Threads that look names up: two lists, and who is left last frees them. */
#include "crew.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum { STACK = 256 << 10 };

struct list {
    struct crew_task *first, **end;
};

struct crew {
    struct crew_options options; /* constant */
    int fd;                      /* written under the lock, and not once it is closed */
    pthread_mutex_t lock;        /* guards what follows */
    pthread_cond_t work;
    struct list todo, done;
    size_t waiting; /* in todo */
    size_t threads, idle;
    size_t refs; /* the threads, and whoever opened it */
    bool closed;
};

static void add(struct list *l, struct crew_task *t)
{
    t->next = NULL;
    *l->end = t;
    l->end = &t->next;
}

static struct crew_task *take_first(struct list *l)
{
    struct crew_task *t = l->first;

    l->first = t->next;
    if (!l->first)
        l->end = &l->first;
    return t;
}

static void free_list(struct list *l)
{
    while (l->first)
        free(take_first(l));
}

int crew_open(const struct crew_options *o, struct crew **out, struct err *e)
{
    struct crew *c = calloc(1, sizeof *c);

    if (!c)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    c->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (c->fd < 0) {
        free(c);
        return err_errno(e, ERR_INTERNAL, "cannot wait for names");
    }
    c->options = *o;
    c->options.look_up = o->look_up ? o->look_up : lookup_name;
    c->todo.end = &c->todo.first;
    c->done.end = &c->done.first;
    c->refs = 1;
    (void)pthread_mutex_init(&c->lock, NULL);
    (void)pthread_cond_init(&c->work, NULL);
    *out = c;
    return 0;
}

/* Gives up a reference; the lock is held, and is free afterwards. */
static void leave(struct crew *c)
{
    bool last = --c->refs == 0;

    (void)pthread_mutex_unlock(&c->lock);
    if (!last)
        return;
    free_list(&c->todo);
    free_list(&c->done);
    (void)pthread_cond_destroy(&c->work);
    (void)pthread_mutex_destroy(&c->lock);
    free(c);
}

void crew_close(struct crew *c)
{
    if (!c)
        return;
    (void)pthread_mutex_lock(&c->lock);
    c->closed = true;
    (void)close(c->fd);
    (void)pthread_cond_broadcast(&c->work);
    leave(c);
}

int crew_fd(const struct crew *c)
{
    return c->fd;
}

/* The next task, or NULL: it is over. The lock is held. */
static struct crew_task *await(struct crew *c)
{
    c->idle++;
    while (!c->closed && !c->todo.first)
        (void)pthread_cond_wait(&c->work, &c->lock);
    c->idle--;
    if (c->closed)
        return NULL;
    c->waiting--;
    return take_first(&c->todo);
}

/* The lock is held. A write that fails has nothing to tell: it is readable already. */
static void wake(const struct crew *c)
{
    static const uint64_t one = 1;

    if (!c->closed && write(c->fd, &one, sizeof one) < 0)
        return;
}

static void *thread_main(void *ctx)
{
    struct crew *c = ctx;
    struct crew_task *t;

    (void)pthread_mutex_lock(&c->lock);
    lookup_begin(&c->options.server); /* under the lock: the C library keeps what it read for all */
    while ((t = await(c))) {
        (void)pthread_mutex_unlock(&c->lock);
        c->options.look_up(t->name, &t->answer);
        (void)pthread_mutex_lock(&c->lock);
        add(&c->done, t);
        wake(c);
    }
    leave(c);
    return NULL;
}

/* Signals are for the threads that wait for them. The lock is held. */
static void start_thread(struct crew *c)
{
    sigset_t all, before;
    pthread_attr_t attr;
    pthread_t thread;

    if (pthread_attr_init(&attr) != 0)
        return;
    (void)pthread_attr_setstacksize(&attr, STACK);
    (void)pthread_attr_setdetachstate(&attr, PTHREAD_CREATE_DETACHED);
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, &before);
    if (pthread_create(&thread, &attr, thread_main, c) == 0) {
        c->threads++;
        c->refs++;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    (void)pthread_attr_destroy(&attr);
}

int crew_give(struct crew *c, struct crew_task *t)
{
    int rc = 0;

    (void)pthread_mutex_lock(&c->lock);
    if (c->waiting >= c->idle && c->threads < c->options.threads)
        start_thread(c);
    if (c->threads == 0) {
        rc = -1;
    } else {
        add(&c->todo, t);
        c->waiting++;
        (void)pthread_cond_signal(&c->work);
    }
    (void)pthread_mutex_unlock(&c->lock);
    return rc;
}

struct crew_task *crew_take(struct crew *c)
{
    struct crew_task *first;
    uint64_t count;

    (void)pthread_mutex_lock(&c->lock);
    if (c->done.first && read(c->fd, &count, sizeof count) < 0)
        count = 0; /* nobody wrote it: it is not readable either */
    first = c->done.first;
    c->done = (struct list){.end = &c->done.first};
    (void)pthread_mutex_unlock(&c->lock);
    return first;
}
