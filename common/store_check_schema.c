/* SPDX-License-Identifier: MIT */
/* The tables and indices of a database, held against a new one: made in memory by the same steps
 * (migrate.h), so that no list of them is to be kept. */
#include "store_check_schema.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "buf.h"
#include "migrate.h"

enum { NAMES_MAX = 1 << 20 };

/* A table's index of its own is told by its number, which is the same for all. */
static const char names_sql[] =
    "SELECT type || ' ' || name FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY 1";

/* A line a name, in order, with a newline before the first and after each. */
static int read_new(struct buf *names, struct err *e)
{
    sqlite3 *db = NULL;
    sqlite3_stmt *st = NULL;
    int i, rc = sqlite3_open_v2(":memory:", &db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_MEMORY, NULL);

    for (i = 0; rc == SQLITE_OK && i < migrate_count; i++)
        rc = sqlite3_exec(db, migrate_steps[i], NULL, NULL, NULL);
    if (rc == SQLITE_OK)
        rc = sqlite3_prepare_v2(db, names_sql, -1, &st, NULL);
    while (rc == SQLITE_OK && sqlite3_step(st) == SQLITE_ROW) {
        buf_str(names, (const char *)sqlite3_column_text(st, 0));
        buf_char(names, '\n');
    }
    if (rc != SQLITE_OK)
        (void)err_set(e, ERR_INTERNAL, "a new database could not be made in memory: %s",
                      db ? sqlite3_errmsg(db) : "no memory");
    (void)sqlite3_finalize(st);
    (void)sqlite3_close(db);
    return rc == SQLITE_OK ? buf_check(names, "the schema", e) : -1;
}

/* Both lists are in order: this walks along them. */
struct walk {
    struct str wanted; /* what is left of it */
    db_look_row_fn *fn;
    void *ctx;
};

static struct str first_of(struct str lines)
{
    const char *end = lines.n ? memchr(lines.p, '\n', lines.n) : NULL;

    return end ? (struct str){lines.p, (size_t)(end - lines.p)} : (struct str){0};
}

static int tell(struct walk *w, const char *what, struct str name, struct err *e)
{
    struct str column[DB_LOOK_COLUMNS] = {{0}};
    char text[512];

    (void)snprintf(text, sizeof text, "the %.*s %s", (int)name.n, name.p, what);
    column[0] = str_of(text);
    return w->fn(w->ctx, column, e);
}

/* Those that are wanted and come before `name` (absent: all that are left) are not there. */
static int tell_missing(struct walk *w, struct str name, struct err *e)
{
    struct str next;
    int rc = 0;

    while (rc == 0 && (next = first_of(w->wanted)).p && (!name.p || str_cmp(next, name) < 0)) {
        rc = tell(w, "is missing", next, e);
        w->wanted = (struct str){w->wanted.p + next.n + 1, w->wanted.n - next.n - 1};
    }
    return rc;
}

static int take(void *ctx, const struct str column[DB_LOOK_COLUMNS], struct err *e)
{
    struct walk *w = ctx;
    struct str name = column[0].p ? column[0] : STR_LIT("");

    if (tell_missing(w, name, e) != 0)
        return -1;
    if (!str_eq(first_of(w->wanted), name))
        return tell(w, "is not Anteroom's", name, e);
    w->wanted = (struct str){w->wanted.p + name.n + 1, w->wanted.n - name.n - 1};
    return 0;
}

int store_check_schema(struct db_look *l, db_look_row_fn *fn, void *ctx, struct err *e)
{
    struct buf names = BUF_INIT(NAMES_MAX);
    struct walk w = {.fn = fn, .ctx = ctx};
    int rc = read_new(&names, e);

    w.wanted = buf_span(&names);
    if (rc == 0)
        rc = db_look_rows(l, names_sql, 0, take, &w, e);
    if (rc == 0)
        rc = tell_missing(&w, (struct str){0}, e);
    buf_free(&names);
    return rc;
}
