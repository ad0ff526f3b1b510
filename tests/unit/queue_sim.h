/* SPDX-License-Identifier: MIT */
/*
 * A simulated queue on a virtual clock: jobs come, wait, are admitted by the real plan, run, end.
 * Who waits is asked for his estimate again and again, and when he starts it is seen whether that
 * was right. Seeded: the same in each run.
 */
#ifndef AR_QUEUE_SIM_H
#define AR_QUEUE_SIM_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "cron/plan.h"
#include "estimate.h"
#include "prop.h"

enum {
    SIM_HOSTS = 8,
    SIM_COLUMNS = 2,
    SIM_SHAPES = 4,
    SIM_PROJECTS = 8,
    SIM_ASKED = 12,
    SIM_WARM = 150
};
enum { SIM_GROUPS = SIM_SHAPES * SIM_PROJECTS };

/* What a load is like. Times in seconds. */
struct sim_load {
    const char *name;
    size_t jobs, hosts, shapes, projects;
    int64_t cpu, memory;                    /* of a host */
    int64_t shape[SIM_SHAPES][SIM_COLUMNS]; /* of one instance */
    int64_t count[SIM_SHAPES];              /* instances; 0: 1 */
    int weight[SIM_SHAPES];                 /* how often it comes */
    double run[SIM_SHAPES];                 /* mean run */
    double spread;                          /* 0: all run as long; 1: exponential; more: worse */
    double gap;                             /* mean time between arrivals */
    double burst;                           /* jobs that come at once, on average; 0: 1 */
    double day;                             /* length of a day, in which arrivals swing; 0: none */
    double stop_from, stop_to;              /* no arrivals between; seconds */
    double grow_at;                         /* from then on there are twice as many hosts */
    double slow_at;                         /* from then on runs take twice as long */
    double judge_from;                      /* only questions from then on count */
    double narrow;   /* so many times narrower than the estimate are the bounds; 0: 1 */
    double overtake; /* seconds; <0: forever */
    enum plan_policy policy;
};

struct sim_asked {
    int64_t at, low, high;
};

struct sim_job {
    int64_t came, started, ends;
    size_t group;
    int64_t share;
    bool waits;
    size_t asked;
    struct sim_asked ask[SIM_ASKED];
    struct fit_placement placement;
};

/* What came of it. */
struct sim_result {
    size_t started, waited; /* jobs; those of which waited longer than one event */
    size_t asked, told;     /* after the warm-up: questions; that were answered */
    size_t right;           /* of those told */
    size_t late, early;     /* it came after High, before Low */
    double width, took;     /* medians: of High - Low, and of what it took */
    double ratio;           /* median of (High - Low) / what it took */
};

struct sim {
    const struct sim_load *load;
    struct prop random;
    int64_t now, next, begin;
    size_t came;
    struct sim_job *job;
    int64_t free[SIM_HOSTS * SIM_COLUMNS], total[SIM_HOSTS * SIM_COLUMNS];
    size_t hosts; /* there now */
    size_t index[SIM_HOSTS];
    struct fit_kind kind[SIM_SHAPES];
    struct fit_demand shape[SIM_SHAPES];
    size_t starts;                                    /* ever */
    struct estimate_start start[ESTIMATE_STARTS_MAX]; /* the newest first */
    size_t *waiting, waitings;                        /* in order */
    size_t *running, runnings;
};

static inline int64_t sim_ns(double seconds)
{
    return (int64_t)(seconds * 1e9);
}

static inline double sim_uniform(struct sim *s)
{
    return (double)(prop_bits(&s->random) >> 11) / 9007199254740992.0;
}

/* The natural logarithm, 0 < v <= 1, without the library of mathematics. */
static inline double sim_log(double v)
{
    double sum = 0, z, power;
    int n;

    for (; v < 0.5; v *= 2)
        sum -= 0.69314718055994531;
    z = (v - 1) / (v + 1);
    for (n = 1, power = z; n < 30; n += 2, power *= z * z)
        sum += 2 * power / n;
    return sum;
}

static inline double sim_exponential(struct sim *s, double mean)
{
    return -mean * sim_log(1.0 - sim_uniform(s));
}

