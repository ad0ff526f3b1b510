/* SPDX-License-Identifier: MIT */
/* What the files of the layer of checksums share. */
#ifndef AR_DB_SUM_INNER_H
#define AR_DB_SUM_INNER_H

#include <limits.h>
#include <sqlite3.h>
#include <stddef.h>

#include "db_sum.h"
#include "db_sum_vfs.h"

enum { DB_SUM_SALT = 8 }; /* bytes of it in the log's headers */

enum db_sum_state {
    DB_SUM_FRESH, /* nothing is known yet: a new file, which is to have sums */
    DB_SUM_NONE,  /* a database without sums */
    DB_SUM_THERE  /* and for good */
};

/* The number of a lock of the log's index (WAL_WRITE_LOCK and so on in SQLite's wal.c, part of the
 * format: https://www.sqlite.org/walformat.html#the_wal_index_file_format). */
enum { DB_SUM_LOCK_WRITE = 0, DB_SUM_LOCK_CHECKPOINT = 1, DB_SUM_LOCK_RECOVER = 2 };

/* One a connection and file; the connection's thread alone uses it. */
struct db_sum_file {
    sqlite3_file base;        /* first: this is what SQLite sees */
    sqlite3_file *real;       /* the file itself, behind this struct */
    struct db_sum_file *main; /* of a log: its database's file, maybe NULL; of a database: NULL */
    struct db_sum_file *log;  /* of a database: its log, while it is open */
    const char *name;         /* SQLite's, lives as long */
    enum db_sum_state state;  /* of a database, as the rest here */
    bool summed;              /* pages were written with sums while it was FRESH */
    bool lenient;
    bool writing;     /* this connection has SQLite's lock of the one writer */
    bool keeps_off;   /* others from writing the log's pages into the file (db_sum_lock.c) */
    int mark_fd;      /* of a database: the file of its mark; -1: not open yet */
    int64_t own_from; /* of a log, as the next: from here on it is what this transaction writes, */
    int64_t end;      /* up to here */
    int page_size;    /* of the page that was written last; 0: none yet */
    int64_t must;     /* while the index is made anew: what is before this was committed, */
    unsigned char salt[DB_SUM_SALT]; /* with this salt */
    bool commits;                    /* the frame written last ends a transaction */
    unsigned char *gathered;         /* of a log, maybe NULL: what is still to be written of it, */
    size_t gathered_n;               /* so many bytes, */
    int64_t gathered_at;             /* to this place of the file (db_sum_log.c) */
    int gathered_rc;                 /* SQLite's code, once that has failed in this transaction */
    int64_t tail;                    /* behind all that this transaction has written */
    unsigned char *room;             /* for a frame of `room_size` bytes at most */
    size_t room_size;
    uint32_t told_page; /* of which a line of the log told last, */
    int64_t told_at;    /* at this time (clock_mono) */
};

/* Room for a frame with a page of `size` bytes; NULL: no memory. */
unsigned char *db_sum_room(struct db_sum_file *f, size_t size);

/* Is it the whole of a page? */
bool db_sum_is_page(int amount, sqlite3_int64 offset);

/* A page, or a frame of the log, is not as it was written: a line of our log, and the code for
 * SQLite. */
int db_sum_wrong(struct db_sum_file *f, uint32_t page, const char *what);

/* db_sum_log.c: the methods of a log's file. */
int db_sum_log_read(sqlite3_file *file, void *to, int amount, sqlite3_int64 offset);
int db_sum_log_write(sqlite3_file *file, const void *from, int amount, sqlite3_int64 offset);
int db_sum_log_sync(sqlite3_file *file, int flags);
int db_sum_log_truncate(sqlite3_file *file, sqlite3_int64 size);
int db_sum_log_size(sqlite3_file *file, sqlite3_int64 *size);
/* A transaction begins, or has ended: what was not written of it is forgotten. */
void db_sum_log_begin(struct db_sum_file *log);
/* For any file. */
void db_sum_log_close(struct db_sum_file *f);

/* Number `frame` of the log, its pages being of `size` bytes, into db_sum_room, and is it right?
 * SQLITE_OK, SQLITE_IOERR_DATA, or another error of reading. */
int db_sum_read_frame(struct db_sum_file *log, size_t size, uint32_t frame);

/* Reads page 1's head, where it is one, as it stands in the file. */
void db_sum_note_head(struct db_sum_file *f, const void *head);

/* db_sum_mark.c. Before the first write of a transaction to the log, at this offset: SQLITE_OK, or
 * the mark could not be read or taken back, and nothing may be written: SQLITE_CANTOPEN,
 * SQLITE_IOERR_READ, SQLITE_IOERR_WRITE or SQLITE_FULL. After each. After a flush. */
int db_sum_mark_before(struct db_sum_file *log, sqlite3_int64 offset);
void db_sum_mark_wrote(struct db_sum_file *log, const void *from, int amount, sqlite3_int64 offset);
void db_sum_mark_flushed(struct db_sum_file *log);
/* When the index is made anew, the log's header, and then each whole frame in order: SQLITE_OK, or
 * SQLITE_IOERR_DATA: it was committed, and is not as it was written; or the mark could not be read,
 * SQLITE_CANTOPEN or SQLITE_IOERR_READ. */
int db_sum_mark_check_head(struct db_sum_file *log, const void *head);
int db_sum_mark_check_frame(struct db_sum_file *log, const void *frame, int amount,
                            sqlite3_int64 offset);
/* Of a database that is closed. */
void db_sum_mark_close(struct db_sum_file *main);

/* xShmLock and xShmUnmap of a database. */
int db_sum_shm_lock(sqlite3_file *file, int first, int count, int flags);
int db_sum_shm_unmap(sqlite3_file *file, int remove);

#endif
