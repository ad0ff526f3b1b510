/* SPDX-License-Identifier: MIT */
/*
 * The log, as the layer of checksums reads and writes it.
 *
 * A frame is right when its checksum follows from that of the frame before it. What this
 * transaction writes itself may be overwritten in place until the commit, its checksums come last;
 * nobody else reads it, and so it is left alone.
 *
 * SQLite writes each frame by two calls. Here what a transaction appends is gathered and goes to
 * the file by few: when the frame that commits is whole, before anything is read of it or written
 * elsewhere, and when there is no more room for it. So all of a commit is in the file when SQLite
 * flushes it, and before it tells the others. Where gathered frames could not be written,
 * SQLite does not always hear of it from the call that it takes for the cause: the transaction gets
 * that error from then on, whatever it wants of the log, until it has ended.
 */
#include <stdlib.h>
#include <string.h>

#include "db_sum_inner.h"

enum { FRAME_FIRST = DB_SUM_LOG_HEAD, STORED = 8, GATHERED_MOST = 65536 };

static struct db_sum_file *own(sqlite3_file *file)
{
    return (struct db_sum_file *)file;
}

void db_sum_log_begin(struct db_sum_file *log)
{
    log->own_from = INT64_MAX;
    log->commits = false;
    log->gathered_n = 0;
    log->gathered_rc = SQLITE_OK;
}

void db_sum_log_close(struct db_sum_file *f)
{
    if (f->main && f->main->log == f)
        f->main->log = NULL;
    free(f->gathered);
    f->gathered = NULL;
}

/* ---- reading ---- */

int db_sum_read_frame(struct db_sum_file *log, size_t size, uint32_t frame)
{
    sqlite3_int64 whole = DB_SUM_FRAME_HEAD + (sqlite3_int64)size;
    sqlite3_int64 start = FRAME_FIRST + (frame - 1) * whole;
    sqlite3_int64 before = frame == 1 ? 0 : start - whole + DB_SUM_FRAME_HEAD - DB_SUM_LOG_HEAD;
    unsigned char *room = db_sum_room(log, size);
    unsigned char stored[STORED];
    int rc;

    if (!room)
        return SQLITE_IOERR_NOMEM;
    rc = log->real->pMethods->xRead(log->real, room, (int)whole, start);
    if (rc == SQLITE_OK)
        rc = log->real->pMethods->xRead(log->real, stored, STORED,
                                        before + DB_SUM_LOG_HEAD - STORED);
    if (rc != SQLITE_OK)
        return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_IOERR_DATA : rc;
    return db_sum_frame_holds(room, size, db_sum_chain_at(stored)) ? SQLITE_OK : SQLITE_IOERR_DATA;
}

/* The page of a frame whose beginning nobody of this transaction has written. */
static int read_page(struct db_sum_file *f, void *to, int size, uint32_t frame)
{
    int rc = db_sum_read_frame(f, (size_t)size, frame);

    if (rc == SQLITE_IOERR_DATA)
        return db_sum_wrong(f, frame, "the page, a frame of the log, is not as it was written");
    if (rc != SQLITE_OK)
        return rc;
    memcpy(to, f->room + DB_SUM_FRAME_HEAD, (size_t)size);
    if (f->main && db_sum_u32(f->room) == 1)
        db_sum_note_head(f->main, to);
    return SQLITE_OK;
}

/* SQLite reads the header, and frames with their headers, only to make the index anew. */
static int read_again(struct db_sum_file *f, void *to, int amount, sqlite3_int64 offset)
{
    int rc = f->real->pMethods->xRead(f->real, to, amount, offset);

    if (rc != SQLITE_OK || !f->main)
        return rc;
    if (offset == 0 && amount == DB_SUM_LOG_HEAD)
        rc = db_sum_mark_check_head(f, to);
    else if (db_sum_is_page(amount - DB_SUM_FRAME_HEAD, 0) && offset >= FRAME_FIRST)
        rc = db_sum_mark_check_frame(f, to, amount, offset);
    if (rc == SQLITE_IOERR_DATA)
        return db_sum_wrong(f, (uint32_t)(offset / amount) + 1,
                            "a frame of the log that was committed is not as it was written");
    return rc;
}

