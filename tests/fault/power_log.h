/* SPDX-License-Identifier: MIT */
/*
 * What programs did to the files of one directory, in the one order in which they did it: written
 * by pre_power.c, read by power_cut.c. A file that all processes map: the head, then records, each
 * padded to 8 bytes. Whoever has `lock` may change anything; `end` only grows, so that a reader who
 * notes it knows: what is before this place was done by now.
 */
#ifndef AR_POWER_LOG_H
#define AR_POWER_LOG_H

#include <pthread.h>
#include <stdint.h>

enum {
    POWER_NAME = 60,   /* bytes of a file's name, with its NUL */
    POWER_NAMES = 64,  /* files that are there at one time */
    POWER_DATA = 16384 /* where the records begin */
};
#define POWER_SIZE (UINT64_C(4) << 30) /* of the log, which is sparse */

struct power_head {
    uint64_t end;   /* of the records; first, for the tests in Python */
    uint64_t steps; /* operations that were counted, of all processes */
    pthread_mutex_t lock;
    uint32_t files; /* the last number that was given */
    struct {
        char name[POWER_NAME]; /* "": this place is free */
        uint32_t file;
    } names[POWER_NAMES]; /* as the directory is now, flushed or not */
};
_Static_assert(sizeof(struct power_head) <= POWER_DATA, "the head ends before the records");

/* `file` is a number, given when the name is first seen; POWER_DIRECTORY is the directory. */
enum power_kind {
    POWER_CREATE = 1, /* data: the name */
    POWER_FOUND,      /* it was there before the log began; data: the name */
    POWER_WRITE,      /* data, at offset */
    POWER_TRUNCATE,   /* to the length `offset` */
    POWER_FLUSH,      /* all that came before is on the disk */
    POWER_UNLINK,     /* data: the name */
    POWER_RENAME      /* data: the old name, NUL, the new one */
};
enum { POWER_DIRECTORY = 0 };

struct power_record {
    uint32_t kind;
    uint32_t file;
    int64_t offset;
    uint64_t length; /* of the data that follow */
};

/* From one record to the next. */
static inline uint64_t power_step(uint64_t length)
{
    return sizeof(struct power_record) + ((length + 7) & ~UINT64_C(7));
}

#endif
