/* SPDX-License-Identifier: MIT */
/* For the simulation of plan: what becomes of holds, and what clients, hosts and the clock do. */
#ifndef AR_SIM_CLIENTS_H
#define AR_SIM_CLIENTS_H

#include "sim_books.h"

/* ---- holds: as store_hold.c has them ---- */

static inline void rows_end(struct sim *s, const struct sim_job *j, int64_t end)
{
    size_t i;

    for (i = 0; i < s->rows; i++) {
        struct sim_row *row = &s->row[i];

        if (row->job != j->id)
            continue;
        if (!s->observed)
            s->row[i--] = s->row[--s->rows];
        else if (row->until > end)
            row->until = end;
    }
}

/* What no reading that is still good can count. */
static inline void purge(struct sim *s)
{
    size_t i;

    for (i = 0; i < s->rows; i++)
        if (s->row[i].until <= s->now - SIM_AGE - 1)
            s->row[i--] = s->row[--s->rows];
}

static inline void add_rows(struct sim *s, const struct capacity *c, struct sim_job *j,
                            struct arena *a)
{
    struct capacity_holds h;
    struct err e;
    size_t i;

    assert_int_equal(capacity_holds(c, &s->w.shape[j->shape], &j->at, a, &h, &e), 0);
    for (i = 0; i < h.holds; i++) {
        assert_true(s->rows < SIM_ROWS);
        s->row[s->rows++] = (struct sim_row){str_of(sim_hosts[h.hold[i].host]),
                                             str_of(sim_columns[h.hold[i].resource]), j->id,
                                             h.hold[i].amount, INT64_MAX};
    }
}

/* ---- what clients do ---- */

/* The job's admission is over; `until`: who took a call unheard goes on and is seen then. */
static inline void leave(struct sim *s, struct sim_job *j, bool unheard)
{
    struct sim_left *l = &s->left[j - s->job];

    if (s->observed && (j->built || unheard)) {
        *l = (struct sim_left){true, j->built, s->now + SIM_SETTLE, {{0}}};
        sim_add(s, j->shape, &j->at, l->amount);
    }
    rows_end(s, j, unheard ? s->now + SIM_SETTLE : s->now);
    fit_placement_free(&j->at);
    j->built = false;
}

static inline void end_job(struct sim *s, struct sim_job *j)
{
    bool unheard = s->observed && j->state == SIM_ADMITTED && prop_one_in(s->r, 4);

    if (sim_holds(j)) {
        if (s->left[j - s->job].there)
            return;
        leave(s, j, unheard);
    }
    j->state = prop_one_in(s->r, 3) ? SIM_WAITS : SIM_NOBODY; /* back to its place, or over */
}

static inline void post(struct sim *s, struct sim_job *j)
{
    *j = (struct sim_job){.state = SIM_WAITS,
                          .scope = prop_below(s->r, s->w.in.scopes),
                          .shape = prop_below(s->r, s->w.in.shapes),
                          .owner = prop_below(s->r, SIM_OWNERS),
                          .id = ++s->ids,
                          .priority = s->now / 8, /* some are alike */
                          .queued_at = s->now,
                          .not_before = prop_one_in(s->r, 10) ? s->now + 150 : 0};
}

/* Also what it has of an admission of which nobody heard. */
static inline bool all_seen(const struct sim *s, const struct sim_job *j)
{
    const struct sim_left *l = &s->left[j - s->job];

    return j->built && (!l->there || l->seen);
}

static inline void use_job(struct sim *s, struct sim_job *j)
{
    if (j->state == SIM_NOBODY)
        post(s, j);
    else if (j->state == SIM_WAITS && prop_one_in(s->r, 6))
        j->priority = prop_between(s->r, s->now / 8 - 30, s->now / 8); /* moved */
    else if (j->state == SIM_WAITS && prop_one_in(s->r, 12))
        j->state = SIM_NOBODY;
    else if (j->state == SIM_ADMITTED && !prop_one_in(s->r, 4)) {
        j->state = SIM_RUNS;
        j->started_at = s->now;
        if (s->observed)
            rows_end(s, j, s->now + SIM_SETTLE);
    } else if (j->state == SIM_RUNS && !j->built)
        j->built = true;
    else if (j->state == SIM_RUNS && s->observed && all_seen(s, j) && prop_one_in(s->r, 3))
        rows_end(s, j, s->now); /* confirmed */
    else if (sim_holds(j))
        end_job(s, j);
}

/* No two steps are of one moment. */
static inline void let_time_pass(struct sim *s, int64_t by)
{
    size_t i;

    s->now += by;
    for (i = 0; i < SIM_JOBS; i++) {
        if (s->job[i].state == SIM_RUNS && s->job[i].started_at + SIM_SETTLE <= s->now)
            s->job[i].built = true; /* lag <= settle */
        if (s->left[i].there && s->left[i].by <= s->now)
            s->left[i].seen = true;
    }
    purge(s);
}

static inline void change_host(struct sim *s)
{
    size_t h = prop_below(s->r, s->w.in.hosts.hosts), c;
    bool gone = prop_one_in(s->r, 6);

    for (c = 0; c < s->w.in.hosts.resources; c++)
        s->total[h][c] = gone ? 0 : prop_between(s->r, 1, 8);
}

static inline void change_policy(struct sim *s)
{
    size_t owner = prop_below(s->r, SIM_OWNERS);

    s->paused[owner] = !s->paused[owner] && prop_one_in(s->r, 3);
    s->run_limit = prop_one_in(s->r, 3) ? prop_between(s->r, 1, 12) : 0;
    s->owner_limit = prop_one_in(s->r, 3) ? prop_between(s->r, 1, 8) : 0;
}

#endif
