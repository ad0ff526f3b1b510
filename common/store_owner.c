/* SPDX-License-Identifier: MIT */
/* How many jobs of each owner wait: the counter, and the limit. */
#include <assert.h>

#include "store_inner.h"

static struct db_stmt *about(struct store *s, enum store_sql_name name, struct str owner_id,
                             struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    if (st)
        db_bind_str(st, 1, owner_id);
    return st;
}

static int count(struct store *s, enum store_sql_name name, struct str owner_id, int64_t waiting,
                 struct err *e)
{
    struct db_stmt *st = about(s, name, owner_id, e);

    if (!st)
        return -1;
    db_bind_i64(st, 2, waiting);
    return db_run(s->db, st, e);
}

/* Not one upsert: a CHECK looks at the row that would be inserted, also when it is then an
 * update. */
int store_owner_touch(struct store *s, struct str owner_id, int64_t waiting, struct err *e)
{
    struct db_stmt *st;

    assert(db_writing(s->db));
    if (waiting == 0)
        return 0;
    if (count(s, SQL_OWNER_TOUCH, owner_id, waiting, e) != 0)
        return -1;
    if (db_changes(s->db) == 0)
        return count(s, SQL_OWNER_ADD, owner_id, waiting, e);
    if (waiting > 0)
        return 0;
    st = about(s, SQL_OWNER_DROP, owner_id, e);
    return st ? db_run(s->db, st, e) : -1;
}

int store_owner_check(struct store *s, struct str owner_id, struct err *e)
{
    struct db_stmt *st;
    int64_t waiting;
    int rc;

    if (s->conf->owner.queued == 0)
        return 0;
    st = db_use_apart(s->db, SQL_OWNER_GET, e);
    if (!st)
        return -1;
    db_bind_str(st, 1, owner_id);
    rc = db_step(s->db, st, e);
    if (rc < 0)
        return -1;
    waiting = (rc == 1 ? db_i64(st, 0) : 0) + store_later_owner(s, owner_id);
    db_done(st);
    if (waiting < s->conf->owner.queued)
        return 0;
    return err_set(e, ERR_TOO_MANY, "%lld jobs of this owner wait, and no more may (owner.queued)",
                   (long long)waiting);
}
