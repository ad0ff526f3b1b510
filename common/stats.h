/* SPDX-License-Identifier: MIT */
/*
 * Numbers that are counted while the programs run, for people and for /metrics: in a file beside
 * the database, <database>.stats, that all processes map and add to. Counting is an atomic
 * addition: no lock, no flush, no write to the database. The numbers outlive the programs, and a
 * kill -9; not a loss of power. They never decide anything.
 *
 * A file that is not there, of another version, or damaged is made anew. Where it can't be had at
 * all (a full disk, a read-only one), or is cut short while it is in use, counting goes to memory
 * of the process and one warning to the log: watching never stops the work. All functions take
 * NULL. Any thread.
 */
#ifndef AR_STATS_H
#define AR_STATS_H

#include "job.h"

struct stats;

/* All who open the same path in one process share one. Without `make` nothing is made and nothing
 * is said: NULL when there is no good file. Else NULL only without memory. stats_close. */
struct stats *stats_open(const char *path, bool make);
void stats_close(struct stats *s);

/* ---- counting ---- */

/* A request was answered. `route` is its place in the table of routes; STATS_NO_ROUTE: it had none.
 * A status that is none (100 to 599) is not counted. */
enum { STATS_ROUTES_MAX = 48, STATS_NO_ROUTE = STATS_ROUTES_MAX - 1 };
void stats_http(struct stats *s, size_t route, int status, int64_t ns);

/* The table of routes that those places are of, by a number that is not 0: what was counted of
 * another table is forgotten. */
void stats_routes(struct stats *s, uint64_t table);

/* `changes` were committed together, by a service or by a dispatcher; `ns` from the wait for the
 * lock to the end. */
enum stats_program { STATS_SERVICE, STATS_DISPATCHER, STATS_PROGRAMS };
void stats_commit(struct stats *s, enum stats_program program, int64_t changes, int64_t ns);

/* A callback was tried. */
enum stats_outcome {
    STATS_ACCEPTED,
    STATS_AGAIN,
    STATS_REQUEUED,
    STATS_FAILED,
    STATS_VOID,
    STATS_OUTCOMES
};
void stats_delivery(struct stats *s, enum stats_outcome outcome, int64_t ns);

/* A pass over all queues, begun at `at`, has ended. */
void stats_pass(struct stats *s, int64_t at, int64_t ns);

/* ---- of one queue: the first STATS_QUEUES_MAX types have numbers of their own, all others share
 * those of the type "" ---- */
enum { STATS_QUEUES_MAX = 1000 };

void stats_created(struct stats *s, struct str type, int64_t jobs);
/* A job was admitted that waited so long since its queued_at. */
void stats_admitted(struct stats *s, struct str type, int64_t waited, int64_t now);

/* A source that is asked was read, or could not be. */
void stats_reading(struct stats *s, struct str type, bool good);

/* The last pass that looked at a queue. */
struct stats_last_pass {
    int64_t at; /* when it began, ns since 1970; 0: there was none */
    int64_t ns; /* how long the whole pass took */
    int64_t admitted, groups,
        reasons; /* of this queue: admitted, groups that waited, reasons written */
};
void stats_queue_pass(struct stats *s, struct str type, const struct stats_last_pass *p);

/* ---- reading ---- */

enum { STATS_BUCKETS = 20 };
/* Buckets are not cumulative; the last one is everything above the last limit. */
struct stats_histogram {
    int64_t count[STATS_BUCKETS];
    int64_t sum; /* us, or changes */
};
/* The limits of the buckets but the last: each holds what is no more than its limit. */
enum stats_scale {
    STATS_SHORT, /* what the programs do, in us */
    STATS_LONG,  /* how long jobs wait, in us */
    STATS_SIZE,  /* how many changes */
    STATS_SCALES
};
extern const int64_t stats_limits[STATS_SCALES][STATS_BUCKETS - 1];

struct stats_queue {
    int64_t created, admitted;                /* ever */
    int64_t readings, failed;                 /* of its source, ever: the failed ones are in both */
    int64_t last_minute, last_hour, last_day; /* admissions before `now`, to within a twentieth */
    struct stats_histogram wait;              /* STATS_LONG */
    struct stats_last_pass last;
};
/* *q is all 0 for a type that nothing was counted of. The type "": the sum of all that have no
 * numbers of their own. */
void stats_queue(struct stats *s, struct str type, int64_t now, struct stats_queue *q);

/* The requests to a route that were answered with this status; their durations, of all statuses. */
int64_t stats_read_status(struct stats *s, size_t route, int status);
void stats_read_http(struct stats *s, size_t route, struct stats_histogram *took);

/* Commits: how many changes each, and how long. */
void stats_read_commits(struct stats *s, enum stats_program program, struct stats_histogram *size,
                        struct stats_histogram *took);
void stats_read_deliveries(struct stats *s, enum stats_outcome outcome,
                           struct stats_histogram *took);
/* The time at which the last pass ended; 0: there was none. */
int64_t stats_read_passes(struct stats *s, struct stats_histogram *took);

/* Since when is counted in this file, ns since 1970. */
int64_t stats_since(struct stats *s);

#endif
