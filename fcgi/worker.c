/* SPDX-License-Identifier: MIT */
/*
 * The service. Some threads, the workers, wait on the set of connections (conn.h); a kept
 * connection that is idle holds none of them.
 *
 *   parked --readable--> a worker reads the request --it only reads--> answered and parked again
 *                                                   --it writes------> the writer's, and no
 * thread's --committed--> `back` --> a worker answers it and parks the connection again
 *
 * At the end (main thread): nothing more is accepted; the workers serve what is readable now and
 * leave; the writer commits what it has; those answers are sent; everything is closed. A guard sees
 * to it that this ends: after a while it cuts the connections, so that threads that block on one
 * come back, and at last it ends the process.
 */
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "account.h"
#include "auth.h"
#include "conn.h"
#include "guard.h"
#include "route.h"
#include "signals.h"
#include "store_queues.h"
#include "writer.h"

enum {
    SPARE_MAX = 32,
    SHARE_LEAST = 8,       /* answers: fewer are sent sooner than another thread is woken */
    WAITING_MAX = 16 << 20 /* bytes of bodies; as trees they take up to sixty times as much */
};

/* A request under way: in the hands of one thread, or of the writer. */
struct task {
    struct writer_op op; /* first: the writer hands it back */
    struct service *service;
    struct conn *conn;
    const struct route *route;
    struct http x;
    int64_t begun; /* clock_mono */
    struct task *next_spare;
};

struct service {
    const struct conf *conf; /* constant */
    struct ownaddr *own;     /* constant */
    struct conn_set *set;    /* constant */
    struct writer *writer;   /* constant */
    struct auth *auth;       /* constant */
    struct stats *stats;     /* constant; the store's of the first worker */
    int64_t started;         /* constant; clock_now */
    int signals;             /* descriptor: the stop is asked for, or a new log */
    int broken;              /* descriptor: a commit's fate is unknown */
    atomic_size_t waiting;   /* bytes of the bodies of all changes that are not answered yet */
    size_t workers;          /* constant */
    struct worker *worker;   /* [workers] */
    pthread_mutex_t lock;    /* guards what follows */
    struct writer_op *back;  /* committed, not yet answered; oldest first */
    struct writer_op **back_end;
    size_t backs;
    struct task *spare;
    size_t spares;
    size_t living;       /* workers */
    pthread_cond_t news; /* for the main thread at the end: there is something in `back`, or a
                            worker has left */
};

struct worker {
    struct service *service;
    struct store *store;
    struct auth_seat seat;
    struct task *spare; /* for the next request */
    pthread_t thread;
    bool started;
};

/* ---- tasks ---- */

static struct task *new_task(struct service *s)
{
    struct task *t = calloc(1, sizeof *t);

    if (!t)
        return NULL;
    t->service = s;
    http_init(&t->x);
    return t;
}

static void free_task(struct task *t)
{
    if (!t)
        return;
    http_free(&t->x);
    free(t);
}

static struct task *take_task(struct worker *w)
{
    struct service *s = w->service;
    struct task *t = w->spare;

    w->spare = NULL;
    if (t)
        return t;
    (void)pthread_mutex_lock(&s->lock);
    t = s->spare;
    if (t) {
        s->spare = t->next_spare;
        s->spares--;
    }
    (void)pthread_mutex_unlock(&s->lock);
    return t ? t : new_task(s);
}

static void give_task(struct worker *w, struct task *t)
{
    struct service *s = w->service;

    http_reset(&t->x);
    if (!w->spare) {
        w->spare = t;
        return;
    }
    (void)pthread_mutex_lock(&s->lock);
    if (s->spares < SPARE_MAX) {
        t->next_spare = s->spare;
        s->spare = t;
        s->spares++;
        t = NULL;
    }
    (void)pthread_mutex_unlock(&s->lock);
    free_task(t);
}

/* ---- requests ---- */

static int apply(struct writer_op *op, struct store *store, struct err *e)
{
    struct task *t = (struct task *)op;
    struct route_env env = {.conf = t->service->conf, .store = store};

    return route_run(t->route, &env, &t->x, e);
}

/* Sends the answer; the task is over. */
static void finish(struct worker *w, struct task *t)
{
    struct conn *c = t->conn;
    bool keep = conn_rest(w->service->set, c);

    keep = http_send(&t->x) == 0 && keep;
    /* Before the client can know: who has his answer finds it in the numbers. */
    account(w->service->stats, t->route, &t->x, clock_mono() - t->begun);
    conn_settle(c);
    keep = keep && fcgx_finish(c->link);
    give_task(w, t);
    if (keep)
        conn_park(w->service->set, c);
    else
        conn_drop(w->service->set, c);
}

static void finish_change(struct worker *w, struct task *t)
{
    size_t n = t->x.body.n;

    if (t->op.failed)
        http_fail(&t->x, &t->op.err);
    else
        route_done(t->route, &t->x);
    finish(w, t);
    (void)atomic_fetch_sub(&w->service->waiting, n);
}