/* Mean 1: constant, or exponential mixed with constant, or long-tailed. */
static inline double sim_run(struct sim *s, double mean)
{
    double spread = s->load->spread, v;

    if (s->load->slow_at > 0 && s->now > s->begin + sim_ns(s->load->slow_at))
        mean *= 2;
    if (spread <= 1)
        return mean * (1 - spread) + sim_exponential(s, mean * spread);
    v = sim_uniform(s) < 0.8 ? 0.25 : 4.0; /* a few run for ever so long */
    return sim_exponential(s, mean * v);
}

static inline void sim_hosts(struct sim *s, size_t n)
{
    size_t h;

    for (h = s->hosts; h < n; h++) {
        s->total[h * 2] = s->free[h * 2] = s->load->cpu;
        s->total[h * 2 + 1] = s->free[h * 2 + 1] = s->load->memory;
        s->index[h] = h;
    }
    s->hosts = n;
}

static inline int64_t sim_share(const struct sim *s, size_t shape)
{
    int64_t count = s->kind[shape].count, most = 1, share;
    int r;

    for (r = 0; r < SIM_COLUMNS; r++) {
        share = estimate_share(count * s->kind[shape].amount[r],
                               (int64_t)s->hosts * (r ? s->load->memory : s->load->cpu));
        most = share > most ? share : most;
    }
    return most;
}

static inline size_t sim_pick_shape(struct sim *s)
{
    int sum = 0, n;
    size_t i;

    for (i = 0; i < s->load->shapes; i++)
        sum += s->load->weight[i];
    n = (int)prop_below(&s->random, (size_t)sum);
    for (i = 0; n >= s->load->weight[i]; i++)
        n -= s->load->weight[i];
    return i;
}

/* Up and down between 0.1 and 1.9, once a day. */
static inline double sim_tide(double days)
{
    double part = days - (double)(int64_t)days;

    return part < 0.5 ? 0.1 + 3.6 * part : 3.7 - 3.6 * part;
}

static inline void sim_plan_next(struct sim *s)
{
    const struct sim_load *l = s->load;
    double t = (double)(s->now - s->begin) / 1e9, gap = l->gap * (l->burst > 0 ? l->burst : 1);

    if (l->day > 0)
        gap /= sim_tide(t / l->day);
    t += sim_exponential(s, gap);
    if (l->stop_to > 0 && t > l->stop_from && t < l->stop_to)
        t = l->stop_to;
    s->next = s->begin + sim_ns(t);
}

static inline void sim_arrive(struct sim *s)
{
    size_t n = 1;

    if (s->load->burst > 1)
        n = 1 + (size_t)sim_exponential(s, s->load->burst - 1);
    for (; n > 0 && s->came < s->load->jobs; n--) {
        struct sim_job *j = &s->job[s->came];
        size_t shape = sim_pick_shape(s);

        *j = (struct sim_job){.came = s->now, .waits = true};
        j->group = shape * SIM_PROJECTS + prop_below(&s->random, s->load->projects);
        s->waiting[s->waitings++] = s->came++;
    }
    sim_plan_next(s);
}

static inline void sim_end(struct sim *s)
{
    size_t i, k;

    for (i = s->runnings; i > 0; i--) {
        struct sim_job *j = &s->job[s->running[i - 1]];

        if (j->ends > s->now)
            continue;
        s->running[i - 1] = s->running[--s->runnings];
        for (k = 0; k < j->placement.n; k++) {
            const struct fit_place *p = &j->placement.place[k];
            int r;

            for (r = 0; r < SIM_COLUMNS; r++)
                s->free[p->host * 2 + (size_t)r] +=
                    p->count * s->kind[j->group / SIM_PROJECTS].amount[r];
        }
        fit_placement_free(&j->placement);
    }
}

static inline int sim_find(struct sim *s, size_t group, size_t from, int64_t cutoff,
                           struct plan_job *job)
{
    size_t i;