static int write_gathered(struct db_sum_file *f)
{
    size_t n = f->gathered_n;

    f->gathered_n = 0;
    if (n > 0 && f->gathered_rc == SQLITE_OK)
        f->gathered_rc = f->real->pMethods->xWrite(f->real, f->gathered, (int)n, f->gathered_at);
    return f->gathered_rc;
}

int db_sum_log_read(sqlite3_file *file, void *to, int amount, sqlite3_int64 offset)
{
    struct db_sum_file *f = own(file);
    sqlite3_int64 whole = amount + DB_SUM_FRAME_HEAD,
                  start = offset - FRAME_FIRST - DB_SUM_FRAME_HEAD;
    int rc;

    if (offset >= f->own_from) {
        rc = write_gathered(f);
        return rc == SQLITE_OK ? f->real->pMethods->xRead(f->real, to, amount, offset) : rc;
    }
    if (!db_sum_is_page(amount, 0) || start < 0 || start % whole != 0)
        return read_again(f, to, amount, offset);
    return read_page(f, to, amount, (uint32_t)(start / whole) + 1);
}

/* ---- writing ---- */

/* Behind all that the transaction has written. Without memory to gather it: as it comes. */
static int append(struct db_sum_file *f, const void *from, int amount, sqlite3_int64 offset)
{
    bool full = f->gathered_n + (size_t)amount > GATHERED_MOST;
    int rc = full ? write_gathered(f) : f->gathered_rc;

    if (rc != SQLITE_OK)
        return rc;
    if (!f->gathered)
        f->gathered = malloc(GATHERED_MOST);
    if (!f->gathered || amount > GATHERED_MOST)
        return f->real->pMethods->xWrite(f->real, from, amount, offset);
    if (f->gathered_n == 0)
        f->gathered_at = offset;
    memcpy(f->gathered + f->gathered_n, from, (size_t)amount);
    f->gathered_n += (size_t)amount;
    /* What the head of a frame says of it, db_sum_mark_wrote has read before its page comes. */
    return f->commits && amount != DB_SUM_FRAME_HEAD ? write_gathered(f) : SQLITE_OK;
}

static int overwrite(struct db_sum_file *f, const void *from, int amount, sqlite3_int64 offset)
{
    int rc = write_gathered(f);

    return rc == SQLITE_OK ? f->real->pMethods->xWrite(f->real, from, amount, offset) : rc;
}

int db_sum_log_write(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset)
{
    struct db_sum_file *f = own(file);
    int rc = SQLITE_OK;

    if (f->main && f->own_from == INT64_MAX) {
        rc = db_sum_mark_before(f, offset);
        f->end = f->tail = offset;
    }
    if (rc != SQLITE_OK)
        return rc;
    if (offset < f->own_from)
        f->own_from = offset;
    rc = f->main && offset == f->tail ? append(f, from, amount, offset)
                                      : overwrite(f, from, amount, offset);
    if (rc == SQLITE_OK)
        db_sum_mark_wrote(f, from, amount, offset);
    if (offset + amount > f->tail)
        f->tail = offset + amount;
    return rc;
}

int db_sum_log_sync(sqlite3_file *file, int flags)
{
    struct db_sum_file *f = own(file);
    int rc = write_gathered(f);

    if (rc == SQLITE_OK)
        rc = f->real->pMethods->xSync(f->real, flags);
    if (rc == SQLITE_OK && f->main)
        db_sum_mark_flushed(f);
    return rc;
}

int db_sum_log_truncate(sqlite3_file *file, sqlite3_int64 size)
{
    int rc = write_gathered(own(file));

    return rc == SQLITE_OK ? own(file)->real->pMethods->xTruncate(own(file)->real, size) : rc;
}

int db_sum_log_size(sqlite3_file *file, sqlite3_int64 *size)
{
    int rc = write_gathered(own(file));

    return rc == SQLITE_OK ? own(file)->real->pMethods->xFileSize(own(file)->real, size) : rc;
}
