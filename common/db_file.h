/* SPDX-License-Identifier: MIT */
/* The database's file, before SQLite opens it. */
#ifndef AR_DB_FILE_H
#define AR_DB_FILE_H

#include "err.h"

/* Does SQLite's WAL work in the file's directory? 0, or -1: ERR_UNAVAILABLE for a network file
 * system, or a directory that cannot be asked. */
int db_file_check(const char *path, struct err *e) AR_MUST_CHECK;

/* Makes the file, empty, with our mode, unless it is there. 0, or -1: ERR_UNAVAILABLE. */
int db_file_make(const char *path, struct err *e) AR_MUST_CHECK;

/* `fd` is the file `path`, which is the database's name with an ending (".mark"), opened for
 * writing: where root has just made it, it is given to whom the database belongs, as SQLite does
 * with the log. */
void db_file_give(int fd, const char *path);

#endif
