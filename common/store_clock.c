/* SPDX-License-Identifier: MIT */
/* Following the wall clock when somebody has set it. */
#include "store_clock.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "num.h"
#include "store_inner.h"

/* The row. */
struct row {
    bool there, same_boot;
    int64_t ahead, seen, stepped_at, stepped, latest;
};

/* By less, a wait is not moved: nobody notices, and a million jobs that wait are a million rows. */
#define SMALL_STEP (60 * NS_PER_S)

static bool apart(int64_t a, int64_t b)
{
    return a - b > CLOCK_STEP || b - a > CLOCK_STEP;
}

/* Was the row written since the machine was started? Where one of the two does not know the start's
 * name, what is known of the time tells: this process was there when the row was written, or the
 * clock goes as the row says and has not gone back. */
static bool is_same_boot(const struct store_clock *c, struct str boot, const struct row *r)
{
    if (boot.n > 0 && c->boot[0])
        return str_is(boot, c->boot);
    return (c->based && !apart(r->ahead, c->base)) ||
           (!apart(r->ahead, c->mark.ahead) && c->mark.wall >= r->seen);
}

static int read_row(struct store *s, struct row *r, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_CLOCK_GET, e);
    int rc;

    *r = (struct row){0};
    if (!st)
        return -1;
    rc = db_step(s->db, st, e);
    if (rc == 1) {
        *r = (struct row){.there = true,
                          .ahead = db_i64(st, 1),
                          .seen = db_i64(st, 2),
                          .stepped_at = db_i64(st, 3),
                          .stepped = db_i64(st, 4),
                          .latest = db_i64(st, 5)};
        r->same_boot = is_same_boot(&s->clock, db_str(st, 0), r);
        db_done(st);
    }
    return rc < 0 ? -1 : 0;
}

static int write_row(struct store *s, const struct row *r, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_CLOCK_SET, e);

    if (!st)
        return -1;
    db_bind_str(st, 1, str_of(s->clock.boot));
    db_bind_i64(st, 2, r->ahead);
    db_bind_i64(st, 3, r->seen);
    db_bind_i64(st, 4, r->stepped_at);
    db_bind_i64(st, 5, r->stepped);
    db_bind_i64(st, 6, r->latest);
    return db_run(s->db, st, e);
}

/* ---- what moves ---- */

static int move_all(struct store *s, int64_t by, struct err *e)
{
    static const enum store_sql_name parts[] = {SQL_CLOCK_MOVE_CALLED,    SQL_CLOCK_MOVE_WAITING,
                                                SQL_CLOCK_MOVE_ASLEEP,    SQL_CLOCK_MOVE_HOLDS,
                                                SQL_CLOCK_MOVE_READINGS,  SQL_CLOCK_MOVE_GROUPS,
                                                SQL_CLOCK_MOVE_RECEIVERS, SQL_CLOCK_TOUCH};
    struct db_stmt *st;
    size_t i;

    for (i = 0; i < ARRAY_LEN(parts); i++) {
        if (by > -SMALL_STEP && by < SMALL_STEP && parts[i] == SQL_CLOCK_MOVE_WAITING)
            continue; /* bring_near sees to what would be later than now */
        st = db_use(s->db, parts[i], e);
        if (!st)
            return -1;
        if (parts[i] != SQL_CLOCK_TOUCH)
            db_bind_i64(st, 1, by);
        if (db_run(s->db, st, e) != 0)
            return -1;
    }
    return 0;
}

/* A hold's end, and a try: the longest wait between two, which is given or taken a tenth. */
static int64_t longest_call(const struct conf *conf)
{
    int64_t longest = conf->callback.hold;
    size_t i;

    for (i = 0; i < conf->callback.retries; i++) {
        if (conf->callback.retry[i] > longest)
            longest = conf->callback.retry[i];
    }
    return longest + longest / 10;
}

static int64_t longest_pause(const struct conf *conf)
{
    return STORE_PAUSES_MAX * conf->callback.pause;
}

static int64_t none(const struct conf *conf)
{
    (void)conf;
    return 0;
}

static int bring_near(struct store *s, int64_t now, struct err *e)
{
    static const struct {
        enum store_sql_name name;
        int64_t (*longest)(const struct conf *conf);
    } parts[] = {{SQL_CLOCK_NEAR_CALLED, longest_call},
                 {SQL_CLOCK_NEAR_WAITING, none},
                 {SQL_CLOCK_NEAR_ASLEEP, none},
                 {SQL_CLOCK_NEAR_HOLDS, conf_longest_settle},
                 {SQL_CLOCK_NEAR_RECEIVERS, longest_pause}};
    struct db_stmt *st;
    size_t i;

    for (i = 0; i < ARRAY_LEN(parts); i++) {
        st = db_use(s->db, parts[i].name, e);
        if (!st)
            return -1;
        db_bind_i64(st, 1, now);
        db_bind_i64(st, 2, parts[i].longest(s->conf));
        if (db_run(s->db, st, e) != 0)
            return -1;
    }
    return 0;
}

