/* SPDX-License-Identifier: MIT */
/* A file that is there as a whole or not at all. */
#include "part.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* Between opening and locking, its name may have become that of the whole file, or of nothing. */
static bool is_still_there(const struct part *p)
{
    struct stat a, b;

    return fstat(p->fd, &a) == 0 && lstat(p->path, &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino;
}

/* What SQLite may have put beside it. */
static void drop_journal(const struct part *p)
{
    char path[PATH_MAX + 16];

    (void)snprintf(path, sizeof path, "%s-journal", p->path);
    (void)unlink(path);
}

static int begin(struct part *p, struct err *e)
{
    struct stat st;

    if (fstat(p->fd, &st) != 0)
        return err_errno(e, ERR_UNAVAILABLE, "%s", p->path);
    if (!S_ISREG(st.st_mode) || st.st_uid != geteuid())
        return err_set(e, ERR_UNAVAILABLE, "%s is there, and is no file of ours", p->path);
    p->taken = st.st_size > 0;
    if (fchmod(p->fd, 0600) != 0 || ftruncate(p->fd, 0) != 0) {
        (void)err_errno(e, ERR_UNAVAILABLE, "%s", p->path);
        (void)unlink(p->path);
        return -1;
    }
    drop_journal(p);
    return 0;
}

int part_open(const char *name, struct part *p, struct err *e)
{
    *p = (struct part){.fd = -1};
    if (snprintf(p->name, sizeof p->name, "%s", name) >= PATH_MAX ||
        snprintf(p->path, sizeof p->path, "%s.part", name) >= PATH_MAX - 8)
        return err_set(e, ERR_INVALID, "the name of the file is too long");
    do {
        part_drop(&(struct part){.fd = p->fd});
        p->fd = open(p->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600);
        if (p->fd < 0)
            return err_errno(e, ERR_UNAVAILABLE, "cannot write %s", p->path);
        if (flock(p->fd, LOCK_EX | LOCK_NB) != 0) {
            (void)(errno == EWOULDBLOCK
                       ? err_set(e, ERR_UNAVAILABLE, "another program is writing %s", p->path)
                       : err_errno(e, ERR_UNAVAILABLE, "cannot lock %s", p->path));
            goto failed;
        }
    } while (!is_still_there(p));
    if (begin(p, e) == 0)
        return 0;

failed:
    (void)close(p->fd);
    p->fd = -1;
    return -1;
}

static int flush_directory(const struct part *p, struct err *e)
{
    char copy[PATH_MAX];
    int fd, rc;

    (void)snprintf(copy, sizeof copy, "%s", p->name);
    fd = open(dirname(copy), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    rc = fd >= 0 ? fsync(fd) : -1;
    if (rc != 0)
        (void)err_errno(e, ERR_UNAVAILABLE, "%s is there, but its directory cannot be flushed",
                        p->name);
    if (fd >= 0)
        (void)close(fd);
    return rc;
}

static int give_name(const struct part *p, bool replace)
{
    if (replace)
        return rename(p->path, p->name);
    if (renameat2(AT_FDCWD, p->path, AT_FDCWD, p->name, RENAME_NOREPLACE) == 0)
        return 0;
    if (errno != EINVAL && errno != ENOSYS)
        return -1;
    if (access(p->name, F_OK) == 0) { /* a file system that does not know how: nearly as good */
        errno = EEXIST;
        return -1;
    }
    return rename(p->path, p->name);
}

int part_keep(struct part *p, bool replace, struct err *e)
{
    if (fsync(p->fd) != 0)
        return err_errno(e, ERR_UNAVAILABLE, "%s cannot be flushed to the disk", p->path);
    if (give_name(p, replace) != 0)
        return errno == EEXIST ? err_set(e, ERR_PRECONDITION_FAILED, "%s exists", p->name)
                               : err_errno(e, ERR_UNAVAILABLE, "cannot rename %s", p->path);
    (void)close(p->fd);
    p->fd = -1;
    return flush_directory(p, e);
}

void part_drop(struct part *p)
{
    if (p->fd < 0)
        return;
    if (p->path[0] != '\0') {
        (void)unlink(p->path);
        drop_journal(p);
    }
    (void)close(p->fd);
    p->fd = -1;
}

int64_t part_size(const struct part *p)
{
    struct stat st;

    return fstat(p->fd, &st) == 0 ? (int64_t)st.st_size : 0;
}
