/* SPDX-License-Identifier: MIT */
/*
 * Delivery. A slot is free, or its try is under way, or the try has ended and its outcome is to be
 * written. A job that has a slot is not started again, whatever the database says: so there are
 * never two tries for one job, and an outcome that could not be written yet is not overtaken.
 */
#include "deliver.h"

#include <sys/random.h>

#include "backoff.h"
#include "httpc.h"
#include "log.h"
#include "url.h"
#include "webhook.h"

enum { ANSWER_KEPT = 1024, ANSWER_READ = 64 << 10, LOCK_SECONDS = 5 };

enum slot_state { SLOT_FREE, SLOT_UNDER_WAY, SLOT_ENDED };

struct slot {
    enum slot_state state;
    int64_t id, admissions, number, hold_until;
    struct backoff_next next; /* of SLOT_ENDED */
};

struct deliver {
    const struct conf *conf;
    struct store *store;
    struct httpc *http;
    struct clock_zone zone;
    struct deliver_counts counts;
    char instance[17];
    size_t ended;
    size_t busy; /* slots that are not free */
    size_t slots;
    struct slot slot[];
};

int deliver_open(const struct conf *conf, struct store *store, struct deliver **out, struct err *e)
{
    size_t slots = (size_t)conf->callback.concurrency;
    struct deliver *d = calloc(1, sizeof *d + slots * sizeof d->slot[0]);

    if (!d)
        return err_set(e, ERR_INTERNAL, "out of memory at start");
    d->conf = conf;
    d->store = store;
    d->slots = slots;
    if (store_instance(store, d->instance, e) != 0 || httpc_open(slots, &d->http, e) != 0) {
        free(d);
        return -1;
    }
    *out = d;
    return 0;
}

void deliver_close(struct deliver *d)
{
    if (d)
        httpc_close(d->http);
    free(d);
}

size_t deliver_under_way(const struct deliver *d)
{
    return d->busy;
}

struct deliver_counts deliver_counts(struct deliver *d)
{
    struct deliver_counts c = d->counts;

    d->counts = (struct deliver_counts){0};
    return c;
}

/* The slot of a job, or NULL; `*free` is then one that is free, or NULL. */
static struct slot *slot_of(struct deliver *d, int64_t id, struct slot **unused)
{
    size_t i;

    *unused = NULL;
    for (i = 0; i < d->slots; i++) {
        if (d->slot[i].state == SLOT_FREE)
            *unused = &d->slot[i];
        else if (d->slot[i].id == id)
            return &d->slot[i];
    }
    return NULL;
}

static void end_slot(struct deliver *d, struct slot *s)
{
    s->state = SLOT_ENDED;
    d->ended++;
}

/* What can't be sent at all is given up without a try. */
static void refuse(struct deliver *d, struct slot *s, const struct err *e)
{
    s->next = (struct backoff_next){.outcome = STORE_GIVE_UP, .reason = JOB_REASON_CALLBACK};
    (void)snprintf(s->next.message, sizeof s->next.message, "%.350s", e->text);
    end_slot(d, s);
}

static int send_webhook(struct deliver *d, const struct slot *s, const char *url,
                        const struct webhook *w, struct err *e)
{
    struct httpc_request r = {
        .url = url,
        .body = buf_span(&w->body),
        .headers = WEBHOOK_LINES,
        .timeout = d->conf->callback.timeout,
        .connect_timeout = d->conf->callback.connect_timeout,
        .keep = ANSWER_KEPT,
        .read = ANSWER_READ,
        .tag = (size_t)(s - d->slot),
    };
    size_t i;

    for (i = 0; i < WEBHOOK_LINES; i++)
        r.header[i] = w->line[i];
    return httpc_start(d->http, &r, e);
}

/* The message, and the address that it goes to. */
static int start_try(struct deliver *d, struct slot *s, const struct store_due *due, struct err *e)
{
    struct url url = {0};
    struct webhook w;
    int rc;

    rc = url_resolve(conf_queue(d->conf, due->job.type)->callback_base, due->job.callback,
                     "the callback", &url, e);
    if (rc == 0)
        rc = webhook_make(due, d->instance, clock_now(), &d->zone, &w, e);
    if (rc == 0) {
        rc = send_webhook(d, s, url.text.data, &w, e);
        buf_free(&w.body);
    }
    url_free(&url);
    return rc;
}

/* For store_due's callback. */
struct starting {
    struct deliver *deliver;
    int64_t now, next;
    bool failed;
    struct err *e;
};

