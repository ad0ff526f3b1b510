/* SPDX-License-Identifier: MIT */
/*
 * Writers who share a database: `writers CONFIG group SECONDS` is the service, 16 threads that
 * bring changes to its writer (fcgi/writer.h); `writers CONFIG process SECONDS` is a program that
 * commits by itself, as the dispatcher does.
 *
 * Each pauses between its transactions for so long that it holds the writers' lock for a sixth of
 * the time: five of them keep it busy for four fifths. At the end it prints one line of JSON:
 * "commits", "failed", "longest" and "p99" (ms from wanting to commit until it is done), "held"
 * (the part of the time) and "stall" (ms, the longest that it was held at once).
 */
#include <pthread.h>
#include <semaphore.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "num.h"
#include "writer.h"

#define SHARE_PER_MILLE 165 /* of the time, for each of five: a little of it gets lost */
#define PAUSE_LEAST     (20 * 1000)
#define PAUSE_MOST      (100 * NS_PER_MS)

enum {
    THREADS = 16,
    ROWS = 50, /* that one transaction of a process changes */
    ROWS_OF_THREAD = 10,
    BUCKETS = 20000 /* of 100 µs; the last one has the rest */
};

struct figures {
    atomic_llong commits, failed, longest, held, stall;
    atomic_int bucket[BUCKETS];
    atomic_llong pause; /* ns */
    int64_t start, end;
    atomic_llong taken; /* when the lock was taken for the batch under way; 0: none is */
};

static void keep_longest(atomic_llong *longest, long long ns)
{
    long long was = atomic_load(longest);

    while (ns > was && !atomic_compare_exchange_weak(longest, &was, ns))
        continue;
}

static void note_held(struct figures *f, int64_t ns)
{
    atomic_fetch_add(&f->held, ns);
    keep_longest(&f->stall, ns);
}

static void note(struct figures *f, int64_t wait, bool good)
{
    int64_t slot = wait / (NS_PER_MS / 10);

    atomic_fetch_add(good ? &f->commits : &f->failed, 1);
    atomic_fetch_add(&f->bucket[slot < BUCKETS ? slot : BUCKETS - 1], 1);
    keep_longest(&f->longest, wait);
}

/* Pauses, for longer the more of the time the lock has been held by this process. */
static void pause_a_while(struct figures *f)
{
    int64_t elapsed = clock_mono() - f->start, pause = atomic_load(&f->pause);
    struct timespec t;

    if (atomic_load(&f->held) * 1000 > elapsed * SHARE_PER_MILLE)
        pause += pause / 16;
    else
        pause -= pause / 16;
    pause = pause < PAUSE_LEAST ? PAUSE_LEAST : pause > PAUSE_MOST ? PAUSE_MOST : pause;
    atomic_store(&f->pause, pause);
    t = (struct timespec){pause / NS_PER_S, pause % NS_PER_S};
    (void)nanosleep(&t, NULL);
}

/* Writes so many rows, of types of its own. */
static int change_rows(struct store *s, const char *who, int rows, bool paused, struct err *e)
{
    char type[64];
    int i;

    for (i = 0; i < rows; i++) {
        (void)snprintf(type, sizeof type, "%s-%d", who, i);
        if (store_pause(s, str_of(type), paused, e) < 0)
            return -1;
    }
    return 0;
}

/* ---- a program of its own ---- */

static int commit_once(struct store *s, struct figures *f, const char *who, bool paused)
{
    struct err e;
    int64_t taken;
    int rc;

    if (store_begin(s, 5 * NS_PER_S, &e) != 0)
        return -1;
    taken = clock_mono();
    rc = change_rows(s, who, ROWS, paused, &e);
    if (rc == 0)
        rc = store_commit(s, &e);
    else
        store_rollback(s);
    note_held(f, clock_mono() - taken);
    return rc;
}

static int run_process(const struct conf *conf, struct figures *f)
{
    struct store *s;
    struct err e;
    char who[32];
    int64_t wanted;
    bool paused = false;

    (void)snprintf(who, sizeof who, "p%ld", (long)getpid());
    if (store_open(conf, STORE_WRITE, &s, &e) != 0) {
        fprintf(stderr, "writers: %s\n", e.text);
        return 1;
    }
    while ((wanted = clock_mono()) < f->end) {
        bool good = commit_once(s, f, who, paused) == 0;

        paused = !paused;
        note(f, clock_mono() - wanted, good);
        store_checkpoint_if_due(s);
        pause_a_while(f);
    }
    store_close(s);
    return 0;
}

