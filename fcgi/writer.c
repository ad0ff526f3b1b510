/* SPDX-License-Identifier: MIT */
/*
 * The writer.
 *
 * The connection to the database that writes is used by one thread at a time: the one that holds
 * the *role*. It is the writer's thread when changes are pending, or a thread that submits while
 * the role is free and nothing is pending. The latter only while changes come one by one: among
 * many clients it would spend every other commit on a single change.
 *
 * Invariants: `busy` is true exactly while somebody holds the role, and only they touch `store` and
 * `wake_fd`. A change is answered as good only after a commit that returned 0. A batch
 * is first applied as it comes; when a change fails that had written something, all of it is rolled
 * back and applied again with a savepoint for each change, so that the one takes nothing with it.
 * When the fate of a commit is unknown, so is that of every change in it, and of every answer that
 * was worked out inside it (a duplicate, say): all of them fail, and nothing is committed any more.
 */
#include "writer.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "store_queues.h"
#include "wake.h"

/* How long a batch waits for the lock that all writers of all processes share. */
#define LOCK_WAIT (5 * NS_PER_S)

enum { TENDED_AFTER = 16 }; /* commits by submitters, after which the thread looks after the WAL */

struct writer {
    struct writer_options o; /* constant */
    pthread_t thread;        /* constant */
    struct store *store;     /* the role's */
    int wake_fd;             /* the role's */
    atomic_bool broken;      /* set once, by the holder of the role */

    pthread_mutex_t lock; /* guards what follows */
    pthread_cond_t work;  /* for the thread: the role is free and there is something to do */
    bool busy;
    bool lone; /* the thread's last batch was a single change */
    bool closing;
    unsigned untended; /* commits by submitters since the WAL was looked after */
    struct writer_op *first, **last;
};

static void fail_op(struct writer_op *op, const struct err *e)
{
    op->failed = true;
    op->err = *e;
}

static void fail_all(struct writer_op *list, const struct err *e)
{
    for (; list; list = list->next)
        fail_op(list, e);
}

/* Applies one change of several. 0: it is done or undone; -1 and *e: the whole transaction can only
 * be rolled back. */
static int apply_one(struct store *s, struct writer_op *op, struct err *e)
{
    if (store_point(s, e) != 0)
        return -1;
    op->failed = op->apply(op, s, &op->err) != 0;
    if (!op->failed)
        return store_point_keep(s, e);
    if (store_point_undo(s, e) == 0)
        return 0;
    /* A full disk, say, ends the transaction by itself; what the change met says more than that
     * nothing was left to undo. */
    if (err_status(op->err.code) >= 500)
        *e = op->err;
    return -1;
}

/* Applies all without savepoints, each of which would cost a copy of every page that a change
 * touches, and writes new jobs together. 1: a change failed when it had written something already,
 * or what was put off for several did. */
static int apply_quickly(struct store *s, struct writer_op *list, size_t *good)
{
    struct writer_op *op;
    struct err ignored;
    int64_t before;

    *good = 0;
    store_gather(s);
    for (op = list; op; op = op->next) {
        before = store_written(s);
        op->failed = op->apply(op, s, &op->err) != 0;
        if (op->failed && err_status(op->err.code) >= 500)
            return 1;
        if (op->failed && store_written(s) != before) {
            /* What it put off before it was refused may be what it is to be refused for. */
            (void)!store_settle(s, &ignored);
            return 1;
        }
        *good += !op->failed;
    }
    return store_settle(s, &ignored) != 0;
}

/* Applies all, each between savepoints. 0 and *good: how many are to be committed; -1 and *e: roll
 * back. */
static int apply_carefully(struct store *s, struct writer_op *list, size_t *good, struct err *e)
{
    struct writer_op *op;

    *good = 0;
    for (op = list; op; op = op->next) {
        if (apply_one(s, op, e) != 0)
            return err_wrap(e, "a group of changes was given up");
        *good += !op->failed;
    }
    return 0;
}

/* In a write transaction. -1: it is over; 1: so it is, by one of the changes. */
static int apply_list(struct store *s, struct writer_op *list, size_t *good, struct err *e)
{
    if (apply_quickly(s, list, good) == 0)
        return 0;
    if (!list->next && !store_gave_up(s)) {
        *good = 0; /* nothing but itself is to be undone */
        return 0;
    }
    store_rollback(s);
    if (store_begin(s, LOCK_WAIT, e) != 0)
        return -1;
    if (apply_carefully(s, list, good, e) == 0)
        return 0;
    store_rollback(s);
    return 1;
}

/* 0, or -1 and *e: the whole list failed by it; 1: nothing was done, since one of them has ended
 * the transaction. *good: how many changes are on disk. */
static int commit_list(struct store *s, struct writer_op *list, size_t *good, struct err *e)
{
    int rc;

    *good = 0;
    if (store_begin(s, LOCK_WAIT, e) != 0)
        return -1;
    rc = apply_list(s, list, good, e);
    if (rc != 0)
        return rc;
    if (*good == 0) {
        store_rollback(s);
        return 0;
    }
    return store_commit(s, e);
}

static enum err_code run_singly(struct store *s, struct writer_op *list, int *wake_fd);

/* Commits the list, gives every change its result, and wakes the dispatcher. */
static enum err_code run_list(struct store *s, struct writer_op *list, int *wake_fd)
{
    struct err e = {.code = ERR_NONE};
    int64_t start = clock_mono();
    size_t good;
    int rc = commit_list(s, list, &good, &e);

