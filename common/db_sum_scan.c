/* SPDX-License-Identifier: MIT */
/*
 * A whole file, and the log of it, held against their checksums, whatever is in use of them.
 *
 * A page that is wrong may be one that somebody writes at this moment, from the log: it is looked
 * at again, and one that is in the log is never read from the file. A page of zeros is one that was
 * never written, or else a page in use, which the reading of all rows finds.
 *
 * How much of the log is committed stands in its index, which all who have the database open share;
 * the log may be begun anew meanwhile, with another salt, once all of it is in the file.
 */
#include <string.h>

#include "db_sum_inner.h"

enum {
    AGAIN = 5,       /* times, for a page that is wrong, */
    AGAIN_MS = 20,   /* between them, */
    AGAIN_FOR = 20,  /* for so many pages: where more are wrong nobody is just writing them */
    LARGEST = 65536, /* page; its size is written as 1 */
    PAGE_SIZE_AT = 16,
    INDEX = 32768, /* bytes of the index's first part */
    SALT_AT = 16,  /* in the log's header; in a frame's: */
    FRAME_SALT = 8,
};

#define LOCKED_PAGE_AT INT64_C(0x40000000) /* is never written: SQLite's locks are there */

/* What the index begins with, twice; numbers in the machine's order, but the salt. */
struct index_head {
    uint32_t version, unused, change;
    uint8_t valid, big_endian;
    uint16_t page_size;
    uint32_t frames, pages;
    uint32_t chain[2];
    unsigned char salt[DB_SUM_SALT];
    uint32_t sum[2];
};

struct scan {
    db_sum_fault_fn *fn;
    void *ctx;
    struct db_sum_file *f;
    size_t size;    /* of a page */
    uint32_t pages; /* of the database */
    struct index_head index;
    int faults;
    bool ended; /* by fn */
};

static void tell(struct scan *c, const struct db_sum_fault *fault)
{
    c->faults++;
    c->ended = !c->fn(c->ctx, fault);
}

/* No frames where there is no log, or none that is committed. */
static void read_index(struct scan *c)
{
    void volatile *p = NULL;
    struct index_head two[2] = {{0}};
    size_t n;
    int i;

    c->index = (struct index_head){0};
    if (!c->f->log || !c->f->real->pMethods->xShmMap ||
        c->f->real->pMethods->xShmMap(c->f->real, 0, INDEX, 0, &p) != SQLITE_OK || !p)
        return;
    for (i = 0; i < AGAIN; i++) {
        for (n = 0; n < sizeof two; n++)
            ((unsigned char *)two)[n] = ((const unsigned char volatile *)p)[n];
        if (memcmp(&two[0], &two[1], sizeof two[0]) == 0)
            break;
        (void)sqlite3_sleep(1);
    }
    if (two[1].valid)
        c->index = two[1];
}

static bool is_in_log(struct scan *c, uint32_t page)
{
    unsigned char head[DB_SUM_FRAME_HEAD];
    sqlite3_file *log = c->f->log ? c->f->log->real : NULL;
    sqlite3_int64 at = DB_SUM_LOG_HEAD;
    uint32_t i;

    read_index(c);
    for (i = 0; i < c->index.frames; i++, at += DB_SUM_FRAME_HEAD + c->size) {
        if (log->pMethods->xRead(log, head, sizeof head, at) == SQLITE_OK &&
            db_sum_u32(head) == page)
            return true;
    }
    return false;
}

