/* SPDX-License-Identifier: MIT */
/*
 * Room for the worst day: a file beside the database, <database>.room, that does nothing but take
 * up space. When the disk is full it is cut shorter step by step, so that jobs can still be
 * cancelled, finished and called for; when there is space again it gets its size back. Files of
 * SQLite's are not touched. Only db.c uses this, with the writers' lock held.
 */
#ifndef AR_DB_ROOM_H
#define AR_DB_ROOM_H

#include "base.h"

enum {
    DB_ROOM_BYTES = 4 << 20,
    DB_ROOM_STEP = 1 << 20,
    DB_ROOM_LOW_AT = 2 << 20, /* free on the disk: what there is is for what must be written */
    DB_ROOM_LEAST = 1 << 19   /* the same: below it a step is given */
};

struct db_room;

/* For the database with that path. NULL without memory; db_room_free. */
struct db_room *db_room_new(const char *database);
void db_room_free(struct db_room *r);

/* Before a transaction: how is the disk? LOW: full, or nearly so, or `refused`: something was told
 * so. Where that little is left a step was given, if there was one left. TIGHT: what is in the log
 * should not wait long for its place in the file, for which there may be none later. NULL is fine.
 */
enum db_room_state { DB_ROOM_PLENTY, DB_ROOM_TIGHT, DB_ROOM_LOW };
enum db_room_state db_room_look(struct db_room *r, bool refused);

/* One step more. False: nothing is left. */
bool db_room_give(struct db_room *r);

#endif
