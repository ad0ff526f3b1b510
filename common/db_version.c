/* SPDX-License-Identifier: MIT */
/* Which SQLite this is. */
#include "db_version.h"

#include <sqlite3.h>

const char *db_sqlite_version(void)
{
    return sqlite3_libversion();
}

bool db_sqlite_has_wal_bug(void)
{
    int v = sqlite3_libversion_number();
    bool fixed = v >= 3051003 || (v >= 3050007 && v < 3051000) || (v >= 3044006 && v < 3045000);

    return v >= 3007000 && !fixed;
}
