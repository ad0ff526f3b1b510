/* SPDX-License-Identifier: MIT */
/* What is measured of the whole store: sums of what stands in the rows of queues, and space. */
#include "store_metrics.h"

#include <sys/stat.h>
#include <sys/statvfs.h>

#include "store_inner.h"

static int sum_queues(struct store *s, struct store_sums *sums, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_QUEUE_SUMS, e);
    int status;

    if (!st || db_step(s->db, st, e) < 0)
        return -1;
    sums->types = db_i64(st, 0);
    for (status = 0; status < JOB_STATUSES; status++)
        sums->jobs[status] = db_i64(st, 1 + status);
    db_done(st);
    return 0;
}

static int sum_receivers(struct store *s, struct store_sums *sums, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_RECEIVER_SUMS, e);

    if (!st || db_step(s->db, st, e) < 0)
        return -1;
    sums->failing = db_i64(st, 0);
    sums->paused = db_i64(st, 1);
    db_done(st);
    return 0;
}

/* By name only: a file of SQLite's that is opened here and closed takes its locks away (db.c). */
static int64_t size_of(const char *path, const char *suffix)
{
    struct buf name = BUF_INIT(8192);
    struct stat st;
    int64_t size = 0;

    buf_printf(&name, "%s%s", path, suffix);
    if (!name.failed && stat(name.data, &st) == 0)
        size = st.st_size;
    buf_free(&name);
    return size;
}

int store_sums(struct store *s, struct store_sums *sums, struct err *e)
{
    struct statvfs fs;

    *sums = (struct store_sums){.size = size_of(s->path, ""), .wal = size_of(s->path, "-wal")};
    if (statvfs(s->path, &fs) == 0)
        sums->room = (int64_t)fs.f_bavail * (int64_t)fs.f_frsize;
    return sum_queues(s, sums, e) != 0 ? -1 : sum_receivers(s, sums, e);
}
