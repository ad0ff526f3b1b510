/* SPDX-License-Identifier: MIT */
/* Which SQLite this is. */
#ifndef AR_DB_VERSION_H
#define AR_DB_VERSION_H

#include "base.h"

/* SQLite's version, and does it have the WAL-reset bug? */
const char *db_sqlite_version(void);
bool db_sqlite_has_wal_bug(void);

#endif