    for (i = 0; i < s->waitings; i++) {
        size_t n = s->waiting[i];

        if (n >= from && s->job[n].group == group && s->job[n].waits && s->job[n].came <= cutoff) {
            *job = (struct plan_job){(int64_t)n + 1, (int64_t)n + 1, s->job[n].came};
            return 1;
        }
    }
    return 0;
}

static inline int sim_next(void *ctx, const struct plan_group *g, const struct plan_job *after,
                           struct plan_job *job)
{
    return sim_find(ctx, (size_t)g->id - 1, (size_t)after->id, INT64_MAX, job);
}

static inline int sim_guarded(void *ctx, const struct plan_group *g, int64_t cutoff,
                              struct plan_job *job)
{
    return sim_find(ctx, (size_t)g->id - 1, (size_t)g->head.id - 1, cutoff, job);
}

static inline void sim_started(struct sim *s, size_t n)
{
    struct sim_job *j = &s->job[n];
    size_t shape = j->group / SIM_PROJECTS, i;

    j->started = s->now;
    j->waits = false;
    j->ends = s->now + sim_ns(sim_run(s, s->load->run[shape])) + 1;
    memmove(s->start + 1, s->start, (ESTIMATE_STARTS_MAX - 1) * sizeof s->start[0]);
    s->start[0] = (struct estimate_start){j->came, s->now, (int64_t)n + 1, sim_share(s, shape), 1};
    s->starts++;
    s->running[s->runnings++] = n;
    for (i = 0; s->waiting[i] != n; i++)
        ;
    memmove(s->waiting + i, s->waiting + i + 1, (s->waitings - i - 1) * sizeof *s->waiting);
    s->waitings--;
}

static inline void sim_pass(struct sim *s)
{
    struct plan_group group[SIM_GROUPS];
    bool seen[SIM_GROUPS] = {false};
    struct fit_subset scope = {s->hosts, s->index};
    struct plan_in in = {.hosts = {s->hosts, SIM_COLUMNS, s->free},
                         .total = s->total,
                         .scopes = 1,
                         .scope = &scope,
                         .shapes = s->load->shapes,
                         .shape = s->shape,
                         .group = group,
                         .queue = {s, sim_next, sim_guarded},
                         .policy = s->load->policy,
                         .overtake =
                             s->load->overtake < 0 ? PLAN_FOREVER : sim_ns(s->load->overtake),
                         .now = s->now,
                         .oldest = INT64_MIN,
                         .budget = 10000,
                         .most = 1000};
    struct plan_out out;
    struct err e;
    size_t g, i;

    for (i = 0; i < s->waitings; i++) {
        g = s->job[s->waiting[i]].group;
        if (seen[g])
            continue;
        seen[g] = true;
        group[in.groups] = (struct plan_group){.id = (int64_t)g + 1, .shape = g / SIM_PROJECTS};
        (void)sim_find(s, g, 0, INT64_MAX, &group[in.groups++].head);
    }
    assert_int_equal(plan_make(&in, &out, &e), 0);
    for (i = 0; i < out.n; i++) {
        s->job[out.admission[i].job.id - 1].placement = out.admission[i].placement;
        out.admission[i].placement = (struct fit_placement){0};
        sim_started(s, (size_t)out.admission[i].job.id - 1);
    }
    plan_out_free(&out, in.groups);
}

/* Asks for the estimate of the one at that place in line. */
static inline void sim_ask(struct sim *s, size_t place, struct sim_result *r)
{
    struct sim_job *j = &s->job[s->waiting[place]];
    struct estimate_in in = {.now = s->now,
                             .starts =
                                 s->starts < ESTIMATE_STARTS_MAX ? s->starts : ESTIMATE_STARTS_MAX,
                             .start = s->start,
                             .all = s->starts <= ESTIMATE_STARTS_MAX,
                             .queued_at = j->came,
                             .share = sim_share(s, j->group / SIM_PROJECTS)};
    struct estimate out;
    int64_t cut;
    size_t i;

    for (i = 0; i < place; i++)
        in.ahead += sim_share(s, s->job[s->waiting[i]].group / SIM_PROJECTS);
    if (s->came < SIM_WARM || j->asked == SIM_ASKED ||
        s->now < s->begin + sim_ns(s->load->judge_from))
        return;
    r->asked++;
    if (!estimate_make(&in, &out))
        return;
    r->told++;
    cut = s->load->narrow > 0
              ? (int64_t)((double)(out.high - out.low) * (1 - 1 / s->load->narrow) / 2)
              : 0;
    j->ask[j->asked++] = (struct sim_asked){s->now, out.low + cut, out.high - cut};
}

