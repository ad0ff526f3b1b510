/* SPDX-License-Identifier: MIT */
/*
 * Priorities: whole numbers that order a queue, smallest first, equal ones by id.
 *
 * A place between two jobs is the middle of their priorities. When there is no whole number between
 * them, room is made: the jobs behind the place are moved up by as little as keeps them in order,
 * up to the first gap; if that gap is far (or beyond the largest number), those before the place
 * are moved down likewise. So the order of all other jobs stays exactly as it was, for any number
 * of halvings.
 */
#include <assert.h>
#include <stdlib.h>

#include "num.h"
#include "store_inner.h"

/* 2018-07-26T05:51:00.621743Z in microseconds: where priorities count from, as in the service that
 * came before. */
#define ORDER_EPOCH_US INT64_C(1532584260621743)

enum {
    ROOM_MAX = 10000, /* jobs that making room may move */
    GIVEN_APART = 16 /* between priorities that the server gives out in the same microseconds: a few
                        jobs find a place between two of them without moving any other */
};

enum way { BACKWARD = -1, FORWARD = 1 };

/* Where a search for a neighbour starts. */
struct place {
    int64_t priority, id;
};

static const struct place before_all = {-NUM_SAFE_MAX - 1, 0};
static const struct place after_all = {NUM_SAFE_MAX + 1, 0};

static int ask_place(struct store *s, enum store_sql_name name, struct str type, int64_t self,
                     struct place from, struct place *found, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_i64(st, 2, from.priority);
    if (name == SQL_NEXT_SAME || name == SQL_PREVIOUS_SAME)
        db_bind_i64(st, 3, from.id);
    db_bind_i64(st, 4, self);
    rc = db_step(s->db, st, e);
    if (rc == 1) {
        *found = (struct place){db_i64(st, 0), db_i64(st, 1)};
        db_done(st);
    }
    return rc;
}

/* The job next to a place, in serving order or against it, `self` left out. 1; 0 none: *found is
 * that end of the queue; -1. */
static int neighbour(struct store *s, struct str type, int64_t self, enum way way,
                     struct place from, struct place *found, struct err *e)
{
    int rc;

    *found = way == FORWARD ? after_all : before_all;
    rc = ask_place(s, way == FORWARD ? SQL_NEXT_SAME : SQL_PREVIOUS_SAME, type, self, from, found,
                   e);
    if (rc != 0)
        return rc;
    return ask_place(s, way == FORWARD ? SQL_NEXT : SQL_PREVIOUS, type, self, from, found, e);
}

int store_order_set(struct store *s, int64_t id, int64_t priority, int64_t now, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_JOB_MAKE_WAY, e);

    if (!st)
        return -1;
    db_bind_i64(st, 1, id);
    db_bind_i64(st, 2, priority);
    db_bind_i64(st, 3, now);
    return db_run(s->db, st, e);
}

/* A gap that making room would open: who moves where. */
struct room {
    struct str type;
    int64_t self;
    size_t n;
    struct place moved[ROOM_MAX]; /* new priority, id */
};

/* Collects who must move when `first` is the first priority that is taken away, going `way` from
 * `from`. 1 there is room, 0 there is none in reach, -1. */
static int collect(struct store *s, struct room *r, enum way way, struct place from, int64_t first,
                   struct err *e)
{
    int64_t required = first;
    struct place p;
    int rc;

    r->n = 0;
    while ((rc = neighbour(s, r->type, r->self, way, from, &p, e)) == 1) {
        if (way == FORWARD ? p.priority > required : p.priority < required)
            break;
        required += way;
        if (r->n == ROOM_MAX || required > NUM_SAFE_MAX || required < -NUM_SAFE_MAX)
            return 0;
        r->moved[r->n++] = (struct place){required, p.id};
        from = p;
    }
    return rc < 0 ? -1 : 1;
}

