/* SPDX-License-Identifier: MIT */
/* The guard over the clean stop. */
#include "guard.h"

#include <errno.h>
#include <pthread.h>
#include <unistd.h>

#include "log.h"

#define CUT_AFTER  (3 * NS_PER_S)
#define EXIT_AFTER (4 * NS_PER_S + NS_PER_S / 2)

struct guard {
    struct conn_set *set;
    int status;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t over_cond;
    bool over; /* guarded by lock */
};

/* True: it is over before `deadline` (clock_mono). */
static bool is_over_by(struct guard *g, int64_t deadline)
{
    struct timespec until = {.tv_sec = deadline / NS_PER_S, .tv_nsec = deadline % NS_PER_S};
    bool over;

    (void)pthread_mutex_lock(&g->lock);
    while (!g->over && pthread_cond_timedwait(&g->over_cond, &g->lock, &until) != ETIMEDOUT)
        continue;
    over = g->over;
    (void)pthread_mutex_unlock(&g->lock);
    return over;
}

static void *guard_main(void *arg)
{
    struct guard *g = arg;
    int64_t start = clock_mono();

    if (is_over_by(g, start + CUT_AFTER))
        return NULL;
    log_warn("stop", "step=cut_connections");
    if (g->set)
        conn_cut_all(g->set);
    if (is_over_by(g, start + EXIT_AFTER))
        return NULL;
    log_warn("stop", "step=exit_without_waiting status=%d", g->status);
    _exit(g->status);
}

struct guard *guard_start(struct conn_set *set, int status)
{
    struct guard *g = calloc(1, sizeof *g);
    pthread_condattr_t attr;

    if (!g) {
        log_warn("stop", "step=no_guard");
        return NULL;
    }
    g->set = set;
    g->status = status;
    (void)pthread_mutex_init(&g->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&g->over_cond, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&g->thread, NULL, guard_main, g) == 0)
        return g;
    log_warn("stop", "step=no_guard");
    free(g);
    return NULL;
}

void guard_end(struct guard *g)
{
    if (!g)
        return;
    (void)pthread_mutex_lock(&g->lock);
    g->over = true;
    (void)pthread_cond_signal(&g->over_cond);
    (void)pthread_mutex_unlock(&g->lock);
    (void)pthread_join(g->thread, NULL);
    (void)pthread_cond_destroy(&g->over_cond);
    (void)pthread_mutex_destroy(&g->lock);
    free(g);
}
