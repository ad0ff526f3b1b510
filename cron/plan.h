/* SPDX-License-Identifier: MIT */
/*
 * Plan: which waiting jobs are admitted now, and where. Pure but for the two questions to the queue
 * (struct plan_queue).
 *
 * Jobs that ask for the same in the same place are interchangeable: a group. Within a pass free
 * capacity only shrinks, so a shape that did not fit once will not fit again in the same scope (a
 * theorem for PLAN_PACK; for PLAN_SPREAD, where a scheduler can stumble into success on less, the
 * rule: what was refused is not asked again in this pass). Scopes with the same hosts are one scope
 * here. The plan is a merge over the heads of the groups, smallest (priority, id) first:
 * O((groups + admitted) log groups), whatever the length of the queue.
 *
 * Overtaking. A job that does not fit (FIT_NO or FIT_UNKNOWN) and has waited `overtake` or longer
 * holds the line: no later job of any group whose hosts meet its own is admitted in this pass.
 * Younger ones are passed. overtake 0: every job that does not fit holds the line; PLAN_FOREVER:
 * none does. A job that is not known to run on the empty hosts of the table (PLAN_NEVER_FITS, in a
 * scope that is unsure PLAN_NO_ROOM, or where the search gives up there as well), one that no pool
 * knows, and one that a number of jobs does not allow hold nobody up. One that is short of a quota,
 * or of what hosts share, holds no line of hosts but, where it is past the guard and there is
 * enough in all, that: no later job that needs some of it is admitted in this pass. And whatever it
 * holds, what it needs of its other limits is kept for it: later jobs get what is left beyond that
 * (only who is short of a quota keeps nothing of what hosts share). So what it has come by it does
 * not lose again while it waits for the rest. One that is only blocked holds nothing
 * itself: else one line would in the end hold all hosts whose scopes are linked by any others. So
 * a job of several pools can be passed in one while it waits for the line of another; it waits for
 * those that stand before it, and they are finitely many. One that needs nothing (no kinds)
 * competes for nothing but the number of jobs: where that allows it, and none of them keeps its
 * place, it is admitted at its turn, whoever holds what. The line is exact for each job, not for
 * heads alone: a group whose head does not fit but is young is asked for its first job that is past
 * the guard, and that one holds the line from its own place on, or its quotas where they are used
 * up when its turn comes.
 *
 * Limits stand beside the hosts: a line of a project's quota, how many jobs may run, or what hosts
 * share (storage). A job is admitted only where all its needs are met, and takes them off. They too
 * only shrink within a pass. The order of the questions: no pool, never fits, what is kept for
 * others, quota and number of jobs, blocked, what is shared, the hosts.
 */
#ifndef AR_PLAN_H
#define AR_PLAN_H

#include "err.h"
#include "fit.h"

#define PLAN_FOREVER INT64_MAX

enum { PLAN_QUESTIONS = 64 };

/* A waiting job as the plan sees it. */
struct plan_job {
    int64_t id;
    int64_t priority;
    int64_t queued_at; /* ns; its wait counts from here */
};

/* Something beside the hosts of which there is only so much. */
struct plan_limit {
    int64_t left;  /* below 0: more is used than there is; the plan takes what it admits */
    int64_t total; /* >= left */
    bool shared;   /* shared by hosts: too small for a job is like hosts that are too small. Not: a
                      quota, which can be raised: it is never too small for ever */
    bool jobs;     /* a quota that counts jobs: those that need nothing else (no kinds), too */
};

/* What one job needs of a limit, all its instances together. */
struct plan_need {
    size_t limit;   /* index into plan_in.limit */
    int64_t amount; /* >= 0; 0 is always met */
};

struct plan_group {
    int64_t id;
    size_t scope; /* index into plan_in.scope */
    size_t shape; /* index into plan_in.shape */
    struct plan_job head;
    size_t needs; /* of each job of the group; a limit once at most. When the shape has no kinds
                     only those of limits that count jobs are looked at */
    const struct plan_need *need;
};

/* The questions to the queue. Both return 1 and *job, 0 when there is none, -1 when the queue can't
 * be read (the plan then ends). */
