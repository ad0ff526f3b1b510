/* SPDX-License-Identifier: MIT */
/*
 * The database's own name, by which nothing is given out twice: it is in webhook-ids and in the
 * tags of lists, beside numbers that go on from where they were.
 *
 * A copy that is put back goes on from where it was made, and would give out again what was given
 * out since. So it comes with a name that says that it is a copy, and whoever opens it first for
 * writing gives it one of its own: another one each time, also where the same copy is put back
 * twice. To a program that knows nothing of this, what it came with is a name as good as any.
 */
#include <string.h>

#include "store_backup.h"
#include "store_inner.h"

/* How the name of a copy begins; the rest is chance. That of no copy may begin so once in four
 * thousand million times, and is then changed once. */
#define COPY "c0b1edc0"

const char *const store_name_copy =
    "UPDATE instance SET name = '" COPY "' || lower(hex(randomblob(4)))";

int store_name_own(struct store *s, int64_t wait, struct err *e)
{
    int64_t copies;

    if (db_ask_i64(s->db, "SELECT count(*) FROM instance WHERE name GLOB '" COPY "*'", &copies,
                   e) != 0)
        return -1;
    if (copies == 0)
        return 0;
    if (db_begin(s->db, wait, e) != 0)
        return -1;
    if (db_exec(s->db,
                "UPDATE instance SET name = lower(hex(randomblob(8)))"
                " WHERE name GLOB '" COPY "*'",
                e) != 0) {
        db_rollback(s->db);
        return -1;
    }
    return db_commit(s->db, e);
}

int store_instance(struct store *s, char name[17], struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_INSTANCE, e);
    struct str text;

    if (!st || db_step(s->db, st, e) < 0)
        return -1;
    text = db_str(st, 0);
    if (text.n != 16) {
        db_done(st);
        return err_set(e, ERR_INTERNAL, "the database has lost its name");
    }
    memcpy(name, text.p, 16);
    name[16] = '\0';
    db_done(st);
    return 0;
}