/* A change holds no thread while it waits for its commit: so what bounds their number is memory. */
static void change(struct worker *w, struct task *t)
{
    size_t n = t->x.body.n;
    struct err e;

    if (atomic_fetch_add(&w->service->waiting, n) + n > WAITING_MAX) {
        (void)atomic_fetch_sub(&w->service->waiting, n);
        (void)err_set(&e, ERR_UNAVAILABLE, "too many large changes wait for the disk");
        http_fail(&t->x, &e);
        finish(w, t);
        return;
    }
    t->op.apply = apply;
    if (writer_submit(w->service->writer, &t->op) == WRITER_DONE)
        finish_change(w, t);
}

static void answer(struct worker *w, struct task *t)
{
    struct service *s = w->service;
    struct route_env env = {
        .conf = s->conf, .store = w->store, .own = s->own, .started = s->started};
    struct err e;

    if (route_meet(&t->x, &t->route, &e) != 0 ||
        auth_admit(&w->seat, t->route->needs, &t->x, &e) != 0 ||
        route_take(&env, t->route, &t->x, &e) != 0) {
        http_fail(&t->x, &e);
    } else if (!conn_rest(s->set, t->conn)) {
        (void)err_set(&e, ERR_BODY_INCOMPLETE, "the request has no end");
        http_fail(&t->x, &e);
    } else if (t->route->writes) {
        change(w, t);
        return;
    } else {
        env.writer_failed = writer_is_broken(s->writer);
        if (route_run(t->route, &env, &t->x, &e) != 0)
            http_fail(&t->x, &e);
    }
    finish(w, t);
}

static void serve(struct worker *w, struct conn *c)
{
    struct task *t = take_task(w);

    if (!t || fcgx_accept(c->link) != 0) {
        if (t)
            give_task(w, t);
        conn_drop(w->service->set, c);
        return;
    }
    t->conn = c;
    t->route = NULL;
    t->begun = clock_mono();
    http_begin(&t->x, &fcgx_carrier, c->link);
    answer(w, t);
}

/* The writer's thread hands back what is committed. */
static void take_back(void *ctx, struct writer_op *list)
{
    struct service *s = ctx;
    size_t n = 0;

    (void)pthread_mutex_lock(&s->lock);
    *s->back_end = list;
    for (; list; list = list->next) {
        s->back_end = &list->next;
        n++;
    }
    s->backs += n;
    (void)pthread_cond_signal(&s->news);
    (void)pthread_mutex_unlock(&s->lock);
    conn_tell_done(s->set);
}

/* Answers this worker's share of what is committed, and leaves the rest to the next. */
static void answer_share(struct worker *w)
{
    struct service *s = w->service;
    struct writer_op *list, **end = &s->back;
    size_t n;
    bool more;

    (void)pthread_mutex_lock(&s->lock);
    list = s->back;
    n = (s->backs + s->workers - 1) / s->workers;
    for (n = n < SHARE_LEAST ? SHARE_LEAST : n; n > 0 && *end; n--) {
        end = &(*end)->next;
        s->backs--;
    }
    s->back = *end;
    *end = NULL;
    more = s->back != NULL;
    if (!more)
        s->back_end = &s->back;
    (void)pthread_mutex_unlock(&s->lock);
    if (more)
        conn_tell_done(s->set);
    while (list) {
        struct task *t = (struct task *)list;

        list = list->next;
        finish_change(w, t);
    }
}

static void *worker_main(void *arg)
{
    struct worker *w = arg;
    struct conn_event event[2];
    size_t i, n;
    bool ending = false, idle;

    do {
        n = conn_wait(w->service->set, event, ending ? 2 : 1);
        idle = ending && n == 1 && event[0].kind == CONN_END;
        for (i = 0; i < n; i++) {
            if (event[i].kind == CONN_READABLE)
                serve(w, event[i].conn);
            else if (event[i].kind == CONN_DONE)
                answer_share(w);
            else
                ending = true;
        }
    } while (!idle);
    (void)pthread_mutex_lock(&w->service->lock);
    w->service->living--;
    (void)pthread_cond_signal(&w->service->news);
    (void)pthread_mutex_unlock(&w->service->lock);
    return NULL;
}

/* ---- start and end ---- */

static void say_broken(void *ctx)
{
    struct service *s = ctx;

    (void)eventfd_write(s->broken, 1);
}

static int open_signals(struct service *s, struct err *e)
{
    s->broken = eventfd(0, EFD_CLOEXEC);
    if (s->broken < 0)
        return err_errno(e, ERR_INTERNAL, "cannot wait for signals");
    return signals_open(&s->signals, e);
}

