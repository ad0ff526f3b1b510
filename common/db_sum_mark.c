/* SPDX-License-Identifier: MIT */
/*
 * How far the log is committed, in a file of its own beside the database.
 *
 * After a crash SQLite takes the log up to the first frame that is wrong, as one whose writing was
 * interrupted is: a byte that has been flipped in the middle would silently undo all commits from
 * there on. So it is written down, after the flush of each commit, where the commit ends, and with
 * which salt the log was begun. What is before that must be right.
 *
 * The mark is not flushed: an older one says less, and nothing wrong. But before the log is written
 * again from its start, or from a commit on that nobody has heard of (its process was killed
 * between the flush and the index), the mark is taken back, and that is flushed. A log that was
 * deleted, or begun by a program that knows nothing of marks, has another salt.
 *
 * All of this by who has SQLite's lock of the one writer; SQLite makes the index anew under it,
 * too.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "db_file.h"
#include "db_sum_inner.h"

enum { MODE = 0660, SALT_AT = 16 };

struct stored {
    char magic[8];
    unsigned char salt[DB_SUM_SALT];
    uint64_t end;
    uint64_t check; /* of what is before, by the same rule as a page's */
};

static const char magic[8] = "antemark";

static uint64_t check_of(const struct stored *s)
{
    unsigned char page[512] = {0};

    memcpy(page, s, offsetof(struct stored, check));
    return db_sum_of(page, sizeof page, 0);
}

/* Who only looks makes none, and may have no more than the right to read. Else errno says why. */
static bool is_open(struct db_sum_file *main, int make)
{
    enum { FLAGS = O_CLOEXEC | O_NOFOLLOW };
    char path[PATH_MAX + 8];

    if (main->mark_fd >= 0)
        return true;
    errno = ENOENT;
    if (!main->name)
        return false;
    (void)snprintf(path, sizeof path, "%s.mark", main->name);
    main->mark_fd = open(path, O_RDWR | make | FLAGS, MODE);
    if (main->mark_fd < 0 && !make && (errno == EACCES || errno == EROFS))
        main->mark_fd = open(path, O_RDONLY | FLAGS);
    if (make && main->mark_fd >= 0)
        db_file_give(main->mark_fd, path);
    return main->mark_fd >= 0;
}

void db_sum_mark_close(struct db_sum_file *main)
{
    if (main->mark_fd >= 0)
        (void)close(main->mark_fd);
    main->mark_fd = -1;
}

/* All zero where there is none, or none that is whole. SQLITE_OK; or an error: there may be one,
 * which others will read, and so it must not be taken for none. */
static int read_mark(struct db_sum_file *main, struct stored *s)
{
    ssize_t n;

    *s = (struct stored){0};
    if (!is_open(main, 0))
        return errno == ENOENT ? SQLITE_OK : SQLITE_CANTOPEN;
    n = pread(main->mark_fd, s, sizeof *s, 0);
    if (n != (ssize_t)sizeof *s || memcmp(s->magic, magic, sizeof magic) != 0 ||
        s->check != check_of(s))
        *s = (struct stored){0};
    return n < 0 ? SQLITE_IOERR_READ : SQLITE_OK;
}

static bool write_mark(struct db_sum_file *main, struct stored s)
{
    memcpy(s.magic, magic, sizeof magic);
    s.check = check_of(&s);
    return is_open(main, O_CREAT) && pwrite(main->mark_fd, &s, sizeof s, 0) == (ssize_t)sizeof s;
}

int db_sum_mark_before(struct db_sum_file *log, sqlite3_int64 offset)
{
    struct stored s, was;
    int rc = read_mark(log->main, &was);

    if (rc != SQLITE_OK || was.end <= (uint64_t)offset)
        return rc;
    s = was;
    s.end = (uint64_t)offset;
    errno = 0;
    if (write_mark(log->main, s) && fdatasync(log->main->mark_fd) == 0)
        return SQLITE_OK;
    /* Where even what is there is written elsewhere (btrfs, ZFS) a full disk is met here first. */
    rc = errno == ENOSPC || errno == EDQUOT ? SQLITE_FULL : SQLITE_IOERR_WRITE;
    /* The disk may still have the old one; whoever tries next is to see it, and flush again. */
    (void)write_mark(log->main, was);
    return rc;
}

void db_sum_mark_wrote(struct db_sum_file *log, const void *from, int amount, sqlite3_int64 offset)
{
    const unsigned char *p = from;

    if (amount == DB_SUM_FRAME_HEAD && offset >= DB_SUM_LOG_HEAD) {
        log->commits = db_sum_u32(p + 4) != 0;
        memcpy(log->salt, p + 8, DB_SUM_SALT);
        /* What a savepoint or a statement took back lies behind the frame that commits. */
        if (log->commits)
            log->end = offset + amount + log->page_size;
    } else if (db_sum_is_page(amount, 0)) {
        log->page_size = amount;
    }
    if (offset + amount > log->end)
        log->end = offset + amount;
}

void db_sum_mark_flushed(struct db_sum_file *log)
{
    struct stored s = {.end = (uint64_t)log->end};

    if (!log->commits)
        return;
    memcpy(s.salt, log->salt, DB_SUM_SALT);
    (void)write_mark(log->main, s);
    log->commits = false;
}

int db_sum_mark_check_head(struct db_sum_file *log, const void *head)
{
    struct stored s;
    sqlite3_int64 size = 0;
    int rc = read_mark(log->main, &s);

    log->must = 0;
    if (rc != SQLITE_OK || s.end <= DB_SUM_LOG_HEAD)
        return rc;
    if (!db_sum_log_head_holds(head))
        return SQLITE_IOERR_DATA;
    if (memcmp((const unsigned char *)head + SALT_AT, s.salt, DB_SUM_SALT) != 0)
        return SQLITE_OK;
    memcpy(log->salt, s.salt, DB_SUM_SALT);
    log->must = (sqlite3_int64)s.end;
    if (log->real->pMethods->xFileSize(log->real, &size) == SQLITE_OK && size < log->must)
        return SQLITE_IOERR_DATA;
    return SQLITE_OK;
}

int db_sum_mark_check_frame(struct db_sum_file *log, const void *frame, int amount,
                            sqlite3_int64 offset)
{
    size_t size = (size_t)amount - DB_SUM_FRAME_HEAD;
    int rc;

    if (offset + amount > log->must)
        return SQLITE_OK;
    if (memcmp((const unsigned char *)frame + 8, log->salt, DB_SUM_SALT) != 0)
        return SQLITE_IOERR_DATA;
    rc = db_sum_read_frame(log, size, (uint32_t)((offset - DB_SUM_LOG_HEAD) / amount) + 1);
    return rc;
}