/* ---- a service ---- */

struct change {
    struct writer_op op; /* first: the writer hands it back */
    struct figures *f;
    struct writer *writer;
    char who[32];
    bool paused;
    sem_t done;
};

static int apply(struct writer_op *op, struct store *s, struct err *e)
{
    struct change *c = (struct change *)op;
    long long none = 0;

    (void)atomic_compare_exchange_strong(&c->f->taken, &none, clock_mono());
    return change_rows(s, c->who, ROWS_OF_THREAD, c->paused, e);
}

static void count_held(struct figures *f)
{
    long long taken = atomic_exchange(&f->taken, 0);

    if (taken)
        note_held(f, clock_mono() - taken);
}

static void take_back(void *ctx, struct writer_op *list)
{
    count_held(ctx);
    while (list) {
        struct change *c = (struct change *)list;

        list = list->next; /* the op is its thread's again from then on */
        (void)sem_post(&c->done);
    }
}

static void broken(void *ctx)
{
    (void)ctx;
    fprintf(stderr, "writers: the fate of a commit is unknown\n");
    _exit(1);
}

static void *submit(void *arg)
{
    struct change *c = arg;
    int64_t wanted;

    while ((wanted = clock_mono()) < c->f->end) {
        c->paused = !c->paused;
        if (writer_submit(c->writer, &c->op) == WRITER_DONE) {
            count_held(c->f);
        } else {
            while (sem_wait(&c->done) != 0)
                continue;
        }
        note(c->f, clock_mono() - wanted, !c->op.failed);
        pause_a_while(c->f);
    }
    return NULL;
}

static int run_group(const struct conf *conf, struct figures *f)
{
    struct writer_options o = {.conf = conf, .done = take_back, .broken = broken, .ctx = f};
    struct change change[THREADS] = {0};
    pthread_t thread[THREADS];
    struct writer *w;
    struct err e;
    int i;

    if (writer_open(&o, &w, &e) != 0) {
        fprintf(stderr, "writers: %s\n", e.text);
        return 1;
    }
    for (i = 0; i < THREADS; i++) {
        change[i].op.apply = apply;
        change[i].f = f;
        change[i].writer = w;
        (void)snprintf(change[i].who, sizeof change[i].who, "t%d", i);
        (void)sem_init(&change[i].done, 0, 0);
        if (pthread_create(&thread[i], NULL, submit, &change[i]) != 0)
            return 1;
    }
    for (i = 0; i < THREADS; i++)
        (void)pthread_join(thread[i], NULL);
    writer_close(w);
    return 0;
}

static void print(const struct figures *f)
{
    int64_t all = f->commits + f->failed, sum = 0, slot = 0;

    while (slot < BUCKETS - 1 && (sum += f->bucket[slot]) * 100 < all * 99)
        slot++;
    printf("{\"commits\": %lld, \"failed\": %lld, \"longest\": %.1f, \"p99\": %.1f, \"held\": "
           "%.3f, \"stall\": %.1f}\n",
           (long long)f->commits, (long long)f->failed, (double)f->longest / NS_PER_MS,
           (double)(slot + 1) / 10, (double)f->held / (double)(f->end - f->start),
           (double)f->stall / NS_PER_MS);
}

int main(int argc, char **argv)
{
    static struct figures f;
    struct conf *conf;
    struct err e;
    int64_t seconds;
    int rc;

    if (argc != 4 || num_i64(str_of(argv[3]), 1, 1000000, &seconds) != 0)
        return 2;
    if (conf_load(argv[1], &conf, &e) != 0) {
        fprintf(stderr, "writers: %s\n", e.text);
        return 1;
    }
    f.pause = NS_PER_MS;
    f.start = clock_mono();
    f.end = f.start + seconds * NS_PER_S;
    rc = strcmp(argv[2], "group") == 0 ? run_group(conf, &f) : run_process(conf, &f);
    print(&f);
    conf_free(conf);
    return rc;
}
