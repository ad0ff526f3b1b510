/* SPDX-License-Identifier: MIT */
/*
 * What a power cut takes away: all that was written and not flushed. Loaded before libc, it lies
 * under SQLite's own VFS, and so under any that wraps it: every operation on the watched files is
 * made as it would be, and is noted (power_log.h) in one order for all processes. A flush of a file
 * or of the directory is noted only: that note is what makes durable. power_cut.c makes of the log
 * the disk as it may be found after a cut at any of its places. Being below the VFS, it need not
 * guess which directories SQLite flushes when, and it also sees what is not SQLite's: the flush and
 * the new name of a backup.
 *
 *   ANTEROOM_POWER_DIR     the directory; without it nothing is watched
 *   ANTEROOM_POWER_LOG     the log; without it operations are only counted
 *   ANTEROOM_POWER_FLUSH   microseconds that a flush takes
 *   ANTEROOM_POWER_KILL    kill -9 in place of the operation of this number, of this process
 *   ANTEROOM_POWER_FULL    from the operation of this number on the disk takes no more
 *
 * Watched are databases, their WALs, marks and journals, and copies that are being made. Operations
 * on the -shm file and on SQLite's temporary files count, but are not noted: nobody expects them
 * back.
 */
#undef _FORTIFY_SOURCE /* its headers have their own open() */

#include "power_note.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FDS = 4096,
    COUNTED = -1,  /* operations on it are counted, not noted */
    DIRECTORY = -2 /* the watched one */
};

static struct {
    int (*open)(const char *path, int flags, ...);
    int (*close)(int fd);
    ssize_t (*write)(int fd, const void *p, size_t n);
    ssize_t (*pwrite)(int fd, const void *p, size_t n, off_t at);
    int (*ftruncate)(int fd, off_t length);
    int (*fsync)(int fd);
    int (*fdatasync)(int fd);
    int (*unlink)(const char *path);
    int (*rename)(const char *from, const char *to);
    int (*renameat2)(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
} real;

static struct {
    bool on;
    dev_t dev; /* of the directory */
    ino_t ino;
    struct power_head *head; /* NULL: no log */
    useconds_t flush;
    uint64_t kill, full;
    atomic_uint_fast64_t steps;
    atomic_int fd[FDS]; /* 0: not watched; a file's number; or COUNTED, DIRECTORY */
} power;

static void resolve(void)
{
    *(void **)&real.open = dlsym(RTLD_NEXT, "open");
    *(void **)&real.close = dlsym(RTLD_NEXT, "close");
    *(void **)&real.write = dlsym(RTLD_NEXT, "write");
    *(void **)&real.pwrite = dlsym(RTLD_NEXT, "pwrite");
    *(void **)&real.ftruncate = dlsym(RTLD_NEXT, "ftruncate");
    *(void **)&real.fsync = dlsym(RTLD_NEXT, "fsync");
    *(void **)&real.fdatasync = dlsym(RTLD_NEXT, "fdatasync");
    *(void **)&real.unlink = dlsym(RTLD_NEXT, "unlink");
    *(void **)&real.rename = dlsym(RTLD_NEXT, "rename");
    *(void **)&real.renameat2 = dlsym(RTLD_NEXT, "renameat2");
}

static uint64_t number(const char *name)
{
    const char *text = getenv(name);

    return text ? strtoull(text, NULL, 10) : 0;
}

static struct power_head *open_log(const char *path)
{
    int fd = real.open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    struct power_head *head;