/* ---- following ---- */

/* After another start of the machine: how far behind what was noted last the clock is. Never above
 * 0. */
static int behind(struct store *s, const struct row *r, int64_t wall, int64_t *by, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_CLOCK_LATEST, e);
    int64_t latest;

    if (!st || db_step(s->db, st, e) != 1)
        return -1;
    latest = db_i64(st, 0);
    db_done(st);
    /* What was written before the clock was set back says nothing about the clock since then. */
    if (r->latest != 0 && latest - r->latest <= CLOCK_STEP)
        latest = 0;
    if (r->seen > latest)
        latest = r->seen;
    *by = apart(wall, latest) && wall < latest ? wall - latest : 0;
    return 0;
}

/* The row says how far `r` was; now it is as the mark says. */
static int follow_step(struct store *s, struct row *r, int64_t by, struct err *e)
{
    const struct clock_mark *m = &s->clock.mark;

    if (by != 0) {
        log_warn("clock-set", "seconds=%lld note=\"what is due and what is held moves with it\"",
                 (long long)(by / NS_PER_S));
        if (move_all(s, by, e) != 0)
            return -1;
        r->stepped_at = m->wall;
        if (m->wall - by > r->latest && by < 0)
            r->latest = m->wall - by;
        if (by > 0 && num_add(r->stepped, by, &r->stepped) != 0)
            r->stepped = by;
    }
    r->ahead = m->ahead;
    r->seen = m->wall;
    s->clock.fresh = true;
    return bring_near(s, m->wall, e) != 0 ? -1 : write_row(s, r, e);
}

int store_clock_follow(struct store *s, struct err *e)
{
    struct store_clock *c = &s->clock;
    struct row r;
    int64_t by = 0;

    c->fresh = false;
    c->mark = clock_mark();
    if (!c->boot[0])
        clock_boot(c->boot);
    /* Read each time: another may have followed a clock that by now is back at what we know. */
    if (read_row(s, &r, e) != 0)
        return -1;
    if (r.there && r.same_boot)
        by = apart(c->mark.ahead, r.ahead) ? c->mark.ahead - r.ahead : 0;
    else if (r.there && behind(s, &r, c->mark.wall, &by, e) != 0)
        return -1;
    if ((by != 0 || !r.there || !r.same_boot) && follow_step(s, &r, by, e) != 0)
        return -1;
    if (c->based)
        c->shifted += r.ahead - c->base;
    c->base = c->ahead = r.ahead;
    c->stepped_at = r.stepped_at;
    c->stepped = r.stepped;
    c->known = c->based = true;
    return 0;
}

void store_clock_undo(struct store *s)
{
    s->clock.known = s->clock.known && !s->clock.fresh;
    s->clock.fresh = false;
}

int64_t store_now(const struct store *s)
{
    assert(db_writing(s->db));
    return s->clock.mark.wall;
}

bool store_clock_moved(const struct store *s)
{
    struct clock_mark m = clock_mark();

    return !s->clock.known || apart(m.ahead, s->clock.ahead);
}

int64_t store_clock_shifted(const struct store *s)
{
    return s->clock.shifted;
}

int store_clock_agrees(struct store *s, struct err *e)
{
    struct row r;

    if (read_row(s, &r, e) != 0)
        return -1;
    s->clock.known = !store_clock_moved(s) && r.ahead == s->clock.ahead;
    return s->clock.known;
}

int64_t store_clock_since(const struct store *s, int64_t moment, int64_t ahead)
{
    return s->clock.known && apart(s->clock.ahead, ahead) ? moment + (s->clock.ahead - ahead)
                                                          : moment;
}

int store_clock_ago(struct store *s, int64_t now, int64_t kept, int64_t *then, struct err *e)
{
    struct row r = {.stepped_at = s->clock.stepped_at, .stepped = s->clock.stepped};

    if (!s->clock.known && read_row(s, &r, e) != 0)
        return -1;
    *then = now - kept;
    if (*then < r.stepped_at && num_add(*then, -r.stepped, then) != 0)
        *then = INT64_MIN;
    return 0;
}
