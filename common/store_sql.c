/* SPDX-License-Identifier: MIT */
/*
 * Every statement, by number: the tables of the areas are joined here. A statement that is meant to
 * scan a table or to sort says so in a comment of its own ("scan: <table>, <why>"); test_store_sql
 * fails on any other one that does.
 */
#include "store_sql_inner.h"

static const char *const frame[SQL_NAMES] = {
    [SQL_SAVEPOINT] = "SAVEPOINT request",
    [SQL_RELEASE] = "RELEASE request",
    [SQL_UNDO] = "ROLLBACK TO request",
    [SQL_READ_BEGIN] = "BEGIN",
    [SQL_READ_END] = "COMMIT",
    [SQL_VERSION] = "PRAGMA user_version",
    [SQL_INSTANCE] = "SELECT name FROM instance /* scan: instance, it has one row */",
};

static const char *const *const areas[] = {
    frame,          store_sql_queue, store_sql_job, store_sql_delivery, store_sql_reading,
    store_sql_keep, store_sql_clock,
};

const char *store_sql(size_t number)
{
    size_t i;

    for (i = 0; i < ARRAY_LEN(areas); i++)
        if (areas[i][number])
            return areas[i][number];
    return NULL;
}
