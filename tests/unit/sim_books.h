/* SPDX-License-Identifier: MIT */
/*
 * For the simulation of plan, fit and holds: a small cloud on a virtual clock, its jobs in plain
 * arrays, and the books: what is promised and what is really used, added up from the jobs anew each
 * time. Nothing here uses what is tested but for the types.
 */
#ifndef AR_SIM_BOOKS_H
#define AR_SIM_BOOKS_H

#include "clock.h"
#include "cron/capacity.h"
#include "plan_reference.h"
#include "soak.h"

enum {
    SIM_JOBS = 40,
    SIM_ROWS = 240, /* of all jobs together */
    SIM_OWNERS = VARIANTS,
    SIM_SETTLE = 200, /* in ticks of the clock, as all times */
    SIM_AGE = 150     /* of a reading at most */
};

enum sim_state { SIM_NOBODY, SIM_WAITS, SIM_ADMITTED, SIM_RUNS };

struct sim_job {
    enum sim_state state;
    size_t scope, shape, owner;
    int64_t id, priority, queued_at, not_before, started_at;
    bool built; /* what it was promised is used, and seen by readings begun from now on */
    struct fit_placement at;
};

/* A hold as the database has it. until: INT64_MAX, open. */
struct sim_row {
    struct str host, resource;
    int64_t job, amount, until;
};

/* What is used of an admission that is over: by who has said so and gives it back when he likes, or
 * by who took a call that nobody heard of. */
struct sim_left {
    bool there, seen;
    int64_t by; /* seen then at the latest */
    int64_t amount[HOSTS][COLUMNS];
};

struct sim {
    struct prop *r;
    struct world w; /* scopes and shapes; the rest is made for each pass */
    bool observed;
    int64_t now, ids;
    int64_t run_limit, owner_limit; /* 0: none */
    int64_t total[HOSTS][COLUMNS];
    struct sim_job job[SIM_JOBS];
    bool paused[SIM_OWNERS]; /* an owner has a queue of his own, which may be paused */
    size_t rows;
    struct sim_row row[SIM_ROWS];
    struct sim_left left[SIM_JOBS];
    /* the reading under way */
    int64_t read_at; /* INT64_MIN: there is none */
    int64_t read_total[HOSTS][COLUMNS], read_used[HOSTS][COLUMNS];
    bool looked[HOSTS];
    /* what came of it */
    size_t passes, admitted, passed_over;
    size_t seen[PLAN_ENOUGH + 1];
};

static const char *const sim_hosts[HOSTS] = {"h0", "h1", "h2", "h3", "h4", "h5", "h6", "h7"};
static const char *const sim_columns[COLUMNS] = {"A", "B"};

static inline bool sim_holds(const struct sim_job *j)
{
    return j->state == SIM_ADMITTED || j->state == SIM_RUNS;
}

/* Adds what a placement of the shape takes of each host. */
static inline void sim_add(const struct sim *s, size_t shape, const struct fit_placement *p,
                           int64_t sum[HOSTS][COLUMNS])
{
    size_t i, c;

    for (i = 0; i < p->n; i++)
        for (c = 0; c < s->w.in.hosts.resources; c++)
            sum[p->place[i].host][c] += p->place[i].count * s->w.amount[shape][p->place[i].kind][c];
}

/* What is promised to somebody or used by somebody, each thing once. */
static inline void sim_taken(const struct sim *s, int64_t sum[HOSTS][COLUMNS])
{
    size_t i, h, c;

    memset(sum, 0, sizeof s->total);
    for (i = 0; i < SIM_JOBS; i++) {
        if (sim_holds(&s->job[i]))
            sim_add(s, s->job[i].shape, &s->job[i].at, sum);
        for (h = 0; s->left[i].there && h < HOSTS; h++)
            for (c = 0; c < COLUMNS; c++)
                sum[h][c] += s->left[i].amount[h][c];
    }
}

/* What a source sees of a host; a ledger's sees nothing of ours. */
static inline void sim_look(struct sim *s, size_t host)
{
    int64_t sum[HOSTS][COLUMNS] = {{0}};
    size_t i, c;

    for (i = 0; s->observed && i < SIM_JOBS; i++) {
        if (sim_holds(&s->job[i]) && s->job[i].built)
            sim_add(s, s->job[i].shape, &s->job[i].at, sum);
        for (c = 0; s->left[i].there && s->left[i].seen && c < COLUMNS; c++)
            sum[host][c] += s->left[i].amount[host][c];
    }
    memcpy(s->read_total[host], s->total[host], sizeof s->total[host]);
    memcpy(s->read_used[host], sum[host], sizeof sum[host]);
    s->looked[host] = true;
}

static inline int64_t sim_count(const struct sim *s, size_t owner)
{
    int64_t n = 0;
    size_t i;

    for (i = 0; i < SIM_JOBS; i++)
        n += sim_holds(&s->job[i]) && (owner == SIZE_MAX || s->job[i].owner == owner);
    return n;
}

#endif
