/* SPDX-License-Identifier: MIT */
/* The schema and its versions: numbered .sql files in common/schema/, embedded at build,
 * append-only. PRAGMA user_version says how many a file has had. */
#ifndef AR_MIGRATE_H
#define AR_MIGRATE_H

#include "db.h"

/* "Ante": marks a file as ours, see PRAGMA application_id. */
enum { MIGRATE_APPLICATION_ID = 0x416e7465 };

/* The steps, in order; step i makes version i + 1 (schema.c, made by common/schema/embed.sh). */
extern const char *const migrate_steps[];
extern const int migrate_count;

/* Brings a database that has just been opened for writing, and so has the writers' lock, to this
 * program's version, in one transaction in which the version is read. 0, or -1: ERR_UNAVAILABLE for
 * a newer database and for a file that is no database of Anteroom; the file is then as it was. A
 * file that cannot give space back or has no checksums is first made so (db_space.h), where that
 * can be done; of the checksums that is tried whenever one is opened. */
int migrate_run(struct db *db, int64_t wait, struct err *e) AR_MUST_CHECK;

/* Is it Anteroom's, and of a version that this program knows? 0 and *version, or -1 and a sentence.
 */
int migrate_known(struct db *db, int64_t *version, struct err *e) AR_MUST_CHECK;

/* Is it exactly of this program's version? 0, or -1 and a sentence that says what to do. */
int migrate_check(struct db *db, struct err *e) AR_MUST_CHECK;

/* Sets the sentence for a program that has a database open which another one has brought to this
 * version since. -1. */
int migrate_outgrown(int64_t version, struct err *e) AR_MUST_CHECK;

#endif
