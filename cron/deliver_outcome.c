/* SPDX-License-Identifier: MIT */
/* How tries end: what is made of an answer, and how it is written down. */
#include <sys/random.h>

#include "deliver_inner.h"
#include "plain.h"
#include "store_clock.h"
#include "store_queues.h"

enum { REFUSALS_MAX = 3 }; /* of an outcome, before it is left for a while */

#define ASIDE_FOR (30 * NS_PER_S)

static void end_slot(struct deliver *d, struct slot *s)
{
    s->state = SLOT_ENDED;
    d->ended++;
}

void deliver_refuse(struct deliver *d, struct slot *s, const struct err *e)
{
    s->then = (struct backoff_next){.outcome = STORE_REFUSED, .reason = JOB_REASON_CALLBACK};
    (void)snprintf(s->then.message, sizeof s->then.message, "%.350s", e->text);
    (void)snprintf(s->error, sizeof s->error, "%.250s", e->text);
    end_slot(d, s);
}

static uint32_t random_bits(void)
{
    uint32_t r = 0;

    if (getrandom(&r, sizeof r, GRND_NONBLOCK) != sizeof r)
        r = (uint32_t)clock_mono(); /* it only spreads the tries */
    return r;
}

static void keep_answer(struct slot *s, const struct httpc_answer *a)
{
    s->status = a->status;
    s->ns = a->duration;
    (void)snprintf(s->address, sizeof s->address, "%.*s", (int)a->address.n,
                   a->address.n ? a->address.p : "");
    s->error[0] = '\0';
    if (a->status == 0)
        (void)plain_text(str_of(a->error), s->error, sizeof s->error);
    s->answer_n = a->body.n < sizeof s->answer ? a->body.n : sizeof s->answer;
    if (s->answer_n)
        memcpy(s->answer, a->body.p, s->answer_n);
}

void deliver_on_answer(void *ctx, const struct httpc_answer *a)
{
    struct deliver *d = ctx;
    struct slot *s = &d->slot[a->tag];
    struct backoff_try t = {
        .number = s->number,
        /* By the clock that hold_until is of, whatever was done to it since. */
        .now = s->at + (clock_mono() - s->mono),
        .hold_until = s->hold_until,
        .status = a->status,
        .retry_after = a->retry_after,
        .error = s->error,
        .random = a->status / 100 == 2 ? 0 : random_bits(), /* it is for the next try */
    };

    keep_answer(s, a);
    /* Another's queue may reach the receiver, or another's lookup find it. */
    s->called = !a->unsent;
    backoff_decide(&d->conf->callback, &t, &s->then);
    d->counts.tried++;
    end_slot(d, s);
}

/* ---- writing ---- */

/* The absent span for an empty text. */
static struct str text_or_none(const char *text)
{
    return text && *text ? str_of(text) : (struct str){0};
}

static bool is_to_be_written(const struct slot *s)
{
    return s->state == SLOT_ENDED && !s->aside;
}

static int write_one(struct deliver *d, struct slot *s, int64_t now, struct err *e)
{
    struct store_try t = {
        .id = s->id,
        .admissions = s->admissions,
        .again = s->again,
        .asked = s->asked,
        .outcome = s->then.outcome,
        .next_try = s->then.next_try,
        .reason = text_or_none(s->then.reason),
        .message = text_or_none(s->then.message),
        .at = s->at,
        .ns = s->ns,
        .url = s->url.text.data ? buf_span(&s->url.text) : (struct str){0},
        .origin = s->called ? str_of(s->url.origin) : (struct str){0},
        .address = text_or_none(s->address),
        .status = s->status,
        .error = text_or_none(s->error),
        .answer = {s->answer, s->answer_n},
    };

    return store_tried(d->store, &t, now, &s->tried, e);
}

/* What has ended of those slots, in a transaction. *refused: it is one of the outcomes that could
 * not be written, rather than the transaction. */
static int write_slots(struct deliver *d, struct slot *from, struct slot *to, bool *refused,
                       struct err *e)
{
    int64_t now, start = clock_mono(), n = 0;

    *refused = false;
    if (store_begin(d->store, LOCK_SECONDS * NS_PER_S, e) != 0)
        return -1;
    deliver_follow(d);
    now = store_now(d->store);
    for (; from < to; from++) {
        if (!is_to_be_written(from))
            continue;
        if (write_one(d, from, now, e) != 0) {
            store_rollback(d->store);
            *refused = true;
            return -1;
        }
        n++;
    }
    if (store_commit(d->store, e) != 0)
        return -1;
    stats_commit(store_stats(d->store), STATS_DISPATCHER, n, clock_mono() - start);
    return 0;
}

/* ---- what follows once it is written ---- */

static void log_receiver(const struct slot *s)
{
    const struct store_receiver *r = &s->tried.receiver, *before = &s->tried.before;
    char room[LOG_QUOTE_MAX], error[LOG_QUOTE_MAX];

    if (r->paused_until != 0 && r->paused_until != before->paused_until)
        log_warn("receiver-paused", "receiver=%s failures=%lld seconds=%lld error=%s",
                 log_quote(room, s->url.origin), (long long)r->failures,
                 (long long)(r->pause / NS_PER_S), log_quote(error, s->then.message));
    else if (r->paused_until == 0 && before->paused_until != 0)
        log_info("receiver-back", "receiver=%s failures=%lld", log_quote(room, s->url.origin),
                 (long long)before->failures);
}

