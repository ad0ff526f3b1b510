/* SPDX-License-Identifier: MIT */
/*
 * The locks of the log's index, as the layer of checksums takes them.
 *
 * Who writes the log's pages into the file has the checkpoint lock, for himself alone. A connection
 * of ours has it shared, from the first time on that it locks anything and as long as it lives: no
 * program that knows nothing of sums takes it then (SQLite takes that for somebody else's
 * checkpoint and goes on without). Among ours it is the lock file that lets one only checkpoint
 * (db.h), and our checkpoint needs no more than that we have the lock shared. It also has the
 * recovery lock shared, so that nobody makes the index anew meanwhile, as SQLite sees to by the
 * checkpoint lock.
 */
#include "db_sum_inner.h"

static int lock(struct db_sum_file *f, int first, int count, int flags)
{
    return f->real->pMethods->xShmLock(f->real, first, count, flags);
}

static void keep_off(struct db_sum_file *f)
{
    if (!f->keeps_off)
        f->keeps_off =
            lock(f, DB_SUM_LOCK_CHECKPOINT, 1, SQLITE_SHM_LOCK | SQLITE_SHM_SHARED) == SQLITE_OK;
}

/* A lock for one alone that begins with the checkpoint lock: to checkpoint, or with those behind
 * it to make the index anew. */
static int lock_checkpoint(struct db_sum_file *f, int count, int flags)
{
    bool takes = flags & SQLITE_SHM_LOCK;

    if (takes && !f->keeps_off)
        return SQLITE_BUSY; /* somebody else checkpoints */
    if (count > 1)
        return lock(f, DB_SUM_LOCK_CHECKPOINT + 1, count - 1, flags);
    return lock(f, DB_SUM_LOCK_RECOVER, 1,
                (takes ? SQLITE_SHM_LOCK : SQLITE_SHM_UNLOCK) | SQLITE_SHM_SHARED);
}

int db_sum_shm_lock(sqlite3_file *file, int first, int count, int flags)
{
    struct db_sum_file *f = (struct db_sum_file *)file;
    int rc;

    keep_off(f);
    if (first == DB_SUM_LOCK_CHECKPOINT && flags & SQLITE_SHM_EXCLUSIVE)
        return lock_checkpoint(f, count, flags);
    rc = lock(f, first, count, flags);
    if (rc == SQLITE_OK && first == DB_SUM_LOCK_WRITE) {
        f->writing = flags & SQLITE_SHM_LOCK && flags & SQLITE_SHM_EXCLUSIVE;
        if (f->log)
            db_sum_log_begin(f->log);
    }
    return rc;
}

int db_sum_shm_unmap(sqlite3_file *file, int remove)
{
    struct db_sum_file *f = (struct db_sum_file *)file;

    if (f->keeps_off)
        (void)lock(f, DB_SUM_LOCK_CHECKPOINT, 1, SQLITE_SHM_UNLOCK | SQLITE_SHM_SHARED);
    f->keeps_off = false;
    return f->real->pMethods->xShmUnmap(f->real, remove);
}
