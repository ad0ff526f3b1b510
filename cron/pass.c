/* SPDX-License-Identifier: MIT */
/*
 * One pass.
 *
 *   1. tidy      what the clock has brought up is written, if there is anything, in a transaction
 *                of its own: those who wake are to be planned
 *   2. read      in one snapshot of the database: holds, running jobs that nobody placed, and the
 *                groups that wait (pass_read.c). The sources were read before (readers.h)
 *   3. plan      a plan for each queue that has a reading, in the same snapshot (pass_plan.c), and
 *                what must be asked before more can be admitted (pass_ask.c)
 *   4. write     admissions with what they hold, and reasons, in short transactions (pass_write.c)
 *
 * Only one dispatcher runs (its lock), and only it admits: what is free can have grown between 2
 * and 4, never shrunk, but for jobs that an operator set running meanwhile; those the next pass
 * counts. Where numbers of jobs are limited they are counted again in the transaction that admits.
 * A job that changed meanwhile is skipped by the store, and so is one whose queue was paused.
 * Killed at any point, each transaction is there or not, and the next pass starts from what is
 * there.
 */
#include "pass_inner.h"
#include "store_queues.h"
#include "store_clock.h"

enum { LOCK_SECONDS = 5 };

static void pass_free(struct pass *p)
{
    size_t i;

    for (i = 0; i < p->queues; i++) {
        if (p->queue[i].planned)
            plan_out_free(&p->queue[i].plan, p->queue[i].waiting.groups);
        limits_free(&p->queue[i].limits);
        intern_free(&p->queue[i].asked);
        waiting_free(&p->queue[i].waiting);
        capacity_free(&p->queue[i].capacity);
        arena_free(p->queue[i].arena);
    }
    waiting_free(&p->paused);
    holding_free(&p->holding);
    arena_free(p->arena);
    arena_free(p->told);
    free(p);
}

/* NULL and *e when there is no memory. */
static struct pass *pass_new(const struct pass_in *in, struct err *e)
{
    struct pass *p = calloc(1, sizeof *p);

    if (p) {
        p->arena = arena_new(PASS_MEMORY_MAX);
        p->told = arena_new(PASS_MEMORY_MAX);
    }
    if (!p || !p->arena || !p->told || holding_make(&p->holding, in->conf) != 0) {
        if (p)
            pass_free(p);
        err_set(e, ERR_INTERNAL, "out of memory at the start of a pass");
        return NULL;
    }
    p->conf = in->conf;
    p->store = in->store;
    p->skips = in->skips;
    p->from = in->from ? *in->from : 0;
    p->now = clock_now();
    p->shifted = store_clock_shifted(p->store);
    return p;
}

static int tidy(struct store *store, int64_t now, struct store_tidied *t, struct err *e)
{
    int64_t start = clock_mono();
    int rc = store_untidy(store, now, e);

    if (rc != 1)
        return rc;
    if (store_begin(store, LOCK_SECONDS * NS_PER_S, e) != 0)
        return -1;
    if (store_tidy(store, store_now(store), t, e) != 0) {
        store_rollback(store);
        return -1;
    }
    if (store_commit(store, e) != 0)
        return -1;
    stats_commit(store_stats(store), STATS_DISPATCHER, t->woken + t->expired + t->lapsed,
                 clock_mono() - start);
    return 0;
}

/* Tells what came of the queues, and counts it. */
static void tell(const struct pass *p, const struct pass_in *in, struct pass_result *r)
{
    const struct pass_queue *q;
    size_t i;

    for (i = 0; i < p->queues; i++) {
        q = &p->queue[i];
        struct pass_news news = {i, q->waiting.groups + q->waiting.left_out, q->questions,
                                 q->question};

        if (!q->in)
            continue;
        r->groups += (int64_t)news.groups;
        r->questions += (int64_t)news.questions;
        if (in->news)
            in->news(in->ctx, &news);
    }
}

/* For the order of the next pass. */
static void keep_order(const struct pass *p, const struct pass_in *in)
{
    size_t i;

    if (in->from)
        *in->from = p->left_out;
    for (i = 0; i < p->queues && p->skips; i++) {
        if (p->queue[i].in)
            p->skips[i] = p->queue[i].skips;
    }
}

/* The last pass, as people see it queue by queue. */
static void count(const struct pass *p, int64_t ns)
{
    struct stats *stats = store_stats(p->store);
    const struct pass_queue *q;
    size_t i;

    for (i = 0; i < p->queues; i++) {
        q = &p->queue[i];
        struct stats_last_pass last = {p->now, ns, q->let_in,
                                       (int64_t)(q->waiting.groups + q->waiting.left_out), q->told};

        if (q->in)
            stats_queue_pass(stats, q->conf->type, &last);
    }
    stats_pass(stats, p->now, ns);
}

int pass_run(const struct pass_in *in, struct pass_result *r, struct err *e)
{
    int64_t start = clock_mono();
    struct pass *p;
    int rc;

    *r = (struct pass_result){0};
    if (tidy(in->store, clock_now(), &r->tidied, e) != 0)
        return -1;
    p = pass_new(in, e);
    if (!p)
        return -1;
    rc = pass_read(p, in->reading, e);
    if (rc == 0)
        rc = pass_write(p, r, e);
    if (rc == 0) {
        tell(p, in, r);
        keep_order(p, in);
    }
    r->more = p->more || r->tidied.more;
    r->ns = clock_mono() - start;
    if (rc == 0)
        count(p, r->ns);
    pass_free(p);
    return rc;
}

static void show_jobs(struct buf *b, const char *word, const struct pass_job *job, size_t n)
{
    size_t i;

    for (i = 0; i < n; i++) {
        buf_printf(b, "%s %lld ", word, (long long)job[i].id);
        buf_add(b, job[i].hosts.p, job[i].hosts.n);
        buf_char(b, '\n');
    }
}

int pass_show(const struct pass_in *in, struct buf *b, struct err *e)
{
    struct pass *p = pass_new(in, e);
    struct pass_result ignored = {0};
    size_t i;
    int rc;

    if (!p)
        return -1;
    p->show = true;
    rc = pass_read(p, in->reading, e);
    if (rc == 0) {
        show_jobs(b, "place", p->place, p->placed);
        show_jobs(b, "admit", p->admit, p->admitted);
        for (i = 0; i < p->reasons; i++) {
            buf_printf(b, "wait %lld %s: ", (long long)p->reason[i].head, p->reason[i].reason);
            buf_add(b, p->reason[i].message.p, p->reason[i].message.n);
            buf_char(b, '\n');
        }
    }
    if (rc == 0)
        tell(p, in, &ignored);
    pass_free(p);
    return rc;
}