/* What came of the job, once that is written. */
static const char *outcome_word(const struct slot *s)
{
    static const char *const words[] = {[STORE_ACCEPTED] = "accepted",
                                        [STORE_TRY_AGAIN] = "again",
                                        [STORE_GIVE_UP] = "failed",
                                        [STORE_REFUSED] = "failed"};

    if (!s->tried.written)
        return "void";
    if (s->again && s->then.outcome != STORE_ACCEPTED)
        return "not-accepted";
    return s->tried.requeued ? "requeued" : words[s->tried.outcome];
}

static void log_try(const struct slot *s)
{
    char room[LOG_QUOTE_MAX];

    log_at(s->then.outcome == STORE_ACCEPTED ? LOG_LVL_DEBUG : LOG_LVL_INFO, "callback",
           "job=%lld try=%lld status=%d ms=%lld outcome=%s error=%s%s%s", (long long)s->id,
           (long long)s->number, s->status, (long long)(s->ns / NS_PER_MS), outcome_word(s),
           log_quote(room, s->then.message), s->request[0] ? " id=" : "", s->request);
}

/* A call that was asked for again, of a job that runs, changes nothing: not accepted, it is not
 * made again by itself either. */
static enum stats_outcome outcome_of(const struct slot *s)
{
    if (!s->tried.written)
        return STATS_VOID;
    if (s->then.outcome == STORE_ACCEPTED)
        return STATS_ACCEPTED;
    if (s->again || s->tried.outcome == STORE_TRY_AGAIN)
        return STATS_AGAIN;
    return s->tried.requeued ? STATS_REQUEUED : STATS_FAILED;
}

static void count(struct deliver_counts *c, const struct slot *s)
{
    if (!s->tried.written || s->again)
        return;
    c->accepted += s->then.outcome == STORE_ACCEPTED;
    c->requeued += s->tried.requeued;
    c->failed += s->tried.outcome >= STORE_GIVE_UP && !s->tried.requeued;
}

/* The job was passed over while this try was under way. When is its lane to be looked at again?
 * What the lane has gone by is found again only from its beginning. */
static void look_again(struct deliver *d, struct slot *s)
{
    int64_t when = s->tried.asked ? -1 : s->then.next_try;

    if (!s->tried.written) {
        deliver_changed(d); /* it may have been admitted anew, and have another receiver */
        return;
    }
    if (!s->tried.asked && (s->again || s->then.outcome != STORE_TRY_AGAIN))
        return;
    if (s->tried.asked || when <= s->lane->after_try)
        deliver_rewind(s->lane);
    lanes_look(d->lanes, s->lane, when);
}

static void finish(struct deliver *d, struct slot *s)
{
    d->counts.finished++;
    count(&d->counts, s);
    stats_delivery(store_stats(d->store), outcome_of(s), s->ns);
    log_try(s);
    log_receiver(s);
    if (s->called && strcmp(s->url.origin, s->lane->origin) == 0) /* 0003_delivery.sql guesses */
        deliver_host(d, s->lane, s->tried.receiver.paused_until);
    lanes_ended(d->lanes, s->lane);
    if (s->tried.receiver.paused_until)
        d->lapse = 0; /* one more may say that it is paused: look when its hold ends */
    look_again(d, s);
    d->ended--;
    deliver_slot_free(d, s);
}

/* ---- what cannot be written ---- */

static void set_aside(struct deliver *d, struct slot *s, const struct err *e)
{
    char room[LOG_QUOTE_MAX];

    s->aside = true;
    d->ended--;
    d->aside++;
    d->aside_until = clock_mono() + ASIDE_FOR;
    log_error("callback-unwritten", "job=%lld error=%s", (long long)s->id,
              log_quote(room, e->text));
}

static void take_back(struct deliver *d)
{
    size_t i;

    if (d->aside == 0 || clock_mono() < d->aside_until)
        return;
    for (i = 0; i < d->used; i++)
        d->slot[i].aside = false;
    d->ended += d->aside;
    d->aside = 0;
}

/* A page that can't be read, a row that is refused: only the outcome that needs it waits for it. */
static int write_singly(struct deliver *d, struct err *e)
{
    struct slot *s;
    struct err why;
    bool refused;
    int rc = 0;

    for (s = d->slot; s < d->slot + d->used; s++) {
        if (!is_to_be_written(s))
            continue;
        if (write_slots(d, s, s + 1, &refused, &why) == 0) {
            finish(d, s);
            continue;
        }
        *e = why;
        rc = -1;
        if (!refused)
            break;
        if (++s->refusals >= REFUSALS_MAX)
            set_aside(d, s, e);
    }
    return rc;
}

int deliver_write(struct deliver *d, struct err *e)
{
    struct slot *s, *end = d->slot + d->used;
    bool refused;

    take_back(d);
    if (d->ended == 0)
        return 0;
    if (write_slots(d, d->slot, end, &refused, e) != 0)
        return refused && e->code != ERR_STORAGE_FULL ? write_singly(d, e) : -1;
    for (s = d->slot; s < end; s++) {
        if (is_to_be_written(s))
            finish(d, s);
    }
    return 0;
}
