/* SPDX-License-Identifier: MIT */
/* What the files of fit share among themselves; nobody else includes it. Pure; any thread. */
#ifndef AR_FIT_INNER_H
#define AR_FIT_INNER_H

#include "fit.h"

/* Kinds that ask for the same amounts and may go on the same of the hosts in question (the masks'
 * contents say so, not where they stand) are one class: their instances are interchangeable. */
struct fit_class {
    const int64_t *amount; /* [resources] */
    const bool *on;        /* as a kind's: by host, not by row */
    int64_t count;         /* the sum over its kinds */
    double size;           /* the sum of its shares of what is free of each resource */
    size_t first, kinds;   /* its kinds: fit_problem.order[first .. first + kinds) */
};

/* A question laid out for the phases of fit_pack. */
struct fit_problem {
    struct fit_hosts room; /* a copy of the hosts in question, which a phase may change; row i is
                              host use.host[i] */
    struct fit_subset use;
    size_t classes; /* largest first */
    struct fit_class *class;
    size_t *order; /* [kinds] the demand's kinds, class by class */
    double *scale; /* [resources] 1 / what is free of it on all these hosts, 0 when nothing is */
};

/* A phase's answer speaks of classes where a kind would stand, and of rows where a host would. */

/* How many more instances of `amount` a host with `free` can take, `most` at the most. */
int64_t fit_times(const int64_t *free, const int64_t *amount, size_t resources, int64_t most);

/* May the host take it at all? */
static inline bool fit_is_on(const bool *on, size_t host)
{
    return !on || on[host];
}

/* How many instances of the class row i of the room can take, `most` at the most. */
int64_t fit_row_times(const struct fit_problem *problem, const struct fit_class *class, size_t i,
                      int64_t most);

/* Puts n instances on the host (n < 0: takes them back). They fit: that is a precondition. */
void fit_use(int64_t *free, const int64_t *amount, size_t resources, int64_t n);

/* a + b of amounts >= 0, INT64_MAX when it is more than that. */
int64_t fit_sum(int64_t a, int64_t b);

/* How full of room a host is: its shares of all resources, summed. */
double fit_slack(const int64_t *free, const double *scale, size_t resources);
/* 1 / what is free of each resource on all these hosts, 0 when nothing is. */
void fit_scale(const struct fit_hosts *hosts, struct fit_subset use, double *scale);

/* 0, or -1 without memory. */
int fit_place_add(struct fit_placement *p, size_t kind, size_t host, int64_t count) AR_MUST_CHECK;

/* Copies the rows of the hosts in question, of which there is one at least, into room->free, which
 * has their size. */
void fit_copy(const struct fit_hosts *hosts, struct fit_subset use, struct fit_hosts *room);

/* Quick bounds that hold for both policies: FIT_NO: impossible; FIT_YES: certain, though not where;
 * FIT_UNKNOWN: look closer. */
enum fit_answer fit_quick(const struct fit_hosts *hosts, struct fit_subset use,
                          const struct fit_demand *demand);

/* Best fit of a single kind where one host takes all of it: that host, the one that fit_best finds.
 * FIT_UNKNOWN: the tightest does not, or there are too many resources for this way. */
enum fit_answer fit_tightest(const struct fit_hosts *hosts, struct fit_subset use,
                             const struct fit_kind *kind, struct fit_placement *p);

/* The phases. They change problem->room and put classes and rows into *p; FIT_UNKNOWN from the
 * first two: this way not. */
enum fit_answer fit_best(struct fit_problem *problem, struct fit_placement *p);
enum fit_answer fit_first(struct fit_problem *problem, struct fit_placement *p);
/* Never asks for more than *steps, which it lowers. */
enum fit_answer fit_search(struct fit_problem *problem, int64_t *steps, struct fit_placement *p);

#endif
