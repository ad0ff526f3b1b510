/* SPDX-License-Identifier: MIT */
/*
 * For test_observed: two small clouds, whose real use only the test knows, and jobs over a real
 * database with clients that keep the rules: a client builds what it was called for before `settle`
 * has gone by, or never; says "running" again when all of it is built, or it wants no more; and
 * builds nothing once it has said that the job is over. What it built it gives back whenever it
 * likes, but of a ledger's before it says so. Others take only what is promised to nobody.
 */
#ifndef AR_OBSERVED_WORLD_H
#define AR_OBSERVED_WORLD_H

#include "rig.h"

#include <time.h>

#include "clock.h"
#include "cron/pass.h"
#include "prop.h"
#include "store_delivery.h"

/* Queues a and b share the observed cloud, l and m the ledger's. */
enum { OBSERVED, LEDGER, CLOUDS };
enum { QUEUES = 4, HOSTS = 3, PROJECTS = 2, PIECES = 3, JOBS = 16, LEFTOVERS = 24 };
enum { LAG = 12 };
enum { MOST = 4 /* of one piece; every host has as much */ };

#define SETTLE  (300 * NS_PER_S)
#define MAX_AGE (600 * NS_PER_S)
#define IN_TIME (800 * NS_PER_S) /* to take a call: before the hold runs out */

static const char two_clouds[] =
    "queues:\n"
    "  a: {capacity: openstack, cloud: c, settle: 300s, max_age: 600s, fit: pack}\n"
    "  b: {capacity: openstack, cloud: c, settle: 300s, max_age: 600s, overtake: 0s}\n"
    "  l: {capacity: exec, program: [/p], max_age: 600s}\n"
    "  m: {capacity: exec, program: [/p], max_age: 600s, fit: spread}\n";
static const char *const types[QUEUES] = {"a", "b", "l", "m"};
static const char *const host_names[HOSTS] = {"h0", "h1", "h2"};
static const char *const project_names[PROJECTS] = {"p0", "p1"};

/* One instance of a job. */
struct piece {
    enum { NOWHERE, PROMISED, BUILT } stage;
    size_t host;
};

struct sim_job {
    bool there;
    size_t queue, project, pieces;
    char id[16];
    int64_t row, admissions, admitted_at, started_at, vcpu;
    enum job_status status;
    bool accepted; /* the client took the call, whatever the database knows of it */
    struct piece piece[PIECES];
};

/* What clients have not given back. */
struct leftover {
    size_t cloud, host, project;
    int64_t vcpu; /* 0: given back */
};

/* The reading of a queue on its way: each host, and each quota, is looked at some time after it was
 * begun. */
struct view {
    enum { IDLE, BEGUN, COME, ASKED } stage;
    struct source_reading reading;
    bool seen[HOSTS], wanted[PROJECTS], told[PROJECTS];
    struct source_host host[HOSTS];
    struct source_amount amount[HOSTS];
    size_t all[HOSTS];
    struct pool pool;
    struct source_limit line[PROJECTS][2];
    struct source_quota quota[PROJECTS];
};

struct sim {
    struct rig rig;
    struct prop *r;
    int64_t cap[CLOUDS][HOSTS], others[CLOUDS][HOSTS];
    int64_t quota[PROJECTS];
    struct sim_job job[JOBS];
    struct leftover leftover[LEFTOVERS];
    struct view view[QUEUES];
    size_t lag[QUEUES]; /* so many passes go by, on average, before a reading is used */
    size_t posted, passes, admitted;
};

/* The simulation's own time: everything that asks the system is answered from here. */
static int64_t sim_time = INT64_C(1700000000) * NS_PER_S;

int clock_gettime(clockid_t id, struct timespec *ts)
{
    (void)id;
    sim_time += NS_PER_US;
    ts->tv_sec = sim_time / NS_PER_S;
    ts->tv_nsec = sim_time % NS_PER_S;
    return 0;
}

/* Power does not fail here. */
int fsync(int fd)
{
    (void)fd;
    return 0;
}

int fdatasync(int fd)
{
    (void)fd;
    return 0;
}

static inline size_t cloud_of(size_t queue)
{
    return queue / 2;
}

static inline bool holds(const struct sim_job *j)
{
    return j->there && (j->status == JOB_ADMITTED || j->status == JOB_RUNNING);
}

/* ---- what is really so ---- */

/* Of a host, what jobs have in that stage. */
static inline int64_t pieces_on(const struct sim *s, size_t cloud, size_t host, int stage)
{
    int64_t sum = 0;
    size_t i, p;

    for (i = 0; i < JOBS; i++) {
        for (p = 0; s->job[i].there && p < s->job[i].pieces; p++) {
            const struct piece *at = &s->job[i].piece[p];

            if (cloud_of(s->job[i].queue) == cloud && at->host == host && (int)at->stage == stage)
                sum += s->job[i].vcpu;
        }
    }
    return sum;
}

static inline int64_t real_use(const struct sim *s, size_t cloud, size_t host)
{
    int64_t sum = s->others[cloud][host] + pieces_on(s, cloud, host, BUILT);
    size_t i;

    for (i = 0; i < LEFTOVERS; i++) {
        if (s->leftover[i].cloud == cloud && s->leftover[i].host == host)
            sum += s->leftover[i].vcpu;
    }
    return sum;
}

