/* SPDX-License-Identifier: MIT */
/* The database's file: may it lie where it does, and making it. */
#include "db_file.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

/* WAL needs shared memory between all users of the file, which network file systems do not give. */
int db_file_check(const char *path, struct err *e)
{
    static const struct {
        unsigned long magic;
        const char *name;
    } network[] = {
        {0x6969, "NFS"},     {0x517B, "SMB"},      {0xFF534D42, "CIFS"}, {0xFE534D42, "SMB2"},
        {0x5346414F, "AFS"}, {0x73757245, "Coda"}, {0x00C36400, "Ceph"},
    };
    char copy[PATH_MAX];
    struct statfs fs;
    size_t i;

    (void)snprintf(copy, sizeof copy, "%s", path);
    if (statfs(dirname(copy), &fs) != 0)
        return err_errno(e, ERR_UNAVAILABLE, "the directory of the database %s", path);
    for (i = 0; i < ARRAY_LEN(network); i++) {
        if ((unsigned long)(unsigned)fs.f_type == network[i].magic)
            return err_set(e, ERR_UNAVAILABLE,
                           "the database %s lies on a network file system (%s), where SQLite's WAL "
                           "does not work",
                           path, network[i].name);
    }
    return 0;
}

/* Makes the file with our mode. Nobody can have it open when O_EXCL makes it, so closing it takes
 * away nobody's POSIX locks. */
int db_file_make(const char *path, struct err *e)
{
    int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0660);

    if (fd >= 0 && close(fd) == 0)
        return 0;
    return errno == EEXIST ? 0 : err_errno(e, ERR_UNAVAILABLE, "cannot make the database %s", path);
}

void db_file_give(int fd, const char *path)
{
    const char *dot = strrchr(path, '.');
    char database[PATH_MAX];
    struct stat st;

    if (geteuid() != 0 || fstat(fd, &st) != 0 || st.st_size != 0 || st.st_nlink != 1 || !dot)
        return;
    (void)snprintf(database, sizeof database, "%.*s", (int)(dot - path), path);
    if (stat(database, &st) == 0)
        (void)!fchown(fd, st.st_uid, st.st_gid);
}
