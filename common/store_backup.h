/* SPDX-License-Identifier: MIT */
/* The store: a copy of the whole database, as of one moment, while everybody goes on working. */
#ifndef AR_STORE_BACKUP_H
#define AR_STORE_BACKUP_H

#include "conf.h"

enum store_backup_step { STORE_BACKUP_COPIES, STORE_BACKUP_CHECKS };

struct store_backup {
    const char *file;
    bool replace; /* a file of that name goes; else it is ERR_PRECONDITION_FAILED */
    /* Called now and then: the bytes of the copy, and about how many they will be. False: stop. */
    bool (*watch)(void *ctx, enum store_backup_step step, int64_t done, int64_t all);
    void *ctx;
};

struct store_backed_up {
    int64_t bytes, version, jobs;
    bool taken; /* the remains of a backup that was killed were there, and are gone */
};

/* The statement that makes a database one that was copied: it gets a new name (store_instance) when
 * it is first opened for writing. Of whatever version. */
extern const char *const store_name_copy;

/* Copies the configuration's database, of whatever version, into b->file: mode 0600, one file
 * without a WAL, checked, and on the disk when this returns. It has its name only then; a failure
 * or a kill leaves what was there (part.h). 0 and *done, or -1: ERR_FORBIDDEN when b->file is a
 * file of a database in use, ERR_NOT_FOUND without a database, ERR_PRECONDITION_FAILED,
 * ERR_STORAGE_FULL, ERR_UNAVAILABLE. */
int store_backup(const struct conf *conf, const struct store_backup *b,
                 struct store_backed_up *done, struct err *e) AR_MUST_CHECK;

#endif
