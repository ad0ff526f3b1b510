/* SPDX-License-Identifier: MIT */
/*
 * The readers. An entry a queue: what it is at is guarded by the mutex; source, reading and
 * questions belong to whoever's turn it is, the entry's thread while it is AT_WORK, else the
 * dispatcher's. A source is opened when it is first read, on the thread that uses it.
 */
#include "readers.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum stage { IDLE, AT_WORK, CAME, TAKEN };

struct entry {
    struct readers *readers;
    const struct conf_queue *queue;
    struct source *source;
    struct source_reading reading;
    struct source_question *question; /* in the reading's arena */
    size_t questions;                 /* 0: a new reading is wanted */
    struct str waiting;               /* in the reading's arena */
    pthread_t thread;
    bool has_thread;
    enum stage stage; /* guarded */
};

struct readers {
    const struct conf *conf;
    pthread_mutex_t mutex;
    pthread_cond_t changed; /* a stage, or stop */
    atomic_bool stop;
    int fd; /* counts readings that have come */
    size_t n;
    struct entry entry[];
};

/* ---- reading: the entry's turn is the caller's ---- */

static void fail(struct entry *x, const char *what)
{
    x->reading.state = SOURCE_FAILED;
    (void)snprintf(x->reading.error, sizeof x->reading.error, "%s", what);
}

static bool open_source(struct entry *x)
{
    struct err e;

    if (!x->source && source_open(x->readers->conf, x->queue, &x->source, &e) != 0)
        fail(x, e.text);
    return x->source != NULL;
}

static void work(struct entry *x)
{
    struct until until = {clock_mono() + x->queue->source.timeout, &x->readers->stop};

    if (!x->reading.arena)
        fail(x, "out of memory while reading a source of capacity");
    else if (x->questions)
        source_more(x->source, x->question, x->questions, &until, &x->reading);
    else if (open_source(x))
        source_read(x->source, x->waiting, &until, &x->reading);
}

static void set_stage(struct entry *x, enum stage stage)
{
    (void)pthread_mutex_lock(&x->readers->mutex);
    x->stage = stage;
    (void)pthread_cond_broadcast(&x->readers->changed);
    (void)pthread_mutex_unlock(&x->readers->mutex);
}

/* An eventfd that is full is readable all the same. */
static void tell(struct readers *r)
{
    uint64_t one = 1;

    if (write(r->fd, &one, sizeof one) < 0)
        return;
}

static void come(struct entry *x)
{
    set_stage(x, CAME);
    tell(x->readers);
}

static bool wait_for_work(struct entry *x)
{
    struct readers *r = x->readers;
    bool stop;

    (void)pthread_mutex_lock(&r->mutex);
    while (x->stage != AT_WORK && !atomic_load(&r->stop))
        (void)pthread_cond_wait(&r->changed, &r->mutex);
    stop = atomic_load(&r->stop);
    (void)pthread_mutex_unlock(&r->mutex);
    return !stop;
}

static void *run(void *ctx)
{
    struct entry *x = ctx;

    while (wait_for_work(x)) {
        work(x);
        come(x);
    }
    return NULL;
}

/* Hands the entry's turn to its thread, or takes it at once. */
static void start(struct entry *x)
{
    set_stage(x, AT_WORK);
    if (x->has_thread)
        return;
    if (source_waits(x->queue)) {
        x->has_thread = pthread_create(&x->thread, NULL, run, x) == 0;
        if (!x->has_thread) {
            fail(x, "no thread can be started to read a source of capacity");
            come(x);
        }
        return;
    }
    work(x);
    set_stage(x, CAME);
}

/* ---- the dispatcher's side ---- */

