/* SPDX-License-Identifier: MIT */
/*
 * A database file that is looked at as it is, and copied: whatever its version, in use or not,
 * sound or not. Nobody is kept from writing, and nothing is written to it, but that SQLite brings
 * in order what a killed program has left. What is read between db_look_begin and _end is of one
 * moment. One thread at a time.
 */
#ifndef AR_DB_LOOK_H
#define AR_DB_LOOK_H

#include "db_sum_vfs.h"

struct db_look;

/* 0 and *l (db_look_close), or -1: ERR_NOT_FOUND for a file that is not there, ERR_UNAVAILABLE. On
 * a network file system only a file that nobody has in use (no WAL) can be read. */
int db_look_open(const char *path, struct db_look **l, struct err *e) AR_MUST_CHECK;
void db_look_close(struct db_look *l);

/* fn is called now and then while a statement runs; false: it is to end, with ERR_UNAVAILABLE. */
typedef bool db_look_fn(void *ctx);
void db_look_watch(struct db_look *l, db_look_fn *fn, void *ctx);

int db_look_begin(struct db_look *l, struct err *e) AR_MUST_CHECK;
void db_look_end(struct db_look *l);

/* The number that a query gives. */
int db_look_number(struct db_look *l, const char *sql, int64_t *v, struct err *e) AR_MUST_CHECK;

/* Runs a query, ?1 being `arg` where it has one, and calls fn with the first four columns of each
 * row as text (absent: NULL, or no such column), which hold during the call. fn returns 0 to go on,
 * -1 and *e. */
enum { DB_LOOK_COLUMNS = 4 };
typedef int db_look_row_fn(void *ctx, const struct str column[DB_LOOK_COLUMNS], struct err *e);
int db_look_rows(struct db_look *l, const char *sql, int64_t arg, db_look_row_fn *fn, void *ctx,
                 struct err *e) AR_MUST_CHECK;

/* Was the last failure the file's: damaged, or no database at all? */
bool db_look_broken(const struct db_look *l);
/* The same: it does not fit the file, which has no such table or column. */
bool db_look_unfit(const struct db_look *l);

/* Do its pages have checksums? */
bool db_look_has_sums(const struct db_look *l);
/* Holds every page of file and log against its checksum; fn as in db_sum_scan. Between _begin and
 * _end. */
int db_look_scan(struct db_look *l, db_sum_fault_fn *fn, void *ctx, struct err *e) AR_MUST_CHECK;
/* Pages of the file are read as they are, right or wrong. */
void db_look_lenient(struct db_look *l, bool lenient);
/* Writes the whole file anew, every page with its checksum, whatever it had. It takes room for a
 * copy. The caller has the writers' lock, where there is one. 0, or -1 and *e: it is as it was. Of
 * a file without checksums nobody else may have it open. Not between _begin and _end. */
int db_look_renew(struct db_look *l, struct err *e) AR_MUST_CHECK;

/* A compact copy of what the file has at this moment, with checksums, into a file that is empty or
 * not there. It is not flushed to the disk. Not between _begin and _end. */
int db_look_copy(struct db_look *l, const char *to, struct err *e) AR_MUST_CHECK;

/* Runs a statement on a file that nobody else has: with no journal beside it, and not flushed to
 * the disk. Who is killed in it leaves a file that is good for nothing. */
int db_look_change(struct db_look *l, const char *sql, struct err *e) AR_MUST_CHECK;

#endif
