/* SPDX-License-Identifier: MIT */
/* What a pass reads: the sources' capacity, what is held of it, running jobs that nobody has
 * placed, and who waits. */
#include <string.h>

#include "log.h"
#include "pass_inner.h"
#include "store_clock.h"

static struct pass_queue *queue_of(const struct pass *p, struct str type)
{
    return &p->queue[conf_queue(p->conf, type) - p->conf->queue];
}

static void refuse(struct pass_queue *q, const char *why)
{
    q->reading.state = SOURCE_FAILED;
    q->reading.hosts = q->reading.pools = 0;
    (void)snprintf(q->reading.error, sizeof q->reading.error, "%s", why);
}

/* What is too old says nothing about now. One that was begun later than now comes from before the
 * clock was set back: what has ended since then would seem to have ended before it. Where
 * the clock was set since this pass has looked at it, the next looks again at once: the reading may
 * be good, and nothing else may wake it. */
static void judge_age(struct pass *p, struct pass_queue *q)
{
    int64_t age = p->now - q->reading.read_at, most = q->conf->source.max_age;
    char why[ERR_TEXT_MAX];

    if (age >= 0 && age <= most)
        return;
    p->more = p->more || store_clock_moved(p->store);
    if (age < 0)
        (void)snprintf(why, sizeof why, "the clock was set back since it was read");
    else if (q->reading.ns > most)
        (void)snprintf(why, sizeof why,
                       "the reading is stale as it comes: it took %lld s, and max_age is %lld s",
                       (long long)(q->reading.ns / NS_PER_S), (long long)(most / NS_PER_S));
    else
        (void)snprintf(why, sizeof why,
                       "the reading is stale: it is %lld s old, and %lld s are allowed",
                       (long long)(age / NS_PER_S), (long long)(most / NS_PER_S));
    refuse(q, why);
}

/* The table of what there is. A source that says more than a pass can hold is one that could not be
 * read: it is nobody else's trouble. */
static void make_table(struct pass_queue *q)
{
    struct err e;

    if (limits_check(&q->reading, &e) == 0 &&
        capacity_make(&q->reading, q->arena, &q->capacity, &e) == 0)
        return;
    refuse(q, e.text);
}

static int take_reading(struct pass *p, struct pass_queue *q, const struct source_reading *r)
{
    q->arena = arena_new(PASS_MEMORY_MAX);
    if (!q->arena)
        return -1;
    q->in = true;
    q->reading = *r;
    q->asked.arena = p->arena;
    q->reading.read_at = store_clock_since(p->store, q->reading.read_at, q->reading.ahead);
    if (q->reading.state == SOURCE_GOOD)
        judge_age(p, q);
    if (q->reading.state == SOURCE_GOOD)
        make_table(q);
    waiting_init(&q->waiting, q->reading.state == SOURCE_GOOD ? &q->capacity : NULL, q->arena);
    q->waiting.holding = &p->holding;
    return 0;
}

static int take_readings(struct pass *p, struct source_reading *const *reading, struct err *e)
{
    size_t i;

    p->queue = arena_array(p->arena, p->conf->queues, sizeof *p->queue);
    if (!p->queue)
        return err_set(e, ERR_INTERNAL, "out of memory at the start of a pass");
    p->queues = p->conf->queues;
    waiting_init(&p->paused, NULL, p->arena);
    for (i = 0; i < p->queues; i++) {
        p->queue[i].conf = &p->conf->queue[i];
        p->queue[i].skips = p->skips ? p->skips[i] : 0;
        if (reading[i] && take_reading(p, &p->queue[i], reading[i]) != 0)
            return err_set(e, ERR_INTERNAL, "out of memory at the start of a pass");
    }
    return 0;
}

static void take_hold(void *ctx, struct str host, struct str resource, int64_t amount)
{
    capacity_hold(ctx, host, resource, amount);
}

static int read_holds(struct pass *p, struct err *e)
{
    size_t i;

    for (i = 0; i < p->queues; i++) {
        struct pass_queue *q = &p->queue[i];

        if (q->in && q->reading.state == SOURCE_GOOD &&
            store_holds(p->store, q->conf->account, q->reading.read_at, take_hold, &q->capacity,
                        e) != 0)
            return -1;
    }
    return 0;
}

/* For the callbacks of the store: they can only say "stop". */
struct reader {
    struct pass *pass;
    struct err *e;
    bool failed;
};

/* What a running job asks for, counted on hosts of its scope. */
static int place_on_hosts(struct pass *p, struct pass_queue *q, const struct job *j,
                          const struct demand *d, struct pass_job *out, struct err *e)
{
    struct fit_placement placement = {0};
    struct capacity_shape shape;
    size_t scope;
    int rc;

    if (waiting_scope(&q->waiting, j->scope, &scope, e) != 0)
        return -1;
    if (capacity_shape(&q->capacity, d, p->arena, &shape) != 0)
        return err_set(e, ERR_INTERNAL, "out of memory while placing a job");
    rc = capacity_place(&q->capacity, q->waiting.scope[scope], &shape.empty, &placement, e);
    if (rc == 0)
        rc = pass_job_make(p, q, &shape.empty, &placement, out, e);
    fit_placement_free(&placement);
    return rc;
}

int pass_demand_of(struct str rules, const struct job *j, struct demand **d, struct err *e)
{
    struct json_doc *doc;
    int rc;

    if (json_in_parse(j->data, &doc, e) != 0)
        return -1;
    rc = demand_parse(rules, json_in_root(doc), d, e);
    json_in_free(doc);
    return rc;
}

