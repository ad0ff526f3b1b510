/* SPDX-License-Identifier: MIT */
/* Whole files, and private ones that are kept between runs: written under another name first, so
 * that nobody ever reads half of one. */
#include "files.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

enum { READ_BYTES = 65536 };

static int read_all(int fd, struct buf *b)
{
    ssize_t n = 1;
    size_t room;

    while (n != 0) {
        room = b->max - b->len < READ_BYTES ? b->max - b->len : READ_BYTES;
        if (room == 0 || !buf_room(b, room)) {
            errno = room == 0 ? EFBIG : ENOMEM;
            return -1;
        }
        n = read(fd, b->data + b->len, room);
        if (n < 0 && errno != EINTR)
            return -1;
        b->len += n > 0 ? (size_t)n : 0;
        b->data[b->len] = '\0';
    }
    return 0;
}

int files_read(const char *path, struct buf *b, struct err *e)
{
    /* Non-blocking: a FIFO is empty rather than waited for. */
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), failed;

    if (fd < 0)
        return err_errno(e, ERR_CONFIG, "%s", path);
    failed = read_all(fd, b);
    if (failed)
        (void)err_errno(e, ERR_CONFIG, "%s", path);
    (void)close(fd); /* nothing was written */
    return failed;
}

/* Is the open file one that may hold secrets? */
static int check_private(int fd, const char *path, struct err *e)
{
    struct stat st;

    if (fstat(fd, &st) != 0)
        return err_errno(e, ERR_CONFIG, "%s", path);
    if (!S_ISREG(st.st_mode))
        return err_set(e, ERR_CONFIG, "%s: is no ordinary file", path);
    if (st.st_mode & (S_IRWXO | S_IWGRP))
        return err_set(e, ERR_CONFIG,
                       "%s: holds secrets, and others may use it (mode %04o): chmod 0640 or 0600",
                       path, (unsigned)(st.st_mode & 07777));
    return 0;
}

int files_secret(const char *path, struct buf *b, struct err *e)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK), failed;

    if (fd < 0)
        return err_errno(e, ERR_CONFIG, "%s", path);
    failed = check_private(fd, path, e);
    if (!failed && read_all(fd, b) != 0)
        failed = err_errno(e, ERR_CONFIG, "%s", path);
    (void)close(fd); /* nothing was written */
    return failed;
}

bool files_kept(const char *path, struct buf *b)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    struct stat st;
    bool good;

    if (fd < 0)
        return false;
    good = fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_uid == geteuid() &&
           (st.st_mode & (S_IRWXG | S_IRWXO)) == 0 && read_all(fd, b) == 0;
    (void)close(fd); /* nothing was written */
    return good;
}

static int write_all(int fd, struct str text)
{
    ssize_t n;

    while (text.n > 0) {
        n = write(fd, text.p, text.n);
        if (n < 0 && errno != EINTR)
            return -1;
        text.p += n > 0 ? n : 0;
        text.n -= n > 0 ? (size_t)n : 0;
    }
    return 0;
}

int files_keep(const char *path, struct str text, struct err *e)
{
    struct buf other = BUF_INIT(8192);
    int fd, failed = -1;

    buf_printf(&other, "%s.XXXXXX", path);
    if (buf_check(&other, "a path", e) != 0) {
        buf_free(&other);
        return -1;
    }
    fd = mkostemp(other.data, O_CLOEXEC); /* a new file, 0600 */
    if (fd >= 0) {
        failed = write_all(fd, text);
        failed = close(fd) != 0 || failed || rename(other.data, path) != 0 ? -1 : 0;
    }
    if (failed)
        (void)err_errno(e, ERR_UNAVAILABLE, "cannot write %s", path);
    if (failed && fd >= 0)
        (void)unlink(other.data);
    buf_free(&other);
    return failed;
}

bool files_is_pem(struct str path)
{
    return path.n && (memchr(path.p, '\n', path.n) || memmem(path.p, path.n, "-----BEGIN", 10));
}

void files_wipe(struct buf *b)
{
    if (b->data)
        explicit_bzero(b->data, b->cap);
    buf_free(b);
}
