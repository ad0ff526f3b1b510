/* SPDX-License-Identifier: MIT */
/* Whole passes over a rig whose sources are read on the spot. */
#ifndef AR_PASS_RIG_H
#define AR_PASS_RIG_H

#include "rig.h"

#include "cron/pass.h"
#include "cron/readers.h"

enum { QUEUES_MAX = 8 };

/* All sources, read now; readings[i] belongs to queue i. */
static inline struct readers *rig_readings(struct rig *r,
                                           struct source_reading *reading[QUEUES_MAX])
{
    struct readers *readers;
    struct err e;
    size_t i;

    assert_in_range(r->conf->queues, 1, QUEUES_MAX);
    OK(readers_open(r->conf, &readers, &e), &e);
    for (i = 0; i < r->conf->queues; i++) {
        readers_ask(readers, i, (struct str){0});
        readers_wait(readers);
        reading[i] = readers_take(readers, i);
        assert_non_null(reading[i]);
    }
    return readers;
}

static inline struct pass_result rig_pass(struct rig *r)
{
    struct source_reading *reading[QUEUES_MAX];
    struct readers *readers = rig_readings(r, reading);
    struct pass_in in = {.conf = r->conf, .store = r->s, .reading = reading};
    struct pass_result result;
    struct err e;

    OK(pass_run(&in, &result, &e), &e);
    readers_close(readers);
    return result;
}

/* The job's status, and its reason in r->text. */
static inline enum job_status rig_status(struct rig *r, const char *type, const char *id)
{
    struct job j;
    struct err e;

    OK(store_show(r->s, str_of(type), str_of(id), &j, &e), &e);
    (void)snprintf(r->text, sizeof r->text, "%.*s: %.*s", (int)j.reason.n,
                   j.reason.p ? j.reason.p : "", (int)j.message.n, j.message.p ? j.message.p : "");
    return j.status;
}

#endif
