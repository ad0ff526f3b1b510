/* SPDX-License-Identifier: MIT */
/*
 * The layer of checksums between SQLite and the files: opening, and reading and writing of a
 * database; its log has a file of its own (db_sum_log.c). What is neither (journals, temporary
 * files) goes by it.
 *
 * A database: every whole page that is written to the file gets its sum, in a copy, since SQLite's
 * own page must stay as it is; every whole page that is read is held against its sum. SQLite also
 * reads the file's first 100 bytes alone, to learn the size of pages, and in other modes than WAL
 * 16 bytes of them; it reads all of page 1 before it believes anything else.
 *
 * Whether a file has sums stands in its head, which a flipped byte may have changed: where it says
 * no, a page that ends with its sum nonetheless gives it away. Never the other way round: once seen
 * with sums, a connection expects them.
 *
 * A page of zeros, or one beyond the end, was never written: SQLite saves itself the writing of
 * pages that are not in use. It reads none of those, but in the transaction that takes one into use
 * again.
 */
#include "db_sum_vfs.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"
#include "db_sum_inner.h"
#include "log.h"

#define TELL_AGAIN (60 * NS_PER_S)

enum { LEAST = 512, MOST = 65536, ALIGNED = 16 };

static struct db_sum_file *own(sqlite3_file *file)
{
    return (struct db_sum_file *)file;
}

bool db_sum_is_page(int amount, sqlite3_int64 offset)
{
    return amount >= LEAST && amount <= MOST && (amount & (amount - 1)) == 0 &&
           offset % amount == 0;
}

unsigned char *db_sum_room(struct db_sum_file *f, size_t size)
{
    size_t wanted = DB_SUM_FRAME_HEAD + size;
    unsigned char *room;

    if (f->room_size >= wanted)
        return f->room;
    room = realloc(f->room, wanted);
    if (!room)
        return NULL;
    f->room = room;
    f->room_size = wanted;
    return room;
}

void db_sum_note_head(struct db_sum_file *f, const void *head)
{
    if (f->state != DB_SUM_THERE)
        f->state = db_sum_in_head(head) ? DB_SUM_THERE : DB_SUM_NONE;
}

/* Not the same page again and again: a list may ask for it a hundred times a second. */
int db_sum_wrong(struct db_sum_file *f, uint32_t page, const char *what)
{
    int64_t now = clock_mono();
    char room[LOG_QUOTE_MAX];

    if (page != f->told_page || now - f->told_at > TELL_AGAIN) {
        log_error("page",
                  "file=%s page=%u error=\"%s\" note=\"it is damaged, or was written by another "
                  "program while none of Anteroom's was there: see anteroom check --resum\"",
                  log_quote(room, f->name ? f->name : ""), (unsigned)page, what);
        f->told_page = page;
        f->told_at = now;
    }
    return SQLITE_IOERR_DATA;
}

static bool all_zero(const unsigned char *p, size_t n)
{
    return p[0] == 0 && memcmp(p, p + 1, n - 1) == 0;
}

static int check_page(struct db_sum_file *f, void *page, int size, sqlite3_int64 offset, int rc)
{
    uint32_t number = (uint32_t)(offset / size) + 1;

    if (f->lenient || f->state == DB_SUM_FRESH)
        return rc;
    if (f->state == DB_SUM_NONE)
        return db_sum_denied(page, (size_t)size, number)
                   ? db_sum_wrong(f, number,
                                  "the head of the file denies that pages have checksums")
                   : rc;
    if (db_sum_holds(page, (size_t)size, number) || (f->writing && all_zero(page, (size_t)size)))
        return rc;
    return db_sum_wrong(f, number, "the page is not as it was written");
}