static inline int64_t sim_soonest_end(const struct sim *s)
{
    int64_t t = INT64_MAX;
    size_t i;

    for (i = 0; i < s->runnings; i++) {
        if (s->job[s->running[i]].ends < t)
            t = s->job[s->running[i]].ends;
    }
    return t;
}

static inline int sim_by_size(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static inline double sim_median(double *v, size_t n)
{
    qsort(v, n, sizeof *v, sim_by_size);
    return n ? v[n / 2] : 0;
}

static inline void sim_judge(struct sim *s, struct sim_result *r)
{
    double *width = calloc(r->told + 1, sizeof *width), *wait = calloc(r->told + 1, sizeof *wait),
           *ratio = calloc(r->told + 1, sizeof *ratio);
    size_t i, k, n = 0;

    for (i = 0; i < s->came; i++) {
        struct sim_job *j = &s->job[i];

        r->started += j->started > 0;
        r->waited += j->started > j->came;
        for (k = 0; k < j->asked && j->started; k++) {
            int64_t took = j->started - j->ask[k].at;

            r->late += j->started > j->ask[k].high;
            r->early += j->started < j->ask[k].low;
            width[n] = (double)(j->ask[k].high - j->ask[k].low) / 1e9;
            wait[n] = (double)took / 1e9;
            ratio[n] = width[n] / (wait[n] + 0.001);
            n++;
        }
    }
    r->told = n;
    r->right = n - r->late - r->early;
    r->width = sim_median(width, n);
    r->took = sim_median(wait, n);
    r->ratio = sim_median(ratio, n);
    free(width);
    free(wait);
    free(ratio);
}

static inline struct sim_result sim_run_load(const struct sim_load *load, int64_t seed)
{
    struct sim *s = calloc(1, sizeof *s);
    struct sim_result r = {0};
    size_t i, before, events = 0;

    s->load = load;
    s->random = (struct prop){(uint64_t)seed};
    s->now = s->begin = INT64_C(1700000000) * NS_PER_S;
    s->job = calloc(load->jobs, sizeof *s->job);
    s->waiting = calloc(load->jobs + 1, sizeof *s->waiting);
    s->running = calloc(load->jobs + 1, sizeof *s->running);
    sim_hosts(s, load->hosts);
    for (i = 0; i < load->shapes; i++) {
        s->kind[i] = (struct fit_kind){.count = load->count[i] ? load->count[i] : 1,
                                       .amount = load->shape[i]};
        s->shape[i] = (struct fit_demand){1, &s->kind[i]};
    }
    sim_plan_next(s);
    while (s->came < load->jobs || s->waitings > 0) {
        int64_t end = sim_soonest_end(s), come = s->came < load->jobs ? s->next : INT64_MAX;

        before = s->came;
        s->now = end < come ? end : come;
        if (s->now == INT64_MAX)
            break;
        if (load->grow_at > 0 && s->hosts == load->hosts &&
            s->now > s->begin + sim_ns(load->grow_at))
            sim_hosts(s, 2 * load->hosts);
        sim_end(s);
        if (come <= end)
            sim_arrive(s);
        sim_pass(s);
        events++;
        for (i = 0; i < s->waitings; i++) {
            if (s->waiting[i] >= before && prop_one_in(&s->random, 4))
                sim_ask(s, i, &r);
        }
        if (s->waitings > 0 && events % 10 == 0)
            sim_ask(s, prop_below(&s->random, s->waitings), &r);
    }
    sim_judge(s, &r);
    for (i = 0; i < s->came; i++)
        fit_placement_free(&s->job[i].placement);
    free(s->job);
    free(s->waiting);
    free(s->running);
    free(s);
    return r;
}

#endif
