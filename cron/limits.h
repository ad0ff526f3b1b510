/* SPDX-License-Identifier: MIT */
/*
 * Limits beside the hosts: quotas of projects, what hosts share, and how many jobs may run. From a
 * reading, and from what was counted, to the numbers that the plan works on. Pure but for memory;
 * one thread at a time.
 */
#ifndef AR_LIMITS_H
#define AR_LIMITS_H

#include "waiting.h"

/* A limit with what it is, for people; same index as the plan's. */
struct limits_line {
    struct str project;              /* whose quota; absent: hosts share it, or it counts jobs */
    struct str error;                /* of a quota that could not be read; absent: it was */
    const struct source_limit *line; /* NULL: there is an error, or it counts jobs */
    const char *jobs; /* counts jobs: the reason of those who find no place. NULL: it does not */
};

struct limits {
    const struct waiting *waiting;
    struct arena *arena;
    size_t n, cap;
    struct plan_limit *limit;
    struct limits_line *line;
    size_t counting;       /* of them, those that count jobs */
    struct intern project; /* those whose quota was looked up */
    size_t *first, *count; /* [project.n] their lines */
    size_t projects_cap;
    size_t *of_type, *of_owner; /* [holding's] lines + 1; 0: none yet. While they are made */
};

/* Are there no more limits for one project and its pools than the table takes? 0, or -1:
 * ERR_UNAVAILABLE. Pure. */
int limits_check(const struct source_reading *r, struct err *e) AR_MUST_CHECK;

/* The limits of all groups that wait: fills each group's needs. Memory lives in the arena
 * and in *l (limits_free, also after a failure). 0, or -1: ERR_INTERNAL or ERR_UNAVAILABLE without
 * memory, or ERR_UNAVAILABLE of limits_check. */
int limits_make(struct waiting *w, struct arena *a, struct limits *l, struct err *e) AR_MUST_CHECK;
void limits_free(struct limits *l);

/* Takes off what a job that holds something uses of the limits: its use may not be in the reading
 * yet. 0, or -1: ERR_INTERNAL without memory. */
int limits_hold(struct limits *l, struct str scope, const struct demand *d,
                struct err *e) AR_MUST_CHECK;

/* Must the source be asked for the quota of the scope's project before one of its jobs can be
 * admitted? Pure. */
bool limits_unknown(const struct source_reading *r, struct str scope);

#endif
