/* SPDX-License-Identifier: MIT */
/* The store: why a job waits, where it stands, and when it may start. Same rules as store.h.
 * Between store_read_begin and _end. */
#ifndef AR_STORE_WAIT_H
#define AR_STORE_WAIT_H

#include "store.h"

enum { STORE_WAIT_RESOURCES_MAX = 64 };

/* Jobs, and what they ask for in all. No sum goes beyond INT64_MAX. */
struct store_ahead {
    int64_t jobs;
    size_t resources; /* sorted by name; what came when there was no room for more is left out, but
                         never what the job itself asks for */
    struct {
        struct str resource;
        int64_t amount;
    } resource[STORE_WAIT_RESOURCES_MAX];
};

struct store_wait {
    struct job job;       /* as store_show has it: reason and message too */
    bool waits;           /* queued or held; else only `job` and `why` are set */
    int64_t reason_since; /* when it began to wait for this reason, whose numbers may have changed
                             since; 0: not known */
    int64_t looked_at;    /* the last pass that looked at its queue; 0: none has yet */
    int64_t
        position; /* in its queue, from 1; 0: it has no place in line now (it sleeps, or is held) */
    int64_t pool_position; /* among those that compete with it for a pool, of all types that have
                              the same entry of the configuration; 0: it needs nothing, or its pools
                              are not known, or there is none */
    struct str pools;      /* JSON array of names, sorted; absent: not known, or it needs nothing */
    struct store_ahead need;       /* jobs: its instances */
    struct store_ahead ahead;      /* in its queue; when it has a position there */
    struct store_ahead pool_ahead; /* among those that compete */
    bool estimated;
    int64_t low, high; /* it will start between these, ns since 1970 */
    int64_t samples;   /* past starts after a wait that this is taken from */
    struct str why;    /* for a person: what the estimate rests on, or why there is none */
};

/* 0 and *w, or -1: ERR_NOT_FOUND, … Spans hold until the next call. */
int store_wait(struct store *s, struct str type, struct str request_id, int64_t now,
               struct store_wait *w, struct err *e) AR_MUST_CHECK;

/* As JSON, for the API and for the operator's command: see anteroom.fcgi(8). */
void store_wait_write(struct json_out *o, const struct store_wait *w, struct clock_zone *zone);

#endif