int readers_open(const struct conf *conf, struct readers **out, struct err *e)
{
    struct readers *r = calloc(1, sizeof *r + conf->queues * sizeof r->entry[0]);

    if (!r)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    r->conf = conf;
    r->n = conf->queues;
    r->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    if (r->fd < 0) {
        free(r);
        return err_errno(e, ERR_INTERNAL, "cannot make a descriptor for readings");
    }
    (void)pthread_mutex_init(&r->mutex, NULL);
    (void)pthread_cond_init(&r->changed, NULL);
    for (size_t i = 0; i < r->n; i++) {
        r->entry[i].readers = r;
        r->entry[i].queue = &conf->queue[i];
    }
    *out = r;
    return 0;
}

static void forget(struct entry *x)
{
    arena_free(x->reading.arena);
    x->reading = (struct source_reading){0};
    x->question = NULL;
    x->questions = 0;
}

void readers_close(struct readers *r)
{
    size_t i;

    if (!r)
        return;
    (void)pthread_mutex_lock(&r->mutex);
    atomic_store(&r->stop, true);
    (void)pthread_cond_broadcast(&r->changed);
    (void)pthread_mutex_unlock(&r->mutex);
    for (i = 0; i < r->n; i++) {
        if (r->entry[i].has_thread)
            (void)pthread_join(r->entry[i].thread, NULL);
        forget(&r->entry[i]);
        source_close(r->entry[i].source);
    }
    (void)pthread_cond_destroy(&r->changed);
    (void)pthread_mutex_destroy(&r->mutex);
    (void)close(r->fd);
    free(r);
}

int readers_fd(const struct readers *r)
{
    return r->fd;
}

void readers_hush(struct readers *r)
{
    uint64_t count;

    if (read(r->fd, &count, sizeof count) < 0)
        return; /* it was quiet */
}

static enum stage stage_of(const struct entry *x)
{
    enum stage stage;

    (void)pthread_mutex_lock(&x->readers->mutex);
    stage = x->stage;
    (void)pthread_mutex_unlock(&x->readers->mutex);
    return stage;
}

void readers_ask(struct readers *r, size_t queue, struct str waiting)
{
    struct entry *x = &r->entry[queue];

    if (stage_of(x) != IDLE)
        return;
    forget(x);
    x->reading = (struct source_reading){.queue = x->queue, .arena = arena_new(SOURCE_MEMORY_MAX)};
    x->waiting = (struct str){0};
    if (x->reading.arena && waiting.p && arena_copy(x->reading.arena, waiting, &x->waiting) != 0)
        x->waiting = (struct str){0};
    start(x);
}

struct source_reading *readers_take(struct readers *r, size_t queue)
{
    struct entry *x = &r->entry[queue];

    if (stage_of(x) != CAME)
        return NULL;
    set_stage(x, TAKEN);
    return &x->reading;
}

void readers_more(struct readers *r, size_t queue, const struct source_question *q, size_t n)
{
    struct entry *x = &r->entry[queue];
    struct source_question *copy = arena_array(x->reading.arena, n, sizeof *copy);
    size_t i;

    for (i = 0; copy && i < n; i++) {
        if (source_question_copy(x->reading.arena, &q[i], &copy[i]) != 0)
            copy = NULL;
    }
    if (!copy || n == 0) { /* no memory for it: the next reading begins anew */
        readers_drop(r, queue);
        return;
    }
    x->question = copy;
    x->questions = n;
    start(x);
}

void readers_drop(struct readers *r, size_t queue)
{
    forget(&r->entry[queue]);
    set_stage(&r->entry[queue], IDLE);
}

bool readers_came(const struct readers *r, size_t queue)
{
    return stage_of(&r->entry[queue]) == CAME;
}

bool readers_busy(const struct readers *r, size_t queue)
{
    enum stage stage = stage_of(&r->entry[queue]);

    return stage == AT_WORK || stage == CAME;
}

void readers_wait(struct readers *r)
{
    size_t i;

    (void)pthread_mutex_lock(&r->mutex);
    for (i = 0; i < r->n; i++) {
        while (r->entry[i].stage == AT_WORK)
            (void)pthread_cond_wait(&r->changed, &r->mutex);
    }
    (void)pthread_mutex_unlock(&r->mutex);
}
