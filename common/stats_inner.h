/* SPDX-License-Identifier: MIT */
/*
 * How the file of counted numbers is laid out. Nobody but stats*.c includes this.
 *
 * Everything that is counted is an atomic number that is added to; nothing is ever taken away, but
 * for rings, whose buckets start anew. A file that is not laid out in exactly this way is made
 * anew: change STATS_VERSION with every change of what follows.
 */
#ifndef AR_STATS_INNER_H
#define AR_STATS_INNER_H

#include <stdatomic.h>

#include "stats.h"

#define STATS_MAGIC 0x5354415453524e41ULL /* "ANRSTATS" */
enum { STATS_VERSION = 2 };

enum { STATS_STATUS_LEAST = 100, STATS_STATUSES = 500 };

/* Admissions of the last minute, hour, day: buckets of so many seconds. */
enum { STATS_MINUTE, STATS_HOUR, STATS_DAY, STATS_RINGS };
enum { STATS_RING = 24 };

enum { STATS_TURNS = 4 };

typedef _Atomic int64_t stats_number;
typedef _Atomic uint64_t stats_word;

struct stats_counted {
    stats_number count[STATS_BUCKETS];
    stats_number sum;
};

struct stats_slot {
    stats_word name[(JOB_NAME_MAX + 7) / 8];
    stats_word named; /* the length of the name; 0: not written yet */
    stats_number created, admitted, readings, failed;
    struct stats_counted wait;
    /* In the upper half the number of the span of time that is counted in the lower half. */
    stats_word ring[STATS_RINGS][STATS_RING];
    /* The last pass is in last[turn % STATS_TURNS]; the next is written behind it. */
    stats_word turn;
    struct {
        stats_number at, ns, admitted, groups, reasons;
    } last[STATS_TURNS];
};

struct stats_file {
    uint64_t magic, version, size; /* constant, as is: */
    int64_t since;
    stats_word routes; /* of which table the following are */
    struct stats_route {
        stats_number status[STATS_STATUSES];
        struct stats_counted took;
    } route[STATS_ROUTES_MAX];
    struct {
        struct stats_counted size, took;
    } commits[STATS_PROGRAMS];
    struct stats_counted deliveries[STATS_OUTCOMES];
    struct stats_counted passes;
    stats_number pass_ended;
    /* Whose slot is whose: a hash of the type, 0: nobody's yet. The last slot is everybody else's.
     */
    stats_word owner[STATS_QUEUES_MAX];
    struct stats_slot slot[STATS_QUEUES_MAX + 1];
};
_Static_assert(sizeof(stats_number) == 8 && sizeof(stats_word) == 8, "as in the file");

/* Which file it is; all 0: none. */
struct stats_id {
    uint64_t device, inode;
};

enum { FILES_MAX = 8 };

struct stats {
    _Atomic(struct stats_file *) file;
    char *path;           /* constant */
    stats_number look_at; /* clock_mono: then it is looked whether the path has another file */
    struct stats_id id;   /* of the file; guarded by all_lock, as is: */
    size_t users, olds;
    struct stats_file *old[FILES_MAX]; /* a thread may be at it still */
    struct stats *next;
};

/* ---- stats_open.c ---- */

/* When the file has gone, and somebody has made another, that is counted in from here on. */
void stats_follow(struct stats *s);

/* ---- stats_file.c ---- */

/* The file's contents, mapped, of a file that is there. NULL and *e: it can't be had. */
struct stats_file *stats_file_map(const char *path, struct stats_id *id,
                                  struct err *e) AR_MUST_CHECK;
/* The same; the file is made when there is none, or a bad one. */
struct stats_file *stats_file_make(const char *path, struct stats_id *id,
                                   struct err *e) AR_MUST_CHECK;
/* The contents of a good file that has come in the place of *id, which becomes its. NULL: there is
 * none. */
struct stats_file *stats_file_other(const char *path, struct stats_id *id) AR_MUST_CHECK;
/* Memory of this process that looks the same. NULL: there is none. */
struct stats_file *stats_file_memory(void) AR_MUST_CHECK;
/* Has a file been cut short under a mapping, which is memory of this process since then? Once. */
bool stats_file_was_cut(void);
/* Of all three; NULL is fine. */
void stats_file_unmap(struct stats_file *f);

#endif