static int move_all(struct store *s, const struct room *r, int64_t now, struct err *e)
{
    size_t i;

    for (i = 0; i < r->n; i++) {
        if (store_order_set(s, r->moved[i].id, r->moved[i].priority, now, e) != 0)
            return -1;
    }
    return 0;
}

/* Makes room right after `left`, a job's place or a priority's end; *priority is the number that is
 * then free. */
static int make_room(struct store *s, struct room *r, struct place left, int64_t now,
                     int64_t *priority, struct err *e)
{
    struct place right;
    int64_t taken = left.priority + 1;
    int rc = taken <= NUM_SAFE_MAX ? collect(s, r, FORWARD, left, taken, e) : 0;

    if (rc == 0) {
        rc = neighbour(s, r->type, r->self, FORWARD, left, &right, e);
        if (rc < 0)
            return -1;
        taken = rc == 1 ? right.priority - 1 : NUM_SAFE_MAX;
        /* From just behind `left`, so that `left` itself is the first to move. */
        rc = collect(s, r, BACKWARD,
                     (struct place){left.priority, left.id < INT64_MAX ? left.id + 1 : left.id},
                     taken, e);
    }
    if (rc < 0)
        return -1;
    if (rc == 0)
        return err_set(
            e, ERR_NO_ROOM,
            "there is no priority left at this place: too many jobs stand close together");
    *priority = taken;
    return move_all(s, r, now, e);
}

static int with_room(struct store *s, struct str type, int64_t self, struct place left, int64_t now,
                     int64_t *priority, struct err *e)
{
    struct room *r = malloc(sizeof *r);
    int rc;

    if (!r)
        return err_set(e, ERR_INTERNAL, "no memory to order a queue");
    r->type = type;
    r->self = self;
    rc = make_room(s, r, left, now, priority, e);
    free(r);
    return rc;
}

/* The priority between two neighbours; before_all and after_all stand for the ends. */
static int between(struct store *s, struct str type, int64_t self, struct place left,
                   struct place right, int64_t now, int64_t *priority, struct err *e)
{
    bool first = left.priority == before_all.priority, last = right.priority == after_all.priority;

    if (first && !last && right.priority > -NUM_SAFE_MAX)
        *priority = right.priority - 1;
    else if (last && !first && left.priority < NUM_SAFE_MAX)
        *priority = left.priority + 1;
    else if (right.priority - left.priority >= 2)
        *priority = left.priority + (right.priority - left.priority) / 2;
    else
        return with_room(s, type, self, left, now, priority, e);
    return 0;
}

int store_order_new(struct store *s, struct str type, int64_t last_given, int64_t now,
                    int64_t *priority, struct err *e)
{
    int64_t p = now / NS_PER_US - ORDER_EPOCH_US;
    struct place last;

    if (p < last_given + GIVEN_APART)
        p = last_given + GIVEN_APART;
    if (p <= NUM_SAFE_MAX) {
        *priority = p;
        return 0;
    }
    /* The end of the numbers was given out: earlier versions remembered any move to the back, also
     * one beyond STORE_GIVEN_MAX. */
    if (neighbour(s, type, 0, BACKWARD, after_all, &last, e) < 0)
        return -1;
    return between(s, type, 0, last, after_all, now, priority, e);
}

int store_order_end(struct store *s, struct str type, int64_t last_given, int64_t now, int64_t *end,
                    struct err *e)
{
    struct place last;
    int rc = neighbour(s, type, 0, BACKWARD, after_all, &last, e);

    *end = now / NS_PER_US - ORDER_EPOCH_US;
    if (*end < last_given + GIVEN_APART)
        *end = last_given + GIVEN_APART;
    if (rc == 1 && *end <= last.priority)
        *end = last.priority + 1;
    return rc < 0 ? -1 : 0;
}

/* 1 somebody else has exactly this priority, 0 nobody, -1. */
static int taken(struct store *s, struct str type, int64_t self, int64_t priority, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_AT_PRIORITY, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_i64(st, 2, priority);
    db_bind_i64(st, 3, self);
    rc = db_step(s->db, st, e);
    db_done(st);
    return rc;
}

