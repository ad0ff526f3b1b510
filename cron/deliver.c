/* SPDX-License-Identifier: MIT */
/* Delivery: starting callbacks that are due, lane by lane, and moving them on. */
#include "deliver_inner.h"
#include "store_clock.h"

enum { ANSWER_READ = 64 << 10 };

static int open_parts(struct deliver *d, struct err *e)
{
    const struct conf_callback *c = &d->conf->callback;
    struct lanes_limits limits = {d->slots, (size_t)c->per_host, (size_t)c->per_owner};
    struct caller_options o = {
        .keep = d->slots, .nameserver = c->nameserver, .ca_file = c->ca_file};

    return store_instance(d->store, d->instance, e) == 0 && deliver_slots_init(d, e) == 0 &&
                   lanes_open(&limits, &d->lanes, e) == 0 &&
                   secrets_open(d->conf, &d->secrets, e) == 0 && caller_open(&o, &d->caller, e) == 0
               ? 0
               : -1;
}

int deliver_open(const struct conf *conf, struct store *store, struct deliver **out, struct err *e)
{
    size_t slots = deliver_window(conf);
    struct deliver *d = calloc(1, sizeof *d + slots * sizeof d->slot[0]);

    if (!d)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    d->conf = conf;
    d->store = store;
    d->slots = slots;
    deliver_changed(d);
    d->scanned = BUF_INIT(4096);
    d->lapse = INT64_MAX;
    if (open_parts(d, e) != 0) {
        deliver_close(d);
        return -1;
    }
    *out = d;
    return 0;
}

void deliver_close(struct deliver *d)
{
    size_t i;

    if (!d)
        return;
    caller_close(d->caller);
    for (i = 0; i < d->used; i++)
        url_free(&d->slot[i].url);
    lanes_close(d->lanes);
    secrets_close(d->secrets);
    buf_free(&d->scanned);
    free(d->chain);
    free(d);
}

size_t deliver_under_way(const struct deliver *d)
{
    return d->busy - d->aside;
}

struct deliver_counts deliver_counts(struct deliver *d)
{
    struct deliver_counts c = d->counts;

    d->counts = (struct deliver_counts){0};
    return c;
}

void deliver_changed(struct deliver *d)
{
    d->changed = d->unseen = d->news = true;
}

bool deliver_unseen(const struct deliver *d)
{
    return d->unseen;
}

/* ---- one try ---- */

static int send_webhook(struct deliver *d, struct slot *s, const struct store_due *due,
                        const struct webhook *w, struct err *e)
{
    struct netguard_rules rules = conf_rules(d->conf, conf_queue(d->conf, due->job.type));
    struct caller_request r = {
        .url = &s->url,
        .rules = &rules,
        .group = due->job.owner_id,
        .body = buf_span(&w->body),
        .headers = w->lines,
        .timeout = d->conf->callback.timeout,
        .connect_timeout = d->conf->callback.connect_timeout,
        .keep = STORE_ANSWER_KEPT,
        .read = ANSWER_READ,
        .tag = (size_t)(s - d->slot),
    };
    size_t i;

    for (i = 0; i < w->lines; i++)
        r.header[i] = w->line[i];
    return caller_start(d->caller, &r, e);
}

/* The message, and the address that it goes to. */
static int start_try(struct deliver *d, struct slot *s, const struct store_due *due, struct err *e)
{
    const struct conf_queue *queue = conf_queue(d->conf, due->job.type);
    struct webhook w;
    int rc;

    if (url_resolve(queue->callback_base, due->job.callback, "the callback", &s->url, e) != 0)
        return -1;
    s->called = true;
    if (webhook_make(due, d->instance, s->at, &d->zone, &w, e) != 0)
        return -1;
    rc = webhook_sign(&w, d->secrets, queue, e);
    if (rc == 0)
        rc = send_webhook(d, s, due, &w, e);
    buf_free(&w.body);
    return rc;
}

/* 0: it is under way, or ended at once. -1: a fault of ours, not the job's: it stays due. */
static int start_job(struct deliver *d, struct lane *lane, const struct store_due *due, int64_t now,
                     struct err *e)
{
    struct slot *s = deliver_slot_take(d, due->job.id);

