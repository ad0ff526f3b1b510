/* SPDX-License-Identifier: MIT */
/*
 * What who does not see everything may do with the order: nothing that puts more of his jobs before
 * any stranger's, and nothing that leaves those who come after him no place: a priority far behind
 * the end of the line would, since priorities are finite, and "back" is behind the last job.
 *
 * A move forward is a rotation. Of his jobs that wait, from the place that he wants up to the one
 * that moves, each takes the priority of the next, and the one that moves takes the first: the
 * priorities that his jobs have are the same as before, so every stranger has as many of them
 * before him as he had. What waits no more has had its turn, and gives its place to nobody. That
 * holds only while each of these priorities belongs to one job alone (among equal ones the id
 * decides, which does not move along), so where one is shared, its jobs are parted first, which
 * changes nobody's place.
 */
#include <assert.h>
#include <stdlib.h>

#include "store_history.h"
#include "store_inner.h"

enum {
    OWN_MAX = 1000, /* jobs that are looked at, or moved, at the most */
    PARTS_MAX = 16  /* shared priorities that one move parts */
};

struct slot {
    int64_t priority, id;
};

struct slots {
    size_t n;
    struct slot slot[OWN_MAX];
};

static int compare(const void *left, const void *right)
{
    const struct slot *a = left, *b = right;

    if (a->priority != b->priority)
        return a->priority < b->priority ? -1 : 1;
    return (a->id > b->id) - (a->id < b->id);
}

static int read_slot(struct store *s, int64_t id, struct slot *slot, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_PRIORITY_GET, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    if (db_step(s->db, st, e) != 1)
        return -1;
    *slot = (struct slot){db_i64(st, 0), id};
    db_done(st);
    return 0;
}

static int too_many(struct err *e)
{
    return err_set(e, ERR_NO_ROOM,
                   "more than %d jobs of yours stand between the two places: move the job in "
                   "several steps",
                   OWN_MAX);
}

/* The jobs of one owner that wait, from one place to another, both included, and whatever stands at
 * the other. */
static int gather_of(struct store *s, struct str type, struct str owner, const struct slot ends[2],
                     struct slots *all, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_OWNER_BETWEEN, e);
    size_t seen = 0;
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_str(st, 2, owner);
    db_bind_i64(st, 3, ends[0].priority);
    db_bind_i64(st, 4, ends[1].priority);
    db_bind_i64(st, 5, ends[1].id);
    while ((rc = db_step(s->db, st, e)) == 1) {
        struct slot slot = {db_i64(st, 0), db_i64(st, 1)};

        if (++seen > OWN_MAX || all->n == OWN_MAX) {
            db_done(st);
            return too_many(e);
        }
        if (compare(&slot, &ends[0]) >= 0 && compare(&slot, &ends[1]) <= 0)
            all->slot[all->n++] = slot;
    }
    return rc;
}

/* His jobs from `other` to `self` as they stand now, in order. */
static int gather(struct store *s, const struct job *self, const struct job *other,
                  struct slots *all, struct err *e)
{
    struct slot ends[2];
    size_t i;

    all->n = 0;
    if (read_slot(s, other->id, &ends[0], e) != 0 || read_slot(s, self->id, &ends[1], e) != 0)
        return -1;
    for (i = 0; i < s->who->owners; i++) {
        if (gather_of(s, self->type, s->who->owner[i], ends, all, e) != 0)
            return -1;
    }
    qsort(all->slot, all->n, sizeof all->slot[0], compare);
    return 0;
}

/* 1 and the first priority that is not one job's alone; 0: there is none. */
static int find_shared(struct store *s, struct str type, const struct slots *all, int64_t *priority,
                       struct err *e)
{
    size_t i;
    int rc = 0;

    for (i = 0; i < all->n && rc == 0; i++) {
        *priority = all->slot[i].priority;
        rc = store_order_shared(s, type, *priority, e);
    }
    return rc;
}