    if (rc > 0)
        return run_singly(s, list, wake_fd);
    if (rc < 0) {
        fail_all(list, &e);
    } else if (good > 0) {
        stats_commit(store_stats(s), STATS_SERVICE, (int64_t)good, clock_mono() - start);
        wake_send(store_wake_path(s), wake_fd);
    }
    return e.code;
}

/* A full disk, or a page that cannot be read, ends a whole transaction: that is to be the change's
 * alone that met it. */
static enum err_code run_singly(struct store *s, struct writer_op *list, int *wake_fd)
{
    enum err_code code = ERR_NONE;
    struct writer_op *rest;

    for (; list && code != ERR_COMMIT_UNKNOWN; list = rest) {
        rest = list->next;
        list->next = NULL;
        code = run_list(s, list, wake_fd);
        list->next = rest;
        if (code == ERR_COMMIT_UNKNOWN)
            fail_all(rest, &list->err);
    }
    return code;
}

void writer_apply(struct store *s, struct writer_op *list)
{
    int wake_fd = -1;

    (void)run_list(s, list, &wake_fd);
    if (wake_fd >= 0)
        (void)close(wake_fd);
}

/* ---- the role ---- */

/* By the holder of the role. */
static void run_in_role(struct writer *w, struct writer_op *list)
{
    struct err e;

    if (writer_is_broken(w)) {
        (void)err_set(&e, ERR_UNAVAILABLE, "an earlier commit failed; this server is about to end");
        fail_all(list, &e);
        return;
    }
    if (run_list(w->store, list, &w->wake_fd) == ERR_COMMIT_UNKNOWN) {
        atomic_store(&w->broken, true);
        w->o.broken(w->o.ctx);
    }
}

/* Under the lock: takes the oldest changes off the queue. */
static struct writer_op *take_batch(struct writer *w)
{
    struct writer_op *list = w->first, **end = &w->first;
    size_t n;

    for (n = 0; *end && n < WRITER_BATCH_MAX; n++)
        end = &(*end)->next;
    w->first = *end;
    if (!w->first)
        w->last = &w->first;
    *end = NULL;
    return n > 0 ? list : NULL;
}

/* Under the lock: waits until the role is free and there is a reason to take it. False: it is time
 * to end. */
static bool wait_for_work(struct writer *w)
{
    while (w->busy || (!w->first && !w->closing && w->untended < TENDED_AFTER))
        (void)pthread_cond_wait(&w->work, &w->lock);
    return w->first || !w->closing;
}

static void *writer_main(void *arg)
{
    struct writer *w = arg;
    struct writer_op *list;

    (void)pthread_mutex_lock(&w->lock);
    while (wait_for_work(w)) {
        w->busy = true;
        w->untended = 0;
        list = take_batch(w);
        w->lone = list ? !list->next : w->lone;
        (void)pthread_mutex_unlock(&w->lock);
        if (list) {
            run_in_role(w, list);
            w->o.done(w->o.ctx, list);
        }
        if (!writer_is_broken(w))
            store_checkpoint_if_due(w->store);
        (void)pthread_mutex_lock(&w->lock);
        w->busy = false;
    }
    (void)pthread_mutex_unlock(&w->lock);
    return NULL;
}

enum writer_turn writer_submit(struct writer *w, struct writer_op *op)
{
    bool mine;

    op->next = NULL;
    (void)pthread_mutex_lock(&w->lock);
    mine = w->lone && !w->busy && !w->first;
    if (mine) {
        w->busy = true;
        w->untended++;
    } else {
        *w->last = op;
        w->last = &op->next;
        if (!w->busy)
            (void)pthread_cond_signal(&w->work);
    }
    (void)pthread_mutex_unlock(&w->lock);
    if (!mine)
        return WRITER_QUEUED;
    run_in_role(w, op);
    (void)pthread_mutex_lock(&w->lock);
    w->busy = false;
    if (w->first || w->untended >= TENDED_AFTER)
        (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    return WRITER_DONE;
}

bool writer_is_broken(const struct writer *w)
{
    return atomic_load(&w->broken);
}

static void writer_free(struct writer *w)
{
    store_close(w->store);
    if (w->wake_fd >= 0)
        (void)close(w->wake_fd);
    free(w);
}

int writer_open(const struct writer_options *o, struct writer **out, struct err *e)
{
    struct writer *w = calloc(1, sizeof *w);
    int rc;

    if (!w)
        return err_set(e, ERR_INTERNAL, "no memory for the writer");
    w->o = *o;
    w->wake_fd = -1;
    w->last = &w->first;
    if (store_open(o->conf, STORE_WRITE, &w->store, e) != 0) {
        free(w);
        return -1;
    }
    (void)pthread_mutex_init(&w->lock, NULL);
    (void)pthread_cond_init(&w->work, NULL);
    rc = pthread_create(&w->thread, NULL, writer_main, w);
    if (rc != 0) {
        writer_free(w);
        errno = rc;
        return err_errno(e, ERR_INTERNAL, "cannot start the writer's thread");
    }
    *out = w;
    return 0;
}

void writer_close(struct writer *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->closing = true;
    (void)pthread_cond_signal(&w->work);
    (void)pthread_mutex_unlock(&w->lock);
    (void)pthread_join(w->thread, NULL);
    (void)pthread_cond_destroy(&w->work);
    (void)pthread_mutex_destroy(&w->lock);
    writer_free(w);
}
