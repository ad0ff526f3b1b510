/* SPDX-License-Identifier: MIT */
/* What a pass writes: news of the sources, placements, the first admissions and reasons in one
 * short transaction; further ones, should there be more than are written at once, in short ones of
 * their own. */
#include "log.h"
#include "pass_inner.h"
#include "store_queues.h"
#include "store_clock.h"

enum { LOCK_SECONDS = 5 };

static int copy_host(struct pass *p, const struct source_host *from, struct store_host *to)
{
    struct store_amount *amount = arena_array(p->arena, from->amounts, sizeof *amount);
    size_t i;

    if (!amount)
        return -1;
    for (i = 0; i < from->amounts; i++)
        amount[i] = (struct store_amount){from->amount[i].resource, from->amount[i].total,
                                          from->amount[i].used};
    *to = (struct store_host){from->name, from->amounts, amount, from->exact};
    return 0;
}

static int make_reading(struct pass *p, const struct pass_queue *q, struct store_reading *out,
                        struct err *e)
{
    const struct source_reading *r = &q->reading;
    struct store_host *host = arena_array(p->arena, r->hosts, sizeof *host);
    size_t i;

    *out = (struct store_reading){.queue = q->conf->type,
                                  .live = conf_asks(q->conf),
                                  .read_at = r->read_at,
                                  .ns = r->ns,
                                  .about = r->about,
                                  .hosts = r->hosts,
                                  .host = host,
                                  .pools = r->pools,
                                  .pool = r->pool};
    if (r->state == SOURCE_FAILED)
        out->error = str_of(r->error);
    for (i = 0; i < r->hosts; i++) {
        if (!host || copy_host(p, &r->host[i], &host[i]) != 0)
            return err_set(e, ERR_INTERNAL, "out of memory while keeping a reading");
    }
    return 0;
}

/* Everything that the pass writes but the reasons. */
struct batch {
    size_t readings;
    struct store_reading *reading; /* those that are news */
};

static int make_batch(struct pass *p, struct batch *b, struct err *e)
{
    size_t i;
    int rc = 0;

    *b = (struct batch){.reading = arena_array(p->arena, p->queues, sizeof *b->reading)};
    if (!b->reading)
        return err_set(e, ERR_INTERNAL, "out of memory while writing a pass");
    for (i = 0; i < p->queues; i++) {
        if (!p->queue[i].in)
            continue;
        if (make_reading(p, &p->queue[i], &b->reading[b->readings], e) != 0)
            return -1;
        rc = store_reading_differs(p->store, &b->reading[b->readings], e);
        if (rc < 0)
            return -1;
        b->readings += rc == 1;
    }
    return 0;
}

static struct store_admission admission_of(const struct pass *p, const struct pass_job *j,
                                           int64_t now)
{
    return (struct store_admission){
        .id = j->id,
        .group = j->group,
        .queue = j->queue,
        .hosts = j->hosts,
        .first_try = now + p->conf->callback.retry[0],
        .hold_until = now + p->conf->callback.hold,
        .holds = j->holds,
        .hold = j->hold,
    };
}

typedef int write_job_fn(struct store *s, const struct store_admission *a, int64_t now,
                         struct err *e);

/* May the job be written? Not one for which there is no place any more: an operator has set others
 * running since the pass looked. The next pass counts them, too. */
static bool has_place(struct pass *p, const struct pass_job *job)
{
    if (job->group == 0 || holding_allows(&p->holding, job->who))
        return true;
    p->more = p->crowded = true;
    return false;
}

/* A job that changed since the pass looked at it is skipped:
 * the next pass sees it as it is then. */
static int write_jobs(struct pass *p, struct pass_job *job, size_t n, write_job_fn *fn,
                      int64_t *done, struct err *e)
{
    int64_t now = store_now(p->store);
    struct store_admission a;
    size_t i;
    int rc;

    for (i = 0; i < n; i++) {
        if (!has_place(p, &job[i]))
            continue;
        a = admission_of(p, &job[i], now);
        rc = fn(p->store, &a, now, e);
        if (rc < 0)
            return -1;
        job[i].written = rc == 1;
        if (rc == 1 && job[i].group != 0) {
            holding_note(&p->holding, job[i].who);
            p->queue[job[i].of].let_in++;
            if (pass_starts_note(p, &job[i], e) != 0)
                return -1;
        }
        *done += rc;
    }
    return 0;
}

/* How many of the n that are to be written are written when a transaction ends that begins at
 * `from`. */
static size_t end_of(size_t from, size_t n)
{
    return n - from > PASS_WRITES_A_COMMIT ? from + PASS_WRITES_A_COMMIT : n;
}