static int start_workers(struct service *s, struct err *e)
{
    size_t i;
    int rc;

    for (i = 0; i < s->workers; i++) {
        s->worker[i].service = s;
        if (store_open(s->conf, STORE_READ, &s->worker[i].store, e) != 0)
            return -1;
        s->worker[i].seat = (struct auth_seat){.auth = s->auth, .store = s->worker[i].store};
    }
    s->stats = store_stats(s->worker[0].store);
    stats_routes(s->stats, route_table());
    for (i = 0; i < s->workers; i++) {
        (void)pthread_mutex_lock(&s->lock);
        rc = pthread_create(&s->worker[i].thread, NULL, worker_main, &s->worker[i]);
        s->living += rc == 0;
        (void)pthread_mutex_unlock(&s->lock);
        if (rc != 0) {
            errno = rc;
            return err_errno(e, ERR_INTERNAL, "cannot start a thread");
        }
        s->worker[i].started = true;
    }
    return 0;
}

static int open_service(struct service *s, struct listener *l, struct err *e)
{
    struct writer_options o = {.conf = s->conf, .done = take_back, .broken = say_broken, .ctx = s};

    s->signals = s->broken = -1;
    s->back_end = &s->back;
    (void)pthread_mutex_init(&s->lock, NULL);
    (void)pthread_cond_init(&s->news, NULL);
    s->worker = calloc(s->workers, sizeof *s->worker);
    if (!s->worker)
        return err_set(e, ERR_INTERNAL, "no memory for the workers");
    if (ownaddr_open(&s->own, e) != 0 || open_signals(s, e) != 0 ||
        auth_open(s->conf, true, &s->auth, e) != 0 || fcgx_init(e) != 0 ||
        conn_set_open(l, s->workers, &s->set, e) != 0 || writer_open(&o, &s->writer, e) != 0)
        return -1;
    return start_workers(s, e);
}

/* Waits until the service has to end. 0: somebody asked for it, 1: it cannot go on. */
static int wait_for_end(const struct service *s)
{
    struct pollfd fds[] = {{.fd = s->signals, .events = POLLIN},
                           {.fd = s->broken, .events = POLLIN}};

    for (;;) {
        if (poll(fds, ARRAY_LEN(fds), -1) < 0 && errno == EINTR)
            continue;
        if (fds[1].revents)
            return 1;
        if (signals_end(s->signals))
            return 0;
    }
}

/* Answers what comes back from the writer until all workers have left: one that is stuck with its
 * connection keeps nobody waiting. */
static void outlive_workers(struct service *s, struct worker *last)
{
    (void)pthread_mutex_lock(&s->lock);
    while (s->living > 0) {
        if (!s->back) {
            (void)pthread_cond_wait(&s->news, &s->lock);
            continue;
        }
        (void)pthread_mutex_unlock(&s->lock);
        answer_share(last);
        (void)pthread_mutex_lock(&s->lock);
    }
    (void)pthread_mutex_unlock(&s->lock);
}

static void end_workers(struct service *s)
{
    struct worker last = {.service = s};
    size_t i;

    auth_stop(s->auth);
    if (s->set)
        conn_tell_end(s->set);
    outlive_workers(s, &last);
    for (i = 0; s->worker && i < s->workers; i++) {
        if (s->worker[i].started)
            (void)pthread_join(s->worker[i].thread, NULL);
    }
    if (s->writer)
        writer_close(s->writer);
    while (s->back)
        answer_share(&last);
    free_task(last.spare);
}

/* By now nobody else uses any of it. */
static void close_service(struct service *s)
{
    struct task *t;
    size_t i;

    for (i = 0; s->worker && i < s->workers; i++) {
        free_task(s->worker[i].spare);
        auth_seat_free(&s->worker[i].seat);
        store_close(s->worker[i].store);
    }
    free(s->worker);
    while ((t = s->spare) != NULL) {
        s->spare = t->next_spare;
        free_task(t);
    }
    conn_set_close(s->set);
    ownaddr_close(s->own);
    auth_close(s->auth);
    if (s->signals >= 0)
        (void)close(s->signals);
    if (s->broken >= 0)
        (void)close(s->broken);
    (void)pthread_cond_destroy(&s->news);
    (void)pthread_mutex_destroy(&s->lock);
}

static void log_ready(const struct service *s)
{
    const char *sqlite;
    bool bug = store_sqlite_has_wal_bug(&sqlite);
    char room[LOG_QUOTE_MAX];

    log_info("ready", "version=%s sqlite=%s wal_reset_bug=%s workers=%zu database=%s",
             ANTEROOM_VERSION, sqlite, bug ? "yes,kept_clear_of" : "no", s->workers,
             log_quote(room, s->conf->database.p));
}

int worker_serve(const struct conf *conf, struct listener *l)
{
    struct service s = {.conf = conf, .workers = (size_t)conf->workers, .started = clock_now()};
    char room[LOG_QUOTE_MAX];
    struct guard *guard;
    struct err e;
    int rc = 1;

    if (open_service(&s, l, &e) != 0) {
        log_error("start", "error=%s", log_quote(room, e.text));
    } else {
        log_ready(&s);
        rc = wait_for_end(&s);
        log_info("stopping", "reason=%s", rc == 0 ? "signal" : "commit_unknown");
    }
    listen_hide(l);
    guard = guard_start(s.set, rc);
    end_workers(&s);
    guard_end(guard);
    close_service(&s);
    log_info("stopped", "status=%d", rc);
    return rc;
}
