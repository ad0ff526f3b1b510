/* SPDX-License-Identifier: MIT */
/*
 * The three statements that begin and end a write transaction, prepared while there is memory: one
 * that could not be rolled back would stay open, with the database locked for everybody. Only db.c
 * uses this.
 */
#ifndef AR_DB_TURN_H
#define AR_DB_TURN_H

#include "err.h"

struct sqlite3;
struct sqlite3_stmt;

struct db_turn {
    struct sqlite3_stmt *begin, *commit, *rollback; /* NULL: not prepared */
};

/* Each of them returns SQLite's code. */
int db_turn_open(struct sqlite3 *handle, struct db_turn *t) AR_MUST_CHECK;
void db_turn_close(struct db_turn *t);

/* BEGIN IMMEDIATE. A transaction that an earlier rollback left open is ended first. */
int db_turn_begin(struct sqlite3 *handle, struct db_turn *t) AR_MUST_CHECK;
int db_turn_commit(struct db_turn *t) AR_MUST_CHECK;
/* Did the last call fail for want of space: of the disk, a quota, or a limit on the size of files?
 * Nothing is committed then: a frame of the WAL that found no room was not written. */
bool db_turn_found_no_room(struct sqlite3 *handle);

/* What a failure with this code of SQLite's is. */
enum err_code db_turn_code(int rc);

/* Nothing is done where SQLite has rolled back by itself already. */
void db_turn_rollback(struct sqlite3 *handle, struct db_turn *t);

#endif
