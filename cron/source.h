/* SPDX-License-Identifier: MIT */
/*
 * Sources of capacity: what a queue's hosts have. A source is a row of a table (source.c); one that
 * has to ask somebody else blocks in its functions until their until at the latest, on a thread
 * of its own (readers.h). A struct source and a reading belong to one thread at a time.
 *
 * A reading says what was true at read_at or later. What a plan wants to know beyond it, a quota or
 * whether a host takes a certain shape, is asked afterwards (source_more) and added to it.
 */
#ifndef AR_SOURCE_H
#define AR_SOURCE_H

#include "arena.h"
#include "conf.h"
#include "demand.h"
#include "until.h"

enum {
    SOURCE_HOSTS_MAX = 100000,
    SOURCE_POOLS_MAX = 10000,
    SOURCE_MEMORY_MAX = 512 << 20 /* bytes of one reading */
};

enum { SOURCE_NEVER_SURE = -1 };
struct source_amount {
    struct str resource;
    int64_t total; /* of the empty host, what the cloud keeps for itself taken off */
    int64_t used;  /* by whoever, as an observed source sees it; may be more than total. Of a ledger
                      source: by others than our jobs */
    int64_t sure;  /* one instance may ask for this much without source_more being asked; 0: for any
                      amount; SOURCE_NEVER_SURE: for none */
};

/* A label of a node, or a trait of an OpenStack host (key: the trait, value: ""). */
struct source_label {
    struct str key, value;
    bool perhaps; /* a part of the host has it, and whether it counts depends on what is asked for:
                     source_more is asked about each kind that has a constraint */
};

/* What keeps pods away that do not tolerate it: NoSchedule and NoExecute; a node that is
 * unschedulable has node.kubernetes.io/unschedulable:NoSchedule. */
struct source_taint {
    struct str key, value, effect;
};

struct source_host {
    struct str name;
    size_t amounts;
    const struct source_amount *amount; /* sorted by name, no doubles */
    size_t labels;
    const struct source_label *label; /* sorted by key, then value */
    size_t taints;
    const struct source_taint *taint;
    bool exact; /* its amounts alone do not tell what goes on it (nested or sharing providers):
                   source_more is asked about each kind */
};

/* A line of a quota, or something that several hosts share: at most `limit` of the sum of the
 * resources (none named: of the instances) may be used. */
struct source_limit {
    struct str name; /* as the cloud calls it: "cores", "requests.cpu" */
    struct str resource[2];
    int64_t limit, used;
};

/* The quota of one project (Kubernetes: namespace). Lines without a limit are left out. */
struct source_quota {
    struct str project;
    struct str
        error; /* why it could not be read, which concerns this project alone; absent: it was */
    size_t limits;
    const struct source_limit *limit;
};

enum source_gate {
    SOURCE_NO_QUOTA,    /* there is no second gate */
    SOURCE_QUOTAS_READ, /* a project that is not in the list has no quota */
    SOURCE_QUOTAS_ASKED /* a project that is not in the list must be asked for first */
};

/* An answer to "which hosts take one instance of this kind now?" */
struct source_exact {
    struct str kind;           /* demand_write_kind's text */
    const unsigned char *host; /* [hosts] SOURCE_… below */
};
enum { SOURCE_HOST_UNKNOWN, SOURCE_HOST_TAKES, SOURCE_HOST_REFUSES };

enum source_state {
    SOURCE_NONE, /* the queue has no source */
    SOURCE_GOOD,
    SOURCE_FAILED /* `error` says why; nobody is admitted */
};

/* One reading. What it points to lives in its arena, or in the configuration. */
struct source_reading {
    const struct conf_queue *queue;
    struct arena *arena;
    enum source_state state;
    int64_t read_at; /* ns since 1970: what it says was true at this moment or later */
    int64_t ahead;   /* clock_mark's, when it was begun: read_at is of this clock */
    int64_t ns;      /* how long reading it took */
    size_t hosts;
    const struct source_host *host; /* sorted by name, no doubles */
    size_t pools;
    const struct pool *pool; /* pool.h; in an order of the source's, names without doubles */
    enum source_gate gate;
    size_t quotas;
    const struct source_quota *quota; /* sorted by project */
    size_t shared;
    const struct source_limit *share; /* what the hosts of a pool share: pool.share names them */
    size_t exacts;
    const struct source_exact *exact; /* in no order */
    struct str about;                 /* for --check: versions, as whom; absent: nothing to say */
    char error[ERR_TEXT_MAX];         /* SOURCE_FAILED: with the service's own words, no secret */
};

/* What a plan wants to know beyond a reading. Spans and kinds live in the asker's arena. */
struct source_question {
    struct str project;             /* present: this project's quota is wanted */
    struct str text;                /* else: which hosts take one of this kind? its text, … */
    const struct demand_kind *kind; /* … the kind itself, … */
    size_t pools;
    const size_t *pool; /* … and the pools whose hosts are in question, as indices of the reading */
};

/* A copy with all that it points to. 0, or -1 without memory. */
int source_question_copy(struct arena *a, const struct source_question *from,
                         struct source_question *to) AR_MUST_CHECK;

struct source;

/* Opens a queue's source; asks nobody yet. 0 and *s (source_close), or -1: ERR_INTERNAL. */
int source_open(const struct conf *conf, const struct conf_queue *queue, struct source **s,
                struct err *e) AR_MUST_CHECK;
void source_close(struct source *s);

/* Makes it ask others, so that it wants a thread of its own? */
bool source_waits(const struct conf_queue *queue);

/* Reads into *r, whose queue and arena are set and whose rest is 0. `waiting` is the demand that
 * waits, as JSON, for a program that is handed it; absent: not known. Never fails: what goes wrong
 * is the reading's state and error. */
void source_read(struct source *s, struct str waiting, const struct until *until,
                 struct source_reading *r);

/* Adds the answers to the questions to a good reading. A service that does not answer makes the
 * reading SOURCE_FAILED, with the reason; one that refuses a single project's quota does not: that
 * quota then has the error. */
void source_more(struct source *s, const struct source_question *q, size_t n,
                 const struct until *until, struct source_reading *r);

/* Does a reading keep the rules that are written beside its members (order, doubles, indices,
 * amounts 0..NUM_SAFE_MAX), and are its names such (not empty, no control characters)?
 * Asked here for every source once, so that none need be trusted. 0, or -1: ERR_UNAVAILABLE with
 * what is absurd, or ERR_INTERNAL. Its only effect is memory of r->arena. */
int source_check(const struct source_reading *r, struct err *e) AR_MUST_CHECK;

/* "none", "static", …: the word of the configuration. */
const char *source_word(const struct conf_queue *queue);

/* Does the source see what running jobs use, so that what they hold ends when they have settled? */
bool source_observes(const struct conf_queue *queue);

/* ---- for the sources themselves ---- */

/* A kind of source. `ctx` is what `open` made of the queue. read and more: 0, or -1 and *e, in
 * words for the operator ("Placement answered 503: …"), never with a secret in them; memory from
 * r->arena. open, more and close may be NULL. */
struct source_kind {
    const char *word;
    bool waits;
    int (*open)(const struct conf *conf, const struct conf_queue *queue, void **ctx, struct err *e);
    int (*read)(void *ctx, struct str waiting, const struct until *until, struct source_reading *r,
                struct err *e);
    int (*more)(void *ctx, const struct source_question *q, size_t n, const struct until *until,
                struct source_reading *r, struct err *e);
    void (*close)(void *ctx);
};
extern const struct source_kind source_static, source_openstack, source_kubernetes, source_exec,
    source_http;

#endif
