/* SPDX-License-Identifier: MIT */
/*
 * Names looked up side by side, fairly between groups: each has its turn, and none may have more
 * than its share of the threads, so that one owner's thousand dead names do not delay another's
 * good one. Requests for one name share one lookup; what came of it is kept for seconds. One thread
 * at a time for one struct resolver.
 */
#ifndef AR_RESOLVE_H
#define AR_RESOLVE_H

#include "crew.h"

enum {
    RESOLVE_THREADS = 16,
    RESOLVE_SHARE = 4,       /* threads of one group at the most */
    RESOLVE_KEPT_MAX = 64,   /* answers that are kept … */
    RESOLVE_KEPT_SECONDS = 5 /* … for so long */
};

struct resolver;

struct resolve_options {
    struct str nameserver;                                      /* lookup_server_parse */
    void (*look_up)(const char *name, struct lookup_answer *a); /* NULL: lookup_name; for tests */
};

/* 0 and *r (resolve_close), or -1: ERR_INTERNAL, ERR_CONFIG. */
int resolve_open(const struct resolve_options *o, struct resolver **r, struct err *e) AR_MUST_CHECK;
/* Drops all questions without a word, and waits for nobody. */
void resolve_close(struct resolver *r);

/* Readable when there is something for resolve_turn. */
int resolve_fd(const struct resolver *r);

struct resolve_question {
    const char *name; /* url.h's host, no address; copied */
    struct str group; /* copied */
    int64_t until;    /* clock_mono's: then the answer is that there is none */
    size_t tag;       /* the caller's, comes back with the answer */
};

/* 0, or -1: ERR_INTERNAL. The answer comes by resolve_turn. */
int resolve_start(struct resolver *r, const struct resolve_question *q,
                  struct err *e) AR_MUST_CHECK;

/* The answer holds during the call. */
typedef void resolve_done_fn(void *ctx, size_t tag, const struct lookup_answer *a);

/* Calls fn for each question that is answered or whose time is over; fn may start others. */
void resolve_turn(struct resolver *r, resolve_done_fn *fn, void *ctx);

/* The clock_mono at which resolve_turn has something to do though nothing is readable; INT64_MAX:
 * never. */
int64_t resolve_due(const struct resolver *r);

#endif
