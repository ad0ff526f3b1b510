/* SPDX-License-Identifier: MIT */
/* What the tests of limits share: a reading of one host in one pool, whose disk is shared, with the
 * quotas of two projects; and who waits for it. */
#ifndef AR_LIMITS_CASE_H
#define AR_LIMITS_CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "cron/limits.h"

enum { POOLS = 2, SHARES = 3 };

static const struct source_limit cores = {{"cores", 5}, {{"VCPU", 4}, {"PCPU", 4}}, 20, 17};
static const struct source_limit instances = {{"instances", 9}, {{0}}, 10, 4};
static const struct source_limit disk = {{"DISK_GB of nfs", 14}, {{"Disk", 4}}, 1000, 1200};

struct fixed {
    struct source_amount amount[2];
    struct source_host host;
    size_t index[1];
    struct pool pool[POOLS];
    struct source_limit limits[2], share[SHARES];
    struct source_quota quota[2];
    struct conf_queue queue;
    struct source_reading reading;
    struct arena *arena;
    struct capacity capacity;
    struct waiting waiting;
    struct conf conf;
    struct conf_queue queues[2]; /* of conf: t, and * */
    struct holding holding;
    struct limits limits_made;
};

static inline void fixed_make(struct fixed *f, enum source_gate gate)
{
    struct err e;

    *f = (struct fixed){.arena = arena_new(1 << 20)};
    f->amount[0] = (struct source_amount){.resource = {"Disk", 4}, .total = 1000};
    f->amount[1] = (struct source_amount){.resource = {"VCPU", 4}, .total = 64};
    f->host = (struct source_host){.name = {"h", 1}, .amounts = 2, .amount = f->amount};
    f->pool[0] = (struct pool){.name = {"p", 1},
                               .open = true,
                               .hosts = 1,
                               .host = f->index,
                               .shares = 1,
                               .share = f->index};
    f->limits[0] = cores;
    f->limits[1] = instances;
    f->share[0] = disk;
    f->quota[0] = (struct source_quota){.project = {"a", 1}, .limits = 2, .limit = f->limits};
    f->quota[1] = (struct source_quota){.project = {"b", 1}, .error = {"no such project", 15}};
    f->queue = (struct conf_queue){.type = {"t", 1}};
    f->reading = (struct source_reading){.queue = &f->queue,
                                         .arena = f->arena,
                                         .hosts = 1,
                                         .host = &f->host,
                                         .pools = 1,
                                         .pool = f->pool,
                                         .gate = gate,
                                         .quotas = 2,
                                         .quota = f->quota,
                                         .shared = 1,
                                         .share = f->share};
    assert_int_equal(capacity_make(&f->reading, f->arena, &f->capacity, &e), 0);
    waiting_init(&f->waiting, &f->capacity, f->arena);
}

static inline void fixed_free(struct fixed *f)
{
    limits_free(&f->limits_made);
    if (f->holding.arena)
        holding_free(&f->holding);
    waiting_free(&f->waiting);
    capacity_free(&f->capacity);
    arena_free(f->arena);
}

static inline void add(struct fixed *f, const char *scope, const char *shape)
{
    struct store_group g = {
        .id = 1, .type = {"t", 1}, .scope = str_of(scope), .shape = str_of(shape)};
    struct err e;

    assert_int_equal(waiting_add(&f->waiting, &g, &e), 0);
}

/* At most so many jobs of the queue and of each owner; 0: any number. */
static inline void count_jobs(struct fixed *f, int64_t of_queue, int64_t of_owner)
{
    f->queues[0] = (struct conf_queue){.type = {"t", 1}, .run_limit = of_queue};
    f->queues[1] = (struct conf_queue){.type = {"*", 1}};
    f->conf = (struct conf){.queues = 2, .queue = f->queues, .owner.holding = of_owner};
    assert_int_equal(holding_make(&f->holding, &f->conf), 0);
    f->waiting.holding = &f->holding;
}

/* Whose the groups are, in their order ("ab"); each of them holds one job so far. */
static inline void owned_by(struct fixed *f, const char *owners)
{
    size_t g;

    for (g = 0; g < f->waiting.groups; g++)
        assert_int_equal(holding_add(&f->holding, STR_LIT("t"), (struct str){owners + g, 1},
                                     &f->waiting.info[g].who),
                         0);
    if (!f->holding.limited)
        return;
    f->holding.of_type = calloc(f->holding.type.n, sizeof *f->holding.of_type);
    f->holding.of_owner = calloc(f->holding.owner.n, sizeof *f->holding.of_owner);
    f->holding.of_type[0] = (int64_t)f->holding.owner.n;
    for (g = 0; g < f->holding.owner.n; g++)
        f->holding.of_owner[g] = 1;
}

static inline void make(struct fixed *f)
{
    struct err e;

    assert_int_equal(limits_make(&f->waiting, f->waiting.arena, &f->limits_made, &e), 0);
}

/* What group g needs of the limit with this name; -1: it has no such limit. */
static inline int64_t need(const struct fixed *f, size_t g, const char *name)
{
    const struct plan_group *group = &f->waiting.group[g];
    size_t i;

    for (i = 0; i < group->needs; i++) {
        const struct limits_line *line = &f->limits_made.line[group->need[i].limit];
        const char *called = line->jobs ? line->jobs : "error";

        if (line->line ? str_is(line->line->name, name) : strcmp(name, called) == 0)
            return group->need[i].amount;
    }
    return -1;
}

static inline int64_t left(const struct fixed *f, const char *name)
{
    size_t i;

    for (i = 0; i < f->limits_made.n; i++) {
        const struct limits_line *line = &f->limits_made.line[i];

        if (line->line ? str_is(line->line->name, name)
                       : line->jobs && strcmp(name, line->jobs) == 0)
            return f->limits_made.limit[i].left;
    }
    return -1;
}

#endif