static int write_batch(struct pass *p, const struct batch *b, struct pass_result *r, struct err *e)
{
    size_t i;

    for (i = 0; i < b->readings; i++) {
        if (store_reading_save(p->store, &b->reading[i], e) != 0)
            return -1;
    }
    if (write_jobs(p, p->place, p->placed, store_place, &r->placed, e) != 0)
        return -1;
    return store_forget_due(p->store) ? store_forget(p->store, e) : 0;
}

static int write_admissions(struct pass *p, size_t from, size_t to, struct pass_result *r,
                            struct err *e)
{
    if (from == to)
        return 0;
    if (holding_count(&p->holding, p->store, e) != 0 ||
        write_jobs(p, p->admit + from, to - from, store_admit, &r->admitted, e) != 0)
        return -1;
    return pass_starts_write(p, store_now(p->store), e);
}

static int write_reasons(struct pass *p, size_t from, size_t to, struct err *e)
{
    int64_t now = store_now(p->store);
    size_t i;

    for (i = from; i < to; i++) {
        if (store_group_reason(p->store, p->reason[i].group, str_of(p->reason[i].reason),
                               p->reason[i].message, now, e) != 0)
            return -1;
    }
    return 0;
}

/* A line each only for who looks closely: the pass has one for all of them. */
static void log_admissions(const struct pass *p, size_t from, size_t to)
{
    char type[LOG_QUOTE_MAX], hosts[LOG_QUOTE_MAX];
    const struct pass_job *j;
    size_t i;

    for (i = from; i < to && log_wants(LOG_LVL_DEBUG); i++) {
        j = &p->admit[i];
        if (j->written)
            log_debug("admitted", "job=%lld queue=%s hosts=%s", (long long)j->id,
                      log_quote(type, p->queue[j->of].conf->type.p), log_quote(hosts, j->hosts.p));
    }
}

static int write_heads(struct pass *p, size_t from, size_t to, struct err *e)
{
    size_t i;

    for (i = from; i < to; i++) {
        if (store_keep_head(p->store, p->head[i], e) != 0)
            return -1;
    }
    return 0;
}

/* How much is written already. */
struct progress {
    size_t admitted, reasons, heads;
};

/* What of it there is room for in one transaction: first the admissions, then the reasons. */
static struct progress next_of(const struct pass *p, const struct progress *at)
{
    struct progress to = *at;

    to.admitted = end_of(at->admitted, p->admitted);
    if (to.admitted == p->admitted)
        to.reasons = end_of(at->reasons, p->reasons);
    if (to.admitted == p->admitted && to.reasons == p->reasons)
        to.heads = end_of(at->heads, p->heads);
    return to;
}

/* One transaction: the batch, if it is given, and what next_of says. */
static int write_once(struct pass *p, const struct batch *b, struct progress *at,
                      struct pass_result *r, struct err *e)
{
    struct progress to = next_of(p, at);
    struct pass_result counted = *r;
    int64_t start = clock_mono(), changes;

    if (store_begin(p->store, LOCK_SECONDS * NS_PER_S, e) != 0)
        return -1;
    if (store_clock_shifted(p->store) != p->shifted) { /* planned by another clock: once more */
        p->more = true;
        *at = (struct progress){p->admitted, p->reasons, p->heads};
        return store_commit(p->store, e);
    }
    if ((b && write_batch(p, b, &counted, e) != 0) ||
        write_admissions(p, at->admitted, to.admitted, &counted, e) != 0 ||
        write_reasons(p, at->reasons, to.reasons, e) != 0 ||
        write_heads(p, at->heads, to.heads, e) != 0) {
        store_rollback(p->store);
        return -1;
    }
    if (store_commit(p->store, e) != 0)
        return -1;
    log_admissions(p, at->admitted, to.admitted);
    counted.reasons += (int64_t)(to.reasons - at->reasons);
    changes = counted.admitted - r->admitted + counted.placed - r->placed + counted.reasons -
              r->reasons + (b ? (int64_t)b->readings : 0);
    stats_commit(store_stats(p->store), STATS_DISPATCHER, changes, clock_mono() - start);
    *at = to;
    if (p->crowded)
        at->admitted = p->admitted;
    *r = counted;
    return 0;
}

int pass_write(struct pass *p, struct pass_result *r, struct err *e)
{
    struct progress at = {0};
    struct batch b;

    if (make_batch(p, &b, e) != 0)
        return -1;
    if (b.readings + p->placed + p->admitted + p->reasons == 0 && !store_forget_due(p->store) &&
        p->heads < PASS_HEADS_MIN)
        return 0;
    if (write_once(p, &b, &at, r, e) != 0)
        return -1;
    while (at.admitted < p->admitted || at.reasons < p->reasons || at.heads < p->heads) {
        if (write_once(p, NULL, &at, r, e) != 0)
            return -1;
    }
    return 0;
}