    if (fd < 0 || flock(fd, LOCK_EX) != 0 || real.ftruncate(fd, (off_t)POWER_SIZE) != 0)
        die("no log");
    head = power_map(fd);
    (void)flock(fd, LOCK_UN); /* what is mapped would keep it */
    (void)real.close(fd);
    return head;
}

__attribute__((constructor)) static void start(void)
{
    const char *dir = getenv("ANTEROOM_POWER_DIR"), *log = getenv("ANTEROOM_POWER_LOG");
    struct stat st;

    resolve();
    if (!dir)
        return;
    if (stat(dir, &st) != 0)
        die("the directory is not there");
    power.dev = st.st_dev;
    power.ino = st.st_ino;
    power.flush = (useconds_t)number("ANTEROOM_POWER_FLUSH");
    power.kill = number("ANTEROOM_POWER_KILL");
    power.full = number("ANTEROOM_POWER_FULL");
    power.head = log ? open_log(log) : NULL;
    power.on = true;
}

static void note(enum power_kind kind, int file, int64_t offset, const void *data, size_t n)
{
    power_note(power.head, (struct power_record){(uint32_t)kind, (uint32_t)file, offset, n}, data);
}

/* ---- names ---- */

static const char *base_of(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

static bool ends(const char *text, const char *end)
{
    size_t n = strlen(text), m = strlen(end);

    return n >= m && strcmp(text + n - m, end) == 0;
}

/* 1: noted; COUNTED; 0: not watched. */
static int kind_of_name(const char *name)
{
    static const char *const noted[] = {".db",      ".db-wal",  ".db-journal",
                                        ".db.mark", ".db.part", ".db.part-journal"};
    size_t i;

    for (i = 0; i < sizeof noted / sizeof noted[0]; i++) {
        if (ends(name, noted[i]))
            return 1;
    }
    return ends(name, ".db-shm") || strncmp(name, "etilqs_", 7) == 0 ? COUNTED : 0;
}

static int watched(const char *path)
{
    const char *name = base_of(path);
    int kind = power.on ? kind_of_name(name) : 0;
    char dir[4096];
    struct stat st;

    if (kind == 0 || strncmp(name, "etilqs_", 7) == 0)
        return kind;
    (void)snprintf(dir, sizeof dir, "%.*s.", (int)(name - path), path);
    if (stat(dir, &st) != 0 || st.st_dev != power.dev || st.st_ino != power.ino)
        return 0;
    if (strlen(name) >= POWER_NAME)
        die("a name is too long");
    return kind;
}

/* ---- what is counted ---- */

/* The next operation. 0, or -1 where the disk is full and it wants to write. */
static int step(bool writes)
{
    uint64_t n = atomic_fetch_add(&power.steps, 1) + 1;

    if (power.head)
        (void)__atomic_fetch_add(&power.head->steps, 1, __ATOMIC_RELAXED);
    if (n == power.kill) {
        (void)kill(getpid(), SIGKILL);
        for (;;)
            (void)pause();
    }
    if (writes && power.full && n >= power.full) {
        errno = ENOSPC;
        return -1;
    }
    return 0;
}

static int what_is(int fd)
{
    return fd >= 0 && fd < FDS ? atomic_load(&power.fd[fd]) : 0;
}

static void set_fd(int fd, int what)
{
    if (fd >= FDS && what != 0)
        die("a descriptor is too large");
    if (fd >= 0 && fd < FDS)
        atomic_store(&power.fd[fd], what);
}

/* ---- in place of libc's ---- */

static int open_directory(const char *path, int flags, mode_t mode)
{
    int fd = real.open(path, flags, mode);
    struct stat st;

    if (fd < 0)
        return fd;
    set_fd(fd, 0);
    if (power.on && (flags & O_ACCMODE) == O_RDONLY && fstat(fd, &st) == 0 && S_ISDIR(st.st_mode) &&
        st.st_dev == power.dev && st.st_ino == power.ino)
        set_fd(fd, DIRECTORY);
    return fd;
}

/* Under the lock: the file is open, and was there before or not. */
static int note_open(const char *name, bool was_there, bool cut)
{
    int file = power_file(power.head, name);

    if (file == 0 && power.head) {
        file = (int)++power.head->files;
        power_name(power.head, name, file);
        power_note_names(power.head, was_there ? POWER_FOUND : POWER_CREATE, file, name, NULL);
    }
    if (cut)
        note(POWER_TRUNCATE, file, 0, NULL, 0);
    return file ? file : COUNTED;
}

static int open_watched(const char *path, int flags, mode_t mode, int kind)
{
    bool was_there;
    int fd = -1;

    power_lock(power.head);
    was_there = access(path, F_OK) == 0;
    if (!(was_there ? flags & O_TRUNC : flags & O_CREAT) || step(!was_there) == 0)
        fd = real.open(path, flags, mode);
    if (fd >= 0)
        set_fd(fd, kind == COUNTED ? kind : note_open(base_of(path), was_there, flags & O_TRUNC));
    power_unlock(power.head);
    return fd;
}

static int open_any(const char *path, int flags, mode_t mode)
{
    int kind;

    if (!real.open)
        resolve();
    kind = watched(path);
    return kind == 0 ? open_directory(path, flags, mode) : open_watched(path, flags, mode, kind);
}

static mode_t mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

int open(const char *path, int flags, ...)
{
    va_list args;
    mode_t mode;

    va_start(args, flags);
    mode = mode_of(flags, args);
    va_end(args);
    return open_any(path, flags, mode);
}

int open64(const char *path, int flags, ...) __attribute__((alias("open")));

int close(int fd)
{
    if (!real.close)
        resolve();
    set_fd(fd, 0);
    return real.close(fd);
}

static ssize_t write_watched(int fd, int file, const void *p, size_t n, off_t at)
{
    ssize_t rc = -1;

    power_lock(power.head);
    if (step(true) == 0)
        rc = real.pwrite(fd, p, n, at);
    if (rc > 0 && file != COUNTED)
        note(POWER_WRITE, file, at, p, (size_t)rc);
    power_unlock(power.head);
    return rc;
}

ssize_t pwrite(int fd, const void *p, size_t n, off_t at)
{
    int file = what_is(fd);

    if (!real.pwrite)
        resolve();
    return file == 0 ? real.pwrite(fd, p, n, at) : write_watched(fd, file, p, n, at);
}

ssize_t pwrite64(int fd, const void *p, size_t n, off64_t at)
{
    return pwrite(fd, p, n, at);
}

ssize_t write(int fd, const void *p, size_t n)
{
    int file = what_is(fd);
    off_t at;
    ssize_t rc;

    if (!real.write)
        resolve();
    if (file == 0)
        return real.write(fd, p, n);
    at = lseek(fd, 0, SEEK_CUR);
    rc = write_watched(fd, file, p, n, at);
    if (rc > 0)
        (void)lseek(fd, at + rc, SEEK_SET);
    return rc;
}

int ftruncate(int fd, off_t length)
{
    int rc = -1, file = what_is(fd);
    struct stat st;

    if (!real.ftruncate)
        resolve();
    if (file == 0)
        return real.ftruncate(fd, length);
    power_lock(power.head);
    if (fstat(fd, &st) == 0 && step(length > st.st_size) == 0)
        rc = real.ftruncate(fd, length);
    if (rc == 0 && file != COUNTED)
        note(POWER_TRUNCATE, file, length, NULL, 0);
    power_unlock(power.head);
    return rc;
}

int ftruncate64(int fd, off64_t length)
{
    return ftruncate(fd, length);
}

/* The disk's time passes first, outside the lock: what others write meanwhile is flushed, too. */
static int flush(int fd, int (*how)(int fd))
{
    int file = what_is(fd);

    if (file == 0)
        return how(fd);
    if (power.flush)
        (void)usleep(power.flush);
    power_lock(power.head);
    (void)step(false);
    if (file != COUNTED)
        note(POWER_FLUSH, file == DIRECTORY ? POWER_DIRECTORY : file, 0, NULL, 0);
    power_unlock(power.head);
    return 0;
}

int fsync(int fd)
{
    if (!real.fsync)
        resolve();
    return flush(fd, real.fsync);
}

int fdatasync(int fd)
{
    if (!real.fdatasync)
        resolve();
    return flush(fd, real.fdatasync);
}

int unlink(const char *path)
{
    int rc, kind;

    if (!real.unlink)
        resolve();
    kind = watched(path);
    if (kind == 0)
        return real.unlink(path);
    power_lock(power.head);
    if (access(path, F_OK) == 0)
        (void)step(false);
    rc = real.unlink(path);
    if (rc == 0 && kind != COUNTED && power.head) {
        if (power_file(power.head, base_of(path)))
            power_name(power.head, base_of(path), 0);
        power_note_names(power.head, POWER_UNLINK, 0, base_of(path), NULL);
    }
    power_unlock(power.head);
    return rc;
}

/* Under the lock. */
static void note_rename(const char *from, const char *to)
{
    int file;

    if (!power.head)
        return;
    file = power_file(power.head, from);
    power_name(power.head, from, 0);
    power_name(power.head, to, file);
    power_note_names(power.head, POWER_RENAME, file, from, to);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    int rc;

    if (!real.renameat2)
        resolve();
    if (watched(from) == 0)
        return real.renameat2(from_dir, from, to_dir, to, flags);
    power_lock(power.head);
    (void)step(false);
    rc = real.renameat2(from_dir, from, to_dir, to, flags);
    if (rc == 0)
        note_rename(base_of(from), base_of(to));
    power_unlock(power.head);
    return rc;
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}
