/* SPDX-License-Identifier: MIT */
/* The store's life, its transactions, and what is no job: the queue's version, first answers. */
#include "store.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "db_file.h"
#include "db_version.h"
#include "migrate.h"
#include "store_inner.h"
#include "store_pass.h"
#include "store_queues.h"

enum {
    COUNTS_MAX = 4 << 20,
    OPEN_WAIT_S = 10,
    TEXT_MAX = 4096,
    ASKER_MAX = WHO_OWNERS_MAX * (6 * JOB_NAME_MAX + 3)
};

static char *with_suffix(const char *path, const char *suffix)
{
    struct buf b = BUF_INIT(8192);

    buf_printf(&b, "%s%s", path, suffix);
    return buf_take(&b);
}

static int make_paths(struct store *s, struct str database, struct err *e)
{
    struct buf b = BUF_INIT(4096);

    buf_add(&b, database.p, database.n);
    s->path = buf_take(&b);
    if (!s->path)
        return err_set(e, ERR_UNAVAILABLE, "the path of the database is too long");
    s->lock_path = with_suffix(s->path, ".lock");
    s->wake_path = with_suffix(s->path, ".wake");
    s->dispatch_path = with_suffix(s->path, ".dispatch");
    s->stats_path = with_suffix(s->path, ".stats");
    if (!s->lock_path || !s->wake_path || !s->dispatch_path || !s->stats_path)
        return err_set(e, ERR_INTERNAL, "no memory to open the database");
    return 0;
}

int store_open(const struct conf *conf, enum store_mode mode, struct store **out, struct err *e)
{
    struct store *s = calloc(1, sizeof *s);
    struct db_options o = {.write = mode == STORE_WRITE,
                           .create = mode == STORE_WRITE,
                           .application_id = MIGRATE_APPLICATION_ID,
                           .version = migrate_count,
                           .sql = {SQL_NAMES, store_sql}};

    if (!s)
        return err_set(e, ERR_INTERNAL, "no memory to open the database");
    s->conf = conf;
    store_as(s, NULL);
    s->text = BUF_INIT(TEXT_MAX);
    s->data = BUF_INIT(2 * JOB_DATA_MAX);
    s->asker = BUF_INIT(ASKER_MAX);
    s->counts = BUF_INIT(COUNTS_MAX);
    if (make_paths(s, conf->database, e) != 0)
        goto failed;
    o.path = s->path;
    o.lock_path = s->lock_path;
    if (db_open(&o, &s->db, e) != 0)
        goto failed;
    if ((o.write ? migrate_run(s->db, OPEN_WAIT_S * NS_PER_S, e) : migrate_check(s->db, e)) != 0) {
        (void)err_wrap(e, "%s", s->path);
        goto failed;
    }
    if (o.write && store_name_own(s, OPEN_WAIT_S * NS_PER_S, e) != 0) {
        (void)err_wrap(e, "%s", s->path);
        goto failed;
    }
    if (o.write)
        db_unlock(s->db);
    s->stats = stats_open(s->stats_path, mode == STORE_WRITE);
    *out = s;
    return 0;

failed:
    store_close(s);
    return -1;
}

int store_probe(const struct conf *conf, struct err *e)
{
    struct db_options o = {.path = conf->database.p,
                           .write = true,
                           .application_id = MIGRATE_APPLICATION_ID,
                           .version = migrate_count};
    char *lock_path;
    struct stat st;
    struct db *db;
    int64_t version;
    int rc;

    if (stat(o.path, &st) != 0 ? errno == ENOENT : st.st_size == 0)
        return db_file_check(o.path, e) == 0 ? 1 : -1;
    o.lock_path = lock_path = with_suffix(o.path, ".lock");
    if (!lock_path)
        return err_set(e, ERR_INTERNAL, "no memory to open the database");
    rc = db_open(&o, &db, e);
    if (rc == 0) {
        if (migrate_known(db, &version, e) != 0)
            rc = err_wrap(e, "%s", o.path);
        db_close(db);
    }
    free(lock_path);
    return rc;
}

