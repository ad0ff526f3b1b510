/* SPDX-License-Identifier: MIT */
/*
 * The file of counted numbers: finding it, making it, mapping it.
 *
 * A file is made under another name, <path>.new, whose lock its maker holds, and renamed when it is
 * whole. Whoever waited for the lock sees that the name is gone, and begins again. So a file with
 * the right name is always whole, two makers never put one file in place of the other's, and what a
 * running program of another version has mapped is never cut short under it. All its blocks are
 * there before it is mapped: a disk that is full later is no SIGBUS. When somebody else cuts the
 * file short, it is one: then memory of the process takes the place of the mapping.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lock.h"
#include "stats_inner.h"

enum { TRIES = 8 };
#define LOCK_WAIT (2 * NS_PER_S)

/* ---- a file that is cut short ---- */

/* A signal's handler is the process's, and is told nothing but an address: so what is mapped stands
 * here. More of them than there is room for are not guarded. */
enum { GUARDED_MAX = 16 };
static _Atomic(struct stats_file *) guarded[GUARDED_MAX];
static atomic_bool cut;

static struct stats_file *guarded_at(const char *address)
{
    struct stats_file *f;
    size_t i;

    for (i = 0; i < GUARDED_MAX; i++) {
        f = atomic_load(&guarded[i]);
        if (f && address >= (const char *)f && address < (const char *)f + sizeof *f)
            return f;
    }
    return NULL;
}

/* The access is tried again after it. One that is none of ours ends the process then, as ever. */
static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int before = errno;
    struct stats_file *f = guarded_at(info->si_addr);

    (void)context;
    if (f && mmap(f, sizeof *f, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1,
                  0) != MAP_FAILED)
        atomic_store(&cut, true);
    else
        (void)signal(number, SIG_DFL);
    errno = before;
}

static void install(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_RESTART};

    (void)sigemptyset(&action.sa_mask);
    (void)sigaction(SIGBUS, &action, NULL);
}

static void guard(struct stats_file *f)
{
    struct stats_file *none;
    size_t i;

    install();
    for (i = 0; i < GUARDED_MAX; i++) {
        none = NULL;
        if (atomic_compare_exchange_strong(&guarded[i], &none, f))
            return;
    }
}

static void let_go(struct stats_file *f)
{
    struct stats_file *same;
    size_t i;

    for (i = 0; i < GUARDED_MAX; i++) {
        same = f;
        (void)atomic_compare_exchange_strong(&guarded[i], &same, NULL);
    }
}

bool stats_file_was_cut(void)
{
    return atomic_load_explicit(&cut, memory_order_relaxed) && atomic_exchange(&cut, false);
}

/* ---- mapping ---- */

static void set_head(struct stats_file *f)
{
    f->magic = STATS_MAGIC;
    f->version = STATS_VERSION;
    f->size = sizeof *f;
    f->since = clock_now();
}

static struct stats_file *map(int fd)
{
    void *p = mmap(NULL, sizeof(struct stats_file), PROT_READ | PROT_WRITE,
                   fd < 0 ? MAP_PRIVATE | MAP_ANONYMOUS : MAP_SHARED, fd, 0);

    if (p == MAP_FAILED)
        return NULL;
    if (fd >= 0)
        guard(p);
    return p;
}

void stats_file_unmap(struct stats_file *f)
{
    if (!f)
        return;
    let_go(f);
    (void)munmap(f, sizeof *f);
}

static struct stats_id id_of(const struct stat *st)
{
    return (struct stats_id){st->st_dev, st->st_ino};
}

/* 1, *f and *id; 0: there is none that is good; -1 and *e: it can't be had. */
static int map_good(const char *path, struct stats_file **f, struct stats_id *id, struct err *e)
{
    int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;

    *f = NULL;
    if (fd < 0)
        return errno == ENOENT ? 0 : err_errno(e, ERR_UNAVAILABLE, "cannot open %s", path);
    if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size == sizeof **f) {
        *f = map(fd);
        if (!*f)
            (void)err_errno(e, ERR_UNAVAILABLE, "cannot map %s", path);
        (void)close(fd);
        if (!*f)
            return -1;
        if ((*f)->magic == STATS_MAGIC && (*f)->version == STATS_VERSION &&
            (*f)->size == sizeof **f) {
            *id = id_of(&st);
            return 1;
        }
        stats_file_unmap(*f);
        *f = NULL;
        return 0;
    }
    (void)close(fd);
    return 0;
}