static int read_database(sqlite3_file *file, void *to, int amount, sqlite3_int64 offset)
{
    struct db_sum_file *f = own(file);
    int rc = f->real->pMethods->xRead(f->real, to, amount, offset);

    if (rc != SQLITE_OK && rc != SQLITE_IOERR_SHORT_READ)
        return rc;
    if (rc == SQLITE_OK && offset == 0 && amount >= DB_SUM_HEAD)
        db_sum_note_head(f, to);
    return db_sum_is_page(amount, offset) ? check_page(f, to, amount, offset, rc) : rc;
}

/* The first page says whether there are sums. In a new file it may be written last. */
static int note_written_head(struct db_sum_file *f, const void *head)
{
    if (f->state == DB_SUM_FRESH && f->summed && !db_sum_in_head(head))
        return db_sum_wrong(f, 1, "SQLite was not asked to keep the place of checksums");
    db_sum_note_head(f, head);
    return SQLITE_OK;
}

static int write_database(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset)
{
    struct db_sum_file *f = own(file);
    unsigned char *room;
    int rc = SQLITE_OK;

    if (offset == 0 && amount >= DB_SUM_HEAD)
        rc = note_written_head(f, from);
    if (rc != SQLITE_OK)
        return rc;
    if (f->state == DB_SUM_NONE || !db_sum_is_page(amount, offset))
        return f->real->pMethods->xWrite(f->real, from, amount, offset);
    room = db_sum_room(f, (size_t)amount);
    if (!room)
        return SQLITE_IOERR_NOMEM;
    memcpy(room, from, (size_t)amount);
    db_sum_put(room, (size_t)amount, (uint32_t)(offset / amount) + 1);
    f->summed = true;
    return f->real->pMethods->xWrite(f->real, room, amount, offset);
}

/* ---- what is handed on ---- */

static int close_file(sqlite3_file *file)
{
    struct db_sum_file *f = own(file);

    db_sum_log_close(f);
    db_sum_mark_close(f);
    free(f->room);
    f->room = NULL;
    return f->real->pMethods->xClose(f->real);
}

static int truncate_file(sqlite3_file *file, sqlite3_int64 size)
{
    return own(file)->real->pMethods->xTruncate(own(file)->real, size);
}

static int sync_file(sqlite3_file *file, int flags)
{
    return own(file)->real->pMethods->xSync(own(file)->real, flags);
}

static int file_size(sqlite3_file *file, sqlite3_int64 *size)
{
    return own(file)->real->pMethods->xFileSize(own(file)->real, size);
}

/* In other modes than WAL: who is to write has the file reserved, or for himself. */
static int lock_file(sqlite3_file *file, int level)
{
    int rc = own(file)->real->pMethods->xLock(own(file)->real, level);

    if (rc == SQLITE_OK && level >= SQLITE_LOCK_RESERVED)
        own(file)->writing = true;
    return rc;
}

static int unlock_file(sqlite3_file *file, int level)
{
    if (level < SQLITE_LOCK_RESERVED)
        own(file)->writing = false;
    return own(file)->real->pMethods->xUnlock(own(file)->real, level);
}

static int check_reserved(sqlite3_file *file, int *is)
{
    return own(file)->real->pMethods->xCheckReservedLock(own(file)->real, is);
}

/* Before the log's pages are written into the file: another program may have made it one with sums
 * since this connection has read anything. */
static int control(sqlite3_file *file, int op, void *arg)
{
    struct db_sum_file *f = own(file);
    unsigned char head[DB_SUM_HEAD];

    if (op == SQLITE_FCNTL_CKPT_START && f->state != DB_SUM_THERE &&
        f->real->pMethods->xRead(f->real, head, sizeof head, 0) == SQLITE_OK)
        db_sum_note_head(f, head);
    return f->real->pMethods->xFileControl(f->real, op, arg);
}

static int sector_size(sqlite3_file *file)
{
    return own(file)->real->pMethods->xSectorSize(own(file)->real);
}

static int characteristics(sqlite3_file *file)
{
    return own(file)->real->pMethods->xDeviceCharacteristics(own(file)->real);
}