static bool start_due(void *ctx, const struct store_due *due)
{
    struct starting *st = ctx;
    struct deliver *d = st->deliver;
    struct slot *unused;

    if (slot_of(d, due->job.id, &unused))
        return true;
    if (!unused)
        return false;
    if (due->next_try > st->now) {
        st->next = due->next_try;
        return false;
    }
    *unused = (struct slot){SLOT_UNDER_WAY,    due->job.id,     due->admissions,
                            due->attempts + 1, due->hold_until, {0}};
    if (start_try(d, unused, due, st->e) == 0) {
        d->busy++;
        return true;
    }
    if (st->e->code == ERR_INTERNAL) { /* ours, not the job's: it stays due */
        unused->state = SLOT_FREE;
        st->failed = true;
        return false;
    }
    d->busy++;
    refuse(d, unused, st->e);
    return true;
}

int deliver_start(struct deliver *d, int64_t now, int64_t *next, struct err *e)
{
    struct starting st = {d, now, INT64_MAX, false, e};

    *next = INT64_MAX;
    if (d->busy == d->slots)
        return 0;
    /* Those under way are still due in the database, and come first: one more than all slots finds
     * at least one that is not, if there is one. */
    if (store_due(d->store, INT64_MAX, d->slots + 1, start_due, &st, e) != 0 || st.failed)
        return -1;
    *next = st.next;
    return 0;
}

static uint32_t random_bits(void)
{
    uint32_t r = 0;

    if (getrandom(&r, sizeof r, GRND_NONBLOCK) != sizeof r)
        r = (uint32_t)clock_mono(); /* it only spreads the tries */
    return r;
}

static void log_try(const struct slot *s, const struct httpc_answer *a)
{
    char room[LOG_QUOTE_MAX];

    if (s->next.outcome == STORE_ACCEPTED)
        log_debug("callback", "job=%lld try=%lld status=%d ms=%lld", (long long)s->id,
                  (long long)s->number, a->status, (long long)(a->duration / NS_PER_MS));
    else
        log_info("callback", "job=%lld try=%lld status=%d ms=%lld outcome=%s error=%s",
                 (long long)s->id, (long long)s->number, a->status,
                 (long long)(a->duration / NS_PER_MS),
                 s->next.outcome == STORE_GIVE_UP ? "given-up" : "again",
                 log_quote(room, s->next.message));
}

static void on_answer(void *ctx, const struct httpc_answer *a)
{
    struct deliver *d = ctx;
    struct slot *s = &d->slot[a->tag];
    struct backoff_try t = {
        .number = s->number,
        .now = clock_now(),
        .hold_until = s->hold_until,
        .status = a->status,
        .retry_after = a->retry_after,
        .error = a->error,
        .random = random_bits(),
    };

    backoff_decide(&d->conf->callback, &t, &s->next);
    d->counts.tried++;
    log_try(s, a);
    end_slot(d, s);
}

/* The absent span for an empty text. */
static struct str text_or_none(const char *text)
{
    return text && *text ? str_of(text) : (struct str){0};
}

static int write_one(struct deliver *d, const struct slot *s, int64_t now, struct err *e)
{
    struct store_try t = {
        .id = s->id,
        .admissions = s->admissions,
        .outcome = s->next.outcome,
        .next_try = s->next.next_try,
        .reason = text_or_none(s->next.reason),
        .message = text_or_none(s->next.message),
    };

    return store_tried(d->store, &t, now, e) < 0 ? -1 : 0;
}

static int write_ended(struct deliver *d, struct err *e)
{
    int64_t now = clock_now();
    size_t i;

    if (store_begin(d->store, LOCK_SECONDS * NS_PER_S, e) != 0)
        return -1;
    for (i = 0; i < d->slots; i++) {
        if (d->slot[i].state == SLOT_ENDED && write_one(d, &d->slot[i], now, e) != 0) {
            store_rollback(d->store);
            return -1;
        }
    }
    return store_commit(d->store, e);
}

static void free_ended(struct deliver *d)
{
    size_t i;

    for (i = 0; i < d->slots; i++) {
        if (d->slot[i].state != SLOT_ENDED)
            continue;
        d->counts.accepted += d->slot[i].next.outcome == STORE_ACCEPTED;
        d->counts.failed += d->slot[i].next.outcome == STORE_GIVE_UP;
        d->slot[i].state = SLOT_FREE;
        d->busy--;
    }
    d->ended = 0;
}

int deliver_turn(struct deliver *d, struct err *e)
{
    httpc_turn(d->http, on_answer, d);
    if (d->ended == 0)
        return 0;
    if (write_ended(d, e) != 0)
        return -1;
    free_ended(d);
    return 0;
}

void deliver_wait(struct deliver *d, const int *fd, size_t fds, int64_t ns)
{
    httpc_wait(d->http, fd, fds, ns);
}
