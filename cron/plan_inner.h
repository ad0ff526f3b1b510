/* SPDX-License-Identifier: MIT */
/* What the files of plan share among themselves; nobody else includes it. */
#ifndef AR_PLAN_INNER_H
#define AR_PLAN_INNER_H

#include "plan.h"

/* plan_limits.c: the first of the group's limits of this sort that has too little left for one of
 * its jobs; the first shared one that would be too small with nothing used; SIZE_MAX: none. */
size_t limits_short(const struct plan_in *in, const struct plan_group *group, bool shared);
size_t limits_never(const struct plan_in *in, const struct plan_group *group);

/* What is kept of a limit for jobs past the guard. */
struct plan_kept {
    int64_t job;    /* the first of them; 0: nothing is kept */
    int64_t amount; /* what they need; INT64_MAX: all of it, since one of them is short of it */
};

/* The first of the group's limits of which it would take what is kept ([limits]) for others;
 * SIZE_MAX: none. What it is short of anyway counts only where all of it is kept. */
size_t limits_held(const struct plan_in *in, const struct plan_kept *kept,
                   const struct plan_group *group);
/* Keeps what a job of the group needs; shared: of what hosts share as well. */
void limits_keep(const struct plan_in *in, struct plan_kept *kept, const struct plan_group *group,
                 int64_t job, bool shared);

/* Would it be of use to keep its quotas for a job of the group? It is short of one, of none more
 * than there is in all, and no number of jobs keeps it out. */
bool limits_worth(const struct plan_in *in, const struct plan_group *group);

/* Takes off what a job of the group needs, which there is: that is a precondition. */
void limits_take(struct plan_in *in, const struct plan_group *group);

/* Scopes with the same hosts are one lane: what is true of one is true of all. */
struct plan_lane {
    struct fit_subset use;
    bool blocked;
    int64_t blocker; /* the job that holds the line, when blocked */
};

struct plan_lanes {
    size_t n;
    struct plan_lane *lane;
    size_t *of_scope; /* [scopes] */
    /* The lanes of each host: at[first[host] .. first[host + 1]).
     * Made when the first line is held. */
    size_t hosts;
    size_t *first;
    size_t *at;
};

/* 0, or -1 without memory; lanes_free either way. */
int lanes_make(struct plan_lanes *lanes, const struct plan_in *in) AR_MUST_CHECK;
void lanes_free(struct plan_lanes *lanes);

/* The job holds the line of a lane that is not blocked: that lane and all that share a host with it
 * are blocked from now on. 0, or -1 without memory. */
int lanes_hold(struct plan_lanes *lanes, size_t lane, int64_t job) AR_MUST_CHECK;

/* A shape in a lane, and what is known of it so far in this pass. */
struct plan_question {
    size_t lane, shape;
    bool refused;           /* asked, and not FIT_YES */
    bool judged;            /* asked of the empty hosts */
    enum plan_verdict room; /* when refused: PLAN_NO_ROOM or PLAN_UNDECIDED */
    enum fit_answer empty;  /* when judged: theirs */
};

struct plan_questions {
    struct plan_question *question;
};

/* Which question each group asks goes into of_group[groups]. 0, or -1 without memory;
 * questions_free either way. */
int questions_make(struct plan_questions *questions, const struct plan_in *in,
                   const struct plan_lanes *lanes, size_t *of_group) AR_MUST_CHECK;
void questions_free(struct plan_questions *questions);

/* A job whose turn will come. */
struct plan_turn {
    struct plan_job job;
    size_t group;
    bool marker; /* known not to fit, and past the guard: holds the line from here on */
};

/* A heap, smallest (priority, id) first; its owner has room for one more. */
struct plan_turns {
    size_t n;
    struct plan_turn *turn;
};
void turns_add(struct plan_turns *turns, struct plan_turn turn);
struct plan_turn turns_take(struct plan_turns *turns);

#endif