static int shm_map(sqlite3_file *file, int region, int size, int extend, void volatile **p)
{
    return own(file)->real->pMethods->xShmMap(own(file)->real, region, size, extend, p);
}

static void shm_barrier(sqlite3_file *file)
{
    own(file)->real->pMethods->xShmBarrier(own(file)->real);
}

/* ---- opening ---- */

#define COMMON_METHODS                                                                             \
    .xClose = close_file, .xLock = lock_file, .xUnlock = unlock_file,                              \
    .xCheckReservedLock = check_reserved, .xFileControl = control, .xSectorSize = sector_size,     \
    .xDeviceCharacteristics = characteristics
#define DATABASE_METHODS                                                                           \
    COMMON_METHODS, .xRead = read_database, .xWrite = write_database, .xTruncate = truncate_file,  \
                    .xSync = sync_file, .xFileSize = file_size

/* Version 2, since pages that are mapped into memory would be read past this. */
static const sqlite3_io_methods database_methods = {.iVersion = 2,
                                                    DATABASE_METHODS,
                                                    .xShmMap = shm_map,
                                                    .xShmLock = db_sum_shm_lock,
                                                    .xShmBarrier = shm_barrier,
                                                    .xShmUnmap = db_sum_shm_unmap};
static const sqlite3_io_methods unshared_methods = {.iVersion = 1, DATABASE_METHODS};
static const sqlite3_io_methods log_methods = {.iVersion = 1,
                                               COMMON_METHODS,
                                               .xRead = db_sum_log_read,
                                               .xWrite = db_sum_log_write,
                                               .xTruncate = db_sum_log_truncate,
                                               .xSync = db_sum_log_sync,
                                               .xFileSize = db_sum_log_size};

static bool is_database(const sqlite3_file *file)
{
    return file->pMethods == &database_methods || file->pMethods == &unshared_methods;
}

static const sqlite3_io_methods *methods_of(const struct db_sum_file *f, int flags)
{
    const sqlite3_io_methods *real = f->real->pMethods;

    if (flags & SQLITE_OPEN_WAL)
        return &log_methods;
    return real->iVersion >= 2 && real->xShmMap ? &database_methods : &unshared_methods;
}

/* Room in front of the file's own structure; a multiple of what any structure is aligned to. */
static size_t front(void)
{
    return (sizeof(struct db_sum_file) + ALIGNED - 1) / ALIGNED * ALIGNED;
}

static sqlite3_vfs *under(sqlite3_vfs *vfs)
{
    return vfs->pAppData;
}

static int open_file(sqlite3_vfs *vfs, const char *name, sqlite3_file *file, int flags, int *out)
{
    struct db_sum_file *f = own(file);
    sqlite3_file *main;
    int rc;

    if (!(flags & (SQLITE_OPEN_MAIN_DB | SQLITE_OPEN_WAL)))
        return under(vfs)->xOpen(under(vfs), name, file, flags, out);
    *f = (struct db_sum_file){.name = name, .own_from = INT64_MAX, .mark_fd = -1};
    f->real = (sqlite3_file *)((char *)file + front());
    f->real->pMethods = NULL;
    rc = under(vfs)->xOpen(under(vfs), name, f->real, flags, out);
    if (rc != SQLITE_OK) {
        if (f->real->pMethods)
            (void)f->real->pMethods->xClose(f->real);
        return rc;
    }
    file->pMethods = methods_of(f, flags);
    main = flags & SQLITE_OPEN_WAL && name ? sqlite3_database_file_object(name) : NULL;
    if (main && is_database(main)) {
        f->main = own(main);
        f->main->log = f;
    }
    return SQLITE_OK;
}

static int delete_file(sqlite3_vfs *vfs, const char *name, int sync)
{
    return under(vfs)->xDelete(under(vfs), name, sync);
}

static int access_file(sqlite3_vfs *vfs, const char *name, int flags, int *is)
{
    return under(vfs)->xAccess(under(vfs), name, flags, is);
}

