/* SPDX-License-Identifier: MIT */
/* A prepared statement, as the files of db see it. Nobody else includes this. */
#ifndef AR_DB_STMT_H
#define AR_DB_STMT_H

#include "db.h"

struct sqlite3_stmt;

struct db_stmt {
    struct sqlite3_stmt *st; /* NULL: not prepared yet */
    bool *lost;              /* the connection's: see db_check */
};

#endif
