/* SPDX-License-Identifier: MIT */
/* A pass from the inside: shared by its files only. All that it learns lives in its arenas and dies
 * with it. */
#ifndef AR_PASS_INNER_H
#define AR_PASS_INNER_H

#include "limits.h"
#include "pass.h"
#include "reason.h"

enum {
    PASS_MEMORY_MAX = 256 << 20, /* bytes of each of a pass's arenas */
    PASS_ADMISSIONS_MAX = 10000, /* in one pass, all queues together */
    PASS_ADMISSIONS_MIN = 1000,  /* that is so on any number of hosts */
    PASS_LOOKS_MAX = 10000000,   /* at hosts, by all admissions: callbacks wait for the pass */
    PASS_PLACED_MAX = 1000,
    PASS_WRITES_A_COMMIT = 1000, /* admissions and reasons: so that no transaction is long */
    PASS_HEADS_MIN = 64,         /* that a transaction is begun for */
    PASS_QUESTIONS_MAX = 64      /* of one queue in one pass */
};

/* The configuration's entry, with what the pass found out about it. */
struct pass_queue {
    const struct conf_queue *conf;
    bool in;                       /* it is in this pass; else nothing of the following is set */
    struct source_reading reading; /* good: the next members are made */
    struct arena *arena;           /* of its table and of who waits, which others are not to feel */
    struct capacity capacity;
    struct waiting waiting; /* made in any case */
    struct limits limits;   /* made when it is to be planned */
    size_t placed;          /* jobs that were placed on its table */
    int64_t let_in;         /* admissions that were written */
    int64_t told;           /* reasons that are news */
    bool planned;
    unsigned skips; /* as pass_in has it: before its turn, then after it */
    struct plan_in in_plan;
    struct plan_out plan;
    struct intern asked; /* texts of the questions, so that each is asked once */
    size_t questions;
    struct source_question question[PASS_QUESTIONS_MAX];
};

/* Those who are admitted of one lane: an entry of the configuration and a set of pools. For the
 * estimates of those who go on waiting. */
struct pass_lane {
    const struct pass_queue *queue;
    size_t scope;               /* index into waiting.scope */
    struct store_amount *total; /* [resources] of its hosts */
    size_t n;                   /* entries of `start` */
    int64_t jobs;               /* that were written */
    struct store_start start[STORE_STARTS_A_PASS];
};

/* A job to be admitted or placed, ready to be written. */
struct pass_job {
    int64_t id, group;      /* group 0: a running job that is placed */
    struct pass_lane *lane; /* of one that is admitted; NULL: it needs nothing */
    int64_t priority, share;
    size_t of; /* of one that is admitted: index of its queue */
    bool written;
    struct holding_who who; /* of one that is admitted */
    struct str queue, hosts;
    size_t holds;
    const struct store_hold *hold;
};

struct pass_reason {
    int64_t group;
    int64_t head; /* its first job, for people */
    const char *reason;
    struct str message;
};

struct pass {
    const struct conf *conf;
    struct store *store;
    struct arena *arena; /* of what is decided */
    struct arena *told;  /* of the reasons' texts: when it is full, there is room to decide */
    int64_t now;
    int64_t shifted; /* store_clock_shifted: `now` and the readings' times go by it */
    size_t queues;
    struct pass_queue *queue;
    unsigned *skips;        /* pass_in.skips */
    int64_t from, left_out; /* pass_in.from; the first group that there was no room for, or 0 */
    int64_t oldest;         /* plan_in.oldest */
    struct holding holding;
    struct waiting paused; /* groups of paused queues; kept in a dry run only */
    size_t placed, admitted, reasons, lanes;
    struct pass_lane *lane[PASS_ADMISSIONS_MAX];
    struct pass_job place[PASS_PLACED_MAX], admit[PASS_ADMISSIONS_MAX];
    size_t heads, heads_room;
    int64_t *head;              /* groups whose rows do not say yet who is their first */
    struct pass_reason *reason; /* those that differ from what is written */
    bool show;                  /* a dry run: all reasons are listed, also those that are no news */
    bool crowded;  /* one who is to be admitted found no place: who comes after must not pass him */
    bool unplaced; /* more running jobs are to be placed than one pass takes: it admits nobody */
    bool more;
};

/* pass_read.c: readings, holds, unplaced jobs, groups. */
int pass_read(struct pass *p, struct source_reading *const *reading, struct err *e) AR_MUST_CHECK;

/* The demand of a job's data by the rules of its queue. 0 and *d (demand_free), or -1. */
int pass_demand_of(struct str rules, const struct job *j, struct demand **d,
                   struct err *e) AR_MUST_CHECK;

/* pass_plan.c: the plans of all queues, and what is to be written of them: admit and reason. Within
 * the same snapshot. */
int pass_plan(struct pass *p, struct err *e) AR_MUST_CHECK;

/* What a placement holds, in the words of the database. -1: ERR_INTERNAL, no memory or no room in
 * the arena. */
int pass_job_make(struct pass *p, const struct pass_queue *q, const struct fit_demand *d,
                  struct fit_placement *placement, struct pass_job *job,
                  struct err *e) AR_MUST_CHECK;

/* pass_ask.c: is all known that must be known before the plan's admission can be written? 1 yes; 0:
 * no, and what is not known is now among the queue's questions, where there is room for it; -1: no
 * memory. */
int pass_is_sure(struct pass *p, struct pass_queue *q, const struct plan_admission *a,
                 struct err *e) AR_MUST_CHECK;

/* pass_reasons.c: why the groups of a queue wait, where that is news, after its plan; those of
 * paused queues, in a dry run. -1: ERR_INTERNAL, no memory. */
int pass_reasons(struct pass *p, struct pass_queue *q, struct err *e) AR_MUST_CHECK;
void pass_show_paused(struct pass *p);

/* pass_limits.c: the limits of those who wait, less what jobs use of them that hold something. */
int pass_limits(struct pass *p, struct pass_queue *q, struct err *e) AR_MUST_CHECK;

/* pass_starts.c: where a job that is admitted belongs, and how much it asks for. -1: no memory. */
int pass_starts_find(struct pass *p, const struct pass_queue *q, const struct plan_admission *a,
                     struct pass_job *job) AR_MUST_CHECK;
/* The job is written: it has started. In the same transaction. */
int pass_starts_note(struct pass *p, const struct pass_job *job, struct err *e) AR_MUST_CHECK;
/* Writes what was noted, and begins again. In the transaction that admits. */
int pass_starts_write(struct pass *p, int64_t now, struct err *e) AR_MUST_CHECK;

/* pass_write.c: writes all of it; r's counters say what was written. */
int pass_write(struct pass *p, struct pass_result *r, struct err *e) AR_MUST_CHECK;

#endif