struct plan_queue {
    void *ctx;
    /* the next waiting job of the group after `after`, in serving order */
    int (*next)(void *ctx, const struct plan_group *group, const struct plan_job *after,
                struct plan_job *job);
    /* the first job of the group, at or after group->head in serving order, with queued_at <=
     * cutoff. *group is a copy whose head is the job that was just refused, not the head that the
     * plan began with */
    int (*guarded)(void *ctx, const struct plan_group *group, int64_t cutoff, struct plan_job *job);
};

enum plan_policy { PLAN_PACK, PLAN_SPREAD };

struct plan_in {
    struct fit_hosts hosts; /* free now, after holds; the plan takes from it what it admits */
    const int64_t *total;   /* the same table for the empty hosts: who never fits */
    size_t scopes;
    const struct fit_subset *scope; /* hosts of each scope; n == 0: no pool knows it, unless it is
                                       unsure */
    const bool *unsure; /* [scopes] hosts of it are missing from the table, with nothing free on
                           them: who never fits is not known, and it is PLAN_NO_ROOM where it would
                           be PLAN_NEVER_FITS or PLAN_NO_POOL. NULL: none */
    size_t shapes;
    const struct fit_demand *shape;
    const struct fit_demand *empty_shape; /* [shapes] the same without what is only true now, for
                                             the empty hosts; NULL: shape itself */
    size_t limits;
    struct plan_limit *limit; /* the plan takes from `left` what it admits */
    size_t groups;
    const struct plan_group *group;
    struct plan_queue queue;
    enum plan_policy policy;
    int64_t overtake; /* ns >= 0, or PLAN_FOREVER */
    int64_t now;      /* ns */
    int64_t oldest; /* the least queued_at of all waiting jobs: when none is past the guard, nobody
                       is asked. INT64_MIN: not known */
    int64_t budget; /* steps of exact search for one question; a pass spends PLAN_QUESTIONS times as
                       much at the most, in serving order */
    size_t most;    /* admissions at the most in this pass */
};

enum plan_verdict {
    PLAN_ALL_ADMITTED, /* the group's queue is empty now */
    PLAN_NO_POOL,      /* no pool serves its scope, or none that has a host */
    PLAN_NEVER_FITS, /* not even on the empty hosts, or more than hosts share in all, whoever holds
                        the line and whatever its quota says */
    PLAN_NO_QUOTA, /* its quota, or a number of jobs, has too little left, whoever holds the line */
    PLAN_NO_ROOM,  /* does not fit on what is free now, or on what is left of what hosts share */
    PLAN_UNDECIDED, /* the search budget ran out; it waits */
    PLAN_BLOCKED,   /* an older job holds the line of its hosts, or of a limit what is left */
    PLAN_ENOUGH     /* the pass had admitted `most` before its turn came; the next one goes on */
};

struct plan_admission {
    size_t group;
    struct plan_job job;
    struct fit_placement placement; /* kinds of the group's shape, hosts of plan_in.hosts */
};

struct plan_out {
    size_t n;
    struct plan_admission *admission; /* in the order in which they were decided */
    enum plan_verdict
        *verdict;     /* [groups]: what became of the group's first job that was not admitted */
    int64_t *blocker; /* [groups]: for PLAN_BLOCKED the id of the job that holds the line, else 0 */
    size_t *limit;    /* [groups]: for PLAN_NO_QUOTA, PLAN_NO_ROOM and PLAN_NEVER_FITS the first of
                         the group's limits that was too small; SIZE_MAX: none, the hosts were. For
                         PLAN_BLOCKED of which too much is kept; SIZE_MAX: the hosts are held */
    size_t *question; /* [groups]: those of one number, below `groups`, have the same shape and
                         scopes with the same hosts */
};

/* 0 and *out (plan_out_free), or -1: ERR_INTERNAL without memory, ERR_UNAVAILABLE when the queue
 * could not be read; *out is then empty, and in->hosts and in->limit may have lost what had been
 * admitted. A (scope, shape) may have several groups. One thread at a time. */
int plan_make(struct plan_in *in, struct plan_out *out, struct err *e) AR_MUST_CHECK;
void plan_out_free(struct plan_out *out, size_t groups);

#endif