static bool is_zero(const unsigned char *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

/* 1 right, 0 wrong, -1 *rc. */
static int look_at_page(struct scan *c, uint32_t page, int *rc)
{
    unsigned char *room = db_sum_room(c->f, c->size);
    sqlite3_file *real = c->f->real;

    *rc = room ? real->pMethods->xRead(real, room, (int)c->size,
                                       (sqlite3_int64)(page - 1) * (sqlite3_int64)c->size)
               : SQLITE_NOMEM;
    if (*rc == SQLITE_IOERR_SHORT_READ)
        return 1;
    if (*rc != SQLITE_OK)
        return -1;
    if (!db_sum_on(c->f))
        return !db_sum_denied(room, c->size, page);
    return db_sum_holds(room, c->size, page) || is_zero(room, c->size);
}

/* Is it wrong, whenever one looks, and in use? As look_at_page. */
static int look_again(struct scan *c, uint32_t page, int *rc)
{
    int tries = 0, right = 0;

    while (right == 0 && c->f->log && c->faults < AGAIN_FOR && tries++ < AGAIN) {
        if (is_in_log(c, page))
            return 1;
        if (c->index.frames == 0)
            return 0; /* nothing is in the log that anybody could be writing */
        (void)sqlite3_sleep(AGAIN_MS);
        right = look_at_page(c, page, rc);
    }
    return right == 0 && c->f->log ? is_in_log(c, page) : right;
}

static int scan_pages(struct scan *c)
{
    uint32_t page, locked = c->size ? (uint32_t)(LOCKED_PAGE_AT / (int64_t)c->size) + 1 : 0;
    int right, rc = SQLITE_OK;

    for (page = 1; page <= c->pages && !c->ended; page++) {
        right = page == locked ? 1 : look_at_page(c, page, &rc);
        if (right == 0)
            right = look_again(c, page, &rc);
        if (right < 0)
            return rc;
        if (right == 0)
            tell(c, &(struct db_sum_fault){.page = page});
        if (right == 0 && page == 1 && !db_sum_on(c->f))
            break; /* it is the head that is wrong, and not all pages */
    }
    return SQLITE_OK;
}

/* ---- the log ---- */

static bool is_begun_anew(struct scan *c)
{
    struct index_head before = c->index;

    read_index(c);
    return c->index.frames == 0 || memcmp(before.salt, c->index.salt, DB_SUM_SALT) != 0;
}

/* 1 right, 0 wrong, -1 *rc. */
static int look_at_log_head(struct scan *c, int *rc)
{
    unsigned char head[DB_SUM_LOG_HEAD];
    sqlite3_file *log = c->f->log->real;

    *rc = log->pMethods->xRead(log, head, sizeof head, 0);
    if (*rc == SQLITE_IOERR_SHORT_READ)
        return 0;
    if (*rc != SQLITE_OK)
        return -1;
    return db_sum_log_head_holds(head) && memcmp(head + SALT_AT, c->index.salt, DB_SUM_SALT) == 0;
}

static int look_at_frame(struct scan *c, uint32_t frame, int *rc)
{
    *rc = db_sum_read_frame(c->f->log, c->size, frame);
    if (*rc == SQLITE_IOERR_DATA)
        return 0;
    if (*rc != SQLITE_OK)
        return -1;
    return memcmp(c->f->log->room + FRAME_SALT, c->index.salt, DB_SUM_SALT) == 0;
}

static int scan_log(struct scan *c)
{
    uint32_t frame, frames;
    int right, rc = SQLITE_OK;

    read_index(c);
    frames = c->index.frames;
    for (frame = 0; frames > 0 && frame <= frames && !c->ended; frame++) {
        right = frame == 0 ? look_at_log_head(c, &rc) : look_at_frame(c, frame, &rc);
        if (right < 0)
            return rc;
        if (right == 0 && is_begun_anew(c))
            break;
        if (right == 0)
            tell(c, &(struct db_sum_fault){.in_log = true,
                                           .frame = frame,
                                           .page = frame ? db_sum_u32(c->f->log->room) : 0});
    }
    return SQLITE_OK;
}

/* By the index where there are frames, which may have made the database longer or shorter; else as
 * the file's head says, and as long as the file is. */
static int measure(struct scan *c)
{
    unsigned char head[DB_SUM_HEAD];
    sqlite3_int64 bytes;
    int rc = c->f->real->pMethods->xRead(c->f->real, head, sizeof head, 0);

    if (rc == SQLITE_OK)
        rc = c->f->real->pMethods->xFileSize(c->f->real, &bytes);
    if (rc != SQLITE_OK)
        return rc == SQLITE_IOERR_SHORT_READ ? SQLITE_OK : rc; /* an empty one */
    read_index(c);
    c->size = (size_t)head[PAGE_SIZE_AT] << 8 | head[PAGE_SIZE_AT + 1];
    if (c->index.frames > 0)
        c->size = c->index.page_size;
    if (c->size == 1)
        c->size = LARGEST;
    if (!db_sum_is_page((int)c->size, 0))
        return SQLITE_NOTADB;
    c->pages = c->index.frames > 0 ? c->index.pages : (uint32_t)(bytes / (sqlite3_int64)c->size);
    return SQLITE_OK;
}

int db_sum_scan(sqlite3 *handle, db_sum_fault_fn *fn, void *ctx, struct err *e)
{
    struct scan c = {.fn = fn, .ctx = ctx, .f = db_sum_file(handle)};
    int rc;

    if (!c.f)
        return err_set(e, ERR_INTERNAL, "the file was not opened with checksums");
    rc = measure(&c);
    if (rc == SQLITE_OK && c.f->log && c.size)
        rc = scan_log(&c);
    if (rc == SQLITE_OK)
        rc = scan_pages(&c);
    if (rc == SQLITE_NOTADB) {
        tell(&c, &(struct db_sum_fault){.page = 1}); /* its size of pages is none */
        rc = SQLITE_OK;
    }
    if (rc != SQLITE_OK)
        return err_set(e, ERR_UNAVAILABLE, "a page could not be read: %s (SQLite %d)",
                       sqlite3_errstr(rc), rc);
    return 0;
}