/* Is the name still the file's that we have? */
static bool is_ours(const char *name, int fd)
{
    struct stat a, b;

    return stat(name, &a) == 0 && fstat(fd, &b) == 0 && a.st_ino == b.st_ino &&
           a.st_dev == b.st_dev;
}

/* Fills the new file, which nobody else touches, and gives it its name. 0, or -1 and *e. */
static int fill(const char *name, int fd, const char *path, struct err *e)
{
    struct stats_file *f;
    int rc;

    if (ftruncate(fd, 0) != 0)
        return err_errno(e, ERR_UNAVAILABLE, "cannot make %s", path);
    rc = posix_fallocate(fd, 0, sizeof *f);
    if (rc != 0) {
        errno = rc;
        return err_errno(e, ERR_UNAVAILABLE, "cannot make %s", path);
    }
    f = map(fd);
    if (!f)
        return err_errno(e, ERR_UNAVAILABLE, "cannot map %s", path);
    set_head(f);
    stats_file_unmap(f);
    if (rename(name, path) != 0)
        return err_errno(e, ERR_UNAVAILABLE, "cannot make %s", path);
    return 0;
}

/* Under the lock of the new file. 0: look again, or -1 and *e. */
static int make_locked(const char *name, int fd, const char *path, struct err *e)
{
    struct stats_file *f;
    struct stats_id id;
    int rc;

    if (!is_ours(name, fd))
        return 0; /* it has the right name by now */
    rc = map_good(path, &f, &id, e);
    stats_file_unmap(f);
    if (rc == 0)
        rc = fill(name, fd, path, e);
    else if (rc == 1)
        rc = 0;
    if (is_ours(name, fd))
        (void)unlink(name);
    return rc;
}

static int make(const char *name, const char *path, struct err *e)
{
    int fd, rc;

    if (lock_open(name, &fd, e) != 0)
        return -1;
    rc = lock_take(fd, clock_mono() + LOCK_WAIT, e);
    if (rc == 0)
        rc = err_set(e, ERR_UNAVAILABLE, "somebody else has been making %s for too long", path);
    else if (rc == 1)
        rc = make_locked(name, fd, path, e);
    (void)close(fd);
    return rc;
}

struct stats_file *stats_file_map(const char *path, struct stats_id *id, struct err *e)
{
    struct stats_file *f;

    if (map_good(path, &f, id, e) == 0)
        (void)err_set(e, ERR_UNAVAILABLE, "%s is not there, or no file of this version", path);
    return f;
}

struct stats_file *stats_file_make(const char *path, struct stats_id *id, struct err *e)
{
    struct buf name = BUF_INIT(8192);
    struct stats_file *f = NULL;
    int rc = 0, i;

    buf_printf(&name, "%s.new", path);
    if (buf_check(&name, "the path", e) != 0)
        rc = -1;
    for (i = 0; rc == 0 && i < TRIES; i++) {
        rc = map_good(path, &f, id, e);
        if (rc == 0)
            rc = make(name.data, path, e);
    }
    if (rc == 0)
        (void)err_set(e, ERR_UNAVAILABLE, "%s is made anew again and again", path);
    buf_free(&name);
    return f;
}

struct stats_file *stats_file_other(const char *path, struct stats_id *id)
{
    struct stats_file *f;
    struct stat st;
    struct err e;

    if (lstat(path, &st) != 0 || st.st_size != sizeof *f ||
        (st.st_dev == id->device && st.st_ino == id->inode))
        return NULL;
    return map_good(path, &f, id, &e) == 1 ? f : NULL;
}

struct stats_file *stats_file_memory(void)
{
    struct stats_file *f = map(-1);

    if (f)
        set_head(f);
    return f;
}