/* Gathers, and parts what is shared, until nothing is. */
static int gather_alone(struct store *s, const struct job *self, const struct job *other,
                        struct slots *all, int64_t now, struct err *e)
{
    int64_t priority;
    int rc, parts;

    for (parts = 0; parts <= PARTS_MAX; parts++) {
        if (gather(s, self, other, all, e) != 0)
            return -1;
        rc = find_shared(s, self->type, all, &priority, e);
        if (rc <= 0)
            return rc;
        if (store_order_part(s, self->type, priority, now, e) != 0)
            return -1;
    }
    return err_set(e, ERR_NO_ROOM, "too many jobs between the two places share their priorities");
}

/* The last of the slots is the job that moves; it gets the first, unless it stands there. */
static int rotate(struct store *s, const struct slot *slot, size_t n, int64_t now,
                  int64_t *priority, struct err *e)
{
    size_t i;

    for (i = 0; i + 1 < n; i++) {
        struct store_event ev = {.event = STR_LIT("order"),
                                 .has_priority = true,
                                 .from_priority = slot[i].priority,
                                 .to_priority = slot[i + 1].priority};

        if (store_order_set(s, slot[i].id, ev.to_priority, now, e) != 0 ||
            store_note(s, slot[i].id, &ev, now, e) != 0)
            return -1;
    }
    *priority = slot[0].priority;
    return 0;
}

int store_order_own_move(struct store *s, const struct job *self, const struct job *other,
                         bool behind, int64_t now, int64_t *priority, struct err *e)
{
    const struct job fixed = {.id = other->id}; /* its text is a statement's that is used again */
    struct slots *all = malloc(sizeof *all);
    bool waits; /* the other: else it has no place that could be passed on */
    int rc;

    assert(db_writing(s->db));
    if (!all)
        return err_set(e, ERR_INTERNAL, "no memory to order a queue");
    rc = gather_alone(s, self, &fixed, all, now, e);
    waits = rc == 0 && all->slot[0].id == fixed.id;
    if (rc == 0 && !waits && !behind)
        rc = err_at(e, ERR_FORBIDDEN, "/move/before",
                    "only an administrator may move a job before one that does not wait: it would "
                    "pass others");
    if (rc == 0)
        rc = rotate(s, all->slot + (waits && behind), all->n - (waits && behind), now, priority, e);
    free(all);
    return rc;
}

int store_order_own_far(struct store *s, struct str type, struct job_priority want, int64_t now,
                        struct err *e)
{
    struct db_stmt *st;
    int64_t given, end;
    int rc;

    if (s->who->everything)
        return 0;
    st = db_use(s->db, SQL_QUEUE_GET, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    rc = db_step(s->db, st, e);
    if (rc < 0)
        return -1;
    given = rc == 1 ? db_i64(st, 1) : INT64_MIN;
    db_done(st);
    if (store_order_end(s, type, given, now, &end, e) != 0)
        return -1;
    if (want.whole > end)
        return err_at(e, ERR_FORBIDDEN, "/priority",
                      "only an administrator may give a priority behind the end of the line, which "
                      "is %lld now",
                      (long long)end);
    return 0;
}

int store_order_own_new(struct store *s, struct str type, struct job_priority want, int64_t now,
                        struct err *e)
{
    struct db_stmt *st;
    size_t seen = 0;
    int rc;

    if (s->who->everything)
        return 0;
    if (store_order_own_far(s, type, want, now, e) != 0)
        return -1;
    st = db_use(s->db, SQL_OWNERS_BEHIND, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_i64(st, 2, want.whole);
    while ((rc = db_step(s->db, st, e)) == 1 && seen++ < OWN_MAX && who_sees(s->who, db_str(st, 0)))
        continue;
    if (rc == 1)
        db_done(st);
    if (rc <= 0)
        return rc;
    return seen > OWN_MAX
               ? err_at(e, ERR_NO_ROOM, "/priority",
                        "more than %d jobs of yours would stand behind it: leave the priority out",
                        OWN_MAX)
               : err_at(e, ERR_FORBIDDEN, "/priority",
                        "only an administrator may create a job before those of others");
}
