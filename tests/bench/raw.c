/* SPDX-License-Identifier: MIT */
/* The limit of the database: rows with the schema of ours put in and read out by SQLite alone, no
 * rules, no lists. usage: raw DATABASE insert ROWS BATCH | raw DATABASE list ROWS */
#include <sqlite3.h>

#include "clock.h"
#include "migrate.h"
#include "num.h"

static void must(int rc, sqlite3 *db)
{
    if (rc == SQLITE_OK || rc == SQLITE_ROW || rc == SQLITE_DONE)
        return;
    fprintf(stderr, "raw: %s\n", sqlite3_errmsg(db));
    exit(1);
}

static void exec(sqlite3 *db, const char *sql)
{
    must(sqlite3_exec(db, sql, NULL, NULL, NULL), db);
}

static void insert(sqlite3 *db, int64_t rows, int64_t batch)
{
    sqlite3_stmt *st;
    char name[64], callback[96];
    int64_t i;

    exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8000");
    exec(db, migrate_steps[0]);
    must(sqlite3_prepare_v2(db,
                            "INSERT INTO jobs (type, request_id, owner_id, data, callback, "
                            "priority, status, created_at,"
                            " updated_at, queued_at, scope, group_id) VALUES ('vm', ?1, 'owner', "
                            "?2, ?3, ?4, 'queued',"
                            " 1, 1, 1, 'project:p', 1)",
                            -1, &st, NULL),
         db);
    for (i = 0; i < rows; i++) {
        if (i % batch == 0)
            exec(db, "BEGIN IMMEDIATE");
        (void)snprintf(name, sizeof name, "request-%lld", (long long)i);
        (void)snprintf(callback, sizeof callback, "http://portal.example/callback/%lld",
                       (long long)i);
        must(sqlite3_bind_text(st, 1, name, -1, SQLITE_STATIC), db);
        must(sqlite3_bind_text(
                 st, 2, "{\"instances\":[{\"Disk\":1,\"Memory\":1,\"VCPU\":1}],\"project\":\"p\"}",
                 -1, SQLITE_STATIC),
             db);
        must(sqlite3_bind_text(st, 3, callback, -1, SQLITE_STATIC), db);
        must(sqlite3_bind_int64(st, 4, i), db);
        must(sqlite3_step(st), db);
        must(sqlite3_reset(st), db);
        if (i % batch == batch - 1 || i == rows - 1)
            exec(db, "COMMIT");
    }
    must(sqlite3_finalize(st), db);
}

static void list(sqlite3 *db, int64_t rows)
{
    sqlite3_stmt *st;
    int64_t bytes = 0;
    int c, rc;

    must(sqlite3_prepare_v2(db,
                            "SELECT * FROM jobs WHERE type = 'vm' AND deleted_at IS NULL ORDER BY "
                            "priority, id LIMIT ?1",
                            -1, &st, NULL),
         db);
    must(sqlite3_bind_int64(st, 1, rows), db);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        for (c = 0; c < sqlite3_column_count(st); c++)
            bytes += sqlite3_column_text(st, c) ? sqlite3_column_bytes(st, c) : 0;
    }
    must(rc, db);
    must(sqlite3_finalize(st), db);
    fprintf(stderr, "raw: %lld bytes\n", (long long)bytes);
}

int main(int argc, char **argv)
{
    int64_t rows, batch = 1, start;
    sqlite3 *db;

    if (argc < 4 || num_i64(str_of(argv[3]), 1, 100000000, &rows) != 0 ||
        (argc > 4 && num_i64(str_of(argv[4]), 1, 100000, &batch) != 0))
        return 2;
    must(sqlite3_open(argv[1], &db), db);
    start = clock_mono();
    if (str_is(str_of(argv[2]), "insert"))
        insert(db, rows, batch);
    else
        list(db, rows);
    printf("%.6f\n", (double)(clock_mono() - start) / (double)NS_PER_S);
    return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
