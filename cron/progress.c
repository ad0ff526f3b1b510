/* SPDX-License-Identifier: MIT */
/* How far work is: the line, and the thread that draws it. */
#include "progress.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "clock.h"

#define FIRST NS_PER_S /* who is done sooner draws nothing */
#define EACH  (200 * NS_PER_MS)

enum { LINE_MAX_BYTES = 512, BAR_MOST = 30, WIDTH_UNKNOWN = 80 };

struct progress {
    pthread_t thread;
    pthread_mutex_t lock; /* of all that follows */
    pthread_cond_t ended;
    bool over, drawn;
    int64_t began, since; /* clock_mono: the whole, and what is shown now */
    struct progress_view view;
};

/* ---- the line ---- */

void progress_bytes(struct buf *b, int64_t bytes)
{
    static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
    double v = (double)bytes;
    size_t i = 0;

    while (v >= 1024 && i + 1 < ARRAY_LEN(units)) {
        v /= 1024;
        i++;
    }
    buf_printf(b, i == 0 ? "%.0f %s" : "%.1f %s", v, units[i]);
}

static void put_amount(struct buf *b, enum progress_unit unit, int64_t v)
{
    if (unit == PROGRESS_BYTES)
        progress_bytes(b, v);
    else
        buf_printf(b, "%lld", (long long)v);
}

static void put_time(struct buf *b, int64_t ns)
{
    long long s = ns / NS_PER_S;

    if (s < 60)
        buf_printf(b, "%lld s", s);
    else if (s < 3600)
        buf_printf(b, "%lld min %lld s", s / 60, s % 60);
    else
        buf_printf(b, "%lld h %lld min", s / 3600, s / 60 % 60);
}

static void put_bar(struct buf *b, const struct progress_view *v, int width)
{
    int i, full = (int)((double)v->done / (double)v->all * width);

    buf_str(b, " [");
    for (i = 0; i < width; i++)
        buf_char(b, i < full ? '#' : '.');
    buf_str(b, "]");
}

static void put_numbers(struct buf *b, const struct progress_view *v)
{
    double rate = v->ns > 0 ? (double)v->done / ((double)v->ns / NS_PER_S) : 0;

    if (v->all > 0) {
        buf_printf(b, " %d %% ", (int)((double)v->done * 100 / (double)v->all));
        put_amount(b, v->unit, v->done);
        buf_str(b, " of ");
        put_amount(b, v->unit, v->all);
    }
    if (v->all > 0 && v->done > 0 && rate >= 1) {
        buf_str(b, ", ");
        put_amount(b, v->unit, (int64_t)rate);
        buf_str(b, "/s, ");
        put_time(b, (int64_t)((double)(v->all - v->done) / rate * NS_PER_S));
        buf_str(b, " left");
    } else {
        buf_str(b, v->all > 0 ? ", " : " ");
        put_time(b, v->ns);
    }
}

void progress_write(struct buf *b, const struct progress_view *view)
{
    struct progress_view v = *view;
    struct buf numbers = BUF_INIT(LINE_MAX_BYTES);
    size_t start = b->len, most = (size_t)(v.width > 1 ? v.width : WIDTH_UNKNOWN) - 1;
    size_t taken;

    v.done = v.all > 0 && v.done > v.all ? v.all : v.done; /* `all` may be a guess */
    buf_str(b, v.what);
    put_numbers(&numbers, &v);
    taken = b->len - start + numbers.len + 3;
    if (v.all > 0 && taken + 8 < most)
        put_bar(b, &v, most - taken < BAR_MOST ? (int)(most - taken) : BAR_MOST);
    buf_add(b, numbers.data, numbers.len);
    if (b->len - start > most)
        b->len = start + most;
    buf_free(&numbers);
}

/* ---- the thread ---- */

static int width_of_terminal(void)
{
    struct winsize size;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

/* A terminal may be stopped: nobody is to wait for it with the lock. */
static void draw(struct progress *p)
{
    struct progress_view view = p->view;
    struct buf b = BUF_INIT(LINE_MAX_BYTES);

    view.ns = clock_mono() - p->since;
    p->drawn = true;
    (void)pthread_mutex_unlock(&p->lock);
    view.width = width_of_terminal();
    buf_char(&b, '\r');
    progress_write(&b, &view);
    buf_str(&b, "\033[K");
    if (!b.failed)
        (void)!write(STDERR_FILENO, b.data, b.len);
    buf_free(&b);
    (void)pthread_mutex_lock(&p->lock);
}

static struct timespec at(int64_t mono)
{
    return (struct timespec){.tv_sec = mono / NS_PER_S, .tv_nsec = mono % NS_PER_S};
}

static void *watch(void *ctx)
{
    struct progress *p = ctx;
    int64_t next = p->began + FIRST;

    (void)pthread_mutex_lock(&p->lock);
    while (!p->over) {
        struct timespec when = at(next);

        (void)pthread_cond_timedwait(&p->ended, &p->lock, &when);
        if (p->over || clock_mono() < next)
            continue;
        draw(p);
        next = clock_mono() + EACH;
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

struct progress *progress_new(const char *what, enum progress_unit unit)
{
    struct progress *p = isatty(STDERR_FILENO) ? calloc(1, sizeof *p) : NULL;
    pthread_condattr_t attr;

    if (!p)
        return NULL;
    p->began = p->since = clock_mono();
    p->view = (struct progress_view){.what = what, .unit = unit};
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_condattr_init(&attr);
    (void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    (void)pthread_cond_init(&p->ended, &attr);
    (void)pthread_condattr_destroy(&attr);
    if (pthread_create(&p->thread, NULL, watch, p) == 0)
        return p;
    (void)pthread_cond_destroy(&p->ended);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
    return NULL;
}

void progress_at(struct progress *p, const char *what, int64_t done, int64_t all)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    if (p->view.what != what)
        p->since = clock_mono(); /* the rate is this work's own */
    p->view.what = what;
    p->view.done = done;
    p->view.all = all;
    (void)pthread_mutex_unlock(&p->lock);
}

void progress_end(struct progress *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->over = true;
    (void)pthread_cond_signal(&p->ended);
    (void)pthread_mutex_unlock(&p->lock);
    (void)pthread_join(p->thread, NULL);
    if (p->drawn)
        (void)!write(STDERR_FILENO, "\r\033[K", 4);
    (void)pthread_cond_destroy(&p->ended);
    (void)pthread_mutex_destroy(&p->lock);
    free(p);
}
