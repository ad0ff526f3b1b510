/* SPDX-License-Identifier: MIT */
/* Room for the worst day. */
#include "db_room.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "db_file.h"

/* Free on the disk: the file may have its size back; the log is to be kept short. */
#define PLENTY (3.0 * DB_ROOM_BYTES)
#define TIGHT  (8.0 * DB_ROOM_BYTES)

struct db_room {
    bool whole; /* the file has its size, as far as we know */
    char path[];
};

struct db_room *db_room_new(const char *database)
{
    size_t n = strlen(database) + sizeof ".room";
    struct db_room *r = calloc(1, sizeof *r + n);

    if (r)
        (void)snprintf(r->path, n, "%s.room", database);
    return r;
}

void db_room_free(struct db_room *r)
{
    free(r);
}

/* What cannot be had now is tried for again the next time. */
static void fill(struct db_room *r)
{
    int fd = open(r->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0660);

    if (fd < 0)
        return;
    db_file_give(fd, r->path);
    r->whole = posix_fallocate(fd, 0, DB_ROOM_BYTES) == 0;
    (void)close(fd);
}

bool db_room_give(struct db_room *r)
{
    struct stat st;

    if (!r)
        return false;
    r->whole = false;
    return lstat(r->path, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
           truncate(r->path, st.st_size > DB_ROOM_STEP ? st.st_size - DB_ROOM_STEP : 0) == 0;
}

/* It is not there yet, or was taken away: what is free where the database is? */
static bool look_beside(struct db_room *r, struct statvfs *fs)
{
    char *dot = r->path + strlen(r->path) - strlen(".room");
    bool known;

    r->whole = false;
    *dot = '\0';
    known = statvfs(r->path, fs) == 0;
    *dot = '.';
    return known;
}

enum db_room_state db_room_look(struct db_room *r, bool refused)
{
    struct statvfs fs;
    double left = TIGHT;

    if (r && (statvfs(r->path, &fs) == 0 || look_beside(r, &fs)))
        left = (double)fs.f_bavail * (double)fs.f_frsize;
    if (refused || left < DB_ROOM_LEAST)
        (void)db_room_give(r);
    if (refused || left < DB_ROOM_LOW_AT)
        return DB_ROOM_LOW;
    if (r && !r->whole && left > PLENTY)
        fill(r);
    return left < TIGHT ? DB_ROOM_TIGHT : DB_ROOM_PLENTY;
}