    if (!s)
        return err_set(e, ERR_INTERNAL, "no slot is free"); /* cannot be: lanes.h counts them */
    s->admissions = due->admissions;
    s->number = due->attempts + 1;
    s->hold_until = due->hold_until;
    s->asked = due->next_try;
    s->again = due->job.status == JOB_RUNNING;
    s->lane = lane;
    s->mono = clock_mono();
    s->at = now + (s->mono - d->started); /* waits for the database lie between */
    (void)snprintf(s->request, sizeof s->request, "%.*s", (int)due->request.n,
                   due->request.p ? due->request.p : "");
    if (start_try(d, s, due, e) == 0)
        return 0;
    if (e->code == ERR_INTERNAL) {
        deliver_slot_free(d, s);
        return -1;
    }
    s->called = false;
    if (!s->url.text.data) { /* it is no URL that could be called */
        s->url.text = BUF_INIT(JOB_CALLBACK_MAX);
        buf_add(&s->url.text, due->job.callback.p, due->job.callback.n);
    }
    deliver_refuse(d, s, e);
    return 0;
}

/* ---- a lane's turn ---- */

/* Its hold is over, and it says that its receiver is paused: it is not called any more. */
static bool has_lapsed(const struct store_due *due, int64_t now)
{
    return due->job.status == JOB_ADMITTED && due->job.reason.p &&
           str_is(due->job.reason, JOB_REASON_RECEIVER) && due->hold_until <= now;
}

/* The lane's next callback that is to be made now: 1 and *due, 0: none, and the lane rests; -1: it
 * has its turn still. */
static int pick(struct deliver *d, struct lane *lane, int64_t now, struct store_due *due,
                struct err *e)
{
    struct store_lane sl = {lane->receiver, lane->owner_id};
    struct store_place at = {lane->after_try, lane->after_id};
    int rc;

    while ((rc = store_lane_next(d->store, &sl, deliver_is_busy, d, &at, e)) == 1) {
        if (at.next_try > now || (lane->urgent && at.next_try >= 0)) {
            lanes_rest(d->lanes, lane, at.next_try);
            return 0;
        }
        lane->after_try = at.next_try;
        lane->after_id = at.id;
        rc = store_due(d->store, at.id, due, e);
        if (rc < 0 || (rc == 1 && !has_lapsed(due, now)))
            return rc;
    }
    if (rc == 0)
        lanes_rest(d->lanes, lane, INT64_MAX);
    return rc;
}

/* After a fault the lane is looked through from its beginning, behind the others. */
static int take_turn(struct deliver *d, struct lane *lane, int64_t now, struct err *e)
{
    struct store_due due;
    int rc = pick(d, lane, now, &due, e);

    if (rc == 1) {
        rc = start_job(d, lane, &due, now, e);
        if (rc == 0)
            lanes_started(d->lanes, lane);
    }
    if (rc < 0) {
        lanes_rest(d->lanes, lane, lane->urgent ? -1 : now);
        deliver_rewind(lane);
    }
    return rc;
}

/* When deliver_start has something to do by the clock alone. */
static int64_t next_moment(const struct deliver *d, int64_t now)
{
    int64_t next = lanes_when(d->lanes), say = deliver_say_next(d, now),
            scan = d->scan_from - clock_mono();

    next = say < next ? say : next;
    scan = d->changed ? now + (scan > 0 ? scan : 0) : INT64_MAX;
    return scan < next ? scan : next;
}

/* All of it as the database is at one moment. 1: nothing was started, since the clock was set just
 * now. */
static int start_all(struct deliver *d, int64_t now, struct err *e)
{
    struct lane *lane;
    int rc = store_clock_agrees(d->store, e);

    if (rc == 0)
        return 1;
    rc = rc < 0 ? -1 : deliver_scan(d, e);
    while (rc >= 0 && (lane = lanes_next(d->lanes, now)))
        rc = take_turn(d, lane, now, e);
    return rc < 0 ? -1 : 0;
}

int deliver_start(struct deliver *d, int64_t now, int64_t *next, struct err *e)
{
    int rc;

    d->started = clock_mono();
    deliver_follow(d);
    secrets_refresh(d->secrets, d->started);
    if (deliver_say(d, now, e) != 0 || store_read_begin(d->store, e) != 0)
        return -1;
    /* Where the transaction has just followed a clock that was set, `now` is of the one before. */
    rc = store_clock_shifted(d->store) == d->shifted ? start_all(d, now, e) : 1;
    store_read_end(d->store);
    *next = rc < 0 ? INT64_MAX : rc == 1 ? now : next_moment(d, now);
    return rc < 0 ? -1 : 0;
}

int deliver_turn(struct deliver *d, struct err *e)
{
    caller_turn(d->caller, deliver_on_answer, d);
    return deliver_write(d, e);
}

void deliver_wait(struct deliver *d, const int *fd, size_t fds, int64_t ns)
{
    caller_wait(d->caller, fd, fds, ns);
}