void store_as(struct store *s, const struct who *who)
{
    static const struct who self = {
        .name = STR_LIT("anteroom"), .everything = true, .changes = true};

    s->who = who ? who : &self;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    stats_close(s->stats);
    db_close(s->db);
    buf_free(&s->text);
    buf_free(&s->data);
    buf_free(&s->asker);
    buf_free(&s->counts);
    arena_free(s->wait);
    free(s->later);
    free(s->path);
    free(s->lock_path);
    free(s->wake_path);
    free(s->dispatch_path);
    free(s->stats_path);
    free(s);
}

bool store_sqlite_has_wal_bug(const char **version)
{
    *version = db_sqlite_version();
    return db_sqlite_has_wal_bug();
}

const char *store_wake_path(const struct store *s)
{
    return s->wake_path;
}

const char *store_dispatch_lock_path(const struct store *s)
{
    return s->dispatch_path;
}

struct stats *store_stats(struct store *s)
{
    return s->stats;
}

/* Asked within the transaction: a newer program may have brought the file up since it was opened,
 * and what this one does not know of, it does not keep in order. */
static int check_version(struct store *s, struct err *e)
{
    struct db_stmt *st = db_use_apart(s->db, SQL_VERSION, e);
    int64_t version;

    if (!st || db_step(s->db, st, e) != 1)
        return -1;
    version = db_i64(st, 0);
    db_done(st);
    s->outgrown = version != migrate_count;
    return s->outgrown ? migrate_outgrown(version, e) : 0;
}

int store_begin(struct store *s, int64_t wait, struct err *e)
{
    if (db_begin(s->db, wait, e) != 0)
        return -1;
    s->judged = 0;
    if (check_version(s, e) == 0 && store_clock_follow(s, e) == 0)
        return 0;
    store_rollback(s);
    return -1;
}

bool store_outgrown(const struct store *s)
{
    return s->outgrown;
}

static void rolled_back(struct store *s)
{
    store_later_drop(s);
    store_count_drop(s);
    store_clock_undo(s);
}

int store_commit(struct store *s, struct err *e)
{
    int rc;

    if (store_settle(s, e) != 0) {
        store_rollback(s);
        return -1;
    }
    rc = db_commit(s->db, e);
    if (rc != 0)
        return rolled_back(s), rc;
    store_later_drop(s);
    store_count_all(s);
    return 0;
}

void store_rollback(struct store *s)
{
    rolled_back(s);
    db_rollback(s->db);
}

int64_t store_written(const struct store *s)
{
    return db_written(s->db) + s->put_off;
}

static int run(struct store *s, enum store_sql_name name, struct err *e)
{
    struct db_stmt *st = db_use(s->db, name, e);

    return st ? db_run(s->db, st, e) : -1;
}

int store_point(struct store *s, struct err *e)
{
    assert(db_writing(s->db));
    store_count_point(s);
    return run(s, SQL_SAVEPOINT, e);
}

int store_point_keep(struct store *s, struct err *e)
{
    return run(s, SQL_RELEASE, e);
}

int store_point_undo(struct store *s, struct err *e)
{
    struct db_stmt *st;

    db_done_all(s->db);
    store_count_undo(s);
    st = db_use(s->db, SQL_UNDO, e);
    if (st && db_spilled(st))
        return err_set(e, ERR_INTERNAL, "so much was changed that a part cannot be taken back");
    return st && db_run(s->db, st, e) == 0 ? run(s, SQL_RELEASE, e) : -1;
}

void store_checkpoint_if_due(struct store *s)
{
    db_checkpoint_if_due(s->db);
}

bool store_checkpoint(struct store *s)
{
    return db_checkpoint(s->db);
}