/* Of a project's quota in the observed cloud: VCPU, and instances. */
static inline void quota_use(const struct sim *s, size_t project, bool promised, int64_t use[2])
{
    size_t i, p;

    use[0] = use[1] = 0;
    for (i = 0; i < JOBS; i++) {
        const struct sim_job *j = &s->job[i];

        for (p = 0;
             j->there && j->project == project && cloud_of(j->queue) == OBSERVED && p < j->pieces;
             p++) {
            if (j->piece[p].stage == BUILT || (promised && j->piece[p].stage == PROMISED)) {
                use[0] += j->vcpu;
                use[1]++;
            }
        }
    }
    for (i = 0; i < LEFTOVERS; i++) {
        const struct leftover *l = &s->leftover[i];

        if (l->vcpu && l->project == project && l->cloud == OBSERVED) {
            use[0] += l->vcpu;
            use[1]++;
        }
    }
}

/* ---- what clients do ---- */

static inline void give_back(struct sim *s)
{
    s->leftover[prop_below(s->r, LEFTOVERS)].vcpu = 0;
}

static inline void leave_behind(struct sim *s, const struct sim_job *j, const struct piece *p)
{
    struct leftover *l = s->leftover;
    size_t i;

    for (i = 0; i < LEFTOVERS && l[i].vcpu; i++)
        ;
    if (i < LEFTOVERS)
        l[i] = (struct leftover){cloud_of(j->queue), p->host, j->project, j->vcpu};
}

/* Builds nothing more. What is built stays a while, where that may be. */
static inline void stop_using(struct sim *s, struct sim_job *j)
{
    size_t p;

    for (p = 0; p < j->pieces; p++) {
        if (j->piece[p].stage == BUILT && cloud_of(j->queue) == OBSERVED)
            leave_behind(s, j, &j->piece[p]);
        j->piece[p].stage = NOWHERE;
    }
    j->accepted = false;
}

/* Builds all that is still to be built, or gives up on some of it. */
static inline void build_rest(struct sim *s, struct sim_job *j)
{
    size_t p;

    for (p = 0; p < j->pieces; p++) {
        if (j->piece[p].stage == PROMISED)
            j->piece[p].stage = prop_one_in(s->r, 4) ? NOWHERE : BUILT;
    }
}

/* Who runs for so long must be done. */
static inline void settle_all(struct sim *s)
{
    size_t i;

    for (i = 0; i < JOBS; i++) {
        struct sim_job *j = &s->job[i];

        if (j->there && j->status == JOB_RUNNING && cloud_of(j->queue) == OBSERVED &&
            j->started_at + SETTLE <= sim_time)
            build_rest(s, j);
    }
}

/* A client's request: its new state, or -1 when the table of states does not allow it. */
static inline void say(struct sim *s, struct sim_job *j, enum job_status to)
{
    char body[64];
    struct err e;

    if (!job_may_become(j->status, to, JOB_BY_CLIENT))
        return;
    if (to == JOB_RUNNING && j->status == JOB_RUNNING)
        build_rest(s, j);
    else if (to == JOB_RUNNING)
        j->accepted = true;
    else
        stop_using(s, j);
    (void)snprintf(body, sizeof body, "{\"status\":\"%s\"}", job_status_word(to));
    s->rig.now = clock_now();
    OK(rig_change(&s->rig, types[j->queue], j->id, body, &e), &e);
    sim_time = s->rig.now;
    if (to == JOB_RUNNING && j->status != JOB_RUNNING)
        j->started_at = s->rig.now;
    j->status = to;
}

static inline void delete_job(struct sim *s, struct sim_job *j)
{
    struct store_match any = {0};
    struct err e;

    stop_using(s, j);
    rig_begin(&s->rig);
    OK(store_delete(s->rig.s, str_of(types[j->queue]), str_of(j->id), &any, clock_now(), &e), &e);
    rig_commit(&s->rig);
    j->there = false;
}

static inline void post_job(struct sim *s, struct sim_job *j)
{
    char data[256];
    size_t n, p;

    *j = (struct sim_job){.there = true,
                          .queue = prop_below(s->r, QUEUES),
                          .project = prop_below(s->r, PROJECTS),
                          .pieces = 1 + prop_below(s->r, PIECES),
                          .vcpu = prop_between(s->r, 1, MOST),
                          .status = JOB_QUEUED};
    (void)snprintf(j->id, sizeof j->id, "j%zu", ++s->posted);
    n = (size_t)snprintf(data, sizeof data, "{\"project\":\"%s\",\"instances\":[",
                         project_names[j->project]);
    for (p = 0; p < j->pieces; p++)
        n += (size_t)snprintf(data + n, sizeof data - n, "%s{\"VCPU\":%d}", p ? "," : "",
                              (int)j->vcpu);
    (void)snprintf(data + n, sizeof data - n, "]}");
    s->rig.now = clock_now();
    j->row = rig_add(&s->rig, types[j->queue], j->id, data);
}

/* What the dispatcher writes of a try. One that the client took ends well in the end, whatever got
 * lost on the way. */
static inline void end_try(struct sim *s, struct sim_job *j)
{
    struct store_try t = {.id = j->row,
                          .admissions = j->admissions,
                          .outcome = prop_one_in(s->r, 3) ? STORE_TRY_AGAIN
                                     : j->accepted        ? STORE_ACCEPTED
                                                          : STORE_GIVE_UP,
                          .reason = STR_LIT(JOB_REASON_CALLBACK),
                          .message = STR_LIT("no")};
    int64_t now = clock_now();
    struct store_tried out;
    struct err e;

    t.next_try = now + NS_PER_S;
    rig_begin(&s->rig);
    OK(store_tried(s->rig.s, &t, now, &out, &e), &e);
    assert_true(out.written);
    rig_commit(&s->rig);
    if (t.outcome == STORE_TRY_AGAIN)
        return;
    if (t.outcome == STORE_GIVE_UP)
        stop_using(s, j);
    j->status = t.outcome == STORE_ACCEPTED ? JOB_RUNNING : JOB_FAILED;
    j->started_at = now;
}

#endif
