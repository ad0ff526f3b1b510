/* SPDX-License-Identifier: MIT */
/* The limit of the database: rows with the schema of ours put in and read out by SQLite alone, no
 * rules. A list is what SQLite steps over, its texts escaped: the same members in one buffer, times
 * as the numbers that they are, no page held against its sum, nothing sent.
 * usage: raw DATABASE insert ROWS BATCH | raw DATABASE list ROWS */
#include <sqlite3.h>

#include "clock.h"
#include "http.h"
#include "json_out.h"
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
    int step;

    exec(db, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA wal_autocheckpoint=8000");
    for (step = 0; step < migrate_count; step++)
        exec(db, migrate_steps[step]);
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

/* The members of a job, each with its column. */
static const struct member {
    const char *key, *column;
    bool text, always;
} members[] = {
    {"{\"ID\":", "j.id", false, true},
    {",\"CreatedAt\":", "j.created_at", false, true},
    {",\"UpdatedAt\":", "j.updated_at", false, true},
    {",\"DeletedAt\":", "j.deleted_at", false, true},
    {",\"RequestID\":", "j.request_id", true, true},
    {",\"Type\":", "j.type", true, true},
    {",\"OwnerID\":", "j.owner_id", true, true},
    {",\"Data\":", "j.data", true, true},
    {",\"Callback\":", "j.callback", true, true},
    {",\"Priority\":", "j.priority", false, true},
    {",\"Status\":", "j.status", true, true},
    {",\"Reason\":", "COALESCE(j.reason, g.reason)", true, false},
    {",\"Message\":", "COALESCE(j.message || '; ' || g.message, j.message, g.message)", true,
     false},
    {",\"NotBefore\":", "j.not_before", false, false},
    {",\"ValidUntil\":", "j.valid_until", false, false},
    {",\"AdmittedAt\":", "j.admitted_at", false, false},
    {",\"StartedAt\":", "j.started_at", false, false},
    {",\"FinishedAt\":", "j.finished_at", false, false},
    {",\"Hosts\":", "j.hosts", true, false},
};

static sqlite3_stmt *prepare_list(sqlite3 *db)
{
    struct buf sql = BUF_INIT(4096);
    sqlite3_stmt *st;
    size_t i;

    for (i = 0; i < ARRAY_LEN(members); i++)
        buf_printf(&sql, "%s%s", i ? ", " : "SELECT ", members[i].column);
    buf_str(&sql, " FROM jobs j LEFT JOIN groups g ON g.id = j.group_id WHERE j.type = 'vm' AND"
                  " j.deleted_at IS NULL ORDER BY j.priority, j.id LIMIT ?1");
    must(sqlite3_prepare_v2(db, sql.data, -1, &st, NULL), db);
    buf_free(&sql);
    return st;
}

static void write_row(struct buf *b, sqlite3_stmt *st)
{
    const char *text;
    int i;

    for (i = 0; i < (int)ARRAY_LEN(members); i++) {
        const struct member *m = &members[i];
        bool null = sqlite3_column_type(st, i) == SQLITE_NULL;

        if (null && !m->always)
            continue;
        buf_str(b, m->key);
        text = m->text ? (const char *)sqlite3_column_text(st, i) : NULL;
        if (null)
            buf_str(b, "null");
        else if (m->text)
            json_escape(b, (struct str){text, (size_t)sqlite3_column_bytes(st, i)});
        else
            buf_i64(b, sqlite3_column_int64(st, i));
    }
    buf_char(b, '}');
}

static void list(sqlite3 *db, int64_t rows)
{
    struct buf b = BUF_INIT(1 << 20);
    sqlite3_stmt *st = prepare_list(db);
    int64_t bytes = 0;
    int rc;

    must(sqlite3_bind_int64(st, 1, rows), db);
    while ((rc = sqlite3_step(st)) == SQLITE_ROW) {
        write_row(&b, st);
        if (b.len < HTTP_STREAM_AT)
            continue;
        bytes += (int64_t)b.len;
        buf_reset(&b);
    }
    must(rc, db);
    must(sqlite3_finalize(st), db);
    fprintf(stderr, "raw: %lld bytes\n", (long long)(bytes + (int64_t)b.len));
    buf_free(&b);
}

int main(int argc, char **argv)
{
    int64_t rows, batch = 1, start;
    sqlite3 *db;

    if (argc < 4 || num_i64(str_of(argv[3]), 1, 100000000, &rows) != 0 ||
        (argc > 4 && num_i64(str_of(argv[4]), 1, 100000, &batch) != 0))
        return 2;
    must(sqlite3_open_v2(argv[1], &db,
                         SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, NULL),
         db);
    start = clock_mono();
    if (str_is(str_of(argv[2]), "insert"))
        insert(db, rows, batch);
    else
        list(db, rows);
    printf("%.6f\n", (double)(clock_mono() - start) / (double)NS_PER_S);
    return sqlite3_close(db) == SQLITE_OK ? 0 : 1;
}
