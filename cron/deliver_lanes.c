/* SPDX-License-Identifier: MIT */
/* Which lanes there are, and what the jobs of paused receivers say. */
#include "deliver_inner.h"
#include "store_clock.h"

enum {
    SAY_MAX = 500, /* lanes and jobs of one transaction: others wait for it */
    SCAN_SHARE = 4 /* a scan is followed by a time without one, so many times as long */
};

#define SCAN_REST_MOST (5 * NS_PER_S) /* also where the machine stood still during the scan */

static void say(void *ctx, struct lane *lane)
{
    struct deliver *d = ctx;

    lane->say = d->to_say = true;
    lane->unsay = false;
}

static void unsay(void *ctx, struct lane *lane)
{
    struct deliver *d = ctx;

    lane->unsay = d->to_say = true;
    lane->say = false;
}

/* ---- the scan ---- */

struct scanning {
    struct deliver *deliver;
    bool full, failed;
    bool said; /* some job says that its receiver is paused */
    struct err *e;
};

/* A lane that is new here: is its host paused, and was it when its jobs were last written? */
static int greet(struct scanning *sc, struct lane *lane)
{
    struct deliver *d = sc->deliver;
    struct store_receiver r;

    if (store_receiver(d->store, str_of(lane->origin), &r, sc->e) != 0)
        return -1;
    lanes_pause(d->lanes, lane, r.paused_until);
    if (!r.paused_until && sc->said)
        unsay(d, lane);
    return 0;
}

void deliver_rewind(struct lane *lane)
{
    lane->after_try = STORE_PLACE_FIRST.next_try;
    lane->after_id = STORE_PLACE_FIRST.id;
}

static bool put_lane(void *ctx, const struct store_lane *sl, int64_t next_try)
{
    struct scanning *sc = ctx;
    struct deliver *d = sc->deliver;
    char origin[URL_ORIGIN_MAX];
    struct lane *lane;
    bool fresh;

    if (store_receiver_origin(d->conf, sl->receiver, origin, sc->e) != 0) {
        sc->failed = true;
        return false;
    }
    lane = lanes_put(d->lanes, sl->receiver, sl->owner_id, origin, &fresh);
    if (!lane) {
        sc->full = true;
        return false;
    }
    buf_reset(&d->scanned);
    buf_add(&d->scanned, sl->receiver.p, sl->receiver.n);
    buf_add(&d->scanned, sl->owner_id.p, sl->owner_id.n);
    d->scanned_at = sl->receiver.n;
    if (fresh && greet(sc, lane) != 0) {
        sc->failed = true;
        return false;
    }
    deliver_rewind(lane);
    if (lanes_paused(lane))
        say(d, lane); /* there may be new jobs in it */
    lanes_look(d->lanes, lane, next_try);
    return true;
}

static bool nobody(void *ctx, int64_t id)
{
    (void)ctx;
    (void)id;
    return false;
}

/* The lane behind which a scan begins. */
static struct store_lane scan_after(const struct deliver *d)
{
    if (!d->more || d->scanned.failed)
        return (struct store_lane){0};
    return (struct store_lane){{d->scanned.data, d->scanned_at},
                               {d->scanned.data + d->scanned_at, d->scanned.len - d->scanned_at}};
}

/* Where there are more lanes than can be known at once, scan after scan goes on where the one
 * before ended. */
int deliver_scan(struct deliver *d, struct err *e)
{
    struct scanning sc = {.deliver = d, .e = e};
    int64_t start = clock_mono(), end, rest;
    struct store_lane after = scan_after(d);

    if (!d->changed || start < d->scan_from)
        return 0;
    if (store_paused_ends(d->store, nobody, NULL, &d->lapse, e) != 0)
        return -1;
    sc.said = d->lapse != INT64_MAX;
    d->news = d->news && d->more; /* this round will have seen them */
    lanes_scan(d->lanes);
    if (store_lanes(d->store, &after, put_lane, &sc, e) != 0 || sc.failed)
        return -1;
    lanes_sweep(d->lanes);
    d->changed = sc.full || d->more; /* what came before this part was left out */
    d->more = sc.full;
    d->unseen = sc.full || d->news;
    end = clock_mono();
    rest = SCAN_SHARE * (end - start);
    d->scan_from = end + (rest < SCAN_REST_MOST ? rest : SCAN_REST_MOST);
    return 0;
}

/* ---- what the jobs of a paused receiver say ---- */

void deliver_host(struct deliver *d, struct lane *lane, int64_t paused_until)
{
    bool was = lanes_paused(lane) != 0;

    if (lanes_paused(lane) == paused_until)
        return;
    lanes_pause(d->lanes, lane, paused_until);
    if (was != (paused_until != 0))
        lanes_each_of_host(lane, paused_until ? say : unsay, d);
}

struct saying {
    struct deliver *deliver;
    int64_t now, left; /* left: lanes and jobs that there is still time for */
    bool more;         /* some lane did not come to its end */
    bool failed;
    struct err *e;
};

static void say_lane(void *ctx, struct lane *lane)
{
    struct saying *sa = ctx;
    struct deliver *d = sa->deliver;
    struct store_lane sl = {lane->receiver, lane->owner_id};
    int n;

    if (sa->failed || (!lane->say && !lane->unsay))
        return;
    sa->more = sa->more || sa->left == 0;
    if (sa->left == 0)
        return;
    n = lane->say ? store_lane_pause(d->store, &sl, str_of(lane->origin), sa->left, sa->now, sa->e)
                  : store_lane_resume(d->store, &sl, sa->left, sa->now, sa->e);
    sa->failed = n < 0;
    sa->more = sa->more || n == sa->left;
    if (n < 0 || n == sa->left) {
        sa->left = 0;
        return;
    }
    sa->left -= n + 1;
    lane->say = lane->unsay = false;
}

/* What was said is rolled back: it is said again. */
static void say_again(void *ctx, struct lane *lane)
{
    (lanes_paused(lane) ? say : unsay)(ctx, lane);
}

/* Counts those that lapsed. */
static int say_and_lapse(struct deliver *d, int64_t now, struct deliver_counts *counts,
                         struct err *e)
{
    struct saying sa = {.deliver = d, .now = now, .left = SAY_MAX, .e = e};
    int n = 0, requeued = 0;

    if (d->to_say)
        lanes_each(d->lanes, say_lane, &sa);
    d->to_say = sa.more;
    if (sa.failed)
        return -1;
    if (now >= d->lapse)
        n = store_paused_lapse(d->store, deliver_is_busy, d, SAY_MAX, now, &requeued, e);
    counts->requeued += requeued;
    counts->failed += n - requeued;
    return n < 0 ? -1 : store_paused_ends(d->store, deliver_is_busy, d, &d->lapse, e);
}

int deliver_say(struct deliver *d, int64_t now, struct err *e)
{
    struct deliver_counts counts = d->counts;
    int rc;

    if (!d->to_say && now < d->lapse)
        return 0;
    if (store_begin(d->store, LOCK_SECONDS * NS_PER_S, e) != 0)
        return -1;
    /* Where the clock was set just now, `now` is of another one: next time. */
    rc = store_clock_shifted(d->store) == d->shifted ? say_and_lapse(d, now, &counts, e) : 0;
    if (rc != 0)
        store_rollback(d->store);
    if (rc != 0 || store_commit(d->store, e) != 0) {
        lanes_each(d->lanes, say_again, d);
        return -1;
    }
    d->counts = counts;
    return 0;
}

int64_t deliver_say_next(const struct deliver *d, int64_t now)
{
    return d->to_say ? now : d->lapse;
}