int store_order_shared(struct store *s, struct str type, int64_t priority, struct err *e)
{
    struct place first;
    int rc = ask_place(s, SQL_NEXT_SAME, type, 0, (struct place){priority, 0}, &first, e);

    return rc == 1 ? taken(s, type, first.id, priority, e) : rc;
}

int store_order_part(struct store *s, struct str type, int64_t priority, int64_t now, struct err *e)
{
    int64_t ignored;
    struct place first;
    int rc = ask_place(s, SQL_NEXT_SAME, type, 0, (struct place){priority, 0}, &first, e);

    return rc == 1 ? with_room(s, type, 0, first, now, &ignored, e) : rc;
}

int store_order_at(struct store *s, struct str type, int64_t self, struct job_priority want,
                   int64_t now, int64_t *priority, struct err *e)
{
    int64_t p;
    int rc = 1;

    assert(db_writing(s->db));
    *priority = want.whole;
    if (!want.between)
        return 0;
    for (p = want.whole; p <= want.whole + 1 && p <= NUM_SAFE_MAX; p++) {
        rc = taken(s, type, self, p, e);
        if (rc <= 0)
            break;
    }
    if (rc < 0)
        return -1;
    *priority = p;
    if (rc == 0)
        return 0;
    return with_room(s, type, self, (struct place){want.whole, INT64_MAX}, now, priority, e);
}

static bool is_before(struct place a, struct place b)
{
    return a.priority != b.priority ? a.priority < b.priority : a.id < b.id;
}

static int order_beside(struct store *s, const struct job *self, enum way way,
                        struct str request_id, int64_t now, int64_t *priority, struct err *e)
{
    const char *pointer = way == FORWARD ? "/move/after" : "/move/before";
    struct job other;
    struct place near, far;

    if (str_eq(request_id, self->request_id))
        return err_at(e, ERR_INVALID, pointer, "a job cannot stand beside itself");
    if (store_show(s, self->type, request_id, &other, e) != 0)
        return e->code == ERR_NOT_FOUND
                   ? err_at(e, ERR_INVALID, pointer, "there is no such job in this queue")
                   : -1;
    near = (struct place){other.priority, other.id};
    if (!s->who->everything && is_before(near, (struct place){self->priority, self->id}))
        return store_order_own_move(s, self, &other, way == FORWARD, now, priority, e);
    if (neighbour(s, self->type, self->id, way, near, &far, e) < 0)
        return -1;
    return between(s, self->type, self->id, way == FORWARD ? near : far,
                   way == FORWARD ? far : near, now, priority, e);
}

static int order_end(struct store *s, const struct job *self, enum way way, int64_t now,
                     int64_t *priority, struct err *e)
{
    struct place end;
    int rc =
        neighbour(s, self->type, self->id, way, way == FORWARD ? before_all : after_all, &end, e);

    if (rc < 0)
        return -1;
    *priority = self->priority;
    if (rc == 0)
        return 0; /* it is the only one */
    if (way == FORWARD)
        return between(s, self->type, self->id, before_all, end, now, priority, e);
    return between(s, self->type, self->id, end, after_all, now, priority, e);
}

/* *self is copied by the caller: its spans stand in the statement that order_beside uses again. */
int store_order_move(struct store *s, const struct job *self, const struct job_change *c,
                     int64_t now, int64_t *priority, struct err *e)
{
    assert(db_writing(s->db) && c->move != JOB_STAY);
    switch (c->move) {
    case JOB_TO_FRONT:
        return order_end(s, self, FORWARD, now, priority, e);
    case JOB_TO_BACK:
        return order_end(s, self, BACKWARD, now, priority, e);
    case JOB_BEFORE:
        return order_beside(s, self, BACKWARD, c->beside, now, priority, e);
    case JOB_AFTER:
    case JOB_STAY:
        break;
    }
    return order_beside(s, self, FORWARD, c->beside, now, priority, e);
}