int store_read_begin(struct store *s, struct err *e)
{
    /* What ends it must be there: a snapshot that stays open keeps the WAL from being folded in. */
    return db_use(s->db, SQL_READ_END, e) ? run(s, SQL_READ_BEGIN, e) : -1;
}

void store_read_done(struct store *s)
{
    db_done_all(s->db);
}

void store_read_end(struct store *s)
{
    struct err ignored; /* a read transaction that can't end is gone already */

    store_read_done(s);
    (void)!run(s, SQL_READ_END, &ignored);
}

int store_check_reads(struct store *s, struct err *e)
{
    return db_check(s->db, e);
}

int store_ping(struct store *s, struct err *e)
{
    return migrate_check(s->db, e);
}

int store_queue_version(struct store *s, struct str type, int64_t *version, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_QUEUE_GET, e);
    int rc;

    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    rc = db_step(s->db, st, e);
    if (rc < 0)
        return -1;
    *version = rc == 1 ? db_i64(st, 0) : 0;
    db_done(st);
    return 0;
}

int store_pause(struct store *s, struct str type, bool paused, struct err *e)
{
    struct db_stmt *st = db_use(s->db, SQL_QUEUE_PAUSE, e);

    assert(db_writing(s->db));
    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_i64(st, 2, paused);
    if (db_run(s->db, st, e) != 0)
        return -1;
    if (db_changes(s->db) > 0 || !paused)
        return db_changes(s->db) > 0;
    st = db_use(s->db, SQL_QUEUE_ADD_PAUSED, e); /* a type that never had a job, perhaps */
    if (!st)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_i64(st, 2, clock_now());
    if (db_run(s->db, st, e) != 0)
        return -1;
    return db_changes(s->db) > 0;
}

/* Answers are kept apart by who asked: by what he sees. In the store's text. */
static int name_asker(struct store *s, struct str *asker, struct err *e)
{
    buf_reset(&s->asker);
    buf_str(&s->asker, "");
    who_write_sight(s->who, &s->asker);
    *asker = buf_span(&s->asker);
    return buf_check(&s->asker, "who asks", e);
}

int store_answer_find(struct store *s, struct str type, struct str key,
                      const unsigned char digest[STORE_DIGEST], struct store_answer *a,
                      struct err *e)
{
    struct db_stmt *st = db_use_apart(s->db, SQL_ANSWER_FIND, e);
    struct str seen, asker;
    int rc;

    if (!st || name_asker(s, &asker, e) != 0)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_str(st, 2, key);
    db_bind_str(st, 3, asker);
    rc = db_step(s->db, st, e);
    if (rc != 1)
        return rc;
    seen = db_str(st, 0);
    if (seen.n != STORE_DIGEST || memcmp(seen.p, digest, STORE_DIGEST) != 0)
        return err_set(e, ERR_IDEMPOTENCY_MISMATCH,
                       "this Idempotency-Key was used before with another body");
    a->status = (int)db_i64(st, 1);
    a->location = db_str(st, 2);
    a->etag = db_str(st, 3);
    a->body = db_str(st, 4);
    return 1;
}

int store_answer_save(struct store *s, struct str type, struct str key,
                      const unsigned char digest[STORE_DIGEST], const struct store_answer *a,
                      int64_t now, struct err *e)
{
    struct db_stmt *st = db_use_apart(s->db, SQL_ANSWER_ADD, e);
    struct str asker;

    assert(db_writing(s->db));
    if (!st || name_asker(s, &asker, e) != 0)
        return -1;
    db_bind_str(st, 1, type);
    db_bind_str(st, 2, key);
    db_bind_blob(st, 3, digest, STORE_DIGEST);
    db_bind_i64(st, 4, a->status);
    db_bind_str(st, 5, a->location);
    db_bind_str(st, 6, a->etag);
    db_bind_str(st, 7, a->body);
    db_bind_i64(st, 8, now);
    db_bind_str(st, 9, asker);
    return db_run(s->db, st, e);
}
