/* SPDX-License-Identifier: MIT */
/* SQLite's mechanics: the values that go into a statement, and those that come out of it. */
#include <assert.h>
#include <sqlite3.h>

#include "db_stmt.h"

void db_bind_i64(struct db_stmt *st, int index, int64_t v)
{
    int rc = sqlite3_bind_int64(st->st, index, v);

    assert(rc == SQLITE_OK);
    (void)rc;
}

void db_bind_time(struct db_stmt *st, int index, int64_t ns)
{
    if (ns != 0)
        db_bind_i64(st, index, ns);
}

/* Only NOMEM and TOOBIG can fail here; the parameter then stays NULL, and NOT NULL or the missing
 * row tells. */
void db_bind_str(struct db_stmt *st, int index, struct str v)
{
    if (v.p)
        (void)sqlite3_bind_text64(st->st, index, v.p, v.n, SQLITE_STATIC, SQLITE_UTF8);
}

void db_bind_blob(struct db_stmt *st, int index, const void *p, size_t n)
{
    (void)sqlite3_bind_blob64(st->st, index, p, n, SQLITE_STATIC);
}

int64_t db_i64(struct db_stmt *st, int column)
{
    return sqlite3_column_int64(st->st, column);
}

/* A value is taken once and asked three times: each call for a column has SQLite look after the
 * statement again. SQLite puts a NUL behind a text, for which it may need memory; without, the text
 * is NULL. */
struct str db_str(struct db_stmt *st, int column)
{
    sqlite3_value *v = sqlite3_column_value(st->st, column);
    const char *p;

    if (sqlite3_value_type(v) == SQLITE_NULL)
        return (struct str){0};
    p = (const char *)sqlite3_value_text(v);
    if (!p)
        *st->lost = true;
    return (struct str){p, p ? (size_t)sqlite3_value_bytes(v) : 0};
}