static int full_path(sqlite3_vfs *vfs, const char *name, int n, char *to)
{
    return under(vfs)->xFullPathname(under(vfs), name, n, to);
}

static int randomness(sqlite3_vfs *vfs, int n, char *to)
{
    return under(vfs)->xRandomness(under(vfs), n, to);
}

static int pause_for(sqlite3_vfs *vfs, int us)
{
    return under(vfs)->xSleep(under(vfs), us);
}

static int current_time(sqlite3_vfs *vfs, double *days)
{
    return under(vfs)->xCurrentTime(under(vfs), days);
}

static int last_error(sqlite3_vfs *vfs, int n, char *to)
{
    return under(vfs)->xGetLastError(under(vfs), n, to);
}

static int current_time_ms(sqlite3_vfs *vfs, sqlite3_int64 *ms)
{
    return under(vfs)->xCurrentTimeInt64(under(vfs), ms);
}

/* Without xDl…: extensions are never loaded. */
#define VFS(its_name)                                                                              \
    {                                                                                              \
        .iVersion = 2, .zName = (its_name), .xOpen = open_file, .xDelete = delete_file,            \
        .xAccess = access_file, .xFullPathname = full_path, .xRandomness = randomness,             \
        .xSleep = pause_for, .xCurrentTime = current_time, .xGetLastError = last_error,            \
        .xCurrentTimeInt64 = current_time_ms                                                       \
    }

static sqlite3_vfs layers[] = {
    [DB_SUM_DEFAULT] = VFS("anteroom"), [DB_SUM_UNLOCKED] = VFS("anteroom-unlocked")};
static bool registered[ARRAY_LEN(layers)];

static void register_layers(void)
{
    static const char *const names[] = {[DB_SUM_DEFAULT] = NULL, [DB_SUM_UNLOCKED] = "unix-none"};
    size_t i;

    for (i = 0; i < ARRAY_LEN(layers); i++) {
        sqlite3_vfs *found = sqlite3_vfs_find(names[i]);

        if (!found)
            continue;
        layers[i].pAppData = found;
        layers[i].mxPathname = found->mxPathname;
        layers[i].szOsFile = (int)front() + found->szOsFile;
        registered[i] = sqlite3_vfs_register(&layers[i], 0) == SQLITE_OK;
    }
}

/* A connection is one thread's at a time; no count of allocations under one lock, no room for
 * twenty pages for each connection at once. Before SQLite starts, which it does for the first
 * layer. */
static void set_up_sqlite(void)
{
    (void)sqlite3_config(SQLITE_CONFIG_MULTITHREAD);
    (void)sqlite3_config(SQLITE_CONFIG_MEMSTATUS, 0);
    (void)sqlite3_config(SQLITE_CONFIG_PAGECACHE, NULL, 0, 0);
    register_layers();
}

const char *db_sum_vfs(enum db_sum_under which)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;

    (void)pthread_once(&once, set_up_sqlite);
    return registered[which] ? layers[which].zName : NULL;
}

/* ---- a connection's ---- */

void db_sum_ask(sqlite3 *handle)
{
    int bytes = DB_SUM_BYTES;

    (void)sqlite3_file_control(handle, "main", SQLITE_FCNTL_RESERVE_BYTES, &bytes);
}

struct db_sum_file *db_sum_file(sqlite3 *handle)
{
    sqlite3_file *file = NULL;

    if (sqlite3_file_control(handle, "main", SQLITE_FCNTL_FILE_POINTER, &file) != SQLITE_OK ||
        !file || !file->pMethods || !is_database(file))
        return NULL;
    return own(file);
}

bool db_sum_on(const struct db_sum_file *f)
{
    return f && f->state == DB_SUM_THERE;
}

void db_sum_lenient(struct db_sum_file *f, bool lenient)
{
    f->lenient = lenient;
}
