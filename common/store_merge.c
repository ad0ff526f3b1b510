/* SPDX-License-Identifier: MIT */
/*
 * The list of several owners in serving order: a merge. Of each owner the place of his next job is
 * kept; the first of these is shown, and one seek finds what comes after it.
 */
#include <stdlib.h>

#include "num.h"
#include "store_inner.h"

struct head {
    struct page_place place;
    bool there;
};

struct store_merge {
    size_t owners;
    struct head head[]; /* [owners] */
};

static int ask(struct store *s, enum store_sql_name name, struct str owner, struct head *h,
               struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, s->filter.type);
    db_bind_i64(st, 2, h->place.priority);
    if (name == SQL_OWNER_NEXT_SAME)
        db_bind_i64(st, 3, h->place.id);
    store_row_bind_statuses(st, s->filter.statuses);
    db_bind_str(st, 12, owner);
    rc = db_step(s->db, st, e);
    if (rc == 1) {
        h->place = (struct page_place){db_i64(st, 0), db_i64(st, 1)};
        db_done(st);
    }
    return rc;
}

/* Moves an owner's head on to his next job behind its place. */
static int move_on(struct store *s, struct str owner, struct head *h, struct err *e)
{
    int rc = ask(s, SQL_OWNER_NEXT_SAME, owner, h, e);

    if (rc == 0)
        rc = ask(s, SQL_OWNER_NEXT, owner, h, e);
    h->there = rc == 1;
    return rc < 0 ? -1 : 0;
}

int store_merge_begin(struct store *s, size_t owners, struct err *e)
{
    const struct store_filter *f = &s->filter;
    struct store_merge *m = calloc(1, sizeof *m + owners * sizeof m->head[0]);
    size_t i;

    if (!m)
        return err_set(e, ERR_INTERNAL, "no memory for the list of %zu owners", owners);
    s->merge = m;
    m->owners = owners;
    for (i = 0; i < owners; i++) {
        m->head[i].place =
            f->has_after ? f->after : (struct page_place){.priority = -NUM_SAFE_MAX - 1};
        if (move_on(s, s->who->owner[i], &m->head[i], e) != 0)
            return -1;
    }
    return 0;
}

static bool is_first(const struct head *a, const struct head *b)
{
    if (!a->there || !b->there)
        return a->there;
    return a->place.priority != b->place.priority ? a->place.priority < b->place.priority
                                                  : a->place.id < b->place.id;
}

int store_merge_next(struct store *s, struct job *j, struct err *e)
{
    struct store_merge *m = s->merge;
    struct db_stmt *st;
    size_t i, first = 0;
    int64_t id;

    for (i = 1; i < m->owners; i++) {
        if (is_first(&m->head[i], &m->head[first]))
            first = i;
    }
    if (m->owners == 0 || !m->head[first].there)
        return 0;
    id = m->head[first].place.id;
    if (move_on(s, s->who->owner[first], &m->head[first], e) != 0)
        return -1;
    st = db_use(s->db, SQL_JOB_LISTED_BY_ID, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, s->filter.type);
    db_bind_i64(st, 2, id);
    if (db_step(s->db, st, e) != 1)
        return -1;
    return store_row_listed(s, st, j, e) == 0 ? 1 : -1;
}

void store_merge_end(struct store *s)
{
    free(s->merge);
    s->merge = NULL;
}