/* A job of the queue `own`, on the reading of q. A queue without a source has nothing to be counted
 * on: its job is placed nowhere. So is one whose data can't be read, which is not to hold up all
 * others for ever. */
static int place_job(struct pass *p, const struct pass_queue *own, struct pass_queue *q,
                     const struct job *j, struct pass_job *out, struct err *e)
{
    struct demand *d;
    int rc;

    *out = (struct pass_job){.queue = q->conf->account, .hosts = STR_LIT("{}")};
    out->id = j->id;
    if (q->reading.state == SOURCE_NONE)
        return 0;
    rc = pass_demand_of(own->conf->rules, j, &d, e);
    if (rc != 0 && e->code == ERR_INTERNAL) /* no memory: it runs, and is to be counted */
        return -1;
    if (rc != 0) {
        log_error("place",
                  "job=%lld error=\"the data of a running job cannot be read: it is not counted\"",
                  (long long)j->id);
        return 0;
    }
    rc = place_on_hosts(p, q, j, d, out, e);
    if (rc == 0 && out->holds == 0)
        out->hosts = STR_LIT("{}"); /* nothing of it counts: it is not to be looked at again */
    demand_free(d);
    return rc;
}

/* Where a job of the queue can be placed: on its own reading, else on another one of its source.
 * NULL: on none, and then nobody is admitted there either. */
static struct pass_queue *place_of(const struct pass *p, struct pass_queue *q)
{
    size_t i;

    if (q->in && q->reading.state != SOURCE_FAILED)
        return q;
    for (i = 0; i < p->queues; i++) {
        if (p->queue[i].in && p->queue[i].reading.state == SOURCE_GOOD &&
            str_eq(p->queue[i].conf->account, q->conf->account))
            return &p->queue[i];
    }
    return NULL;
}

static bool take_unplaced(void *ctx, const struct job *j)
{
    struct reader *r = ctx;
    struct pass *p = r->pass;
    struct pass_queue *own = queue_of(p, j->type), *q = place_of(p, own);

    if (!q)
        return true;
    if (p->placed == PASS_PLACED_MAX) {
        p->unplaced = true;
        return false;
    }
    if (place_job(p, own, q, j, &p->place[p->placed], r->e) == 0) {
        if (q != own && p->place[p->placed].holds == 0)
            return true; /* the other's pools are not where it is: its own reading will tell */
        p->placed++;
        q->placed++;
        return true;
    }
    /* The arena may be full of what this pass has placed already: the next one has it to itself. */
    p->unplaced = true;
    r->failed = p->placed == 0;
    return false;
}

/* A group that waits, with whose it is. */
static int add_group(struct pass *p, struct pass_queue *q, const struct store_group *g,
                     struct err *e)
{
    size_t before = q->waiting.groups;
    struct holding_who who;

    if (holding_add(&p->holding, g->type, g->owner_id, &who) != 0)
        q->waiting.left_out++;
    else if (waiting_add(&q->waiting, g, e) != 0)
        return -1;
    if (q->waiting.groups > before)
        q->waiting.info[before].who = who;
    else if (p->left_out == 0)
        p->left_out = g->id;
    return 0;
}

/* The next passes are to find the group's first in its row. Without memory they look for it again.
 */
static void keep_head(struct pass *p, int64_t group)
{
    enum { FIRST = 64 };

    if (p->heads == p->heads_room) {
        size_t room = p->heads_room ? 2 * p->heads_room : FIRST;
        int64_t *head = arena_array(p->arena, room, sizeof *head);

        if (!head)
            return;
        if (p->heads)
            memcpy(head, p->head, p->heads * sizeof *head);
        p->head = head;
        p->heads_room = room;
    }
    p->head[p->heads++] = group;
}

static bool take_group(void *ctx, const struct store_group *g)
{
    struct reader *r = ctx;
    struct pass_queue *q = queue_of(r->pass, g->type);

    if (!g->head_kept)
        keep_head(r->pass, g->id);
    if (g->paused)
        r->failed = r->pass->show && waiting_add(&r->pass->paused, g, r->e) != 0;
    else
        r->failed = q->in && add_group(r->pass, q, g, r->e) != 0;
    return !r->failed;
}

static void warn_left_out(const struct pass *p)
{
    size_t i;

    for (i = 0; i < p->queues; i++) {
        if (p->queue[i].waiting.left_out)
            log_warn("pass",
                     "left_out=%zu error=\"there was no room for all different demands that wait: "
                     "some groups are left to a later pass\"",
                     p->queue[i].waiting.left_out);
    }
}

static int read_waiting(struct pass *p, struct err *e)
{
    struct reader r = {p, e, false};
    int found;

    if (store_unplaced(p->store, take_unplaced, &r, e) != 0 || r.failed)
        return -1;
    p->more = p->more || p->unplaced;
    if (p->unplaced)
        return 0;
    if (store_groups(p->store, p->from, take_group, &r, e) != 0 || r.failed)
        return -1;
    warn_left_out(p);
    if (holding_count(&p->holding, p->store, e) != 0)
        return -1;
    found = store_oldest_waiting(p->store, &p->oldest, e);
    if (found == 0)
        p->oldest = INT64_MIN;
    return found < 0 ? -1 : 0;
}

int pass_read(struct pass *p, struct source_reading *const *reading, struct err *e)
{
    if (take_readings(p, reading, e) != 0)
        return -1;
    if (store_read_begin(p->store, e) != 0)
        return -1;
    if (read_holds(p, e) == 0 && read_waiting(p, e) == 0 && pass_plan(p, e) == 0) {
        store_read_end(p->store);
        return 0;
    }
    store_read_end(p->store);
    return -1;
}
